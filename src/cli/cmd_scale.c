/* airs scale PATH N: how many there are of a child with a `count`. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli_verbs.h"
#include "cli/client_verb.h"

static const char help[] =
    "Makes N of the child that has a 'count': adds PATH#NUMBER with the next numbers, or deletes\n"
    "the highest ones, each stopped by its own shutdown. PATH is without '#'; N may be 0. Prints\n"
    "what was added and deleted.\n";

static int
check(struct session *session, void *context)
{
    uint64_t *count = context;
    if (!cli_number(session->operands[1], UINT32_MAX, count))
        return cli_wrong_use("scale", "'%s' is no number up to %u", session->operands[1],
                             UINT32_MAX);
    return CLI_DONE;
}

static int
ask(struct session *session, void *context)
{
    const uint64_t *count = context;
    char suffix[64];
    snprintf(suffix, sizeof suffix, "/scale?count=%" PRIu64, *count);
    int exit_code = session_post(session, "/v1/children", suffix, NULL, 0, 0);
    if (exit_code == CLI_DONE)
        session_print_changes(session);
    return exit_code;
}

int
cmd_scale(int argc, char **argv)
{
    uint64_t count = 0;
    const struct client_verb verb = {
        .command = { .verb = "scale",
                     .operands = "PATH N",
                     .help = help,
                     .example = "  airs scale /web/back 6\n" },
        .check = check,
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &count);
}
