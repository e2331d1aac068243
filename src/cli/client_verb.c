/* Client verb: see client_verb.h. */
#include "cli/client_verb.h"

int
client_verb_run(const struct client_verb *verb, int argc, char **argv, void *context)
{
    struct session session = { .verb = verb->command.verb };
    struct cli_command command = verb->command;
    command.target = &session.chosen;
    command.json = verb->has_no_json ? NULL : &session.json;
    int exit_code;
    if (!cli_parse(&command, argc, argv, session.operands, &exit_code))
        return exit_code;
    exit_code = verb->check ? verb->check(&session, context) : CLI_DONE;
    if (exit_code != CLI_DONE)
        return exit_code;
    exit_code = session_open(&session);
    if (exit_code == CLI_DONE)
        exit_code = verb->ask(&session, context);
    session_close(&session);
    return exit_code;
}
