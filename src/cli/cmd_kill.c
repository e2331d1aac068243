/* airs kill PATH */
#include "cli/cli_verbs.h"
#include "cli/verb_request.h"

int
cmd_kill(int argc, char **argv)
{
    static const char help[] =
        "Ends a child's instance at once. That counts as a crash: the child's policy decides\n"
        "what comes next. To end it for good: airs stop.\n";
    return verb_request("kill", help, "  airs kill /web/front\n", argc, argv);
}
