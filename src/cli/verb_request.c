/* Verb request: see verb_request.h. */
#include "cli/verb_request.h"

#include <stdio.h>
#include <string.h>

#include "cli/client_verb.h"
#include "cli/ndjson.h"

/* "already running" is no failure, but nothing happened: that is said. */
static void
say_if_already(const struct session *session)
{
    json_t *answer = session_answer(session);
    const char *status = json_text(answer, "status");
    if (status && strncmp(status, "already", 7) == 0)
        fprintf(stderr, "airs %s: %s is %s\n", session->verb, session->path, status);
    json_decref(answer);
}

/* POST of PATH's own word. */
static int
request(struct session *session, void *context)
{
    (void)context;
    char suffix[32];
    snprintf(suffix, sizeof suffix, "/%s", session->verb);
    int exit_code = session_post(session, "/v1/children", suffix, NULL, 0, 0);
    if (exit_code != CLI_DONE)
        return exit_code;
    say_if_already(session);
    session_print_json(session);
    return CLI_DONE;
}

int
verb_request(const char *name, const char *help, const char *example, int argc, char **argv)
{
    const struct client_verb verb = {
        .command = { .verb = name, .operands = "PATH", .help = help, .example = example },
        .ask = request,
    };
    return client_verb_run(&verb, argc, argv, NULL);
}
