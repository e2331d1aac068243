/* Stops, as OTP's `shutdown` has them and semantics.md restates them: a time, at once, or for
 * ever; reversed order; what an end in stopping is called. */
#include "family.h"

/* What ends in stopping keeps its reason, unless it went normally: then it is a shutdown. */
static void
a_child_that_ends_by_itself_during_the_stop_keeps_its_reason(void **state)
{
    (void)state;
    for (int reason = EXIT_NORMAL; reason <= EXIT_HOST_LOST; reason++) {
        struct child_policy policy = plain_policy();
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *worker = child_in(CHILD_STOPPING, &policy);
        trace_at(10, NODE_EXITED, worker, (enum exit_reason)reason);
        assert_state(worker, STOPPED);
        assert_int_equal(worker->last_exit.reason, reason == EXIT_NORMAL ? EXIT_SHUTDOWN : reason);
        assert_int_equal(worker->restarts, 0);
        assert_trace("[  10] disarm worker\n");
    }
}

static const struct {
    const char *name;
    uint64_t shutdown_us;
    bool obeys;
    const char *trace;
    enum exit_reason exit;
} stops[] = {
    { "a time, and it obeys", 3000000, true,
      "[   0] arm worker 3000ms\n[   0] stop worker\n[   1] disarm worker\n", EXIT_SHUTDOWN },
    { "a time, and it does not", 3000000, false,
      "[   0] arm worker 3000ms\n[   0] stop worker\n[3000] kill worker timeout\n", EXIT_TIMEOUT },
    { "kill", 0, false, "[   0] kill worker shutdown\n", EXIT_SHUTDOWN },
    { "infinity", DURATION_INFINITE, true, "[   0] stop worker\n", EXIT_SHUTDOWN },
};

static void
stops_with_a_time_at_once_or_for_ever(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct child_policy policy = plain_policy();
        policy.shutdown_us = stops[i].shutdown_us;
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
        at(0, STOP, worker);
        assert_state(worker, STOPPING);
        if (stops[i].obeys) {
            at(1, EXITED, worker, NORMAL);
        } else {
            at(3000, TIMER, worker); /* With `kill` there is none, and it is ignored. */
            at(3001, EXITED, worker, KILLED);
        }
        print_message("%s\n", stops[i].name);
        assert_trace(stops[i].trace);
        assert_state(worker, STOPPED);
        assert_int_equal(worker->last_exit.reason, stops[i].exit);
    }
}

static void
stops_in_reverse_order_without_waiting(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ONE, &policy);
    at(10, STOP_ALL, NOBODY);
    family_obeys(11);
    assert_trace("[  10] node not ready\n"
                 "[  10] stop third\n"
                 "[  10] stop second\n"
                 "[  10] stop first\n"
                 "[  11] node ended shutdown\n");
}

static void
stops_each_child_of_a_group_when_the_one_after_it_has_ended(void **state)
{
    (void)state;
    static const enum strategy groups[] = { STRATEGY_ONE_FOR_ALL, STRATEGY_REST_FOR_ONE };
    struct child_policy policy = quiet_policy();
    for (int i = 0; i < 2; i++) {
        running_family_of(groups[i], &policy);
        at(10, STOP_ALL, NOBODY);
        at(20, EXITED, third, NORMAL);
        at(30, EXITED, second, NORMAL);
        at(40, EXITED, first, NORMAL);
        assert_trace("[  10] node not ready\n"
                     "[  10] stop third\n"
                     "[  20] stop second\n"
                     "[  30] stop first\n"
                     "[  40] node ended shutdown\n");
    }
}

static void
a_member_that_ends_before_its_turn_to_stop_holds_up_nobody(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(10, STOP_ALL, NOBODY);
    at(11, EXITED, second, TRAP);
    at(20, EXITED, third, NORMAL);
    at(30, EXITED, first, NORMAL);
    assert_trace("[  10] node not ready\n"
                 "[  10] stop third\n"
                 "[  20] stop first\n"
                 "[  30] node ended shutdown\n");
    assert_int_equal(second->last_exit.reason, EXIT_TRAP);
    assert_int_equal(second->restarts, 0);
}

static void
a_child_that_waits_is_stopped_at_once_and_its_timer_disarmed(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RESTARTING, &policy);
    at(10, STOP_ALL, NOBODY);
    assert_trace("[  10] disarm worker\n"
                 "[  10] node ended shutdown\n");
    at(100, TIMER, worker);
    assert_trace("");
    assert_state(worker, STOPPED);
}

static void
killed_all_it_asks_nobody(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        running_family_of(family_strategies[i], &policy);
        at(10, KILL_ALL, NOBODY);
        assert_trace("[  10] node not ready\n"
                     "[  10] kill third killed\n"
                     "[  10] kill second killed\n"
                     "[  10] kill first killed\n");
        at(11, EXITED, first, KILLED);
        at(11, EXITED, third, KILLED);
        at(11, EXITED, second, KILLED);
        assert_trace("[  11] node ended killed\n");
    }
}

/* By request stays through the restart of the supervisor; with it comes back. */
static void
what_was_stopped_by_request_stays_so_when_its_supervisor_starts_again(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        running_family_of(family_strategies[i], &policy);
        at(1, STOP, second);
        family_obeys(1);
        at(2, STOP_ALL, NOBODY);
        family_obeys(3);
        trace_clear();
        at(10, START_ALL, NOBODY);
        family_obeys(11);
        assert_state(first, RUNNING);
        assert_state(second, STOPPED);
        assert_state(third, RUNNING);
        assert_int_equal(second->stop_cause, STOPPED_BY_REQUEST);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(a_child_that_ends_by_itself_during_the_stop_keeps_its_reason),
        a_test(stops_with_a_time_at_once_or_for_ever),
        a_test(stops_in_reverse_order_without_waiting),
        a_test(stops_each_child_of_a_group_when_the_one_after_it_has_ended),
        a_test(a_member_that_ends_before_its_turn_to_stop_holds_up_nobody),
        a_test(a_child_that_waits_is_stopped_at_once_and_its_timer_disarmed),
        a_test(killed_all_it_asks_nobody),
        a_test(what_was_stopped_by_request_stays_so_when_its_supervisor_starts_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
