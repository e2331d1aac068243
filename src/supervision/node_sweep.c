/* Node sweep: what one step does to all children, one after the other.
 *
 * A sweep (start, stop, kill or reset of all, or a group restart) may write more than the caller's
 * buffer holds; it keeps its place in node->cursor, and supervisor_node_continue() goes on from
 * there. Starts go in order, stops in reverse order.
 */
#include <assert.h>

#include "supervision/node_step.h"
#include "supervision/restart_intensity.h"

static bool
is_reversed(enum node_sweep sweep)
{
    return sweep == SWEEP_STOP || sweep == SWEEP_KILL || sweep == SWEEP_GROUP;
}

void
node_begin_sweep(struct step *step, enum node_sweep sweep)
{
    struct supervisor_node *node = step->node;
    node->sweep = sweep;
    node->cursor = is_reversed(sweep) ? node->children.previous : node->children.next;
}

static enum node_event_type
sweep_event(enum node_sweep sweep)
{
    switch (sweep) {
    case SWEEP_START:
        return NODE_START_ALL;
    case SWEEP_STOP:
        return NODE_STOP_ALL;
    case SWEEP_KILL:
        return NODE_KILL_ALL;
    case SWEEP_RESET:
        return NODE_RESET_ALL;
    case SWEEP_GROUP:
        return NODE_GROUP;
    case SWEEP_NONE:
        break;
    }
    assert(false && "a sweep is under way");
    return NODE_RESET_ALL;
}

bool
node_go_on_sweeping(struct step *step)
{
    struct supervisor_node *node = step->node;
    struct node_event event = {
        .type = sweep_event(node->sweep),
        .now_us = node->sweep_us,
        .everything = node->sweep_everything,
        .exit.reason = node->sweep_reason,
    };
    step->event = &event;

    while (node->cursor != &node->children) {
        if (!step_has_room(step, TRANSITION_ACTIONS_MAX))
            return false;
        event.child = container_of(node->cursor, struct supervisor_child, siblings);
        node->cursor = is_reversed(node->sweep) ? node->cursor->previous : node->cursor->next;
        if (node->sweep != SWEEP_GROUP || group_takes(step, event.child))
            node_take_transition(step, event.child);
    }
    if (node->sweep == SWEEP_START && step_waits(step))
        group_find_turn(node);
    if (node->sweep == SWEEP_GROUP && !node->group_inside)
        node->group_cause = node->group_failed;
    node->sweep = SWEEP_NONE;
    node->cursor = NULL;
    step->event = NULL;
    return true;
}

void
node_begin_stop(struct step *step, enum node_sweep sweep, enum exit_reason kill_reason)
{
    struct supervisor_node *node = step->node;
    if (node->state == NODE_RUNNING && node->reported_ready)
        step_act(step, ACTION_NODE_NOT_READY, NULL);
    if (node->state != NODE_STOPPING)
        node->stops_in_order = step_waits(step);
    node->state = NODE_STOPPING;
    node->reported_ready = false;
    node->reported_idle = false;
    node->sweep_reason = kill_reason;
    node_begin_sweep(step, sweep);
    group_set_turn(node, NULL);
    if (step_waits(step))
        group_begin_stops(node);
}

bool
node_start_all(struct step *step)
{
    struct supervisor_node *node = step->node;
    if (node->state == NODE_STOPPING)
        return false;
    if (node->state == NODE_RUNNING && !step->event->everything)
        return false;
    if (node->state == NODE_STOPPED) {
        node->cause = NULL;
        node->end = (struct exit_info){ .reason = EXIT_NORMAL };
        node->group_failed = node->group_cause = NULL;
        if (!node->intensity_resumes || step->event->everything)
            restart_intensity_clear(node);
        node->intensity_resumes = false;
    }
    node->state = NODE_RUNNING;
    node->sweep_everything = step->event->everything;
    node_begin_sweep(step, SWEEP_START);
    return true;
}

bool
node_stop_all(struct step *step)
{
    struct supervisor_node *node = step->node;
    if (node->state != NODE_RUNNING)
        return node->state == NODE_STOPPING; /* Joined. */
    node->end = (struct exit_info){ .reason = EXIT_SHUTDOWN };
    node_begin_stop(step, SWEEP_STOP, EXIT_KILLED);
    return true;
}

bool
node_kill_all(struct step *step)
{
    struct supervisor_node *node = step->node;
    if (node->state == NODE_STOPPED)
        return false;
    /* A supervisor that gave up by itself before keeps its reason. */
    if (node->state == NODE_RUNNING || node->end.reason != EXIT_ESCALATED)
        node->end = (struct exit_info){ .reason = EXIT_KILLED };
    enum exit_reason reason = step->event->exit.reason;
    node_begin_stop(step, SWEEP_KILL, reason == EXIT_NORMAL ? EXIT_KILLED : reason);
    return true;
}
