/* Supervisor node: one step = one event looked up in the state table, then whatever sweep
 * over all children it began (node_sweep.c), then what became of the node as a whole.
 *
 * Where starts and stops wait for one another, node_group.c goes on with them at the end of each
 * step, or child_ties.c with those that wait for dependants.
 */
#include <assert.h>

#include "supervision/node_step.h"
#include "supervision/restart_intensity.h"

/* NODE_NOT_READY, NODE_IDLE or NODE_NOT_IDLE, ENDED. */
#define FINISH_ACTIONS_MAX 4

bool
node_take_transition(struct step *step, struct supervisor_child *child)
{
    enum child_state state = child->state;
    enum node_event_type type = step->event->type;
    transition *apply = state_table_find(state, type);
    if (!apply || !apply(step, child))
        return false;
    child_tell(step, child);
    step->node->coverage[state][type]++;
    return true;
}

static bool
is_of_generation(enum node_event_type type)
{
    switch (type) {
    case NODE_STARTED:
    case NODE_READY:
    case NODE_NOT_READY:
    case NODE_HEALTH_FAILED:
    case NODE_DEGRADED:
    case NODE_EXITED:
    case NODE_IDLE:
    case NODE_NOT_IDLE:
        return true;
    case NODE_DEPENDENCY_MET:
    case NODE_DEPENDENCY_LOST:
    case NODE_DEPENDENCY_EXITED:
    case NODE_ADD:
    case NODE_START_ALL:
    case NODE_STOP_ALL:
    case NODE_KILL_ALL:
    case NODE_ADMITTED:
    case NODE_TIMER:
    case NODE_START:
    case NODE_STOP:
    case NODE_RESTART:
    case NODE_KILL:
    case NODE_RESET:
    case NODE_DELETE:
    case NODE_RESET_ALL:
    case NODE_CHANGE:
    case NODE_MOVE:
    case NODE_CONFIGURE:
    case NODE_GROUP:
        return false;
    }
    return false;
}

static bool
add(struct step *step, struct supervisor_child *child)
{
    child->state = CHILD_REGISTERED;
    node_insert(step->node, child, step->event->before);
    step->node->counts[CHILD_REGISTERED]++;
    step->node->significant += child->policy->significant;
    bool taken = node_take_transition(step, child);
    if (step->event->before)
        group_reorder(step->node);
    return taken;
}

static bool
change(struct step *step, struct supervisor_child *child)
{
    node_change_policy(step, child);
    step_notify(step, child, EVENT_RELOADED, child->state);
    return node_take_transition(step, child);
}

static bool
move(struct step *step, struct supervisor_child *child)
{
    node_move(step, child);
    return node_take_transition(step, child);
}

/* False: the event has no place here. */
static bool
apply(struct step *step)
{
    const struct node_event *event = step->event;
    switch (event->type) {
    case NODE_START_ALL:
        return node_start_all(step);
    case NODE_STOP_ALL:
        return node_stop_all(step);
    case NODE_KILL_ALL:
        return node_kill_all(step);
    case NODE_RESET_ALL:
        restart_intensity_clear(step->node);
        node_begin_sweep(step, SWEEP_RESET);
        return true;
    case NODE_GROUP: /* Made in a sweep alone. */
        return false;
    case NODE_CONFIGURE:
        return node_configure(step);
    case NODE_ADD:
        return add(step, event->child);
    case NODE_CHANGE:
        return change(step, event->child);
    case NODE_MOVE:
        return move(step, event->child);
    case NODE_ADMITTED:
    case NODE_STARTED:
    case NODE_READY:
    case NODE_NOT_READY:
    case NODE_HEALTH_FAILED:
    case NODE_DEGRADED:
    case NODE_EXITED:
    case NODE_TIMER:
    case NODE_IDLE:
    case NODE_NOT_IDLE:
    case NODE_DEPENDENCY_MET:
    case NODE_DEPENDENCY_LOST:
    case NODE_DEPENDENCY_EXITED:
    case NODE_START:
    case NODE_STOP:
    case NODE_RESTART:
    case NODE_KILL:
    case NODE_RESET:
    case NODE_DELETE:
        assert(event->child);
        if (is_of_generation(event->type) && event->generation != event->child->generation)
            return false;
        return node_take_transition(step, event->child);
    }
    return false;
}

