/* airs down
 *
 * Ends when the daemon's process has: after it, nothing of the application is left.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli_verbs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "client/process.h"

/* The application stops within its children's shutdown times, which may be `infinity`. */
#define DOWN_TIMEOUT_MS (24u * 3600 * 1000)

static int
stop_and_wait(struct session *session)
{
    struct airs_error error = { 0 };
    int process = -1;
    enum airs_status status = process_open(session->where.socket, &process, &error);
    if (status == AIRS_ENOTRUNNING)
        return session_fail(session, status, &error);
    int exit_code = session_post(session, "/v1/down", "", NULL, 0, DOWN_TIMEOUT_MS);
    if (process >= 0) {
        if (exit_code == CLI_DONE)
            process_wait(process);
        close(process);
    }
    return exit_code;
}

int
cmd_down(int argc, char **argv)
{
    struct cli_target target = { 0 };
    bool json = false;
    static const char help[] =
        "Stops a running application: every child is asked to end and given its shutdown time.\n"
        "Ends when nothing of the application is left.\n";
    struct cli_command command = {
        .verb = "down",
        .operands = "",
        .help = help,
        .example = "  airs down --app shop\n",
        .target = &target,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;

    struct session session;
    exit_code = session_open(&session, "down", &target, NULL);
    if (exit_code == CLI_DONE)
        exit_code = stop_and_wait(&session);
    if (exit_code == CLI_DONE && json)
        text_flush(&session.reply.body, stdout);
    session_close(&session);
    return exit_code;
}
