/* Restart budget: how many restarts, in a window that slides on lived time. */
#include "trace.h"

/* Lets `worker` crash `lived_ms` after it is ready, and waits for its next start, if any. */
static uint64_t
crash_after(struct supervisor_child *worker, uint64_t now_ms, uint64_t lived_ms)
{
    at(now_ms, STARTED, worker);
    now_ms += lived_ms;
    at(now_ms, EXITED, worker, TRAP);
    if (worker->state == CHILD_RESTARTING) {
        now_ms = worker->due_us / 1000 + 1;
        at(now_ms, TIMER, worker);
    }
    return now_ms;
}

static struct child_policy
budget_policy(uint32_t max_restarts, uint64_t within_ms)
{
    struct child_policy policy = plain_policy();
    policy.max_restarts = max_restarts;
    policy.within_us = within_ms * 1000;
    policy.backoff.strategy = BACKOFF_LINEAR;
    policy.backoff.initial_us = 100000;
    return policy;
}

static void
gives_up_after_max_restarts(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(3, 60000);
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = 0;
    for (int i = 0; i < 3; i++) {
        now = crash_after(worker, now, 10);
        assert_state(worker, STARTING);
    }
    trace_clear();
    crash_after(worker, now, 10);
    assert_state(worker, FAILED);
    assert_int_equal(worker->restarts, 3);
    assert_non_null(strstr(events, "worker exited trap\n"));
    assert_non_null(strstr(events, "worker failed trap\n"));
    assert_null(strstr(events, "escalated"));
}

static void
never_restarts_with_a_budget_of_zero(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(0, 60000);
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, TRAP);
    assert_events("[  10] worker exited trap\n"
                  "[  10] worker failed trap\n");
}

static void
never_gives_up_when_unlimited(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(RESTARTS_UNLIMITED, 60000);
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = 0;
    for (int i = 0; i < 1000; i++) {
        now = crash_after(worker, now, 0);
        trace_clear();
    }
    assert_state(worker, STARTING);
    assert_int_equal(worker->restarts, 1000);
    assert_int_equal(supervisor_child_budget_used(worker, now * 1000), 0);
    assert_int_equal(supervisor_child_size(&policy), sizeof *worker + sizeof(uint64_t));
}

/* Three grants at 1, 2 and 3 ms of lived time, under a policy of five. */
static struct supervisor_child *
child_with_three_grants(const struct child_policy *policy)
{
    struct supervisor_child *worker = child_in(CHILD_STARTING, policy);
    crash_after(worker, crash_after(worker, crash_after(worker, 0, 1), 1), 1);
    assert_int_equal(supervisor_child_budget_used(worker, 3000), 3);
    trace_clear();
    return worker;
}

static void
change(struct supervisor_child *worker, uint64_t ms, const struct child_policy *policy,
       uint64_t *grants_us)
{
    trace_step((struct node_event){ .type = NODE_CHANGE,
                                    .now_us = ms * 1000,
                                    .child = worker,
                                    .policy = policy,
                                    .grants_us = grants_us });
}

static void
a_smaller_budget_keeps_the_newest_grants(void **state)
{
    (void)state;
    struct child_policy five = budget_policy(5, 60000), two = budget_policy(2, 60000);
    struct supervisor_child *worker = child_with_three_grants(&five);
    uint64_t grants_us[2] = { 0 };
    change(worker, 3, &two, grants_us);
    assert_int_equal(supervisor_child_budget_used(worker, 3000), 2);
    assert_int_equal(grants_us[0], 2000);
    assert_int_equal(grants_us[1], 3000);
    crash_after(worker, 3, 1);
    assert_state(worker, FAILED);
}

