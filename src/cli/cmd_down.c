/* airs down
 *
 * Ends when the daemon's process has: after it, nothing of the application is left.
 */
#include <unistd.h>

#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "client/process.h"

/* The application stops within its children's shutdown times, which may be `infinity`. */
#define DOWN_TIMEOUT_MS (24u * 3600 * 1000)

static int
stop_and_wait(struct session *session, void *context)
{
    (void)context;
    struct airs_error error = { 0 };
    int process = -1;
    enum airs_status status = process_open(session->where.socket, &process, &error);
    if (status == AIRS_ENOTRUNNING || status == AIRS_EDENIED)
        return session_fail(session, status, &error);
    int exit_code = session_post(session, "/v1/down", "", NULL, 0, DOWN_TIMEOUT_MS);
    if (process >= 0) {
        if (exit_code == CLI_DONE)
            process_wait(process);
        close(process);
    }
    if (exit_code == CLI_DONE)
        session_print_json(session);
    return exit_code;
}

int
cmd_down(int argc, char **argv)
{
    static const char help[] =
        "Stops a running application: every child is asked to end and given its shutdown time.\n"
        "Ends when nothing of the application is left.\n";
    const struct client_verb verb = {
        .command = { .verb = "down",
                     .operands = "",
                     .help = help,
                     .example = "  airs down --app shop\n" },
        .ask = stop_and_wait,
    };
    return client_verb_run(&verb, argc, argv, NULL);
}
