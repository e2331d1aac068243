/* What decided: worked out from a child as each way to end, to stop and to start again has left it. */
#include "trace.h"

#include "base/trap_code.h"
#include "supervision/child_restore.h"

static struct child_policy policy;
static struct supervisor_child *a, *b;

static const char *
decision_of(const struct supervisor_child *child)
{
    const char *name = child_decision_name(supervisor_child_decision(child, &node));
    return name ? name : "nothing";
}

#define assert_decided(child, by) assert_string_equal(decision_of(child), by)

/* A running child with one rule for a trap, or none for EXIT_NORMAL. */
static struct supervisor_child *
child_with_rule(enum restart_policy restart, enum exit_reason reason, enum exit_action action)
{
    static struct exit_rule rule;
    rule = (struct exit_rule){ .reason = reason, .action = action };
    node_teardown(NULL);
    node_setup(NULL);
    policy = plain_policy();
    policy.restart = restart;
    policy.rules = &rule;
    policy.rules_size = reason == EXIT_NORMAL ? 0 : 1;
    return child_in(CHILD_RUNNING, &policy);
}

static void
nothing_has_decided_before_an_exit_or_a_stop(void **state)
{
    (void)state;
    assert_decided(child_with_rule(RESTART_PERMANENT, EXIT_NORMAL, EXIT_DO_STOP), "nothing");
}

static void
a_rule_or_the_policy_decides_about_an_exit(void **state)
{
    (void)state;
    static const struct {
        enum restart_policy restart;
        enum exit_reason reason; /* Of the rule; NORMAL: there is none. */
        enum exit_action action;
        enum child_state state;
        const char *by;
    } rows[] = {
        { RESTART_PERMANENT, EXIT_NORMAL, EXIT_DO_STOP, CHILD_RESTARTING, "policy" },
        { RESTART_TEMPORARY, EXIT_NORMAL, EXIT_DO_STOP, CHILD_STOPPED, "policy" },
        { RESTART_PERMANENT, EXIT_ERROR, EXIT_DO_STOP, CHILD_RESTARTING, "policy" },
        { RESTART_TEMPORARY, EXIT_TRAP, EXIT_DO_RESTART, CHILD_RESTARTING, "on-exit" },
        { RESTART_PERMANENT, EXIT_TRAP, EXIT_DO_STOP, CHILD_STOPPED, "on-exit" },
        { RESTART_TEMPORARY, EXIT_TRAP, EXIT_DO_STOP, CHILD_STOPPED, "on-exit" },
        { RESTART_PERMANENT, EXIT_TRAP, EXIT_DO_FAIL, CHILD_FAILED, "on-exit" },
        { RESTART_PERMANENT, EXIT_TRAP, EXIT_DO_ESCALATE, CHILD_FAILED, "on-exit" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        a = child_with_rule(rows[i].restart, rows[i].reason, rows[i].action);
        at(1, EXITED, a, TRAP);
        assert_int_equal(a->state, rows[i].state);
        assert_decided(a, rows[i].by);
    }
    a = child_with_rule(RESTART_TRANSIENT, EXIT_NORMAL, EXIT_DO_STOP);
    at(1, EXITED, a);
    assert_state(a, STOPPED);
    assert_decided(a, "policy");
}

static void
what_fails_by_its_budget_its_code_or_an_intensity_says_so(void **state)
{
    (void)state;
    policy = plain_policy();
    policy.max_restarts = 0;
    a = child_in(CHILD_RUNNING, &policy);
    at(1, EXITED, a, TRAP);
    assert_decided(a, "budget");
    struct child_policy larger = plain_policy();
    static uint64_t ring[3];
    trace_step((struct node_event){
        .type = NODE_CHANGE, .now_us = 2000, .child = a, .policy = &larger, .grants_us = ring });
    assert_decided(a, "former");

    a = child_with_rule(RESTART_PERMANENT, EXIT_NORMAL, EXIT_DO_STOP);
    at(1, EXITED, a, LOAD_ERROR);
    assert_decided(a, "load-error");

    node_teardown(NULL);
    node_setup(NULL);
    policy = plain_policy();
    node_set(STRATEGY_ONE_FOR_ONE, 1, AUTO_SHUTDOWN_NEVER);
    a = child_add("a", &policy);
    b = child_add("b", &policy);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, b);
    at(1, EXITED, a, TRAP);
    assert_decided(a, "policy");
    at(2, EXITED, b, TRAP);
    assert_int_equal(node.end.reason, EXIT_ESCALATED);
    assert_decided(b, "intensity");
    assert_decided(a, "supervisor");
}

/* Both ends of a's group: the one that ended, and the one that was taken along. */
static void
a_group_takes_along_what_runs_what_ended_and_what_ends_in_it(void **state)
{
    (void)state;
    struct child_policy once = plain_policy(), job = plain_policy();
    once.restart = RESTART_TEMPORARY;
    job.restart = RESTART_TRANSIENT;
    policy = plain_policy();
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *early = child_add("early", &policy);
    struct supervisor_child *ended = child_add("ended", &job);
    a = child_add("a", &policy);
    struct supervisor_child *short_one = child_add("once", &once);
    b = child_add("b", &policy);
    struct supervisor_child *const all[] = { early, ended, a, short_one, b };
    at(0, START_ALL, NOBODY);
    for (size_t i = 0; i < 5; i++)
        at(0, STARTED, all[i]);
    at(1, EXITED, ended);
    at(2, EXITED, a, TRAP);
    assert_state(b, STOPPING);
    assert_decided(b, "group");
    assert_ptr_equal(supervisor_child_group_cause(b, &node), a);
    assert_null(supervisor_child_group_cause(a, &node));
    assert_decided(a, "policy");
    assert_decided(ended, "group");
    at(3, EXITED, early, TRAP); /* Before its turn to stop. */
    assert_decided(early, "group");
    at(4, EXITED, b);
    at(5, EXITED, short_one);
    assert_state(short_one, STOPPED);
    assert_decided(short_one, "group");
    at(200, TIMER, a);
    for (size_t i = 0; i < 3; i++)
        at(201 + i, STARTED, all[i]);
    at(205, STARTED, b);
    assert_state(b, RUNNING);
    assert_decided(b, "group");
    assert_decided(early, "group");
    at(300, EXITED, b, TRAP); /* From here on its own exit is what counts. */
    assert_decided(b, "policy");
}

