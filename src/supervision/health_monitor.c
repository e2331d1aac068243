#include "supervision/health_monitor.h"

#include <assert.h>

struct health_policy
health_policy_default(void)
{
    return (struct health_policy){
        .interval_us = HEALTH_INTERVAL_US_DEFAULT,
        .timeout_us = HEALTH_TIMEOUT_US_DEFAULT,
        .failures = HEALTH_FAILURES_DEFAULT,
        .readiness = true,
        .liveness = true,
    };
}

const char *
health_answer_name(enum health_answer answer)
{
    switch (answer) {
    case HEALTH_HEALTHY:
        return "healthy";
    case HEALTH_DEGRADED:
        return "degraded";
    case HEALTH_UNHEALTHY:
        return "unhealthy";
    case HEALTH_UNKNOWN:
        return "unknown";
    }
    assert(false && "no such answer");
    return "";
}

/* ---- What the phases ask of the timer. ---- */

static struct health_outcome
outcome_of(const struct health_monitor *monitor)
{
    switch (monitor->phase) {
    case HEALTH_OFF:
    case HEALTH_WANTED:
        break;
    case HEALTH_RESTING:
    case HEALTH_IN_FLIGHT:
    case HEALTH_HANGING:
        return (struct health_outcome){ .arm = true };
    }
    return (struct health_outcome){ .arm = false };
}

/* The next probe one interval after the last one began; after one that took longer, a whole
 * interval from now. */
static void
rest(struct health_monitor *monitor, uint64_t now_us)
{
    monitor->phase = HEALTH_RESTING;
    monitor->due_us = monitor->begun_us + monitor->policy.interval_us;
    if (monitor->due_us <= now_us)
        monitor->due_us = now_us + monitor->policy.interval_us;
}

static void
set_ready(struct health_monitor *monitor, bool ready, struct health_outcome *outcome)
{
    if (!monitor->policy.readiness || monitor->ready == ready)
        return;
    monitor->ready = ready;
    outcome->has_ready = true;
    outcome->ready = ready;
}

static void
pass(struct health_monitor *monitor, struct health_outcome *outcome)
{
    monitor->in_start_period = false;
    monitor->failures_in_a_row = 0;
    set_ready(monitor, true, outcome);
}

static bool
is_in_start_period(struct health_monitor *monitor, uint64_t now_us)
{
    if (now_us - monitor->started_us >= monitor->policy.start_period_us)
        monitor->in_start_period = false;
    return monitor->in_start_period;
}

static void
count_failure(struct health_monitor *monitor, uint64_t now_us, struct health_outcome *outcome)
{
    if (is_in_start_period(monitor, now_us))
        return;
    set_ready(monitor, false, outcome);
    if (monitor->failures_in_a_row == monitor->policy.failures)
        return; /* Without liveness it may go on failing; it has been said often enough. */
    monitor->failures_in_a_row++;
    outcome->failed = true;
    if (monitor->failures_in_a_row < monitor->policy.failures || !monitor->policy.liveness)
        return;
    monitor->phase = HEALTH_OFF;
    outcome->end = true;
    outcome->arm = false;
}

/* ---- Events. ---- */

struct health_outcome
health_monitor_start(struct health_monitor *monitor, const struct health_policy *policy,
                     bool is_heartbeat, uint64_t now_us)
{
    assert(policy->failures > 0 && policy->interval_us > 0);

    *monitor = (struct health_monitor){
        .policy = *policy,
        .is_heartbeat = is_heartbeat,
        .phase = is_heartbeat ? HEALTH_RESTING : HEALTH_WANTED,
        .last = HEALTH_UNKNOWN,
        .in_start_period = policy->start_period_us > 0,
        .started_us = now_us,
        .due_us = now_us + policy->interval_us,
    };
    return outcome_of(monitor);
}

void
health_monitor_stop(struct health_monitor *monitor)
{
    monitor->phase = HEALTH_OFF;
    monitor->last = HEALTH_UNKNOWN;
}

struct health_outcome
health_monitor_begun(struct health_monitor *monitor, uint64_t now_us)
{
    assert(monitor->phase == HEALTH_WANTED);

    monitor->phase = HEALTH_IN_FLIGHT;
    monitor->begun_us = now_us;
    monitor->due_us = now_us + monitor->policy.timeout_us;
    return outcome_of(monitor);
}

struct health_outcome
health_monitor_answered(struct health_monitor *monitor, enum health_answer answer, uint64_t now_us)
{
    if (monitor->phase == HEALTH_OFF) /* Asked to stop while the probe was in flight. */
        return (struct health_outcome){ .arm = false };
    assert(monitor->is_heartbeat || monitor->phase == HEALTH_IN_FLIGHT ||
           monitor->phase == HEALTH_HANGING);

    bool is_late = monitor->phase == HEALTH_HANGING;
    bool was_degraded = monitor->last == HEALTH_DEGRADED;
    if (monitor->is_heartbeat)
        monitor->begun_us = now_us;
    rest(monitor, now_us);
    struct health_outcome outcome = outcome_of(monitor);
    monitor->last = answer;
    switch (answer) {
    case HEALTH_HEALTHY:
    case HEALTH_DEGRADED:
        pass(monitor, &outcome);
        outcome.degraded = answer == HEALTH_DEGRADED && !was_degraded;
        break;
    case HEALTH_UNHEALTHY:
        if (!is_late)
            count_failure(monitor, now_us, &outcome);
        break;
    case HEALTH_UNKNOWN:
        break;
    }
    return outcome;
}

/* A heartbeat that stayed away, or a probe that has not answered for one more interval. */
static struct health_outcome
overdue(struct health_monitor *monitor, uint64_t now_us)
{
    if (!monitor->is_heartbeat)
        monitor->phase = HEALTH_HANGING;
    /* On the grid of its intervals; a clock that jumped makes one failure, not many. */
    monitor->due_us += monitor->policy.interval_us;
    if (monitor->due_us <= now_us)
        monitor->due_us = now_us + monitor->policy.interval_us;
    monitor->last = HEALTH_UNHEALTHY;
    struct health_outcome outcome = outcome_of(monitor);
    count_failure(monitor, now_us, &outcome);
    return outcome;
}

struct health_outcome
health_monitor_tick(struct health_monitor *monitor, uint64_t now_us)
{
    if (!health_monitor_is_due(monitor, now_us))
        return outcome_of(monitor);
    if (monitor->is_heartbeat || monitor->phase != HEALTH_RESTING)
        return overdue(monitor, now_us);
    monitor->phase = HEALTH_WANTED;
    return outcome_of(monitor);
}
