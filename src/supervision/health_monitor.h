/* Health monitor: when to probe a child, and what its answers mean. A pure state machine.
 *
 * Whoever owns the child feeds what happens, with the time, and does what comes out: call the
 * probe, set the one timer, tell the supervisor. It reads no clock and allocates nothing.
 *
 * A probe that is wanted waits for the message in hand and counts as nothing until it is
 * begun; from then on its timeout counts. One that hangs fails at its timeout, then once per
 * interval; its late answer passes, or says nothing more: it has failed already.
 *
 * A heartbeat is the probe turned round: the child passes by giving a sign, and fails once
 * for each interval without one.
 */
#ifndef SUPERVISION_HEALTH_MONITOR_H
#define SUPERVISION_HEALTH_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "supervision/health_policy.h"

/* What a probe says; numbered as the guest's own words. */
enum health_answer { HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY, HEALTH_UNKNOWN };

/** The constant name of `answer`: "healthy". Thread: any. */
const char *health_answer_name(enum health_answer answer);

enum health_phase {
    HEALTH_OFF,       /* Not started, or over. */
    HEALTH_RESTING,   /* Until the next probe; of a heartbeat always. */
    HEALTH_WANTED,    /* A probe is to be called as soon as the child is free. */
    HEALTH_IN_FLIGHT, /* Begun, within its timeout. */
    HEALTH_HANGING    /* Begun, and has failed already. */
};

struct health_monitor {
    struct health_policy policy;
    bool is_heartbeat;
    enum health_phase phase;
    enum health_answer last; /* UNKNOWN before the first answer. */
    bool ready;              /* As reported last. */
    bool in_start_period;
    uint32_t failures_in_a_row;
    uint64_t started_us;
    uint64_t begun_us; /* Of the probe in flight. */
    uint64_t due_us;   /* When TICK is due: in RESTING, IN_FLIGHT and HANGING. */
};

/* What follows from one event. */
struct health_outcome {
    bool arm; /* Set the timer to monitor->due_us; else it is not to fire any more. */
    bool has_ready;
    bool ready;
    bool failed;   /* A failure that counts, at most `failures` of them in a row: report it. */
    bool degraded; /* It has become degraded: report it. */
    bool end;      /* End the child as unhealthy. */
};

/** The child runs: from now on it is probed, at once, or listened to. */
struct health_outcome health_monitor_start(struct health_monitor *monitor,
                                           const struct health_policy *policy, bool is_heartbeat,
                                           uint64_t now_us);
/** The child ends, or is asked to: nothing is due any more. */
void health_monitor_stop(struct health_monitor *monitor);
/** The probe that was WANTED is being called. */
struct health_outcome health_monitor_begun(struct health_monitor *monitor, uint64_t now_us);
/** The probe in flight has answered; of a heartbeat: HEALTHY, for a sign of life. */
struct health_outcome health_monitor_answered(struct health_monitor *monitor,
                                              enum health_answer answer, uint64_t now_us);
/** The timer has fired; one that comes early is asked for again. */
struct health_outcome health_monitor_tick(struct health_monitor *monitor, uint64_t now_us);

/** Whether a tick is due: a guest that computes is to give way for it. */
static inline bool
health_monitor_is_due(const struct health_monitor *monitor, uint64_t now_us)
{
    return monitor->phase != HEALTH_OFF && monitor->phase != HEALTH_WANTED &&
           now_us >= monitor->due_us;
}

/**
 * Another policy of a monitor that is not OFF, for a child that is ready unless the monitor has said
 * otherwise. A probe in flight keeps its time; failures in a row stay, at most one short of the
 * end. Thread: as health_monitor_tick().
 */
struct health_outcome health_monitor_change(struct health_monitor *monitor,
                                            const struct health_policy *policy, uint64_t now_us);

#endif
