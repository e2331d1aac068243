/* Child start: from registered or restarting to running, and what a running child reports.
 *
 * Due → dependencies met → ADMIT → ADMITTED → starting. A supervisor needs no start slot (its own start is
 * nothing but the registration of its children, and they ask for slots themselves), but it
 * asks like any child, and is granted at once: so starts keep the one order of the siblings.
 */
#include <assert.h>

#include "supervision/node_step.h"

static uint64_t
deadline(uint64_t now_us, uint64_t duration_us)
{
    return duration_us > UINT64_MAX - now_us ? UINT64_MAX : now_us + duration_us;
}

static void
begin(struct step *step, struct supervisor_child *child)
{
    child->wait = WAIT_NOTHING;
    child->generation++;
    child->holds_slot = !child->is_supervisor;
    child->born_lived_us = child->lived_us;
    enum child_state from = child_enter(step, child, CHILD_STARTING);
    step_notify(step, child, EVENT_STARTING, from);

    /* Arm before the start: a child that ends at once must find its timer armed. */
    if (child->policy->start_timeout_us != DURATION_INFINITE) {
        child_arm(step, child, deadline(step->now_us, child->policy->start_timeout_us));
        child->start_timer = true;
    }
    step_act(step, ACTION_START, child)->everything = child->everything;
    child->everything = false;
}

void
child_ask_start(struct step *step, struct supervisor_child *child, uint64_t due_us)
{
    if (child->unmet) {
        child_await_dependency(step, child, due_us);
        return;
    }
    child->due_us = due_us;
    child->wait = WAIT_POOL;
    step_act(step, ACTION_ADMIT, child)->due_us = due_us;
}

/* A start that belongs to that of the supervisor waits for those before it, if they wait. */
static void
ask_in_order(struct step *step, struct supervisor_child *child, bool in_order)
{
    if (in_order && step_waits(step))
        group_await_turn(step, child);
    else
        child_ask_start(step, child, step->now_us);
}

/* A supervisor that was started by hand starts all below it, by request stopped or not. */
static void
take_everything_along(struct step *step, struct supervisor_child *child)
{
    bool by_hand = step->event->type == NODE_START_ALL ? step->event->everything : true;
    if (child->is_supervisor && by_hand)
        child->everything = true;
}

bool
child_added(struct step *step, struct supervisor_child *child)
{
    if (child->is_dynamic && child->restored == CHILD_REGISTERED && child->generation == 0)
        step_notify(step, child, EVENT_ADDED, CHILD_REGISTERED);
    step_notify(step, child, EVENT_REGISTERED, CHILD_REGISTERED);
    if (child_go_on(step, child))
        return true;
    if (step->node->state == NODE_RUNNING)
        ask_in_order(step, child, group_is_busy(step->node));
    return true;
}

bool
child_start_first(struct step *step, struct supervisor_child *child)
{
    if (child->wait != WAIT_NOTHING)
        return false;
    take_everything_along(step, child);
    ask_in_order(step, child, true);
    return true;
}

bool
child_admitted(struct step *step, struct supervisor_child *child)
{
    if (child->wait != WAIT_POOL)
        return false;
    begin(step, child);
    return true;
}

bool
child_delay_over(struct step *step, struct supervisor_child *child)
{
    if (!child_timer_fired(step, child))
        return false;
    if (child->group == GROUP_START)
        group_await_turn(step, child);
    else
        child_ask_start(step, child, child->due_us);
    return true;
}

/* By hand, at once: out of the order of its siblings, if it is in one. */
static void
cut_wait_short(struct step *step, struct supervisor_child *child)
{
    group_leave(step, child);
    step_notify(step, child, EVENT_WAITING, child->state)->has_delay = true;
    child_ask_start(step, child, step->now_us);
}

/* With its supervisor: in its turn, if it is in the order of its siblings. */
static void
cut_delay_short(struct step *step, struct supervisor_child *child)
{
    group_wait_turn(step, child, step->now_us);
    struct node_action *event = step_notify(step, child, EVENT_WAITING, child->state);
    event->has_delay = true;
    event->wait = WAIT_TURN;
}

bool
child_start_now(struct step *step, struct supervisor_child *child)
{
    bool with_siblings = step->event->type == NODE_START_ALL && child->group == GROUP_START;
    take_everything_along(step, child);
    if (child->resumes) {
        bool by_hand = step->event->type != NODE_START_ALL || step->event->everything;
        if (by_hand)
            child->due_us = 0;
        if (step->node->state == NODE_RUNNING)
            child_resume(step, child);
        return true;
    }
    if (!child->timer_armed && child->wait != WAIT_TURN) /* Due already: it waits for a slot. */
        return true;
    child_disarm(step, child);
    if (!with_siblings)
        cut_wait_short(step, child);
    else if (child->wait != WAIT_TURN)
        cut_delay_short(step, child);
    return true;
}

