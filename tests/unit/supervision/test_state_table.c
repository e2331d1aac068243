/* The state table as semantics.md has it, as text; and names that come back as they went. */
#include "trace.h"

/* x: has an entry. A pair without one is ignored and counted. */
static const struct {
    enum node_event_type type;
    const char
        row[CHILD_STATES + 1]; /* registered restarting starting running stopping stopped failed */
} expected[] = {
    { NODE_ADD, "x......" },
    { NODE_START_ALL, "xx.x.xx" },
    { NODE_STOP_ALL, "xxxxx.." },
    { NODE_KILL_ALL, "xxxxx.." },
    { NODE_ADMITTED, "xx....." },
    { NODE_STARTED, "..x.x.." },
    { NODE_READY, "...x..." },
    { NODE_NOT_READY, "...x..." },
    { NODE_EXITED, "xxxxx.." },
    { NODE_TIMER, ".xx.x.." },
    { NODE_IDLE, "...x..." },
    { NODE_NOT_IDLE, "...x..." },
    { NODE_START, "xxxxxxx" },
    { NODE_STOP, "xxxxxxx" },
    { NODE_RESTART, "xxxxxxx" },
    { NODE_KILL, "xxxxxxx" },
    { NODE_RESET, "xxxxxxx" },
    { NODE_DELETE, "xxxxxxx" },
    { NODE_RESET_ALL, "xxxxxxx" },
    { NODE_DEGRADED, "...x..." },
    { NODE_HEALTH_FAILED, "...x..." },
    { NODE_GROUP, "xxxxxx." },
    { NODE_CHANGE, "xxxxxxx" },
    { NODE_MOVE, "xxxxxxx" },
    { NODE_CONFIGURE, "......." },
    { NODE_DEPENDENCY_MET, "xxxxxxx" },
    { NODE_DEPENDENCY_LOST, "xxxxxxx" },
    { NODE_DEPENDENCY_EXITED, "..xx..." },
};

static void
every_pair_of_state_and_event_is_as_designed(void **state)
{
    (void)state;
    assert_int_equal(sizeof expected / sizeof expected[0], NODE_EVENTS);
    for (size_t i = 0; i < NODE_EVENTS; i++)
        for (int s = 0; s < CHILD_STATES; s++)
            if (state_table_has((enum child_state)s, expected[i].type) !=
                (expected[i].row[s] == 'x')) {
                print_error("%s in %s\n", node_event_name(expected[i].type),
                            child_state_name((enum child_state)s));
                assert_true(false);
            }
}

static void
a_pair_without_entry_is_ignored_and_counted(void **state)
{
    (void)state;
    static struct child_policy policy;
    for (int s = 0; s < CHILD_STATES; s++) {
        for (int type = NODE_ADMITTED; type < NODE_GROUP; type++) {
            if (state_table_has((enum child_state)s, (enum node_event_type)type))
                continue;
            node_teardown(NULL);
            node_setup(NULL);
            policy = plain_policy();
            struct supervisor_child *worker = child_in((enum child_state)s, &policy);
            uint64_t ignored = node.ignored;
            trace_at(1, (enum node_event_type)type, worker, EXIT_TRAP);
            assert_trace("");
            assert_events("");
            assert_int_equal(worker->state, s);
            assert_int_equal(node.ignored, ignored + 1);
        }
    }
}

static void
what_was_taken_is_counted(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(1, EXITED, worker, TRAP);
    assert_int_equal(node.coverage[CHILD_RUNNING][NODE_EXITED], 1);
    assert_int_equal(node.coverage[CHILD_REGISTERED][NODE_START_ALL], 1);
    assert_int_equal(node.coverage[CHILD_RESTARTING][NODE_TIMER], 0);
}

static void
names_come_back_as_they_went(void **state)
{
    (void)state;
    for (int i = 0; i < CHILD_STATES; i++) {
        enum child_state found = CHILD_FAILED;
        assert_true(child_state_find(child_state_name((enum child_state)i), &found));
        assert_int_equal(found, i);
    }
    for (int i = EXIT_NORMAL; i <= EXIT_HOST_LOST; i++) {
        enum exit_reason found = EXIT_NORMAL;
        assert_true(exit_reason_find(exit_reason_name((enum exit_reason)i), &found));
        assert_int_equal(found, i);
    }
    for (int i = EVENT_REGISTERED; i <= EVENT_APPLICATION_STOPPED; i++) {
        enum event_type found = EVENT_REGISTERED;
        assert_true(event_type_find(event_type_name((enum event_type)i), &found));
        assert_int_equal(found, i);
    }
}

static void
a_name_that_is_none_changes_nothing(void **state)
{
    (void)state;
    enum exit_reason reason = EXIT_TRAP;
    assert_false(exit_reason_find("traps", &reason));
    assert_int_equal(reason, EXIT_TRAP);
    enum child_state child_state = CHILD_FAILED;
    assert_false(child_state_find("", &child_state));
    assert_int_equal(child_state, CHILD_FAILED);
    enum event_type type = EVENT_READY;
    assert_false(event_type_find("Ready", &type));
    assert_int_equal(type, EVENT_READY);
}

static void
defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct child_policy component = child_policy_default(false);
    assert_int_equal(component.restart, RESTART_PERMANENT);
    assert_int_equal(component.max_restarts, 3);
    assert_int_equal(component.within_us, 60000000);
    assert_int_equal(component.on_exhausted, ON_EXHAUSTED_FAIL);
    assert_int_equal(component.backoff.strategy, BACKOFF_EXPONENTIAL);
    assert_int_equal(component.backoff.initial_us, 100000);
    assert_true(component.backoff.factor == 1.5);
    assert_int_equal(component.backoff.max_us, 30000000);
    assert_true(component.backoff.jitter == 0.1);
    assert_int_equal(component.backoff.reset_after_us, component.within_us);
    assert_int_equal(component.shutdown_us, 5000000);
    assert_int_equal(component.start_timeout_us, 10000000);
    struct child_policy supervisor = child_policy_default(true);
    assert_true(supervisor.shutdown_us == DURATION_INFINITE);
    assert_true(supervisor.start_timeout_us == DURATION_INFINITE);
}

static void
a_child_is_small(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    assert_in_range(supervisor_child_size(&policy), 1, 120);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(every_pair_of_state_and_event_is_as_designed),
        a_test(a_pair_without_entry_is_ignored_and_counted),
        a_test(what_was_taken_is_counted),
        a_test(names_come_back_as_they_went),
        a_test(a_name_that_is_none_changes_nothing),
        a_test(defaults_are_those_of_the_contract),
        a_test(a_child_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
