/* Writer: see writer.h. */
#include "cli/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
writer_init(struct writer *writer, int fd)
{
    *writer = (struct writer){ .fd = fd };
    buffer_init(&writer->pending, 0);
    struct stat information;
    if (fstat(fd, &information) != 0) {
        writer->broken = true;
        return;
    }
    /* A regular file has an offset that must stay shared, and never makes one wait. */
    if (!S_ISCHR(information.st_mode) && !S_ISFIFO(information.st_mode))
        return;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) {
        writer->fd = own;
        writer->own = true;
    }
}

void
writer_deinit(struct writer *writer)
{
    if (writer->own)
        close(writer->fd);
    buffer_deinit(&writer->pending);
}

static bool
can_write(const struct writer *writer, int timeout_ms)
{
    struct pollfd file = { .fd = writer->fd, .events = POLLOUT };
    return poll(&file, 1, timeout_ms) > 0;
}

bool
writer_flush(struct writer *writer)
{
    struct buffer *pending = &writer->pending;
    size_t written = 0;
    while (!writer->broken && written < pending->size && can_write(writer, 0)) {
        /* A pipe that can be written takes this much without blocking, also when not ours. */
        size_t size = pending->size - written;
        ssize_t result =
            write(writer->fd, pending->data + written, size < PIPE_BUF ? size : PIPE_BUF);
        if (result > 0)
            written += (size_t)result;
        else if (result < 0 && errno == EAGAIN)
            break;
        else if (result < 0 && errno != EINTR) {
            writer->broken = true;
            writer->error = errno;
        }
    }
    buffer_consume(pending, writer->broken ? pending->size : written);
    return pending->size == 0;
}

void
writer_drain(struct writer *writer, int idle_ms)
{
    while (!writer_flush(writer)) {
        size_t before = writer->pending.size;
        if (!can_write(writer, idle_ms))
            return;
        /* Ready, yet nothing goes: a terminal with less room than it says. */
        if (!writer_flush(writer) && writer->pending.size == before) {
            struct pollfd nothing = { .fd = -1 };
            poll(&nothing, 1, idle_ms);
            writer_flush(writer);
            if (writer->pending.size == before)
                return;
        }
    }
}
