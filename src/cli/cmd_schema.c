/* airs schema */
#include <stdio.h>

#include "base/buffer.h"
#include "cli/cli_options.h"
#include "cli/cli_verbs.h"
#include "cli/text.h"
#include "manifest/schema_json.h"

static const char help[] =
    "Prints the JSON Schema (draft 2020-12) of manifests, for editors that complete and check\n"
    "them. Exit reasons and trap codes are listed under $defs.\n";
static const char example[] = "  airs schema > airs.schema.json\n"
                              "  # then, as the first line of airs.yaml:\n"
                              "  # yaml-language-server: $schema=airs.schema.json\n";

int
cmd_schema(int argc, char **argv)
{
    bool json = false;
    struct cli_command command = {
        .verb = "schema",
        .operands = "",
        .help = help,
        .example = example,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;

    struct buffer out;
    buffer_init(&out, 0);
    bool done = schema_json_write(!json, &out);
    if (done)
        text_flush(&out, stdout);
    buffer_deinit(&out);
    return done ? CLI_DONE : cli_fail("schema", CLI_FAILED, "out of memory");
}
