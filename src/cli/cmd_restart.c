/* airs restart PATH */
#include "cli/cli_verbs.h"
#include "cli/verb_request.h"

int
cmd_restart(int argc, char **argv)
{
    static const char help[] =
        "Stops a child and starts it again, without delay and without counting as a restart\n"
        "of its budget. Asks, and does not wait: see `airs wait`.\n";
    return verb_request("restart", help, "  airs restart /web/front\n", argc, argv);
}
