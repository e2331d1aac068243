/* Shell: performs a node's actions and brings it what comes of them, in virtual time. */
#include <stdlib.h>

#include "sim.h"

static bool
is_before(const struct sim_message *a, const struct sim_message *b)
{
    return a->time_us != b->time_us ? a->time_us < b->time_us : a->order < b->order;
}

static void
enqueue(struct sim *sim, uint64_t delay_us, struct sim_message message)
{
    if (sim->queue_size == sim->queue_capacity) {
        sim->queue_capacity = sim->queue_capacity ? 2 * sim->queue_capacity : 64;
        sim->queue = realloc(sim->queue, sim->queue_capacity * sizeof *sim->queue);
        if (!sim->queue)
            abort();
    }
    uint64_t room = UINT64_MAX - sim->now_us;
    message.time_us = sim->now_us + (delay_us < room ? delay_us : room);
    message.order = sim->order++;
    size_t place = sim->queue_size++;
    while (place > 0 && is_before(&message, &sim->queue[(place - 1) / 2])) {
        sim->queue[place] = sim->queue[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    sim->queue[place] = message;
}

void
sim_send(struct sim *sim, uint64_t delay_us, struct sim_node *node, struct sim_child *subject,
         struct node_event event, uint32_t serial)
{
    enqueue(
        sim, delay_us,
        (struct sim_message){ .node = node, .subject = subject, .event = event, .serial = serial });
}

void
sim_send_errand(struct sim *sim, uint64_t delay_us, struct sim_child *subject,
                enum sim_errand errand, uint32_t serial, enum health_answer answer)
{
    enqueue(sim, delay_us,
            (struct sim_message){ .node = subject->parent,
                                  .subject = subject,
                                  .errand = errand,
                                  .serial = serial,
                                  .plan = subject->instance.plan,
                                  .answer = answer });
}

static struct sim_message
take_earliest(struct sim *sim)
{
    struct sim_message earliest = sim->queue[0], last = sim->queue[--sim->queue_size];
    size_t place = 0;
    for (;;) {
        size_t next = 2 * place + 1;
        if (next >= sim->queue_size)
            break;
        if (next + 1 < sim->queue_size && is_before(&sim->queue[next + 1], &sim->queue[next]))
            next++;
        if (!is_before(&sim->queue[next], &last))
            break;
        sim->queue[place] = sim->queue[next];
        place = next;
    }
    sim->queue[place] = last;
    return earliest;
}

/* The start gate: max-concurrent-starts places, given by due time; one that was waited for
 * takes a while to arrive. */
static void
give_slots(struct sim *sim)
{
    while (sim->slots_used < sim->slots_max) {
        struct sim_child *next = NULL;
        for (size_t i = 0; i < sim->children_size; i++) {
            struct sim_child *other = sim->children[i];
            if (other->removed || other->ticket != TICKET_WAITING)
                continue;
            if (!next || other->ticket_us < next->ticket_us ||
                (other->ticket_us == next->ticket_us && other->ticket_order < next->ticket_order))
                next = other;
        }
        if (!next)
            return;
        sim->slots_used++;
        next->ticket = TICKET_GRANTED;
        sim_turn_to(sim, TOPIC_TICKET, next->key, next->ticket_serial);
        sim_send(sim, next->ticket_waited ? sim_random(sim, 100) : 0, next->parent, next,
                 (struct node_event){ .type = NODE_ADMITTED, .child = next->child },
                 next->ticket_serial);
    }
}

static void
ask_slot(struct sim *sim, struct sim_child *subject, uint64_t due_us)
{
    sim_require(sim, subject->ticket == TICKET_NONE, "%s asks for a slot twice", subject->path);
    if (subject->child->is_supervisor) { /* Granted at once: it takes no slot. */
        subject->ticket = TICKET_GRANTED;
        subject->ticket_serial++;
        sim_send(sim, 0, subject->parent, subject,
                 (struct node_event){ .type = NODE_ADMITTED, .child = subject->child },
                 subject->ticket_serial);
        return;
    }
    subject->ticket = TICKET_WAITING;
    subject->ticket_serial++;
    subject->ticket_us = due_us;
    subject->ticket_order = sim->order++;
    subject->ticket_waited = sim->slots_used == sim->slots_max;
    if (subject->ticket_waited) {
        sim->outcomes[OUTCOME_POOL]++;
        sim_write_waiting(sim, subject);
    }
    give_slots(sim);
}

static void
free_slot(struct sim *sim, struct sim_child *subject)
{
    bool held = subject->ticket == TICKET_GRANTED || subject->ticket == TICKET_HELD;
    if (held && !subject->child->is_supervisor)
        sim->slots_used--;
    subject->ticket = TICKET_NONE;
    subject->ticket_serial++;
    give_slots(sim);
}

static void
arm(struct sim *sim, struct sim_child *subject, uint64_t due_us)
{
    sim_require(sim, due_us >= sim->now_us, "%s: armed for the past", subject->path);
    subject->timer_armed = true;
    subject->timer_us = due_us;
    sim_send(sim, due_us - sim->now_us, subject->parent, subject,
             (struct node_event){ .type = NODE_TIMER, .child = subject->child },
             ++subject->timer_serial);
}

static void
tell_node(struct sim *sim, struct sim_child *subject, const struct node_action *action,
          enum node_event_type type)
{
    sim_send(sim, SIM_LATENCY_US, subject->node, NULL,
             (struct node_event){ .type = type,
                                  .generation = action->generation,
                                  .exit = action->exit,
                                  .everything = action->everything },
             action->type == ACTION_START_SUBTREE);
}

static void
tell_parent(struct sim *sim, struct sim_node *node, enum node_event_type type,
            struct exit_info exit)
{
    if (!node->self)
        return;
    sim_send(sim, SIM_LATENCY_US, node->self->parent, node->self,
             (struct node_event){ .type = type,
                                  .child = node->self->child,
                                  .generation = node->generation,
                                  .exit = exit },
             node->self->instance.plan);
}

static void
start(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    sim_require(sim, !subject->instance.alive, "%s: a second instance", subject->path);
    subject->kill_asked = false;
    if (subject->node) {
        subject->instance.alive = true;
        subject->instance.generation = action->generation;
        tell_node(sim, subject, action, NODE_START_ALL);
    } else {
        sim_require(sim, subject->ticket == TICKET_HELD, "%s: starts without slot", subject->path);
        sim_instance_start(sim, subject, action->generation);
    }
}

static void
stop(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    sim_require(sim, subject->instance.alive && subject->instance.generation == action->generation,
                "%s: nothing to stop of generation %u", subject->path, action->generation);
    if (subject->node)
        tell_node(sim, subject, action, NODE_STOP_ALL);
    else
        sim_instance_stop(sim, subject);
}

/* `killed` is what kill by hand does, and it alone. */
static bool
may_kill_for(const struct node_event *event, enum exit_reason reason)
{
    bool by_hand = event->type == NODE_KILL ||
                   (event->type == NODE_KILL_ALL &&
                    (event->exit.reason == EXIT_NORMAL || event->exit.reason == EXIT_KILLED));
    return by_hand ? reason == EXIT_KILLED : reason == EXIT_TIMEOUT || reason == EXIT_SHUTDOWN;
}

static void
kill_now(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    sim_require(sim, subject->instance.alive && subject->instance.generation == action->generation,
                "%s: nothing to kill of generation %u", subject->path, action->generation);
    subject->kill_asked = action->exit.reason == EXIT_KILLED;
    sim_require(sim, may_kill_for(sim->event, action->exit.reason), "%s: killed for %s",
                subject->path, exit_reason_name(action->exit.reason));
    if (subject->node)
        tell_node(sim, subject, action, NODE_KILL_ALL);
    else
        sim_instance_kill(sim, subject);
}

static void
end_node(struct sim *sim, struct sim_node *node, struct exit_info exit)
{
    list_for_each(link, &node->node.children) {
        struct sim_child *subject =
            sim_child_of(container_of(link, struct supervisor_child, siblings));
        sim_require(sim, !subject->instance.alive, "%s: left behind by its supervisor",
                    subject->path);
    }
    sim_require(sim, exit.reason != EXIT_NORMAL || node->node.policy.auto_shutdown,
                "a node ended normally by itself");
    sim->outcomes[OUTCOME_AUTO_SHUTDOWN] += exit.reason == EXIT_NORMAL;
    tell_parent(sim, node, NODE_EXITED, exit);
}

static void
perform(struct sim *sim, struct sim_node *node, const struct node_action *action)
{
    struct sim_child *subject = action->child ? sim_child_of(action->child) : NULL;
    sim_require(sim, !subject || !subject->removed, "an action for a removed child");
    sim_write_action(sim, action);
    switch (action->type) {
    case ACTION_ADMIT:
        sim_check_turn(sim, subject);
        sim_check_start_order(sim, subject);
        ask_slot(sim, subject, action->due_us);
        break;
    case ACTION_WITHDRAW:
        free_slot(sim, subject);
        break;
    case ACTION_START:
        start(sim, subject, action);
        break;
    case ACTION_START_SUBTREE:
        tell_node(sim, subject, action, NODE_START_ALL);
        break;
    case ACTION_SETTLED:
        sim_require(sim, subject->ticket == TICKET_HELD, "%s: settles what it has not",
                    subject->path);
        free_slot(sim, subject);
        break;
    case ACTION_STOP:
        stop(sim, subject, action);
        break;
    case ACTION_KILL:
        kill_now(sim, subject, action);
        break;
    case ACTION_ARM:
        arm(sim, subject, action->due_us);
        break;
    case ACTION_DISARM:
        sim_require(sim, subject->timer_armed, "%s: disarms no timer", subject->path);
        subject->timer_armed = false;
        subject->timer_serial++;
        break;
    case ACTION_RESET_CHILD:
        tell_node(sim, subject, action, NODE_RESET_ALL);
        break;
    case ACTION_NOTIFY:
        sim_ledger_take(sim, subject, action);
        sim_write_event(sim, subject, action);
        break;
    case ACTION_REMOVED:
        sim_require(sim,
                    !subject->instance.alive && subject->ticket == TICKET_NONE &&
                        !subject->timer_armed,
                    "%s: removed while something of it is left", subject->path);
        subject->removed = true;
        sim_dependencies_end(sim, subject);
        break;
    case ACTION_NODE_READY:
        tell_parent(sim, node, NODE_READY, action->exit);
        break;
    case ACTION_NODE_NOT_READY:
        tell_parent(sim, node, NODE_NOT_READY, action->exit);
        break;
    case ACTION_NODE_IDLE:
        tell_parent(sim, node, NODE_IDLE, action->exit);
        break;
    case ACTION_NODE_NOT_IDLE:
        tell_parent(sim, node, NODE_NOT_IDLE, action->exit);
        break;
    case ACTION_TELL_DEPENDANTS:
        sim_dependencies_tell(sim, subject, action);
        break;
    case ACTION_ENDED:
        end_node(sim, node, action->exit);
        break;
    }
}

void
sim_step(struct sim *sim, struct sim_node *node, struct node_event event)
{
    struct node_actions actions;
    event.now_us = sim->now_us;
    sim->stepping = node;
    sim->event = &event;
    sim->granted = NULL;
    sim->was_running = node->node.state == NODE_RUNNING;
    sim->last_start = sim->last_stop = SIZE_MAX;
    sim->steps++;
    if (event.type == NODE_RESET_ALL ||
        (event.type == NODE_START_ALL && node->node.state == NODE_STOPPED))
        node->grants_size = 0;
    enum node_result result = supervisor_node_step(&node->node, &event, &actions);
    for (;;) {
        for (size_t i = 0; i < actions.size && !sim->failed; i++)
            perform(sim, node, &actions.items[i]);
        if (result == NODE_DONE || sim->failed)
            break;
        result = supervisor_node_continue(&node->node, &actions);
    }
    if (!sim->failed)
        sim_check_node(sim, node);
    sim->stepping = NULL;
    sim->event = NULL;
}

/* What has been called off, or comes to somebody who is gone. */
static bool
is_void(struct sim *sim, const struct sim_message *message)
{
    struct sim_child *subject = message->subject;
    if (message->node->self && message->node->self->removed)
        return true;
    if (!subject) /* START_SUBTREE is for a node that runs. */
        return message->serial && message->node->node.state != NODE_RUNNING;
    if (subject->removed)
        return true;
    switch ((unsigned)message->event.type) {
    case NODE_TIMER: /* A real one may already have fired when it is disarmed. */
        sim_turn_to(sim, TOPIC_TIMER, subject->key, UINT64_C(1) << 32 | message->serial);
        return message->serial != subject->timer_serial && !sim_chance(sim, 12);
    case NODE_ADMITTED:
        return message->serial != subject->ticket_serial;
    default:
        return !subject->node && message->serial != subject->instance.plan;
    }
}

static void
note_delivery(const struct sim *sim, const struct sim_message *message)
{
    struct sim_child *subject = message->subject;
    switch ((unsigned)message->event.type) {
    case NODE_TIMER:
        if (sim->now_us >= subject->timer_us) /* A stale one may come at the right time, too. */
            subject->timer_armed = false;
        break;
    case NODE_ADMITTED:
        subject->ticket = subject->child->is_supervisor ? TICKET_NONE : TICKET_HELD;
        break;
    case NODE_STARTED:
        subject->instance.started = true;
        break;
    case NODE_EXITED:
        subject->instance.alive = false;
        if (!subject->node)
            sim_health_end(subject);
        break;
    default:
        break;
    }
}

bool
sim_deliver(struct sim *sim, uint64_t until_us)
{
    if (sim->failed || sim->queue_size == 0 || sim->queue[0].time_us > until_us)
        return false;
    struct sim_message message = take_earliest(sim);
    sim->now_us = message.time_us;
    if (message.errand == ERRAND_LOOK) {
        sim_dependencies_look(sim, message.subject);
        return true;
    }
    if (message.errand != ERRAND_STEP) {
        if (!message.subject->removed)
            sim_health_take(sim, message.subject, &message);
        return true;
    }
    if (is_void(sim, &message))
        return true;
    if (message.subject) {
        note_delivery(sim, &message);
    } else if (message.event.type == NODE_START_ALL && !message.serial) {
        sim_require(sim, message.node->node.state == NODE_STOPPED, "%s: started while it is up",
                    message.node->self->path);
        message.node->generation = message.event.generation;
        tell_parent(sim, message.node, NODE_STARTED, (struct exit_info){ EXIT_NORMAL, 0 });
    }
    sim_step(sim, message.node, message.event);
    return true;
}
