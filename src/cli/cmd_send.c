/* airs send PATH MESSAGE: puts one message into an actor's mailbox. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_verbs.h"
#include "cli/session.h"
#include "cli/text.h"

int
cmd_send(int argc, char **argv)
{
    struct cli_target target = { 0 };
    bool json = false;
    static const char help[] =
        "Puts MESSAGE into the mailbox of the actor PATH and does not wait for it to be handled.\n";
    struct cli_command command = {
        .verb = "send",
        .operands = "PATH MESSAGE",
        .operands_min = 2,
        .operands_max = 2,
        .help = help,
        .example = "  airs send /store 'put apple 3'\n",
        .target = &target,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;

    struct session session;
    exit_code = session_open(&session, "send", &target, operands[0]);
    if (exit_code == CLI_DONE)
        exit_code =
            session_post(&session, "/v1/children", "/send", operands[1], strlen(operands[1]), 0);
    if (exit_code == CLI_DONE && json)
        text_flush(&session.reply.body, stdout);
    session_close(&session);
    return exit_code;
}
