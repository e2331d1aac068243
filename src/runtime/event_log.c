#include "runtime/event_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"

struct sink {
    event_sink call;
    void *ctx;
};

struct event_log {
    pthread_mutex_t lock; /* Guards all, and is held while sinks are called. */
    uint64_t last_seq;
    struct sink sinks[EVENT_SINKS_MAX];
    unsigned sinks_size;
    void (*commit)(void *ctx); /* Constant from the first event on. */
    void *commit_ctx;
    /* Something was appended behind the last commit. Written under the lock. */
    atomic_bool is_open;
};

struct event
event_copy(const struct event *event)
{
    struct event copy = *event;
    refstr_ref(copy.path);
    refstr_ref(copy.detail);
    refstr_ref(copy.cause);
    refstr_ref(copy.waits_for);
    return copy;
}

void
event_deinit(struct event *event)
{
    refstr_unref(event->path);
    refstr_unref(event->detail);
    refstr_unref(event->cause);
    refstr_unref(event->waits_for);
    *event = (struct event){ 0 };
}

struct event_log *
event_log_new(void)
{
    struct event_log *log = calloc(1, sizeof *log);
    if (log)
        pthread_mutex_init(&log->lock, NULL);
    return log;
}

void
event_log_begin(struct event_log *log, uint64_t seq)
{
    pthread_mutex_lock(&log->lock);
    log->last_seq = seq;
    pthread_mutex_unlock(&log->lock);
}

void
event_log_free(struct event_log *log)
{
    if (!log)
        return;
    pthread_mutex_destroy(&log->lock);
    free(log);
}

enum airs_status
event_log_add_sink(struct event_log *log, event_sink sink, void *ctx, struct airs_error *error)
{
    pthread_mutex_lock(&log->lock);
    bool has_room = log->sinks_size < EVENT_SINKS_MAX;
    if (has_room)
        log->sinks[log->sinks_size++] = (struct sink){ .call = sink, .ctx = ctx };
    pthread_mutex_unlock(&log->lock);
    if (!has_room)
        return fail(error, AIRS_ELIMIT, "event log: at most %u sinks", EVENT_SINKS_MAX);
    return AIRS_OK;
}

void
event_log_remove_sink(struct event_log *log, event_sink sink, void *ctx)
{
    pthread_mutex_lock(&log->lock);
    for (unsigned i = 0; i < log->sinks_size; i++) {
        if (log->sinks[i].call != sink || log->sinks[i].ctx != ctx)
            continue;
        for (unsigned k = i + 1; k < log->sinks_size; k++)
            log->sinks[k - 1] = log->sinks[k];
        log->sinks_size--;
        break;
    }
    pthread_mutex_unlock(&log->lock);
}

void
event_log_on_commit(struct event_log *log, void (*commit)(void *ctx), void *ctx)
{
    log->commit = commit;
    log->commit_ctx = ctx;
}

uint64_t
event_log_append(struct event_log *log, struct event *event)
{
    pthread_mutex_lock(&log->lock);
    event->seq = ++log->last_seq;
    if (event->time_us == 0)
        event->time_us = clock_now_us();
    for (unsigned i = 0; i < log->sinks_size; i++)
        log->sinks[i].call(log->sinks[i].ctx, event);
    atomic_store_explicit(&log->is_open, true, memory_order_relaxed);
    pthread_mutex_unlock(&log->lock);
    return event->seq;
}

void
event_log_commit(struct event_log *log)
{
    /* What this thread appended it sees; what others append they commit themselves. */
    if (!log->commit || !atomic_load_explicit(&log->is_open, memory_order_relaxed))
        return;
    pthread_mutex_lock(&log->lock);
    if (atomic_load_explicit(&log->is_open, memory_order_relaxed))
        log->commit(log->commit_ctx);
    atomic_store_explicit(&log->is_open, false, memory_order_relaxed);
    pthread_mutex_unlock(&log->lock);
}

uint64_t
event_log_write(struct event_log *log, struct event *event)
{
    uint64_t seq = event_log_append(log, event);
    event_log_commit(log);
    return seq;
}

uint64_t
event_log_last(struct event_log *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t seq = log->last_seq;
    pthread_mutex_unlock(&log->lock);
    return seq;
}
