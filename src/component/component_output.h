/* Component output: a guest's stdout and stderr, cut into lines, at a bounded rate.
 *
 * A guest writes in pieces of any size; what reaches the sink is whole lines, one at a time.
 * A line longer than LOG_LINE_BYTES_MAX is passed on in parts, each but the last marked
 * `continues`. What has no newline yet is passed on when the instance ends.
 */
#ifndef COMPONENT_COMPONENT_OUTPUT_H
#define COMPONENT_COMPONENT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "component/log_sink.h"

/* Bytes of one line of output; a longer line arrives in parts. */
#define LOG_LINE_BYTES_MAX 8192
/* What one child may write in the long run, stdout and stderr together; beyond it, it waits. */
#define OUTPUT_BYTES_PER_S (UINT64_C(4) * 1024 * 1024)
/* What it may write at once after it was quiet. */
#define OUTPUT_BURST_BYTES (UINT64_C(1024) * 1024)
/* A flood of empty lines counts too: each line costs at least so many bytes of the rate. */
#define OUTPUT_LINE_COST_BYTES 64
/* Pairs of context passed on with one call of `log`; more are left out. */
#define LOG_CONTEXT_MAX 32

/* One child's output. Thread: its actor's, one at a time. */
struct component_output {
    struct log_sink *sink; /* NULL: dropped. */
    const char *path;      /* Borrowed. */
    uint32_t generation;
    struct buffer pending[2]; /* LOG_STDOUT, LOG_STDERR: a line that has not ended. */
    uint64_t tokens;          /* Bytes that may be written, as of `refilled_us`. */
    uint64_t refilled_us;
    uint64_t dropped; /* Calls of `log` beyond the rate, not yet told. */
    uint64_t bytes;   /* Passed on in all. */
};

void component_output_init(struct component_output *output, struct log_sink *sink,
                           const char *path);
void component_output_deinit(struct component_output *output);

/** Takes a piece. */
void component_output_write(struct component_output *output, enum log_stream stream,
                            const void *bytes, size_t size);
/** Passes on one call of `log`; beyond the rate it is dropped, and how many were is said later:
 * the guest cannot be held up inside it. */
void component_output_log(struct component_output *output, enum log_level level, const char *text,
                          size_t size, const struct log_pair *context, size_t context_size);
/** Passes on what has no newline: the instance has ended. */
void component_output_flush(struct component_output *output);
/** Bytes that may be written at `now_us`; 0 holds the guest up. */
size_t component_output_room(struct component_output *output, uint64_t now_us);

#endif
