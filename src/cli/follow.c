/* Follow: see follow.h. */
#include "cli/follow.h"

#include <stdio.h>

#include "client/stream.h"

/* The next line; what was printed so far is shown before waiting for it. */
static enum client_next
next_line(struct client_stream *stream, const char **line_out, size_t *size_out,
          struct airs_error *error)
{
    enum client_next next = client_stream_next(stream, 0, -1, line_out, size_out, error);
    if (next != CLIENT_TIMEOUT)
        return next;
    fflush(stdout);
    return client_stream_next(stream, -1, -1, line_out, size_out, error);
}

int
follow_stream(struct session *session, const char *target, follow_line *take_line, void *context)
{
    struct airs_error error = { 0 };
    struct client_stream *stream;
    if (!target || client_stream_new(session->client, target, &stream, &error) != AIRS_OK)
        return cli_fail(session->verb, CLI_FAILED, "out of memory");
    const char *line;
    size_t size;
    enum client_next next;
    while ((next = next_line(stream, &line, &size, &error)) == CLIENT_LINE) {
        if (!take_line(context, line, size) || ferror(stdout))
            break;
    }
    client_stream_free(stream);
    fflush(stdout);
    return next == CLIENT_FAILED ? session_fail(session, error.status, &error) : CLI_DONE;
}

void
follow_print(const char *line, size_t size)
{
    fwrite(line, 1, size, stdout);
    putchar('\n');
}
