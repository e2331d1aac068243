/* Supervisors as children, and what happens to the children of one that starts again. */
#include "trace.h"

static struct supervisor_child *
supervisor_add(const char *name, const struct child_policy *policy)
{
    struct supervisor_child *child = child_new(name, policy, true);
    at(0, ADD, child);
    return child;
}

static void
start_everything(uint64_t ms)
{
    trace_step(
        (struct node_event){ .type = NODE_START_ALL, .now_us = ms * 1000, .everything = true });
}

static void
a_supervisor_needs_no_slot_and_no_timeout(void **state)
{
    (void)state;
    hold_slots = true;
    struct child_policy policy = supervisor_policy();
    struct supervisor_child *web = supervisor_add("web", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, web);
    assert_trace("[   0] start web 1\n");
    assert_events("[   0] web registered\n"
                  "[   0] web starting\n"
                  "[   0] web started\n");
    at(1, READY, web);
    assert_trace("[   1] node ready\n");
    assert_events("[   1] web ready\n");
}

static void
an_escalated_supervisor_is_restarted_by_its_parent(void **state)
{
    (void)state;
    struct child_policy policy = supervisor_policy();
    struct supervisor_child *web = supervisor_add("web", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, web);
    trace_clear();
    at(1, EXITED, web, ESCALATED);
    at(101, TIMER, web);
    assert_trace("[   1] arm web 100ms\n"
                 "[ 101] start web 2\n");
}

static void
stopping_a_supervisor_has_no_limit_unless_set(void **state)
{
    (void)state;
    struct child_policy policy = supervisor_policy();
    struct supervisor_child *web = supervisor_add("web", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, web);
    trace_clear();
    at(1, STOP, web);
    assert_trace("[   1] stop web\n"
                 "[   1] node ready\n");
    policy.shutdown_us = 2000000;
    at(2, EXITED, web, SHUTDOWN);
    at(3, START, web);
    at(4, STARTED, web);
    trace_clear();
    at(5, STOP, web);
    at(2005, TIMER, web);
    assert_trace("[   5] arm web 2000ms\n"
                 "[   5] stop web\n"
                 "[   5] node ready\n"
                 "[2005] kill web timeout\n");
}

static void
verbs_on_a_supervisor_take_its_subtree_along(void **state)
{
    (void)state;
    struct child_policy policy = supervisor_policy();
    struct supervisor_child *web = supervisor_add("web", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, web);
    at(0, READY, web);
    trace_clear();
    at(1, START, web);
    assert_int_equal(reply, REPLY_OK);
    assert_trace("[   1] start-subtree web\n");
    at(2, RESET, web);
    assert_trace("[   2] reset-subtree web\n");
    at(3, RESTART, web);
    at(4, EXITED, web, SHUTDOWN);
    assert_trace("[   3] stop web\n"
                 "[   3] node not ready\n"
                 "[   4] start web 2 everything\n");
    at(5, STARTED, web);
    at(6, STOP, web);
    at(7, EXITED, web, SHUTDOWN);
    trace_clear();
    at(8, START, web);
    assert_trace("[   8] node not ready\n"
                 "[   8] start web 3 everything\n");
    at(9, STARTED, web);
    at(10, KILL, web);
    at(11, EXITED, web, KILLED);
    assert_int_equal(web->restarts, 1);
    trace_clear();
    at(12, START, web);
    assert_trace("[  12] disarm web\n"
                 "[  12] start web 4 everything\n");
}

static void
a_restarted_supervisor_starts_its_children_afresh(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.max_restarts = 1;
    struct child_policy transient = policy, temporary = policy;
    transient.restart = RESTART_TRANSIENT;
    temporary.restart = RESTART_TEMPORARY;
    struct supervisor_child *crashed = child_add("crashed", &policy);
    struct supervisor_child *failed = child_add("failed", &policy);
    struct supervisor_child *ended = child_add("ended", &transient);
    struct supervisor_child *once = child_add("once", &temporary);
    struct supervisor_child *job = child_add("job", &temporary);
    struct supervisor_child *held = child_add("held", &policy);
    at(0, START_ALL, NOBODY);
    at(0, EXITED, crashed, TRAP);
    at(0, EXITED, failed, LOAD_ERROR);
    at(0, STARTED, ended);
    at(0, EXITED, ended, NORMAL);
    at(0, STARTED, once);
    at(0, EXITED, once, NORMAL);
    at(0, STARTED, job);
    at(0, STOP, held);
    at(0, EXITED, held, SHUTDOWN);
    at(10, STOP_ALL, NOBODY);
    at(11, EXITED, job, NORMAL);
    assert_int_equal(node.state, NODE_STOPPED);
    trace_clear();

    at(20, START_ALL, NOBODY);
    assert_events("[  20] crashed registered\n"
                  "[  20] failed registered\n"
                  "[  20] ended registered\n"
                  "[  20] job registered\n"
                  "[  20] crashed starting\n"
                  "[  20] failed starting\n"
                  "[  20] ended starting\n"
                  "[  20] job starting\n");
    assert_int_equal(crashed->generation, 2);
    assert_int_equal(crashed->restarts, 0);
    assert_int_equal(crashed->attempt, 0);
    assert_int_equal(supervisor_child_budget_used(crashed, 20000), 0);
    assert_int_equal(held->stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(once->stop_cause, STOPPED_TEMPORARY);
}

static void
a_supervisor_started_by_hand_starts_everything(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy(), nested = supervisor_policy();
    struct supervisor_child *held = child_add("held", &policy);
    struct supervisor_child *web = supervisor_add("web", &nested);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, held);
    at(0, STOP, held);
    at(0, EXITED, held, NORMAL);
    at(0, STARTED, web);
    at(0, STOP_ALL, NOBODY);
    at(0, EXITED, web, SHUTDOWN);
    trace_clear();
    start_everything(10);
    assert_trace("[  10] arm held 10000ms\n"
                 "[  10] start held 2\n"
                 "[  10] start web 2 everything\n");
    assert_int_equal(node.by_request, 0);
}

