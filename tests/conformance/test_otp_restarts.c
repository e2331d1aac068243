/* Which end is followed by a restart, and for how long: policies by reasons, rules, the window
 * that slides on lived time, and counts while children restart. */
#include "family.h"

/* Per reason: permanent, transient, temporary. R: restarting, S: stopped, F: failed. */
static const struct {
    enum exit_reason reason;
    const char after[4];
} reasons[] = {
    { EXIT_NORMAL, "RSS" },    { EXIT_SHUTDOWN, "RSS" },  { EXIT_ERROR, "RRS" },
    { EXIT_TRAP, "RRS" },      { EXIT_TIMEOUT, "RRS" },   { EXIT_OUT_OF_MEMORY, "RRS" },
    { EXIT_UNHEALTHY, "RRS" }, { EXIT_KILLED, "RRS" },    { EXIT_LOAD_ERROR, "FFF" },
    { EXIT_ESCALATED, "RRS" }, { EXIT_HOST_LOST, "RRS" },
};

static enum child_state
state_of(char letter)
{
    return letter == 'R' ? CHILD_RESTARTING : letter == 'S' ? CHILD_STOPPED : CHILD_FAILED;
}

static void
each_policy_answers_each_reason(void **state)
{
    (void)state;
    assert_int_equal(sizeof reasons / sizeof reasons[0], EXIT_HOST_LOST + 1);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        for (int restart = RESTART_PERMANENT; restart <= RESTART_TEMPORARY; restart++)
            for (size_t s = 0; s < FAMILY_STRATEGIES; s++) {
                struct child_policy policy = quiet_policy();
                policy.restart = (enum restart_policy)restart;
                running_family_of(family_strategies[s], &policy);
                trace_at(10, NODE_EXITED, third, reasons[i].reason);
                if (third->state != state_of(reasons[i].after[restart]))
                    print_error("policy %d, %s, strategy %zu\n", restart,
                                exit_reason_name(reasons[i].reason), s);
                assert_int_equal(third->state, state_of(reasons[i].after[restart]));
                if (third->state == CHILD_STOPPED)
                    assert_int_equal(third->stop_cause, restart == RESTART_TEMPORARY
                                                            ? STOPPED_TEMPORARY
                                                            : STOPPED_ENDED);
                if (third->state != CHILD_RESTARTING) /* Nobody is taken along. */
                    assert_trace("");
            }
}

