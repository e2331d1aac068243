/* Fellows: members of one template under the strategies that wait. */
#include "trace.h"

static struct child_policy policy;
static struct supervisor_child *a, *m1, *m2, *m3, *z;

static bool
is_member(const struct supervisor_child *child)
{
    return child == m1 || child == m2 || child == m3;
}

static bool
are_members(const struct supervisor_child *one, const struct supervisor_child *other)
{
    return is_member(one) && is_member(other);
}

/* a, three members of one template, z; not started. */
static void
five_in(enum strategy strategy)
{
    policy = plain_policy();
    node_set(strategy, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    node.are_fellows = are_members;
    a = child_add("a", &policy);
    m1 = child_add("m1", &policy);
    m2 = child_add("m2", &policy);
    m3 = child_add("m3", &policy);
    z = child_add("z", &policy);
    trace_clear();
}

static void
five_running_in(enum strategy strategy)
{
    five_in(strategy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, a);
    at(2, STARTED, m1);
    at(2, STARTED, m2);
    at(2, STARTED, m3);
    at(3, STARTED, z);
    trace_clear();
}

static void
start_together_and_the_next_waits_for_all(void **state)
{
    (void)state;
    five_in(STRATEGY_ONE_FOR_ALL);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, a);
    at(2, STARTED, m3);
    at(3, STARTED, m1);
    at(9, STARTED, m2);
    assert_events("[   0] m1 waiting\n"
                  "[   0] m2 waiting\n"
                  "[   0] m3 waiting\n"
                  "[   0] z waiting\n"
                  "[   0] a starting\n"
                  "[   1] a started\n"
                  "[   1] a ready\n"
                  "[   1] m1 starting\n"
                  "[   1] m2 starting\n"
                  "[   1] m3 starting\n"
                  "[   2] m3 started\n"
                  "[   2] m3 ready\n"
                  "[   3] m1 started\n"
                  "[   3] m1 ready\n"
                  "[   9] m2 started\n"
                  "[   9] m2 ready\n"
                  "[   9] z starting\n");
}

static void
stop_together_and_the_one_before_waits_for_all(void **state)
{
    (void)state;
    five_running_in(STRATEGY_ONE_FOR_ALL);
    at(10, STOP_ALL, NOBODY);
    at(20, EXITED, z);
    at(30, EXITED, m1);
    at(31, EXITED, m3);
    at(40, EXITED, m2);
    at(50, EXITED, a);
    assert_events("[  10] z stopping\n"
                  "[  20] z exited shutdown\n"
                  "[  20] z stopped shutdown\n"
                  "[  20] m3 stopping\n"
                  "[  20] m2 stopping\n"
                  "[  20] m1 stopping\n"
                  "[  30] m1 exited shutdown\n"
                  "[  30] m1 stopped shutdown\n"
                  "[  31] m3 exited shutdown\n"
                  "[  31] m3 stopped shutdown\n"
                  "[  40] m2 exited shutdown\n"
                  "[  40] m2 stopped shutdown\n"
                  "[  40] a stopping\n"
                  "[  50] a exited shutdown\n"
                  "[  50] a stopped shutdown\n");
    assert_int_equal(node.state, NODE_STOPPED);
}

static void
rest_for_one_takes_what_is_after_them_and_none_of_them(void **state)
{
    (void)state;
    five_running_in(STRATEGY_REST_FOR_ONE);
    at(10, EXITED, m2, TRAP);
    at(20, EXITED, z);
    at(110, TIMER, m2);
    at(111, STARTED, m2);
    at(112, STARTED, z);
    assert_events("[  10] m2 exited trap\n"
                  "[  10] m2 restart-scheduled 100ms\n"
                  "[  10] z stopping\n"
                  "[  20] z exited shutdown\n"
                  "[  20] z restart-scheduled 0ms\n"
                  "[ 110] m2 starting\n"
                  "[ 111] m2 started\n"
                  "[ 111] m2 ready\n"
                  "[ 111] z starting\n"
                  "[ 112] z started\n"
                  "[ 112] z ready\n");
    assert_int_equal(m1->generation + m3->generation, 2);
}

static void
one_for_all_takes_them_too(void **state)
{
    (void)state;
    five_running_in(STRATEGY_ONE_FOR_ALL);
    at(10, EXITED, m2, TRAP);
    assert_state(z, STOPPING);
    assert_state(m3, RUNNING);
    at(11, EXITED, z);
    assert_state(m3, STOPPING);
    assert_state(m1, STOPPING);
    assert_state(a, RUNNING);
}

/* All of them stop at once, and all are waited for before the one before them stops. */
static void
an_exit_of_a_fellow_in_the_middle_of_their_starts_begins_them_again(void **state)
{
    (void)state;
    five_in(STRATEGY_ONE_FOR_ALL);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, a);
    at(2, STARTED, m3);
    at(3, EXITED, m1, TRAP); /* m2 starts yet, m3 runs. */
    assert_state(m3, STOPPING);
    assert_state(m2, STOPPING);
    assert_int_equal(node.stops_awaited, 2);
    at(4, EXITED, m2);
    assert_state(a, RUNNING);
    at(5, EXITED, m3);
    at(6, EXITED, a);
    trace_clear();
    at(103, TIMER, m1);
    at(104, STARTED, a);
    assert_state(m1, STARTING);
    assert_state(m2, STARTING);
    assert_state(m3, STARTING);
    assert_state(z, RESTARTING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(start_together_and_the_next_waits_for_all),
        a_test(stop_together_and_the_one_before_waits_for_all),
        a_test(rest_for_one_takes_what_is_after_them_and_none_of_them),
        a_test(one_for_all_takes_them_too),
        a_test(an_exit_of_a_fellow_in_the_middle_of_their_starts_begins_them_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
