/* Dependencies, as a node sees them: a start that waits for them, and goes on by itself; what
 * losing one does to a child in each state; what others are told of a child they depend on. */
#include "trace.h"

static struct child_policy policy;
static struct supervisor_child *a, *b, *c;

static struct supervisor_child *
add_unmet(const char *name)
{
    struct supervisor_child *child = child_new(name, &policy, false);
    child->unmet = true;
    at(0, ADD, child);
    return child;
}

static void
a_start_waits_until_the_dependency_is_met(void **state)
{
    (void)state;
    policy = plain_policy();
    a = add_unmet("a");
    at(1, START_ALL, NOBODY);
    assert_state(a, REGISTERED);
    assert_int_equal(a->wait, WAIT_DEPENDENCY);
    assert_trace("");
    at(90, DEPENDENCY_MET, a);
    assert_trace("[  90] arm a 10000ms\n" /* The start timeout begins only now. */
                 "[  90] start a 1\n");
    assert_events("[   0] a registered\n"
                  "[   1] a waiting dependency\n"
                  "[  90] a starting\n");
}

static void
a_dependency_met_before_the_start_is_not_waited_for(void **state)
{
    (void)state;
    policy = plain_policy();
    a = add_unmet("a");
    at(1, DEPENDENCY_MET, a);
    at(2, START_ALL, NOBODY);
    assert_state(a, STARTING);
}

static void
a_restart_waits_behind_its_delay(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_RUNNING, &policy);
    at(1, DEPENDENCY_LOST, a); /* Up, it does not mind. */
    assert_state(a, RUNNING);
    at(10, EXITED, a, TRAP);
    at(110, TIMER, a);
    at(200, DEPENDENCY_MET, a);
    assert_events("[  10] worker exited trap\n"
                  "[  10] worker restart-scheduled 100ms\n"
                  "[ 110] worker waiting dependency\n"
                  "[ 200] worker starting\n");
    assert_int_equal(a->restarts, 1);
}

static void
a_dependency_lost_while_it_waits_for_the_pool_takes_the_place_back(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_REGISTERED, &policy);
    hold_slots = true;
    at(5, DEPENDENCY_LOST, a);
    at(6, ADMITTED, a); /* It had come already. */
    assert_state(a, REGISTERED);
    at(7, DEPENDENCY_MET, a);
    at(8, ADMITTED, a);
    assert_trace("[   5] withdraw worker\n"
                 "[   7] admit worker\n"
                 "[   8] arm worker 10000ms\n"
                 "[   8] start worker 1\n");
    assert_events("[   5] worker waiting dependency\n"
                  "[   8] worker starting\n");
}

static void
a_start_by_hand_does_not_override_a_dependency(void **state)
{
    (void)state;
    policy = plain_policy();
    a = add_unmet("a");
    at(1, START_ALL, NOBODY);
    at(2, START, a);
    assert_int_equal(reply, REPLY_OK);
    at(3, RESTART, a);
    at(4, KILL, a);
    assert_int_equal(reply, REPLY_NOT_RUNNING);
    assert_state(a, REGISTERED);
    at(5, STOP, a);
    assert_state(a, STOPPED);
    at(6, DEPENDENCY_MET, a); /* Stopped by request: it stays. */
    assert_state(a, STOPPED);
    at(7, DEPENDENCY_LOST, a);
    at(8, START, a);
    assert_int_equal(a->wait, WAIT_DEPENDENCY);
    trace_clear();
    at(9, DELETE, a);
    assert_trace("[   9] removed a\n"
                 "[   9] node ready\n"
                 "[   9] node idle\n");
}

static void
a_start_by_hand_drops_the_delay_alone(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_RESTARTING, &policy);
    at(1, DEPENDENCY_LOST, a);
    at(2, START, a);
    assert_events("[   2] worker waiting 0ms\n"
                  "[   2] worker waiting dependency\n");
    assert_trace("[   2] disarm worker\n");
    at(3, DEPENDENCY_MET, a);
    assert_state(a, STARTING);
}

static void
a_waiting_child_keeps_its_supervisor_from_ready_and_from_idle(void **state)
{
    (void)state;
    policy = plain_policy();
    a = add_unmet("a");
    at(1, START_ALL, NOBODY);
    assert_trace("");
    at(2, DEPENDENCY_MET, a);
    at(3, STARTED, a);
    assert_trace("[   2] arm a 10000ms\n"
                 "[   2] start a 1\n"
                 "[   3] disarm a\n"
                 "[   3] node ready\n");
}

static void
a_supervisor_that_stops_does_not_wait_for_who_waits(void **state)
{
    (void)state;
    policy = plain_policy();
    a = add_unmet("a");
    at(1, START_ALL, NOBODY);
    at(2, STOP_ALL, NOBODY);
    assert_trace("[   2] node ended shutdown\n");
    at(3, DEPENDENCY_MET, a); /* Not before its supervisor starts again. */
    assert_state(a, STOPPED);
    at(4, DEPENDENCY_LOST, a);
    at(5, START_ALL, NOBODY);
    assert_state(a, REGISTERED);
    assert_int_equal(a->wait, WAIT_DEPENDENCY);
}

