/* Socket lock: one live daemon a name. The lock file tells a dead socket from a live one.
 *
 * Whoever holds the flock on NAME.lock owns NAME.sock; the kernel drops it with the process,
 * so a socket left behind is replaced. Both files go away at close.
 */
#ifndef DAEMON_SOCKET_LOCK_H
#define DAEMON_SOCKET_LOCK_H

#include <sys/types.h>

#include "base/app_dirs.h"

#define SOCKET_MODE 0600
#define SOCKET_BACKLOG 128

struct socket_lock {
    int lock_fd;   /* -1: nothing is held. */
    int listen_fd; /* Nonblocking, listening. The holder may close it and set it to -1. */
    char lock[PATH_MAX];
    char socket[PATH_MAX];
};

/**
 * Makes the runtime directory, takes the lock and listens. The lock belongs to the process and
 * its forks. AIRS_EEXIST: another process is live under this name. AIRS_EDENIED: the
 * directory is not this user's own. AIRS_EIO.
 * Thread: any.  Blocks: for the file system.
 */
enum airs_status socket_lock_open(const struct app_dirs *dirs, struct socket_lock *lock_out,
                                  struct airs_error *error);

/** The process that holds the lock, by what it has written into it; 0: unknown. Meaningful after
 * AIRS_EEXIST.  Blocks: for the file system. */
pid_t socket_lock_holder(const struct app_dirs *dirs);

/** After a fork, in the child: clients see this process behind the socket (SO_PEERCRED), whose
 * end they may wait for, and others as the lock's holder. AIRS_EIO. */
enum airs_status socket_lock_adopt(const struct socket_lock *lock, struct airs_error *error);

/** Removes socket and lock file and gives up the lock; the runtime directory too, if empty. */
void socket_lock_close(struct socket_lock *lock);

#endif
