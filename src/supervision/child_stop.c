/* Child stop: stop, restart, kill, delete and reset, by hand or with the supervisor, and
 * the timeouts of a start and of a stop.
 *
 * The instance is asked to end, and killed when its time is over. What a kill means
 * (timeout, killed, shutdown) is kept with the child until its exit comes; the first
 * meaning stays.
 */
#include <assert.h>

#include "supervision/node_step.h"

static void
ask_to_end(struct step *step, struct supervisor_child *child)
{
    uint64_t shutdown_us = child->policy->shutdown_us;
    if (shutdown_us == 0) {
        child_send_kill(step, child, EXIT_SHUTDOWN);
        return;
    }
    /* An infinite time leaves a start its timeout: every start ends. */
    if (shutdown_us != DURATION_INFINITE) {
        uint64_t room = UINT64_MAX - step->now_us;
        child_arm(step, child, step->now_us + (shutdown_us < room ? shutdown_us : room));
    }
    step_act(step, ACTION_STOP, child);
}

static void
enter_stopping(struct step *step, struct supervisor_child *child, enum child_after after)
{
    child->after = after;
    enum child_state from = child_enter(step, child, CHILD_STOPPING);
    step_notify(step, child, EVENT_STOPPING, from);
}

static void
stop_live(struct step *step, struct supervisor_child *child, enum child_after after)
{
    enter_stopping(step, child, after);
    if (!child->kill_sent)
        ask_to_end(step, child);
}

static void
leave(struct step *step, struct supervisor_child *child)
{
    step_notify(step, child, EVENT_DELETED, child->state);
    child_remove(step, child);
}

static void
stop_waiting(struct step *step, struct supervisor_child *child, enum stop_cause cause)
{
    child_end_wait(step, child);
    child->everything = false;
    child->after = AFTER_STOPPED;
    if (child_leaves_at_rest(child, cause)) {
        leave(step, child);
        return;
    }
    enum child_state from = child_enter_stopped(step, child, cause);
    step_notify(step, child, EVENT_STOPPED, from);
}

bool
child_stop_wait(struct step *step, struct supervisor_child *child)
{
    stop_waiting(step, child, STOPPED_BY_REQUEST);
    return true;
}

bool
child_stop_wait_all(struct step *step, struct supervisor_child *child)
{
    stop_waiting(step, child, STOPPED_WITH_SUPERVISOR);
    return true;
}

bool
child_stop(struct step *step, struct supervisor_child *child)
{
    child->stop_cause = STOPPED_BY_REQUEST;
    stop_live(step, child, AFTER_STOPPED);
    return true;
}

void
child_stop_with_node(struct step *step, struct supervisor_child *child)
{
    child->stop_cause = STOPPED_WITH_SUPERVISOR;
    stop_live(step, child, AFTER_STOPPED);
}

void
child_stop_for_group(struct step *step, struct supervisor_child *child)
{
    bool comes_back = child->policy->restart != RESTART_TEMPORARY;
    child->stop_cause = STOPPED_TEMPORARY; /* Meaningful if it does not. */
    stop_live(step, child, comes_back ? AFTER_GROUP : AFTER_STOPPED);
}

void
child_stop_for_dependency(struct step *step, struct supervisor_child *child)
{
    stop_live(step, child, AFTER_DEPENDENCY);
}

bool
child_stop_all(struct step *step, struct supervisor_child *child)
{
    if (step_waits(step) || ties_hold(step, child)) /* When those after it, or on it, are down. */
        child->group = GROUP_STOP;
    else
        child_stop_with_node(step, child);
    return true;
}

bool
child_restart(struct step *step, struct supervisor_child *child)
{
    if (step->node->state == NODE_STOPPING) /* Its stop is only a matter of its turn. */
        return child_answer_busy(step, child);
    if (child->is_supervisor)
        child->everything = true;
    stop_live(step, child, AFTER_RESTART);
    return true;
}

bool
child_delete_live(struct step *step, struct supervisor_child *child)
{
    stop_live(step, child, AFTER_DELETED);
    return true;
}

bool
child_delete(struct step *step, struct supervisor_child *child)
{
    child_end_wait(step, child);
    leave(step, child);
    return true;
}

bool
child_join_stop(struct step *step, struct supervisor_child *child)
{
    if (child->after == AFTER_DELETED)
        return true;
    child->everything = false;
    child->stop_cause = STOPPED_BY_REQUEST;
    child_set_after(step, child, AFTER_STOPPED);
    return true;
}

bool
child_join_stop_all(struct step *step, struct supervisor_child *child)
{
    if (step_waits(step))
        child->group = GROUP_STOP;
    if (child->after == AFTER_STOPPED || child->after == AFTER_DELETED)
        return true;
    child->everything = false;
    child->stop_cause = STOPPED_WITH_SUPERVISOR;
    child_set_after(step, child, AFTER_STOPPED);
    return true;
}

bool
child_join_delete(struct step *step, struct supervisor_child *child)
{
    child_set_after(step, child, AFTER_DELETED);
    return true;
}

bool
child_stay_stopped(struct step *step, struct supervisor_child *child)
{
    /* A temporary child that ended is not coming back; nothing else is said by stopping it. */
    if (child->stop_cause != STOPPED_TEMPORARY)
        child_set_cause(step, child, STOPPED_BY_REQUEST);
    return true;
}

bool
child_stop_failed(struct step *step, struct supervisor_child *child)
{
    enum child_state from = child_enter_stopped(step, child, STOPPED_BY_REQUEST);
    step_notify(step, child, EVENT_STOPPED, from);
    return true;
}

bool
child_kill(struct step *step, struct supervisor_child *child)
{
    child_send_kill(step, child, EXIT_KILLED);
    return true;
}

bool
child_kill_all(struct step *step, struct supervisor_child *child)
{
    if (child->state == CHILD_STOPPING) {
        child_join_stop_all(step, child);
    } else {
        child->stop_cause = STOPPED_WITH_SUPERVISOR;
        enter_stopping(step, child, AFTER_STOPPED);
    }
    child->group = GROUP_NONE;
    child->group_taken = false;
    child_send_kill(step, child, step->event->exit.reason);
    return true;
}

bool
child_answer_not_running(struct step *step, struct supervisor_child *child)
{
    (void)child;
    step->actions->reply = REPLY_NOT_RUNNING;
    return true;
}

bool
child_timed_out(struct step *step, struct supervisor_child *child)
{
    if (!child_timer_fired(step, child))
        return false;
    child_send_kill(step, child, EXIT_TIMEOUT);
    return true;
}

bool
child_reset(struct step *step, struct supervisor_child *child)
{
    child_clear_budget(child);
    step_notify(step, child, EVENT_RESET, child->state);
    if (child->is_supervisor)
        step_act(step, ACTION_RESET_CHILD, child);
    return true;
}

bool
child_reset_failed(struct step *step, struct supervisor_child *child)
{
    child_reset(step, child);
    return child_stop_failed(step, child);
}
