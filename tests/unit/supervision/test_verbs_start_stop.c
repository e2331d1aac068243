/* By hand: start and stop in every state have their defined answers. */
#include "trace.h"

static struct child_policy policy;
static struct supervisor_child *worker;

static void
given(enum child_state state)
{
    node_teardown(NULL);
    node_setup(NULL);
    policy = plain_policy();
    worker = child_in(state, &policy);
}

static void
start_is_at_once_for_a_child_that_waits_for_a_slot(void **state)
{
    (void)state;
    given(CHILD_REGISTERED);
    at(1, START, worker);
    assert_int_equal(reply, REPLY_OK);
    assert_trace("");
    assert_state(worker, REGISTERED);
}

static void
start_cuts_a_delay_short_and_forgives_nothing(void **state)
{
    (void)state;
    given(CHILD_RESTARTING);
    at(1, START, worker);
    assert_int_equal(reply, REPLY_OK);
    assert_trace("[   1] disarm worker\n"
                 "[   1] arm worker 10000ms\n"
                 "[   1] start worker 2\n");
    assert_events("[   1] worker waiting 0ms\n"
                  "[   1] worker starting\n");
    assert_int_equal(worker->restarts, 1);
    assert_int_equal(worker->attempt, 1);
    assert_int_equal(supervisor_child_budget_used(worker, 1000), 1);
}

static void
start_waits_for_the_slot_that_a_restart_asked_for_already(void **state)
{
    (void)state;
    given(CHILD_RESTARTING);
    hold_slots = true;
    at(100, TIMER, worker);
    at(101, START, worker);
    assert_int_equal(reply, REPLY_OK);
    assert_trace("[ 100] admit worker\n");
}

static void
start_says_already_running_in_starting_and_running(void **state)
{
    (void)state;
    given(CHILD_STARTING);
    at(1, START, worker);
    assert_int_equal(reply, REPLY_ALREADY_RUNNING);
    given(CHILD_RUNNING);
    at(1, START, worker);
    assert_int_equal(reply, REPLY_ALREADY_RUNNING);
    assert_trace("");
}

static void
start_says_busy_in_stopping(void **state)
{
    (void)state;
    given(CHILD_STOPPING);
    at(1, START, worker);
    assert_int_equal(reply, REPLY_BUSY);
    at(2, RESTART, worker);
    assert_int_equal(reply, REPLY_BUSY);
    assert_trace("");
}

static void
start_and_restart_begin_afresh_from_stopped_and_failed(void **state)
{
    (void)state;
    static const enum child_state states[] = { CHILD_STOPPED, CHILD_FAILED };
    static const enum node_event_type verbs[] = { NODE_START, NODE_RESTART };
    for (size_t i = 0; i < 4; i++) {
        given(states[i / 2]);
        worker->restarts = 2;
        worker->attempt = 2;
        worker->grants_taken = 2;
        uint32_t generation = worker->generation;
        trace_at(1, verbs[i % 2], worker, EXIT_NORMAL);
        assert_int_equal(reply, REPLY_OK);
        assert_events("[   1] worker registered\n"
                      "[   1] worker starting\n");
        assert_int_equal(worker->restarts, 0);
        assert_int_equal(worker->attempt, 0);
        assert_int_equal(supervisor_child_budget_used(worker, 1000), 0);
        assert_int_equal(worker->generation, generation + 1);
        assert_int_equal(node.by_request, 0);
    }
}

static void
start_in_a_supervisor_that_is_down_waits_for_it(void **state)
{
    (void)state;
    given(CHILD_STOPPED);
    at(1, STOP_ALL, NOBODY);
    at(2, START, worker);
    assert_int_equal(reply, REPLY_OK);
    assert_state(worker, REGISTERED);
    trace_clear();
    at(3, START_ALL, NOBODY);
    assert_events("[   3] worker starting\n");
}

static void
stop_cancels_a_start_that_has_no_slot_yet(void **state)
{
    (void)state;
    given(CHILD_REGISTERED);
    at(1, STOP, worker);
    assert_int_equal(reply, REPLY_OK);
    assert_trace("[   1] withdraw worker\n"
                 "[   1] node ready\n");
    assert_events("[   1] worker stopped\n");
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
}

