/* Child decision: which rule, budget or request a child's state goes back to. No answer is stored: the
 * exit, how it was being stopped, the policy and the budget, whose clock stands still in a failed
 * child, still say it.
 */
#include "supervision/restart_budget.h"
#include "supervision/supervisor_node.h"

/* A rule of on-exit that does `action` with its last exit. */
static bool
has_rule(const struct supervisor_child *child, enum exit_action action)
{
    const struct exit_rule *rule = child_policy_rule(child->policy, child->last_exit);
    return rule && rule->action == action;
}

static enum child_decision
why_failed(const struct supervisor_child *child, const struct supervisor_node *node)
{
    if (has_rule(child, EXIT_DO_FAIL) || has_rule(child, EXIT_DO_ESCALATE))
        return DECIDED_BY_RULE;
    if (child->last_exit.reason == EXIT_LOAD_ERROR && !has_rule(child, EXIT_DO_RESTART))
        return DECIDED_BY_LOAD_ERROR;
    if (!restart_budget_has_room(child, child->lived_us))
        return DECIDED_BY_BUDGET;
    /* Used up, it ends the node. */
    bool by_intensity =
        node->policy.max_restarts != RESTARTS_UNLIMITED && node->state != NODE_RUNNING;
    return by_intensity ? DECIDED_BY_INTENSITY : DECIDED_BY_FORMER;
}

static enum child_decision
why_ended(const struct supervisor_child *child)
{
    return has_rule(child, EXIT_DO_STOP) ? DECIDED_BY_RULE : DECIDED_BY_POLICY;
}

static enum child_decision
why_stopped(const struct supervisor_child *child)
{
    switch (child->stop_cause) {
    case STOPPED_BY_REQUEST:
        return DECIDED_BY_STOP;
    case STOPPED_WITH_SUPERVISOR:
        return DECIDED_BY_SUPERVISOR;
    case STOPPED_ENDED:
        return why_ended(child);
    case STOPPED_TEMPORARY: /* A temporary child that is stopped for a group does not come back. */
        return child->after == AFTER_EXIT ? why_ended(child) : DECIDED_BY_GROUP;
    case STOPPED_IGNORED:
        return DECIDED_BY_IGNORE;
    }
    return DECIDED_NOTHING;
}

/* A request or its supervisor gave it an empty budget, or a reset did. */
static enum child_decision
why_again(const struct supervisor_child *child)
{
    if (child->restarts == 0)
        return DECIDED_BY_START;
    return has_rule(child, EXIT_DO_RESTART) ? DECIDED_BY_RULE : DECIDED_BY_POLICY;
}

/* It is being stopped, or was, and starts again. */
static enum child_decision
why_it_was_stopped(const struct supervisor_child *child)
{
    bool is_stopping = child->state == CHILD_STOPPING;
    switch (child->after) {
    case AFTER_EXIT:
        break;
    case AFTER_STOPPED:
        return is_stopping ? why_stopped(child) : DECIDED_BY_START;
    case AFTER_RESTART:
        return DECIDED_BY_RESTART;
    case AFTER_GROUP:
        return DECIDED_BY_GROUP;
    case AFTER_DEPENDENCY:
        return DECIDED_BY_DEPENDENCY;
    case AFTER_DELETED:
        return is_stopping ? DECIDED_BY_DELETE : DECIDED_BY_START;
    }
    return DECIDED_NOTHING;
}

static enum child_decision
why_live(const struct supervisor_child *child)
{
    if (!child->has_exited)
        return DECIDED_NOTHING;
    if (child->after != AFTER_EXIT)
        return why_it_was_stopped(child);
    return child->last_exit.reason == EXIT_HOST_LOST ? DECIDED_BY_HOST : why_again(child);
}

enum child_decision
supervisor_child_decision(const struct supervisor_child *child, const struct supervisor_node *node)
{
    switch (child->state) {
    case CHILD_REGISTERED:
    case CHILD_RESTARTING:
    case CHILD_STARTING:
    case CHILD_RUNNING:
        return why_live(child);
    case CHILD_STOPPING:
        return why_it_was_stopped(child);
    case CHILD_STOPPED:
        return why_stopped(child);
    case CHILD_FAILED:
        return why_failed(child, node);
    }
    return DECIDED_NOTHING;
}
