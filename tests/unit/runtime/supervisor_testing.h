/* What the tests of supervisors share: a recorder of events, and a native child ("pupil") that
 * does what its messages say.
 */
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

#define EVENTS_MAX 20000

struct recorder {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct event events[EVENTS_MAX];
    size_t size;
    bool has_gap;
};

static inline void
record(void *ctx, const struct event *event)
{
    struct recorder *recorder = ctx;
    pthread_mutex_lock(&recorder->lock);
    assert_true(recorder->size < EVENTS_MAX);
    recorder->has_gap |= event->seq != recorder->size + 1;
    recorder->events[recorder->size++] = event_copy(event);
    pthread_cond_broadcast(&recorder->changed);
    pthread_mutex_unlock(&recorder->lock);
}

/* The n-th (from 1) event of that path and type; NULL: not there yet. */
static inline const struct event *
find_event_locked(const struct recorder *recorder, const char *path, enum event_type type,
                  unsigned n)
{
    for (size_t i = 0; i < recorder->size; i++) {
        const struct event *event = &recorder->events[i];
        if (event->type == type && event->path && strcmp(event->path->text, path) == 0 && --n == 0)
            return event;
    }
    return NULL;
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
    bool any_failed;
};

static inline void
note_end(void *ctx, struct exit_info exit)
{
    struct stage *stage = ctx;
    stage->end = exit;
    counter_add(&stage->ends, 1);
}

