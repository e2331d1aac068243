/* Component life: an instance from start to end, turn by turn.
 *
 * A turn first obeys the supervisor (start, stop, kill), then drives the one call that may be
 * in flight, then takes messages. An instance ends in one place, finish(): it is freed, its
 * output flushed, the message in hand answered, and only then is the exit reported, so that
 * whoever hears of it may use the engine's slot. Nothing here waits: what cannot go on parks.
 */
#include <assert.h>

#include "base/clock.h"
#include "component/component_actor_state.h"
#include "engine/component.h"
#include "runtime/child_link.h"

/* ---- What the engine calls back, inside a poll. ---- */

void
component_life_on_output(void *host, enum guest_stream stream, const void *bytes, size_t size)
{
    struct component_host *self = host;

    if (stream == GUEST_STDOUT)
        component_health_hear(container_of(self, struct component_actor, host), bytes, size);
    component_output_write(&self->output, stream == GUEST_STDERR ? LOG_STDERR : LOG_STDOUT, bytes,
                           size);
}

size_t
component_life_on_output_room(void *host, enum guest_stream stream)
{
    struct component_host *self = host;

    (void)stream;
    return component_output_room(&self->output, clock_now_us());
}

/* ---- The end of an instance. ---- */

static void
note_memory(struct component_actor *actor)
{
    uint64_t bytes = actor->instance ? instance_memory_bytes(actor->instance) : 0;

    atomic_store_explicit(&actor->stats.memory_bytes, bytes, memory_order_relaxed);
}

static void
drop_instance(struct component_actor *actor)
{
    component_health_stop(actor);
    component_call_end(actor);
    /* Its memories only grow: what they have at the end is the most they had. */
    uint64_t bytes = actor->instance ? instance_memory_bytes(actor->instance) : 0;
    atomic_store_explicit(&actor->stats.peak_memory_bytes, bytes, memory_order_relaxed);
    instance_free(actor->instance);
    actor->instance = NULL;
    actor->phase = PHASE_ABSENT;
    component_output_flush(&actor->host.output);
}

/* The message's memory was borrowed by the call, which is gone. */
static void
end_message(struct component_actor *actor, const char *why)
{
    struct message *message = actor->message;

    actor->message = NULL;
    if (message)
        message_finish(message, AIRS_EENDED, why, NULL, 0);
}

/* `detail`: the caller's reference, taken. */
static void
finish(struct component_actor *actor, struct exit_info exit, struct refstr *detail)
{
    drop_instance(actor);
    end_message(actor, "the target ended while it handled the message");
    child_report_exited(actor->context, exit, detail, NULL);
    refstr_unref(detail);
}

static void
finish_as(struct component_actor *actor, enum exit_reason reason)
{
    finish(actor, (struct exit_info){ reason, 0 }, NULL);
}

static void
finish_by_outcome(struct component_actor *actor, const struct outcome *outcome)
{
    struct refstr *detail;
    struct exit_info exit = component_call_exit(actor, outcome, &detail);

    finish(actor, exit, detail);
}

static void
finish_unhealthy(struct component_actor *actor)
{
    finish(actor, (struct exit_info){ EXIT_UNHEALTHY, 0 }, component_health_detail(actor));
}

/* ---- Start. ---- */

static void
start(struct component_actor *actor, uint32_t generation)
{
    assert(actor->phase == PHASE_ABSENT);

    struct airs_error error = { 0 };
    actor->stop_asked = false;
    actor->host.output.generation = generation;
    component_change_apply(actor);
    if (!actor->setup.component) {
        child_report_exited(actor->context, (struct exit_info){ EXIT_LOAD_ERROR, 0 },
                            actor->setup.load_error, NULL);
        return;
    }
    enum airs_status status =
        instance_new(actor->setup.component, &actor->options, &actor->instance, &error);
    if (status != AIRS_OK) {
        enum exit_reason reason = status == AIRS_ENOMEM ? EXIT_OUT_OF_MEMORY : EXIT_LOAD_ERROR;
        finish(actor, (struct exit_info){ reason, 0 }, component_detail(error.message));
        return;
    }
    component_call_begin(actor, PHASE_INSTANTIATING);
    instance_begin_instantiate(actor->instance);
}

static void
begin_shutdown(struct component_actor *actor)
{
    component_call_begin(actor, PHASE_SHUTTING_DOWN);
    instance_begin_shutdown(actor->instance);
}

