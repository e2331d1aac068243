/* Child policy: the defaults of semantics.md, "Restart" and "Stopping", and its rules. */
#include "supervision/child_policy.h"
#include "supervision/node_policy.h"

struct child_policy
child_policy_default(bool is_supervisor)
{
    return (struct child_policy){
        .restart = RESTART_PERMANENT,
        .max_restarts = MAX_RESTARTS_DEFAULT,
        .within_us = WITHIN_US_DEFAULT,
        .on_exhausted = ON_EXHAUSTED_FAIL,
        .backoff =
            {
                .strategy = BACKOFF_EXPONENTIAL,
                .initial_us = BACKOFF_INITIAL_US_DEFAULT,
                .factor = BACKOFF_FACTOR_DEFAULT,
                .max_us = BACKOFF_MAX_US_DEFAULT,
                .jitter = BACKOFF_JITTER_DEFAULT,
                .reset_after_us = WITHIN_US_DEFAULT,
            },
        .shutdown_us = is_supervisor ? DURATION_INFINITE : SHUTDOWN_US_DEFAULT,
        .start_timeout_us = is_supervisor ? DURATION_INFINITE : START_TIMEOUT_US_DEFAULT,
    };
}

struct node_policy
node_policy_default(void)
{
    return (struct node_policy){
        .strategy = STRATEGY_ONE_FOR_ONE,
        .max_restarts = RESTARTS_UNLIMITED,
    };
}

static bool
is_in_range(struct code_range range, int32_t code)
{
    return code >= range.first && code <= range.last;
}

struct exit_info
child_policy_exit(const struct child_policy *policy, struct exit_info exit)
{
    if (exit.reason != EXIT_ERROR)
        return exit;
    for (uint32_t i = 0; i < policy->success_size; i++)
        if (is_in_range(policy->success[i], exit.code))
            return (struct exit_info){ .reason = EXIT_NORMAL };
    return exit;
}

const struct exit_rule *
child_policy_rule(const struct child_policy *policy, struct exit_info exit)
{
    for (uint32_t i = 0; i < policy->rules_size; i++) {
        const struct exit_rule *rule = &policy->rules[i];
        if (rule->reason == exit.reason &&
            (!rule->has_codes || is_in_range(rule->codes, exit.code)))
            return rule;
    }
    return NULL;
}
