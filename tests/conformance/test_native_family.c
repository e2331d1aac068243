/* Families of native children that really end: new instances come in order, the supervisor
 * answers during a start that hangs, and each kind of stop ends the child. */
#include "unit/runtime/pupil.h"

static const char *const paths[] = { "/group/first", "/group/second", "/group/third" };

struct family {
    struct stage stage;
    struct pupil pupils[3];
    airs_pid pids[3];
};

static struct child_policy
group_policy(void)
{
    struct child_policy policy = child_policy_default(true);
    policy.backoff = quick_policy().backoff;
    policy.max_restarts = RESTARTS_UNLIMITED; /* However slow the test is. */
    return policy;
}

static void
open_group(struct family *family, const struct node_policy *of_group,
           const struct child_policy *above)
{
    open_stage(&family->stage, 2);
    add_node(&family->stage, "/group", of_group, above);
}

static void
open_family(struct family *family, enum strategy strategy, const struct child_policy *policy)
{
    struct node_policy of_group = node_policy_default();
    of_group.strategy = strategy;
    struct child_policy above = group_policy();
    open_group(family, &of_group, &above);
    for (int i = 0; i < 3; i++)
        family->pids[i] = add_pupil(&family->stage, &family->pupils[i], paths[i], policy);
}

static void
start_family(struct family *family)
{
    ask_root(&family->stage, REQUEST_START_ALL);
    for (int i = 0; i < 3; i++)
        await_event(family->stage.recorder, paths[i], EVENT_READY, 1);
    await_event(family->stage.recorder, "/group", EVENT_READY, 1);
}

static void
tell(struct family *family, int pupil, const char *word)
{
    struct answer answer;
    ask(&family->stage, family->pids[pupil], word, &answer);
    await_answer(&answer);
}

static uint64_t
seq_of(struct family *family, int pupil, enum event_type type, unsigned n)
{
    return await_event(family->stage.recorder, paths[pupil], type, n)->seq;
}

static void
assert_counts_as(struct family *family, int pupil, const char *expected)
{
    struct answer answer;
    ask(&family->stage, family->pids[pupil], "count", &answer);
    assert_string_equal(await_answer(&answer), expected);
}

static void
one_for_all_makes_every_instance_anew_in_order(void **state)
{
    (void)state;
    struct family family = { 0 };
    struct child_policy policy = quick_policy();
    open_family(&family, STRATEGY_ONE_FOR_ALL, &policy);
    start_family(&family);
    assert_counts_as(&family, 0, "1:1");
    tell(&family, 1, "crash");
    for (int i = 0; i < 3; i++)
        await_event(family.stage.recorder, paths[i], EVENT_READY, 2);
    for (int i = 0; i < 3; i++)
        assert_counts_as(&family, i, "2:1"); /* Generation + 1, its counter fresh. */
    assert_true(seq_of(&family, 2, EVENT_EXITED, 1) < seq_of(&family, 0, EVENT_STOPPING, 1));
    assert_true(seq_of(&family, 0, EVENT_EXITED, 1) < seq_of(&family, 0, EVENT_STARTING, 2));
    assert_true(seq_of(&family, 0, EVENT_READY, 2) < seq_of(&family, 1, EVENT_STARTING, 2));
    assert_true(seq_of(&family, 1, EVENT_READY, 2) < seq_of(&family, 2, EVENT_STARTING, 2));
    assert_int_equal(view_of(&family.stage, paths[1]).restarts, 1);
    assert_int_equal(view_of(&family.stage, paths[0]).restarts, 0);
    close_stage(&family.stage);
}

static void
rest_for_one_leaves_the_instance_before(void **state)
{
    (void)state;
    struct family family = { 0 };
    struct child_policy policy = quick_policy();
    open_family(&family, STRATEGY_REST_FOR_ONE, &policy);
    start_family(&family);
    tell(&family, 1, "crash");
    await_event(family.stage.recorder, paths[2], EVENT_READY, 2);
    assert_counts_as(&family, 0, "1:1");
    assert_counts_as(&family, 1, "2:1");
    assert_counts_as(&family, 2, "2:1");
    assert_int_equal(atomic_load(&family.pupils[0].ended), 0);
    close_stage(&family.stage);
}

static void
a_member_that_never_comes_back_ends_the_group_which_is_restarted(void **state)
{
    (void)state;
    struct family family = { 0 };
    struct child_policy policy = quick_policy();
    policy.max_restarts = 2;
    policy.on_exhausted = ON_EXHAUSTED_ESCALATE;
    open_family(&family, STRATEGY_ONE_FOR_ALL, &policy);
    start_family(&family);
    atomic_store(&family.pupils[2].start, START_FAILING);
    tell(&family, 0, "crash");
    const struct event *exited = await_event(family.stage.recorder, "/group", EVENT_EXITED, 1);
    assert_int_equal(exited->exit.reason, EXIT_ESCALATED);
    assert_string_equal(exited->cause->text, paths[2]);
    atomic_store(&family.pupils[2].start, START_WELL);
    await_event(family.stage.recorder, "/group", EVENT_READY, 2);
    assert_true(view_of(&family.stage, "/group").generation >= 2);
    assert_true(view_of(&family.stage, paths[2]).restarts <= policy.max_restarts);
    assert_true(view_of(&family.stage, paths[0]).generation > 2);
    close_stage(&family.stage);
}