static void
in_a_group_the_turn_stops_at_it_and_the_next_wait_for_their_turn(void **state)
{
    (void)state;
    policy = plain_policy();
    node_set(STRATEGY_REST_FOR_ONE, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    a = child_add("a", &policy);
    b = add_unmet("b");
    c = child_add("c", &policy);
    at(1, START_ALL, NOBODY);
    at(2, STARTED, a);
    assert_int_equal(b->wait, WAIT_DEPENDENCY);
    assert_int_equal(c->wait, WAIT_TURN);
    at(3, DEPENDENCY_MET, b);
    at(4, STARTED, b);
    at(5, STARTED, c);
    assert_events("[   0] a registered\n"
                  "[   0] b registered\n"
                  "[   0] c registered\n"
                  "[   1] b waiting\n"
                  "[   1] c waiting\n"
                  "[   1] a starting\n"
                  "[   2] a started\n"
                  "[   2] a ready\n"
                  "[   2] b waiting dependency\n"
                  "[   3] b starting\n"
                  "[   4] b started\n"
                  "[   4] b ready\n"
                  "[   4] c starting\n"
                  "[   5] c started\n"
                  "[   5] c ready\n");
}

static void
a_group_restart_takes_along_who_waits_for_a_dependency(void **state)
{
    (void)state;
    policy = plain_policy();
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    a = child_add("a", &policy);
    b = add_unmet("b");
    at(1, START_ALL, NOBODY);
    at(2, STARTED, a);
    trace_clear();
    at(10, EXITED, a, TRAP);
    assert_int_equal(b->wait, WAIT_TURN);
    at(110, TIMER, a);
    at(111, STARTED, a);
    assert_int_equal(b->wait, WAIT_DEPENDENCY);
    at(120, DEPENDENCY_MET, b);
    at(121, STARTED, b);
    assert_state(b, RUNNING);
    assert_int_equal(b->restarts, 0);
}

/* ---- when-dependency-restarts ---- */

static struct supervisor_child *
follower_in(enum child_state state)
{
    policy = plain_policy();
    policy.when_dependency_restarts = DEPENDENCY_RESTART;
    return child_in(state, &policy);
}

static void
left_alone_it_runs_on_when_a_dependency_exits(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_RUNNING, &policy);
    at(1, DEPENDENCY_EXITED, a);
    at(1, DEPENDENCY_LOST, a);
    assert_state(a, RUNNING);
    assert_events("");
}

static void
a_follower_is_stopped_uncounted_and_started_when_it_is_met_again(void **state)
{
    (void)state;
    a = follower_in(CHILD_RUNNING);
    at(1, EXITED, a, TRAP); /* One restart of its own. */
    at(101, TIMER, a);
    at(102, STARTED, a);
    trace_clear();
    at(200, DEPENDENCY_EXITED, a);
    at(200, DEPENDENCY_LOST, a);
    at(210, EXITED, a);
    at(300, DEPENDENCY_MET, a);
    at(301, STARTED, a);
    assert_events("[ 200] worker stopping\n"
                  "[ 210] worker exited shutdown\n"
                  "[ 210] worker restart-scheduled 0ms\n"
                  "[ 210] worker waiting dependency\n"
                  "[ 300] worker starting\n"
                  "[ 301] worker started\n"
                  "[ 301] worker ready\n");
    assert_int_equal(a->restarts, 1);
    assert_int_equal(a->attempt, 1);
    assert_int_equal(supervisor_child_budget_used(a, 301000), 1);
}

static void
a_dependency_that_is_up_again_already_is_not_waited_for(void **state)
{
    (void)state;
    a = follower_in(CHILD_STARTING);
    at(1, DEPENDENCY_EXITED, a);
    assert_state(a, STOPPING);
    at(2, EXITED, a, TRAP); /* An end while being stopped never counts. */
    assert_state(a, STARTING);
    assert_int_equal(a->restarts, 0);
    assert_int_equal(a->generation, 2);
}

static void
a_stop_and_the_end_of_its_supervisor_join_the_stop_of_a_follower(void **state)
{
    (void)state;
    a = follower_in(CHILD_RUNNING);
    at(1, DEPENDENCY_EXITED, a);
    at(2, STOP, a);
    at(3, EXITED, a);
    assert_state(a, STOPPED);
    assert_int_equal(a->stop_cause, STOPPED_BY_REQUEST);
    at(4, START, a);
    at(5, STARTED, a);
    at(6, DEPENDENCY_EXITED, a);
    at(7, STOP_ALL, NOBODY);
    at(8, EXITED, a);
    assert_state(a, STOPPED);
    assert_int_equal(a->stop_cause, STOPPED_WITH_SUPERVISOR);
    assert_int_equal(node.state, NODE_STOPPED);
}

static void
a_follower_that_was_killed_has_an_exit_that_counts(void **state)
{
    (void)state;
    a = follower_in(CHILD_RUNNING);
    at(1, KILL, a);
    at(2, DEPENDENCY_EXITED, a);
    at(3, EXITED, a, KILLED);
    assert_state(a, RESTARTING);
    assert_int_equal(a->restarts, 1);
}

