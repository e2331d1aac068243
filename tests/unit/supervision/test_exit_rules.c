/* Rules on exits, success codes, intensity, and the end of a supervisor by significant children. */
#include "trace.h"

static const struct exit_rule rules[] = {
    { EXIT_TRAP, true, { 9, 9 }, EXIT_DO_FAIL },
    { EXIT_TRAP, false, { 0, 0 }, EXIT_DO_STOP },
    { EXIT_ERROR, true, { 64, 78 }, EXIT_DO_ESCALATE },
    { EXIT_NORMAL, false, { 0, 0 }, EXIT_DO_RESTART },
    { EXIT_LOAD_ERROR, false, { 0, 0 }, EXIT_DO_RESTART },
};

static struct child_policy policy;

static struct supervisor_child *
ruled_child(void)
{
    policy = plain_policy();
    policy.restart = RESTART_TRANSIENT;
    policy.rules = rules;
    policy.rules_size = sizeof rules / sizeof rules[0];
    return child_in(CHILD_RUNNING, &policy);
}

static void
exit_with(uint64_t ms, struct supervisor_child *child, enum exit_reason reason, int32_t code)
{
    trace_step((struct node_event){ .type = NODE_EXITED,
                                    .now_us = ms * 1000,
                                    .child = child,
                                    .generation = child->generation,
                                    .exit = { reason, code } });
}

static void
the_first_rule_that_matches_decides(void **state)
{
    (void)state;
    struct supervisor_child *worker = ruled_child();
    exit_with(1, worker, EXIT_TRAP, 9);
    assert_state(worker, FAILED);
    at(2, START, worker);
    at(3, STARTED, worker);
    exit_with(4, worker, EXIT_TRAP, 1);
    assert_state(worker, STOPPED);
    assert_int_equal(worker->stop_cause, STOPPED_ENDED);
}

static void
a_rule_comes_before_the_policy(void **state)
{
    (void)state;
    struct supervisor_child *worker = ruled_child();
    exit_with(1, worker, EXIT_NORMAL, 0); /* Transient, and restarted all the same. */
    assert_state(worker, RESTARTING);
    assert_int_equal(worker->restarts, 1);
}

static void
a_range_of_codes_has_both_ends(void **state)
{
    (void)state;
    const int32_t outside[] = { 63, 79, -1 };
    for (size_t i = 0; i < 3; i++) {
        struct exit_info exit = { EXIT_ERROR, outside[i] };
        policy.rules = rules;
        policy.rules_size = 3;
        assert_null(child_policy_rule(&policy, exit));
    }
    assert_ptr_equal(child_policy_rule(&policy, (struct exit_info){ EXIT_ERROR, 64 }), &rules[2]);
    assert_ptr_equal(child_policy_rule(&policy, (struct exit_info){ EXIT_ERROR, 78 }), &rules[2]);
}

static void
a_rule_escalates_whatever_the_budget(void **state)
{
    (void)state;
    struct supervisor_child *worker = ruled_child();
    exit_with(1, worker, EXIT_ERROR, 70);
    assert_events("[   1] worker exited error\n"
                  "[   1] worker failed error\n"
                  "[   1] worker escalated error\n");
    assert_trace("[   1] node not ready\n"
                 "[   1] node ended escalated\n");
}

static void
a_rule_may_restart_after_a_load_error_also_without_an_instance(void **state)
{
    (void)state;
    struct supervisor_child *worker = ruled_child();
    exit_with(1, worker, EXIT_LOAD_ERROR, 0);
    assert_state(worker, RESTARTING);
    at(101, TIMER, worker);
    hold_slots = true;
    exit_with(102, worker, EXIT_LOAD_ERROR, 0);
    at(302, TIMER, worker);
    exit_with(303, worker, EXIT_LOAD_ERROR, 0);
    assert_int_equal(worker->restarts, 3);
    exit_with(304, worker, EXIT_LOAD_ERROR, 0);
    assert_state(worker, FAILED); /* Its budget is used up like any other. */
}

static void
success_codes_are_normal(void **state)
{
    (void)state;
    static const struct code_range success[] = { { 3, 3 }, { 10, 19 } };
    policy = plain_policy();
    policy.restart = RESTART_TRANSIENT;
    policy.success = success;
    policy.success_size = 2;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    exit_with(1, worker, EXIT_ERROR, 15);
    assert_events("[   1] worker exited normal\n"
                  "[   1] worker stopped normal\n");
    at(2, START, worker);
    at(3, STARTED, worker);
    exit_with(4, worker, EXIT_ERROR, 4);
    assert_state(worker, RESTARTING);
}

static void
a_success_code_while_stopping_is_shutdown(void **state)
{
    (void)state;
    static const struct code_range success[] = { { 3, 3 } };
    policy = plain_policy();
    policy.success = success;
    policy.success_size = 1;
    struct supervisor_child *worker = child_in(CHILD_STOPPING, &policy);
    exit_with(1, worker, EXIT_ERROR, 3);
    assert_int_equal(worker->last_exit.reason, EXIT_SHUTDOWN);
}

