/* What survives: a child goes on where an earlier run left it. */
#include "trace.h"

#include "supervision/child_restore.h"

static struct supervisor_child *
child_with(const struct child_policy *policy, const struct child_memory *memory)
{
    struct supervisor_child *child = child_new("worker", policy, false);
    child_restore(child, memory);
    at(0, ADD, child);
    return child;
}

static struct child_memory
memory_in(enum child_state state)
{
    return (struct child_memory){
        .state = state,
        .stop_cause = STOPPED_WITH_SUPERVISOR,
        .generation = 4,
        .restarts = 2,
        .attempt = 2,
        .lived_us = 50000,
        .born_lived_us = 40000,
        .has_exit = true,
        .exit = { .reason = EXIT_TRAP },
    };
}

static void
starts_what_ran_again_uncounted(void **state)
{
    (void)state;
    static const enum child_state alive[] = { CHILD_STARTING, CHILD_RUNNING, CHILD_STOPPING };
    struct child_policy policy = plain_policy();
    for (size_t i = 0; i < 3; i++) {
        node_setup(NULL);
        struct child_memory memory = memory_in(alive[i]);
        memory.delay_us = 7000; /* Of no meaning here. */
        struct supervisor_child *child = child_with(&policy, &memory);
        assert_events("[   0] worker registered\n"
                      "[   0] worker exited host-lost\n"
                      "[   0] worker restart-scheduled 0ms\n");
        assert_trace("");
        at(1, START_ALL, NOBODY);
        assert_trace("[   1] arm worker 10000ms\n"
                     "[   1] start worker 5\n");
        assert_int_equal(child->restarts, 2);
        assert_int_equal(child->attempt, 2);
    }
}

static void
leaves_down_what_was_being_stopped_by_request(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_STOPPING);
    memory.stop_cause = STOPPED_BY_REQUEST;
    child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    assert_trace("[   1] node ready\n");
    assert_events("[   0] worker registered\n"
                  "[   0] worker exited host-lost\n"
                  "[   0] worker stopped host-lost\n");
    assert_int_equal(node.by_request, 1);
}

static void
brings_back_what_was_being_restarted_by_hand(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_STOPPING);
    memory.stop_cause = STOPPED_BY_REQUEST;
    memory.comes_back = true;
    child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    assert_trace("[   1] arm worker 10000ms\n"
                 "[   1] start worker 5\n");
}

static void
waits_what_is_left_of_a_delay(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_RESTARTING);
    memory.delay_us = 7000;
    struct supervisor_child *child = child_with(&policy, &memory);
    assert_events("[   0] worker registered\n"
                  "[   0] worker restart-scheduled 7ms\n");
    at(5, START_ALL, NOBODY);
    assert_trace("[   5] arm worker 7ms\n");
    at(12, TIMER, child);
    assert_trace("[  12] arm worker 10000ms\n"
                 "[  12] start worker 5\n");
}

static void
drops_the_rest_of_a_delay_when_started_by_hand(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_RESTARTING);
    memory.delay_us = 7000;
    struct supervisor_child *child = child_with(&policy, &memory);
    at(1, START, child);
    at(5, START_ALL, NOBODY);
    assert_trace("[   5] arm worker 10000ms\n"
                 "[   5] start worker 5\n");
}

static void
goes_on_with_the_budget_and_the_backoff(void **state)
{
    (void)state;
    const uint64_t grants_us[] = { 1, 20000, 45000 };
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_RUNNING);
    memory.grants_us = grants_us;
    memory.grants_size = 2;
    memory.grants_us = grants_us + 1;
    struct supervisor_child *child = child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    at(1, STARTED, child);
    trace_clear();
    at(2, EXITED, child, TRAP);
    /* The third of three; 100 ms · 2 · 2. */
    assert_events("[   2] worker exited trap\n"
                  "[   2] worker restart-scheduled 400ms\n");
    at(402, TIMER, child);
    at(402, STARTED, child);
    trace_clear();
    at(403, EXITED, child, TRAP);
    assert_events("[ 403] worker exited trap\n"
                  "[ 403] worker failed trap\n");
}

static void
counts_no_grant_that_has_left_the_window(void **state)
{
    (void)state;
    const uint64_t grants_us[] = { 1, 2, 3 };
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_RUNNING);
    memory.lived_us = policy.within_us + 100;
    memory.born_lived_us = 5;
    memory.grants_us = grants_us;
    memory.grants_size = 3;
    struct supervisor_child *child = child_with(&policy, &memory);
    assert_int_equal(supervisor_child_budget_used(child, 0), 0);
    /* It had lived for longer than reset-after: n begins anew. */
    assert_int_equal(child->attempt, 0);
}

