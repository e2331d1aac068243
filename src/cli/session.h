/* Session: one verb's talk with one running application, and the exit code of its failures.
 * client_verb.h has the run of a verb around it.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>

#include <airs/status.h>
#include <jansson.h>

#include "client/client.h"
#include "client/discovery.h"
#include "cli/cli_options.h"

/** A child's path longer than this is refused. */
#define CLI_PATH_BYTES_MAX 4096

struct session {
    const char *verb;
    /* What the command line says. */
    struct cli_target chosen;
    bool json;
    const char *operands[CLI_OPERANDS_MAX];

    struct discovery_result where;
    struct client *client;
    unsigned timeout_ms; /* Of each ordinary request; 0: the client's own. */
    struct client_reply reply;
    char path[CLI_PATH_BYTES_MAX + 1]; /* The child, with its first '/'; empty: none. */
    struct buffer target;              /* The URL of the request under way. */
};

/**
 * Finds the application that was chosen; operands[0] (NULL: none) is the child as the user wrote
 * it, its first '/' may be missing. Returns CLI_DONE, else the exit code, said on stderr.
 * session_close() it in either case.
 */
int session_open(struct session *session);
void session_close(struct session *session);

/**
 * Asks GET, or POST, of PREFIX + the session's path + SUFFIX ("/v1/children", "/stop"); the
 * answer is in session->reply. Returns CLI_DONE or the exit code, said on stderr.
 */
int session_get(struct session *session, const char *prefix, const char *suffix);
int session_post(struct session *session, const char *prefix, const char *suffix, const void *bytes,
                 size_t size, unsigned timeout_ms);

/** The answer as JSON, the first value in it; NULL: it is none.  Ownership: json_decref(). */
json_t *session_answer(const struct session *session);

/** Prints the answer as it came, if --json was given. */
void session_print_json(struct session *session);

/** Prints the changes that the answer has, "added /web/x" a line, or as they came with --json. */
void session_print_changes(struct session *session);

/** PREFIX + the session's path, encoded, + SUFFIX; until the next call. NULL: out of memory. */
const char *session_target(struct session *session, const char *prefix, const char *suffix);
/** The same with another path. */
const char *session_target_of(struct session *session, const char *prefix, const char *path,
                              const char *suffix);

/** Says what went wrong and what to do next; returns the exit code of `status`. */
int session_fail(struct session *session, enum airs_status status, const struct airs_error *error);

#endif
