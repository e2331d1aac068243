/* airs start PATH */
#include "cli/cli_verbs.h"
#include "cli/verb_request.h"

int
cmd_start(int argc, char **argv)
{
    static const char help[] =
        "Starts a child that is stopped or failed, with an empty budget; one that waits for its\n"
        "restart starts at once. A supervisor's path starts all that is below it.\n";
    return verb_request("start", help, "  airs start /web/front\n", argc, argv);
}
