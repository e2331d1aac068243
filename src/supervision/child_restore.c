#include "supervision/child_restore.h"

#include <assert.h>

#include "supervision/node_step.h"
#include "supervision/restart_budget.h"

/* The lived clock is never behind a grant. */
static void
restore_grants(struct supervisor_child *child, const struct child_memory *memory)
{
    restart_budget_restore(child, memory->grants_us, memory->grants_size);
    uint32_t kept = supervisor_child_grants_max(child->policy);
    for (size_t i = memory->grants_size; i > 0 && kept > 0; i--, kept--)
        if (child->lived_us < memory->grants_us[i - 1])
            child->lived_us = memory->grants_us[i - 1];
}

void
child_restore(struct supervisor_child *child, const struct child_memory *memory)
{
    assert(child->policy && child->generation == 0);

    child->generation = memory->generation;
    child->restored = memory->state;
    if (memory->state == CHILD_REGISTERED)
        return;
    child->restarts = memory->restarts;
    child->attempt = memory->attempt;
    child->lived_us = memory->lived_us;
    child->born_lived_us = memory->born_lived_us;
    child->stop_cause = memory->stop_cause;
    child->after = memory->comes_back ? AFTER_RESTART : AFTER_STOPPED;
    child->due_us = memory->delay_us;
    child->has_exited = memory->has_exit;
    child->last_exit = memory->exit;
    child->resumes = !memory->is_fresh;
    restore_grants(child, memory);
}

/* RESTARTING with `delay_us` to go, once the supervisor starts. */
static void
wait_again(struct step *step, struct supervisor_child *child, uint64_t delay_us)
{
    enum child_state from = child_enter(step, child, CHILD_RESTARTING);
    struct node_action *event = step_notify(step, child, EVENT_RESTART_SCHEDULED, from);
    event->has_exit = child->has_exited;
    event->exit = child->last_exit;
    event->has_delay = true;
    event->delay_us = delay_us;
    child->due_us = delay_us;
    child->resumes = true;
    if (step->node->state == NODE_RUNNING)
        child_resume(step, child);
}

static void
rest_again(struct step *step, struct supervisor_child *child, enum stop_cause cause)
{
    bool resumes = child->resumes;
    enum child_state from = child_enter_stopped(step, child, cause);
    struct node_action *event = step_notify(step, child, EVENT_STOPPED, from);
    event->has_exit = child->has_exited;
    event->exit = child->last_exit;
    child->resumes = resumes;
}

static void
fail_again(struct step *step, struct supervisor_child *child)
{
    bool resumes = child->resumes;
    enum child_state from = child_enter(step, child, CHILD_FAILED);
    step_notify_exit(step, child, EVENT_FAILED, from)->has_exit = child->has_exited;
    child->resumes = resumes;
}

/* Its instance went down with the host. */
static void
lose_instance(struct step *step, struct supervisor_child *child, bool stays_down)
{
    child->last_exit = (struct exit_info){ .reason = EXIT_HOST_LOST };
    child->has_exited = true;
    if (child->lived_us - child->born_lived_us >= child->policy->backoff.reset_after_us)
        child->attempt = 0;
    step_notify_exit(step, child, EVENT_EXITED, child->state);
    if (stays_down)
        rest_again(step, child, STOPPED_BY_REQUEST);
    else
        wait_again(step, child, 0);
}

bool
child_go_on(struct step *step, struct supervisor_child *child)
{
    enum child_state restored = child->restored;
    bool was_stopped = child->after == AFTER_STOPPED && child->stop_cause == STOPPED_BY_REQUEST;
    child->restored = CHILD_REGISTERED;
    child->after = AFTER_EXIT;
    switch (restored) {
    case CHILD_REGISTERED:
        return false;
    case CHILD_RESTARTING:
        wait_again(step, child, child->due_us);
        return true;
    case CHILD_STARTING:
    case CHILD_RUNNING:
        lose_instance(step, child, false);
        return true;
    case CHILD_STOPPING:
        lose_instance(step, child, was_stopped);
        return true;
    case CHILD_STOPPED:
        rest_again(step, child, child->stop_cause);
        return true;
    case CHILD_FAILED:
        fail_again(step, child);
        return true;
    }
    return false;
}

/* In the order of its siblings, which waits for what is left of its delay. */
static void
resume_in_order(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    child->group = GROUP_START;
    if (!node->turn) /* The sweep goes from the first child to the last. */
        group_set_turn(node, child);
    child->group_delay = true;
    node->group_delays++;
}

void
child_resume(struct step *step, struct supervisor_child *child)
{
    bool in_order = step_waits(step) && step->event->type == NODE_START_ALL;
    uint64_t delay_us = child->due_us;
    child->resumes = false;
    if (in_order && delay_us > 0)
        resume_in_order(step, child);
    if (in_order && delay_us == 0)
        group_await_turn(step, child);
    else if (delay_us == 0)
        child_ask_start(step, child, step->now_us);
    else if (delay_us < UINT64_MAX - step->now_us)
        child_arm(step, child, step->now_us + delay_us);
    else
        child_arm(step, child, UINT64_MAX);
}
