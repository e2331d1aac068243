/* Child exit: an instance is gone. What it is called, and whether there is a next one.
 *
 * A failed start is an exit too. The shell reports the bare truth; that a child was
 * stopping, or why it was killed, the node alone knows.
 */
#include <assert.h>

#include "supervision/node_step.h"
#include "supervision/restart_backoff.h"
#include "supervision/restart_budget.h"
#include "supervision/restart_intensity.h"

static struct exit_info
exit_as_meant(const struct supervisor_child *child, struct exit_info exit)
{
    if (exit.reason == EXIT_KILLED && child->kill_sent)
        exit.reason = child->kill_reason;
    exit = child_policy_exit(child->policy, exit);
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
    child_tell_exited(step, child);
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

/* What follows an exit of the child's own: a rule decides, or else its restart policy. */
static enum exit_action
action_of(const struct supervisor_child *child)
{
    const struct exit_rule *rule = child_policy_rule(child->policy, child->last_exit);
    if (rule)
        return rule->action;
    if (child->last_exit.reason == EXIT_LOAD_ERROR)
        return EXIT_DO_FAIL;
    return asks_for_restart(child) ? EXIT_DO_RESTART : EXIT_DO_STOP;
}

static void
leave(struct step *step, struct supervisor_child *child)
{
    step_notify_exit(step, child, EVENT_DELETED, child->state);
    child_remove(step, child);
}

static void
come_to_rest(struct step *step, struct supervisor_child *child, enum stop_cause cause)
{
    if (child_leaves_at_rest(child, cause)) {
        leave(step, child);
        return;
    }
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
escalate(struct step *step, struct supervisor_child *child)
{
    fall_failed(step, child);
    step_notify_exit(step, child, EVENT_ESCALATED, CHILD_FAILED);
    step->node->cause = child;
    step->node->end = (struct exit_info){ .reason = EXIT_ESCALATED };
    node_begin_stop(step, SWEEP_STOP, EXIT_KILLED);
}

/* Ended by itself: a significant child may end its supervisor. */
static void
end_by_itself(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    come_to_rest(step, child,
                 child->policy->restart == RESTART_TEMPORARY ? STOPPED_TEMPORARY : STOPPED_ENDED);
    if (!child->policy->significant || node->policy.auto_shutdown == AUTO_SHUTDOWN_NEVER)
        return;
    if (node->policy.auto_shutdown == AUTO_SHUTDOWN_ALL && node->significant > 0)
        return;
    node->end = (struct exit_info){ .reason = EXIT_NORMAL };
    node_begin_stop(step, SWEEP_STOP, EXIT_KILLED);
}

/* In a group it starts in its turn, after its delay. */
static void
wait_for_restart(struct step *step, struct supervisor_child *child, uint64_t delay_us)
{
    bool in_group = child->group != GROUP_NONE;
    if (in_group)
        child->group = GROUP_START;
    enum child_state from = child_enter(step, child, CHILD_RESTARTING);
    struct node_action *event = step_notify_exit(step, child, EVENT_RESTART_SCHEDULED, from);
    event->has_delay = true;
    event->delay_us = delay_us;
    event->wait = in_group ? WAIT_TURN : WAIT_NOTHING;
    event->of_dependency = child->after == AFTER_DEPENDENCY;

    uint64_t room = UINT64_MAX - step->now_us;
    uint64_t due_us = step->now_us + (delay_us < room ? delay_us : room);
    if (delay_us > 0) {
        child_arm(step, child, due_us);
        child->group_delay = in_group;
        step->node->group_delays += in_group;
    } else if (in_group) {
        group_wait_turn(step, child, due_us);
    } else {
        child_ask_start(step, child, due_us);
    }
}

/* Each restart of each child has a jitter of its own. */
static uint64_t
delay_before(const struct supervisor_child *child, uint32_t attempt)
{
    uint64_t random = (uint64_t)child->random << 32 | child->generation;
    return restart_backoff_delay_us(&child->policy->backoff, attempt, &random);
}

static void
grant_restart(struct step *step, struct supervisor_child *child)
{
    restart_budget_take(child, child->lived_us);
    restart_intensity_take(step->node, step->now_us);
    if (step_waits(step))
        group_begin(step, child);
    child->restarts++;
    if (child->attempt < UINT32_MAX)
        child->attempt++;
    wait_for_restart(step, child, delay_before(child, child->attempt));
}

static void
decide(struct step *step, struct supervisor_child *child)
{
    switch (action_of(child)) {
    case EXIT_DO_RESTART:
        if (!restart_budget_has_room(child, child->lived_us) &&
            child->policy->on_exhausted == ON_EXHAUSTED_FAIL)
            fall_failed(step, child);
        else if (!restart_budget_has_room(child, child->lived_us) ||
                 !restart_intensity_has_room(step->node, step->now_us))
            escalate(step, child);
        else
            grant_restart(step, child);
        return;
    case EXIT_DO_STOP:
        end_by_itself(step, child);
        return;
    case EXIT_DO_FAIL:
        fall_failed(step, child);
        return;
    case EXIT_DO_ESCALATE:
        escalate(step, child);
        return;
    }
}

/* What was changed did not get ready: it starts again after its delay, uncounted, unless whoever
 * changed it does something else. */
static void
end_trial(struct step *step, struct supervisor_child *child)
{
    uint32_t attempt = child->attempt > 0 ? child->attempt : 1;
    child->on_trial = false;
    child->after = AFTER_RESTART;
    wait_for_restart(step, child, delay_before(child, attempt));
}

/* It was to stop when those after it are down, and went before: uncounted. */
static void
end_before_stop(struct step *step, struct supervisor_child *child)
{
    bool is_temporary = child->policy->restart == RESTART_TEMPORARY;
    if (step->node->state == NODE_RUNNING && !is_temporary) {
        child->after = AFTER_GROUP;
        wait_for_restart(step, child, 0);
    } else {
        come_to_rest(step, child, is_temporary ? STOPPED_TEMPORARY : STOPPED_WITH_SUPERVISOR);
    }
}

bool
child_exited(struct step *step, struct supervisor_child *child)
{
    bool ignored = step->event->ignored && child->state == CHILD_STARTING;
    record_exit(step, child);
    child->after = AFTER_EXIT;
    if (ignored)
        come_to_rest(step, child, STOPPED_IGNORED);
    else if (child->group == GROUP_STOP)
        end_before_stop(step, child);
    else if (child->on_trial)
        end_trial(step, child);
    else
        decide(step, child);
    return true;
}

/* Code that cannot be loaded is found out before there is an instance, too. */
bool
child_load_failed(struct step *step, struct supervisor_child *child)
{
    if (step->event->exit.reason != EXIT_LOAD_ERROR)
        return false;
    record_exit(step, child);
    child->after = AFTER_EXIT;
    if (step->node->state == NODE_RUNNING)
        decide(step, child);
    else
        fall_failed(step, child);
    return true;
}

/* An end while being stopped never counts. */
bool
child_ended(struct step *step, struct supervisor_child *child)
{
    record_exit(step, child);
    switch (child->after) {
    case AFTER_EXIT: /* Not in STOPPING. */
    case AFTER_STOPPED:
        come_to_rest(step, child, child->stop_cause);
        break;
    case AFTER_RESTART:
    case AFTER_GROUP:
    case AFTER_DEPENDENCY:
        wait_for_restart(step, child, 0);
        break;
    case AFTER_DELETED:
        leave(step, child);
        break;
    }
    return true;
}
