/* airs stop PATH */
#include "cli/cli_verbs.h"
#include "cli/verb_request.h"

int
cmd_stop(int argc, char **argv)
{
    static const char help[] =
        "Stops a child; it stays stopped until it is started again. A supervisor's path stops\n"
        "all that is below it. Asks, and does not wait: see `airs wait`.\n";
    return verb_request("stop", help,
                        "  airs stop /web/front\n  airs wait /web/front --state stopped\n", argc,
                        argv);
}
