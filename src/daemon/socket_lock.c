/* Socket lock. The lock file is removed while the lock is held; so after taking it, one looks
 * whether the file that is locked is still the one with the name, and tries again if not.
 */
#include "daemon/socket_lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

/* Races against others that remove the file; each means that another daemon has just ended. */
#define LOCK_TRIES_MAX 100

/* Whether `fd` is the file that now has the name `path`. */
static bool
is_named(int fd, const char *path)
{
    struct stat by_fd, by_name;
    return fstat(fd, &by_fd) == 0 && lstat(path, &by_name) == 0 && by_fd.st_dev == by_name.st_dev &&
           by_fd.st_ino == by_name.st_ino;
}

/* Whoever is refused learns who holds it. Not written: that stays unknown. */
static void
sign_lock(int fd)
{
    if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0)
        dprintf(fd, "%d\n", (int)getpid());
}

static enum airs_status
take_lock(const char *path, int *fd_out, struct airs_error *error)
{
    for (int i = 0; i < LOCK_TRIES_MAX; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, SOCKET_MODE);
        if (fd < 0)
            return fail(error, AIRS_EIO, "%s: %s", path, strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int cause = errno;
            close(fd);
            if (cause == EWOULDBLOCK)
                return fail(error, AIRS_EEXIST, "already running");
            return fail(error, AIRS_EIO, "%s: %s", path, strerror(cause));
        }
        if (is_named(fd, path)) {
            sign_lock(fd);
            *fd_out = fd;
            return AIRS_OK;
        }
        close(fd);
    }
    return fail(error, AIRS_EIO, "%s: others take and drop it all the time", path);
}

static enum airs_status
listen_at(const char *path, int *fd_out, struct airs_error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(error, AIRS_EIO, "socket: %s", strerror(errno));
    /* Who could have made it is dead: we hold the lock. */
    unlink(path);
    mode_t old = umask(0177);
    bool done = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                chmod(path, SOCKET_MODE) == 0 && listen(fd, SOCKET_BACKLOG) == 0;
    int cause = errno;
    umask(old);
    if (done) {
        *fd_out = fd;
        return AIRS_OK;
    }
    close(fd);
    return fail(error, AIRS_EIO, "%s: %s", path, strerror(cause));
}

enum airs_status
socket_lock_open(const struct app_dirs *dirs, struct socket_lock *lock_out,
                 struct airs_error *error)
{
    struct socket_lock lock = { .lock_fd = -1, .listen_fd = -1 };
    strcpy(lock.lock, dirs->lock);
    strcpy(lock.socket, dirs->socket);
    enum airs_status status = app_dirs_make(dirs->runtime, error);
    if (status == AIRS_OK)
        status = take_lock(lock.lock, &lock.lock_fd, error);
    if (status == AIRS_OK) {
        status = listen_at(lock.socket, &lock.listen_fd, error);
        if (status != AIRS_OK)
            socket_lock_close(&lock);
    }
    if (status == AIRS_OK)
        *lock_out = lock;
    return status;
}

pid_t
socket_lock_holder(const struct app_dirs *dirs)
{
    char text[16] = "";
    int fd = open(dirs->lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    return size > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

enum airs_status
socket_lock_adopt(const struct socket_lock *lock, struct airs_error *error)
{
    sign_lock(lock->lock_fd);
    /* The system takes down who listened last. */
    if (listen(lock->listen_fd, SOCKET_BACKLOG) == 0)
        return AIRS_OK;
    return fail(error, AIRS_EIO, "%s: %s", lock->socket, strerror(errno));
}

void
socket_lock_close(struct socket_lock *lock)
{
    if (lock->lock_fd < 0)
        return;
    if (lock->listen_fd >= 0)
        close(lock->listen_fd);
    unlink(lock->socket);
    unlink(lock->lock);
    close(lock->lock_fd);
    lock->lock_fd = lock->listen_fd = -1;
    /* Fails while another application of this user is there. */
    char directory[PATH_MAX];
    strcpy(directory, lock->socket);
    *strrchr(directory, '/') = '\0';
    rmdir(directory);
}
