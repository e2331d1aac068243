/* Component output: pieces into lines, and a token bucket over them. */
#include "component/component_output.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void
component_output_init(struct component_output *output, struct log_sink *sink, const char *path)
{
    *output = (struct component_output){ .sink = sink, .path = path, .tokens = OUTPUT_BURST_BYTES };
    buffer_init(&output->pending[LOG_STDOUT], LOG_LINE_BYTES_MAX);
    buffer_init(&output->pending[LOG_STDERR], LOG_LINE_BYTES_MAX);
}

void
component_output_deinit(struct component_output *output)
{
    buffer_deinit(&output->pending[LOG_STDOUT]);
    buffer_deinit(&output->pending[LOG_STDERR]);
}

static void
spend(struct component_output *output, uint64_t bytes)
{
    uint64_t cost = bytes + OUTPUT_LINE_COST_BYTES;

    output->tokens = output->tokens > cost ? output->tokens - cost : 0;
    output->bytes += bytes;
}

static void
pass_on(struct component_output *output, enum log_stream stream, const char *text, size_t size,
        bool continues)
{
    spend(output, size);
    if (!output->sink)
        return;
    output->sink->write(output->sink, &(struct log_line){
                                          .path = output->path,
                                          .generation = output->generation,
                                          .stream = stream,
                                          .level = stream == LOG_STDERR ? LOG_WARN : LOG_INFO,
                                          .text = text,
                                          .size = size,
                                          .continues = continues,
                                      });
}

/* Passes on the pending part and `size` more bytes as one line, joining only what must be. */
static void
pass_on_joined(struct component_output *output, enum log_stream stream, const char *bytes,
               size_t size, bool continues)
{
    struct buffer *pending = &output->pending[stream];

    if (pending->size == 0) {
        pass_on(output, stream, bytes, size, continues);
        return;
    }
    if (!buffer_append(pending, bytes, size)) {
        /* Out of memory: in two parts rather than not at all. */
        pass_on(output, stream, pending->data, pending->size, true);
        pass_on(output, stream, bytes, size, continues);
    } else {
        pass_on(output, stream, pending->data, pending->size, continues);
    }
    buffer_consume(pending, pending->size);
}

void
component_output_write(struct component_output *output, enum log_stream stream, const void *bytes,
                       size_t size)
{
    assert(stream == LOG_STDOUT || stream == LOG_STDERR);

    struct buffer *pending = &output->pending[stream];
    const char *at = bytes;
    const char *end = at + size;
    while (at < end) {
        size_t left = (size_t)(end - at);
        size_t room = LOG_LINE_BYTES_MAX - pending->size;
        const char *newline = memchr(at, '\n', left < room + 1 ? left : room + 1);
        if (newline) {
            pass_on_joined(output, stream, at, (size_t)(newline - at), false);
            at = newline + 1;
        } else if (left > room) {
            pass_on_joined(output, stream, at, room, true);
            at += room;
        } else {
            if (!buffer_append(pending, at, left))
                pass_on(output, stream, at, left, true);
            at = end;
        }
    }
}

static void
log_part(struct component_output *output, enum log_level level, const char *text, size_t size,
         bool continues, const struct log_pair *context, size_t context_size)
{
    spend(output, size);
    if (!output->sink)
        return;
    output->sink->write(output->sink, &(struct log_line){
                                          .path = output->path,
                                          .generation = output->generation,
                                          .stream = LOG_HOST,
                                          .level = level,
                                          .text = text,
                                          .size = size,
                                          .continues = continues,
                                          .context = context,
                                          .context_size = context_size,
                                      });
}

void
component_output_log(struct component_output *output, enum log_level level, const char *text,
                     size_t size, const struct log_pair *context, size_t context_size)
{
    if (component_output_room(output, clock_now_us()) == 0) {
        output->dropped++;
        return;
    }
    if (output->dropped > 0) {
        char said[64];
        int length = snprintf(said, sizeof said, "%llu log lines dropped: too many at once",
                              (unsigned long long)output->dropped);
        output->dropped = 0;
        log_part(output, LOG_WARN, said, (size_t)length, false, NULL, 0);
    }
    for (; size > LOG_LINE_BYTES_MAX; text += LOG_LINE_BYTES_MAX, size -= LOG_LINE_BYTES_MAX)
        log_part(output, level, text, LOG_LINE_BYTES_MAX, true, NULL, 0);
    log_part(output, level, text, size, false, context, context_size);
}

void
component_output_flush(struct component_output *output)
{
    for (enum log_stream stream = LOG_STDOUT; stream <= LOG_STDERR; stream++) {
        struct buffer *pending = &output->pending[stream];
        if (pending->size == 0)
            continue;
        pass_on(output, stream, pending->data, pending->size, false);
        buffer_consume(pending, pending->size);
    }
}

size_t
component_output_room(struct component_output *output, uint64_t now_us)
{
    uint64_t elapsed = now_us - output->refilled_us;
    if (elapsed > US_PER_S)
        elapsed = US_PER_S;
    output->tokens += elapsed * OUTPUT_BYTES_PER_S / US_PER_S;
    if (output->tokens > OUTPUT_BURST_BYTES)
        output->tokens = OUTPUT_BURST_BYTES;
    output->refilled_us = now_us;

    size_t room = output->tokens < OUTPUT_LINE_COST_BYTES ? 0 : (size_t)output->tokens;
    if (room > 0 && output->sink && output->sink->room) {
        size_t wanted = output->sink->room(output->sink, output->path);
        if (wanted < room)
            room = wanted;
    }
    return room;
}
