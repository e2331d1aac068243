/* Every verb in every state, with its answer: the table of semantics.md, "By hand". */
#include "family.h"

#define GONE CHILD_STATES /* Deleted. */

/* The state that a verb leads to, before anything else happens. */
static const struct {
    enum node_event_type verb;
    enum child_state from;
    enum node_reply reply;
    int to;
    const char *trace;
} answers[] = {
#define ROW(verb, from, answer, to, trace) { NODE_##verb, CHILD_##from, REPLY_##answer, to, trace }
#define NOW "[  10] "
    /* In registered the child waits for a start slot, which is not granted here. */
    ROW(START, REGISTERED, OK, CHILD_REGISTERED, ""),
    ROW(START, RESTARTING, OK, CHILD_STARTING,
        NOW "disarm worker\n" NOW "arm worker 10000ms\n" NOW "start worker 2\n"),
    ROW(START, STARTING, ALREADY_RUNNING, CHILD_STARTING, ""),
    ROW(START, RUNNING, ALREADY_RUNNING, CHILD_RUNNING, ""),
    ROW(START, STOPPING, BUSY, CHILD_STOPPING, ""),
    ROW(START, STOPPED, OK, CHILD_STARTING,
        NOW "node not ready\n" NOW "arm worker 10000ms\n" NOW "start worker 2\n"),
    ROW(START, FAILED, OK, CHILD_STARTING,
        NOW "node not ready\n" NOW "node not idle\n" NOW "arm worker 10000ms\n" NOW
            "start worker 2\n"),

    ROW(STOP, REGISTERED, OK, CHILD_STOPPED, NOW "withdraw worker\n" NOW "node ready\n"),
    ROW(STOP, RESTARTING, OK, CHILD_STOPPED, NOW "disarm worker\n" NOW "node ready\n"),
    ROW(STOP, STARTING, OK, CHILD_STOPPING,
        NOW "arm worker 5000ms\n" NOW "stop worker\n" NOW "node ready\n"),
    ROW(STOP, RUNNING, OK, CHILD_STOPPING, NOW "arm worker 5000ms\n" NOW "stop worker\n"),
    ROW(STOP, STOPPING, OK, CHILD_STOPPING, ""),
    ROW(STOP, STOPPED, OK, CHILD_STOPPED, ""),
    ROW(STOP, FAILED, OK, CHILD_STOPPED, NOW "node not idle\n"),

    ROW(RESTART, REGISTERED, OK, CHILD_REGISTERED, ""),
    ROW(RESTART, RESTARTING, OK, CHILD_STARTING,
        NOW "disarm worker\n" NOW "arm worker 10000ms\n" NOW "start worker 2\n"),
    ROW(RESTART, STARTING, OK, CHILD_STOPPING, NOW "arm worker 5000ms\n" NOW "stop worker\n"),
    ROW(RESTART, RUNNING, OK, CHILD_STOPPING,
        NOW "arm worker 5000ms\n" NOW "stop worker\n" NOW "node not ready\n"),
    ROW(RESTART, STOPPING, BUSY, CHILD_STOPPING, ""),
    ROW(RESTART, STOPPED, OK, CHILD_STARTING,
        NOW "node not ready\n" NOW "arm worker 10000ms\n" NOW "start worker 2\n"),
    ROW(RESTART, FAILED, OK, CHILD_STARTING,
        NOW "node not ready\n" NOW "node not idle\n" NOW "arm worker 10000ms\n" NOW
            "start worker 2\n"),

    ROW(KILL, REGISTERED, NOT_RUNNING, CHILD_REGISTERED, ""),
    ROW(KILL, RESTARTING, NOT_RUNNING, CHILD_RESTARTING, ""),
    ROW(KILL, STARTING, OK, CHILD_STARTING, NOW "disarm worker\n" NOW "kill worker killed\n"),
    ROW(KILL, RUNNING, OK, CHILD_RUNNING, NOW "kill worker killed\n"),
    ROW(KILL, STOPPING, OK, CHILD_STOPPING, NOW "disarm worker\n" NOW "kill worker killed\n"),
    ROW(KILL, STOPPED, NOT_RUNNING, CHILD_STOPPED, ""),
    ROW(KILL, FAILED, NOT_RUNNING, CHILD_FAILED, ""),

    ROW(RESET, REGISTERED, OK, CHILD_REGISTERED, ""),
    ROW(RESET, RESTARTING, OK, CHILD_RESTARTING, ""),
    ROW(RESET, STARTING, OK, CHILD_STARTING, ""),
    ROW(RESET, RUNNING, OK, CHILD_RUNNING, ""),
    ROW(RESET, STOPPING, OK, CHILD_STOPPING, ""),
    ROW(RESET, STOPPED, OK, CHILD_STOPPED, ""),
    ROW(RESET, FAILED, OK, CHILD_STOPPED, NOW "node not idle\n"),

    ROW(DELETE, REGISTERED, OK, GONE,
        NOW "withdraw worker\n" NOW "removed worker\n" NOW "node ready\n" NOW "node idle\n"),
    ROW(DELETE, RESTARTING, OK, GONE,
        NOW "disarm worker\n" NOW "removed worker\n" NOW "node ready\n" NOW "node idle\n"),
    ROW(DELETE, STARTING, OK, CHILD_STOPPING,
        NOW "arm worker 5000ms\n" NOW "stop worker\n" NOW "node ready\n"),
    ROW(DELETE, RUNNING, OK, CHILD_STOPPING, NOW "arm worker 5000ms\n" NOW "stop worker\n"),
    ROW(DELETE, STOPPING, OK, CHILD_STOPPING, ""),
    ROW(DELETE, STOPPED, OK, GONE, NOW "removed worker\n" NOW "node idle\n"),
    ROW(DELETE, FAILED, OK, GONE, NOW "removed worker\n"),
#undef NOW
#undef ROW
};

