/* Group restarts: who is taken along, in which order, whose budget pays, and what happens when
 * a member fails to come back. */
#include "family.h"

static void
one_for_one_takes_nobody_along(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ONE, &policy);
    at(10, EXITED, second, TRAP);
    at(110, TIMER, second);
    assert_trace("[  10] arm second 100ms\n"
                 "[  10] node not ready\n"
                 "[ 110] start second 2\n");
}

static void
one_for_all_stops_all_in_reverse_and_starts_all_in_order(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(10, EXITED, second, TRAP);
    at(11, EXITED, third, NORMAL);
    at(12, EXITED, first, TRAP); /* An end while being stopped never counts. */
    at(110, TIMER, second);
    at(111, STARTED, first);
    at(112, STARTED, second);
    at(113, STARTED, third);
    assert_trace("[  10] arm second 100ms\n"
                 "[  10] stop third\n"
                 "[  10] node not ready\n"
                 "[  11] stop first\n"
                 "[ 110] start first 2\n"
                 "[ 111] start second 2\n"
                 "[ 112] start third 2\n"
                 "[ 113] node ready\n");
    assert_int_equal(second->restarts, 1);
    assert_int_equal(first->restarts, 0);
    assert_int_equal(third->restarts, 0);
}

static void
rest_for_one_leaves_those_before(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_REST_FOR_ONE, &policy);
    at(10, EXITED, second, TRAP);
    at(11, EXITED, third, NORMAL);
    at(110, TIMER, second);
    at(111, STARTED, second);
    at(112, STARTED, third);
    assert_trace("[  10] arm second 100ms\n"
                 "[  10] stop third\n"
                 "[  10] node not ready\n"
                 "[ 110] start second 2\n"
                 "[ 111] start third 2\n"
                 "[ 112] node ready\n");
    assert_int_equal(first->generation, 1);
}

/* A predicate of the user's: third goes with first, and nobody else with anybody. */
static bool
last_goes_with_first(void *ctx, const struct supervisor_child *failed,
                     const struct supervisor_child *candidate)
{
    (void)ctx;
    return failed == first && candidate == third;
}

static void
a_predicate_takes_along_whom_it_names(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    struct node_policy of_node = node_policy_default();
    of_node.strategy = STRATEGY_PREDICATE;
    of_node.affects = last_goes_with_first;
    supervisor_node_configure(&node, &of_node, NULL);
    family_add(&policy);
    family_start();
    at(10, EXITED, first, TRAP);
    at(11, EXITED, third, NORMAL);
    at(110, TIMER, first);
    at(111, STARTED, first);
    at(112, STARTED, third);
    assert_trace("[  10] arm first 100ms\n"
                 "[  10] stop third\n"
                 "[  10] node not ready\n"
                 "[ 110] start first 2\n"
                 "[ 111] start third 2\n"
                 "[ 112] node ready\n");
    at(200, EXITED, third, TRAP);
    assert_trace("[ 200] arm third 100ms\n"
                 "[ 200] node not ready\n");
}

static void
the_starts_wait_for_the_longest_stop_when_it_outlasts_the_delay(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(10, EXITED, first, TRAP);
    at(110, TIMER, first);
    at(500, EXITED, third, NORMAL);
    at(600, EXITED, second, NORMAL);
    assert_trace("[  10] arm first 100ms\n"
                 "[  10] stop third\n"
                 "[  10] node not ready\n"
                 "[ 500] stop second\n"
                 "[ 600] start first 2\n");
}

static void
a_delay_that_a_sibling_waited_in_is_dropped(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_REST_FOR_ONE, &policy);
    at(10, EXITED, third, TRAP); /* Would start at 110. */
    at(20, EXITED, second, TRAP);
    at(110, TIMER, third);
    at(120, TIMER, second);
    at(121, STARTED, second);
    assert_trace("[  10] arm third 100ms\n"
                 "[  10] node not ready\n"
                 "[  20] arm second 100ms\n"
                 "[  20] disarm third\n"
                 "[ 120] start second 2\n"
                 "[ 121] start third 2\n");
    assert_int_equal(third->restarts, 1); /* Its own, of before. */
}

static void
who_was_stopped_by_request_or_has_failed_is_left(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(1, STOP, first);
    at(2, EXITED, first, NORMAL);
    at(3, EXITED, third, LOAD_ERROR);
    at(10, EXITED, second, TRAP);
    at(110, TIMER, second);
    at(111, STARTED, second);
    assert_state(first, STOPPED);
    assert_state(second, RUNNING);
    assert_state(third, FAILED);
}

