/* Health change: another policy of a child that is being probed. */
#include <assert.h>

#include "supervision/health_monitor.h"

/* From the last probe, or the last line, on. */
static uint64_t
next_probe_us(const struct health_monitor *monitor, uint64_t now_us)
{
    uint64_t from_us = monitor->begun_us > 0 ? monitor->begun_us : monitor->started_us;
    uint64_t due_us = from_us + monitor->policy.interval_us;
    return due_us > now_us ? due_us : now_us;
}

struct health_outcome
health_monitor_change(struct health_monitor *monitor, const struct health_policy *policy,
                      uint64_t now_us)
{
    assert(monitor->phase != HEALTH_OFF && policy->failures > 0 && policy->interval_us > 0);

    /* Who was ready without a probe stays so until one fails. */
    if (policy->readiness && !monitor->policy.readiness)
        monitor->ready = true;
    monitor->policy = *policy;
    if (monitor->failures_in_a_row >= policy->failures)
        monitor->failures_in_a_row = policy->failures - 1;
    struct health_outcome outcome = { .arm = monitor->phase != HEALTH_WANTED };
    if (monitor->phase == HEALTH_RESTING)
        monitor->due_us = next_probe_us(monitor, now_us);
    return outcome;
}
