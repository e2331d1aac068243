/* Node group: what siblings do in order, under every strategy but one-for-one.
 *
 * A group restart follows an exit that was granted a restart. One sweep takes along all that
 * the strategy affects: those without an instance wait at once, their delays dropped; those with
 * one are marked GROUP_STOP. Then, from the last to the first, each is stopped when the one
 * after it has ended (`stops`, `stops_awaited`). When the last stop and the delay of the failed
 * child are over, the children marked GROUP_START start from the first to the last, each when the
 * one before it is ready or at rest (`turn`). Fellows, which are members of one template, stop
 * together and start together. The node's own start and stop go the same way, without a failed
 * child. A larger group restart takes all marks of a smaller one over: there is one order in a
 * node, and each child has at most one mark.
 *
 * One place goes back once for a group and one goes forth: the costs are O(children) for all of
 * it, not for each child.
 */
#include <assert.h>

#include "supervision/node_step.h"

static struct supervisor_child *
child_at(struct list *link)
{
    return container_of(link, struct supervisor_child, siblings);
}

static struct supervisor_child *
next_start(struct supervisor_node *node, struct list *link)
{
    for (; link != &node->children; link = link->next)
        if (child_at(link)->group == GROUP_START)
            return child_at(link);
    return NULL;
}

static bool
are_fellows(const struct supervisor_node *node, const struct supervisor_child *one,
            const struct supervisor_child *other)
{
    return node->are_fellows && node->are_fellows(one, other);
}

void
group_set_turn(struct supervisor_node *node, struct supervisor_child *child)
{
    node->turn = child;
    node->turn_asked = false;
}

void
group_find_turn(struct supervisor_node *node)
{
    group_set_turn(node, next_start(node, node->children.next));
}

void
group_stop_ended(struct supervisor_node *node, struct supervisor_child *child)
{
    node->stops_awaited -= child->stop_awaited;
    child->stop_awaited = false;
}

/* Nobody waits for what stops already, until its place in the order has come. */
void
group_begin_stops(struct supervisor_node *node)
{
    node->stops = node->children.previous;
    for (struct list *link = node->stops; node->stops_awaited > 0; link = link->previous)
        group_stop_ended(node, child_at(link));
}

void
group_begin(struct step *step, struct supervisor_child *failed)
{
    struct supervisor_node *node = step->node;
    failed->group = GROUP_START;
    failed->group_taken = false;
    node->group_failed = failed;
    node->group_passed = false;
    node->group_inside = false;
    node_begin_sweep(step, SWEEP_GROUP);
    group_begin_stops(node);
}

void
group_reorder(struct supervisor_node *node)
{
    if (node->stops) /* Again from the end: who has been stopped is not marked any more. */
        node->stops = node->children.previous;
    if (node->turn)
        group_find_turn(node);
}

bool
group_is_busy(const struct supervisor_node *node)
{
    return node->stops || node->turn;
}

/* Under rest-for-one: `child` stands before the failed one. If it was taken along before, that
 * was by a child before it, which stays the cause, unless it has been deleted. */
static void
look_before_failed(struct supervisor_node *node, struct supervisor_child *child)
{
    node->group_inside |= child == node->group_cause;
    child->group_taken = child->group_taken && node->group_cause;
}

/* The sweep goes from the last child to the first. */
bool
group_takes(const struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    const struct node_policy *policy = &node->policy;
    if (child == node->group_failed) {
        node->group_passed = true;
        return false;
    }
    switch (policy->strategy) {
    case STRATEGY_ONE_FOR_ONE:
        return false;
    case STRATEGY_ONE_FOR_ALL:
        return true;
    case STRATEGY_REST_FOR_ONE:
        if (node->group_passed)
            look_before_failed(node, child);
        return !node->group_passed && !are_fellows(node, node->group_failed, child);
    case STRATEGY_PREDICATE:
        return policy->affects(policy->ctx, node->group_failed, child);
    }
    return false;
}

void
group_wait_turn(struct step *step, struct supervisor_child *child, uint64_t due_us)
{
    child->wait = WAIT_TURN;
    child->due_us = due_us;
    step->node->turn_asked = false;
}

void
group_await_turn(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    child->group = GROUP_START;
    group_wait_turn(step, child, step->now_us);
    if (!node->turn)
        node->turn = child;
    bool in_turn = node->turn == child || are_fellows(node, node->turn, child);
    if (!in_turn || node->stops || node->group_delays > 0)
        step_notify(step, child, EVENT_WAITING, child->state)->wait = WAIT_TURN;
}

void
group_leave(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    child->group = GROUP_NONE;
    child->group_taken = false;
    if (node->turn == child)
        group_set_turn(node, next_start(node, child->siblings.next));
}