static void
the_first_rule_that_matches_decides_before_the_policy(void **state)
{
    (void)state;
    static const struct exit_rule rules[] = {
        { .reason = EXIT_ERROR, .has_codes = true, .codes = { 3, 5 }, .action = EXIT_DO_STOP },
        { .reason = EXIT_ERROR, .has_codes = true, .codes = { 5, 9 }, .action = EXIT_DO_FAIL },
        { .reason = EXIT_ERROR, .action = EXIT_DO_RESTART },
        { .reason = EXIT_LOAD_ERROR, .action = EXIT_DO_RESTART },
        { .reason = EXIT_TRAP, .action = EXIT_DO_ESCALATE },
    };
    static const struct {
        struct exit_info exit;
        enum child_state after;
    } cases[] = {
        { { EXIT_ERROR, 2 }, CHILD_RESTARTING }, { { EXIT_ERROR, 3 }, CHILD_STOPPED },
        { { EXIT_ERROR, 5 }, CHILD_STOPPED },    { { EXIT_ERROR, 6 }, CHILD_FAILED },
        { { EXIT_ERROR, 9 }, CHILD_FAILED },     { { EXIT_ERROR, 10 }, CHILD_RESTARTING },
        { { EXIT_TIMEOUT, 0 }, CHILD_STOPPED },  { { EXIT_LOAD_ERROR, 0 }, CHILD_RESTARTING },
        { { EXIT_TRAP, 1 }, CHILD_FAILED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct child_policy policy = quiet_policy();
        policy.restart = RESTART_TEMPORARY; /* What no rule names. */
        policy.rules = rules;
        policy.rules_size = sizeof rules / sizeof rules[0];
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
        trace_step((struct node_event){ .type = NODE_EXITED,
                                        .now_us = 1000,
                                        .child = worker,
                                        .generation = 1,
                                        .exit = cases[i].exit });
        assert_int_equal(worker->state, cases[i].after);
        bool escalates = cases[i].exit.reason == EXIT_TRAP;
        assert_int_equal(strstr(trace, "node ended escalated\n") != NULL, escalates);
    }
}

static void
a_success_code_is_a_normal_end(void **state)
{
    (void)state;
    static const struct code_range success[] = { { 143, 143 }, { 3, 4 } };
    static const struct {
        int32_t code;
        enum child_state after;
    } cases[] = {
        { 143, CHILD_STOPPED },  { 3, CHILD_STOPPED },    { 4, CHILD_STOPPED },
        { 5, CHILD_RESTARTING }, { 1, CHILD_RESTARTING },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct child_policy policy = quiet_policy();
        policy.restart = RESTART_TRANSIENT;
        policy.success = success;
        policy.success_size = 2;
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
        trace_step((struct node_event){ .type = NODE_EXITED,
                                        .now_us = 1000,
                                        .child = worker,
                                        .generation = 1,
                                        .exit = { EXIT_ERROR, cases[i].code } });
        assert_int_equal(worker->state, cases[i].after);
    }
}

/* Ends after `lived_ms` of being ready, and is started again if that is granted. */
static uint64_t
live_and_trap(struct supervisor_child *worker, uint64_t ms, uint64_t lived_ms)
{
    ms += lived_ms;
    at(ms, EXITED, worker, TRAP);
    if (worker->state != CHILD_RESTARTING)
        return ms;
    ms += 100;
    at(ms, TIMER, worker);
    at(ms, STARTED, worker);
    return ms;
}

static struct child_policy
three_within_a_second(void)
{
    struct child_policy policy = quiet_policy();
    policy.within_us = 1000000;
    policy.backoff.strategy = BACKOFF_LINEAR;
    policy.backoff.initial_us = policy.backoff.max_us = 100000;
    return policy;
}

static void
restarts_spaced_wide_enough_never_use_the_budget_up_and_one_more_does(void **state)
{
    (void)state;
    struct child_policy policy = three_within_a_second();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    uint64_t ms = 0;
    for (int i = 0; i < 300; i++) { /* Three in 1002 ms of lived time. */
        ms = live_and_trap(worker, ms, 334);
        assert_state(worker, RUNNING);
        assert_true(supervisor_child_budget_used(worker, ms * 1000) <= 3);
        trace_clear();
    }
    ms = live_and_trap(worker, ms, 1);
    assert_state(worker, FAILED);
    assert_int_equal(worker->restarts, 300);
}

static void
the_window_slides(void **state)
{
    (void)state;
    struct child_policy policy = three_within_a_second();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    /* Grants at 900, 950, 1500 of lived time: a window that is fixed at [0, 1000], [1000, 2000]
     * would have room for one more at 1800. */
    uint64_t ms = live_and_trap(worker, 0, 900);
    ms = live_and_trap(worker, ms, 50);
    ms = live_and_trap(worker, ms, 550);
    assert_state(worker, RUNNING);
    live_and_trap(worker, ms, 300);
    assert_state(worker, FAILED);
}

static void
waiting_and_starting_are_no_lived_time(void **state)
{
    (void)state;
    struct child_policy policy = three_within_a_second();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    uint64_t ms = 0;
    for (int i = 0; i < 3; i++) {
        at(ms, EXITED, worker, TRAP);
        ms += 5000; /* The timer comes late, and the start takes long. */
        at(ms, TIMER, worker);
        ms += 5000;
        at(ms, STARTED, worker);
    }
    at(ms, EXITED, worker, TRAP);
    assert_state(worker, FAILED);
}

static void
counts_with_restarting_children_stay_right(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ONE, &policy);
    assert_int_equal(node.counts[CHILD_RUNNING], 3);
    at(10, EXITED, first, TRAP);
    at(10, EXITED, third, TRAP);
    assert_int_equal(node.counts[CHILD_RUNNING], 1);
    assert_int_equal(node.counts[CHILD_RESTARTING], 2);
    at(11, DELETE, third);
    assert_int_equal(node.counts[CHILD_RESTARTING], 1);
    at(110, TIMER, first);
    assert_int_equal(node.counts[CHILD_STARTING], 1);
    at(111, STARTED, first);
    assert_int_equal(node.counts[CHILD_RUNNING], 2);
    assert_int_equal(node.running_ready, 2);
    uint32_t all = 0;
    for (int i = 0; i < CHILD_STATES; i++)
        all += node.counts[i];
    assert_int_equal(all, 2);
}

static void
what_an_earlier_generation_says_is_dropped(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, TRAP);
    at(110, TIMER, worker);
    at(110, STARTED, worker);
    trace_clear();
    trace_step((struct node_event){ .type = NODE_EXITED,
                                    .now_us = 111000,
                                    .child = worker,
                                    .generation = 1,
                                    .exit = { .reason = EXIT_TRAP } });
    assert_state(worker, RUNNING);
    assert_trace("");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(each_policy_answers_each_reason),
        a_test(the_first_rule_that_matches_decides_before_the_policy),
        a_test(a_success_code_is_a_normal_end),
        a_test(restarts_spaced_wide_enough_never_use_the_budget_up_and_one_more_does),
        a_test(the_window_slides),
        a_test(waiting_and_starting_are_no_lived_time),
        a_test(counts_with_restarting_children_stay_right),
        a_test(what_an_earlier_generation_says_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