static uint32_t
children_alive(const struct supervisor_node *node)
{
    return node->counts[CHILD_STARTING] + node->counts[CHILD_RUNNING] +
           node->counts[CHILD_STOPPING];
}

static bool
is_ready(const struct supervisor_node *node)
{
    return node->counts[CHILD_REGISTERED] == 0 && node->counts[CHILD_RESTARTING] == 0 &&
           node->counts[CHILD_STARTING] == 0 && node->returning == 0 &&
           node->counts[CHILD_RUNNING] == node->running_ready;
}

static bool
is_idle(const struct supervisor_node *node)
{
    return node->by_request == 0 && node->counts[CHILD_REGISTERED] == 0 &&
           node->counts[CHILD_RESTARTING] == 0 && node->counts[CHILD_STARTING] == 0 &&
           node->counts[CHILD_STOPPING] == 0 &&
           node->counts[CHILD_RUNNING] == node->idle_supervisors;
}

/* What the step made of the node as a whole. */
static void
finish(struct step *step)
{
    struct supervisor_node *node = step->node;
    if (node->state == NODE_STOPPING && children_alive(node) == 0) {
        node->state = NODE_STOPPED;
        node->stops = NULL;
        step_act(step, ACTION_ENDED, NULL)->exit = node->end;
    }
    if (node->state != NODE_RUNNING)
        return;
    if (is_ready(node) != node->reported_ready) {
        node->reported_ready = !node->reported_ready;
        step_act(step, node->reported_ready ? ACTION_NODE_READY : ACTION_NODE_NOT_READY, NULL);
    }
    if (is_idle(node) != node->reported_idle) {
        node->reported_idle = !node->reported_idle;
        step_act(step, node->reported_idle ? ACTION_NODE_IDLE : ACTION_NODE_NOT_IDLE, NULL);
    }
}

static enum node_result
go_on(struct step *step)
{
    if (step->node->sweep != SWEEP_NONE && !node_go_on_sweeping(step))
        return NODE_MORE;
    /* Also to forget a group that has just ended under another strategy. */
    bool in_order = step_waits(step);
    if ((in_order || step->node->group_failed) && !group_go_on(step))
        return NODE_MORE;
    if (!in_order && !ties_go_on(step))
        return NODE_MORE;
    if (!step_has_room(step, FINISH_ACTIONS_MAX))
        return NODE_MORE;
    finish(step);
    return NODE_DONE;
}

void
supervisor_node_init(struct supervisor_node *node)
{
    *node = (struct supervisor_node){
        .state = NODE_STOPPED,
        .sweep = SWEEP_NONE,
        .policy = node_policy_default(),
    };
    list_init(&node->children);
    list_init(&node->released);
}

void
supervisor_node_configure(struct supervisor_node *node, const struct node_policy *policy,
                          uint64_t *grants_us)
{
    assert(list_is_empty(&node->children) && node->state == NODE_STOPPED);
    assert(grants_us || policy->max_restarts == RESTARTS_UNLIMITED || policy->max_restarts == 0);
    node->policy = *policy;
    node->grants_us = grants_us;
}

enum node_result
supervisor_node_step(struct supervisor_node *node, const struct node_event *event,
                     struct node_actions *actions)
{
    assert(node->sweep == SWEEP_NONE);
    actions->size = 0;
    actions->reply = REPLY_OK;
    node->sweep_us = event->now_us;
    struct step step = { node, event, actions, event->now_us };
    if (!apply(&step)) {
        node->ignored++;
        if (actions->size == 0)
            return NODE_DONE;
    }
    return go_on(&step);
}

enum node_result
supervisor_node_continue(struct supervisor_node *node, struct node_actions *actions)
{
    actions->size = 0;
    struct step step = { node, NULL, actions, node->sweep_us };
    return go_on(&step);
}
