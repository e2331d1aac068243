/* By hand: restart, kill, reset and delete in every state have their defined answers. */
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
restart_stops_and_starts_uncounted_and_without_delay(void **state)
{
    (void)state;
    given(CHILD_RUNNING);
    at(1, RESTART, worker);
    assert_int_equal(reply, REPLY_OK);
    at(4, EXITED, worker, NORMAL);
    assert_trace("[   1] arm worker 5000ms\n"
                 "[   1] stop worker\n"
                 "[   1] node not ready\n"
                 "[   4] disarm worker\n"
                 "[   4] arm worker 10000ms\n"
                 "[   4] start worker 2\n");
    assert_events("[   1] worker stopping\n"
                  "[   4] worker exited shutdown\n"
                  "[   4] worker restart-scheduled 0ms\n"
                  "[   4] worker starting\n");
    assert_int_equal(worker->restarts, 0);
    assert_int_equal(supervisor_child_budget_used(worker, 4000), 0);
}

static void
restart_works_with_an_empty_budget_and_after_an_abnormal_end(void **state)
{
    (void)state;
    given(CHILD_RUNNING);
    policy.max_restarts = 0;
    at(1, RESTART, worker);
    at(2, EXITED, worker, TRAP);
    assert_state(worker, STARTING);
    assert_int_equal(worker->last_exit.reason, EXIT_TRAP);
}

static void
restart_in_starting_begins_again(void **state)
{
    (void)state;
    given(CHILD_STARTING);
    at(1, RESTART, worker);
    at(2, EXITED, worker, SHUTDOWN);
    assert_state(worker, STARTING);
    assert_int_equal(worker->generation, 2);
}

static void
restart_is_at_once_in_restarting(void **state)
{
    (void)state;
    given(CHILD_RESTARTING);
    at(1, RESTART, worker);
    assert_trace("[   1] disarm worker\n"
                 "[   1] arm worker 10000ms\n"
                 "[   1] start worker 2\n");
    assert_int_equal(worker->restarts, 1);
}

static void
kill_ends_a_running_child_as_killed_and_it_counts(void **state)
{
    (void)state;
    given(CHILD_RUNNING);
    at(1, KILL, worker);
    assert_int_equal(reply, REPLY_OK);
    at(1, KILL, worker);
    at(2, EXITED, worker, KILLED);
    assert_trace("[   1] kill worker killed\n"
                 "[   2] arm worker 100ms\n"
                 "[   2] node not ready\n");
    assert_events("[   2] worker exited killed\n"
                  "[   2] worker restart-scheduled 100ms\n");
    assert_int_equal(worker->restarts, 1);
}

static void
kill_ends_a_start_as_killed(void **state)
{
    (void)state;
    given(CHILD_STARTING);
    at(1, KILL, worker);
    at(2, EXITED, worker, KILLED);
    assert_trace("[   1] disarm worker\n"
                 "[   1] kill worker killed\n"
                 "[   2] arm worker 100ms\n");
}

static void
kill_ends_the_time_of_a_stop(void **state)
{
    (void)state;
    given(CHILD_STOPPING);
    at(1, KILL, worker);
    at(2, EXITED, worker, KILLED);
    assert_trace("[   1] disarm worker\n"
                 "[   1] kill worker killed\n");
    assert_events("[   2] worker exited killed\n"
                  "[   2] worker stopped killed\n");
    assert_int_equal(worker->restarts, 0);
}

static void
kill_says_not_running_where_there_is_no_instance(void **state)
{
    (void)state;
    static const enum child_state states[] = { CHILD_REGISTERED, CHILD_RESTARTING, CHILD_STOPPED,
                                               CHILD_FAILED };
    for (size_t i = 0; i < 4; i++) {
        given(states[i]);
        at(1, KILL, worker);
        assert_int_equal(reply, REPLY_NOT_RUNNING);
        assert_trace("");
        assert_events("");
        assert_int_equal(worker->state, states[i]);
    }
}

