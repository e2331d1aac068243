/* Process: the daemon behind a socket, to wait for its end. */
#ifndef CLIENT_PROCESS_H
#define CLIENT_PROCESS_H

#include <airs/status.h>

/**
 * A file descriptor that becomes readable when the process that listens at `socket_path`
 * has ended; the caller closes it. Taken before the process is asked to end, it cannot mean
 * another one that got the same number.
 * AIRS_ENOTRUNNING: nobody listens. AIRS_EIO: the system cannot say.
 * Thread: any.  Blocks: no.
 */
enum airs_status process_open(const char *socket_path, int *fd_out, struct airs_error *error);

/** Waits until it has ended. Thread: any.  Blocks: yes. */
void process_wait(int fd);

#endif