static void
stop_disarms_a_wait(void **state)
{
    (void)state;
    given(CHILD_RESTARTING);
    at(1, STOP, worker);
    assert_trace("[   1] disarm worker\n"
                 "[   1] node ready\n");
    assert_events("[   1] worker stopped\n");
    at(100, TIMER, worker);
    assert_state(worker, STOPPED);
}

static void
stop_cancels_a_start_under_way(void **state)
{
    (void)state;
    given(CHILD_STARTING);
    at(1, STOP, worker);
    at(2, EXITED, worker, SHUTDOWN);
    assert_trace("[   1] arm worker 5000ms\n"
                 "[   1] stop worker\n"
                 "[   1] node ready\n"
                 "[   2] disarm worker\n");
    assert_events("[   1] worker stopping\n"
                  "[   2] worker exited shutdown\n"
                  "[   2] worker stopped shutdown\n");
}

static void
stop_ends_a_running_child_for_good(void **state)
{
    (void)state;
    given(CHILD_RUNNING);
    at(1, STOP, worker);
    at(2, EXITED, worker, NORMAL);
    assert_trace("[   1] arm worker 5000ms\n"
                 "[   1] stop worker\n"
                 "[   2] disarm worker\n");
    assert_events("[   1] worker stopping\n"
                  "[   2] worker exited shutdown\n"
                  "[   2] worker stopped shutdown\n");
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(node.by_request, 1);
}

static void
stop_joins_a_stop(void **state)
{
    (void)state;
    given(CHILD_STOPPING);
    at(1, STOP, worker);
    assert_int_equal(reply, REPLY_OK);
    assert_trace("");
}

static void
stop_turns_a_restart_under_way_into_a_stop(void **state)
{
    (void)state;
    given(CHILD_RUNNING);
    at(1, RESTART, worker);
    at(2, STOP, worker);
    at(3, EXITED, worker, NORMAL);
    assert_state(worker, STOPPED);
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
}

static void
stop_takes_no_delete_back(void **state)
{
    (void)state;
    given(CHILD_RUNNING);
    at(1, DELETE, worker);
    at(2, STOP, worker);
    at(3, EXITED, worker, NORMAL);
    assert_events("[   1] worker stopping\n"
                  "[   3] worker exited shutdown\n"
                  "[   3] worker deleted shutdown\n");
}

static void
stop_is_fine_when_stopped_and_keeps_it_so(void **state)
{
    (void)state;
    given(CHILD_RUNNING);
    policy.restart = RESTART_TRANSIENT;
    at(1, EXITED, worker, NORMAL);
    assert_int_equal(worker->stop_cause, STOPPED_ENDED);
    trace_clear();
    at(2, STOP, worker);
    assert_int_equal(reply, REPLY_OK);
    assert_events("");
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(node.by_request, 1);
    at(3, STOP, worker);
    assert_int_equal(node.by_request, 1);
}

static void
stop_makes_a_failed_child_stopped(void **state)
{
    (void)state;
    given(CHILD_FAILED);
    at(1, STOP, worker);
    assert_events("[   1] worker stopped\n");
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(start_is_at_once_for_a_child_that_waits_for_a_slot),
        a_test(start_cuts_a_delay_short_and_forgives_nothing),
        a_test(start_waits_for_the_slot_that_a_restart_asked_for_already),
        a_test(start_says_already_running_in_starting_and_running),
        a_test(start_says_busy_in_stopping),
        a_test(start_and_restart_begin_afresh_from_stopped_and_failed),
        a_test(start_in_a_supervisor_that_is_down_waits_for_it),
        a_test(stop_cancels_a_start_that_has_no_slot_yet),
        a_test(stop_disarms_a_wait),
        a_test(stop_cancels_a_start_under_way),
        a_test(stop_ends_a_running_child_for_good),
        a_test(stop_joins_a_stop),
        a_test(stop_turns_a_restart_under_way_into_a_stop),
        a_test(stop_takes_no_delete_back),
        a_test(stop_is_fine_when_stopped_and_keeps_it_so),
        a_test(stop_makes_a_failed_child_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
