/* Clients: connections, and the requests on them, as libmicrohttpd tells of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "daemon/control_internal.h"

#define REAPER_MS 5000

/* ---- Clients ---- */

/* How long this client keeps its place without taking or giving anything, for its sake alone. */
static uint64_t
waiting_since(const struct client *client)
{
    const struct exchange *exchange = client->exchange;
    if (client->receiving_us != 0)
        return client->receiving_us;
    if (exchange && exchange->stream.kind != STREAM_NONE && !exchange->suspended)
        return exchange->taken_us;
    return UINT64_MAX;
}

/* How long this follower was not written to; it can resume where it was. */
static uint64_t
following_since(const struct client *client)
{
    const struct exchange *exchange = client->exchange;
    return exchange && exchange->stream.kind != STREAM_NONE ? exchange->taken_us : UINT64_MAX;
}

/* Libmicrohttpd sees the end of the connection and clears up. */
static void
cut_off(struct client *client)
{
    shutdown(client->fd, SHUT_RDWR);
}

/* False: there is nobody with a time. */
static bool
cut_off_longest(struct control_server *server, uint64_t (*since)(const struct client *))
{
    struct client *longest = NULL;
    list_for_each(node, &server->clients) {
        struct client *client = container_of(node, struct client, link);
        if (!longest || since(client) < since(longest))
            longest = client;
    }
    if (!longest || since(longest) == UINT64_MAX)
        return false;
    cut_off(longest);
    return true;
}

/* For one more client, so that a verb always gets through. Calls that wait for their answer
 * keep their places. */
static void
make_room(struct control_server *server)
{
    if (server->clients_count + 1 < CONTROL_CONNECTIONS_MAX)
        return;
    if (!cut_off_longest(server, waiting_since))
        cut_off_longest(server, following_since);
}

static void
on_reaper(uv_timer_t *timer)
{
    struct control_server *server = timer->data;
    uint64_t now_us = clock_now_us();
    list_for_each(node, &server->clients) {
        struct client *client = container_of(node, struct client, link);
        if (client->receiving_us != 0 && now_us - client->receiving_us > CONTROL_REQUEST_US_MAX)
            cut_off(client);
    }
}

void
control_on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode code)
{
    struct control_server *server = context;
    struct client *client = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (!client)
            return;
        list_remove(&client->link);
        if (--server->clients_count == 0)
            uv_timer_stop(&server->reaper);
        free(client);
        *socket_context = NULL;
        return;
    }
    client = calloc(1, sizeof *client);
    if (!client)
        return; /* The access handler refuses it. */
    client->server = server;
    client->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    client->receiving_us = clock_now_us();
    *socket_context = client;
    make_room(server);
    list_push_back(&server->clients, &client->link);
    if (++server->clients_count == 1)
        uv_timer_start(&server->reaper, on_reaper, REAPER_MS, REAPER_MS);
}

/* ---- Exchanges ---- */

void
exchange_free(struct exchange *exchange)
{
    list_remove(&exchange->link);
    stream_close(&exchange->stream);
    change_deinit(&exchange->change);
    buffer_deinit(&exchange->body);
    buffer_deinit(&exchange->answer);
    buffer_deinit(&exchange->done_bytes);
    buffer_deinit(&exchange->children);
    free(exchange->done_text);
    free(exchange);
}

static struct exchange *
exchange_new(struct control_server *server, struct MHD_Connection *connection,
             struct client *client)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->server = server;
    exchange->connection = connection;
    exchange->client = client;
    list_init(&exchange->completed);
    list_init(&exchange->change.link);
    buffer_init(&exchange->change.report, 0);
    buffer_init(&exchange->body, CONTROL_BODY_BYTES_MAX);
    client->exchange = exchange;
    list_push_back(&server->exchanges, &exchange->link);
    return exchange;
}

void
control_on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                     enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct exchange *exchange = *request_context;
    if (!exchange)
        return;
    *request_context = NULL;
    exchange->client->exchange = NULL;
    exchange->client->receiving_us = clock_now_us();
    exchange->client = NULL;
    exchange->connection = NULL;
    if (!exchange->pending)
        exchange_free(exchange);
}

static enum MHD_Result
queue_answer(struct exchange *exchange)
{
    struct MHD_Response *response;
    bool streams = exchange->stream.kind != STREAM_NONE && exchange->status == MHD_HTTP_OK;
    if (streams) {
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CONTROL_STREAM_BLOCK_BYTES,
                                                     stream_read, exchange, NULL);
    } else {
        size_t size;
        char *bytes = buffer_take(&exchange->answer, &size);
        response =
            MHD_create_response_from_buffer(size, bytes ? bytes : (char[]){ "" },
                                            bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
        if (!response)
            free(bytes);
    }
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, exchange->content_type);
    if (streams) {
        /* A follower may be silent for days, and may read slowly as long as the ring has it. */
        MHD_set_connection_option(exchange->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    enum MHD_Result result = MHD_queue_response(exchange->connection, exchange->status, response);
    MHD_destroy_response(response);
    exchange->state = EXCHANGE_SENDING;
    exchange->taken_us = clock_now_us();
    return result;
}

static bool
announces_too_much(struct exchange *exchange)
{
    const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t bytes;
    return length && (!control_number_parse(length, &bytes) || bytes > CONTROL_BODY_BYTES_MAX);
}

static enum MHD_Result
begin(struct control_server *server, struct MHD_Connection *connection, const char *url,
      const char *method, void **request_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info ? info->socket_context : NULL;
    struct exchange *exchange = client ? exchange_new(server, connection, client) : NULL;
    if (!exchange)
        return MHD_NO;
    *request_context = exchange;
    exchange->routed = control_route_parse(method, url, &exchange->route);
    if (!announces_too_much(exchange))
        return MHD_YES;
    exchange_fail(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "at most %zu bytes of body",
                  (size_t)CONTROL_BODY_BYTES_MAX);
    return queue_answer(exchange);
}

enum MHD_Result
control_on_request(void *context, struct MHD_Connection *connection, const char *url,
                   const char *method, const char *version, const char *upload, size_t *upload_size,
                   void **request_context)
{
    (void)version;
    struct exchange *exchange = *request_context;
    if (!exchange)
        return begin(context, connection, url, method, request_context);
    if (exchange->hung_up)
        return MHD_NO;
    if (*upload_size > 0) {
        bool fits = buffer_append(&exchange->body, upload, *upload_size);
        *upload_size = 0;
        return fits ? MHD_YES : MHD_NO;
    }
    if (exchange->state == EXCHANGE_RECEIVING) {
        exchange->client->receiving_us = 0;
        exchange_dispatch(exchange);
    }
    if (exchange->state == EXCHANGE_WAITING) {
        exchange_suspend(exchange);
        return MHD_YES;
    }
    return exchange->state == EXCHANGE_ANSWERED ? queue_answer(exchange) : MHD_YES;
}
