/* Child state: every change of a child goes through here, so that the node's counters,
 * the lived clock and the timer follow it. Counters, not scans: a node of 100,000 children
 * decides as fast as one of ten.
 */
#include <assert.h>

#include "supervision/child_ties.h"
#include "supervision/node_step.h"
#include "supervision/restart_budget.h"

struct node_action *
step_act(struct step *step, enum node_action_type type, struct supervisor_child *child)
{
    struct node_actions *actions = step->actions;
    assert(actions->size < NODE_ACTIONS_MAX);
    struct node_action *action = &actions->items[actions->size++];
    *action = (struct node_action){ .type = type, .child = child, .at_us = step->now_us };
    if (child)
        action->generation = child->generation;
    return action;
}

static bool
is_stopped_for_group(const struct supervisor_child *child)
{
    if (child->state != CHILD_STOPPING)
        return false;
    return child->after == AFTER_GROUP ||
           (child->after == AFTER_STOPPED && child->stop_cause == STOPPED_TEMPORARY);
}

/* In a group restart: the child whose exit began it. */
static struct supervisor_child *
cause_of(const struct supervisor_node *node, const struct supervisor_child *child,
         enum event_type event)
{
    const struct node_policy *policy = &node->policy;
    struct supervisor_child *cause =
        node->sweep == SWEEP_GROUP ? node->group_failed : node->group_cause;
    bool is_own = cause == child || node->group_failed == child || event == EVENT_RELOADED;
    if (!cause || is_own || node->state != NODE_RUNNING)
        return NULL;
    /* The user's predicate: the last failed child may be another group's. */
    if (policy->strategy == STRATEGY_PREDICATE && !policy->affects(policy->ctx, cause, child))
        return NULL;
    bool in_group = child->group_taken;
    if (event == EVENT_STOPPING || event == EVENT_EXITED) /* By hand, or of its own accord? */
        in_group = in_group && is_stopped_for_group(child);
    return in_group ? cause : NULL;
}

const struct supervisor_child *
supervisor_child_group_cause(const struct supervisor_child *child,
                             const struct supervisor_node *node)
{
    return cause_of(node, child, child->state == CHILD_STOPPING ? EVENT_STOPPING : EVENT_WAITING);
}

struct node_action *
step_notify(struct step *step, struct supervisor_child *child, enum event_type event,
            enum child_state from)
{
    struct node_action *action = step_act(step, ACTION_NOTIFY, child);
    action->event = event;
    action->from = from;
    action->state = child->state;
    action->restarts = child->restarts;
    action->budget_used = supervisor_child_budget_used(child, step->now_us);
    action->ready = child->ready;
    action->attempt = child->attempt;
    action->lived_us = supervisor_child_lived_us(child, step->now_us);
    action->born_lived_us = child->born_lived_us;
    action->cause = cause_of(step->node, child, event);
    action->of_dependency = child->state == CHILD_STOPPING && child->after == AFTER_DEPENDENCY &&
                            (event == EVENT_STOPPING || event == EVENT_EXITED);
    return action;
}

struct node_action *
step_notify_exit(struct step *step, struct supervisor_child *child, enum event_type event,
                 enum child_state from)
{
    struct node_action *action = step_notify(step, child, event, from);
    action->has_exit = true;
    action->exit = child->last_exit;
    return action;
}

static bool
is_by_request(const struct supervisor_child *child)
{
    return child->state == CHILD_STOPPED && child->stop_cause == STOPPED_BY_REQUEST;
}

bool
child_after_starts(enum child_after after)
{
    return after == AFTER_RESTART || after == AFTER_GROUP || after == AFTER_DEPENDENCY;
}

static bool
is_returning(const struct supervisor_child *child)
{
    return child->state == CHILD_STOPPING && child_after_starts(child->after);
}

bool
child_is_significant(const struct supervisor_child *child)
{
    return child->policy->significant && child->state != CHILD_STOPPED;
}

enum child_state
child_enter(struct step *step, struct supervisor_child *child, enum child_state state)
{
    struct supervisor_node *node = step->node;
    enum child_state from = child->state;

    child_set_ready(step, child, false);
    child_set_idle(step, child, false);
    node->by_request -= is_by_request(child);
    node->returning -= is_returning(child);
    node->significant -= child_is_significant(child);
    node->counts[from]--;
    child->state = state;
    child->resumes = false;
    node->counts[state]++;
    node->returning += is_returning(child);
    node->by_request += is_by_request(child);
    node->significant += child_is_significant(child);
    if (from == CHILD_STOPPING)
        group_stop_ended(node, child);
    if (state == CHILD_STOPPED || state == CHILD_FAILED) {
        child->on_trial = false;
        group_leave(step, child);
    }
    if (child_state_is_live(from) && !child_state_is_live(state))
        ties_went_down(step, child);
    return from;
}

enum child_state
child_enter_stopped(struct step *step, struct supervisor_child *child, enum stop_cause cause)
{
    assert(child->state != CHILD_STOPPED);
    child->stop_cause = cause;
    return child_enter(step, child, CHILD_STOPPED);
}

