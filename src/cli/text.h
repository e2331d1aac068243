/* Text: what goes to people's screens. Colour, width, cutting, durations.
 *
 * Everything is appended to a buffer and written at once. Bytes that came from a guest or a
 * file name are shown through text_put(), which lets no control character through. When
 * memory runs out the text is short, never wrong in another way.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/buffer.h"

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_BUSY, PAINT_BAD, PAINT_DIM, PAINT_BOLD };

/* How a file may be written to. */
struct style {
    bool terminal;
    bool colour; /* A terminal, and NO_COLOR is not set. */
    bool utf8;   /* The locale's; box-drawing is allowed. */
};

/** What `fd` is. Thread: any, after setlocale(). */
struct style style_of(int fd);

/** The paint of a child's state by its name. */
enum paint paint_of_state(const char *state);

/** Begins and ends a coloured stretch; both do nothing without colour. */
void text_paint(struct buffer *buffer, const struct style *style, enum paint paint);
void text_unpaint(struct buffer *buffer, const struct style *style, enum paint paint);

/**
 * Appends `text` up to its first line's end, at most `columns` wide, the last one a mark
 * where something was cut off. Returns the columns used.
 */
size_t text_put(struct buffer *buffer, const struct style *style, const char *text, size_t columns);

/** As text_put() without a limit; in a string of JSON a NUL may stand, which is shown, too. */
void text_put_string(struct buffer *buffer, const struct style *style, const json_t *string);

/** As text_put(), filled up with spaces to `columns`. */
void text_pad(struct buffer *buffer, const struct style *style, const char *text, size_t columns);

/** The columns that text_put() would use without a limit. */
size_t text_columns(const struct style *style, const char *text);

/** "350ms", "4.2s", "3m12s", "2h05m", "3d04h" */
void text_duration(char *text_out, size_t size, uint64_t ms);

/** "512B", "1.5KiB", "64MiB" */
void text_bytes(char *text_out, size_t size, uint64_t bytes);

/** Writes all of `buffer` to `file` and empties it. */
void text_flush(struct buffer *buffer, FILE *file);

#endif