static void
a_transient_child_that_ended_is_started_again_by_its_group(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy(), transient = quiet_policy();
    transient.restart = RESTART_TRANSIENT;
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    first = child_add("first", &policy);
    second = child_add("second", &policy);
    third = child_add("third", &transient);
    family_start();
    at(5, EXITED, third, NORMAL);
    assert_state(third, STOPPED);
    at(10, EXITED, second, TRAP);
    at(11, EXITED, first, NORMAL);
    at(110, TIMER, second);
    family_obeys(111);
    assert_state(third, RUNNING);
    assert_int_equal(third->generation, 2);
}

static void
a_temporary_sibling_is_stopped_with_its_group_and_not_started_again(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy(), temporary = quiet_policy();
    temporary.restart = RESTART_TEMPORARY;
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    first = child_add("first", &policy);
    second = child_add("second", &policy);
    third = child_add("third", &temporary);
    family_start();
    at(10, EXITED, first, TRAP);
    family_obeys(11);
    at(110, TIMER, first);
    family_obeys(111);
    assert_state(first, RUNNING);
    assert_state(second, RUNNING);
    assert_state(third, STOPPED);
    assert_int_equal(third->stop_cause, STOPPED_TEMPORARY);
}

static void
an_end_that_asks_for_no_restart_takes_nobody_along(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        struct child_policy policy = quiet_policy();
        policy.restart = RESTART_TRANSIENT;
        running_family_of(family_strategies[i], &policy);
        at(10, EXITED, first, NORMAL);
        assert_trace("");
        assert_state(second, RUNNING);
    }
}

/* The second fails to come back from the restart that the first has asked for. */
static void
another_member_that_fails_to_restart_pays_with_its_own_budget(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(10, EXITED, first, TRAP);
    family_obeys(11);
    at(110, TIMER, first);
    at(111, STARTED, first);
    assert_state(second, STARTING);
    trace_clear();
    at(112, EXITED, second, ERROR);
    assert_trace("[ 112] arm second 100ms\n" /* Its own n = 1. */
                 "[ 112] stop first\n");     /* One-for-all stops all again. */
    at(113, EXITED, first, NORMAL);
    at(212, TIMER, second);
    family_obeys(213);
    assert_trace("[ 212] start first 3\n"
                 "[ 213] start second 3\n"
                 "[ 213] start third 2\n"
                 "[ 213] node ready\n");
    assert_int_equal(first->restarts, 1);
    assert_int_equal(second->restarts, 1);
    assert_int_equal(third->restarts, 0);
}

static void
under_rest_for_one_such_a_member_stops_those_after_it_alone(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_REST_FOR_ONE, &policy);
    at(10, EXITED, first, TRAP);
    family_obeys(11);
    at(110, TIMER, first);
    at(111, STARTED, first);
    trace_clear();
    at(112, EXITED, second, ERROR);
    at(212, TIMER, second);
    family_obeys(213);
    assert_trace("[ 112] arm second 100ms\n"
                 "[ 212] start second 3\n"
                 "[ 213] start third 2\n"
                 "[ 213] node ready\n");
    assert_int_equal(first->generation, 2);
}

static void
a_larger_group_restart_swallows_a_smaller_one(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_REST_FOR_ONE, &policy);
    at(10, EXITED, second, TRAP);
    at(20, EXITED, first, TRAP); /* The third is stopping for the second. */
    at(30, EXITED, third, NORMAL);
    at(110, TIMER, second);
    at(120, TIMER, first);
    family_obeys(121);
    assert_trace("[  10] arm second 100ms\n"
                 "[  10] stop third\n"
                 "[  10] node not ready\n"
                 "[  20] arm first 100ms\n"
                 "[  20] disarm second\n"
                 "[ 120] start first 2\n"
                 "[ 121] start second 2\n"
                 "[ 121] start third 2\n"
                 "[ 121] node ready\n");
}

static void
a_member_that_ends_by_itself_in_a_group_restart_is_not_charged(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.max_restarts = 0;
    struct child_policy crashing = quiet_policy();
    node_set(STRATEGY_ONE_FOR_ALL, 1, AUTO_SHUTDOWN_NEVER);
    first = child_add("first", &crashing);
    second = child_add("second", &policy);
    third = child_add("third", &policy);
    family_start();
    at(10, EXITED, first, TRAP);
    at(11, EXITED, second, TRAP); /* Its turn to stop had not come. */
    at(12, EXITED, third, ERROR); /* While it was asked to. */
    at(110, TIMER, first);
    family_obeys(111);
    assert_state(second, RUNNING);
    assert_state(third, RUNNING);
    assert_int_equal(second->restarts + third->restarts, 0);
}

