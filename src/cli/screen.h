/* Screen: a terminal taken over for drawing, and given back as it was. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <termios.h>

#include "cli/writer.h"

struct screen {
    struct writer *writer; /* The terminal. */
    bool has_modes;        /* `modes` was read and changed. */
    struct termios modes;  /* As they were. */
};

/** True when `fd` is a terminal that this process may draw on: it is in its foreground. */
bool screen_is_ours(int fd);

/**
 * Alternate screen, no cursor, no wrapping, no echo; Ctrl-Z is off, since it would stop the
 * application.
 */
void screen_enter(struct screen *screen, struct writer *writer);

/**
 * Everything as it was; pending output is dropped. Waits at most `idle_ms` for the terminal;
 * false when it did not take what gives it back.
 */
bool screen_leave(struct screen *screen, int idle_ms);

/** Lines and columns of the terminal, 24 × 80 where it does not know. */
void screen_size(const struct screen *screen, unsigned *lines_out, unsigned *columns_out);

/** Appends a frame of text lines (each ended by '\n'), drawn over what is there. */
void screen_draw(struct screen *screen, const struct buffer *text);

#endif
