/* A control server on a loop of its own thread, over an application that was only loaded; and
 * a client that sends any bytes.
 */
#ifndef UNIT_DAEMON_CONTROL_WORLD_H
#define UNIT_DAEMON_CONTROL_WORLD_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/control_server.h"
#include "daemon/event_ring.h"
#include "daemon/socket_lock.h"
#include "unit/daemon/temp_dir.h"

#define ANSWER_MS 60000 /* Nothing may take so long. */

struct world {
    struct temp_dir dir;
    struct app_dirs dirs;
    struct socket_lock lock;
    struct airs_application *application;
    struct record_ring *events;
    struct log_store *logs;
    struct control_server *control;
    uint64_t seq;

    uv_loop_t loop;
    uv_async_t command;
    uv_timer_t look;
    pthread_t thread;
    atomic_bool new_events;
    atomic_bool over;
    atomic_int phase; /* To be set; -1: nothing to do. */
    atomic_uint downs;
    atomic_bool is_idle; /* As last seen. */
};

static void
world_look(uv_timer_t *timer)
{
    struct world *world = timer->data;
    atomic_store(&world->is_idle, control_server_is_idle(world->control));
}

static void
world_command(uv_async_t *async)
{
    struct world *world = async->data;
    int phase = atomic_exchange(&world->phase, -1);
    if (phase >= 0)
        control_server_set_phase(world->control, (enum control_phase)phase);
    if (atomic_exchange(&world->new_events, false))
        control_server_on_events(world->control);
    if (atomic_load(&world->over))
        uv_stop(&world->loop);
}

static void
world_on_events(void *context)
{
    struct world *world = context;
    atomic_store(&world->new_events, true);
    uv_async_send(&world->command);
}

static void
world_on_lines(void *context)
{
    (void)context;
}

static void
world_on_down(void *context, bool kill)
{
    struct world *world = context;
    (void)kill;
    atomic_fetch_add(&world->downs, 1);
}

static void *
world_loop(void *context)
{
    struct world *world = context;
    uv_run(&world->loop, UV_RUN_DEFAULT);
    return NULL;
}

static inline void
world_write_event(struct world *world, const char *detail)
{
    struct airs_event event = { .seq = ++world->seq,
                                .event = "started",
                                .path = "/a",
                                .detail = detail,
                                .delay_us = AIRS_NONE,
                                .restarts = AIRS_NONE };
    event_ring_write(world->events, &event);
}

static inline void
world_set_phase(struct world *world, enum control_phase phase)
{
    uint64_t deadline_us = clock_now_us() + ANSWER_MS * US_PER_MS;
    atomic_store(&world->phase, (int)phase);
    uv_async_send(&world->command);
    while (atomic_load(&world->phase) >= 0) {
        assert_true(clock_now_us() < deadline_us);
        poll(NULL, 0, 1);
    }
}

static inline void
world_load(struct world *world)
{
    char path[PATH_MAX];
    FILE *file = fopen(temp_dir_file(&world->dir, "a.wasm", path), "w");
    assert_non_null(file);
    fclose(file);
    file = fopen(temp_dir_file(&world->dir, "airs.yaml", path), "w");
    assert_non_null(file);
    fputs("name: shop\nchildren:\n  - { name: a, component: a.wasm }\n  - { name: wrker, "
          "component: a.wasm }\n",
          file);
    fclose(file);
    struct airs_application_options options = { .manifest_path = path };
    assert_int_equal(airs_application_load(&options, NULL, NULL, &world->application, NULL),
                     AIRS_OK);
}