static void
takes_the_last_grants_when_the_budget_became_smaller(void **state)
{
    (void)state;
    const uint64_t grants_us[] = { 1, 2, 900000 };
    struct child_policy policy = plain_policy();
    policy.max_restarts = 2;
    struct child_memory memory = memory_in(CHILD_FAILED);
    memory.grants_us = grants_us;
    memory.grants_size = 3;
    struct supervisor_child *child = child_with(&policy, &memory);
    assert_int_equal(supervisor_child_budget_used(child, 0), 2);
    assert_int_equal(child->lived_us, 900000); /* Never behind a grant. */
}

static void
leaves_failed_and_ended_children_at_rest(void **state)
{
    (void)state;
    static const enum stop_cause rests[] = { STOPPED_BY_REQUEST, STOPPED_ENDED, STOPPED_TEMPORARY,
                                             STOPPED_IGNORED };
    struct child_policy policy = plain_policy();
    for (size_t i = 0; i < 5; i++) {
        node_setup(NULL);
        struct child_memory memory = memory_in(i < 4 ? CHILD_STOPPED : CHILD_FAILED);
        if (i < 4)
            memory.stop_cause = rests[i];
        struct supervisor_child *child = child_with(&policy, &memory);
        at(1, START_ALL, NOBODY);
        assert_int_equal(child->state, memory.state);
        assert_int_equal(child->generation, 4);
        /* The next start of its supervisor finds an ordinary child. */
        at(2, STOP_ALL, NOBODY);
        at(3, START_ALL, NOBODY);
        bool returns = i == 1 || i >= 3;
        assert_int_equal(child->state, returns ? CHILD_STARTING : CHILD_STOPPED);
    }
}

static void
starts_what_rested_below_a_supervisor_that_begins_anew(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_FAILED);
    memory.is_fresh = true;
    struct supervisor_child *child = child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    assert_state(child, STARTING);
    assert_int_equal(child->generation, 5);
    assert_int_equal(child->restarts, 0);
}

static void
starts_what_was_stopped_with_its_supervisor(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_STOPPED);
    struct supervisor_child *child = child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    assert_state(child, STARTING);
}

static void
starts_what_ran_in_the_order_of_its_group(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_RUNNING);
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *first = child_with(&policy, &memory);
    struct supervisor_child *second = child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    assert_state(first, STARTING);
    assert_state(second, RESTARTING);
    at(2, STARTED, first);
    assert_state(second, STARTING);
    at(3, STARTED, second);
    assert_int_equal(first->restarts + second->restarts, 4);
    assert_int_equal(node.group_delays, 0);
}

/* The rest of a group that waited for the delay of the one that failed, when the host was lost. */
static void
waits_in_its_group_for_what_is_left_of_a_delay(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    struct child_memory memory = memory_in(CHILD_RESTARTING);
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    struct supervisor_child *before = child_with(&policy, &memory);
    memory.delay_us = 7000;
    struct supervisor_child *failed = child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    assert_state(before, RESTARTING);
    at(8, TIMER, failed);
    assert_state(before, STARTING);
    assert_state(failed, RESTARTING);
    at(9, STARTED, before);
    assert_state(failed, STARTING);

    /* By hand it need not wait, and nobody waits for it. */
    node_setup(NULL);
    node_set(STRATEGY_ONE_FOR_ALL, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    memory.delay_us = 0;
    before = child_with(&policy, &memory);
    memory.delay_us = 7000;
    failed = child_with(&policy, &memory);
    at(1, START_ALL, NOBODY);
    at(2, START, failed);
    assert_state(failed, STARTING);
    assert_state(before, STARTING);
    assert_int_equal(node.group_delays, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(starts_what_ran_again_uncounted),
        a_test(leaves_down_what_was_being_stopped_by_request),
        a_test(brings_back_what_was_being_restarted_by_hand),
        a_test(waits_what_is_left_of_a_delay),
        a_test(drops_the_rest_of_a_delay_when_started_by_hand),
        a_test(goes_on_with_the_budget_and_the_backoff),
        a_test(counts_no_grant_that_has_left_the_window),
        a_test(takes_the_last_grants_when_the_budget_became_smaller),
        a_test(leaves_failed_and_ended_children_at_rest),
        a_test(starts_what_rested_below_a_supervisor_that_begins_anew),
        a_test(starts_what_was_stopped_with_its_supervisor),
        a_test(starts_what_ran_in_the_order_of_its_group),
        a_test(waits_in_its_group_for_what_is_left_of_a_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
