/* Child change: another policy, another place, another strategy, while everything runs.
 *
 * A change decides nothing by itself: what is waited for now goes on with its time, and the next
 * decision follows what is new. Grants stay, as many as the new budget can hold. So a change can
 * come in any state, and in the middle of a group restart.
 */
#include <assert.h>

#include "supervision/node_step.h"
#include "supervision/restart_budget.h"
#include "supervision/restart_intensity.h"

void
node_change_policy(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    const struct node_event *event = step->event;
    if (!event->policy)
        return;
    assert(event->grants_us || supervisor_child_grants_max(event->policy) == 0);
    node->significant -= child_is_significant(child);
    restart_budget_move(child, event->policy, event->grants_us);
    node->significant += child_is_significant(child);
}

bool
node_configure(struct step *step)
{
    const struct node_policy *policy = step->event->node_policy;
    if (!policy)
        return false;
    restart_intensity_move(step->node, policy, step->event->grants_us);
    return true;
}

void
node_insert(struct supervisor_node *node, struct supervisor_child *child,
            struct supervisor_child *before)
{
    assert(child != before);
    /* Before the head of a ring is its end. */
    list_push_back(before ? &before->siblings : &node->children, &child->siblings);
}

void
node_move(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    list_remove(&child->siblings);
    node_insert(node, child, step->event->before);
    group_reorder(node);
}

/* A restart was asked for, and there is no instance that could end for it. */
static void
answer_change(struct step *step)
{
    if (step->event->restarts)
        step->actions->reply = REPLY_NOT_RUNNING;
}

/* Its next start is one with all that is new. */
bool
child_change_due(struct step *step, struct supervisor_child *child)
{
    (void)child;
    answer_change(step);
    return true;
}

/* Without a probe it is ready because it runs. */
static void
stop_awaiting_probe(struct step *step, struct supervisor_child *child)
{
    bool is_probed = child->is_supervisor || child->policy->reports_ready;
    if (child->state == CHILD_RUNNING && !is_probed)
        child_became_ready(step, child);
}

bool
child_change_live(struct step *step, struct supervisor_child *child)
{
    /* With its group or its supervisor it is about to stop anyway. */
    bool is_to_stop = child->group == GROUP_STOP || step->node->state == NODE_STOPPING;
    if (!step->event->restarts) {
        stop_awaiting_probe(step, child);
    } else if (is_to_stop) {
        answer_change(step);
    } else {
        child->on_trial = step->event->on_trial;
        child_restart(step, child);
    }
    return true;
}

/* Why it does not come back is called what the new policy calls it. */
bool
child_change_stopped(struct step *step, struct supervisor_child *child)
{
    bool is_temporary = child->policy->restart == RESTART_TEMPORARY;
    if (child->stop_cause == STOPPED_TEMPORARY && !is_temporary)
        child_set_cause(step, child, STOPPED_ENDED);
    else if (child->stop_cause == STOPPED_ENDED && is_temporary)
        child_set_cause(step, child, STOPPED_TEMPORARY);
    answer_change(step);
    return true;
}

bool
child_change_failed(struct step *step, struct supervisor_child *child)
{
    return step->event->restarts ? child_revive(step, child) : true;
}

/* Where it stands has no part in its state. */
bool
child_moved(struct step *step, struct supervisor_child *child)
{
    (void)step;
    (void)child;
    return true;
}
