/* Restart: which exits lead to a next instance, when, and what the events say of it. */
#include "trace.h"

static void
starts_its_children_in_order(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    child_add("first", &policy);
    child_add("second", &policy);
    at(0, START_ALL, NOBODY);
    assert_trace("[   0] arm first 10000ms\n"
                 "[   0] start first 1\n"
                 "[   0] arm second 10000ms\n"
                 "[   0] start second 1\n");
    assert_events("[   0] first registered\n"
                  "[   0] second registered\n"
                  "[   0] first starting\n"
                  "[   0] second starting\n");
}

static void
is_ready_at_once_when_started(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(5, STARTED, worker);
    assert_trace("[   5] disarm worker\n"
                 "[   5] node ready\n");
    assert_events("[   5] worker started\n"
                  "[   5] worker ready\n");
    assert_true(worker->ready);
}

static void
is_ready_by_its_probe_where_it_reports_that_and_lives_only_then(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.reports_ready = true;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(5, STARTED, worker);
    assert_int_equal(supervisor_child_lived_us(worker, 5000), 0);
    at(10, READY, worker);
    at(10, DEGRADED, worker);
    at(30, HEALTH_FAILED, worker);
    at(30, NOT_READY, worker);
    at(90, EXITED, worker, UNHEALTHY);
    assert_events("[   5] worker started\n"
                  "[  10] worker ready\n"
                  "[  10] worker degraded\n"
                  "[  30] worker health-failed\n"
                  "[  30] worker not-ready\n"
                  "[  90] worker exited unhealthy\n"
                  "[  90] worker restart-scheduled 100ms\n");
    assert_int_equal(supervisor_child_lived_us(worker, 90000), 20000);
}

static void
restarts_a_trapped_child_after_its_delay(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, TRAP);
    at(110, TIMER, worker);
    at(115, STARTED, worker);
    assert_trace("[  10] arm worker 100ms\n"
                 "[  10] node not ready\n"
                 "[ 110] arm worker 10000ms\n"
                 "[ 110] start worker 2\n"
                 "[ 115] disarm worker\n"
                 "[ 115] node ready\n");
    assert_events("[  10] worker exited trap\n"
                  "[  10] worker restart-scheduled 100ms\n"
                  "[ 110] worker starting\n"
                  "[ 115] worker started\n"
                  "[ 115] worker ready\n");
    assert_int_equal(worker->restarts, 1);
}

static void
starts_in_the_same_step_when_the_delay_is_zero(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, ERROR);
    assert_trace("[  10] node not ready\n"
                 "[  10] arm worker 10000ms\n"
                 "[  10] start worker 2\n");
    assert_events("[  10] worker exited error\n"
                  "[  10] worker restart-scheduled 0ms\n"
                  "[  10] worker starting\n");
}

static void
arms_no_timer_for_a_start_without_timeout(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.start_timeout_us = DURATION_INFINITE;
    child_add("worker", &policy);
    at(0, START_ALL, NOBODY);
    assert_trace("[   0] start worker 1\n");
}

static void
restarts_a_permanent_child_after_a_normal_end(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, NORMAL);
    assert_state(worker, RESTARTING);
}

static void
leaves_a_transient_child_after_a_normal_end(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.restart = RESTART_TRANSIENT;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, NORMAL);
    assert_events("[  10] worker exited normal\n"
                  "[  10] worker stopped normal\n");
    assert_int_equal(worker->stop_cause, STOPPED_ENDED);
}

static void
restarts_a_transient_child_after_every_abnormal_end(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.restart = RESTART_TRANSIENT;
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    static const enum exit_reason abnormal[] = { EXIT_ERROR,         EXIT_TRAP,      EXIT_TIMEOUT,
                                                 EXIT_OUT_OF_MEMORY, EXIT_UNHEALTHY, EXIT_KILLED,
                                                 EXIT_ESCALATED,     EXIT_HOST_LOST };
    for (size_t i = 0; i < sizeof abnormal / sizeof abnormal[0]; i++) {
        at(i, STARTED, worker);
        trace_at(i, NODE_EXITED, worker, abnormal[i]);
        assert_int_equal(worker->generation, i + 2);
        assert_state(worker, STARTING);
    }
}

