/* Component turn: what the actor of a component does when it runs.
 *
 * A turn first obeys the supervisor (start, stop, kill), then drives the one call that may be
 * in flight, then takes messages. Nothing here waits: what cannot go on parks.
 */
#include "base/clock.h"
#include "component/component_actor_state.h"
#include "runtime/child_link.h"

/* False: the actor is over. */
static bool
obey(struct component_actor *actor, const struct child_command *command)
{
    switch (command->type) {
    case CHILD_START:
        component_life_start(actor, command->generation);
        break;
    case CHILD_STOP:
        if (actor->phase != PHASE_ABSENT)
            component_life_stop(actor);
        break;
    case CHILD_KILL:
        if (actor->phase != PHASE_ABSENT)
            component_life_finish(actor, (struct exit_info){ EXIT_KILLED, 0 }, NULL);
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
        component_life_finish(actor, (struct exit_info){ EXIT_TIMEOUT, 0 },
                              component_detail("call-timeout"));
    if (component_health_look(actor))
        component_life_finish_unhealthy(actor);
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
                component_life_call_done(actor);
                break;
            }
            if (component_health_look(actor)) /* A heartbeat may have come; a kill parks, too. */
                component_life_finish_unhealthy(actor);
            return ACTOR_PARK;
        case PHASE_IDLE:
            if (component_health_wants_probe(actor)) {
                component_life_begin_probe(actor);
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
            component_life_begin_message(actor, message);
            break;
        }
    }
}

static void
note_memory(struct component_actor *actor)
{
    uint64_t bytes = actor->instance ? instance_memory_bytes(actor->instance) : 0;

    atomic_store_explicit(&actor->stats.memory_bytes, bytes, memory_order_relaxed);
}

enum actor_turn
component_turn_run(struct actor_context *context)
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