static inline void
note_idle(void *ctx, bool idle, bool any_failed)
{
    struct stage *stage = ctx;
    stage->any_failed = any_failed;
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
    stage->recorder = calloc(1, sizeof *stage->recorder);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&stage->recorder->lock, NULL);
    pthread_cond_init(&stage->recorder->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    for (size_t i = 0; i < stage->recorder->size; i++)
        event_deinit(&stage->recorder->events[i]);
    pthread_mutex_destroy(&stage->recorder->lock);
    pthread_cond_destroy(&stage->recorder->changed);
    free(stage->recorder);
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

/* ---- Pupils: native children ---- */

enum pupil_start { START_WELL, START_FAILING, START_NEVER, START_CRASHING };

struct pupil {
    /* The test's, any time. */
    _Atomic enum pupil_start start;
    atomic_bool stubborn;  /* Does not end when asked. */
    atomic_bool may_go_on; /* "hold" waits for it. */
    atomic_bool holds;     /* "hold" is in hand. */

    /* The instance's. */
    uint32_t generation;
    unsigned count;
    char *memory; /* Seen by ASan, should an instance not be dropped. */

    atomic_uint begun;
    atomic_uint ended;
    atomic_bool destroyed;
};

static inline bool
pupil_begin(struct actor_context *context, void *state, uint32_t generation)
{
    struct pupil *pupil = state;
    assert_null(pupil->memory); /* Fresh: the instance before was dropped. */
    pupil->memory = malloc(16);
    pupil->generation = generation;
    pupil->count = 0;
    atomic_fetch_add(&pupil->begun, 1);
    switch (atomic_load(&pupil->start)) {
    case START_WELL:
        return true;
    case START_NEVER:
        return false;
    case START_FAILING:
        native_exit(context, (struct exit_info){ EXIT_ERROR, -1 }, "no start today");
        return false;
    case START_CRASHING:
        native_started(context);
        native_exit(context, (struct exit_info){ EXIT_TRAP, 9 }, "unreachable");
        return false;
    }
    return false;
}

static inline bool
says(const struct message *message, const char *text)
{
    return message->size == strlen(text) && memcmp(message->payload, text, message->size) == 0;
}

static inline void
pupil_handle(struct actor_context *context, void *state, struct message *message)
{
    struct pupil *pupil = state;
    char answer[32];
    pupil->count++;
    if (says(message, "crash"))
        native_exit(context, (struct exit_info){ EXIT_TRAP, 9 }, "unreachable");
    else if (says(message, "return"))
        native_exit(context, (struct exit_info){ EXIT_NORMAL, 0 }, NULL);
    else if (says(message, "fail"))
        native_exit(context, (struct exit_info){ EXIT_ERROR, 3 }, NULL);
    else if (says(message, "hold")) {
        atomic_store(&pupil->holds, true);
        uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
        while (!atomic_load(&pupil->may_go_on) && clock_now_us() < deadline_us)
            sched_yield();
    }
    snprintf(answer, sizeof answer, "%u:%u", pupil->generation, pupil->count);
    message_finish(message, AIRS_OK, NULL, answer, strlen(answer));
}

static inline void
pupil_stop(struct actor_context *context, void *state)
{
    struct pupil *pupil = state;
    if (!atomic_load(&pupil->stubborn))
        native_exit(context, (struct exit_info){ EXIT_NORMAL, 0 }, NULL);
}

static inline void
pupil_end(void *state)
{
    struct pupil *pupil = state;
    free(pupil->memory);
    pupil->memory = NULL;
    atomic_fetch_add(&pupil->ended, 1);
}

static inline void
pupil_destroy(void *state)
{
    struct pupil *pupil = state;
    free(pupil->memory); /* The system stopped under a running instance. */
    pupil->memory = NULL;
    atomic_store(&pupil->destroyed, true);
}

static const struct native_behaviour pupil_behaviour = {
    .name = "pupil",
    .begin = pupil_begin,
    .handle = pupil_handle,
    .stop = pupil_stop,
    .end = pupil_end,
    .destroy = pupil_destroy,
};

/* Permanent, 3 restarts, 1 ms between them: quick to watch. */
static inline struct child_policy
quick_policy(void)
{
    struct child_policy policy = child_policy_default(false);
    policy.backoff.strategy = BACKOFF_LINEAR;
    policy.backoff.initial_us = 1000;
    policy.backoff.max_us = 1000;
    return policy;
}

static inline enum airs_status
add(struct stage *stage, airs_pid pid, const char *path, const struct child_policy *policy,
    bool is_supervisor)
{
    struct refstr *text = text_of(path);
    struct refstr *above = supervisor_path_of(text);
    struct supervisor_request request = {
        .verb = REQUEST_ADD,
        .path = text,
        .child = pid,
        .policy = *policy,
        .is_supervisor = is_supervisor,
    };
    enum airs_status status =
        supervisor_request_wait(stage->system, registry_find(stage->system, above->text), &request);
    refstr_unref(above);
    refstr_unref(text);
    return status;
}

static inline airs_pid
add_pupil(struct stage *stage, struct pupil *pupil, const char *path,
          const struct child_policy *policy)
{
    struct refstr *text = text_of(path);
    struct native_options options = {
        .behaviour = &pupil_behaviour,
        .state = pupil,
        .path = text,
        .supervised = true,
    };
    airs_pid pid;
    assert_int_equal(native_spawn(stage->system, &options, &pid, NULL), AIRS_OK);
    assert_int_equal(add(stage, pid, path, policy, false), AIRS_OK);
    refstr_unref(text);
    return pid;
}

static inline airs_pid
add_supervisor(struct stage *stage, const char *path, const struct child_policy *policy)
{
    airs_pid pid = spawn_supervisor(stage, path);
    assert_int_equal(add(stage, pid, path, policy, true), AIRS_OK);
    return pid;
}

/* ---- Questions to pupils ---- */

struct answer {
    struct reply reply;
    struct counter given;
    enum airs_status status;
    char text[32];
};

static inline void
take_answer(struct reply *reply, enum airs_status status, const char *error_text, const void *bytes,
            size_t size)
{
    (void)error_text;
    struct answer *answer = container_of(reply, struct answer, reply);
    answer->status = status;
    if (size > 0)
        memcpy(answer->text, bytes, size);
    answer->text[size] = '\0';
    counter_add(&answer->given, 1);
}

static inline enum airs_status
ask(struct stage *stage, airs_pid pid, const char *text, struct answer *answer)
{
    *answer = (struct answer){ .reply.done = take_answer };
    counter_init(&answer->given);
    struct message *message = message_of(text);
    message->reply = &answer->reply;
    enum airs_status status = actor_send(stage->system, pid, message);
    if (status != AIRS_OK)
        message_free(message);
    return status;
}

static inline const char *
await_answer(struct answer *answer)
{
    assert_true(counter_reaches(&answer->given, 1));
    assert_int_equal(answer->status, AIRS_OK);
    counter_deinit(&answer->given);
    return answer->text;
}

#endif
