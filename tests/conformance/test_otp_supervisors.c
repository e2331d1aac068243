/* Supervisors under supervisors, and significant children that end theirs. */
#include "family.h"

static struct supervisor_child *
supervisor_add(const char *name, const struct child_policy *policy)
{
    struct supervisor_child *child = child_new(name, policy, true);
    at(0, ADD, child);
    return child;
}

static void
the_next_of_a_group_starts_when_the_supervisor_before_it_is_ready(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy(), below = supervisor_policy();
    node_set(STRATEGY_REST_FOR_ONE, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *inner = supervisor_add("inner", &below);
    struct supervisor_child *worker = child_add("worker", &policy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, inner); /* Its children are registered. */
    assert_trace("[   0] start inner 1\n");
    at(50, READY, inner);
    at(60, STARTED, worker);
    assert_trace("[  50] start worker 1\n"
                 "[  60] node ready\n");
}

static void
a_supervisor_that_gave_up_is_restarted_like_any_child(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        struct child_policy policy = quiet_policy(), below = supervisor_policy();
        below.max_restarts = 1;
        node_teardown(NULL);
        node_setup(NULL);
        node_set(family_strategies[i], RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
        node.policy.affects = affects_all;
        struct supervisor_child *inner = supervisor_add("inner", &below);
        struct supervisor_child *worker = child_add("worker", &policy);
        at(0, START_ALL, NOBODY);
        at(0, STARTED, inner);
        at(0, READY, inner);
        at(0, STARTED, worker);
        trace_clear();
        at(10, EXITED, inner, ESCALATED);
        bool in_group = family_strategies[i] != STRATEGY_ONE_FOR_ONE;
        assert_int_equal(worker->state, in_group ? CHILD_STOPPING : CHILD_RUNNING);
        if (in_group)
            at(11, EXITED, worker, NORMAL);
        at(110, TIMER, inner);
        at(110, STARTED, inner);
        at(110, READY, inner);
        assert_int_equal(inner->generation, 2);
        assert_int_equal(worker->state, in_group ? CHILD_STARTING : CHILD_RUNNING);
        if (in_group)
            at(110, STARTED, worker);
        at(120, EXITED, inner, ESCALATED); /* Its own budget, at its parent, is used up. */
        assert_state(inner, FAILED);
    }
}

static void
a_supervisor_has_all_the_time_to_stop_unless_one_is_set(void **state)
{
    (void)state;
    static const uint64_t times_us[] = { DURATION_INFINITE, 1000000 };
    for (int i = 0; i < 2; i++) {
        struct child_policy below = supervisor_policy();
        below.shutdown_us = times_us[i];
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *inner = supervisor_add("inner", &below);
        at(0, START_ALL, NOBODY);
        at(0, STARTED, inner);
        at(0, READY, inner);
        trace_clear();
        at(10, STOP, inner);
        at(1010, TIMER, inner);
        assert_trace(i == 0 ? "[  10] stop inner\n"
                            : "[  10] arm inner 1000ms\n"
                              "[  10] stop inner\n"
                              "[1010] kill inner timeout\n");
    }
}

static void
restarted_it_starts_its_children_with_empty_budgets(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        running_family_of(family_strategies[i], &policy);
        at(10, EXITED, third, TRAP);
        at(11, STOP_ALL, NOBODY);
        family_obeys(12);
        at(20, START_ALL, NOBODY);
        assert_int_equal(third->restarts, 0);
        family_obeys(21);
        trace_clear();
        at(30, EXITED, third, TRAP);
        assert_non_null(strstr(trace, "[  30] arm third 100ms\n")); /* n = 1 */
        assert_int_equal(third->generation, 2);
    }
}

/* ---- Auto-shutdown ---- */

static struct child_policy significant_policy, other_policy;

/* first and second are significant, third is not. */
static void
significant_family(enum auto_shutdown when, enum restart_policy restart)
{
    significant_policy = other_policy = quiet_policy();
    significant_policy.significant = true;
    significant_policy.restart = restart;
    node_teardown(NULL);
    node_setup(NULL);
    node_set(STRATEGY_ONE_FOR_ONE, RESTARTS_UNLIMITED, when);
    first = child_add("first", &significant_policy);
    second = child_add("second", &significant_policy);
    third = child_add("third", &other_policy);
    family_start();
}

static void
any_ends_with_the_first_significant_child_that_ends(void **state)
{
    (void)state;
    significant_family(AUTO_SHUTDOWN_ANY, RESTART_TRANSIENT);
    at(10, EXITED, second, NORMAL);
    family_obeys(11);
    assert_trace("[  10] node not ready\n"
                 "[  10] stop third\n"
                 "[  10] stop first\n"
                 "[  11] node ended normal\n");
}

static void
all_ends_with_the_last_significant_child_that_ends(void **state)
{
    (void)state;
    significant_family(AUTO_SHUTDOWN_ALL, RESTART_TRANSIENT);
    at(10, EXITED, second, NORMAL);
    assert_trace("");
    at(20, EXITED, first, NORMAL);
    family_obeys(21);
    assert_trace("[  20] node not ready\n"
                 "[  20] stop third\n"
                 "[  21] node ended normal\n");
}

static void
never_ends_with_nobody(void **state)
{
    (void)state;
    significant_family(AUTO_SHUTDOWN_NEVER, RESTART_TRANSIENT);
    at(10, EXITED, second, NORMAL);
    at(20, EXITED, first, NORMAL);
    assert_trace("");
    assert_state(third, RUNNING);
}

static void
a_temporary_significant_child_counts_whatever_its_end(void **state)
{
    (void)state;
    significant_family(AUTO_SHUTDOWN_ANY, RESTART_TEMPORARY);
    at(10, EXITED, first, TRAP);
    family_obeys(11);
    assert_non_null(strstr(trace, "[  11] node ended normal\n"));
}

static void
an_end_that_is_followed_by_a_restart_does_not_count(void **state)
{
    (void)state;
    significant_family(AUTO_SHUTDOWN_ANY, RESTART_TRANSIENT);
    at(10, EXITED, first, TRAP);
    assert_state(first, RESTARTING);
    assert_state(third, RUNNING);
}

static void
an_end_by_request_does_not_count(void **state)
{
    (void)state;
    significant_family(AUTO_SHUTDOWN_ANY, RESTART_TRANSIENT);
    at(10, STOP, first);
    at(11, EXITED, first, NORMAL);
    at(12, DELETE, second);
    at(13, EXITED, second, NORMAL);
    assert_state(third, RUNNING);
    assert_null(strstr(trace, "node ended"));
}

static void
what_is_not_significant_ends_nobody(void **state)
{
    (void)state;
    significant_family(AUTO_SHUTDOWN_ANY, RESTART_TRANSIENT);
    other_policy.restart = RESTART_TRANSIENT;
    at(10, EXITED, third, NORMAL);
    assert_trace("");
    assert_state(third, STOPPED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(the_next_of_a_group_starts_when_the_supervisor_before_it_is_ready),
        a_test(a_supervisor_that_gave_up_is_restarted_like_any_child),
        a_test(a_supervisor_has_all_the_time_to_stop_unless_one_is_set),
        a_test(restarted_it_starts_its_children_with_empty_budgets),
        a_test(any_ends_with_the_first_significant_child_that_ends),
        a_test(all_ends_with_the_last_significant_child_that_ends),
        a_test(never_ends_with_nobody),
        a_test(a_temporary_significant_child_counts_whatever_its_end),
        a_test(an_end_that_is_followed_by_a_restart_does_not_count),
        a_test(an_end_by_request_does_not_count),
        a_test(what_is_not_significant_ends_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
