/* Starts, as OTP's supervisor has them and semantics.md restates them: in order; one that fails,
 * hangs or ignores holds up no more than it must; the supervisor always answers. */
#include "family.h"

static void
starts_its_children_in_order_without_waiting(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    family_of(STRATEGY_ONE_FOR_ONE, &policy);
    at(0, START_ALL, NOBODY);
    assert_trace("[   0] start first 1\n"
                 "[   0] start second 1\n"
                 "[   0] start third 1\n");
}

static void
starts_each_child_of_a_group_when_the_one_before_is_ready(void **state)
{
    (void)state;
    static const enum strategy groups[] = { STRATEGY_ONE_FOR_ALL, STRATEGY_REST_FOR_ONE };
    struct child_policy policy = quiet_policy();
    for (int i = 0; i < 2; i++) {
        family_of(groups[i], &policy);
        at(0, START_ALL, NOBODY);
        at(10, STARTED, first);
        at(20, STARTED, second);
        at(30, STARTED, third);
        assert_trace("[   0] start first 1\n"
                     "[  10] start second 1\n"
                     "[  20] start third 1\n"
                     "[  30] node ready\n");
    }
}

static void
a_start_that_fails_in_the_middle_holds_up_nobody(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    family_of(STRATEGY_ONE_FOR_ONE, &policy);
    at(0, START_ALL, NOBODY);
    at(10, EXITED, second, ERROR);
    at(11, STARTED, first);
    at(12, STARTED, third);
    at(110, TIMER, second);
    at(111, STARTED, second);
    assert_trace("[   0] start first 1\n"
                 "[   0] start second 1\n"
                 "[   0] start third 1\n"
                 "[  10] arm second 100ms\n"
                 "[ 110] start second 2\n"
                 "[ 111] node ready\n");
}

static void
a_start_that_fails_in_the_middle_of_one_for_all_begins_all_again(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, first);
    at(10, EXITED, second, ERROR);
    at(11, EXITED, first, NORMAL);
    at(110, TIMER, second);
    at(111, STARTED, first);
    at(112, STARTED, second);
    at(113, STARTED, third);
    assert_trace("[   0] start first 1\n"
                 "[   1] start second 1\n"
                 "[  10] arm second 100ms\n"
                 "[  10] stop first\n"
                 "[ 110] start first 2\n"
                 "[ 111] start second 2\n"
                 "[ 112] start third 1\n" /* It had none before. */
                 "[ 113] node ready\n");
    assert_int_equal(second->restarts, 1);
    assert_int_equal(first->restarts + third->restarts, 0);
}

static void
a_start_that_fails_in_the_middle_of_rest_for_one_leaves_those_before(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    family_of(STRATEGY_REST_FOR_ONE, &policy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, first);
    at(10, EXITED, second, ERROR);
    at(110, TIMER, second);
    at(112, STARTED, second);
    at(113, STARTED, third);
    assert_trace("[   0] start first 1\n"
                 "[   1] start second 1\n"
                 "[  10] arm second 100ms\n"
                 "[ 110] start second 2\n"
                 "[ 112] start third 1\n"
                 "[ 113] node ready\n");
}

static void
the_next_start_goes_on_past_one_that_has_failed_for_good(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.max_restarts = 0;
    family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(0, START_ALL, NOBODY);
    at(1, EXITED, first, ERROR);
    at(2, STARTED, second);
    at(3, STARTED, third);
    assert_trace("[   0] start first 1\n"
                 "[   1] start second 1\n"
                 "[   2] start third 1\n"
                 "[   3] node ready\n");
    assert_state(first, FAILED);
}

static void
answers_and_stops_during_a_start_that_hangs(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        family_of(family_strategies[i], &policy);
        at(0, START_ALL, NOBODY);
        at(1000, START, first);
        assert_int_equal(reply, REPLY_ALREADY_RUNNING);
        at(1000, KILL, first);
        assert_int_equal(reply, REPLY_OK);
        trace_clear();
        at(2000, STOP_ALL, NOBODY);
        at(2001, EXITED, first, KILLED);
        family_obeys(2002);
        assert_non_null(strstr(trace, "node ended shutdown\n"));
        assert_null(strstr(trace, "start "));
        assert_int_equal(node.counts[CHILD_STOPPED], 3);
    }
}

