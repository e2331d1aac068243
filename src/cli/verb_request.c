/* Verb request: see verb_request.h. */
#include "cli/verb_request.h"

#include <stdio.h>
#include <string.h>

#include "cli/ndjson.h"
#include "cli/session.h"
#include "cli/text.h"

/* "already running" is no failure, but nothing happened: that is said. */
static void
say_if_already(const struct session *session)
{
    json_t *answer = json_loadb(session->reply.body.data ? session->reply.body.data : "",
                                session->reply.body.size, 0, NULL);
    const char *status = json_text(answer, "status");
    if (status && strncmp(status, "already", 7) == 0)
        fprintf(stderr, "airs %s: %s is %s\n", session->verb, session->path, status);
    json_decref(answer);
}

int
verb_request(const char *verb, const char *help, const char *example, int argc, char **argv)
{
    struct cli_target target = { 0 };
    bool json = false;
    struct cli_command command = {
        .verb = verb,
        .operands = "PATH",
        .operands_min = 1,
        .operands_max = 1,
        .help = help,
        .example = example,
        .target = &target,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;

    struct session session;
    exit_code = session_open(&session, verb, &target, operands[0]);
    if (exit_code == CLI_DONE) {
        char suffix[32];
        snprintf(suffix, sizeof suffix, "/%s", verb);
        exit_code = session_post(&session, "/v1/children", suffix, NULL, 0, 0);
    }
    if (exit_code == CLI_DONE) {
        say_if_already(&session);
        if (json)
            text_flush(&session.reply.body, stdout);
    }
    session_close(&session);
    return exit_code;
}
