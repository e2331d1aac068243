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
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define HANGUPS_AT_ONCE 32
/* Accepted above the limit, until those that were cut off for them are gone. */
#define CONNECTIONS_SPARE 16u

/* What libmicrohttpd gives up for want of memory it closes some runs later, and asks for none. */
#define RUNS_AT_ONCE 5u

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
    for (unsigned i = 0; i < RUNS_AT_ONCE; i++)
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
    list_for_each(node, &server->exchanges) {
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
    list_for_each(node, &server->exchanges) {
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
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, control_on_request, server,
        MHD_OPTION_LISTEN_SOCKET, server->options.listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        CONTROL_CONNECTIONS_MAX + CONNECTIONS_SPARE, MHD_OPTION_CONNECTION_TIMEOUT, CONTROL_IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONTROL_MEMORY_BYTES_MAX, MHD_OPTION_NOTIFY_COMPLETED,
        control_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, control_on_connection, server,
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
    changes_open(&server->changes);
    buffer_init(&server->record, 0);
    pthread_mutex_init(&server->lock, NULL);
    server->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
    enum airs_status status = server->hangup_fd < 0
                                  ? fail(error, AIRS_EIO, "epoll: %s", strerror(errno))
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
    list_for_each(node, &server->exchanges) {
        struct exchange *exchange = container_of(node, struct exchange, link);
        exchange->hung_up = true;
        exchange_resume(exchange);
    }
    changes_close(&server->changes);
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
    changes_deinit(&server->changes);
    pthread_mutex_destroy(&server->lock);
    buffer_deinit(&server->record);
    free(server);
}
