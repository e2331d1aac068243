/* Pupil: a native child that does what its messages say, and whose instances can be told apart. */
#ifndef PUPIL_H
#define PUPIL_H

#include <sched.h>

#include "runtime/child_link.h"
#include "runtime/native_actor.h"
#include "supervisor_testing.h"

/* ---- Pupils: native children ---- */

enum pupil_start { START_WELL, START_FAILING, START_NEVER, START_CRASHING, START_IGNORED };

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
    case START_IGNORED:
        native_ignore(context);
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

/* Words about its health, as a component's monitor would tell them. */
static inline void
pupil_tell_health(struct actor_context *context, const struct pupil *pupil,
                  const struct message *message)
{
    char text[32];
    snprintf(text, sizeof text, "failure %u", pupil->count);
    struct refstr *detail = refstr_new(text, strlen(text));
    if (says(message, "ill"))
        child_report_health_failed(context, detail);
    else if (says(message, "half"))
        child_report_degraded(context);
    else if (says(message, "ready") || says(message, "unready"))
        child_report_ready(context, says(message, "ready"));
    refstr_unref(detail);
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
    } else {
        pupil_tell_health(context, pupil, message);
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

/* Permanent, 3 restarts, 1 ms between them: quick to watch. Its other times are such that no machine
 * is too slow for them. */
static inline struct child_policy
quick_policy(void)
{
    struct child_policy policy = child_policy_default(false);
    policy.within_us = 3600 * US_PER_S;
    policy.start_timeout_us = 3600 * US_PER_S;
    policy.shutdown_us = 3600 * US_PER_S;
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

/* With a policy of its node's own. */
static inline airs_pid
add_node(struct stage *stage, const char *path, const struct node_policy *node,
         const struct child_policy *policy)
{
    struct refstr *text = text_of(path);
    struct supervisor_options options = { .path = text, .seed = 7, .policy = node };
    airs_pid pid;
    assert_int_equal(supervisor_actor_spawn(stage->system, &options, &pid, NULL), AIRS_OK);
    assert_int_equal(add(stage, pid, path, policy, true), AIRS_OK);
    refstr_unref(text);
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
