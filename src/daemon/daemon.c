/* Daemon: one loop that waits for everything and does nothing for long.
 *
 * The loop (main thread) has signals, the control socket, log files and timers. A starter
 * thread compiles and starts the application, workers run it; they hand over through the
 * event ring, the log store and a few flags, and wake the loop at most once for many things.
 * Signals are blocked everywhere and read from a descriptor, so no handler ever runs.
 */
#include "daemon/daemon.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <uv.h>

#include <airs/application.h>

#include "base/app_dirs.h"
#include "base/clock.h"
#include "base/error.h"
#include "daemon/compile_child.h"
#include "daemon/control_server.h"
#include "daemon/detach.h"
#include "daemon/event_ring.h"
#include "daemon/log_store.h"
#include "daemon/socket_lock.h"

#define LOG_FLUSH_MS 10     /* Lines wait so long for company. */
#define DRAIN_STEP_MS 10
#define GIVE_UP_MS 5000     /* After a second signal: whatever still hangs, the process ends. */

enum daemon_phase { DAEMON_STARTING, DAEMON_RUNNING, DAEMON_DRAINING, DAEMON_OVER };

struct daemon {
    const struct daemon_options *options;
    struct app_dirs dirs;
    struct socket_lock lock;
    struct detach detach;
    bool is_child; /* Detached. */
    struct compile_child compiler;
    struct airs_application *application;
    struct record_ring *events;
    struct log_store *logs;
    struct control_server *control;
    pthread_t starter;
    bool has_starter;

    /* The loop's alone. */
    uv_loop_t loop;
    uv_poll_t signals;
    uv_timer_t for_timer;
    uv_timer_t flush_timer;
    uv_timer_t end_timer;
    int signal_fd;
    enum daemon_phase phase;
    unsigned signals_seen;
    bool stop_wanted;
    bool kill_wanted;
    bool log_loss_told;
    unsigned lines_told;
    int exit_code;
    uint64_t drain_until_us;

    /* Set by other threads before they wake the loop, taken by it in on_wake. */
    uv_async_t wake;
    atomic_bool has_events;
    atomic_bool has_lines;
    atomic_bool start_done;
    atomic_bool has_ended;
    enum airs_status start_status;  /* Written before start_done. */
    struct airs_error start_error;
    int ended_code;                 /* Written before has_ended. */
};

/* ---- Words to the user ---- */

static void
report(void *context, const char *line)
{
    struct daemon *daemon = context;
    daemon->lines_told++;
    if (daemon->is_child)
        detach_report(&daemon->detach, line);
    else if (daemon->options->report)
        daemon->options->report(daemon->options->context, line);
    else
        fprintf(stderr, "airs: %s\n", line);
}

/* A line of the manifest's report begins with its place: it stands as it is. */
static void
report_manifest(void *context, const char *line)
{
    struct daemon *daemon = context;
    daemon->lines_told++;
    if (daemon->options->report)
        daemon->options->report(daemon->options->context, line);
    else
        fprintf(stderr, "%s\n", line);
}

/* ---- From other threads ---- */

static void
wake_with(struct daemon *daemon, atomic_bool *flag)
{
    atomic_store(flag, true);
    uv_async_send(&daemon->wake);
}

static void
on_events(void *context)
{
    struct daemon *daemon = context;
    wake_with(daemon, &daemon->has_events);
}

static void
on_lines(void *context)
{
    struct daemon *daemon = context;
    wake_with(daemon, &daemon->has_lines);
}

static void
on_event(void *context, const struct airs_event *event)
{
    struct daemon *daemon = context;
    event_ring_write(daemon->events, event);
}

static void
on_log(void *context, const struct airs_log_line *line)
{
    struct daemon *daemon = context;
    log_store_write(daemon->logs, line);
}

static size_t
log_room(void *context, const char *path)
{
    struct daemon *daemon = context;
    return log_store_room(daemon->logs, path);
}

static void
on_progress(void *context, const char *line)
{
    struct daemon *daemon = context;
    if (daemon->is_child)
        detach_progress(&daemon->detach, line);
    else if (daemon->options->progress)
        daemon->options->progress(daemon->options->context, line);
}

static enum airs_status
compile(void *context, const char *file, const char *cache_dir, const char *settings,
        struct airs_error *error)
{
    struct daemon *daemon = context;
    return compile_child_run(&daemon->compiler, file, cache_dir, settings, error);
}