static void
become_idle(struct component_actor *actor)
{
    actor->phase = PHASE_IDLE;
    if (actor->stop_asked)
        begin_shutdown(actor);
}

static void
started(struct component_actor *actor)
{
    if (!actor->stop_asked) {
        child_report_started(actor->context);
        component_health_start(actor);
    }
    become_idle(actor);
}

static void
instantiated(struct component_actor *actor)
{
    if (!actor->setup.is_command) {
        component_call_begin(actor, PHASE_INITIALIZING);
        instance_begin_initialize(actor->instance, &actor->setup.config);
        return;
    }
    child_report_started(actor->context);
    component_health_start(actor);
    component_call_begin(actor, PHASE_RUNNING);
    instance_begin_run(actor->instance);
}

static void
initialized(struct component_actor *actor)
{
    if (actor->has_metadata || actor->stop_asked) {
        started(actor);
        return;
    }
    component_call_begin(actor, PHASE_METADATA);
    instance_begin_metadata(actor->instance);
}

static void
described(struct component_actor *actor, const struct guest_metadata *metadata)
{
    if (metadata)
        component_registry_set_metadata(actor->host.registry, actor->path->text, metadata->name,
                                        metadata->version);
    actor->has_metadata = true;
    started(actor);
}

/* ---- Health. ---- */

static void
begin_probe(struct component_actor *actor)
{
    component_health_begun(actor);
    component_call_begin(actor, PHASE_PROBING);
    instance_begin_health(actor->instance);
}

static void
probed(struct component_actor *actor, enum guest_health answer)
{
    if (component_health_answered(actor, answer))
        finish_unhealthy(actor);
    else
        become_idle(actor);
}

/* ---- Messages. ---- */

static void
begin_message(struct component_actor *actor, struct message *message)
{
    actor->message = message;
    component_call_set_message(actor, message);
    component_call_begin(actor, PHASE_HANDLING);
    instance_begin_handle_message(actor->instance, &actor->guest_message);
}

/* The answer's bytes are the instance's until its next call; the requester copies them. */
static void
handled(struct component_actor *actor, const struct outcome *outcome)
{
    struct message *message = actor->message;
    uint64_t count = atomic_load_explicit(&actor->stats.messages, memory_order_relaxed);

    atomic_store_explicit(&actor->stats.messages, count + 1, memory_order_relaxed);
    actor->message = NULL;
    if (outcome->kind == OUTCOME_ERR)
        message_finish(message, AIRS_EREJECTED, outcome->text, NULL, 0);
    else if (outcome->has_reply)
        message_finish(message, AIRS_OK, NULL, outcome->reply.data, outcome->reply.size);
    else
        message_finish(message, AIRS_OK, NULL, NULL, 0);
    become_idle(actor);
}

/* `err` from shutdown is recorded: the instance has ended normally all the same. */
static void
shut_down(struct component_actor *actor, const struct outcome *outcome)
{
    struct refstr *detail = outcome->kind == OUTCOME_ERR ? component_detail(outcome->text) : NULL;

    finish(actor, (struct exit_info){ EXIT_NORMAL, 0 }, detail);
}

/* ---- What follows a call. ---- */

static void
call_returned(struct component_actor *actor, const struct outcome *outcome)
{
    switch (actor->phase) {
    case PHASE_INSTANTIATING:
        instantiated(actor);
        break;
    case PHASE_INITIALIZING:
        if (outcome->kind == OUTCOME_ERR)
            finish_by_outcome(actor, outcome);
        else
            initialized(actor);
        break;
    case PHASE_METADATA:
        described(actor, outcome->metadata);
        break;
    case PHASE_HANDLING:
        handled(actor, outcome);
        break;
    case PHASE_PROBING:
        probed(actor, outcome->health);
        break;
    case PHASE_RUNNING:
        finish_by_outcome(actor, outcome);
        break;
    case PHASE_SHUTTING_DOWN:
        shut_down(actor, outcome);
        break;
    case PHASE_ABSENT:
    case PHASE_IDLE:
        assert(false && "no call was in flight");
    }
}

static void
call_done(struct component_actor *actor)
{
    const struct outcome *outcome = instance_outcome(actor->instance);

    component_call_end(actor);
    if (instance_has_ended(actor->instance))
        finish_by_outcome(actor, outcome);
    else
        call_returned(actor, outcome);
}

/* ---- What the supervisor asks. ---- */