void
child_set_cause(struct step *step, struct supervisor_child *child, enum stop_cause cause)
{
    step->node->by_request -= is_by_request(child);
    child->stop_cause = cause;
    step->node->by_request += is_by_request(child);
}

void
child_set_after(struct step *step, struct supervisor_child *child, enum child_after after)
{
    step->node->returning -= is_returning(child);
    child->after = after;
    step->node->returning += is_returning(child);
}

void
child_set_ready(struct step *step, struct supervisor_child *child, bool ready)
{
    if (child->ready == ready)
        return;
    child->ready = ready;
    if (ready) {
        child->on_trial = false;
        child->lived_us -= step->now_us;
        step->node->running_ready++;
        if (child->group == GROUP_START)
            group_leave(step, child);
    } else {
        child->lived_us += step->now_us;
        step->node->running_ready--;
    }
}

void
child_set_idle(struct step *step, struct supervisor_child *child, bool idle)
{
    if (child->idle == idle)
        return;
    child->idle = idle;
    if (idle)
        step->node->idle_supervisors++;
    else
        step->node->idle_supervisors--;
}

void
child_clear_budget(struct supervisor_child *child)
{
    restart_budget_clear(child);
    child->attempt = 0;
    child->restarts = 0;
}

void
child_arm(struct step *step, struct supervisor_child *child, uint64_t due_us)
{
    child->timer_armed = true;
    child->start_timer = false;
    child->due_us = due_us;
    step_act(step, ACTION_ARM, child)->due_us = due_us;
}

static void
end_group_delay(struct step *step, struct supervisor_child *child)
{
    step->node->group_delays -= child->group_delay;
    child->group_delay = false;
}

void
child_disarm(struct step *step, struct supervisor_child *child)
{
    if (!child->timer_armed)
        return;
    child->timer_armed = false;
    end_group_delay(step, child);
    step_act(step, ACTION_DISARM, child);
}

bool
child_timer_fired(struct step *step, struct supervisor_child *child)
{
    if (!child->timer_armed)
        return false;
    if (step->now_us < child->due_us) {
        /* A shell whose clock was read before the timer fired; dropped, it would be lost. */
        bool is_start = child->start_timer;
        child_arm(step, child, child->due_us);
        child->start_timer = is_start;
        return false;
    }
    child->timer_armed = false;
    end_group_delay(step, child);
    return true;
}

void
child_remove(struct step *step, struct supervisor_child *child)
{
    struct supervisor_node *node = step->node;
    child_set_ready(step, child, false);
    child_set_idle(step, child, false);
    node->by_request -= is_by_request(child);
    node->returning -= is_returning(child);
    node->significant -= child_is_significant(child);
    node->counts[child->state]--;
    group_forget(step, child);
    if (child_state_is_live(child->state))
        ties_went_down(step, child);
    if (node->cause == child)
        node->cause = NULL;
    if (child->ties)
        list_remove(&child->ties->released);
    child->depended_on = false;
    struct list *behind = child->siblings.next;
    list_remove(&child->siblings);
    step_act(step, ACTION_REMOVED, child)->behind = behind;
}

bool
child_leaves_at_rest(const struct supervisor_child *child, enum stop_cause cause)
{
    bool stays = cause != STOPPED_TEMPORARY && cause != STOPPED_WITH_SUPERVISOR;
    return child->is_dynamic && child->policy->restart == RESTART_TEMPORARY && !stays;
}

void
child_send_kill(struct step *step, struct supervisor_child *child, enum exit_reason reason)
{
    if (child->kill_sent)
        return;
    child_disarm(step, child);
    child->kill_sent = true;
    child->kill_reason = reason;
    step_act(step, ACTION_KILL, child)->exit.reason = reason;
}

void
child_end_wait(struct step *step, struct supervisor_child *child)
{
    child_disarm(step, child);
    if (child->wait == WAIT_POOL)
        step_act(step, ACTION_WITHDRAW, child);
    child->wait = WAIT_NOTHING;
}

uint64_t
supervisor_child_lived_us(const struct supervisor_child *child, uint64_t now_us)
{
    return child->lived_us + (child->ready ? now_us : 0);
}

uint32_t
supervisor_child_budget_used(const struct supervisor_child *child, uint64_t now_us)
{
    return restart_budget_used(child, supervisor_child_lived_us(child, now_us));
}

uint64_t
supervisor_child_budget_frees_us(const struct supervisor_child *child, uint64_t now_us)
{
    return restart_budget_frees_us(child, supervisor_child_lived_us(child, now_us));
}

uint32_t
supervisor_node_size(const struct supervisor_node *node)
{
    uint32_t size = 0;
    for (size_t i = 0; i < CHILD_STATES; i++)
        size += node->counts[i];
    return size;
}

uint32_t
supervisor_child_grants_max(const struct child_policy *policy)
{
    return policy->max_restarts == RESTARTS_UNLIMITED ? 0 : policy->max_restarts;
}

size_t
supervisor_child_size(const struct child_policy *policy)
{
    size_t slots = supervisor_child_grants_max(policy);
    return sizeof(struct supervisor_child) + (slots > 0 ? slots : 1) * sizeof(uint64_t);
}

void
supervisor_child_init(struct supervisor_child *child, const struct child_policy *policy)
{
    child->policy = policy;
}
