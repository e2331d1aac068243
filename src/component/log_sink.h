/* Log sink: where the lines of guests go. Given by whoever embeds the runtime.
 *
 * stdout and stderr arrive here by line, however the guest cut them into pieces; what it
 * says through `log` arrives with its level and context.
 */
#ifndef COMPONENT_LOG_SINK_H
#define COMPONENT_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_HOST };

/* The order is that of the world's enum log-level. */
enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* One of the pairs that a guest gave with a line; UTF-8, not NUL-terminated. */
struct log_pair {
    const char *key;
    size_t key_size;
    const char *value;
    size_t value_size;
};

/* One line; every pointer is valid during the call alone. */
struct log_line {
    const char *path; /* The child's. */
    uint32_t generation;
    enum log_stream stream;
    enum log_level level; /* LOG_HOST; LOG_INFO of stdout, LOG_WARN of stderr. */
    const char *text;     /* Without its newline; any bytes, of LOG_HOST also newlines;
                                 * not NUL-terminated. */
    size_t size;
    bool continues; /* Longer than LOG_LINE_BYTES_MAX: more of it follows. */
    const struct log_pair *context;
    size_t context_size;
};

struct log_sink {
    /* Takes one line. On a worker, several at a time: must be quick, may not block. */
    void (*write)(struct log_sink *sink, const struct log_line *line);
    /* How many bytes of output the child at `path` may write now; 0 holds the guest up and
     * asks again after some milliseconds. NULL: the rate limit of component_output.h alone. */
    size_t (*room)(struct log_sink *sink, const char *path);
};

/** "stdout", "stderr", "log". */
const char *log_stream_name(enum log_stream stream);
/** "trace", "debug", "info", "warn", "error". */
const char *log_level_name(enum log_level level);

#endif
