/* Client: the control socket of a running application, seen from outside.
 *
 * Requests and their answers over HTTP on the Unix socket. The bodies stay bytes: who asks
 * knows what they mean. Lines that keep coming are a client_stream (stream.h).
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdint.h>

#include <airs/status.h>

#include "base/buffer.h"

/** An answer larger than this is an error (AIRS_EIO). */
#define CLIENT_REPLY_BYTES_MAX ((size_t)64 * 1024 * 1024)

/** How long an ordinary request may take: the daemon answers in milliseconds. */
#define CLIENT_TIMEOUT_MS 30000u

struct client;

/* What came back. Zero it (or client_reply_init) before the first use. */
struct client_reply {
    int code; /* HTTP's; 0: there was no answer. */
    struct buffer body;
};

/**
 * A client of the socket at `socket_path`, which is copied. Nothing is connected yet.
 * Fails with AIRS_ENOMEM, AIRS_EINVAL (path longer than a Unix socket's can be).
 * Ownership: client_free().  Thread: a client belongs to one thread at a time.  Blocks: no.
 */
enum airs_status client_new(const char *socket_path, struct client **client_out,
                            struct airs_error *error);
void client_free(struct client *client);

void client_reply_init(struct client_reply *reply);
void client_reply_deinit(struct client_reply *reply);

/**
 * GET of `target` ("/v1/children"), answered within `timeout_ms` (0: CLIENT_TIMEOUT_MS).
 *
 * AIRS_OK: a 2xx answer is in `reply`, whose former body is dropped. AIRS_ENOTRUNNING:
 * nobody listens at the socket, or who did is gone. AIRS_EDENIED, AIRS_ETIMEDOUT, AIRS_EIO,
 * AIRS_ENOMEM: the asking failed. Anything else: the answer was an error, `error` has its text, the status is the
 * answer's own. Blocks: until the answer or the time is over.
 */
enum airs_status client_get(struct client *client, const char *target, unsigned timeout_ms,
                            struct client_reply *reply, struct airs_error *error);

/** As client_get(), a POST of `size` bytes (NULL and 0: none). AIRS_EENDED: the application was
 * gone before it answered; whether it did what was asked is not known. */
enum airs_status client_post(struct client *client, const char *target, const void *bytes,
                             size_t size, unsigned timeout_ms, struct client_reply *reply,
                             struct airs_error *error);

/**
 * Appends `text` percent-encoded for a URL's path: '/' stays, '#' becomes %23.
 * False when out of memory.  Thread: any.
 */
bool client_append_encoded(struct buffer *buffer, const char *text);

#endif
