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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/daemon_internal.h"
#include "daemon/event_ring.h"

/* ---- Words to the user ---- */

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

void
daemon_report(void *context, const char *line)
{
    struct daemon *daemon = context;
    struct buffer text;
    buffer_init(&text, 0);
    if (daemon->is_child)
        detach_report(&daemon->detach, line);
    else
        report_manifest(daemon, buffer_printf(&text, "airs up: %s", line) ? text.data : line);
    buffer_deinit(&text);
}

/* ---- From the application, on its threads ---- */

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
    daemon_wake_with(daemon, &daemon->has_ended);
}

static void *
start_application(void *context)
{
    struct daemon *daemon = context;
    daemon->start_status = airs_application_start(daemon->application, &daemon->start_error);
    daemon_wake_with(daemon, &daemon->start_done);
    return NULL;
}

/* ---- Life ---- */

static enum airs_status
take_signals(struct daemon *daemon, struct airs_error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    struct sigaction hangup;
    /* Under nohup it is ignored, and is to stay so. */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    daemon->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return daemon->signal_fd >= 0 ? AIRS_OK
                                  : fail(error, AIRS_EIO, "signalfd: %s", strerror(errno));
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
    daemon->events = record_ring_new(EVENTS_KEPT_MAX, EVENT_BYTES_MAX, daemon_on_events, daemon);
    if (!daemon->events)
        return fail(error, AIRS_ENOMEM, "out of memory");
    status = log_store_new(logs, daemon_on_lines, daemon, &daemon->logs, error);
    return status == AIRS_OK ? daemon_history_open(daemon, error) : status;
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
        .store = daemon->store,
        .down = daemon_on_down,
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
    daemon_open_loop(daemon);
    enum airs_status status = open_stores(daemon, error);
    if (status == AIRS_OK)
        status = open_control(daemon, error);
    if (status == AIRS_OK && daemon->options->listening)
        daemon->options->listening(daemon->options->context,
                                   airs_application_name(daemon->application), daemon->dirs.socket);
    if (status == AIRS_OK)
        status = start_starter(daemon, error);
    if (status == AIRS_OK)
        uv_run(&daemon->loop, UV_RUN_DEFAULT);
    if (daemon->control)
        control_server_close(daemon->control);
    /* The application may still wake the loop, so it goes first. */
    airs_application_free(daemon->application);
    daemon->application = NULL;
    daemon_history_close(daemon);
    daemon_close_loop(daemon);
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
        .event = daemon_history_append,
        .event_commit = daemon_history_commit,
        .memory = daemon_history_memory,
        .last_seq = daemon_history_last_seq,
        .kept = daemon_history_kept,
        .keep = daemon_history_keep,
        .log = on_log,
        .log_room = log_room,
        .progress = on_progress,
        .compile = compile,
        .ended = on_ended,
    };
    return airs_application_load(&options, report_manifest, daemon, &daemon->application, error);
}

/* Who has the name, and what to do about it. */
static enum airs_status
fail_running(const struct daemon *daemon, struct airs_error *error)
{
    char process[32] = "";
    const char *name = airs_application_name(daemon->application);
    pid_t pid = socket_lock_holder(&daemon->dirs);
    if (pid > 0)
        snprintf(process, sizeof process, " as process %d", (int)pid);
    if (pid > 0 && access(daemon->dirs.socket, F_OK) != 0)
        return fail(error, AIRS_EEXIST,
                    "application '%s' is already running%s, but somebody has removed its socket; "
                    "stop it: kill %d",
                    name, process, (int)pid);
    return fail(error, AIRS_EEXIST,
                "application '%s' is already running%s; see: airs ps; stop it: airs down --app %s",
                name, process, name);
}

static enum airs_status
prepare(struct daemon *daemon, struct airs_error *error)
{
    enum airs_status status =
        app_dirs_of(airs_application_name(daemon->application), &daemon->dirs, error);
    if (status == AIRS_OK)
        status = app_dirs_make(daemon->dirs.state, error);
    if (status == AIRS_OK)
        status = app_dirs_provide(daemon->dirs.cache, error);
    if (status == AIRS_OK)
        status = socket_lock_open(&daemon->dirs, &daemon->lock, error);
    if (status == AIRS_EEXIST) {
        *error = (struct airs_error){ 0 };
        return fail_running(daemon, error);
    }
    return status;
}

/* In front, or in the child: from here on there are threads. */
static int
run_here(struct daemon *daemon)
{
    struct airs_error error = { 0 };
    enum airs_status status = take_signals(daemon, &error);
    if (status == AIRS_OK && daemon->is_child)
        status = socket_lock_adopt(&daemon->lock, &error);
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
    daemon_report(daemon, error.message);
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
    struct detach_hooks hooks = { daemon_report, on_progress, daemon };
    if (detach_fork(&daemon->detach, daemon->dirs.state, &hooks, &daemon->is_child, &exit_code,
                    &error) != AIRS_OK) {
        daemon_report(daemon, error.message);
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
        daemon_report(daemon, error->message);
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