bool
child_already_due(struct step *step, struct supervisor_child *child)
{
    take_everything_along(step, child);
    if (child->wait == WAIT_TURN)
        cut_wait_short(step, child);
    return true;
}

static void
settle(struct step *step, struct supervisor_child *child)
{
    if (child->holds_slot)
        step_act(step, ACTION_SETTLED, child);
    child->holds_slot = false;
}

bool
child_started(struct step *step, struct supervisor_child *child)
{
    if (child->kill_sent) /* Decided: its exit is on the way. */
        return false;
    child_disarm(step, child);
    settle(step, child);
    enum child_state from = child_enter(step, child, CHILD_RUNNING);
    step_notify(step, child, EVENT_STARTED, from);
    if (!child->is_supervisor && !child->policy->reports_ready)
        child_became_ready(step, child);
    return true;
}

bool
child_started_late(struct step *step, struct supervisor_child *child)
{
    settle(step, child);
    if (child->start_timer)
        child_disarm(step, child);
    return true;
}

bool
child_became_ready(struct step *step, struct supervisor_child *child)
{
    if (child->ready)
        return false;
    child_set_ready(step, child, true);
    step_notify(step, child, EVENT_READY, CHILD_RUNNING);
    return true;
}

bool
child_became_unready(struct step *step, struct supervisor_child *child)
{
    if (!child->ready)
        return false;
    child_set_ready(step, child, false);
    step_notify(step, child, EVENT_NOT_READY, CHILD_RUNNING);
    return true;
}

bool
child_health_failed(struct step *step, struct supervisor_child *child)
{
    step_notify(step, child, EVENT_HEALTH_FAILED, CHILD_RUNNING);
    return true;
}

bool
child_degraded(struct step *step, struct supervisor_child *child)
{
    step_notify(step, child, EVENT_DEGRADED, CHILD_RUNNING);
    return true;
}

bool
child_became_idle(struct step *step, struct supervisor_child *child)
{
    if (!child->is_supervisor || child->idle)
        return false;
    child_set_idle(step, child, true);
    return true;
}

bool
child_became_busy(struct step *step, struct supervisor_child *child)
{
    if (!child->idle)
        return false;
    child_set_idle(step, child, false);
    return true;
}

bool
child_start_subtree(struct step *step, struct supervisor_child *child)
{
    if (!child->is_supervisor)
        return false;
    step_act(step, ACTION_START_SUBTREE, child)->everything = true;
    return true;
}

bool
child_answer_running(struct step *step, struct supervisor_child *child)
{
    if (child->state == CHILD_RUNNING && child_start_subtree(step, child))
        return true;
    step->actions->reply = REPLY_ALREADY_RUNNING;
    return true;
}

bool
child_answer_busy(struct step *step, struct supervisor_child *child)
{
    (void)child;
    step->actions->reply = REPLY_BUSY;
    return true;
}

bool
child_revive(struct step *step, struct supervisor_child *child)
{
    child_clear_budget(child);
    take_everything_along(step, child);
    enum child_state from = child_enter(step, child, CHILD_REGISTERED);
    step_notify(step, child, EVENT_REGISTERED, from);
    /* In a supervisor that is down it waits until that one starts. */
    if (step->node->state == NODE_RUNNING)
        ask_in_order(step, child, step->event->type == NODE_START_ALL);
    return true;
}

/* What the start of the supervisor takes along; `everything` takes all. */
static bool
comes_with_supervisor(const struct supervisor_child *child)
{
    if (child->state != CHILD_STOPPED)
        return true;
    switch (child->stop_cause) {
    case STOPPED_WITH_SUPERVISOR:
    case STOPPED_ENDED:
    case STOPPED_IGNORED:
        return true;
    case STOPPED_BY_REQUEST:
    case STOPPED_TEMPORARY:
        return false;
    }
    return false;
}

bool
child_revive_all(struct step *step, struct supervisor_child *child)
{
    if (!step->event->everything && !comes_with_supervisor(child))
        return false;
    /* Restored: it rested already when this supervisor ran. */
    bool rested = child->state == CHILD_FAILED || child->stop_cause != STOPPED_WITH_SUPERVISOR;
    if (child->resumes && !step->event->everything && rested) {
        child->resumes = false;
        return true;
    }
    return child_revive(step, child);
}
