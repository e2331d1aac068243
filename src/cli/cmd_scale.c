/* airs scale PATH N: how many there are of a child with a `count`. */
#include <stdio.h>
#include <string.h>

#include <airs/application.h>
#include <jansson.h>

#include "cli/cli_verbs.h"
#include "cli/ndjson.h"
#include "cli/session.h"

static const char help[] =
    "Makes N of the child that has a 'count': adds PATH#NUMBER with the next numbers, or deletes\n"
    "the highest ones, each stopped by its own shutdown. PATH is without '#'; N may be 0. Prints\n"
    "what was added and deleted.\n";

static void
print_changes(const struct buffer *lines, bool json)
{
    json_t *changes = json ? NULL : ndjson_read(lines);
    size_t index;
    json_t *change;
    if (json)
        fwrite(lines->data ? lines->data : "", 1, lines->size, stdout);
    json_array_foreach(changes, index, change)
    {
        const char *status = json_text(change, "status");
        if (status && strcmp(status, "unchanged") != 0)
            printf("%s %s\n", status, json_text(change, "path"));
    }
    json_decref(changes);
}

int
cmd_scale(int argc, char **argv)
{
    struct cli_target target = { 0 };
    bool json = false;
    struct cli_command command = {
        .verb = "scale",
        .operands = "PATH N",
        .operands_min = 2,
        .operands_max = 2,
        .help = help,
        .example = "  airs scale /web/back 6\n",
        .target = &target,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;
    uint64_t count;
    if (!cli_number(operands[1], UINT32_MAX, &count))
        return cli_wrong_use("scale", "'%s' is no number", operands[1]);

    struct session session;
    exit_code = session_open(&session, "scale", &target, operands[0]);
    if (exit_code == CLI_DONE) {
        char suffix[64];
        snprintf(suffix, sizeof suffix, "/scale?count=%llu", (unsigned long long)count);
        exit_code = session_post(&session, "/v1/children", suffix, NULL, 0, 0);
    }
    if (exit_code == CLI_DONE)
        print_changes(&session.reply.body, json);
    session_close(&session);
    return exit_code;
}