static void
answers_and_stops_during_a_start_that_hangs(void **state)
{
    (void)state;
    static const enum strategy strategies[] = { STRATEGY_ONE_FOR_ONE, STRATEGY_ONE_FOR_ALL };
    for (int i = 0; i < 2; i++) {
        struct family family = { .pupils[0].start = START_NEVER };
        struct child_policy policy = quick_policy();
        policy.shutdown_us = 1000;
        atomic_store(&family.pupils[0].stubborn, true);
        open_family(&family, strategies[i], &policy);
        ask_root(&family.stage, REQUEST_START_ALL);
        await_event(family.stage.recorder, paths[0], EVENT_STARTING, 1);
        assert_int_equal(view_of(&family.stage, paths[0]).state, CHILD_STARTING);
        assert_int_equal(ask_of(&family.stage, REQUEST_START, paths[0]), AIRS_EALREADY);
        assert_int_equal(ask_of(&family.stage, REQUEST_STOP, "/group"), AIRS_OK);
        await_event(family.stage.recorder, "/group", EVENT_STOPPED, 1);
        assert_int_equal(view_of(&family.stage, paths[0]).exit.reason, EXIT_TIMEOUT);
        close_stage(&family.stage);
    }
}

static void
stops_by_asking_by_killing_and_by_waiting(void **state)
{
    (void)state;
    struct family family = { .pupils[1].stubborn = true, .pupils[2].stubborn = true };
    struct node_policy of_group = node_policy_default();
    struct child_policy above = group_policy(), policy = quick_policy();
    open_group(&family, &of_group, &above);
    policy.shutdown_us = DURATION_INFINITE;
    family.pids[0] = add_pupil(&family.stage, &family.pupils[0], paths[0], &policy);
    policy.shutdown_us = 2000;
    family.pids[1] = add_pupil(&family.stage, &family.pupils[1], paths[1], &policy);
    policy.shutdown_us = 0;
    family.pids[2] = add_pupil(&family.stage, &family.pupils[2], paths[2], &policy);
    start_family(&family);
    static const enum exit_reason reasons[] = { EXIT_SHUTDOWN, EXIT_TIMEOUT, EXIT_SHUTDOWN };
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask_of(&family.stage, REQUEST_STOP, paths[i]), AIRS_OK);
        const struct event *stopped =
            await_event(family.stage.recorder, paths[i], EVENT_STOPPED, 1);
        assert_int_equal(stopped->exit.reason, reasons[i]);
        assert_int_equal(atomic_load(&family.pupils[i].ended), 1);
    }
    close_stage(&family.stage);
}

static void
a_significant_child_that_ends_ends_its_supervisor(void **state)
{
    (void)state;
    struct family family = { 0 };
    struct node_policy of_group = node_policy_default();
    of_group.auto_shutdown = AUTO_SHUTDOWN_ANY;
    struct child_policy above = group_policy(), policy = quick_policy();
    above.restart = RESTART_TRANSIENT;
    open_group(&family, &of_group, &above);
    for (int i = 0; i < 3; i++) {
        policy.significant = i == 1;
        policy.restart = i == 1 ? RESTART_TRANSIENT : RESTART_PERMANENT;
        family.pids[i] = add_pupil(&family.stage, &family.pupils[i], paths[i], &policy);
    }
    start_family(&family);
    tell(&family, 1, "return");
    const struct event *stopped = await_event(family.stage.recorder, "/group", EVENT_STOPPED, 1);
    assert_int_equal(stopped->exit.reason, EXIT_NORMAL);
    assert_int_equal(view_of(&family.stage, paths[0]).state, CHILD_STOPPED);
    assert_int_equal(view_of(&family.stage, paths[0]).exit.reason, EXIT_SHUTDOWN);
    close_stage(&family.stage);
}

static void
a_child_that_ignores_its_start_is_stopped_and_holds_up_nobody(void **state)
{
    (void)state;
    struct family family = { .pupils[1].start = START_IGNORED };
    struct child_policy policy = quick_policy();
    open_family(&family, STRATEGY_ONE_FOR_ALL, &policy);
    ask_root(&family.stage, REQUEST_START_ALL);
    await_event(family.stage.recorder, "/group", EVENT_READY, 1);
    struct child_view view = view_of(&family.stage, paths[1]);
    assert_int_equal(view.state, CHILD_STOPPED);
    assert_int_equal(view.stop_cause, STOPPED_IGNORED);
    assert_int_equal(view.restarts, 0);
    assert_counts_as(&family, 2, "1:1");
    atomic_store(&family.pupils[1].start, START_WELL); /* By hand it is asked again. */
    assert_int_equal(ask_of(&family.stage, REQUEST_START, paths[1]), AIRS_OK);
    await_event(family.stage.recorder, paths[1], EVENT_READY, 1);
    assert_counts_as(&family, 1, "2:1");
    close_stage(&family.stage);
}

static void
a_name_that_exists_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct family family = { 0 };
    struct child_policy policy = quick_policy();
    open_family(&family, STRATEGY_ONE_FOR_ALL, &policy);
    start_family(&family);
    assert_int_equal(add(&family.stage, family.pids[1], paths[1], &policy, false), AIRS_EEXIST);
    assert_int_equal(view_of(&family.stage, paths[1]).state, CHILD_RUNNING);
    assert_int_equal(view_of(&family.stage, paths[1]).generation, 1);
    assert_int_equal(count_events(family.stage.recorder, paths[1], EVENT_REGISTERED), 1);
    close_stage(&family.stage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_for_all_makes_every_instance_anew_in_order),
        cmocka_unit_test(rest_for_one_leaves_the_instance_before),
        cmocka_unit_test(a_member_that_never_comes_back_ends_the_group_which_is_restarted),
        cmocka_unit_test(answers_and_stops_during_a_start_that_hangs),
        cmocka_unit_test(stops_by_asking_by_killing_and_by_waiting),
        cmocka_unit_test(a_significant_child_that_ends_ends_its_supervisor),
        cmocka_unit_test(a_child_that_ignores_its_start_is_stopped_and_holds_up_nobody),
        cmocka_unit_test(a_name_that_exists_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