static void
a_larger_budget_keeps_all_grants_and_has_room_for_more(void **state)
{
    (void)state;
    struct child_policy three = budget_policy(3, 60000), four = budget_policy(4, 60000);
    struct supervisor_child *worker = child_with_three_grants(&three);
    uint64_t grants_us[4] = { 0 };
    change(worker, 3, &four, grants_us);
    assert_int_equal(supervisor_child_budget_used(worker, 3000), 3);
    uint64_t now = crash_after(worker, 3, 1);
    assert_state(worker, STARTING);
    assert_int_equal(supervisor_child_budget_used(worker, now * 1000), 4);
    crash_after(worker, now, 1);
    assert_state(worker, FAILED);
}

static void
a_budget_that_becomes_unlimited_forgets_its_grants(void **state)
{
    (void)state;
    struct child_policy three = budget_policy(3, 60000);
    struct child_policy unlimited = budget_policy(RESTARTS_UNLIMITED, 60000);
    struct supervisor_child *worker = child_with_three_grants(&three);
    change(worker, 3, &unlimited, NULL);
    assert_int_equal(supervisor_child_budget_used(worker, 3000), 0);
    crash_after(worker, 3, 1);
    assert_state(worker, STARTING);
}

static void
the_window_slides_and_is_not_fixed(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(2, 1000);
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = crash_after(worker, 0, 900); /* Lived 900. */
    now = crash_after(worker, now, 200);        /* Lived 1100: both in the window. */
    now = crash_after(worker, now, 801);        /* Lived 1901: the first has left it. */
    assert_state(worker, STARTING);
    crash_after(worker, now, 199); /* Lived 2100: 1100 and 1901 are in. */
    assert_state(worker, FAILED);
}

static void
a_grant_as_old_as_the_window_still_counts(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(1, 1000);
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = crash_after(worker, 0, 5);
    crash_after(worker, now, 1000);
    assert_state(worker, FAILED);
}

static void
delays_and_starts_are_no_lived_time(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(3, 1000);
    policy.backoff.initial_us = 10 * policy.within_us;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = 0;
    for (int i = 0; i < 3; i++) {
        now += 9000; /* It takes its time to start, too. */
        at(now, EXITED, worker, ERROR);
        assert_state(worker, RESTARTING);
        now = worker->due_us / 1000;
        at(now, TIMER, worker);
    }
    at(now + 9000, EXITED, worker, ERROR);
    assert_state(worker, FAILED);
    assert_int_equal(worker->restarts, 3);
}

static void
start_timeouts_use_the_budget_up(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(3, 1000);
    policy.backoff.initial_us = 10 * policy.within_us;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    for (int i = 0; i < 3; i++) {
        at(worker->due_us / 1000, TIMER, worker);
        at(worker->due_us / 1000, EXITED, worker, KILLED);
        assert_state(worker, RESTARTING);
        at(worker->due_us / 1000, TIMER, worker);
    }
    at(worker->due_us / 1000, TIMER, worker);
    at(worker->due_us / 1000, EXITED, worker, KILLED);
    assert_state(worker, FAILED);
    assert_int_equal(worker->last_exit.reason, EXIT_TIMEOUT);
}

static void
time_stopped_by_hand_is_no_lived_time(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(1, 1000);
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = crash_after(worker, 0, 5);
    at(now, STARTED, worker);
    at(now + 400, RESTART, worker);
    at(now + 5000, EXITED, worker, NORMAL); /* Stopping took long. */
    at(now + 5000, STARTED, worker);
    assert_int_equal(supervisor_child_lived_us(worker, (now + 5100) * 1000), 505000);
    at(now + 5100, EXITED, worker, TRAP);
    assert_state(worker, FAILED);
}

static void
the_lived_clock_stands_still_while_a_supervisor_is_not_ready(void **state)
{
    (void)state;
    struct child_policy policy = supervisor_policy();
    struct supervisor_child *web = child_new("web", &policy, true);
    at(0, ADD, web);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, web);
    assert_int_equal(supervisor_child_lived_us(web, 5000), 0);
    at(10, READY, web);
    at(30, NOT_READY, web);
    at(100, READY, web);
    assert_int_equal(supervisor_child_lived_us(web, 101000), 21000);
    at(105, EXITED, web, ESCALATED);
    assert_int_equal(supervisor_child_lived_us(web, 900000), 25000);
}

