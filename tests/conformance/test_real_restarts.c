/* Restarts of real guests: policies by kinds of end, escalation under every strategy, a member
 * that fails to come back, and what is counted meanwhile. */
#include "real.h"

/* Per policy: after a normal end, after a trap; R: restarting, S: stopped. */
static const struct {
    enum restart_policy restart;
    char after_normal, after_trap;
    enum stop_cause cause; /* Where it is stopped. */
} policies[] = {
    { RESTART_PERMANENT, 'R', 'R', STOPPED_BY_REQUEST },
    { RESTART_TRANSIENT, 'S', 'R', STOPPED_ENDED },
    { RESTART_TEMPORARY, 'S', 'S', STOPPED_TEMPORARY },
};

static struct world_child
ending(const char *how, enum restart_policy restart)
{
    return (struct world_child){
        .guest = "crasher",
        .args = { how },
        .config = delayed(supervisor_config_with_restart(supervisor_config_permanent(), restart),
                          NEVER_BACK_US),
    };
}

static void
assert_after(struct world *world, const char *path, enum exit_reason reason, size_t policy,
             char expected)
{
    enum child_state state = expected == 'R' ? CHILD_RESTARTING : CHILD_STOPPED;
    struct supervision_view view = await_state(world, path, state);

    assert_int_equal(world_wait_event(world, path, EVENT_EXITED, 1).exit.reason, reason);
    assert_int_equal(view.restarts, expected == 'R');
    if (expected == 'S')
        assert_int_equal(view.stop_cause, policies[policy].cause);
}

static void
each_policy_answers_a_normal_and_an_abnormal_end(void **state)
{
    (void)state;
    struct world *world = world_begin();
    char paths[2][3][16];

    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[0][i], sizeof paths[0][i], "/normal%zu", i);
        snprintf(paths[1][i], sizeof paths[1][i], "/trap%zu", i);
        world_add(world, paths[0][i], ending("return", policies[i].restart));
        world_add(world, paths[1][i], ending("trap", policies[i].restart));
    }
    world_start(world);
    for (size_t i = 0; i < 3; i++) {
        assert_after(world, paths[0][i], EXIT_NORMAL, i, policies[i].after_normal);
        assert_after(world, paths[1][i], EXIT_TRAP, i, policies[i].after_trap);
    }
    world_end(world);
}

/* Asked to stop by hand, each stays stopped; stopped for a group, all but a temporary one come
 * back, uncounted. */
static void
each_policy_answers_a_shutdown(void **state)
{
    (void)state;
    struct world_child children[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++)
        children[i] = echo_of(quick(
            supervisor_config_with_restart(supervisor_config_permanent(), policies[i].restart), 3));
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ALL), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    crash(world, member(0)); /* The permanent one. */
    world_wait_event(world, member(1), EVENT_READY, 2);
    for (size_t i = 1; i < MEMBERS; i++) {
        assert_int_equal(world_wait_event(world, member(i), EVENT_EXITED, 1).exit.reason,
                         EXIT_SHUTDOWN);
        assert_int_equal(world_view(world, member(i)).restarts, 0);
    }
    assert_int_equal(world_view(world, member(2)).state, CHILD_STOPPED);
    assert_int_equal(world_view(world, member(2)).stop_cause, STOPPED_TEMPORARY);

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(world_do(world, world_stop, member(i)), AIRS_OK);
        struct event stopped = world_wait_event(world, member(i), EVENT_STOPPED, 2);
        assert_int_equal(stopped.exit.reason, EXIT_SHUTDOWN);
        assert_int_equal(world_view(world, member(i)).stop_cause, STOPPED_BY_REQUEST);
    }
    world_end(world);
}

/* A predicate of the user's: whoever stands after the one that failed. */
static bool
is_after(void *context, const char *supervisor, const char *failed, const char *candidate)
{
    (void)context;
    (void)supervisor;
    return strcmp(failed, member(0)) == 0 || strcmp(candidate, member(2)) == 0;
}

