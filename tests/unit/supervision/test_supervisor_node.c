/* The node as a whole: readiness, idleness, stop and start again, big nodes. */
#include "trace.h"

static struct supervisor_child *
supervisor_add(const char *name, const struct child_policy *policy)
{
    struct supervisor_child *child = child_new(name, policy, true);
    at(0, ADD, child);
    return child;
}

static void
is_ready_when_nothing_is_on_its_way(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *first = child_add("first", &policy);
    struct supervisor_child *second = child_add("second", &policy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, first);
    trace_clear();
    at(2, STARTED, second);
    at(3, EXITED, first, TRAP);
    assert_trace("[   2] disarm second\n"
                 "[   2] node ready\n"
                 "[   3] arm first 100ms\n"
                 "[   3] node not ready\n");
}

static void
is_ready_beside_stopped_and_failed_children(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *first = child_add("first", &policy);
    struct supervisor_child *second = child_add("second", &policy);
    at(0, START_ALL, NOBODY);
    at(1, EXITED, first, LOAD_ERROR);
    at(2, STARTED, second);
    trace_clear();
    at(3, STOP, second);
    at(4, EXITED, second, NORMAL);
    assert_true(node.reported_ready);
    assert_null(strstr(trace, "ready"));
}

static void
an_empty_node_is_ready_and_idle(void **state)
{
    (void)state;
    at(0, START_ALL, NOBODY);
    assert_trace("[   0] node ready\n"
                 "[   0] node idle\n");
}

static void
is_idle_when_every_child_has_ended(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.restart = RESTART_TEMPORARY;
    struct supervisor_child *first = child_add("first", &policy);
    struct supervisor_child *second = child_add("second", &policy);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, first);
    at(1, STARTED, second);
    trace_clear();
    at(2, EXITED, first, NORMAL);
    at(3, EXITED, second, TRAP);
    assert_trace("[   3] node idle\n");
    at(4, START, first);
    assert_non_null(strstr(trace, "node not idle\n"));
}

static void
is_not_idle_while_a_child_is_stopped_by_request(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(1, STOP, worker);
    at(2, EXITED, worker, NORMAL);
    assert_null(strstr(trace, "idle"));
    at(3, DELETE, worker);
    assert_non_null(strstr(trace, "node idle"));
}

static void
is_idle_when_a_supervisor_below_is(void **state)
{
    (void)state;
    struct child_policy policy = supervisor_policy();
    struct supervisor_child *web = supervisor_add("web", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, web);
    at(0, READY, web);
    trace_clear();
    at(1, IDLE, web);
    at(2, NOT_IDLE, web);
    at(3, IDLE, web);
    assert_trace("[   1] node idle\n"
                 "[   2] node not idle\n"
                 "[   3] node idle\n");
    at(4, EXITED, web, ESCALATED);
    assert_int_equal(node.idle_supervisors, 0);
}

static void
resets_all_its_children(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy(), nested = supervisor_policy();
    struct supervisor_child *first = child_add("first", &policy);
    struct supervisor_child *second = child_add("second", &policy);
    struct supervisor_child *web = supervisor_add("web", &nested);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, first);
    at(0, EXITED, second, LOAD_ERROR);
    at(0, STARTED, web);
    trace_clear();
    at(1, RESET_ALL, NOBODY);
    assert_trace("[   1] reset-subtree web\n");
    assert_events("[   1] first reset\n"
                  "[   1] second reset\n"
                  "[   1] second stopped\n"
                  "[   1] web reset\n");
}

static void
a_big_node_tells_its_actions_in_portions_and_in_order(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *children[150];
    char name[16];
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof name, "%d", i);
        children[i] = child_add(name, &policy);
    }
    at(0, START_ALL, NOBODY);
    for (int i = 0; i < 150; i++) {
        assert_state(children[i], STARTING);
        at(0, STARTED, children[i]);
    }
    trace_clear();
    at(1, STOP_ALL, NOBODY);
    const char *place = trace;
    for (int i = 149; i >= 0; i--) {
        char line[48];
        snprintf(line, sizeof line, "[   1] stop %d\n", i);
        place = strstr(place, line);
        assert_non_null(place);
    }
    for (int i = 0; i < 150; i++)
        at(2, EXITED, children[i], NORMAL);
    assert_non_null(strstr(trace, "node ended shutdown\n"));
    assert_int_equal(node.counts[CHILD_STOPPED], 150);
}

static void
a_full_buffer_says_more(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    for (int i = 0; i < 100; i++)
        child_add("child", &policy);
    struct node_actions actions;
    struct node_event event = { .type = NODE_START_ALL };
    assert_int_equal(supervisor_node_step(&node, &event, &actions), NODE_MORE);
    unsigned calls = 1;
    do {
        assert_in_range(actions.size, 1, NODE_ACTIONS_MAX);
        assert_in_range(calls++, 1, 100);
    } while (supervisor_node_continue(&node, &actions) == NODE_MORE);
    assert_int_equal(node.state, NODE_RUNNING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(is_ready_when_nothing_is_on_its_way),
        a_test(is_ready_beside_stopped_and_failed_children),
        a_test(an_empty_node_is_ready_and_idle),
        a_test(is_idle_when_every_child_has_ended),
        a_test(is_not_idle_while_a_child_is_stopped_by_request),
        a_test(is_idle_when_a_supervisor_below_is),
        a_test(resets_all_its_children),
        a_test(a_big_node_tells_its_actions_in_portions_and_in_order),
        a_test(a_full_buffer_says_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
