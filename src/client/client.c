/* Client: one request after the other over a kept connection.
 *
 * libcurl does HTTP and the Unix socket. An error answer becomes a status by its HTTP number;
 * its text is the application's own and goes to the user as it is.
 */
#include "client/client.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <jansson.h>

#include "base/error.h"
#include "client/client_internal.h"

enum airs_status
client_new(const char *socket_path, struct client **client_out, struct airs_error *error)
{
    assert(socket_path && client_out);

    struct sockaddr_un address;
    if (strlen(socket_path) >= sizeof address.sun_path)
        return fail(error, AIRS_EINVAL, "socket '%s': the path is longer than %zu bytes",
                    socket_path, sizeof address.sun_path - 1);
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return fail(error, AIRS_ENOMEM, "out of memory");
    client->socket_path = strdup(socket_path);
    client->curl = curl_easy_init();
    if (!client->socket_path || !client->curl) {
        client_free(client);
        return fail(error, AIRS_ENOMEM, "out of memory");
    }
    *client_out = client;
    return AIRS_OK;
}

void
client_free(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free(client->socket_path);
    free(client);
}

void
client_reply_init(struct client_reply *reply)
{
    reply->code = 0;
    buffer_init(&reply->body, CLIENT_REPLY_BYTES_MAX);
}

void
client_reply_deinit(struct client_reply *reply)
{
    buffer_deinit(&reply->body);
}

void
client_set_up(CURL *curl, const struct client *client)
{
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "airs");
}

bool
client_set_target(CURL *curl, const char *target)
{
    struct buffer url;
    buffer_init(&url, 0);
    bool done = buffer_printf(&url, "http://localhost%s", target) &&
                curl_easy_setopt(curl, CURLOPT_URL, url.data) == CURLE_OK;
    buffer_deinit(&url);
    return done;
}

static size_t
take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct buffer *body = context;
    return buffer_append(body, bytes, one * size) ? one * size : 0;
}

static enum airs_status
fail_connect(const struct client *client, struct airs_error *error)
{
    long cause = 0;
    curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &cause);
    if (cause == EACCES)
        return fail(error, AIRS_EDENIED, "%s: it is another user's; run airs as that user",
                    client->socket_path);
    return fail(error, AIRS_ENOTRUNNING, "nothing listens at %s", client->socket_path);
}

enum airs_status
client_fail_transfer(const struct client *client, CURLcode code, enum airs_status if_dropped,
                     struct airs_error *error)
{
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
        return fail_connect(client, error);
    case CURLE_OPERATION_TIMEDOUT:
        return fail(error, AIRS_ETIMEDOUT, "no answer from %s in time; is its process stopped?",
                    client->socket_path);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return fail(error, if_dropped, "%s: the application ended before it answered",
                    client->socket_path);
    case CURLE_OUT_OF_MEMORY:
        return fail(error, AIRS_ENOMEM, "out of memory");
    default:
        return fail(error, AIRS_EIO, "%s: %s", client->socket_path, curl_easy_strerror(code));
    }
}

static enum airs_status
status_of_code(int code)
{
    switch (code) {
    case 400:
    case 405:
        return AIRS_EINVAL;
    case 403:
        return AIRS_EDENIED;
    case 404:
        return AIRS_ENOENT;
    case 409:
        return AIRS_EBUSY;
    case 410: /* Events that are no longer kept. */
    case 413:
    case 429:
    case 503:
        return AIRS_ELIMIT;
    case 502:
        return AIRS_EREJECTED;
    case 408:
    case 504:
        return AIRS_ETIMEDOUT;
    default:
        return AIRS_EIO;
    }
}

/* Of a message that nobody has answered the kind says so: 502 alone may be an actor's own err. */
static enum airs_status
status_of(int code, const json_t *body)
{
    enum airs_status status = status_of_code(code);
    const char *kind = json_string_value(json_object_get(body, "kind"));
    bool is_own = !kind || strcmp(kind, "error") == 0;
    return status == AIRS_EREJECTED && !is_own ? AIRS_EENDED : status;
}

enum airs_status
client_fail_reply(int code, const struct buffer *body, struct airs_error *error)
{
    json_t *root = body->size ? json_loadb(body->data, body->size, 0, NULL) : NULL;
    enum airs_status status = status_of(code, root);
    const char *text = json_string_value(json_object_get(root, "error"));

    if (text)
        fail(error, status, "%s", text);
    else
        fail(error, status, "the application answered with HTTP status %d", code);
    json_decref(root);
    return status;
}

static enum airs_status
perform(struct client *client, const char *target, unsigned timeout_ms, enum airs_status if_dropped,
        struct client_reply *reply, struct airs_error *error)
{
    reply->code = 0;
    buffer_deinit(&reply->body);
    if (!client_set_target(client->curl, target))
        return fail(error, AIRS_ENOMEM, "out of memory");
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS,
                     (long)(timeout_ms ? timeout_ms : CLIENT_TIMEOUT_MS));
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &reply->body);

    CURLcode result = curl_easy_perform(client->curl);
    if (result != CURLE_OK)
        return client_fail_transfer(client, result, if_dropped, error);
    long code = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &code);
    reply->code = (int)code;
    if (code < 200 || code > 299)
        return client_fail_reply(reply->code, &reply->body, error);
    return AIRS_OK;
}

enum airs_status
client_get(struct client *client, const char *target, unsigned timeout_ms,
           struct client_reply *reply, struct airs_error *error)
{
    assert(client && target && reply);
    client_set_up(client->curl, client);
    return perform(client, target, timeout_ms, AIRS_ENOTRUNNING, reply, error);
}

enum airs_status
client_post(struct client *client, const char *target, const void *bytes, size_t size,
            unsigned timeout_ms, struct client_reply *reply, struct airs_error *error)
{
    assert(client && target && reply && (bytes || size == 0));

    /* Without an empty Expect, libcurl asks before a long body and waits a second for nothing. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (!headers)
        return fail(error, AIRS_ENOMEM, "out of memory");
    struct curl_slist *more = curl_slist_append(headers, "Content-Type: application/octet-stream");
    if (!more) {
        curl_slist_free_all(headers);
        return fail(error, AIRS_ENOMEM, "out of memory");
    }
    client_set_up(client->curl, client);
    curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, size ? (const char *)bytes : "");
    enum airs_status status = perform(client, target, timeout_ms, AIRS_EENDED, reply, error);
    curl_slist_free_all(headers);
    return status;
}

bool
client_append_encoded(struct buffer *buffer, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        char coded[3] = { '%', hex[byte >> 4], hex[byte & 15] };
        bool plain = isalnum(byte) || strchr("-._~/", byte) != NULL;
        if (!(plain ? buffer_append(buffer, text, 1) : buffer_append(buffer, coded, 3)))
            return false;
    }
    return true;
}
