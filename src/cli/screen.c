/* Screen: the handful of sequences that every terminal since the VT220 knows. */
#include "cli/screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?7l\033[?25l\033[2J"
#define LEAVE "\033[0m\033[?25h\033[?7h\033[?1049l"

bool
screen_is_ours(int fd)
{
    return isatty(fd) == 1 && tcgetpgrp(fd) == getpgrp();
}

void
screen_enter(struct screen *screen, struct writer *writer)
{
    *screen = (struct screen){ .writer = writer };
    if (tcgetattr(writer->fd, &screen->modes) == 0) {
        struct termios modes = screen->modes;
        modes.c_lflag &= ~(tcflag_t)ECHO;
        modes.c_cc[VSUSP] = _POSIX_VDISABLE;
        screen->has_modes = tcsetattr(writer->fd, TCSANOW, &modes) == 0;
    }
    buffer_append_text(&writer->pending, ENTER);
    writer_flush(writer);
}

bool
screen_leave(struct screen *screen, int idle_ms)
{
    /* A frame cut short does no harm: an escape ends any sequence that is under way. */
    struct buffer *pending = &screen->writer->pending;
    buffer_consume(pending, pending->size);
    buffer_append_text(pending, LEAVE);
    writer_drain(screen->writer, idle_ms);
    if (screen->has_modes) {
        /* What was typed meanwhile was not meant for the shell. */
        tcflush(screen->writer->fd, TCIFLUSH);
        tcsetattr(screen->writer->fd, TCSANOW, &screen->modes);
    }
    return pending->size == 0;
}

void
screen_size(const struct screen *screen, unsigned *lines_out, unsigned *columns_out)
{
    struct winsize size = { 0 };
    ioctl(screen->writer->fd, TIOCGWINSZ, &size);
    *lines_out = size.ws_row ? size.ws_row : 24;
    *columns_out = size.ws_col ? size.ws_col : 80;
}

void
screen_draw(struct screen *screen, const struct buffer *text)
{
    struct buffer *out = &screen->writer->pending;
    const char *line = text->data;
    const char *end = text->size ? text->data + text->size : line;
    buffer_append_text(out, "\033[H");
    while (line && line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            stop = end;
        buffer_append(out, line, (size_t)(stop - line));
        buffer_append_text(out, "\033[K");
        line = stop == end ? end : stop + 1;
        /* None after the last one: it would scroll a full screen. */
        if (line < end)
            buffer_append_text(out, "\r\n");
    }
    buffer_append_text(out, "\033[J");
    writer_flush(screen->writer);
}
