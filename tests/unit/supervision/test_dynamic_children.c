/* Children that were added while the node runs: a temporary one is deleted at its end, and with
 * its supervisor; permanent and transient ones are as any other. */
#include "trace.h"

static struct child_policy
policy_of(enum restart_policy restart)
{
    struct child_policy policy = plain_policy();
    policy.restart = restart;
    return policy;
}

/* Of a node that runs already. */
static struct supervisor_child *
add_dynamic(uint64_t ms, const char *name, const struct child_policy *policy)
{
    struct supervisor_child *child = child_new(name, policy, false);
    child->is_dynamic = true;
    at(ms, ADD, child);
    return child;
}

/* A node with one permanent child that runs, and one more that was added and runs. */
static struct supervisor_child *
running(const struct child_policy *policy)
{
    static struct child_policy permanent;
    permanent = plain_policy();
    struct supervisor_child *stays = child_in(CHILD_RUNNING, &permanent);
    struct supervisor_child *job = add_dynamic(0, "job", policy);
    at(0, STARTED, job);
    assert_state(stays, RUNNING);
    assert_state(job, RUNNING);
    trace_clear();
    return job;
}

static void
is_added_and_started_by_a_node_that_runs(void **state)
{
    (void)state;
    struct child_policy policy = policy_of(RESTART_TRANSIENT);
    child_in(CHILD_RUNNING, &policy);
    struct supervisor_child *job = add_dynamic(5, "job", &policy);
    at(6, STARTED, job);
    assert_events("[   5] job added\n"
                  "[   5] job registered\n"
                  "[   5] job starting\n"
                  "[   6] job started\n"
                  "[   6] job ready\n");
    assert_int_equal(supervisor_node_size(&node), 2);
}

static void
is_deleted_at_its_end_if_temporary(void **state)
{
    (void)state;
    struct child_policy policy = policy_of(RESTART_TEMPORARY);
    struct supervisor_child *job = running(&policy);
    at(10, EXITED, job, NORMAL);
    assert_events("[  10] job exited normal\n"
                  "[  10] job deleted normal\n");
    assert_trace("[  10] removed job\n");
    assert_int_equal(supervisor_node_size(&node), 1);
    assert_int_equal(node.counts[CHILD_STOPPED], 0);
}

static void
is_deleted_at_an_abnormal_end_too(void **state)
{
    (void)state;
    struct child_policy policy = policy_of(RESTART_TEMPORARY);
    struct supervisor_child *job = running(&policy);
    at(10, KILL, job);
    at(11, EXITED, job, KILLED);
    assert_events("[  11] job exited killed\n"
                  "[  11] job deleted killed\n");
    assert_int_equal(supervisor_node_size(&node), 1);
}

static void
stays_when_a_rule_makes_it_fail(void **state)
{
    (void)state;
    struct exit_rule rule = { .reason = EXIT_TRAP, .action = EXIT_DO_FAIL };
    struct child_policy policy = policy_of(RESTART_TEMPORARY);
    policy.rules = &rule;
    policy.rules_size = 1;
    struct supervisor_child *job = running(&policy);
    at(10, EXITED, job, TRAP);
    assert_state(job, FAILED);
    assert_int_equal(supervisor_node_size(&node), 2);
}

static void
stays_when_it_is_stopped_by_hand_and_starts_again(void **state)
{
    (void)state;
    struct child_policy policy = policy_of(RESTART_TEMPORARY);
    struct supervisor_child *job = running(&policy);
    at(10, STOP, job);
    at(11, EXITED, job, NORMAL);
    assert_state(job, STOPPED);
    at(12, START, job);
    assert_state(job, STARTING);
    at(13, STARTED, job);
    at(14, EXITED, job, NORMAL);
    assert_int_equal(supervisor_node_size(&node), 1);
}

static void
of_the_manifest_it_stays_when_it_ended(void **state)
{
    (void)state;
    struct child_policy policy = policy_of(RESTART_TEMPORARY);
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, NORMAL);
    assert_state(worker, STOPPED);
    assert_int_equal(supervisor_node_size(&node), 1);
}

