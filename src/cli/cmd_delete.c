/* airs delete PATH */
#include "cli/cli_verbs.h"
#include "cli/verb_request.h"

int
cmd_delete(int argc, char **argv)
{
    static const char help[] =
        "Stops a child, with all below it, and forgets it: nothing brings it back until the next\n"
        "'airs up'. Its log stays. PATH of a 'count', without '#': all its members, and its "
        "name.\n";
    return verb_request("delete", help, "  airs delete /web/front\n", argc, argv);
}
