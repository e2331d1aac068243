/* Family: a supervisor and three children, first, second and third, as a trace (trace.h).
 *
 * Their policy is quiet (no start timeout, all the time for a stop), so that a trace shows what
 * is started and stopped, and nothing else.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include "unit/supervision/trace.h"

static struct supervisor_child *first, *second, *third;

__attribute__((unused)) static const enum strategy family_strategies[] = {
    STRATEGY_ONE_FOR_ONE,
    STRATEGY_ONE_FOR_ALL,
    STRATEGY_REST_FOR_ONE,
    STRATEGY_PREDICATE,
};
#define FAMILY_STRATEGIES (sizeof family_strategies / sizeof family_strategies[0])

__attribute__((unused)) static struct child_policy
quiet_policy(void)
{
    struct child_policy policy = plain_policy();
    policy.start_timeout_us = DURATION_INFINITE;
    policy.shutdown_us = DURATION_INFINITE;
    return policy;
}

__attribute__((unused)) static void
family_add(const struct child_policy *policy)
{
    first = child_add("first", policy);
    second = child_add("second", policy);
    third = child_add("third", policy);
}

/* A predicate of the user's: all go with one another. */
__attribute__((unused)) static bool
affects_all(void *ctx, const struct supervisor_child *failed,
            const struct supervisor_child *candidate)
{
    (void)ctx;
    (void)failed;
    (void)candidate;
    return true;
}

/* Registered under `strategy`, none started; the traces are empty. */
__attribute__((unused)) static void
family_of(enum strategy strategy, const struct child_policy *policy)
{
    node_teardown(NULL);
    node_setup(NULL);
    node_set(strategy, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    node.policy.affects = affects_all;
    family_add(policy);
    trace_clear();
}

__attribute__((unused)) static void
family_start(void)
{
    at(0, START_ALL, NOBODY);
    at(0, STARTED, first);
    at(0, STARTED, second);
    at(0, STARTED, third);
    assert_state(first, RUNNING);
    assert_state(second, RUNNING);
    assert_state(third, RUNNING);
    trace_clear();
}

__attribute__((unused)) static void
running_family_of(enum strategy strategy, const struct child_policy *policy)
{
    family_of(strategy, policy);
    family_start();
}

/* At `ms`: whoever is asked to stop ends, whoever is started answers, until nothing moves. */
__attribute__((unused)) static void
family_obeys(uint64_t ms)
{
    struct supervisor_child *all[] = { first, second, third };
    for (int moved = 1; moved;) {
        moved = 0;
        for (int i = 0; i < 3; i++) {
            if (all[i]->state == CHILD_STOPPING)
                at(ms, EXITED, all[i], NORMAL);
            else if (all[i]->state == CHILD_STARTING)
                at(ms, STARTED, all[i]);
            else
                continue;
            moved = 1;
        }
    }
}

#endif
