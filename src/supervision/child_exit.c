/* Child exit: an instance is gone. What it is called, and whether there is a next one.
 *
 * A failed start is an exit too. The shell reports the bare truth; that a child was
 * stopping, or why it was killed, the node alone knows.
 */
#include <assert.h>

#include "supervision/node_step.h"
#include "supervision/restart_backoff.h"
#include "supervision/restart_budget.h"

static struct exit_info
exit_as_meant(const struct supervisor_child *child, struct exit_info exit)
{
    if (exit.reason == EXIT_KILLED && child->kill_sent)
        exit.reason = child->kill_reason;
    if (exit.reason == EXIT_NORMAL && child->state == CHILD_STOPPING)
        exit.reason = EXIT_SHUTDOWN;
    return exit;
}

/* Ends everything that belonged to the instance, and says that it exited. */
static void
record_exit(struct step *step, struct supervisor_child *child)
{
    child_set_ready(step, child, false);
    child->last_exit = exit_as_meant(child, step->event->exit);
    child->has_exited = true;
    child->kill_sent = false;
    if (child->lived_us - child->born_lived_us >= child->policy->backoff.reset_after_us)
        child->attempt = 0;

    step_notify_exit(step, child, EVENT_EXITED, child->state);
    child_end_wait(step, child);
    if (child->holds_slot)
        step_act(step, ACTION_SETTLED, child);
    child->holds_slot = false;
}

static bool
asks_for_restart(const struct supervisor_child *child)
{
    switch (child->policy->restart) {
    case RESTART_PERMANENT:
        return true;
    case RESTART_TRANSIENT:
        return !exit_is_normal(child->last_exit);
    case RESTART_TEMPORARY:
        return false;
    }
    return false;
}

static void
come_to_rest(struct step *step, struct supervisor_child *child, enum stop_cause cause)
{
    enum child_state from = child_enter_stopped(step, child, cause);
    step_notify_exit(step, child, EVENT_STOPPED, from);
}

static void
fall_failed(struct step *step, struct supervisor_child *child)
{
    enum child_state from = child_enter(step, child, CHILD_FAILED);
    step_notify_exit(step, child, EVENT_FAILED, from);
}

static void
give_up(struct step *step, struct supervisor_child *child)
{
    fall_failed(step, child);
    if (child->policy->on_exhausted == ON_EXHAUSTED_FAIL)
        return;
    step_notify_exit(step, child, EVENT_ESCALATED, CHILD_FAILED);
    step->node->cause = child;
    step->node->end = (struct exit_info){ .reason = EXIT_ESCALATED };
    node_begin_stop(step, SWEEP_STOP, EXIT_KILLED);
}

static void
wait_for_restart(struct step *step, struct supervisor_child *child, uint64_t delay_us)
{
    enum child_state from = child_enter(step, child, CHILD_RESTARTING);
    struct node_action *event = step_notify_exit(step, child, EVENT_RESTART_SCHEDULED, from);
    event->has_delay = true;
    event->delay_us = delay_us;

    uint64_t room = UINT64_MAX - step->now_us;
    uint64_t due_us = step->now_us + (delay_us < room ? delay_us : room);
    if (delay_us == 0)
        child_ask_start(step, child, due_us);
    else
        child_arm(step, child, due_us);
}

static void
grant_restart(struct step *step, struct supervisor_child *child)
{
    restart_budget_take(child, child->lived_us);
    child->restarts++;
    if (child->attempt < UINT32_MAX)
        child->attempt++;
    wait_for_restart(
        step, child,
        restart_backoff_delay_us(&child->policy->backoff, child->attempt, &child->random));
}

bool
child_exited(struct step *step, struct supervisor_child *child)
{
    record_exit(step, child);
    if (child->last_exit.reason == EXIT_LOAD_ERROR)
        fall_failed(step, child);
    else if (!asks_for_restart(child))
        come_to_rest(step, child,
                     child->policy->restart == RESTART_TEMPORARY ? STOPPED_TEMPORARY
                                                                 : STOPPED_ENDED);
    else if (restart_budget_has_room(child, child->lived_us))
        grant_restart(step, child);
    else
        give_up(step, child);
    return true;
}

/* Code that cannot be loaded is found out before there is an instance, too. */
bool
child_load_failed(struct step *step, struct supervisor_child *child)
{
    if (step->event->exit.reason != EXIT_LOAD_ERROR)
        return false;
    record_exit(step, child);
    fall_failed(step, child);
    return true;
}

/* An end while being stopped never counts. */
bool
child_ended(struct step *step, struct supervisor_child *child)
{
    record_exit(step, child);
    switch (child->after) {
    case AFTER_STOPPED:
        come_to_rest(step, child, child->stop_cause);
        break;
    case AFTER_RESTART:
        wait_for_restart(step, child, 0);
        break;
    case AFTER_DELETED:
        step_notify_exit(step, child, EVENT_DELETED, child->state);
        child_remove(step, child);
        break;
    }
    return true;
}
