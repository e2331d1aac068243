/* Control server: libmicrohttpd inside libuv's loop.
 *
 * libmicrohttpd has an epoll descriptor of its own, which the loop watches; it runs when that
 * is readable or its next timeout is due. While a connection is suspended it does not watch
 * it, so we do, for its hang-up alone: a client that went away frees its place at once.
 */
#include "daemon/control_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define REAPER_MS 5000
#define HANGUPS_AT_ONCE 32
/* Accepted above the limit, until those that were cut off for them are gone. */
#define CONNECTIONS_SPARE 16u

/* ---- The loop ---- */

static void run(struct control_server *server);

static void
on_mhd_timer(uv_timer_t *timer)
{
    run(timer->data);
}

/* Lets libmicrohttpd do what it can, then sleeps until it wants to do more. */
static void
run(struct control_server *server)
{
    unsigned long long timeout_ms;
    unsigned clients_before = server->clients_count;
    if (!server->mhd)
        return;
    MHD_run(server->mhd);
    /* Whether it listens again after a place became free, it only looks at in its next run. */
    if (server->clients_count != clients_before)
        uv_timer_start(&server->mhd_timer, on_mhd_timer, 0, 0);
    else if (MHD_get_timeout(server->mhd, &timeout_ms) == MHD_YES)
        uv_timer_start(&server->mhd_timer, on_mhd_timer, timeout_ms, 0);
    else
        uv_timer_stop(&server->mhd_timer);
}

static void
on_mhd_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void
on_hangup(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct control_server *server = poll->data;
    struct epoll_event found[HANGUPS_AT_ONCE];
    int count = epoll_wait(server->hangup_fd, found, HANGUPS_AT_ONCE, 0);
    for (int i = 0; i < count; i++) {
        struct exchange *exchange = found[i].data.ptr;
        exchange->hung_up = true;
        exchange_resume(exchange);
    }
    run(server);
}

void
exchange_suspend(struct exchange *exchange)
{
    struct epoll_event event = { .events = 0, .data.ptr = exchange };
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
    epoll_ctl(exchange->server->hangup_fd, EPOLL_CTL_ADD, exchange->client->fd, &event);
}

void
exchange_resume(struct exchange *exchange)
{
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    epoll_ctl(exchange->server->hangup_fd, EPOLL_CTL_DEL, exchange->client->fd, NULL);
    MHD_resume_connection(exchange->connection);
}

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

/* Libmicrohttpd sees the end of the connection and clears up. */
static void
cut_off(struct client *client)
{
    shutdown(client->fd, SHUT_RDWR);
}

static void
cut_off_longest(struct control_server *server)
{
    struct client *longest = NULL;
    list_for_each(node, &server->clients)
    {
        struct client *client = container_of(node, struct client, link);
        if (!longest || waiting_since(client) < waiting_since(longest))
            longest = client;
    }
    if (longest && waiting_since(longest) != UINT64_MAX)
        cut_off(longest);
}

static void
on_reaper(uv_timer_t *timer)
{
    struct control_server *server = timer->data;
    uint64_t now_us = clock_now_us();
    list_for_each(node, &server->clients)
    {
        struct client *client = container_of(node, struct client, link);
        if (client->receiving_us != 0 && now_us - client->receiving_us > CONTROL_REQUEST_US_MAX)
            cut_off(client);
    }
}

static void
on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
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
    list_push_back(&server->clients, &client->link);
    if (++server->clients_count == 1)
        uv_timer_start(&server->reaper, on_reaper, REAPER_MS, REAPER_MS);
    if (server->clients_count >= CONTROL_CONNECTIONS_MAX)
        cut_off_longest(server);
}

/* ---- Exchanges ---- */

static void
exchange_free(struct exchange *exchange)
{
    list_remove(&exchange->link);
    stream_close(&exchange->stream);
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
    buffer_init(&exchange->body, CONTROL_BODY_BYTES_MAX);
    client->exchange = exchange;
    list_push_back(&server->exchanges, &exchange->link);
    return exchange;
}

/* MHD is done with the request, for whatever reason. */
static void
on_completed(void *context, struct MHD_Connection *connection, void **request_context,
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
        response = MHD_create_response_from_buffer(size, bytes ? bytes : (char[]){ "" },
                                                   bytes ? MHD_RESPMEM_MUST_FREE
                                                         : MHD_RESPMEM_MUST_COPY);
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

/* Called by libmicrohttpd with the headers, then with each piece of body, then at its end, and
 * again each time that the suspended connection is resumed. */
static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
           const char *version, const char *upload, size_t *upload_size, void **request_context)
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

/* ---- Answers of the application ---- */

void
exchange_complete(struct exchange *exchange)
{
    struct control_server *server = exchange->server;
    pthread_mutex_lock(&server->lock);
    bool first = list_is_empty(&server->completed);
    list_push_back(&server->completed, &exchange->completed);
    if (first && server->accepts_completions)
        uv_async_send(&server->completion);
    pthread_mutex_unlock(&server->lock);
}

static void
take_completed(struct control_server *server)
{
    struct list completed;
    struct list *node;
    list_init(&completed);
    pthread_mutex_lock(&server->lock);
    list_append_all(&completed, &server->completed);
    pthread_mutex_unlock(&server->lock);
    while ((node = list_pop_front(&completed)) != NULL) {
        struct exchange *exchange = container_of(node, struct exchange, completed);
        exchange->pending = false;
        if (!exchange->connection) {
            exchange_free(exchange);
            continue;
        }
        exchange_finish(exchange);
        exchange_resume(exchange);
    }
}

