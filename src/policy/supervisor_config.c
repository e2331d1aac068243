#include "policy/supervisor_config.h"

#include <assert.h>

#include "base/error.h"

struct supervisor_config
supervisor_config_default(void)
{
    return (struct supervisor_config){
        .policy = child_policy_default(false),
        .health = health_restart_config_off(),
        .node = node_policy_default(),
    };
}

struct supervisor_config
supervisor_config_default_supervisor(void)
{
    return (struct supervisor_config){
        .is_supervisor = true,
        .policy = child_policy_default(true),
        .health = health_restart_config_off(),
        .node = node_policy_default(),
    };
}

struct supervisor_config
supervisor_config_permanent(void)
{
    return supervisor_config_with_restart(supervisor_config_default(), RESTART_PERMANENT);
}

struct supervisor_config
supervisor_config_transient(void)
{
    return supervisor_config_with_restart(supervisor_config_default(), RESTART_TRANSIENT);
}

struct supervisor_config
supervisor_config_temporary(void)
{
    return supervisor_config_with_restart(supervisor_config_default(), RESTART_TEMPORARY);
}

struct supervisor_config
supervisor_config_with_restart(struct supervisor_config config, enum restart_policy restart)
{
    config.policy.restart = restart;
    return config;
}

struct supervisor_config
supervisor_config_with_max_restarts(struct supervisor_config config, uint32_t max_restarts)
{
    config.policy.max_restarts = max_restarts;
    return config;
}

struct supervisor_config
supervisor_config_with_restart_window(struct supervisor_config config, uint64_t within_us)
{
    config.policy.within_us = within_us;
    return config;
}

struct supervisor_config
supervisor_config_with_on_exhausted(struct supervisor_config config, enum on_exhausted on_exhausted)
{
    config.policy.on_exhausted = on_exhausted;
    return config;
}

struct supervisor_config
supervisor_config_with_backoff(struct supervisor_config config, struct backoff backoff)
{
    config.policy.backoff = backoff;
    return config;
}

struct supervisor_config
supervisor_config_with_shutdown(struct supervisor_config config, uint64_t shutdown_us)
{
    config.policy.shutdown_us = shutdown_us;
    return config;
}

struct supervisor_config
supervisor_config_with_start_timeout(struct supervisor_config config, uint64_t start_timeout_us)
{
    config.policy.start_timeout_us = start_timeout_us;
    return config;
}

struct supervisor_config
supervisor_config_with_health(struct supervisor_config config, struct health_restart_config health)
{
    config.health = health;
    config.policy.reports_ready = health_restart_gates_ready(&health);
    return config;
}

struct supervisor_config
supervisor_config_with_dependencies(struct supervisor_config config, const char *const *paths,
                                    size_t size)
{
    config.depends_on = paths;
    config.depends_on_size = size;
    return config;
}

struct supervisor_config
supervisor_config_with_when_dependency_restarts(struct supervisor_config config,
                                                enum when_dependency_restarts what)
{
    config.policy.when_dependency_restarts = what;
    return config;
}

struct supervisor_config
supervisor_config_with_strategy(struct supervisor_config config, enum strategy strategy)
{
    config.node.strategy = strategy;
    return config;
}

struct supervisor_config
supervisor_config_with_intensity(struct supervisor_config config, uint32_t max_restarts,
                                 uint64_t within_us)
{
    config.node.max_restarts = max_restarts;
    config.node.within_us = within_us;
    return config;
}

struct supervisor_config
supervisor_config_with_auto_shutdown(struct supervisor_config config,
                                     enum auto_shutdown auto_shutdown)
{
    config.node.auto_shutdown = auto_shutdown;
    return config;
}

struct backoff
backoff_immediate(void)
{
    struct backoff backoff = child_policy_default(false).backoff;
    backoff.strategy = BACKOFF_IMMEDIATE;
    return backoff;
}

struct backoff
backoff_linear(uint64_t initial_us, uint64_t max_us)
{
    struct backoff backoff = child_policy_default(false).backoff;
    backoff.strategy = BACKOFF_LINEAR;
    backoff.initial_us = initial_us;
    backoff.max_us = max_us;
    return backoff;
}

