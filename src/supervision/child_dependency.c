/* Child dependency: a start that waits until what the child depends on is met, and what others
 * that depend on the child are told.
 *
 * A node knows of a dependency only whether all of them are met (`unmet`): they may be children of
 * other supervisors. Which they are, and what becomes of them, the shell knows and feeds. A child
 * that is up does not mind losing one, unless its policy says that it follows the dependency's
 * restart; then it is stopped, uncounted, and waits like any child that is due.
 */
#include "supervision/node_step.h"

/* ---- What the child depends on ---- */

void
child_await_dependency(struct step *step, struct supervisor_child *child, uint64_t due_us)
{
    child->due_us = due_us;
    child->wait = WAIT_DEPENDENCY;
    step_notify(step, child, EVENT_WAITING, child->state)->wait = WAIT_DEPENDENCY;
}

bool
child_dependency_met(struct step *step, struct supervisor_child *child)
{
    child->unmet = false;
    if (child->wait != WAIT_DEPENDENCY)
        return true;
    if (child->group == GROUP_START) /* It may be another's turn by now. */
        group_await_turn(step, child);
    else
        child_ask_start(step, child, child->due_us);
    return true;
}

bool
child_dependency_lost(struct step *step, struct supervisor_child *child)
{
    child->unmet = true;
    if (child->wait == WAIT_POOL) {
        step_act(step, ACTION_WITHDRAW, child);
        child_await_dependency(step, child, child->due_us);
    }
    return true;
}

bool
child_note_met(struct step *step, struct supervisor_child *child)
{
    (void)step;
    child->unmet = false;
    return true;
}

bool
child_note_lost(struct step *step, struct supervisor_child *child)
{
    (void)step;
    child->unmet = true;
    return true;
}

bool
child_dependency_exited(struct step *step, struct supervisor_child *child)
{
    bool ends_anyway = step->node->state != NODE_RUNNING || child->group == GROUP_STOP;
    /* One that was killed has its exit, which counts, on the way. */
    if (child->policy->when_dependency_restarts == DEPENDENCY_LEAVE || ends_anyway ||
        child->kill_sent)
        return false;
    child_stop_for_dependency(step, child);
    return true;
}

/* ---- Who depends on the child: told at the end of what changed it, behind its events ---- */

/* Not one that a request stopped afterwards: that says that it is not to be relied on. */
static bool
ended_well(const struct supervisor_child *child)
{
    return child->policy->restart != RESTART_PERMANENT && child->has_exited &&
           child->last_exit.reason == EXIT_NORMAL &&
           (child->stop_cause == STOPPED_ENDED || child->stop_cause == STOPPED_TEMPORARY);
}

static bool
is_met(const struct supervisor_child *child)
{
    return child->ready || (child->state == CHILD_STOPPED && ended_well(child));
}

void
child_tell(struct step *step, struct supervisor_child *child)
{
    if (!child->depended_on || is_met(child) == child->told_met)
        return;
    child->told_met = !child->told_met;
    step_act(step, ACTION_TELL_DEPENDANTS, child)->met = child->told_met;
}

void
child_tell_exited(struct step *step, struct supervisor_child *child)
{
    if (!child->depended_on)
        return;
    child->told_met = is_met(child);
    struct node_action *action = step_act(step, ACTION_TELL_DEPENDANTS, child);
    action->met = child->told_met;
    action->exited = true;
}

bool
supervisor_child_tell(struct supervisor_child *child)
{
    child->depended_on = true;
    child->told_met = is_met(child);
    return child->told_met;
}