static void
on_ended(void *context, int exit_code)
{
    struct daemon *daemon = context;
    daemon->ended_code = exit_code;
    wake_with(daemon, &daemon->has_ended);
}

static void *
start_application(void *context)
{
    struct daemon *daemon = context;
    daemon->start_status = airs_application_start(daemon->application, &daemon->start_error);
    wake_with(daemon, &daemon->start_done);
    return NULL;
}

/* ---- Stopping ---- */

static void
stop(struct daemon *daemon, bool kill)
{
    daemon->stop_wanted = true;
    daemon->kill_wanted = daemon->kill_wanted || kill;
    switch (daemon->phase) {
    case DAEMON_STARTING:
        airs_application_cancel(daemon->application);
        compile_child_cancel(&daemon->compiler);
        return;
    case DAEMON_RUNNING:
        if (daemon->kill_wanted)
            airs_application_kill(daemon->application);
        else
            airs_application_stop(daemon->application);
        return;
    case DAEMON_DRAINING:
    case DAEMON_OVER:
        return;
    }
}

static void
on_give_up(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    if (daemon->options->giving_up)
        daemon->options->giving_up(daemon->options->context);
    socket_lock_close(&daemon->lock);
    _exit(DAEMON_EXIT_INTERRUPTED);
}

static void
on_signal(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct daemon *daemon = poll->data;
    struct signalfd_siginfo info;
    while (read(daemon->signal_fd, &info, sizeof info) == sizeof info) {
        bool again = daemon->signals_seen++ > 0;
        if (again) {
            daemon->exit_code = DAEMON_EXIT_INTERRUPTED;
            if (!uv_is_active((uv_handle_t *)&daemon->end_timer))
                uv_timer_start(&daemon->end_timer, on_give_up, GIVE_UP_MS, 0);
        }
        stop(daemon, again);
    }
}

static void
on_down(void *context, bool kill)
{
    stop(context, kill);
}

static void
on_time_over(uv_timer_t *timer)
{
    stop(timer->data, false);
}

/* ---- The loop ---- */

static void
flush_logs(struct daemon *daemon)
{
    struct airs_error error = { 0 };
    bool more = log_store_flush(daemon->logs, &error);
    if (error.status != AIRS_OK && !daemon->log_loss_told) {
        daemon->log_loss_told = true;
        report(daemon, error.message);
    }
    if (more)
        on_lines(daemon);
    control_server_on_lines(daemon->control);
}

static void
on_flush(uv_timer_t *timer)
{
    flush_logs(timer->data);
}

static void
finish_loop(struct daemon *daemon)
{
    daemon->phase = DAEMON_OVER;
    uv_stop(&daemon->loop);
}

static void
on_drain(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    if (control_server_is_idle(daemon->control) || clock_now_us() >= daemon->drain_until_us)
        finish_loop(daemon);
}

/* The application is over, or never was: readers get what is left. */
static void
drain(struct daemon *daemon)
{
    daemon->phase = DAEMON_DRAINING;
    while (log_store_flush(daemon->logs, NULL))
        ;
    daemon->drain_until_us = clock_now_us() + DAEMON_DRAIN_US;
    uv_timer_stop(&daemon->for_timer);
    uv_timer_start(&daemon->flush_timer, on_drain, 0, DRAIN_STEP_MS);
    control_server_set_phase(daemon->control, CONTROL_ENDED);
}

static void
take_start(struct daemon *daemon)
{
    pthread_join(daemon->starter, NULL);
    daemon->has_starter = false;
    if (daemon->start_status != AIRS_OK) {
        if (!daemon->stop_wanted) {
            report(daemon, daemon->start_error.message);
            daemon->exit_code = 1;
        }
        drain(daemon);
        return;
    }
    daemon->phase = DAEMON_RUNNING;
    control_server_set_phase(daemon->control, CONTROL_RUNNING);
    if (!detach_started(&daemon->detach))
        daemon->stop_wanted = true;
    if (daemon->options->for_us > 0)
        uv_timer_start(&daemon->for_timer, on_time_over,
                       (daemon->options->for_us + US_PER_MS - 1) / US_PER_MS, 0);
    if (daemon->options->started)
        daemon->options->started(daemon->options->context);
    if (daemon->stop_wanted)
        stop(daemon, false);
}