static void
a_follower_says_dependency_and_a_request_says_itself(void **state)
{
    (void)state;
    policy = plain_policy();
    policy.when_dependency_restarts = DEPENDENCY_RESTART;
    a = child_in(CHILD_RUNNING, &policy);
    at(1, DEPENDENCY_EXITED, a);
    assert_decided(a, "dependency");
    at(2, EXITED, a);
    at(3, STARTED, a);
    assert_decided(a, "dependency");
    at(4, RESTART, a);
    assert_decided(a, "restart");
    at(5, EXITED, a, TRAP); /* An end while being stopped is not judged. */
    at(6, STARTED, a);
    assert_decided(a, "restart");
    at(7, STOP, a);
    assert_decided(a, "stop");
    at(8, EXITED, a);
    assert_decided(a, "stop");
    at(9, START, a);
    assert_decided(a, "start");
    at(10, STARTED, a);
    at(11, EXITED, a, TRAP);
    assert_decided(a, "policy");
    at(12, STOP, a); /* While it waits. */
    at(13, START, a);
    assert_decided(a, "start");
    at(14, STARTED, a);
    at(15, DEPENDENCY_LOST, a);
    at(15, DEPENDENCY_EXITED, a);
    at(16, EXITED, a);
    assert_decided(a, "dependency");
    at(17, STOP, a); /* Before it is met. */
    at(18, START, a);
    at(19, DEPENDENCY_MET, a);
    assert_decided(a, "start");
    at(20, STARTED, a);
    at(21, DELETE, a);
    assert_decided(a, "delete");
}

static void
a_supervisor_takes_along_and_starts_anew(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_RUNNING, &policy);
    at(1, STOP_ALL, NOBODY);
    assert_decided(a, "supervisor");
    at(2, EXITED, a);
    assert_decided(a, "supervisor");
    at(3, START_ALL, NOBODY);
    at(4, STARTED, a);
    assert_decided(a, "start");
    at(5, EXITED, a, TRAP);
    assert_decided(a, "policy");
    at(6, RESET, a);
    assert_decided(a, "start"); /* Its grant is gone. */
}

static void
an_answer_to_ignore_is_the_childs_own(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_STARTING, &policy);
    trace_step((struct node_event){ .type = NODE_EXITED,
                                    .now_us = 1000,
                                    .child = a,
                                    .generation = a->generation,
                                    .ignored = true });
    assert_decided(a, "ignored");
}

static void
a_change_on_trial_that_ends_too_early_is_not_its_own_restart(void **state)
{
    (void)state;
    policy = plain_policy();
    a = child_in(CHILD_RUNNING, &policy);
    trace_step((struct node_event){
        .type = NODE_CHANGE, .now_us = 1000, .child = a, .restarts = true, .on_trial = true });
    assert_decided(a, "restart");
    at(2, EXITED, a);
    at(3, EXITED, a, TRAP);
    assert_state(a, RESTARTING);
    assert_decided(a, "restart");
}

static void
what_an_earlier_run_left_says_the_same(void **state)
{
    (void)state;
    static const struct {
        enum child_state state;
        uint32_t grants;
        const char *by;
    } rows[] = {
        { CHILD_RUNNING, 1, "host-lost" },
        { CHILD_RESTARTING, 1, "policy" },
        { CHILD_FAILED, 3, "budget" },
    };
    static const uint64_t grants_us[] = { 10, 20, 30 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        node_teardown(NULL);
        node_setup(NULL);
        policy = plain_policy();
        a = child_new("a", &policy, false);
        child_restore(a, &(struct child_memory){ .state = rows[i].state,
                                                 .generation = 4,
                                                 .restarts = rows[i].grants,
                                                 .lived_us = 50,
                                                 .has_exit = true,
                                                 .exit = { EXIT_TRAP, TRAP_UNREACHABLE },
                                                 .grants_us = grants_us,
                                                 .grants_size = rows[i].grants });
        at(0, ADD, a);
        at(1, START_ALL, NOBODY);
        assert_decided(a, rows[i].by);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(nothing_has_decided_before_an_exit_or_a_stop),
        a_test(a_rule_or_the_policy_decides_about_an_exit),
        a_test(what_fails_by_its_budget_its_code_or_an_intensity_says_so),
        a_test(a_group_takes_along_what_runs_what_ended_and_what_ends_in_it),
        a_test(a_follower_says_dependency_and_a_request_says_itself),
        a_test(a_supervisor_takes_along_and_starts_anew),
        a_test(an_answer_to_ignore_is_the_childs_own),
        a_test(a_change_on_trial_that_ends_too_early_is_not_its_own_restart),
        a_test(what_an_earlier_run_left_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