static void
a_used_up_budget_says_how_much_of_it(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(3, 1000);
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = crash_after(worker, 0, 900);
    now = crash_after(worker, now, 900);
    assert_int_equal(supervisor_child_budget_used(worker, now * 1000), 2);
    now = crash_after(worker, now, 900);
    assert_int_equal(supervisor_child_budget_used(worker, now * 1000), 2); /* One left it. */
    assert_int_equal(worker->restarts, 3);
}

static void
the_ring_wraps_around(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(3, 1000);
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    uint64_t now = 0;
    for (int i = 0; i < 50; i++) {
        now = crash_after(worker, now, 400);
        trace_clear();
        assert_state(worker, STARTING);
        assert_int_equal(supervisor_child_budget_used(worker, now * 1000), i < 3 ? i + 1 : 3);
    }
    crash_after(worker, now, 0);
    assert_state(worker, FAILED);
}

static void
escalates_when_told_so(void **state)
{
    (void)state;
    struct child_policy plain = plain_policy();
    struct child_policy policy = budget_policy(0, 1000);
    policy.on_exhausted = ON_EXHAUSTED_ESCALATE;
    struct supervisor_child *before = child_add("before", &plain);
    struct supervisor_child *worker = child_add("worker", &policy);
    struct supervisor_child *after = child_add("after", &plain);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, before);
    at(0, STARTED, worker);
    at(0, STARTED, after);
    trace_clear();
    at(10, EXITED, worker, TRAP);
    at(11, EXITED, before, NORMAL);
    at(12, EXITED, after, NORMAL);
    assert_trace("[  10] node not ready\n"
                 "[  10] arm after 5000ms\n"
                 "[  10] stop after\n"
                 "[  10] arm before 5000ms\n"
                 "[  10] stop before\n"
                 "[  11] disarm before\n"
                 "[  12] disarm after\n"
                 "[  12] node ended escalated\n");
    assert_events("[  10] worker exited trap\n"
                  "[  10] worker failed trap\n"
                  "[  10] worker escalated trap\n"
                  "[  10] after stopping\n"
                  "[  10] before stopping\n"
                  "[  11] before exited shutdown\n"
                  "[  11] before stopped shutdown\n"
                  "[  12] after exited shutdown\n"
                  "[  12] after stopped shutdown\n");
    assert_ptr_equal(node.cause, worker);
}

static void
a_load_error_does_not_escalate(void **state)
{
    (void)state;
    struct child_policy policy = budget_policy(0, 1000);
    policy.on_exhausted = ON_EXHAUSTED_ESCALATE;
    struct supervisor_child *worker = child_in(CHILD_STARTING, &policy);
    at(10, EXITED, worker, LOAD_ERROR);
    assert_state(worker, FAILED);
    assert_int_equal(node.state, NODE_RUNNING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(gives_up_after_max_restarts),
        a_test(never_restarts_with_a_budget_of_zero),
        a_test(never_gives_up_when_unlimited),
        a_test(a_smaller_budget_keeps_the_newest_grants),
        a_test(a_larger_budget_keeps_all_grants_and_has_room_for_more),
        a_test(a_budget_that_becomes_unlimited_forgets_its_grants),
        a_test(the_window_slides_and_is_not_fixed),
        a_test(a_grant_as_old_as_the_window_still_counts),
        a_test(delays_and_starts_are_no_lived_time),
        a_test(start_timeouts_use_the_budget_up),
        a_test(time_stopped_by_hand_is_no_lived_time),
        a_test(the_lived_clock_stands_still_while_a_supervisor_is_not_ready),
        a_test(a_used_up_budget_says_how_much_of_it),
        a_test(the_ring_wraps_around),
        a_test(escalates_when_told_so),
        a_test(a_load_error_does_not_escalate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