static void
on_wake(uv_async_t *async)
{
    struct daemon *daemon = async->data;
    if (atomic_exchange(&daemon->start_done, false))
        take_start(daemon);
    if (atomic_exchange(&daemon->has_events, false))
        control_server_on_events(daemon->control);
    if (atomic_exchange(&daemon->has_lines, false) && daemon->phase != DAEMON_DRAINING
        && !uv_is_active((uv_handle_t *)&daemon->flush_timer))
        uv_timer_start(&daemon->flush_timer, on_flush, LOG_FLUSH_MS, 0);
    if (daemon->phase == DAEMON_RUNNING && atomic_exchange(&daemon->has_ended, false)) {
        if (daemon->exit_code == 0)
            daemon->exit_code = daemon->ended_code;
        drain(daemon);
    }
}

/* ---- Life ---- */

static enum airs_status
take_signals(struct daemon *daemon, struct airs_error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    daemon->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return daemon->signal_fd >= 0 ? AIRS_OK
                                  : fail(error, AIRS_EIO, "signalfd: %s", strerror(errno));
}

static void
open_loop(struct daemon *daemon)
{
    uv_loop_init(&daemon->loop);
    uv_poll_init(&daemon->loop, &daemon->signals, daemon->signal_fd);
    uv_timer_init(&daemon->loop, &daemon->for_timer);
    uv_timer_init(&daemon->loop, &daemon->flush_timer);
    uv_timer_init(&daemon->loop, &daemon->end_timer);
    uv_async_init(&daemon->loop, &daemon->wake, on_wake);
    daemon->signals.data = daemon->for_timer.data = daemon->flush_timer.data = daemon;
    daemon->end_timer.data = daemon->wake.data = daemon;
    uv_poll_start(&daemon->signals, UV_READABLE, on_signal);
}

static void
close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void
close_loop(struct daemon *daemon)
{
    uv_walk(&daemon->loop, close_handle, NULL);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&daemon->loop);
    assert(left == 0);
    (void)left;
}

static enum airs_status
open_stores(struct daemon *daemon, struct airs_error *error)
{
    char logs[PATH_MAX];
    if (snprintf(logs, sizeof logs, "%s/logs", daemon->dirs.state) >= (int)sizeof logs)
        return fail(error, AIRS_EINVAL, "path too long: %.100s…", daemon->dirs.state);
    enum airs_status status = app_dirs_make(logs, error);
    if (status != AIRS_OK)
        return status;
    daemon->events = record_ring_new(EVENTS_KEPT_MAX, EVENT_BYTES_MAX, on_events, daemon);
    if (!daemon->events)
        return fail(error, AIRS_ENOMEM, "out of memory");
    return log_store_new(logs, on_lines, daemon, &daemon->logs, error);
}

static enum airs_status
open_control(struct daemon *daemon, struct airs_error *error)
{
    struct control_options options = {
        .loop = &daemon->loop,
        .listen_fd = daemon->lock.listen_fd,
        .application = daemon->application,
        .events = daemon->events,
        .logs = daemon->logs,
        .down = on_down,
        .context = daemon,
    };
    enum airs_status status = control_server_new(&options, &daemon->control, error);
    if (status == AIRS_OK)
        daemon->lock.listen_fd = -1;
    return status;
}

static enum airs_status
start_starter(struct daemon *daemon, struct airs_error *error)
{
    int cause = pthread_create(&daemon->starter, NULL, start_application, daemon);
    if (cause != 0)
        return fail(error, AIRS_EIO, "cannot start a thread: %s", strerror(cause));
    daemon->has_starter = true;
    return AIRS_OK;
}

/* Everything from the loop on; the socket is listening already. */
static enum airs_status
run(struct daemon *daemon, struct airs_error *error)
{
    open_loop(daemon);
    enum airs_status status = open_stores(daemon, error);
    if (status == AIRS_OK)
        status = open_control(daemon, error);
    if (status == AIRS_OK && daemon->options->listening)
        daemon->options->listening(daemon->options->context,
                                   airs_application_name(daemon->application),
                                   daemon->dirs.socket);
    if (status == AIRS_OK)
        status = start_starter(daemon, error);
    if (status == AIRS_OK)
        uv_run(&daemon->loop, UV_RUN_DEFAULT);
    if (daemon->control)
        control_server_close(daemon->control);
    /* The application may still wake the loop, so it goes first. */
    airs_application_free(daemon->application);
    daemon->application = NULL;
    close_loop(daemon);
    control_server_free(daemon->control);
    log_store_free(daemon->logs);
    record_ring_free(daemon->events);
    return status;
}

