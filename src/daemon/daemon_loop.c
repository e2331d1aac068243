/* The loop: signals, timers, and what other threads have left for it. Nothing here takes long,
 * and nothing here is waited for by an actor.
 */
#include <assert.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/daemon_internal.h"

#define LOG_FLUSH_MS 10 /* Lines wait so long for company. */
#define DRAIN_STEP_MS 10
#define GIVE_UP_MS 5000 /* After a second signal: whatever still hangs, the process ends. */

/* ---- From other threads ---- */

void
daemon_wake_with(struct daemon *daemon, atomic_bool *flag)
{
    atomic_store(flag, true);
    uv_async_send(&daemon->wake);
}

void
daemon_on_events(void *context)
{
    struct daemon *daemon = context;
    daemon_wake_with(daemon, &daemon->has_events);
}

void
daemon_on_lines(void *context)
{
    struct daemon *daemon = context;
    daemon_wake_with(daemon, &daemon->has_lines);
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
        compile_child_cancel(&daemon->compiler); /* Of what was to be added. */
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

void
daemon_on_down(void *context, bool kill)
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
        daemon_report(daemon, error.message);
    }
    if (more)
        daemon_on_lines(daemon);
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
    compile_child_cancel(&daemon->compiler);
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
            daemon_report(daemon, daemon->start_error.message);
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
    if (atomic_exchange(&daemon->has_complaints, false))
        daemon_history_tell(daemon);
    if (atomic_exchange(&daemon->has_events, false))
        control_server_on_events(daemon->control);
    if (atomic_exchange(&daemon->has_lines, false) && daemon->phase != DAEMON_DRAINING &&
        !uv_is_active((uv_handle_t *)&daemon->flush_timer))
        uv_timer_start(&daemon->flush_timer, on_flush, LOG_FLUSH_MS, 0);
    if (daemon->phase == DAEMON_RUNNING && atomic_exchange(&daemon->has_ended, false)) {
        if (daemon->exit_code == 0)
            daemon->exit_code = daemon->ended_code;
        drain(daemon);
    }
}

void
daemon_open_loop(struct daemon *daemon)
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

void
daemon_close_loop(struct daemon *daemon)
{
    uv_walk(&daemon->loop, close_handle, NULL);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&daemon->loop);
    assert(left == 0);
    (void)left;
}