/* Strategies: "dynamic permanent and transient children come back, temporary ones do not." */
static void
comes_back_with_its_supervisor_unless_temporary(void **state)
{
    (void)state;
    struct child_policy permanent = policy_of(RESTART_PERMANENT);
    struct child_policy transient = policy_of(RESTART_TRANSIENT);
    struct child_policy temporary = policy_of(RESTART_TEMPORARY);
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &permanent);
    struct supervisor_child *a = add_dynamic(0, "a", &permanent);
    struct supervisor_child *b = add_dynamic(0, "b", &transient);
    struct supervisor_child *c = add_dynamic(0, "c", &temporary);
    at(0, STARTED, a);
    at(0, STARTED, b);
    at(0, STARTED, c);
    at(10, STOP_ALL, NOBODY);
    at(11, EXITED, c);
    assert_int_equal(supervisor_node_size(&node), 3);
    at(12, EXITED, b);
    at(13, EXITED, a);
    at(14, EXITED, worker);
    trace_clear();
    at(20, START_ALL, NOBODY);
    assert_events("[  20] worker registered\n"
                  "[  20] a registered\n"
                  "[  20] b registered\n"
                  "[  20] worker starting\n"
                  "[  20] a starting\n"
                  "[  20] b starting\n");
    assert_int_equal(a->generation, 2);
    assert_int_equal(b->generation, 2);
}

static void
that_waits_is_deleted_with_its_supervisor_too(void **state)
{
    (void)state;
    struct exit_rule rule = { .reason = EXIT_TRAP, .action = EXIT_DO_RESTART };
    struct child_policy policy = policy_of(RESTART_TEMPORARY);
    policy.rules = &rule;
    policy.rules_size = 1;
    struct supervisor_child *job = running(&policy);
    at(10, EXITED, job, TRAP);
    assert_state(job, RESTARTING);
    trace_clear();
    at(20, STOP_ALL, NOBODY);
    assert_events("[  20] job deleted\n"
                  "[  20] worker stopping\n");
    assert_int_equal(supervisor_node_size(&node), 1);
    at(21, KILL_ALL, NOBODY);
    assert_int_equal(node.state, NODE_STOPPING);
}

static void
that_is_taken_along_by_a_group_is_deleted_if_temporary(void **state)
{
    (void)state;
    struct child_policy permanent = plain_policy();
    struct child_policy temporary = policy_of(RESTART_TEMPORARY);
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &permanent);
    struct supervisor_child *job = add_dynamic(0, "job", &temporary);
    at(0, STARTED, job);
    trace_clear();
    at(10, EXITED, worker, TRAP);
    at(11, EXITED, job, NORMAL);
    at(110, TIMER, worker);
    assert_events("[  10] worker exited trap\n"
                  "[  10] worker restart-scheduled 100ms\n"
                  "[  10] job stopping\n"
                  "[  11] job exited shutdown\n"
                  "[  11] job deleted shutdown\n"
                  "[ 110] worker starting\n");
    assert_int_equal(supervisor_node_size(&node), 1);
}

static void
that_is_significant_still_ends_its_supervisor(void **state)
{
    (void)state;
    struct child_policy permanent = plain_policy();
    struct child_policy policy = policy_of(RESTART_TEMPORARY);
    policy.significant = true;
    node_set(STRATEGY_ONE_FOR_ONE, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_ANY);
    child_in(CHILD_RUNNING, &permanent);
    struct supervisor_child *job = add_dynamic(0, "job", &policy);
    at(0, STARTED, job);
    at(10, EXITED, job, NORMAL);
    assert_int_equal(node.state, NODE_STOPPING);
    assert_int_equal(node.significant, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(is_added_and_started_by_a_node_that_runs),
        a_test(is_deleted_at_its_end_if_temporary),
        a_test(is_deleted_at_an_abnormal_end_too),
        a_test(stays_when_a_rule_makes_it_fail),
        a_test(stays_when_it_is_stopped_by_hand_and_starts_again),
        a_test(of_the_manifest_it_stays_when_it_ended),
        a_test(comes_back_with_its_supervisor_unless_temporary),
        a_test(that_waits_is_deleted_with_its_supervisor_too),
        a_test(that_is_taken_along_by_a_group_is_deleted_if_temporary),
        a_test(that_is_significant_still_ends_its_supervisor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