struct backoff
backoff_exponential(uint64_t initial_us, double factor, uint64_t max_us)
{
    struct backoff backoff = child_policy_default(false).backoff;
    backoff.strategy = BACKOFF_EXPONENTIAL;
    backoff.initial_us = initial_us;
    backoff.factor = factor;
    backoff.max_us = max_us;
    return backoff;
}

struct backoff
backoff_list(const uint64_t *list_us, size_t size)
{
    struct backoff backoff = child_policy_default(false).backoff;
    backoff.strategy = BACKOFF_LIST;
    backoff.list_us = list_us;
    backoff.list_size = size;
    return backoff;
}

bool
backoff_can_stay_zero(const struct backoff *backoff)
{
    switch (backoff->strategy) {
    case BACKOFF_IMMEDIATE:
        return true;
    case BACKOFF_LINEAR:
    case BACKOFF_EXPONENTIAL:
        return backoff->initial_us == 0 || backoff->max_us == 0;
    case BACKOFF_LIST:
        return backoff->list_size == 0 || backoff->list_us[backoff->list_size - 1] == 0;
    }
    assert(false && "no such backoff strategy");
    return true;
}

static bool
is_duration(uint64_t us, uint64_t min_us)
{
    return us >= min_us && us <= POLICY_DURATION_MAX_US;
}

static bool
is_duration_or_infinite(uint64_t us, uint64_t min_us)
{
    return us == DURATION_INFINITE || is_duration(us, min_us);
}

static enum airs_status
validate_delays(const struct backoff *backoff, struct airs_error *error)
{
    if (backoff->strategy == BACKOFF_LIST) {
        if (backoff->list_size == 0 || backoff->list_size > BACKOFF_LIST_MAX)
            return fail(error, AIRS_EINVAL, "backoff: a list has 1 to %u delays, not %zu",
                        BACKOFF_LIST_MAX, backoff->list_size);
        for (size_t i = 0; i < backoff->list_size; i++)
            if (!is_duration(backoff->list_us[i], 0))
                return fail(error, AIRS_EINVAL, "backoff: delay %zu is out of range", i + 1);
        return AIRS_OK;
    }
    if (backoff->strategy == BACKOFF_IMMEDIATE)
        return AIRS_OK;
    if (!is_duration(backoff->initial_us, 0) || !is_duration(backoff->max_us, 0))
        return fail(error, AIRS_EINVAL, "backoff: 'initial' or 'max' is out of range");
    if (backoff->max_us < backoff->initial_us)
        return fail(error, AIRS_EINVAL, "backoff: 'max' is less than 'initial'");
    if (backoff->strategy == BACKOFF_EXPONENTIAL &&
        !(backoff->factor >= 1.0 && backoff->factor <= BACKOFF_FACTOR_MAX))
        return fail(error, AIRS_EINVAL, "backoff: 'factor' must lie between 1 and %.0f",
                    BACKOFF_FACTOR_MAX);
    return AIRS_OK;
}

static enum airs_status
validate_backoff(const struct backoff *backoff, struct airs_error *error)
{
    if (!(backoff->jitter >= 0.0 && backoff->jitter <= 1.0))
        return fail(error, AIRS_EINVAL, "backoff: 'jitter' must lie between 0%% and 100%%");
    if (!is_duration_or_infinite(backoff->reset_after_us, POLICY_DURATION_MIN_US))
        return fail(error, AIRS_EINVAL, "backoff: 'reset-after' is out of range");
    return validate_delays(backoff, error);
}

static enum airs_status
validate_rules(const struct child_policy *policy, struct airs_error *error)
{
    if (policy->rules_size > EXIT_RULES_MAX)
        return fail(error, AIRS_EINVAL, "'on-exit' has at most %u rules", EXIT_RULES_MAX);
    if (policy->success_size > SUCCESS_CODES_MAX)
        return fail(error, AIRS_EINVAL, "'success-codes' has at most %u entries",
                    SUCCESS_CODES_MAX);
    return AIRS_OK;
}

