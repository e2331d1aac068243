/* Discovery: which running application a command means. */
#ifndef CLIENT_DISCOVERY_H
#define CLIENT_DISCOVERY_H

#include <limits.h>
#include <stdbool.h>

#include <airs/status.h>

/** The longest application name, as the manifest has it. */
#define APP_NAME_BYTES_MAX 63

/* What the user said; all NULL: nothing. */
struct discovery_request {
    const char *app;      /* --app NAME */
    const char *socket;   /* --socket PATH */
    const char *manifest; /* Where a name may stand; NULL: ./airs.yaml */
};

struct discovery_result {
    char socket[PATH_MAX];
    char name[APP_NAME_BYTES_MAX + 1]; /* Empty when only a socket was given. */
};

/**
 * Finds the socket: the one given, else of the application named, else of the name in
 * ./airs.yaml, else of the only one that is running.
 *
 * Nothing is asked of the application, so that a socket found may turn out dead.
 * AIRS_EINVAL: a bad name, or none chosen and not exactly one running; AIRS_EDENIED: the
 * sockets' directory is not this user's own.
 * Thread: any.  Blocks: for the file system.
 */
enum airs_status discovery_find(const struct discovery_request *request,
                                struct discovery_result *result_out, struct airs_error *error);

/** The value of the top-level `name:` in a manifest; false when there is none to be found. */
bool discovery_manifest_name(const char *path, char name_out[APP_NAME_BYTES_MAX + 1]);

/** True when somebody listens at `socket_path`. Thread: any.  Blocks: no. */
bool discovery_is_live(const char *socket_path);

#endif
