/* airs reset PATH */
#include "cli/cli_verbs.h"
#include "cli/verb_request.h"

int
cmd_reset(int argc, char **argv)
{
    static const char help[] =
        "Clears a child's restarts and delay, so that its budget is whole again. A failed child\n"
        "becomes stopped; nothing is started.\n";
    return verb_request("reset", help, "  airs reset /web/front\n  airs start /web/front\n", argc,
                        argv);
}
