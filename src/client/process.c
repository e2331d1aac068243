/* Process: the peer of a Unix socket, held by a pidfd. */
#include "client/process.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

enum airs_status
process_open(const char *socket_path, int *fd_out, struct airs_error *error)
{
    assert(socket_path && fd_out);

    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(socket_path) >= sizeof address.sun_path)
        return fail(error, AIRS_EINVAL, "socket '%s': the path is too long", socket_path);
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(error, AIRS_EIO, "socket: %s", strerror(errno));
    enum airs_status status;
    struct ucred peer;
    socklen_t size = sizeof peer;
    bool is_connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (!is_connected && errno == EACCES)
        status = fail(error, AIRS_EDENIED, "%s: it is another user's; run airs as that user",
                      socket_path);
    else if (!is_connected)
        status = fail(error, AIRS_ENOTRUNNING, "nothing listens at %s", socket_path);
    else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0)
        status = fail(error, AIRS_EIO, "%s: its process cannot be seen from here", socket_path);
    else {
        /* Taken at once: a number is not given anew so soon after its process has ended. */
        int process = (int)syscall(SYS_pidfd_open, peer.pid, 0);
        status = process < 0
                     ? fail(error, AIRS_EIO, "process %d: %s", (int)peer.pid, strerror(errno))
                     : AIRS_OK;
        if (process >= 0)
            *fd_out = process;
    }
    close(fd);
    return status;
}

void
process_wait(int fd)
{
    struct pollfd ended = { .fd = fd, .events = POLLIN };
    while (poll(&ended, 1, -1) < 0 && errno == EINTR)
        ;
}