static enum airs_status
load(struct daemon *daemon, struct airs_error *error)
{
    struct airs_application_options options = {
        .manifest_path = daemon->options->manifest_path,
        .workers = daemon->options->workers,
        .context = daemon,
        .event = on_event,
        .log = on_log,
        .log_room = log_room,
        .progress = on_progress,
        .compile = compile,
        .ended = on_ended,
    };
    return airs_application_load(&options, report_manifest, daemon, &daemon->application, error);
}

static enum airs_status
prepare(struct daemon *daemon, struct airs_error *error)
{
    enum airs_status status =
        app_dirs_of(airs_application_name(daemon->application), &daemon->dirs, error);
    if (status == AIRS_OK)
        status = app_dirs_make(daemon->dirs.state, error);
    if (status == AIRS_OK)
        status = socket_lock_open(&daemon->dirs, &daemon->lock, error);
    if (status == AIRS_EEXIST) {
        *error = (struct airs_error){ 0 };
        fail(error, status, "application '%s' is already running",
             airs_application_name(daemon->application));
    }
    return status;
}

/* In front, or in the child: from here on there are threads. */
static int
run_here(struct daemon *daemon)
{
    struct airs_error error = { 0 };
    enum airs_status status = take_signals(daemon, &error);
    if (status == AIRS_OK)
        status = compile_child_init(&daemon->compiler, &error);
    if (status == AIRS_OK) {
        status = run(daemon, &error);
        compile_child_deinit(&daemon->compiler);
    }
    if (daemon->signal_fd >= 0)
        close(daemon->signal_fd);
    if (status == AIRS_OK)
        return daemon->exit_code;
    report(daemon, error.message);
    return 1;
}

/* The parent's copies of what the child goes on with. */
static void
leave_to_child(struct daemon *daemon)
{
    close(daemon->lock.listen_fd);
    close(daemon->lock.lock_fd);
    daemon->lock.listen_fd = daemon->lock.lock_fd = -1;
}

static int
run_prepared(struct daemon *daemon)
{
    struct airs_error error = { 0 };
    int exit_code = 1;
    if (!daemon->options->detach)
        return run_here(daemon);
    struct detach_hooks hooks = { report, on_progress, daemon };
    if (detach_fork(&daemon->detach, daemon->dirs.state, &hooks, &daemon->is_child, &exit_code,
                    &error)
        != AIRS_OK) {
        report(daemon, error.message);
        return 1;
    }
    if (daemon->is_child)
        return run_here(daemon);
    leave_to_child(daemon);
    return exit_code;
}

/* Says why it could not begin, once; the exit code for that. */
static int
refuse(struct daemon *daemon, enum airs_status status, const struct airs_error *error)
{
    bool is_wrong_use = !daemon->application && (status == AIRS_EINVAL || status == AIRS_ENOENT);
    if (daemon->lines_told == 0)
        report(daemon, error->message);
    return is_wrong_use ? 2 : 1;
}

int
daemon_run(const struct daemon_options *options)
{
    assert(options && options->manifest_path);

    struct airs_error error = { 0 };
    struct daemon *daemon = calloc(1, sizeof *daemon);
    if (!daemon)
        return 1;
    daemon->options = options;
    daemon->signal_fd = -1;
    daemon->lock.lock_fd = daemon->lock.listen_fd = -1;
    daemon->detach.pipe_fd = daemon->detach.log_fd = -1;
    daemon->compiler.cancel_fd = -1;

    enum airs_status status = load(daemon, &error);
    if (status == AIRS_OK)
        status = prepare(daemon, &error);
    int exit_code = status == AIRS_OK ? run_prepared(daemon) : refuse(daemon, status, &error);
    bool is_child = daemon->is_child;
    airs_application_free(daemon->application);
    socket_lock_close(&daemon->lock);
    detach_end(&daemon->detach, exit_code);
    free(daemon);
    if (is_child)
        exit(exit_code);
    return exit_code;
}
