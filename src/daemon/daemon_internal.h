/* What daemon.c and daemon_loop.c share. */
#ifndef DAEMON_DAEMON_INTERNAL_H
#define DAEMON_DAEMON_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include <airs/application.h>

#include "base/app_dirs.h"
#include "daemon/compile_child.h"
#include "daemon/control_server.h"
#include "daemon/daemon.h"
#include "daemon/detach.h"
#include "daemon/log_store.h"
#include "daemon/socket_lock.h"
#include "store/additions.h"
#include "store/store.h"

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
    struct store *store;
    struct additions *additions;
    bool was_cut_off; /* The last run, says its history. */
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
    enum airs_status start_status; /* Written before start_done. */
    struct airs_error start_error;
    int ended_code; /* Written before has_ended. */
    atomic_bool has_complaints;
    pthread_mutex_t complaints_lock; /* Guards the next. */
    struct buffer complaints;        /* Of the store, one a line. */
};

/** A line for the user, wherever that is. Main thread. */
void daemon_report(void *context, const char *line);

/* daemon_history.c: the store, between the application and the loop. */

/** Opens the store in the state directory; the event ring begins with what it has last. */
enum airs_status daemon_history_open(struct daemon *daemon, struct airs_error *error);
/** After the application and the control server; before the loop and the logs. */
void daemon_history_close(struct daemon *daemon);
void daemon_history_append(void *context, const struct airs_event *event);
void daemon_history_commit(void *context);
bool daemon_history_memory(void *context, const char *path, struct airs_memory *memory_out);
uint64_t daemon_history_last_seq(void *context);
bool daemon_history_kept(void *context, size_t index, struct airs_kept *kept_out);
void daemon_history_keep(void *context, const struct airs_kept *kept);
/** Tells the user what the store complained about. The loop's. */
void daemon_history_tell(struct daemon *daemon);

/* daemon_loop.c: what happens on the loop, and how other threads wake it. */
void daemon_wake_with(struct daemon *daemon, atomic_bool *flag);
void daemon_on_events(void *context);
void daemon_on_lines(void *context);
void daemon_on_down(void *context, bool kill);
void daemon_open_loop(struct daemon *daemon);
/** Closes the handles, after the application is freed: it wakes the loop until then. */
void daemon_close_loop(struct daemon *daemon);

#endif
