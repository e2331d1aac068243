/* Group restarts: who is taken along, in which order all of it happens, and what is counted. */
#include "trace.h"

static struct child_policy policy;
static struct supervisor_child *a, *b, *c, *d;

/* Four children, started one after the other; trace and events are empty then. */
static void
four_in(enum strategy strategy)
{
    policy = plain_policy();
    node_set(strategy, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    a = child_add("a", &policy);
    b = child_add("b", &policy);
    c = child_add("c", &policy);
    d = child_add("d", &policy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, a);
    at(2, STARTED, b);
    at(3, STARTED, c);
    at(4, STARTED, d);
    trace_clear();
}

static void
each_start_waits_until_the_one_before_is_ready(void **state)
{
    (void)state;
    policy = plain_policy();
    node_set(STRATEGY_REST_FOR_ONE, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    a = child_add("a", &policy);
    b = child_new("b", &policy, true);
    at(0, ADD, b);
    c = child_add("c", &policy);
    at(0, START_ALL, NOBODY);
    at(5, STARTED, a);
    at(6, STARTED, b); /* A supervisor is ready later. */
    at(9, READY, b);
    assert_events("[   0] a registered\n"
                  "[   0] b registered\n"
                  "[   0] c registered\n"
                  "[   0] b waiting\n"
                  "[   0] c waiting\n"
                  "[   0] a starting\n"
                  "[   5] a started\n"
                  "[   5] a ready\n"
                  "[   5] b starting\n"
                  "[   6] b started\n"
                  "[   9] b ready\n"
                  "[   9] c starting\n");
}

static void
each_stop_waits_until_the_one_after_has_ended(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    at(10, STOP_ALL, NOBODY);
    at(20, EXITED, d);
    at(21, EXITED, b, TRAP); /* Of its own accord, before its turn: it keeps its reason. */
    at(30, EXITED, c);
    at(40, EXITED, a);
    assert_trace("[  10] node not ready\n"
                 "[  10] arm d 5000ms\n"
                 "[  10] stop d\n"
                 "[  20] disarm d\n"
                 "[  20] arm c 5000ms\n"
                 "[  20] stop c\n"
                 "[  30] disarm c\n"
                 "[  30] arm a 5000ms\n"
                 "[  30] stop a\n"
                 "[  40] disarm a\n"
                 "[  40] node ended shutdown\n");
    assert_events("[  10] d stopping\n"
                  "[  20] d exited shutdown\n"
                  "[  20] d stopped shutdown\n"
                  "[  20] c stopping\n"
                  "[  21] b exited trap\n"
                  "[  21] b stopped trap\n"
                  "[  30] c exited shutdown\n"
                  "[  30] c stopped shutdown\n"
                  "[  30] a stopping\n"
                  "[  40] a exited shutdown\n"
                  "[  40] a stopped shutdown\n");
}

static void
one_for_all_stops_in_reverse_and_starts_in_order_when_delay_and_stops_are_over(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    at(10, EXITED, c, TRAP);
    at(20, EXITED, d);
    at(30, EXITED, b);
    at(40, EXITED, a);
    at(110, TIMER, c); /* Counted from its exit. */
    at(111, STARTED, a);
    at(112, STARTED, b);
    at(113, STARTED, c);
    at(114, STARTED, d);
    assert_events("[  10] c exited trap\n"
                  "[  10] c restart-scheduled 100ms\n"
                  "[  10] d stopping\n"
                  "[  20] d exited shutdown\n"
                  "[  20] d restart-scheduled 0ms\n"
                  "[  20] b stopping\n"
                  "[  30] b exited shutdown\n"
                  "[  30] b restart-scheduled 0ms\n"
                  "[  30] a stopping\n"
                  "[  40] a exited shutdown\n"
                  "[  40] a restart-scheduled 0ms\n"
                  "[ 110] c waiting\n"
                  "[ 110] a starting\n"
                  "[ 111] a started\n"
                  "[ 111] a ready\n"
                  "[ 111] b starting\n"
                  "[ 112] b started\n"
                  "[ 112] b ready\n"
                  "[ 112] c starting\n"
                  "[ 113] c started\n"
                  "[ 113] c ready\n"
                  "[ 113] d starting\n"
                  "[ 114] d started\n"
                  "[ 114] d ready\n");
    assert_int_equal(c->restarts, 1);
    assert_int_equal(a->restarts + b->restarts + d->restarts, 0);
    assert_int_equal(a->attempt + b->attempt + d->attempt, 0);
    assert_int_equal(a->generation, 2);
}

static void
rest_for_one_leaves_what_stands_before(void **state)
{
    (void)state;
    four_in(STRATEGY_REST_FOR_ONE);
    at(10, EXITED, c, TRAP);
    at(20, EXITED, d);
    at(110, TIMER, c);
    at(111, STARTED, c);
    assert_events("[  10] c exited trap\n"
                  "[  10] c restart-scheduled 100ms\n"
                  "[  10] d stopping\n"
                  "[  20] d exited shutdown\n"
                  "[  20] d restart-scheduled 0ms\n"
                  "[ 110] c starting\n"
                  "[ 111] c started\n"
                  "[ 111] c ready\n"
                  "[ 111] d starting\n");
    assert_int_equal(a->generation, 1);
    assert_int_equal(b->generation, 1);
}

static bool
is_friend(void *ctx, const struct supervisor_child *failed,
          const struct supervisor_child *candidate)
{
    (void)ctx;
    return (failed == a && candidate == d) || (failed == d && candidate == a);
}

static void
a_predicate_of_the_user_says_who_is_taken_along(void **state)
{
    (void)state;
    supervisor_node_configure(&node,
                              &(struct node_policy){ .strategy = STRATEGY_PREDICATE,
                                                     .affects = is_friend,
                                                     .max_restarts = RESTARTS_UNLIMITED },
                              NULL);
    policy = plain_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    a = child_add("a", &policy);
    b = child_add("b", &policy);
    d = child_add("d", &policy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, a);
    at(2, STARTED, b);
    at(3, STARTED, d);
    trace_clear();
    at(10, EXITED, d, TRAP);
    at(20, EXITED, a);
    at(21, STARTED, a);
    assert_events("[  10] d exited trap\n"
                  "[  10] d restart-scheduled 0ms\n"
                  "[  10] a stopping\n"
                  "[  20] a exited shutdown\n"
                  "[  20] a restart-scheduled 0ms\n"
                  "[  20] a starting\n"
                  "[  21] a started\n"
                  "[  21] a ready\n"
                  "[  21] d starting\n");
    assert_int_equal(b->generation, 1);
}

static void
an_exit_that_is_granted_nothing_takes_nobody_along(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    struct child_policy none = plain_policy();
    none.max_restarts = 0;
    b->policy = &none;
    at(10, EXITED, b, TRAP);
    assert_state(b, FAILED);
    assert_state(a, RUNNING);
    assert_state(d, RUNNING);
}

static void
a_load_error_takes_nobody_along(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    at(10, EXITED, b, LOAD_ERROR);
    assert_state(b, FAILED);
    assert_state(c, RUNNING);
}

/* b ended as `restart` and `reason` have it; then c fails. */
static void
stopped_before_a_group(enum restart_policy restart, enum exit_reason reason)
{
    static struct child_policy other;
    four_in(STRATEGY_ONE_FOR_ALL);
    other = plain_policy();
    other.restart = restart;
    b->policy = &other;
    trace_at(5, NODE_EXITED, b, reason);
    at(10, EXITED, c, TRAP);
    at(20, EXITED, d);
    at(30, EXITED, a);
    at(110, TIMER, c);
    at(111, STARTED, a);
}

static void
a_transient_child_that_ended_joins(void **state)
{
    (void)state;
    stopped_before_a_group(RESTART_TRANSIENT, EXIT_NORMAL);
    assert_state(b, STARTING);
    assert_int_equal(b->restarts, 0);
}

static void
a_temporary_child_that_ended_does_not_join(void **state)
{
    (void)state;
    stopped_before_a_group(RESTART_TEMPORARY, EXIT_TRAP);
    assert_state(b, STOPPED);
    assert_state(c, STARTING);
}

static void
a_failed_child_is_left_alone_and_gone_past(void **state)
{
    (void)state;
    stopped_before_a_group(RESTART_PERMANENT, EXIT_LOAD_ERROR);
    assert_state(b, FAILED);
    assert_state(c, STARTING);
}

static void
a_child_stopped_by_request_does_not_join(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    at(5, STOP, b);
    at(6, EXITED, b);
    at(10, EXITED, c, TRAP);
    at(20, EXITED, d);
    at(30, EXITED, a);
    assert_state(b, STOPPED);
    at(110, TIMER, c);
    at(111, STARTED, a);
    assert_state(c, STARTING);
}

static void
a_running_temporary_child_is_stopped_and_does_not_come_back(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    static struct child_policy temporary;
    temporary = plain_policy();
    temporary.restart = RESTART_TEMPORARY;
    d->policy = &temporary;
    at(10, EXITED, c, TRAP);
    assert_state(d, STOPPING);
    at(20, EXITED, d);
    assert_state(d, STOPPED);
    assert_int_equal(d->stop_cause, STOPPED_TEMPORARY);
}

static void
an_end_before_its_stop_is_not_counted(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    at(10, EXITED, c, TRAP);
    at(15, EXITED, a, TRAP); /* d is stopping. */
    assert_state(a, RESTARTING);
    assert_int_equal(a->restarts, 0);
    at(20, EXITED, d);
    at(30, EXITED, b);
    at(110, TIMER, c);
    assert_state(a, STARTING);
}

static void
a_start_that_fails_in_a_group_is_an_exit_of_that_member(void **state)
{
    (void)state;
    four_in(STRATEGY_REST_FOR_ONE);
    at(10, EXITED, b, TRAP);
    at(20, EXITED, d);
    at(30, EXITED, c);
    at(110, TIMER, b);
    at(111, STARTED, b);
    assert_state(c, STARTING);
    trace_clear();
    at(112, EXITED, c, ERROR);
    assert_int_equal(c->restarts, 1); /* Its own budget and delay. */
    assert_state(b, RUNNING);         /* Before it: left. */
    at(212, TIMER, c);
    at(213, STARTED, c);
    assert_events("[ 112] c exited error\n"
                  "[ 112] c restart-scheduled 100ms\n"
                  "[ 212] c starting\n"
                  "[ 213] c started\n"
                  "[ 213] c ready\n"
                  "[ 213] d starting\n");
    assert_int_equal(d->restarts, 0);
}

static void
a_start_that_fails_stops_all_again_under_one_for_all(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    at(10, EXITED, c, TRAP);
    at(20, EXITED, d);
    at(30, EXITED, b);
    at(40, EXITED, a);
    at(110, TIMER, c);
    at(111, STARTED, a);
    trace_clear();
    at(112, EXITED, b, ERROR);
    at(120, EXITED, a);
    at(212, TIMER, b);
    assert_events("[ 112] b exited error\n"
                  "[ 112] b restart-scheduled 100ms\n"
                  "[ 112] a stopping\n"
                  "[ 120] a exited shutdown\n"
                  "[ 120] a restart-scheduled 0ms\n"
                  "[ 212] b waiting\n"
                  "[ 212] a starting\n");
}

static void
a_larger_group_swallows_a_smaller_one(void **state)
{
    (void)state;
    four_in(STRATEGY_REST_FOR_ONE);
    at(10, EXITED, c, TRAP); /* d is stopping, c waits 100 ms. */
    at(15, EXITED, a, TRAP);
    assert_false(c->timer_armed); /* Its delay is dropped. */
    at(20, EXITED, d);
    at(30, EXITED, b);
    at(115, TIMER, a);
    assert_state(a, STARTING);
    at(116, STARTED, a);
    at(117, STARTED, b);
    assert_state(c, STARTING);
    assert_int_equal(c->restarts, 1);
}

static void
says_because_of_whom(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    static struct node_actions actions;
    supervisor_node_step(&node,
                         &(struct node_event){ .type = NODE_EXITED,
                                               .now_us = 10000,
                                               .child = c,
                                               .generation = 1,
                                               .exit.reason = EXIT_TRAP },
                         &actions);
    for (size_t i = 0; i < actions.size; i++) {
        const struct node_action *action = &actions.items[i];
        if (action->type != ACTION_NOTIFY)
            continue;
        assert_ptr_equal(action->cause, action->child == c ? NULL : c);
        assert_int_equal(action->wait,
                         action->event == EVENT_RESTART_SCHEDULED ? WAIT_TURN : WAIT_NOTHING);
    }
}

static void
a_start_by_hand_does_not_wait_for_its_turn(void **state)
{
    (void)state;
    four_in(STRATEGY_ONE_FOR_ALL);
    at(10, EXITED, c, TRAP);
    at(20, EXITED, d);
    at(21, START, d);
    assert_state(d, STARTING);
    at(30, EXITED, b);
    at(40, EXITED, a);
    at(110, TIMER, c);
    assert_state(a, STARTING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, node_setup, node_teardown)
        TEST(each_start_waits_until_the_one_before_is_ready),
        TEST(each_stop_waits_until_the_one_after_has_ended),
        TEST(one_for_all_stops_in_reverse_and_starts_in_order_when_delay_and_stops_are_over),
        TEST(rest_for_one_leaves_what_stands_before),
        TEST(a_predicate_of_the_user_says_who_is_taken_along),
        TEST(an_exit_that_is_granted_nothing_takes_nobody_along),
        TEST(a_load_error_takes_nobody_along),
        TEST(a_transient_child_that_ended_joins),
        TEST(a_temporary_child_that_ended_does_not_join),
        TEST(a_failed_child_is_left_alone_and_gone_past),
        TEST(a_child_stopped_by_request_does_not_join),
        TEST(a_running_temporary_child_is_stopped_and_does_not_come_back),
        TEST(an_end_before_its_stop_is_not_counted),
        TEST(a_start_that_fails_in_a_group_is_an_exit_of_that_member),
        TEST(a_start_that_fails_stops_all_again_under_one_for_all),
        TEST(a_larger_group_swallows_a_smaller_one),
        TEST(says_because_of_whom),
        TEST(a_start_by_hand_does_not_wait_for_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
