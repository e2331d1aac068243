/* Stream: an answer of the control socket that comes line by line, for as long as one listens. */
#ifndef CLIENT_STREAM_H
#define CLIENT_STREAM_H

#include "client/client.h"

/** Bytes read ahead of the reader; then the daemon is left to wait, or to disconnect us. */
#define STREAM_AHEAD_BYTES_MAX ((size_t)1024 * 1024)

struct client_stream;

enum client_next {
    CLIENT_LINE,    /* A line is there. */
    CLIENT_TIMEOUT, /* None came in time. */
    CLIENT_WOKEN,   /* `wake_fd` became readable. */
    CLIENT_END,     /* The daemon ended the answer. */
    CLIENT_FAILED   /* `error` says why. */
};

/**
 * Asks for `target`; the answer is read by client_stream_next(). `client` is only used to
 * find the socket and is free for other requests meanwhile.
 * Fails with AIRS_ENOMEM.  Ownership: client_stream_free().  Thread: one at a time.  Blocks: no.
 */
enum airs_status client_stream_new(const struct client *client, const char *target,
                                   struct client_stream **stream_out, struct airs_error *error);
void client_stream_free(struct client_stream *stream);

/**
 * Connects and sends the request, as far as that goes at once: what listens at the socket then
 * has it, also if its process serves nobody yet. Without it the first client_stream_next() does
 * so.  Blocks: no.
 */
void client_stream_send(struct client_stream *stream);

/**
 * The next line, without its end of line, NUL-terminated, until the next call.
 * Waits up to `timeout_ms` (-1: without end), or until `wake_fd` (-1: none) can be read.
 * An error answer (no such child) is CLIENT_FAILED with the answer's status.
 * Blocks: as said.
 */
enum client_next client_stream_next(struct client_stream *stream, int timeout_ms, int wake_fd,
                                    const char **line_out, size_t *size_out,
                                    struct airs_error *error);

#endif
