#include "policy/health_restart.h"

#include "base/error.h"
#include "policy/supervisor_config.h"

struct health_restart_config
health_restart_config_default(void)
{
    return (struct health_restart_config){ .enabled = true, .probe = health_policy_default() };
}

struct health_restart_config
health_restart_config_off(void)
{
    return (struct health_restart_config){ .enabled = false, .probe = health_policy_default() };
}

bool
health_restart_gates_ready(const struct health_restart_config *config)
{
    return config->enabled && config->probe.readiness;
}

static bool
is_in_range(uint64_t us, uint64_t min_us)
{
    return us >= min_us && us <= POLICY_DURATION_MAX_US;
}

_Static_assert(sizeof(struct health_policy) == 32, "health_restart_equals() compares every field");

bool
health_restart_equals(const struct health_restart_config *a, const struct health_restart_config *b)
{
    const struct health_policy *p = &a->probe;
    const struct health_policy *q = &b->probe;
    if (!a->enabled || !b->enabled)
        return a->enabled == b->enabled;
    return p->interval_us == q->interval_us && p->timeout_us == q->timeout_us &&
           p->start_period_us == q->start_period_us && p->failures == q->failures &&
           p->readiness == q->readiness && p->liveness == q->liveness;
}

enum airs_status
health_restart_config_validate(const struct health_restart_config *config, struct airs_error *error)
{
    const struct health_policy *probe = &config->probe;

    if (!config->enabled)
        return AIRS_OK;
    if (!is_in_range(probe->interval_us, HEALTH_INTERVAL_MIN_US))
        return fail(error, AIRS_EINVAL, "health: 'interval' is out of range");
    if (!is_in_range(probe->timeout_us, HEALTH_INTERVAL_MIN_US))
        return fail(error, AIRS_EINVAL, "health: 'timeout' is out of range");
    if (!is_in_range(probe->start_period_us, 0))
        return fail(error, AIRS_EINVAL, "health: 'start-period' is out of range");
    if (probe->failures == 0 || probe->failures > HEALTH_FAILURES_MAX)
        return fail(error, AIRS_EINVAL, "health: 'failures' must lie between 1 and %u",
                    HEALTH_FAILURES_MAX);
    return AIRS_OK;
}
