/* Where an application's socket, state and cache live. Shared by daemon and client.
 *
 * Sockets: $XDG_RUNTIME_DIR/airs, else /tmp/airs-UID. State: $XDG_STATE_HOME/airs/NAME, else
 * ~/.local/state/airs/NAME. Cache: $XDG_CACHE_HOME/airs, else ~/.cache/airs. A variable that
 * does not hold an absolute path counts as not set (as the XDG specification has it).
 */
#ifndef BASE_APP_DIRS_H
#define BASE_APP_DIRS_H

#include <limits.h>
#include <stddef.h>

#include <airs/status.h>

#define APP_DIRS_MODE 0700
#define APP_SOCKET_PATH_MAX 107 /* sun_path without its NUL. */

/** All of one application's places; filled by app_dirs_of. */
struct app_dirs {
    char runtime[PATH_MAX]; /* Holds NAME.sock and NAME.lock. */
    char socket[PATH_MAX];
    char lock[PATH_MAX];
    char state[PATH_MAX];
    char cache[PATH_MAX];
};

/**
 * Works out the places of the application `name` and creates none. AIRS_EINVAL when the
 * socket's path would be too long, or neither HOME nor the variable is set.
 * Thread: any (reads the environment).  Blocks: no.
 */
enum airs_status app_dirs_of(const char *name, struct app_dirs *dirs_out, struct airs_error *error);

/** The directory of all sockets of this user; not created. Thread: any.  Blocks: no. */
enum airs_status app_dirs_runtime(char *path_out, size_t size, struct airs_error *error);

/** The cache alone, for programs without a name. Thread: any.  Blocks: no. */
enum airs_status app_dirs_cache(char *path_out, size_t size, struct airs_error *error);

/**
 * Makes `path` and what is missing above it, each 0700. The error of a place of ours names the
 * variable to set.
 * Thread: any.  Blocks: for the file system.
 */
enum airs_status app_dirs_provide(const char *path, struct airs_error *error);

/** As app_dirs_provide, then checks it as app_dirs_check.  Thread, blocks: as that. */
enum airs_status app_dirs_make(const char *path, struct airs_error *error);

/**
 * A directory, not a link, of this user's own, with no access for anybody else: else
 * AIRS_EDENIED (AIRS_ENOENT when nothing is there). Never trust a socket in one that fails.
 * Thread: any.  Blocks: for the file system.
 */
enum airs_status app_dirs_check(const char *path, struct airs_error *error);

/**
 * Calls `visit` with the name and socket of every application that has a socket, dead or
 * alive, in no order; no directory: none. Fails as app_dirs_check.
 * Thread: any.  Blocks: for the file system.
 */
enum airs_status app_dirs_each(void (*visit)(void *context, const char *name, const char *socket),
                               void *context, struct airs_error *error);

#endif
