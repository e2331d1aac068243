/* Client verb: what all verbs that ask a running application have in common, from argv to the
 * exit code. What is a verb's own: its options, how it checks them, and what it asks and prints.
 */
#ifndef CLI_CLIENT_VERB_H
#define CLI_CLIENT_VERB_H

#include "cli/session.h"

/* The operand that stands first, if there is any, is the child's path. */
struct client_verb {
    struct cli_command command; /* Without target and json, which are the session's. */
    bool has_no_json;           /* It takes no --json. */
    /** Looks at operands and options before any application is looked for; it may replace
     * session->operands. Returns CLI_DONE, or the exit code, said on stderr. NULL: nothing to
     * look at. */
    int (*check)(struct session *session, void *context);
    /** Asks, and prints. Returns the exit code. */
    int (*ask)(struct session *session, void *context);
};

/** Runs the verb; `context` is given to its functions. Returns the exit code. */
int client_verb_run(const struct client_verb *verb, int argc, char **argv, void *context);

#endif
