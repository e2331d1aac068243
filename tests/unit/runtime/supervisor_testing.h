/* What the tests of supervisors share: a recorder of events, a root, and requests. */
#ifndef SUPERVISOR_TESTING_H
#define SUPERVISOR_TESTING_H

#include <stdio.h>

#include "runtime/event_log.h"
#include "runtime/native_actor.h"
#include "runtime/registry.h"
#include "runtime/start_gate.h"
#include "runtime/supervisor_actor.h"
#include "runtime_testing.h"

/* ---- Events ---- */

struct recorder {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct event **events; /* Each stays where it is. */
    size_t size, room;
    bool has_gap;
};

static inline void
record(void *ctx, const struct event *event)
{
    struct recorder *recorder = ctx;
    struct event *copy = malloc(sizeof *copy);
    *copy = event_copy(event);
    pthread_mutex_lock(&recorder->lock);
    if (recorder->size == recorder->room) {
        recorder->room = recorder->room ? 2 * recorder->room : 1024;
        recorder->events = realloc(recorder->events, recorder->room * sizeof copy);
    }
    recorder->has_gap |= event->seq != recorder->size + 1;
    recorder->events[recorder->size++] = copy;
    pthread_cond_broadcast(&recorder->changed);
    pthread_mutex_unlock(&recorder->lock);
}

/* The n-th (from 1) event of that path and type; NULL: not there yet. */
static inline const struct event *
find_event_locked(const struct recorder *recorder, const char *path, enum event_type type,
                  unsigned n)
{
    for (size_t i = 0; i < recorder->size; i++) {
        const struct event *event = recorder->events[i];
        if (event->type == type && event->path && strcmp(event->path->text, path) == 0 && --n == 0)
            return event;
    }
    return NULL;
}

static inline struct recorder *
new_recorder(void)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&recorder->lock, NULL);
    pthread_cond_init(&recorder->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return recorder;
}

static inline void
free_recorder(struct recorder *recorder)
{
    for (size_t i = 0; i < recorder->size; i++) {
        event_deinit(recorder->events[i]);
        free(recorder->events[i]);
    }
    free(recorder->events);
    pthread_mutex_destroy(&recorder->lock);
    pthread_cond_destroy(&recorder->changed);
    free(recorder);
}

/* Waits for it; the test fails if it never comes. */
static inline const struct event *
await_event(struct recorder *recorder, const char *path, enum event_type type, unsigned n)
{
    struct timespec deadline = patience_end();
    const struct event *event;
    pthread_mutex_lock(&recorder->lock);
    while (!(event = find_event_locked(recorder, path, type, n)))
        if (pthread_cond_timedwait(&recorder->changed, &recorder->lock, &deadline) != 0)
            break;
    pthread_mutex_unlock(&recorder->lock);
    if (!event)
        print_error("%s: no %s (%u)\n", path, event_type_name(type), n);
    assert_non_null(event);
    return event;
}

static inline unsigned
count_events(struct recorder *recorder, const char *path, enum event_type type)
{
    unsigned count = 0;
    pthread_mutex_lock(&recorder->lock);
    while (find_event_locked(recorder, path, type, count + 1))
        count++;
    pthread_mutex_unlock(&recorder->lock);
    return count;
}

/* ---- A system with a root supervisor, and how it ended ---- */

struct stage {
    struct actor_system *system;
    struct recorder *recorder;
    airs_pid root;
    struct counter ends;
    struct exit_info end;
    struct counter idles;
};

static inline void
note_end(void *ctx, struct exit_info exit)
{
    struct stage *stage = ctx;
    stage->end = exit;
    counter_add(&stage->ends, 1);
}

static inline void
note_idle(void *ctx, bool idle)
{
    struct stage *stage = ctx;
    counter_add(&stage->idles, idle ? 1 : 0);
}

static inline airs_pid
spawn_supervisor(struct stage *stage, const char *path)
{
    struct refstr *text = text_of(path);
    struct supervisor_options options = {
        .path = text,
        .seed = 7,
        .on_end = note_end,
        .on_idle = note_idle,
        .ctx = stage,
    };
    airs_pid pid;
    assert_int_equal(supervisor_actor_spawn(stage->system, &options, &pid, NULL), AIRS_OK);
    refstr_unref(text);
    return pid;
}

static inline void
open_stage_with(struct stage *stage, const struct actor_system_options *options)
{
    *stage = (struct stage){ .system = new_system(options) };
    counter_init(&stage->ends);
    counter_init(&stage->idles);
    stage->recorder = new_recorder();
    event_log_add_sink(actor_system_event_log(stage->system), record, stage->recorder, NULL);
    stage->root = spawn_supervisor(stage, "/");
    assert_int_equal(actor_system_start(stage->system, NULL), AIRS_OK);
}

static inline void
open_stage(struct stage *stage, unsigned workers)
{
    open_stage_with(stage, &(struct actor_system_options){ .workers = workers });
}

static inline void
close_stage(struct stage *stage)
{
    actor_system_stop(stage->system);
    struct start_gate_counts counts = start_gate_counts(actor_system_start_gate(stage->system));
    assert_int_equal(counts.starting + counts.instances + counts.waiting, 0);
    assert_int_equal(actor_system_counters(stage->system).actors, 0);
    actor_system_free(stage->system);
    assert_false(stage->recorder->has_gap);
    free_recorder(stage->recorder);
    counter_deinit(&stage->ends);
    counter_deinit(&stage->idles);
}

/* ---- Requests ---- */

static inline enum airs_status
ask_of(struct stage *stage, enum request_verb verb, const char *path)
{
    struct refstr *text = text_of(path);
    struct refstr *above = supervisor_path_of(text);
    airs_pid supervisor = registry_find(stage->system, above->text);
    struct supervisor_request request = { .verb = verb, .path = text };
    enum airs_status status = supervisor_request_wait(stage->system, supervisor, &request);
    refstr_unref(above);
    refstr_unref(text);
    return status;
}

static inline enum airs_status
ask_root(struct stage *stage, enum request_verb verb)
{
    struct supervisor_request request = { .verb = verb };
    return supervisor_request_wait(stage->system, stage->root, &request);
}

static inline void
copy_view(struct supervisor_request *request, const struct child_view *view)
{
    struct child_view *copy = request->path ? request->user : NULL;
    if (copy)
        *copy = *view; /* Its texts are compared only while the child stays. */
}

static inline struct child_view
view_of(struct stage *stage, const char *path)
{
    struct refstr *text = text_of(path);
    struct refstr *above = supervisor_path_of(text);
    struct child_view view = { 0 };
    struct supervisor_request request = {
        .verb = REQUEST_GET,
        .path = text,
        .user = &view,
        .visit = copy_view,
    };
    assert_int_equal(
        supervisor_request_wait(stage->system, registry_find(stage->system, above->text), &request),
        AIRS_OK);
    refstr_unref(above);
    refstr_unref(text);
    return view;
}

#endif