static void
reset_clears_budget_and_n_and_changes_no_state(void **state)
{
    (void)state;
    static const enum child_state states[] = { CHILD_REGISTERED, CHILD_RESTARTING, CHILD_STARTING,
                                               CHILD_RUNNING,    CHILD_STOPPING,   CHILD_STOPPED };
    for (size_t i = 0; i < 6; i++) {
        given(states[i]);
        worker->restarts = 2;
        worker->attempt = 2;
        worker->grants_taken = 2;
        at(1, RESET, worker);
        assert_int_equal(reply, REPLY_OK);
        assert_trace("");
        assert_events("[   1] worker reset\n");
        assert_int_equal(worker->state, states[i]);
        assert_int_equal(worker->attempt, 0);
        assert_int_equal(worker->restarts, 0);
        assert_int_equal(supervisor_child_budget_used(worker, 1000), 0);
    }
}

static void
reset_makes_a_failed_child_stopped_and_starts_nothing(void **state)
{
    (void)state;
    given(CHILD_FAILED);
    at(1, RESET, worker);
    assert_events("[   1] worker reset\n"
                  "[   1] worker stopped\n");
    assert_trace("[   1] node not idle\n"); /* By request now: the application waits for it. */
}

static void
delete_removes_at_once_what_has_no_instance(void **state)
{
    (void)state;
    static const enum child_state states[] = { CHILD_STOPPED, CHILD_FAILED };
    for (size_t i = 0; i < 2; i++) {
        given(states[i]);
        at(1, DELETE, worker);
        assert_events("[   1] worker deleted\n");
        assert_int_equal(node.counts[states[i]], 0);
        assert_true(list_is_empty(&node.children));
        assert_int_equal(node.by_request, 0);
    }
}

static void
delete_disarms_and_withdraws(void **state)
{
    (void)state;
    given(CHILD_RESTARTING);
    at(1, DELETE, worker);
    assert_trace("[   1] disarm worker\n"
                 "[   1] removed worker\n"
                 "[   1] node ready\n"
                 "[   1] node idle\n");
    given(CHILD_REGISTERED);
    at(1, DELETE, worker);
    assert_trace("[   1] withdraw worker\n"
                 "[   1] removed worker\n"
                 "[   1] node ready\n"
                 "[   1] node idle\n");
}

static void
delete_stops_first(void **state)
{
    (void)state;
    static const enum child_state states[] = { CHILD_STARTING, CHILD_RUNNING };
    for (size_t i = 0; i < 2; i++) {
        given(states[i]);
        at(1, DELETE, worker);
        assert_state(worker, STOPPING);
        at(2, EXITED, worker, NORMAL);
        assert_events("[   1] worker stopping\n"
                      "[   2] worker exited shutdown\n"
                      "[   2] worker deleted shutdown\n");
        assert_true(list_is_empty(&node.children));
    }
}

static void
delete_joins_a_stop(void **state)
{
    (void)state;
    given(CHILD_STOPPING);
    at(1, DELETE, worker);
    at(2, EXITED, worker, TRAP);
    assert_events("[   2] worker exited trap\n"
                  "[   2] worker deleted trap\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(restart_stops_and_starts_uncounted_and_without_delay),
        a_test(restart_works_with_an_empty_budget_and_after_an_abnormal_end),
        a_test(restart_in_starting_begins_again),
        a_test(restart_is_at_once_in_restarting),
        a_test(kill_ends_a_running_child_as_killed_and_it_counts),
        a_test(kill_ends_a_start_as_killed),
        a_test(kill_ends_the_time_of_a_stop),
        a_test(kill_says_not_running_where_there_is_no_instance),
        a_test(reset_clears_budget_and_n_and_changes_no_state),
        a_test(reset_makes_a_failed_child_stopped_and_starts_nothing),
        a_test(delete_removes_at_once_what_has_no_instance),
        a_test(delete_disarms_and_withdraws),
        a_test(delete_stops_first),
        a_test(delete_joins_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
