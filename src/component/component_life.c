/* Component life: an instance from start to end, call by call.
 *
 * An instance ends in one place, component_life_finish(): it is freed, its output flushed, the
 * message in hand answered, and only then is the exit reported, so that whoever hears of it may
 * use the engine's slot.
 */
#include <assert.h>

#include "component/component_actor_state.h"
#include "engine/component.h"
#include "runtime/child_link.h"

/* ---- The end of an instance. ---- */

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

void
component_life_finish(struct component_actor *actor, struct exit_info exit, struct refstr *detail)
{
    drop_instance(actor);
    end_message(actor, "the target ended while it handled the message");
    child_report_exited(actor->context, exit, detail, NULL);
    refstr_unref(detail);
}

static void
finish_by_outcome(struct component_actor *actor, const struct outcome *outcome)
{
    struct refstr *detail;
    struct exit_info exit = component_call_exit(actor, outcome, &detail);

    component_life_finish(actor, exit, detail);
}

void
component_life_finish_unhealthy(struct component_actor *actor)
{
    component_life_finish(actor, (struct exit_info){ EXIT_UNHEALTHY, 0 },
                          component_health_detail(actor));
}

/* ---- Start. ---- */

void
component_life_start(struct component_actor *actor, uint32_t generation)
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
        component_life_finish(actor, (struct exit_info){ reason, 0 },
                              component_detail(error.message));
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

void
component_life_begin_probe(struct component_actor *actor)
{
    component_health_begun(actor);
    component_call_begin(actor, PHASE_PROBING);
    instance_begin_health(actor->instance);
}

static void
probed(struct component_actor *actor, enum guest_health answer)
{
    if (component_health_answered(actor, answer))
        component_life_finish_unhealthy(actor);
    else
        become_idle(actor);
}

/* ---- Messages. ---- */

void
component_life_begin_message(struct component_actor *actor, struct message *message)
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

    component_life_finish(actor, (struct exit_info){ EXIT_NORMAL, 0 }, detail);
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

void
component_life_call_done(struct component_actor *actor)
{
    const struct outcome *outcome = instance_outcome(actor->instance);

    component_call_end(actor);
    if (instance_has_ended(actor->instance))
        finish_by_outcome(actor, outcome);
    else
        call_returned(actor, outcome);
    if (actor->instance)
        instance_forget_outcome(actor->instance);
}

/* ---- What the supervisor asks. ---- */

static void
stop_command(struct component_actor *actor)
{
    if (actor->phase != PHASE_RUNNING || !instance_ask_stop(actor->instance))
        component_life_finish(actor, (struct exit_info){ EXIT_SHUTDOWN, 0 }, NULL);
}

void
component_life_stop(struct component_actor *actor)
{
    actor->stop_asked = true;
    component_health_stop(actor);
    if (actor->setup.is_command)
        stop_command(actor);
    else if (actor->phase == PHASE_IDLE)
        begin_shutdown(actor);
}

void
component_life_abandon(struct component_actor *actor)
{
    if (actor->instance)
        drop_instance(actor);
    end_message(actor, "the target is gone");
}
