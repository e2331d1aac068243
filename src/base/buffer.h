/* Growable bytes with a limit. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;      /* NULL while empty; always NUL-terminated past `size` otherwise. */
    size_t size;     /* Bytes in use, without the NUL. */
    size_t capacity; /* Bytes allocated. */
    size_t size_max; /* No append makes `size` larger; 0 means no limit. */
};

/** An empty buffer that allocates nothing yet. `size_max` 0: no limit. */
void buffer_init(struct buffer *buffer, size_t size_max);

/** Frees the bytes; the buffer is empty and usable again. */
void buffer_deinit(struct buffer *buffer);

/** Appends; false, and nothing appended, when out of memory or past `size_max`. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t size);
bool buffer_append_text(struct buffer *buffer, const char *text);
bool buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Drops the first `size` bytes (at most all of them). */
void buffer_consume(struct buffer *buffer, size_t size);

/** The bytes, now owned by the caller (free()); the buffer is empty. NULL when it was. */
char *buffer_take(struct buffer *buffer, size_t *size_out);

#endif
