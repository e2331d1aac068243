/* airs send PATH MESSAGE: puts one message into an actor's mailbox. */
#include <string.h>

#include "cli/cli_verbs.h"
#include "cli/client_verb.h"

static int
ask(struct session *session, void *context)
{
    (void)context;
    const char *message = session->operands[1];
    int exit_code = session_post(session, "/v1/children", "/send", message, strlen(message), 0);
    if (exit_code == CLI_DONE)
        session_print_json(session);
    return exit_code;
}

int
cmd_send(int argc, char **argv)
{
    static const char help[] =
        "Puts MESSAGE into the mailbox of the actor PATH and does not wait for it to be handled.\n";
    const struct client_verb verb = {
        .command = { .verb = "send",
                     .operands = "PATH MESSAGE",
                     .help = help,
                     .example = "  airs send /store 'put apple 3'\n" },
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, NULL);
}
