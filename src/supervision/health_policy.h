/* Health policy: how often a child is probed, and what its failures mean. A value. */
#ifndef SUPERVISION_HEALTH_POLICY_H
#define SUPERVISION_HEALTH_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_INTERVAL_US_DEFAULT UINT64_C(5000000)
#define HEALTH_TIMEOUT_US_DEFAULT UINT64_C(1000000)
#define HEALTH_FAILURES_DEFAULT 3u
#define HEALTH_INTERVAL_MIN_US UINT64_C(10000) /* Of interval and timeout. */
#define HEALTH_FAILURES_MAX 1000u

struct health_policy {
    uint64_t interval_us;
    uint64_t timeout_us;
    uint64_t start_period_us; /* Failures in it do not count; the first pass ends it. */
    uint32_t failures;        /* So many in a row are the end; at least 1. */
    bool readiness;           /* Ready from the first pass, not ready from the first failure. */
    bool liveness;            /* Ended at `failures`. */
};

/** The defaults: every 5 s, 1 s, 3 failures, no start period, both flags. Thread: any. */
struct health_policy health_policy_default(void);

#endif