static void
its_supervisor_is_not_ready_while_a_follower_comes_back(void **state)
{
    (void)state;
    a = follower_in(CHILD_RUNNING);
    at(1, DEPENDENCY_EXITED, a);
    assert_trace("[   1] arm worker 5000ms\n"
                 "[   1] stop worker\n"
                 "[   1] node not ready\n");
}

/* ---- What dependants are told ---- */

static struct supervisor_child *
add_told(enum restart_policy restart)
{
    policy = plain_policy();
    policy.restart = restart;
    a = child_new("a", &policy, false);
    a->depended_on = true;
    at(0, ADD, a);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, a);
    return a;
}

static void
a_child_is_met_while_it_is_ready(void **state)
{
    (void)state;
    policy = plain_policy();
    policy.reports_ready = true;
    a = child_new("a", &policy, false);
    a->depended_on = true;
    at(0, ADD, a);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, a);
    at(2, READY, a);
    at(3, NOT_READY, a);
    at(4, READY, a);
    at(5, EXITED, a, TRAP);
    assert_trace("[   0] arm a 10000ms\n"
                 "[   0] start a 1\n"
                 "[   1] disarm a\n"
                 "[   2] tell a met\n"
                 "[   2] node ready\n"
                 "[   3] tell a not met\n"
                 "[   3] node not ready\n"
                 "[   4] tell a met\n"
                 "[   4] node ready\n"
                 "[   5] tell a exited\n"
                 "[   5] arm a 100ms\n"
                 "[   5] node not ready\n");
}

static void
one_that_ended_as_normal_is_met_unless_it_is_permanent(void **state)
{
    (void)state;
    add_told(RESTART_TRANSIENT);
    trace_clear();
    at(5, EXITED, a, NORMAL);
    assert_trace("[   5] tell a exited\n"
                 "[   5] tell a met\n"
                 "[   5] node idle\n");
    at(6, STOP, a); /* By request: not to be relied on. */
    assert_trace("[   6] tell a not met\n"
                 "[   6] node not idle\n");

    node_setup(NULL);
    add_told(RESTART_TEMPORARY);
    at(5, EXITED, a, NORMAL);
    assert_true(a->told_met);

    static const struct exit_rule rule = { .reason = EXIT_NORMAL, .action = EXIT_DO_STOP };
    node_setup(NULL);
    add_told(RESTART_PERMANENT);
    policy.rules = &rule;
    policy.rules_size = 1;
    at(5, EXITED, a, NORMAL);
    assert_state(a, STOPPED);
    assert_false(a->told_met);
}

static void
one_that_ended_badly_or_was_stopped_is_not_met(void **state)
{
    (void)state;
    add_told(RESTART_TEMPORARY);
    at(5, EXITED, a, TRAP);
    assert_state(a, STOPPED);
    assert_false(a->told_met);

    node_setup(NULL);
    add_told(RESTART_TRANSIENT);
    at(5, STOP, a);
    at(6, EXITED, a, NORMAL); /* Asked to: `shutdown`. */
    assert_false(a->told_met);
}

static void
one_that_is_looked_at_later_says_what_it_is(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_RUNNING, &policy);
    assert_true(supervisor_child_tell(a));
    at(1, STOP, a);
    assert_trace("[   1] arm worker 5000ms\n"
                 "[   1] stop worker\n"
                 "[   1] tell worker not met\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(a_start_waits_until_the_dependency_is_met),
        a_test(a_dependency_met_before_the_start_is_not_waited_for),
        a_test(a_restart_waits_behind_its_delay),
        a_test(a_dependency_lost_while_it_waits_for_the_pool_takes_the_place_back),
        a_test(a_start_by_hand_does_not_override_a_dependency),
        a_test(a_start_by_hand_drops_the_delay_alone),
        a_test(a_waiting_child_keeps_its_supervisor_from_ready_and_from_idle),
        a_test(a_supervisor_that_stops_does_not_wait_for_who_waits),
        a_test(in_a_group_the_turn_stops_at_it_and_the_next_wait_for_their_turn),
        a_test(a_group_restart_takes_along_who_waits_for_a_dependency),
        a_test(left_alone_it_runs_on_when_a_dependency_exits),
        a_test(a_follower_is_stopped_uncounted_and_started_when_it_is_met_again),
        a_test(a_dependency_that_is_up_again_already_is_not_waited_for),
        a_test(a_stop_and_the_end_of_its_supervisor_join_the_stop_of_a_follower),
        a_test(a_follower_that_was_killed_has_an_exit_that_counts),
        a_test(its_supervisor_is_not_ready_while_a_follower_comes_back),
        a_test(a_child_is_met_while_it_is_ready),
        a_test(one_that_ended_as_normal_is_met_unless_it_is_permanent),
        a_test(one_that_ended_badly_or_was_stopped_is_not_met),
        a_test(one_that_is_looked_at_later_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
