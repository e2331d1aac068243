/* Stopping: asked, then killed; what an end in stopping is called; the timeouts. */
#include "trace.h"

static void
asks_and_kills_when_the_time_is_over(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, STOP, worker);
    at(5010, TIMER, worker);
    at(5011, EXITED, worker, KILLED);
    assert_trace("[  10] arm worker 5000ms\n"
                 "[  10] stop worker\n"
                 "[5010] kill worker timeout\n");
    assert_events("[  10] worker stopping\n"
                  "[5011] worker exited timeout\n"
                  "[5011] worker stopped timeout\n");
}

static void
kills_at_once_and_calls_it_shutdown_when_there_is_no_time_to_ask(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.shutdown_us = 0;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, STOP, worker);
    at(11, EXITED, worker, KILLED);
    assert_trace("[  10] kill worker shutdown\n");
    assert_events("[  10] worker stopping\n"
                  "[  11] worker exited shutdown\n"
                  "[  11] worker stopped shutdown\n");
}

static void
waits_for_ever_when_told_so(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.shutdown_us = DURATION_INFINITE;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, STOP, worker);
    assert_trace("[  10] stop worker\n");
    assert_false(worker->timer_armed);
}

static void
leaves_a_start_its_timeout_when_it_waits_for_ever(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.shutdown_us = DURATION_INFINITE;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10, STOP, worker);
    at(10000, TIMER, worker);
    assert_trace("[  10] stop worker\n"
                 "[  10] node ready\n"
                 "[10000] kill worker timeout\n");
}

static void
ends_the_timeout_of_a_start_that_answers_while_it_stops(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.shutdown_us = DURATION_INFINITE;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10, STOP, worker);
    at(11, STARTED, worker);
    assert_trace("[  10] stop worker\n"
                 "[  10] node ready\n"
                 "[  11] disarm worker\n");
    assert_state(worker, STOPPING);
}

static void
keeps_its_stop_timeout_when_a_start_answers_late(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10, STOP, worker);
    at(11, STARTED, worker);
    assert_true(worker->timer_armed);
    assert_int_equal(worker->due_us, 5010 * 1000);
}

static void
gives_the_slot_back_when_a_start_answers_while_it_stops(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    hold_slots = true;
    at(10, STOP, worker);
    at(11, STARTED, worker);
    at(12, EXITED, worker, NORMAL);
    assert_trace("[  10] arm worker 5000ms\n"
                 "[  10] stop worker\n"
                 "[  10] node ready\n"
                 "[  11] settled worker\n" /* Once. */
                 "[  12] disarm worker\n");
}

static void
keeps_the_reason_of_an_abnormal_end_in_stopping(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STOPPING, &policy);
    at(10, EXITED, worker, TRAP);
    assert_events("[  10] worker exited trap\n"
                  "[  10] worker stopped trap\n");
}

static void
asks_for_nothing_more_once_a_kill_is_out(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, KILL, worker);
    at(11, STOP, worker);
    at(12, EXITED, worker, KILLED);
    assert_trace("[  10] kill worker killed\n");
    assert_events("[  11] worker stopping\n"
                  "[  12] worker exited killed\n"
                  "[  12] worker stopped killed\n");
}

static void
keeps_the_first_meaning_of_a_kill(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STOPPING, &policy);
    at(5000, TIMER, worker);
    at(5001, KILL, worker);
    at(5002, EXITED, worker, KILLED);
    assert_trace("[5000] kill worker timeout\n");
    assert_int_equal(worker->last_exit.reason, EXIT_TIMEOUT);
}

static void
forgets_the_meaning_of_a_kill_with_its_exit(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10000, TIMER, worker);
    at(10001, EXITED, worker, KILLED);
    at(10002, STARTED, worker);
    at(10003, KILL, worker);
    at(10004, EXITED, worker, KILLED);
    assert_int_equal(worker->last_exit.reason, EXIT_KILLED);
}