static void
never_restarts_a_temporary_child(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.restart = RESTART_TEMPORARY;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, TRAP);
    assert_events("[  10] worker exited trap\n"
                  "[  10] worker stopped trap\n");
    assert_int_equal(worker->stop_cause, STOPPED_TEMPORARY);
}

static void
counts_a_failed_start_as_an_exit(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10, EXITED, worker, ERROR);
    assert_trace("[  10] disarm worker\n"
                 "[  10] arm worker 100ms\n");
    assert_events("[  10] worker exited error\n"
                  "[  10] worker restart-scheduled 100ms\n");
}

static void
kills_a_start_that_takes_too_long_and_calls_it_timeout(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10000, TIMER, worker);
    assert_state(worker, STARTING);
    at(10001, EXITED, worker, KILLED);
    assert_trace("[10000] kill worker timeout\n"
                 "[10001] arm worker 100ms\n");
    assert_events("[10001] worker exited timeout\n"
                  "[10001] worker restart-scheduled 100ms\n");
}

static void
keeps_the_reason_of_a_start_that_failed_while_it_was_being_killed(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10000, TIMER, worker);
    at(10000, EXITED, worker, TRAP);
    assert_int_equal(worker->last_exit.reason, EXIT_TRAP);
}

static void
drops_an_answer_to_a_start_that_is_out_of_time(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10000, TIMER, worker);
    at(10000, STARTED, worker);
    assert_state(worker, STARTING);
    assert_int_equal(node.ignored, 1);
}

static void
fails_at_once_when_the_code_cannot_be_loaded(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10, EXITED, worker, LOAD_ERROR);
    assert_events("[  10] worker exited load-error\n"
                  "[  10] worker failed load-error\n");
    assert_int_equal(worker->restarts, 0);
}

static void
fails_for_a_load_error_while_it_still_waits_for_its_start(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_REGISTERED, &policy);
    at(10, EXITED, worker, TRAP); /* Nothing else can end what has no instance. */
    assert_state(worker, REGISTERED);
    at(10, EXITED, worker, LOAD_ERROR);
    assert_trace("[  10] withdraw worker\n"
                 "[  10] node ready\n"
                 "[  10] node idle\n");
    assert_events("[  10] worker exited load-error\n"
                  "[  10] worker failed load-error\n");
}

static void
fails_for_a_load_error_during_a_delay(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RESTARTING, &policy);
    at(10, EXITED, worker, LOAD_ERROR);
    assert_trace("[  10] disarm worker\n"
                 "[  10] node ready\n"
                 "[  10] node idle\n");
    assert_state(worker, FAILED);
}

static void
drops_what_an_earlier_generation_reports(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, TRAP);
    trace_clear();
    for (enum node_event_type type = NODE_STARTED; type <= NODE_EXITED; type++)
        trace_step(
            (struct node_event){ .type = type, .now_us = 20000, .child = worker, .generation = 1 });
    assert_trace("");
    assert_events("");
    assert_int_equal(node.ignored, 6);
}

static void
asks_for_a_slot_and_gives_it_back_when_the_start_is_over(void **state)
{
    (void)state;
    hold_slots = true;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_add("worker", &policy);
    at(0, START_ALL, NOBODY);
    assert_int_equal(worker->wait, WAIT_POOL);
    at(7, ADMITTED, worker);
    at(9, STARTED, worker);
    at(10, EXITED, worker, TRAP);
    at(110, TIMER, worker);
    assert_trace("[   0] admit worker\n"
                 "[   7] arm worker 10000ms\n" /* The start timeout begins with the slot. */
                 "[   7] start worker 1\n"
                 "[   9] disarm worker\n"
                 "[   9] settled worker\n"
                 "[   9] node ready\n"
                 "[  10] arm worker 100ms\n"
                 "[  10] node not ready\n"
                 "[ 110] admit worker\n");
    assert_state(worker, RESTARTING);
    at(120, ADMITTED, worker);
    at(121, EXITED, worker, ERROR);
    assert_trace("[ 120] arm worker 10000ms\n"
                 "[ 120] start worker 2\n"
                 "[ 121] disarm worker\n"
                 "[ 121] settled worker\n"
                 "[ 121] arm worker 200ms\n");
}