static void
stop_command(struct component_actor *actor)
{
    if (actor->phase != PHASE_RUNNING || !instance_ask_stop(actor->instance))
        finish_as(actor, EXIT_SHUTDOWN);
}

static void
stop(struct component_actor *actor)
{
    actor->stop_asked = true;
    component_health_stop(actor);
    if (actor->setup.is_command)
        stop_command(actor);
    else if (actor->phase == PHASE_IDLE)
        begin_shutdown(actor);
}

/* False: the actor is over. */
static bool
obey(struct component_actor *actor, const struct child_command *command)
{
    switch (command->type) {
    case CHILD_START:
        start(actor, command->generation);
        break;
    case CHILD_STOP:
        if (actor->phase != PHASE_ABSENT)
            stop(actor);
        break;
    case CHILD_KILL:
        if (actor->phase != PHASE_ABSENT)
            finish_as(actor, EXIT_KILLED);
        break;
    case CHILD_BURY:
    case CHILD_RESET:
    case CHILD_START_SUBTREE:
        break; /* For supervisors. */
    case CHILD_RELEASE:
        return false;
    }
    return true;
}

static void
set_up(struct component_actor *actor)
{
    airs_pid self = actor_context_self(actor->context);

    actor->is_set_up = true;
    actor->options.id = self;
    timer_init(&actor->timer, self);
    timer_init(&actor->health_timer, self);
}

static bool
take_controls(struct component_actor *actor)
{
    struct child_command command;
    struct control *control;

    while ((control = actor_context_take_control(actor->context)) != NULL)
        if (control == &actor->timer.control)
            actor->timer_fired = true;
        else if (control == &actor->health_timer.control)
            actor->health_timer_fired = true;
        else if (control->type == CONTROL_REQUEST)
            component_change_take(actor, control);
    while (child_take_command(actor->context, &command))
        if (!obey(actor, &command))
            return false;
    if (actor->timer_fired && actor->timer_armed)
        finish(actor, (struct exit_info){ EXIT_TIMEOUT, 0 }, component_detail("call-timeout"));
    if (component_health_look(actor))
        finish_unhealthy(actor);
    return true;
}

/* A command has no export that could take one. */
static void
refuse_messages(struct component_actor *actor)
{
    struct message *message;

    while ((message = actor_context_take_message(actor->context)) != NULL)
        message_finish(message, AIRS_EREJECTED, "a command takes no messages", NULL, 0);
}

/* Drives calls and messages until the instance parks, is gone, or has had its share. */
static enum actor_turn
proceed(struct component_actor *actor)
{
    for (unsigned handled_now = 0;;) {
        switch (actor->phase) {
        case PHASE_ABSENT:
            return ACTOR_PARK;
        case PHASE_INSTANTIATING:
        case PHASE_INITIALIZING:
        case PHASE_METADATA:
        case PHASE_HANDLING:
        case PHASE_PROBING:
        case PHASE_RUNNING:
        case PHASE_SHUTTING_DOWN:
            if (component_call_poll(actor)) {
                call_done(actor);
                break;
            }
            if (component_health_look(actor)) /* A heartbeat may have come; a kill parks, too. */
                finish_unhealthy(actor);
            return ACTOR_PARK;
        case PHASE_IDLE:
            if (component_health_wants_probe(actor)) {
                begin_probe(actor);
                break;
            }
            if (handled_now == COMPONENT_MESSAGES_PER_TURN ||
                (handled_now > 0 && actor_context_should_yield(actor->context)))
                return ACTOR_YIELD;
            if (actor_context_should_give_way(actor->context))
                return ACTOR_GIVE_WAY;
            struct message *message = actor_context_take_message(actor->context);
            if (!message)
                return ACTOR_PARK;
            handled_now++;
            begin_message(actor, message);
            break;
        }
    }
}

enum actor_turn
component_life_run(struct actor_context *context)
{
    struct component_actor *actor = actor_context_state(context);

    actor->context = context;
    if (!actor->is_set_up)
        set_up(actor);
    if (!take_controls(actor))
        return ACTOR_END;
    if (actor->setup.is_command)
        refuse_messages(actor);
    enum actor_turn turn = proceed(actor);
    note_memory(actor);
    actor->context = NULL;
    return turn;
}

void
component_life_abandon(struct component_actor *actor)
{
    if (actor->instance)
        drop_instance(actor);
    end_message(actor, "the target is gone");
}