static void
on_completion(uv_async_t *async)
{
    struct control_server *server = async->data;
    take_completed(server);
    run(server);
}

static void
resume_streams(struct control_server *server, enum stream_kind kind)
{
    list_for_each(node, &server->exchanges)
    {
        struct exchange *exchange = container_of(node, struct exchange, link);
        if (exchange->state == EXCHANGE_SENDING && exchange->stream.kind == kind)
            exchange_resume(exchange);
    }
    run(server);
}

void
control_server_on_events(struct control_server *server)
{
    resume_streams(server, STREAM_EVENTS);
}

void
control_server_on_lines(struct control_server *server)
{
    resume_streams(server, STREAM_LOGS);
}

void
control_server_set_phase(struct control_server *server, enum control_phase phase)
{
    server->phase = phase;
    if (phase != CONTROL_ENDED)
        return;
    list_for_each(node, &server->exchanges)
    {
        struct exchange *exchange = container_of(node, struct exchange, link);
        if (exchange->state == EXCHANGE_WAITING && exchange->route.target == TARGET_DOWN) {
            exchange_answer_text(exchange, MHD_HTTP_OK, "application/json",
                                 "{\"status\":\"stopped\"}\n");
            exchange_resume(exchange);
        }
    }
    resume_streams(server, STREAM_EVENTS);
    resume_streams(server, STREAM_LOGS);
}

bool
control_server_is_idle(const struct control_server *server)
{
    return list_is_empty(&server->exchanges);
}

/* ---- Life ---- */

/* Paths stay encoded until control_route has cut them: "%2F" is no separator before that. */
static size_t
keep_encoded(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static enum airs_status
start_mhd(struct control_server *server, struct airs_error *error)
{
    server->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, server->options.listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, CONTROL_CONNECTIONS_MAX + CONNECTIONS_SPARE,
        MHD_OPTION_CONNECTION_TIMEOUT, CONTROL_IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONTROL_MEMORY_BYTES_MAX,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, server, MHD_OPTION_END);
    if (!server->mhd)
        return fail(error, AIRS_EIO, "cannot start the control server: %s", strerror(errno));
    return AIRS_OK;
}

static void
watch(struct control_server *server)
{
    uv_loop_t *loop = server->options.loop;
    int fd = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD)->listen_fd;
    uv_poll_init(loop, &server->mhd_poll, fd);
    uv_poll_init(loop, &server->hangup_poll, server->hangup_fd);
    uv_timer_init(loop, &server->mhd_timer);
    uv_timer_init(loop, &server->reaper);
    uv_async_init(loop, &server->completion, on_completion);
    server->mhd_poll.data = server->hangup_poll.data = server;
    server->mhd_timer.data = server->reaper.data = server->completion.data = server;
    server->accepts_completions = true;
    uv_poll_start(&server->mhd_poll, UV_READABLE, on_mhd_readable);
    uv_poll_start(&server->hangup_poll, UV_READABLE, on_hangup);
}

enum airs_status
control_server_new(const struct control_options *options, struct control_server **server_out,
                   struct airs_error *error)
{
    struct control_server *server = calloc(1, sizeof *server);
    if (!server)
        return fail(error, AIRS_ENOMEM, "out of memory");
    server->options = *options;
    list_init(&server->clients);
    list_init(&server->exchanges);
    list_init(&server->completed);
    buffer_init(&server->record, 0);
    pthread_mutex_init(&server->lock, NULL);
    server->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
    enum airs_status status =
        server->hangup_fd < 0 ? fail(error, AIRS_EIO, "epoll: %s", strerror(errno))
                              : start_mhd(server, error);
    if (status == AIRS_OK) {
        watch(server);
        *server_out = server;
    } else {
        control_server_free(server);
    }
    return status;
}

void
control_server_close(struct control_server *server)
{
    if (!server->mhd)
        return;
    list_for_each(node, &server->exchanges)
    {
        struct exchange *exchange = container_of(node, struct exchange, link);
        exchange->hung_up = true;
        exchange_resume(exchange);
    }
    MHD_run(server->mhd);
    struct MHD_Daemon *mhd = server->mhd;
    server->mhd = NULL;
    pthread_mutex_lock(&server->lock);
    server->accepts_completions = false;
    pthread_mutex_unlock(&server->lock);
    uv_close((uv_handle_t *)&server->mhd_poll, NULL);
    uv_close((uv_handle_t *)&server->hangup_poll, NULL);
    uv_close((uv_handle_t *)&server->mhd_timer, NULL);
    uv_close((uv_handle_t *)&server->reaper, NULL);
    uv_close((uv_handle_t *)&server->completion, NULL);
    MHD_stop_daemon(mhd);
}

void
control_server_free(struct control_server *server)
{
    if (!server)
        return;
    assert(!server->mhd);
    take_completed(server);
    assert(list_is_empty(&server->exchanges));
    if (server->hangup_fd >= 0)
        close(server->hangup_fd);
    pthread_mutex_destroy(&server->lock);
    buffer_deinit(&server->record);
    free(server);
}