static void
an_escalation_restarts_the_supervisor_under_every_strategy(void **state)
{
    (void)state;
    static const enum strategy strategies[] = { STRATEGY_ONE_FOR_ONE, STRATEGY_ONE_FOR_ALL,
                                                STRATEGY_REST_FOR_ONE, STRATEGY_PREDICATE };
    struct supervisor_config config = supervisor_config_with_on_exhausted(
        quick(supervisor_config_permanent(), 1), ON_EXHAUSTED_ESCALATE);

    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
        struct world *world = echo_group_with((struct world_options){ .affects = is_after },
                                              group_config(strategies[i]), config);
        crash_and_wait(world, member(1));
        world_wait_event(world, member(2), EVENT_READY,
                         strategies[i] == STRATEGY_ONE_FOR_ONE ? 1 : 2);
        crash(world, member(1));
        struct event exited = world_wait_event(world, "/g", EVENT_EXITED, 1);
        assert_int_equal(exited.exit.reason, EXIT_ESCALATED);
        assert_string_equal(exited.cause->text, member(1));
        world_wait_event(world, "/g", EVENT_READY, 2);
        for (size_t j = 0; j < MEMBERS; j++) {
            assert_answer(world, member(j), "starts", "1");
            assert_int_equal(world_view(world, member(j)).budget_used, 0);
        }
        assert_int_equal(world_view(world, member(1)).generation, 3);
        assert_int_equal(world_view(world, "/g").restarts, 1);
        world_end(world);
    }
}

/* What initialize reads: the spec's text, which its instances borrow. Of the same length. */
static void
change_text(struct world *world, size_t index, const char *text)
{
    char *config = (char *)(uintptr_t)world->specs[index]->config;

    assert_int_equal(strlen(config), strlen(text));
    memcpy(config, text, strlen(text));
}

/* first crashes, and second, which is stopped and started with it, does not come up: that is an
 * exit of second's own, paid by its own budget, which begins the group anew. */
static void
another_member_that_fails_to_restart_pays_with_its_own_budget(void **state)
{
    (void)state;
    struct supervisor_config config = delayed(supervisor_config_permanent(), 50 * MS);
    config = supervisor_config_with_max_restarts(config, RESTARTS_MAX);
    struct world_child children[] = {
        echo_of(config),
        { .guest = "initfail", .text = "ok.", .config = config },
        echo_of(config),
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ALL), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    change_text(world, 2, "err"); /* Of /g/second: /g itself is the first. */
    crash(world, member(0));
    struct event exited = world_wait_event(world, member(1), EVENT_EXITED, 2);
    assert_int_equal(exited.from, CHILD_STARTING);
    change_text(world, 2, "ok.");
    world_wait_event(world, member(2), EVENT_READY, 2);

    /* However often second failed before its text was changed back: each failure was one grant of
     * its own, and took the others along. */
    struct supervision_view first = world_view(world, member(0));
    struct supervision_view second = world_view(world, member(1));
    assert_true(second.restarts >= 1);
    assert_int_equal(second.generation, 2 + second.restarts);
    assert_int_equal(first.generation, 2 + second.restarts);
    assert_int_equal(first.restarts, 1);
    assert_int_equal(world_view(world, member(2)).generation, 2);
    assert_int_equal(world_view(world, member(2)).restarts, 0);
    world_end(world);
}

static void
counts_with_restarting_children_stay_right(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ONE),
                                     delayed(supervisor_config_permanent(), NEVER_BACK_US));
    struct world_list list;
    size_t running = 0, restarting = 0;

    crash(world, member(1));
    world_wait_event(world, member(1), EVENT_RESTART_SCHEDULED, 1);
    assert_int_equal(world_list(world, NULL, &list), AIRS_OK);
    for (size_t i = 0; i < list.count; i++) {
        running += list.views[i].state == CHILD_RUNNING;
        restarting += list.views[i].state == CHILD_RESTARTING;
    }
    assert_int_equal(running, 3); /* With /g itself. */
    assert_int_equal(restarting, 1);
    assert_false(world_view(world, "/g").ready);
    assert_int_equal(world_do(world, component_supervisor_start, member(1)), AIRS_OK);
    await_state(world, member(1), CHILD_RUNNING);
    assert_int_equal(world_view(world, member(1)).restarts, 1);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_answers_a_normal_and_an_abnormal_end),
        cmocka_unit_test(each_policy_answers_a_shutdown),
        cmocka_unit_test(an_escalation_restarts_the_supervisor_under_every_strategy),
        cmocka_unit_test(another_member_that_fails_to_restart_pays_with_its_own_budget),
        cmocka_unit_test(counts_with_restarting_children_stay_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