static void
stops_all_in_reverse_order_without_waiting(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *first = child_add("first", &policy);
    struct supervisor_child *second = child_add("second", &policy);
    struct supervisor_child *third = child_add("third", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, first);
    at(0, STARTED, second);
    at(0, EXITED, third, TRAP);
    trace_clear();
    at(10, STOP_ALL, NOBODY);
    at(11, EXITED, first, NORMAL);
    at(12, EXITED, second, NORMAL);
    assert_trace("[  10] disarm third\n"
                 "[  10] arm second 5000ms\n"
                 "[  10] stop second\n"
                 "[  10] arm first 5000ms\n"
                 "[  10] stop first\n"
                 "[  11] disarm first\n"
                 "[  12] disarm second\n"
                 "[  12] node ended shutdown\n");
    assert_int_equal(third->stop_cause, STOPPED_WITH_SUPERVISOR);
    assert_int_equal(first->stop_cause, STOPPED_WITH_SUPERVISOR);
}

static void
ends_at_once_when_nothing_is_alive(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    child_in(CHILD_STOPPED, &policy);
    at(10, STOP_ALL, NOBODY);
    assert_trace("[  10] node not ready\n"
                 "[  10] node ended shutdown\n");
}

static void
joins_a_stop_of_all(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    child_in(CHILD_RUNNING, &policy);
    at(10, STOP_ALL, NOBODY);
    trace_clear();
    at(11, STOP_ALL, NOBODY);
    assert_trace("");
    assert_int_equal(node.ignored, 0);
}

static void
ignores_stop_and_kill_of_a_node_that_has_ended(void **state)
{
    (void)state;
    at(10, STOP_ALL, NOBODY);
    at(10, KILL_ALL, NOBODY);
    assert_trace("");
    assert_int_equal(node.ignored, 2);
}

static void
kills_all_in_reverse_order(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *first = child_add("first", &policy);
    struct supervisor_child *second = child_add("second", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, first);
    trace_clear();
    at(10, KILL_ALL, NOBODY);
    at(11, EXITED, first, KILLED);
    at(12, EXITED, second, KILLED);
    assert_trace("[  10] disarm second\n"
                 "[  10] kill second killed\n"
                 "[  10] kill first killed\n"
                 "[  12] node ended killed\n");
}

static void
kills_what_is_still_stopping(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, STOP_ALL, NOBODY);
    trace_clear();
    trace_at(20, NODE_KILL_ALL, NOBODY, EXIT_TIMEOUT);
    at(21, EXITED, worker, KILLED);
    assert_trace("[  20] disarm worker\n"
                 "[  20] kill worker timeout\n"
                 "[  21] node ended killed\n");
    assert_int_equal(worker->last_exit.reason, EXIT_TIMEOUT);
}

static void
takes_a_restart_by_hand_back_when_all_are_stopped(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, RESTART, worker);
    at(11, STOP_ALL, NOBODY);
    at(12, EXITED, worker, NORMAL);
    assert_state(worker, STOPPED);
    assert_int_equal(worker->stop_cause, STOPPED_WITH_SUPERVISOR);
}

static void
keeps_by_request_what_was_being_stopped_by_request(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STOPPING, &policy);
    at(11, STOP_ALL, NOBODY);
    at(12, EXITED, worker, NORMAL);
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(asks_and_kills_when_the_time_is_over),
        a_test(kills_at_once_and_calls_it_shutdown_when_there_is_no_time_to_ask),
        a_test(waits_for_ever_when_told_so),
        a_test(leaves_a_start_its_timeout_when_it_waits_for_ever),
        a_test(ends_the_timeout_of_a_start_that_answers_while_it_stops),
        a_test(keeps_its_stop_timeout_when_a_start_answers_late),
        a_test(gives_the_slot_back_when_a_start_answers_while_it_stops),
        a_test(keeps_the_reason_of_an_abnormal_end_in_stopping),
        a_test(asks_for_nothing_more_once_a_kill_is_out),
        a_test(keeps_the_first_meaning_of_a_kill),
        a_test(forgets_the_meaning_of_a_kill_with_its_exit),
        a_test(stops_all_in_reverse_order_without_waiting),
        a_test(ends_at_once_when_nothing_is_alive),
        a_test(joins_a_stop_of_all),
        a_test(ignores_stop_and_kill_of_a_node_that_has_ended),
        a_test(kills_all_in_reverse_order),
        a_test(kills_what_is_still_stopping),
        a_test(takes_a_restart_by_hand_back_when_all_are_stopped),
        a_test(keeps_by_request_what_was_being_stopped_by_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