/* `events_max` records of `bytes_max` bytes in the ring. */
static inline void
world_start(struct world *world, size_t events_max, size_t bytes_max)
{
    memset(world, 0, sizeof *world);
    atomic_store(&world->phase, -1);
    temp_dir_make(&world->dir);
    setenv("XDG_RUNTIME_DIR", world->dir.path, 1);
    setenv("XDG_STATE_HOME", world->dir.path, 1);
    setenv("XDG_CACHE_HOME", world->dir.path, 1);
    assert_int_equal(app_dirs_of("shop", &world->dirs, NULL), AIRS_OK);
    world_load(world);
    assert_int_equal(socket_lock_open(&world->dirs, &world->lock, NULL), AIRS_OK);

    uv_loop_init(&world->loop);
    uv_async_init(&world->loop, &world->command, world_command);
    uv_timer_init(&world->loop, &world->look);
    world->command.data = world->look.data = world;
    uv_timer_start(&world->look, world_look, 0, 5);
    world->events = record_ring_new(events_max, bytes_max, world_on_events, world);
    assert_int_equal(log_store_new(world->dir.path, world_on_lines, world, &world->logs, NULL),
                     AIRS_OK);
    struct control_options options = {
        .loop = &world->loop,
        .listen_fd = world->lock.listen_fd,
        .application = world->application,
        .events = world->events,
        .logs = world->logs,
        .down = world_on_down,
        .context = world,
    };
    assert_int_equal(control_server_new(&options, &world->control, NULL), AIRS_OK);
    world->lock.listen_fd = -1;
    assert_int_equal(pthread_create(&world->thread, NULL, world_loop, world), 0);
}

static inline void
world_close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static inline void
world_stop(struct world *world)
{
    atomic_store(&world->over, true);
    uv_async_send(&world->command);
    pthread_join(world->thread, NULL);
    control_server_close(world->control);
    airs_application_free(world->application);
    uv_walk(&world->loop, world_close_handle, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    control_server_free(world->control);
    log_store_free(world->logs);
    record_ring_free(world->events);
    socket_lock_close(&world->lock);
    temp_dir_remove(&world->dir);
}

static inline int
client_connect(struct world *world)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, world->dirs.socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends what the other side takes; it may have closed already. */
static inline void
client_send(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        size -= (size_t)sent;
    }
}

static inline void
client_say(int fd, const char *text)
{
    client_send(fd, text, strlen(text));
}

/* Reads until `until` was read, or the end of the connection if it is NULL; the text read. */
static inline void
client_read(int fd, const char *until, struct buffer *text)
{
    uint64_t deadline_us = clock_now_us() + ANSWER_MS * US_PER_MS;
    while (!until || !text->data || !strstr(text->data, until)) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        char block[4096];
        assert_true(clock_now_us() < deadline_us);
        if (poll(&poll_fd, 1, 100) <= 0)
            continue;
        ssize_t got = recv(fd, block, sizeof block, 0);
        if (got <= 0) {
            if (until) {
                print_error("closed before '%s'; got: %s", until, text->data ? text->data : "");
                _fail(__FILE__, __LINE__);
            }
            return;
        }
        assert_true(buffer_append(text, block, (size_t)got));
    }
}

/* One request on a connection of its own, and the whole answer. */
static inline void
client_ask(struct world *world, const char *request, struct buffer *text)
{
    int fd = client_connect(world);
    client_say(fd, request);
    client_read(fd, NULL, text);
    close(fd);
}

static inline void
assert_answer(struct world *world, const char *request_line, const char *status, const char *body)
{
    char request[1024];
    struct buffer text;
    buffer_init(&text, 0);
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             request_line);
    client_ask(world, request, &text);
    if (!text.data || strncmp(text.data + strlen("HTTP/1.1 "), status, strlen(status)) != 0 ||
        !strstr(text.data, body)) {
        print_error("%s: expected %s … %s, got: %s", request_line, status, body,
                    text.data ? text.data : "nothing");
        _fail(__FILE__, __LINE__);
    }
    buffer_deinit(&text);
}

static inline void
wait_until(atomic_bool *flag)
{
    uint64_t deadline_us = clock_now_us() + ANSWER_MS * US_PER_MS;
    while (!atomic_load(flag)) {
        assert_true(clock_now_us() < deadline_us);
        poll(NULL, 0, 1);
    }
}

#endif
