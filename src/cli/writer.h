/* Writer: bytes to a terminal or pipe that may not be read, without ever waiting for it.
 *
 * What cannot be written now stays in `pending`. The file is opened anew, so that O_NONBLOCK
 * is this writer's alone and not also the shell's, which shares the standard descriptors.
 */
#ifndef CLI_WRITER_H
#define CLI_WRITER_H

#include <stdbool.h>

#include "base/buffer.h"

struct writer {
    int fd;
    bool own;    /* Opened by us. */
    bool broken; /* The reader is gone, or writing failed: everything is dropped. */
    int error;   /* Of the write that failed, an errno; 0: none did. */
    struct buffer pending;
};

/** A writer to what `fd` is. Never fails: at worst it writes to `fd` itself, after poll(). */
void writer_init(struct writer *writer, int fd);
/** Drops what is pending. */
void writer_deinit(struct writer *writer);

/** Writes what can be written at once; true when nothing is pending. Blocks: no. */
bool writer_flush(struct writer *writer);

/** Writes until nothing is pending or nobody has read for `idle_ms`. */
void writer_drain(struct writer *writer, int idle_ms);

#endif