static void
a_start_by_hand_that_was_stopped_again_takes_nothing_along(void **state)
{
    (void)state;
    struct child_policy policy = supervisor_policy();
    struct supervisor_child *web = supervisor_add("web", &policy);
    at(1, START, web);
    at(2, STOP, web);
    at(3, START_ALL, NOBODY);
    assert_state(web, STOPPED);
    web->stop_cause = STOPPED_WITH_SUPERVISOR;
    node.by_request--;
    at(4, STOP_ALL, NOBODY);
    trace_clear();
    at(5, START_ALL, NOBODY);
    assert_trace("[   5] start web 1\n");
}

static void
everything_reaches_what_is_down_in_a_running_node(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy(), nested = supervisor_policy();
    struct supervisor_child *running = child_add("running", &policy);
    struct supervisor_child *held = child_add("held", &policy);
    struct supervisor_child *waiting = child_add("waiting", &policy);
    struct supervisor_child *web = supervisor_add("web", &nested);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, running);
    at(0, STARTED, held);
    at(0, STOP, held);
    at(0, EXITED, held, NORMAL);
    at(0, EXITED, waiting, TRAP);
    at(0, STARTED, web);
    trace_clear();
    start_everything(10);
    assert_trace("[  10] disarm waiting\n"
                 "[  10] start-subtree web\n"
                 "[  10] arm held 10000ms\n"
                 "[  10] start held 2\n"
                 "[  10] arm waiting 10000ms\n"
                 "[  10] start waiting 2\n");
    at(11, START_ALL, NOBODY); /* Without `everything` there is nothing to do. */
    assert_int_equal(node.ignored, 1);
}

static void
the_child_that_escalated_starts_again_with_its_supervisor(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.max_restarts = 0;
    policy.on_exhausted = ON_EXHAUSTED_ESCALATE;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, TRAP);
    assert_trace("[  10] node not ready\n"
                 "[  10] node ended escalated\n");
    at(20, START_ALL, NOBODY);
    assert_state(worker, STARTING);
    assert_null(node.cause);
}

static void
a_supervisor_that_gave_up_keeps_its_reason(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy(), fatal = plain_policy();
    fatal.max_restarts = 0;
    fatal.on_exhausted = ON_EXHAUSTED_ESCALATE;
    struct supervisor_child *slow = child_add("slow", &policy);
    struct supervisor_child *worker = child_add("worker", &fatal);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, slow);
    at(0, STARTED, worker);
    at(10, EXITED, worker, TRAP);
    at(11, STOP_ALL, NOBODY);
    trace_at(12, NODE_KILL_ALL, NOBODY, EXIT_TIMEOUT);
    trace_clear();
    at(13, EXITED, slow, KILLED);
    assert_trace("[  13] node ended escalated\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(a_supervisor_needs_no_slot_and_no_timeout),
        a_test(an_escalated_supervisor_is_restarted_by_its_parent),
        a_test(stopping_a_supervisor_has_no_limit_unless_set),
        a_test(verbs_on_a_supervisor_take_its_subtree_along),
        a_test(a_restarted_supervisor_starts_its_children_afresh),
        a_test(a_supervisor_started_by_hand_starts_everything),
        a_test(a_start_by_hand_that_was_stopped_again_takes_nothing_along),
        a_test(everything_reaches_what_is_down_in_a_running_node),
        a_test(the_child_that_escalated_starts_again_with_its_supervisor),
        a_test(a_supervisor_that_gave_up_keeps_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
