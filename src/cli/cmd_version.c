/* airs version */
#include <stdio.h>

#include "cli/cli_options.h"
#include "cli/cli_verbs.h"

int
cmd_version(int argc, char **argv)
{
    bool json = false;
    static const char help[] = "Prints the version of this program.\n";
    struct cli_command command = {
        .verb = "version",
        .operands = "",
        .help = help,
        .example = "  airs version --json\n",
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;
    printf(json ? "{\"name\":\"airs\",\"version\":\"%s\"}\n" : "airs %s\n", AIRS_VERSION);
    return CLI_DONE;
}
