/* Event log: gives every event its place in one order and hands it to the sinks.
 *
 * Everything happens under one lock, so sinks see `seq` without gaps and in order. A sink
 * copies what it needs and returns: a restart waits for it. What takes longer (one write into a
 * journal) is done once for all events of a burst, by event_log_commit(): supervisors call it
 * before they issue a start, and at the end of their turn.
 */
#ifndef RUNTIME_EVENT_LOG_H
#define RUNTIME_EVENT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <airs/status.h>

#include "base/refstr.h"
#include "supervision/exit_info.h"
#include "supervision/supervisor_node.h"

#define EVENT_SINKS_MAX 4u /* event_log_add_sink() then says ELIMIT. */

/* Fields as interfaces name them. Texts are borrowed during the sink's call: a sink that keeps
 * an event references them (event_copy). */
struct event {
    uint64_t seq;     /* From 1, given by event_log_append(). */
    uint64_t time_us; /* Monotonic. */
    enum event_type type;
    struct refstr *path; /* NULL for the application's own events. */
    uint32_t generation; /* 0: none. */
    bool has_state;      /* `from` and `state` mean something. */
    enum child_state from;
    enum child_state state;
    bool has_exit;
    struct exit_info exit;
    struct refstr *detail; /* Of the exit, or NULL. */
    bool has_delay;
    uint64_t delay_us;
    bool has_budget; /* `restarts`, `budget_used` and `budget_allowed` mean something. */
    uint32_t restarts;
    uint32_t budget_used;
    uint32_t budget_allowed;    /* RESTARTS_UNLIMITED. */
    uint32_t intensity_allowed; /* Of its supervisor, over all children; RESTARTS_UNLIMITED. */
    bool has_uptime;            /* EXITED of an instance that had started. */
    uint64_t uptime_us;
    bool has_stop_cause; /* STOPPED and STOPPING. */
    enum stop_cause stop_cause;
    bool comes_back; /* STOPPING to start again. */
    bool ready;      /* As in struct node_action, like the next three. */
    uint32_t attempt;
    uint64_t lived_us;
    uint64_t born_lived_us;
    struct refstr *cause;     /* Path of the child that made it happen, or NULL. */
    struct refstr *waits_for; /* "pool" or a path, or NULL. */
};

/** A copy that holds references to its texts; give them back by event_deinit(). */
struct event event_copy(const struct event *event);
void event_deinit(struct event *event);

typedef void (*event_sink)(void *ctx, const struct event *event);

struct event_log;

/** NULL when out of memory. */
struct event_log *event_log_new(void);
/** Events go on behind `seq`, that of an earlier run. Before the first event. */
void event_log_begin(struct event_log *log, uint64_t seq);
void event_log_free(struct event_log *log);

/**
 * From the next event on `sink` is called for each, one at a time, on the thread that writes;
 * it must not block, nor write to this log. Fails with ELIMIT. Thread: any.
 */
enum airs_status event_log_add_sink(struct event_log *log, event_sink sink, void *ctx,
                                    struct airs_error *error);
/** After its return the sink is not called any more. None such: nothing. Thread: any. */
void event_log_remove_sink(struct event_log *log, event_sink sink, void *ctx);

/**
 * What event_log_commit() calls, on its thread; as a sink. Before the first event.
 */
void event_log_on_commit(struct event_log *log, void (*commit)(void *ctx), void *ctx);

/**
 * Gives `event` its seq (and its time, if that is 0) and calls the sinks. Returns the seq.
 * Whoever appends commits soon, on the same thread.
 * Thread: any.  Blocks: for as long as sinks of earlier events and a commit take.
 */
uint64_t event_log_append(struct event_log *log, struct event *event);

/** All events appended before, by any thread, are taken over. Cheap when there are none. */
void event_log_commit(struct event_log *log);

/** Both: for those who have one event. */
uint64_t event_log_write(struct event_log *log, struct event *event);

/** The seq of the last event, 0 before the first. Thread: any. */
uint64_t event_log_last(struct event_log *log);

#endif