/* The group goes on without it: its delay holds up nobody any more. */
static void
a_failed_child_that_is_stopped_or_deleted_in_its_delay_leaves_the_others(void **state)
{
    (void)state;
    static const enum node_event_type verbs[] = { NODE_STOP, NODE_DELETE };
    for (int i = 0; i < 2; i++) {
        struct child_policy policy = quiet_policy();
        running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
        at(10, EXITED, second, TRAP);
        at(11, EXITED, third, NORMAL);
        at(12, EXITED, first, NORMAL);
        trace_clear();
        trace_at(20, verbs[i], second, EXIT_NORMAL);
        at(21, STARTED, first);
        at(22, STARTED, third);
        assert_trace(i == 0 ? "[  20] disarm second\n"
                              "[  20] start first 2\n"
                              "[  21] start third 2\n"
                              "[  22] node ready\n"
                            : "[  20] disarm second\n"
                              "[  20] removed second\n"
                              "[  20] start first 2\n"
                              "[  21] start third 2\n"
                              "[  22] node ready\n");
    }
}

static void
escalates_under_every_strategy(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        struct child_policy policy = quiet_policy();
        policy.max_restarts = 1;
        policy.on_exhausted = ON_EXHAUSTED_ESCALATE;
        running_family_of(family_strategies[i], &policy);
        at(10, EXITED, second, TRAP);
        family_obeys(11);
        at(110, TIMER, second);
        family_obeys(111);
        trace_clear();
        at(120, EXITED, second, TRAP);
        assert_non_null(strstr(events, "[ 120] second exited trap\n"
                                       "[ 120] second failed trap\n"
                                       "[ 120] second escalated trap\n"));
        family_obeys(121);
        assert_non_null(strstr(trace, "[ 121] node ended escalated\n"));
        assert_int_equal(second->restarts, 1);
        assert_state(first, STOPPED);
        assert_state(third, STOPPED);
    }
}

static void
fails_alone_under_every_strategy_when_told_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        struct child_policy policy = quiet_policy();
        policy.max_restarts = 0;
        running_family_of(family_strategies[i], &policy);
        at(10, EXITED, second, TRAP);
        assert_state(second, FAILED);
        assert_state(first, RUNNING);
        assert_state(third, RUNNING);
        assert_trace("");
    }
}

static void
intensity_limits_the_grants_of_all_children_in_plain_time(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    node_set(STRATEGY_ONE_FOR_ONE, 2, AUTO_SHUTDOWN_NEVER);
    family_add(&policy);
    family_start();
    at(10, EXITED, first, TRAP);
    at(20, EXITED, second, TRAP);
    assert_state(second, RESTARTING);
    at(1011, TIMER, first); /* Waiting counts: the first grant has left the window. */
    at(1011, EXITED, third, TRAP);
    assert_state(third, RESTARTING);
    trace_clear();
    at(1012, EXITED, first, TRAP); /* The third within a second. */
    assert_state(first, FAILED);
    assert_trace("[1012] disarm third\n"
                 "[1012] disarm second\n"
                 "[1012] node ended escalated\n");
}

static void
a_group_restart_counts_once_for_the_intensity(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.strategy = BACKOFF_LINEAR;
    policy.backoff.initial_us = policy.backoff.max_us = 10000;
    node_set(STRATEGY_ONE_FOR_ALL, 2, AUTO_SHUTDOWN_NEVER);
    family_add(&policy);
    family_start();
    for (uint64_t ms = 10; ms <= 110; ms += 100) { /* Twice; six children are made anew. */
        at(ms, EXITED, second, TRAP);
        family_obeys(ms + 1);
        at(ms + 10, TIMER, second);
        family_obeys(ms + 11);
        assert_state(third, RUNNING);
    }
    at(200, EXITED, first, TRAP);
    family_obeys(201);
    assert_non_null(strstr(trace, "[ 201] node ended escalated\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(one_for_one_takes_nobody_along),
        a_test(one_for_all_stops_all_in_reverse_and_starts_all_in_order),
        a_test(rest_for_one_leaves_those_before),
        a_test(a_predicate_takes_along_whom_it_names),
        a_test(the_starts_wait_for_the_longest_stop_when_it_outlasts_the_delay),
        a_test(a_delay_that_a_sibling_waited_in_is_dropped),
        a_test(who_was_stopped_by_request_or_has_failed_is_left),
        a_test(a_transient_child_that_ended_is_started_again_by_its_group),
        a_test(a_temporary_sibling_is_stopped_with_its_group_and_not_started_again),
        a_test(an_end_that_asks_for_no_restart_takes_nobody_along),
        a_test(another_member_that_fails_to_restart_pays_with_its_own_budget),
        a_test(under_rest_for_one_such_a_member_stops_those_after_it_alone),
        a_test(a_larger_group_restart_swallows_a_smaller_one),
        a_test(a_member_that_ends_by_itself_in_a_group_restart_is_not_charged),
        a_test(a_failed_child_that_is_stopped_or_deleted_in_its_delay_leaves_the_others),
        a_test(escalates_under_every_strategy),
        a_test(fails_alone_under_every_strategy_when_told_so),
        a_test(intensity_limits_the_grants_of_all_children_in_plain_time),
        a_test(a_group_restart_counts_once_for_the_intensity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