void
group_forget(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    group_leave(step, child);
    node->turn_asked = false; /* Fellows that it stood between stand beside one another now. */
    if (node->stops == &child->siblings)
        node->stops = child->siblings.previous;
    group_stop_ended(node, child);
    if (node->group_failed == child)
        node->group_failed = NULL;
    if (node->group_cause == child)
        node->group_cause = NULL;
}

/* ---- What a group restart does to a sibling ---- */

/* Its delay is dropped, or its asking for a slot; it waits for its turn. */
static void
wait_in_group(struct step *step, struct supervisor_child *child)
{
    child_end_wait(step, child);
    child->group = GROUP_START;
    child->group_taken = true;
    group_wait_turn(step, child, step->now_us);
    enum child_state from = child_enter(step, child, CHILD_RESTARTING);
    enum event_type event = from == CHILD_RESTARTING ? EVENT_WAITING : EVENT_RESTART_SCHEDULED;
    struct node_action *action = step_notify(step, child, event, from);
    action->wait = WAIT_TURN;
    action->has_delay = true; /* 0: a delay that it waited in is dropped. */
}

bool
child_group_wait(struct step *step, struct supervisor_child *child)
{
    if (child->state == CHILD_RESTARTING && child->wait == WAIT_TURN)
        child->group_taken = true;
    else
        wait_in_group(step, child);
    return true;
}

bool
child_group_live(struct step *step, struct supervisor_child *child)
{
    (void)step;
    child->group = GROUP_STOP;
    child->group_taken = true;
    return true;
}

/* Its end is waited for; what follows it stays, but what starts again starts in its turn. */
bool
child_group_stopping(struct step *step, struct supervisor_child *child)
{
    (void)step;
    child->group = GROUP_STOP;
    child->group_taken = true;
    return true;
}

bool
child_group_stopped(struct step *step, struct supervisor_child *child)
{
    if (child->stop_cause != STOPPED_ENDED)
        return false;
    child->after = AFTER_GROUP;
    wait_in_group(step, child);
    return true;
}

/* ---- One after the other ---- */

static void
stop_member(struct step *step, struct supervisor_child *child)
{
    if (child->state == CHILD_STARTING || child->state == CHILD_RUNNING) {
        if (step->node->state == NODE_STOPPING)
            child_stop_with_node(step, child);
        else
            child_stop_for_group(step, child);
        child_tell(step, child);
    }
    if (child->state == CHILD_STOPPING && !child->stop_awaited) {
        child->stop_awaited = true;
        step->node->stops_awaited++;
    }
}

/* All whose ends are awaited are fellows: it stops with them if it is one, too. */
static bool
stops_with_next(const struct supervisor_node *node, const struct supervisor_child *child)
{
    struct list *next = child->siblings.next;
    return next != &node->children && are_fellows(node, child, child_at(next));
}

/* False: the buffer is full. */
static bool
go_on_stopping(struct step *step)
{
    struct supervisor_node *node = step->node;
    while (node->stops) {
        bool at_end = node->stops == &node->children;
        if (node->stops_awaited > 0 && (at_end || !stops_with_next(node, child_at(node->stops))))
            return true;
        if (at_end) {
            node->stops = NULL;
            group_find_turn(node);
            return true;
        }
        if (!step_has_room(step, TRANSITION_ACTIONS_MAX))
            return false;
        struct supervisor_child *child = child_at(node->stops);
        node->stops = node->stops->previous;
        if (child->group == GROUP_STOP)
            stop_member(step, child);
    }
    return true;
}

/* The first that is to start, and its fellows. False: the buffer is full. */
static bool
go_on_starting(struct step *step)
{
    struct supervisor_node *node = step->node;
    struct list *link = &node->turn->siblings;
    do {
        if (!step_has_room(step, TRANSITION_ACTIONS_MAX))
            return false;
        struct supervisor_child *child = child_at(link);
        if (child->group == GROUP_START && child->wait == WAIT_TURN)
            child_ask_start(step, child, child->due_us);
        link = link->next;
    } while (link != &node->children && are_fellows(node, node->turn, child_at(link)));
    node->turn_asked = true;
    return true;
}

bool
group_go_on(struct step *step)
{
    struct supervisor_node *node = step->node;
    if (!go_on_stopping(step))
        return false;
    if (node->state != NODE_RUNNING || node->stops)
        return true;
    if (!node->turn)
        node->group_failed = node->group_cause = NULL; /* The group is over. */
    else if (!node->turn_asked && node->group_delays == 0)
        return go_on_starting(step);
    return true;
}
