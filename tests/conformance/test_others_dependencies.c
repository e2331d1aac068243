/* Dependencies as others have them, as our configuration: systemd's After= with Requires= and with
 * BindsTo=, Docker Compose's conditions, Erlang's applications; and ours under each strategy. */
#include "family.h"

/* second and third wait for something elsewhere. */
static void
waiting_family_of(enum strategy strategy, const struct child_policy *policy)
{
    family_of(strategy, policy);
    at(0, DEPENDENCY_LOST, second);
    at(0, DEPENDENCY_LOST, third);
    at(0, START_ALL, NOBODY);
    at(1, STARTED, first);
    trace_clear();
}

/* After=: nothing is started before what it is ordered behind; nothing else waits for it. */
static void
only_dependants_wait_under_one_for_one(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    family_of(STRATEGY_ONE_FOR_ONE, &policy);
    at(0, DEPENDENCY_LOST, second);
    at(0, START_ALL, NOBODY);
    assert_trace("[   0] start first 1\n"
                 "[   0] start third 1\n");
    at(9, DEPENDENCY_MET, second);
    assert_trace("[   9] start second 1\n");
}

static void
a_group_waits_as_one_behind_its_first_that_waits(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 1; i < FAMILY_STRATEGIES; i++) {
        waiting_family_of(family_strategies[i], &policy);
        at(2, DEPENDENCY_MET, third); /* Its turn has not come. */
        assert_trace("");
        at(3, DEPENDENCY_MET, second);
        at(4, STARTED, second);
        at(5, STARTED, third);
        assert_trace("[   3] start second 1\n"
                     "[   4] start third 1\n"
                     "[   5] node ready\n");
    }
}

/* Requires= without BindsTo=: once up, a unit outlives what it was ordered behind. */
static void
once_up_a_lost_dependency_changes_nothing(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        running_family_of(family_strategies[i], &policy);
        at(1, DEPENDENCY_EXITED, second);
        at(1, DEPENDENCY_LOST, second);
        at(2, DEPENDENCY_MET, second);
        assert_trace("");
    }
}

/* BindsTo=, Compose's `depends_on: restart: true`: stopped with it, started with it, uncounted; and
 * no sibling is taken along. */
static void
a_follower_goes_down_and_comes_up_alone(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.when_dependency_restarts = DEPENDENCY_RESTART;
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        running_family_of(family_strategies[i], &policy);
        at(1, DEPENDENCY_EXITED, second);
        at(1, DEPENDENCY_LOST, second);
        at(2, EXITED, second, TRAP);
        at(3, DEPENDENCY_MET, second);
        at(4, STARTED, second);
        assert_trace("[   1] stop second\n"
                     "[   1] node not ready\n"
                     "[   3] start second 2\n"
                     "[   4] node ready\n");
        assert_int_equal(second->restarts + first->restarts + third->restarts, 0);
    }
}

/* Compose's service_completed_successfully: a job that ended well is met for good, one that did
 * not is not. service_healthy: met while it is ready. */
static void
the_conditions_of_compose(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    policy.restart = RESTART_TEMPORARY;
    policy.reports_ready = true;
    family_of(STRATEGY_ONE_FOR_ONE, &policy);
    assert_false(supervisor_child_tell(first) || supervisor_child_tell(second));
    family_start();
    at(1, EXITED, first, NORMAL);
    at(1, EXITED, second, ERROR);
    assert_true(first->told_met);
    assert_false(second->told_met);
    supervisor_child_tell(third);
    at(2, READY, third);
    assert_true(third->told_met);
    at(3, NOT_READY, third);
    assert_false(third->told_met);
}

/* Erlang's applications stop in the reverse order of their start; a supervisor's shutdown never
 * waits for what was not started. */
static void
the_end_does_not_wait_for_who_never_started(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    for (size_t i = 0; i < FAMILY_STRATEGIES; i++) {
        waiting_family_of(family_strategies[i], &policy);
        at(2, STOP_ALL, NOBODY);
        at(3, EXITED, first, NORMAL);
        assert_trace("[   2] stop first\n"
                     "[   3] node ended shutdown\n");
    }
}

/* Every verb in the state that waits for a dependency has its defined answer. */
static void
every_verb_on_a_child_that_waits(void **state)
{
    (void)state;
    struct child_policy policy = quiet_policy();
    static const struct {
        enum node_event_type verb;
        enum node_reply reply;
        enum child_state after;
    } rows[] = {
        { NODE_START, REPLY_OK, CHILD_REGISTERED },
        { NODE_RESTART, REPLY_OK, CHILD_REGISTERED },
        { NODE_STOP, REPLY_OK, CHILD_STOPPED },
        { NODE_KILL, REPLY_NOT_RUNNING, CHILD_REGISTERED },
        { NODE_RESET, REPLY_OK, CHILD_REGISTERED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        waiting_family_of(STRATEGY_ONE_FOR_ONE, &policy);
        trace_at(2, rows[i].verb, second, EXIT_NORMAL);
        assert_int_equal(reply, rows[i].reply);
        assert_int_equal(second->state, rows[i].after);
        assert_int_equal(second->generation, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(only_dependants_wait_under_one_for_one),
        a_test(a_group_waits_as_one_behind_its_first_that_waits),
        a_test(once_up_a_lost_dependency_changes_nothing),
        a_test(a_follower_goes_down_and_comes_up_alone),
        a_test(the_conditions_of_compose),
        a_test(the_end_does_not_wait_for_who_never_started),
        a_test(every_verb_on_a_child_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