static void
answers_and_stops_while_a_child_fails_every_start(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.strategy = BACKOFF_LINEAR;
    policy.backoff.initial_us = policy.backoff.max_us = 1000;
    struct supervisor_child *worker = child_add("worker", &policy);
    at(0, START_ALL, NOBODY);
    for (uint32_t n = 1; n <= 1000; n++) {
        at(n, EXITED, worker, ERROR);
        assert_state(worker, RESTARTING);
        assert_int_equal(worker->restarts, n);
        at(n, KILL, worker);
        assert_int_equal(reply, REPLY_NOT_RUNNING);
        at(n + 1, TIMER, worker);
        at(n + 1, START, worker);
        assert_int_equal(reply, REPLY_ALREADY_RUNNING);
        trace_clear();
    }
    at(2000, STOP, worker);
    at(2001, EXITED, worker, ERROR);
    assert_state(worker, STOPPED);
    assert_int_equal(worker->restarts, 1000); /* An end while being stopped never counts. */
}

static void
an_ever_failing_start_has_exactly_its_budget_whatever_its_delays(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.backoff.initial_us = policy.backoff.max_us = 3600u * UINT64_C(1000000);
    struct supervisor_child *worker = child_add("worker", &policy);
    at(0, START_ALL, NOBODY);
    uint64_t ms = 0;
    for (int i = 0; i < 3; i++) {
        at(ms, EXITED, worker, ERROR);
        assert_state(worker, RESTARTING);
        ms += 3600u * 1000u;
        at(ms, TIMER, worker);
    }
    at(ms, EXITED, worker, ERROR);
    assert_state(worker, FAILED);
    assert_int_equal(worker->generation, 4);
}

static void
a_start_out_of_time_is_a_failed_start(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.start_timeout_us = 5000000;
    struct supervisor_child *worker = child_add("worker", &policy);
    at(0, START_ALL, NOBODY);
    at(5000, TIMER, worker);
    at(5001, EXITED, worker, KILLED);
    assert_trace("[   0] arm worker 5000ms\n"
                 "[   0] start worker 1\n"
                 "[5000] kill worker timeout\n"
                 "[5001] arm worker 100ms\n");
    assert_int_equal(worker->last_exit.reason, EXIT_TIMEOUT);
}

static void
ignore_at(uint64_t ms, struct supervisor_child *child)
{
    trace_step((struct node_event){ .type = NODE_EXITED,
                                    .now_us = ms * 1000,
                                    .child = child,
                                    .generation = child->generation,
                                    .ignored = true });
}

static void
a_child_that_ignores_its_start_is_stopped_and_holds_up_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        struct child_policy policy = quiet_policy();
        policy.significant = true;
        node_teardown(NULL);
        node_setup(NULL);
        node_set(family_strategies[i], 0, AUTO_SHUTDOWN_ANY); /* It is not an end by itself. */
        family_add(&policy);
        at(0, START_ALL, NOBODY);
        at(1, STARTED, first);
        ignore_at(2, second);
        at(3, STARTED, third);
        assert_non_null(strstr(trace, "[   3] node ready\n"));
        assert_state(second, STOPPED);
        assert_int_equal(second->stop_cause, STOPPED_IGNORED);
        assert_int_equal(second->restarts, 0);

        /* With its supervisor it is asked again. */
        at(10, STOP_ALL, NOBODY);
        family_obeys(11);
        at(20, START_ALL, NOBODY);
        family_obeys(21);
        assert_state(second, RUNNING);
        assert_int_equal(second->generation, 2);
    }
}

static void
what_ignores_its_start_while_it_is_stopped_is_stopped_by_request(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(1, STOP, worker);
    ignore_at(2, worker);
    assert_state(worker, STOPPED);
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
}

static void
what_joins_a_running_group_starts_at_once_and_stands_last(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
    struct supervisor_child *fourth = child_add("fourth", &policy);
    at(5, STARTED, fourth);
    trace_clear();
    at(10, STOP_ALL, NOBODY);
    assert_trace("[  10] node not ready\n"
                 "[  10] stop fourth\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(starts_its_children_in_order_without_waiting),
        a_test(starts_each_child_of_a_group_when_the_one_before_is_ready),
        a_test(a_start_that_fails_in_the_middle_holds_up_nobody),
        a_test(a_start_that_fails_in_the_middle_of_one_for_all_begins_all_again),
        a_test(a_start_that_fails_in_the_middle_of_rest_for_one_leaves_those_before),
        a_test(the_next_start_goes_on_past_one_that_has_failed_for_good),
        a_test(answers_and_stops_during_a_start_that_hangs),
        a_test(answers_and_stops_while_a_child_fails_every_start),
        a_test(an_ever_failing_start_has_exactly_its_budget_whatever_its_delays),
        a_test(a_start_out_of_time_is_a_failed_start),
        a_test(a_child_that_ignores_its_start_is_stopped_and_holds_up_nobody),
        a_test(what_ignores_its_start_while_it_is_stopped_is_stopped_by_request),
        a_test(what_joins_a_running_group_starts_at_once_and_stands_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
