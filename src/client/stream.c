/* Stream: libcurl's multi interface as a pull.
 *
 * Received bytes gather in `ahead`; a call hands out one line and drops it at the next call.
 * When the reader is slow the transfer is paused, so that memory here is bounded and the
 * daemon sees a slow reader.
 */
#include "client/stream.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/client_internal.h"

/* libcurl connects, then sends, each in a turn of its own or two. */
#define SEND_TURNS_MAX 16

struct client_stream {
    struct client client; /* For set-up and reports; its socket path is ours. */
    CURLM *multi;
    struct buffer ahead; /* Received; what lies before `start` is handed out. */
    size_t start;
    size_t searched; /* Up to here, `ahead` from `start` on has no end of line. */
    bool has_line;   /* An end of line came since `ahead` was last searched to its end. */
    bool added;
    bool paused;
    bool ended;
    CURLcode result; /* Meaningful once `ended`. */
};

static size_t
take_bytes(char *bytes, size_t one, size_t size, void *context)
{
    struct client_stream *stream = context;
    if (stream->has_line && stream->ahead.size >= STREAM_AHEAD_BYTES_MAX) {
        stream->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (memchr(bytes, '\n', one * size))
        stream->has_line = true;
    return buffer_append(&stream->ahead, bytes, one * size) ? one * size : 0;
}

enum airs_status
client_stream_new(const struct client *client, const char *target,
                  struct client_stream **stream_out, struct airs_error *error)
{
    assert(client && target && stream_out);

    struct client_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return fail(error, AIRS_ENOMEM, "out of memory");
    buffer_init(&stream->ahead, 4 * STREAM_AHEAD_BYTES_MAX);
    stream->client.socket_path = strdup(client->socket_path);
    stream->client.curl = curl_easy_init();
    stream->multi = curl_multi_init();
    if (!stream->client.socket_path || !stream->client.curl || !stream->multi)
        goto out_of_memory;
    CURL *curl = stream->client.curl;
    client_set_up(curl, &stream->client);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
    if (!client_set_target(curl, target) || curl_multi_add_handle(stream->multi, curl) != CURLM_OK)
        goto out_of_memory;
    stream->added = true;
    *stream_out = stream;
    return AIRS_OK;

out_of_memory:
    client_stream_free(stream);
    return fail(error, AIRS_ENOMEM, "out of memory");
}

void
client_stream_free(struct client_stream *stream)
{
    if (!stream)
        return;
    if (stream->added)
        curl_multi_remove_handle(stream->multi, stream->client.curl);
    curl_easy_cleanup(stream->client.curl);
    curl_multi_cleanup(stream->multi);
    buffer_deinit(&stream->ahead);
    free(stream->client.socket_path);
    free(stream);
}

/* A line of `ahead`, or what is left of it once the answer has ended. */
static bool
take_line(struct client_stream *stream, const char **line_out, size_t *size_out)
{
    struct buffer *ahead = &stream->ahead;
    if (ahead->size == stream->start)
        return false;
    char *end = memchr(ahead->data + stream->searched, '\n', ahead->size - stream->searched);
    if (!end && !stream->ended) {
        stream->searched = ahead->size;
        stream->has_line = false;
        return false;
    }
    size_t size_end = end ? (size_t)(end - ahead->data) : ahead->size;
    ahead->data[size_end] = '\0';
    *line_out = ahead->data + stream->start;
    *size_out = size_end - stream->start;
    stream->start = end ? size_end + 1 : size_end;
    stream->searched = stream->start;
    return true;
}

/* Makes room for more: only between lines, as the last one handed out lies in `ahead`. */
static void
drop_handed_out(struct client_stream *stream)
{
    buffer_consume(&stream->ahead, stream->start);
    stream->searched -= stream->start;
    stream->start = 0;
    if (stream->paused && stream->ahead.size < STREAM_AHEAD_BYTES_MAX) {
        stream->paused = false;
        curl_easy_pause(stream->client.curl, CURLPAUSE_CONT);
    }
}

/* Takes what bytes are there. */
static void
perform(struct client_stream *stream)
{
    int running = 0;
    curl_multi_perform(stream->multi, &running);
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(stream->multi, &left)) != NULL;) {
        if (message->msg == CURLMSG_DONE) {
            stream->ended = true;
            stream->result = message->data.result;
        }
    }
}

void
client_stream_send(struct client_stream *stream)
{
    long sent = 0;
    for (int turn = 0; turn < SEND_TURNS_MAX && sent == 0 && !stream->ended; turn++) {
        perform(stream);
        curl_easy_getinfo(stream->client.curl, CURLINFO_REQUEST_SIZE, &sent);
    }
}

static bool
is_error_answer(const struct client_stream *stream, int *code_out)
{
    long code = 0;
    curl_easy_getinfo(stream->client.curl, CURLINFO_RESPONSE_CODE, &code);
    *code_out = (int)code;
    return code >= 300;
}

static int
remaining_ms(uint64_t deadline_us)
{
    uint64_t now_us = clock_now_us();
    if (now_us >= deadline_us)
        return 0;
    uint64_t ms = (deadline_us - now_us + US_PER_MS - 1) / US_PER_MS;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static enum client_next
end_of(struct client_stream *stream, struct airs_error *error)
{
    int code;
    if (is_error_answer(stream, &code)) {
        client_fail_reply(code, &stream->ahead, error);
        return CLIENT_FAILED;
    }
    /* A daemon that is killed cuts the answer short: an end, and the reader sees by the last
     * event whether the application had stopped. */
    bool cut = stream->result == CURLE_PARTIAL_FILE || stream->result == CURLE_RECV_ERROR;
    if (stream->result == CURLE_OK || (cut && code == 200))
        return CLIENT_END;
    client_fail_transfer(&stream->client, stream->result, AIRS_ENOTRUNNING, error);
    return CLIENT_FAILED;
}

enum client_next
client_stream_next(struct client_stream *stream, int timeout_ms, int wake_fd, const char **line_out,
                   size_t *size_out, struct airs_error *error)
{
    assert(stream && line_out && size_out);

    uint64_t deadline_us =
        timeout_ms < 0 ? UINT64_MAX : clock_now_us() + (uint64_t)timeout_ms * US_PER_MS;
    for (;;) {
        int code;
        if (!is_error_answer(stream, &code) && take_line(stream, line_out, size_out))
            return CLIENT_LINE;
        if (stream->ended)
            return end_of(stream, error);
        drop_handed_out(stream);
        perform(stream);
        if (stream->ended || stream->ahead.size > stream->searched)
            continue;
        int wait_ms = timeout_ms < 0 ? INT_MAX : remaining_ms(deadline_us);
        if (wait_ms == 0)
            return CLIENT_TIMEOUT;
        struct curl_waitfd wake = { .fd = wake_fd, .events = CURL_WAIT_POLLIN };
        curl_multi_poll(stream->multi, &wake, wake_fd >= 0 ? 1 : 0, wait_ms, NULL);
        if (wake.revents)
            return CLIENT_WOKEN;
    }
}