static void
every_verb_in_every_state_has_its_answer(void **state)
{
    (void)state;
    assert_int_equal(sizeof answers / sizeof answers[0], 6 * CHILD_STATES);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct child_policy policy = plain_policy();
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *worker = child_in(answers[i].from, &policy);
        print_message("%s in %s\n", node_event_name(answers[i].verb),
                      child_state_name(answers[i].from));
        trace_at(10, answers[i].verb, worker, EXIT_NORMAL);
        assert_int_equal(reply, answers[i].reply);
        assert_trace(answers[i].trace);
        if (answers[i].to == GONE)
            assert_true(list_is_empty(&node.children));
        else
            assert_int_equal(worker->state, answers[i].to);
    }
}

/* Where a verb has left the child stopping, its end comes, and then it is where it should be. */
static const struct {
    enum node_event_type verb;
    enum child_state from;
    const char *last;
} ends[] = {
    { NODE_STOP, CHILD_STARTING, "stopped" },     { NODE_STOP, CHILD_RUNNING, "stopped" },
    { NODE_RESTART, CHILD_STARTING, "starting" }, { NODE_RESTART, CHILD_RUNNING, "starting" },
    { NODE_DELETE, CHILD_STARTING, "deleted" },   { NODE_DELETE, CHILD_RUNNING, "deleted" },
    { NODE_DELETE, CHILD_STOPPING, "deleted" },   { NODE_STOP, CHILD_STOPPING, "stopped" },
};

static void
what_a_verb_began_comes_to_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct child_policy policy = plain_policy();
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *worker = child_in(ends[i].from, &policy);
        trace_at(10, ends[i].verb, worker, EXIT_NORMAL);
        trace_clear();
        at(11, EXITED, worker, NORMAL);
        print_message("%s in %s\n", node_event_name(ends[i].verb), child_state_name(ends[i].from));
        assert_non_null(strstr(events, ends[i].last));
        assert_int_equal(worker->restarts, 0); /* By hand is uncounted. */
    }
}

static void
a_kill_is_abnormal_and_counts(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.restart = RESTART_TRANSIENT;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, KILL, worker);
    at(11, EXITED, worker, KILLED);
    assert_state(worker, RESTARTING);
    assert_int_equal(worker->last_exit.reason, EXIT_KILLED);
    assert_int_equal(worker->restarts, 1);
}

static void
a_restart_by_hand_takes_no_sibling_along(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    running_family_of(STRATEGY_ONE_FOR_ALL, &policy);
    at(10, RESTART, second);
    at(11, EXITED, second, NORMAL);
    at(12, STARTED, second);
    assert_trace("[  10] stop second\n"
                 "[  10] node not ready\n"
                 "[  11] start second 2\n"
                 "[  12] node ready\n");
    assert_int_equal(first->generation, 1);
    assert_int_equal(third->generation, 1);
}

static void
a_stop_by_hand_takes_no_sibling_along(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        running_family_of(family_strategies[i], &policy);
        at(10, STOP, first);
        at(11, EXITED, first, NORMAL);
        assert_trace("[  10] stop first\n");
        assert_state(second, RUNNING);
        assert_state(third, RUNNING);
    }
}

static void
start_and_restart_from_failed_begin_with_an_empty_budget(void **state)
{
    (void)state;
    static const enum node_event_type verbs[] = { NODE_START, NODE_RESTART };
    for (int i = 0; i < 2; i++) {
        struct child_policy policy = quiet_policy();
        policy.max_restarts = 1;
        node_teardown(NULL);
        node_setup(NULL);
        struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
        at(10, EXITED, worker, TRAP);
        at(110, TIMER, worker);
        at(110, EXITED, worker, TRAP);
        assert_state(worker, FAILED);
        trace_at(120, verbs[i], worker, EXIT_NORMAL);
        at(120, STARTED, worker);
        trace_clear();
        at(130, EXITED, worker, TRAP);
        assert_trace("[ 130] arm worker 100ms\n" /* n = 1 */
                     "[ 130] node not ready\n");
        assert_int_equal(worker->restarts, 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(every_verb_in_every_state_has_its_answer),
        a_test(what_a_verb_began_comes_to_its_end),
        a_test(a_kill_is_abnormal_and_counts),
        a_test(a_restart_by_hand_takes_no_sibling_along),
        a_test(a_stop_by_hand_takes_no_sibling_along),
        a_test(start_and_restart_from_failed_begin_with_an_empty_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