/* Two children with budgets of their own under an intensity of 2 within 1 s. */
static void
intensity_limits_all_children_in_plain_time(void **state)
{
    (void)state;
    policy = plain_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    policy.max_restarts = 10;
    node_set(STRATEGY_ONE_FOR_ONE, 2, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *a = child_add("a", &policy), *b = child_add("b", &policy);
    at(0, START_ALL, NOBODY);
    at(1, EXITED, a, TRAP);
    at(2, EXITED, b, TRAP);
    at(1002, EXITED, a, TRAP); /* 1,000 and 1,001 ms later: the window is closed. */
    assert_state(a, STARTING);
    trace_clear();
    at(1002, EXITED, b, TRAP);
    assert_events("[1002] b exited trap\n"
                  "[1002] b failed trap\n"
                  "[1002] b escalated trap\n"
                  "[1002] a stopping\n");
    at(1003, EXITED, a);
    assert_int_equal(node.state, NODE_STOPPED);
    assert_int_equal(node.end.reason, EXIT_ESCALATED);
}

static void
a_group_restart_counts_once(void **state)
{
    (void)state;
    policy = plain_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    policy.max_restarts = 10;
    node_set(STRATEGY_ONE_FOR_ALL, 2, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *a = child_add("a", &policy), *b = child_add("b", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, a);
    at(0, STARTED, b);
    at(1, EXITED, a, TRAP);
    at(2, EXITED, b);
    at(3, STARTED, a);
    at(4, STARTED, b);
    at(5, EXITED, b, TRAP);
    assert_state(b, RESTARTING); /* The second one. */
    at(6, EXITED, a);
    at(7, STARTED, a);
    at(8, EXITED, b, TRAP);
    assert_state(b, FAILED);
}

static void
an_intensity_is_empty_again_after_a_reset_or_a_start(void **state)
{
    (void)state;
    policy = plain_policy();
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    policy.max_restarts = 10;
    node_set(STRATEGY_ONE_FOR_ONE, 1, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *a = child_add("a", &policy);
    at(0, START_ALL, NOBODY);
    at(1, EXITED, a, TRAP);
    at(2, RESET_ALL, NOBODY);
    at(3, EXITED, a, TRAP);
    at(4, EXITED, a, TRAP);
    assert_int_equal(node.end.reason, EXIT_ESCALATED);
    at(5, START_ALL, NOBODY);
    at(6, EXITED, a, TRAP);
    assert_state(a, STARTING);
}

static struct supervisor_child *a, *b, *c;

static void
significant_children(enum auto_shutdown auto_shutdown)
{
    static struct child_policy plain;
    plain = plain_policy();
    policy = plain_policy();
    policy.restart = RESTART_TRANSIENT;
    policy.significant = true;
    node_set(STRATEGY_ONE_FOR_ONE, RESTARTS_UNLIMITED, auto_shutdown);
    a = child_add("a", &policy);
    b = child_add("b", &policy);
    c = child_add("c", &plain);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, a);
    at(0, STARTED, b);
    at(0, STARTED, c);
}

static void
any_significant_end_ends_the_supervisor_normally(void **state)
{
    (void)state;
    significant_children(AUTO_SHUTDOWN_ANY);
    at(1, EXITED, a, TRAP); /* Restarted: no end. */
    assert_int_equal(node.state, NODE_RUNNING);
    at(2, EXITED, b);
    assert_int_equal(node.state, NODE_STOPPING);
    at(3, EXITED, c);
    assert_int_equal(node.state, NODE_STOPPED);
    assert_int_equal(node.end.reason, EXIT_NORMAL);
}

static void
the_last_significant_end_ends_the_supervisor_normally(void **state)
{
    (void)state;
    significant_children(AUTO_SHUTDOWN_ALL);
    at(1, EXITED, a);
    assert_int_equal(node.state, NODE_RUNNING);
    at(2, EXITED, b);
    assert_int_equal(node.state, NODE_STOPPING);
    at(3, EXITED, c);
    assert_int_equal(node.end.reason, EXIT_NORMAL);
}

/* Before the other's end or after it. */
static void
what_has_failed_has_not_ended(void **state)
{
    (void)state;
    significant_children(AUTO_SHUTDOWN_ALL);
    policy.max_restarts = 0;
    at(1, EXITED, a, TRAP);
    assert_state(a, FAILED);
    at(2, EXITED, b);
    assert_int_equal(node.state, NODE_RUNNING);
    at(3, START, a);
    at(4, STARTED, a);
    at(5, EXITED, a);
    assert_int_equal(node.state, NODE_STOPPING);
}

static void
a_failure_ends_no_supervisor(void **state)
{
    (void)state;
    significant_children(AUTO_SHUTDOWN_ANY);
    policy.max_restarts = 0;
    at(1, EXITED, a, TRAP);
    assert_state(a, FAILED);
    assert_int_equal(node.state, NODE_RUNNING);
}

static void
a_stop_by_hand_ends_no_supervisor(void **state)
{
    (void)state;
    significant_children(AUTO_SHUTDOWN_ANY);
    at(1, STOP, a);
    at(2, EXITED, a);
    assert_int_equal(node.state, NODE_RUNNING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, node_setup, node_teardown)
        TEST(the_first_rule_that_matches_decides),
        TEST(a_rule_comes_before_the_policy),
        TEST(a_range_of_codes_has_both_ends),
        TEST(a_rule_escalates_whatever_the_budget),
        TEST(a_rule_may_restart_after_a_load_error_also_without_an_instance),
        TEST(success_codes_are_normal),
        TEST(a_success_code_while_stopping_is_shutdown),
        TEST(intensity_limits_all_children_in_plain_time),
        TEST(a_group_restart_counts_once),
        TEST(an_intensity_is_empty_again_after_a_reset_or_a_start),
        TEST(any_significant_end_ends_the_supervisor_normally),
        TEST(the_last_significant_end_ends_the_supervisor_normally),
        TEST(what_has_failed_has_not_ended),
        TEST(a_failure_ends_no_supervisor),
        TEST(a_stop_by_hand_ends_no_supervisor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