static void
ignores_a_slot_that_it_no_longer_wants(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_REGISTERED, &policy);
    at(1, STOP, worker);
    at(2, ADMITTED, worker);
    assert_trace("[   1] withdraw worker\n"
                 "[   1] node ready\n");
    assert_state(worker, STOPPED);
}

static void
ignores_a_timer_that_it_has_disarmed(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(1, STARTED, worker);
    trace_clear();
    at(10000, TIMER, worker);
    assert_trace("");
    assert_state(worker, RUNNING);
}

static void
arms_again_a_timer_that_came_early(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RESTARTING, &policy);
    at(99, TIMER, worker);
    assert_trace("[  99] arm worker 1ms\n");
    assert_state(worker, RESTARTING);
}

static void
starts_a_child_that_joins_a_running_node(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    at(0, START_ALL, NOBODY);
    trace_clear();
    struct supervisor_child *worker = child_new("worker", &policy, false);
    at(3, ADD, worker);
    assert_trace("[   3] node not ready\n"
                 "[   3] node not idle\n"
                 "[   3] arm worker 10000ms\n"
                 "[   3] start worker 1\n");
    assert_events("[   3] worker registered\n"
                  "[   3] worker starting\n");
}

static void
says_in_each_event_what_it_left_and_where_it_is(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    struct node_event event = { .type = NODE_EXITED,
                                .now_us = 1000,
                                .child = worker,
                                .generation = 1,
                                .exit = { .reason = EXIT_TRAP, .code = 9 } };
    struct node_actions actions;
    supervisor_node_step(&node, &event, &actions);
    const struct node_action *exited = &actions.items[0], *scheduled = &actions.items[1];
    assert_int_equal(exited->event, EVENT_EXITED);
    assert_int_equal(exited->from, CHILD_RUNNING);
    assert_int_equal(exited->state, CHILD_RUNNING);
    assert_int_equal(exited->generation, 1);
    assert_int_equal(exited->exit.code, 9);
    assert_int_equal(scheduled->event, EVENT_RESTART_SCHEDULED);
    assert_int_equal(scheduled->from, CHILD_RUNNING);
    assert_int_equal(scheduled->state, CHILD_RESTARTING);
    assert_int_equal(scheduled->generation, 1);
    assert_int_equal(scheduled->restarts, 1);
    assert_int_equal(scheduled->budget_used, 1);
    assert_int_equal(scheduled->exit.reason, EXIT_TRAP);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(starts_its_children_in_order),
        a_test(is_ready_at_once_when_started),
        a_test(is_ready_by_its_probe_where_it_reports_that_and_lives_only_then),
        a_test(restarts_a_trapped_child_after_its_delay),
        a_test(starts_in_the_same_step_when_the_delay_is_zero),
        a_test(arms_no_timer_for_a_start_without_timeout),
        a_test(restarts_a_permanent_child_after_a_normal_end),
        a_test(leaves_a_transient_child_after_a_normal_end),
        a_test(restarts_a_transient_child_after_every_abnormal_end),
        a_test(never_restarts_a_temporary_child),
        a_test(counts_a_failed_start_as_an_exit),
        a_test(kills_a_start_that_takes_too_long_and_calls_it_timeout),
        a_test(keeps_the_reason_of_a_start_that_failed_while_it_was_being_killed),
        a_test(drops_an_answer_to_a_start_that_is_out_of_time),
        a_test(fails_at_once_when_the_code_cannot_be_loaded),
        a_test(fails_for_a_load_error_while_it_still_waits_for_its_start),
        a_test(fails_for_a_load_error_during_a_delay),
        a_test(drops_what_an_earlier_generation_reports),
        a_test(asks_for_a_slot_and_gives_it_back_when_the_start_is_over),
        a_test(ignores_a_slot_that_it_no_longer_wants),
        a_test(ignores_a_timer_that_it_has_disarmed),
        a_test(arms_again_a_timer_that_came_early),
        a_test(starts_a_child_that_joins_a_running_node),
        a_test(says_in_each_event_what_it_left_and_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