static enum airs_status
validate_node(const struct supervisor_config *config, struct airs_error *error)
{
    const struct node_policy *node = &config->node;
    if (node->strategy == STRATEGY_PREDICATE && !node->affects)
        return fail(error, AIRS_EINVAL, "a strategy that is a predicate needs one");
    if (node->max_restarts != RESTARTS_UNLIMITED &&
        (node->max_restarts > RESTARTS_MAX ||
         !is_duration(node->within_us, POLICY_DURATION_MIN_US)))
        return fail(error, AIRS_EINVAL, "'intensity' is out of range");
    if (node->auto_shutdown != AUTO_SHUTDOWN_NEVER && config->policy.restart == RESTART_PERMANENT)
        return fail(error, AIRS_EINVAL,
                    "'auto-shutdown' of a permanent supervisor would only restart it");
    return AIRS_OK;
}

enum airs_status
supervisor_config_validate(const struct supervisor_config *config, struct airs_error *error)
{
    const struct child_policy *policy = &config->policy;

    if (policy->max_restarts != RESTARTS_UNLIMITED && policy->max_restarts > RESTARTS_MAX)
        return fail(error, AIRS_EINVAL, "'max-restarts' is at most %u, or unlimited", RESTARTS_MAX);
    if (!is_duration(policy->within_us, POLICY_DURATION_MIN_US))
        return fail(error, AIRS_EINVAL, "'within' is out of range");
    if (!is_duration_or_infinite(policy->shutdown_us, 0))
        return fail(error, AIRS_EINVAL, "'shutdown' is out of range");
    if (!is_duration_or_infinite(policy->start_timeout_us, POLICY_DURATION_MIN_US))
        return fail(error, AIRS_EINVAL, "'start-timeout' is out of range");

    if (policy->significant && policy->restart == RESTART_PERMANENT)
        return fail(error, AIRS_EINVAL, "'significant' is for transient and temporary children");
    enum airs_status status = validate_rules(policy, error);
    if (status == AIRS_OK && config->is_supervisor)
        status = validate_node(config, error);
    if (status == AIRS_OK)
        status = validate_backoff(&policy->backoff, error);
    if (status == AIRS_OK)
        status = health_restart_config_validate(&config->health, error);
    if (status != AIRS_OK)
        return status;
    if (config->is_supervisor && config->health.enabled)
        return fail(error, AIRS_EINVAL, "'health' is for components");
    if (policy->max_restarts == RESTARTS_UNLIMITED && backoff_can_stay_zero(&policy->backoff))
        return fail(error, AIRS_EINVAL,
                    "'max-restarts: unlimited' needs a backoff whose delay does not stay 0");
    return AIRS_OK;
}

const char *
restart_policy_name(enum restart_policy restart)
{
    switch (restart) {
    case RESTART_PERMANENT:
        return "permanent";
    case RESTART_TRANSIENT:
        return "transient";
    case RESTART_TEMPORARY:
        return "temporary";
    }
    assert(false && "no such restart policy");
    return "";
}

const char *
backoff_strategy_name(enum backoff_strategy strategy)
{
    switch (strategy) {
    case BACKOFF_IMMEDIATE:
        return "immediate";
    case BACKOFF_LINEAR:
        return "linear";
    case BACKOFF_EXPONENTIAL:
        return "exponential";
    case BACKOFF_LIST:
        return "list";
    }
    assert(false && "no such backoff strategy");
    return "";
}

const char *
exit_action_name(enum exit_action action)
{
    switch (action) {
    case EXIT_DO_RESTART:
        return "restart";
    case EXIT_DO_STOP:
        return "stop";
    case EXIT_DO_FAIL:
        return "fail";
    case EXIT_DO_ESCALATE:
        return "escalate";
    }
    assert(false && "no such action");
    return "";
}

const char *
strategy_name(enum strategy strategy)
{
    switch (strategy) {
    case STRATEGY_ONE_FOR_ONE:
        return "one-for-one";
    case STRATEGY_ONE_FOR_ALL:
        return "one-for-all";
    case STRATEGY_REST_FOR_ONE:
        return "rest-for-one";
    case STRATEGY_PREDICATE:
        return "predicate";
    }
    assert(false && "no such strategy");
    return "";
}

const char *
on_exhausted_name(enum on_exhausted on_exhausted)
{
    switch (on_exhausted) {
    case ON_EXHAUSTED_FAIL:
        return "fail";
    case ON_EXHAUSTED_ESCALATE:
        return "escalate";
    }
    assert(false && "no such answer to an exhausted budget");
    return "";
}
