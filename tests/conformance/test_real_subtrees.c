/* A supervisor's path means its subtree: every verb by hand on a supervisor /g of real guests, and
 * the time that it has to stop.
 *
 * Each test names the line of docs/semantics.md that it proves. */
#include "real.h"

static struct supervisor_config
member_config(void)
{
    return quick(supervisor_config_permanent(), 3);
}

static void
assert_members(struct world *world, enum child_state state, uint32_t generation)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        struct supervision_view view = world_view(world, member(i));
        assert_int_equal(view.state, state);
        assert_int_equal(view.generation, generation);
    }
}

/* By hand: "stop marks it *by request* and its children *with its supervisor*"; "start … of it
 * start all of them, also those stopped by request". */
static void
a_start_starts_all_of_them_also_those_stopped_by_request(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ONE), member_config());

    assert_int_equal(world_do(world, world_stop, member(1)), AIRS_OK);
    world_wait_event(world, member(1), EVENT_STOPPED, 1);
    assert_int_equal(world_do(world, world_stop, "/g"), AIRS_OK);
    world_wait_event(world, "/g", EVENT_STOPPED, 1);
    assert_int_equal(world_view(world, "/g").stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(world_view(world, member(0)).stop_cause, STOPPED_WITH_SUPERVISOR);
    assert_int_equal(world_view(world, member(1)).stop_cause, STOPPED_BY_REQUEST);

    assert_int_equal(world_do(world, component_supervisor_start, "/g"), AIRS_OK);
    world_wait_event(world, "/g", EVENT_READY, 2);
    assert_members(world, CHILD_RUNNING, 2);
    for (size_t i = 0; i < MEMBERS; i++)
        assert_answer(world, member(i), "count", "1");
    world_end(world);
}

/* By hand: "restart: stop, then start …; uncounted, no delay"; "restart of it start all of them". */
static void
a_restart_starts_all_of_them_uncounted(void **state)
{
    (void)state;
    struct supervisor_config slow =
        delayed(group_config(STRATEGY_ONE_FOR_ALL), NEVER_BACK_US); /* Not waited for. */
    struct world *world = echo_group(slow, member_config());

    assert_int_equal(world_do(world, world_stop, member(2)), AIRS_OK);
    world_wait_event(world, member(2), EVENT_STOPPED, 1);
    assert_int_equal(world_do(world, component_supervisor_restart, "/g"), AIRS_OK);
    world_wait_event(world, "/g", EVENT_READY, 2);
    assert_members(world, CHILD_RUNNING, 2);
    assert_int_equal(world_wait_event(world, "/g", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    assert_int_equal(world_view(world, "/g").restarts, 0);
    world_end(world);
}

/* By hand: "kill ends the subtree and counts as one exit `killed` at its parent". */
static void
a_kill_is_one_exit_at_its_parent(void **state)
{
    (void)state;
    struct supervisor_config fragile =
        supervisor_config_with_max_restarts(group_config(STRATEGY_ONE_FOR_ONE), 1);
    struct world *world = echo_group(fragile, member_config());

    assert_int_equal(world_do(world, component_supervisor_kill, "/g"), AIRS_OK);
    world_wait_event(world, "/g", EVENT_READY, 2);
    assert_int_equal(world_wait_event(world, "/g", EVENT_EXITED, 1).exit.reason, EXIT_KILLED);
    assert_int_equal(world_view(world, "/g").budget_used, 1);
    assert_members(world, CHILD_RUNNING, 2);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(world_count(world, member(i), EVENT_EXITED), 1);
        assert_int_equal(world_view(world, member(i)).restarts, 0);
        assert_answer(world, member(i), "count", "1");
    }
    assert_int_equal(world_do(world, component_supervisor_kill, "/g"), AIRS_OK);
    world_wait_event(world, "/g", EVENT_FAILED, 2); /* The second one is one too many. */
    world_end(world);
}

/* By hand: "reset: clears budget and n; failed → stopped; starts nothing"; "reset covers the
 * subtree". */
static void
a_reset_covers_all_of_them(void **state)
{
    (void)state;
    struct world_child children[] = {
        echo_of(member_config()),
        echo_of(supervisor_config_with_max_restarts(member_config(), 0)),
        echo_of(member_config()),
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ONE), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    crash_and_wait(world, member(0));
    crash(world, member(1));
    world_wait_event(world, member(1), EVENT_FAILED, 1);
    assert_int_equal(world_do(world, component_supervisor_reset, "/g"), AIRS_OK);
    world_wait_event(world, member(0), EVENT_RESET, 2);
    struct supervision_view first = world_view(world, member(0));
    assert_int_equal(first.budget_used, 0);
    assert_int_equal(first.attempt, 0);
    assert_int_equal(first.generation, 2);
    assert_int_equal(await_state(world, member(1), CHILD_STOPPED).generation, 1);
    assert_answer(world, member(2), "starts", "1");
    assert_int_equal(world_view(world, member(2)).generation, 1);
    world_end(world);
}

/* By hand: "Its parent does not bring back what was stopped by hand": neither by its own restart
 * nor by that of a group. */
static void
what_was_stopped_by_hand_is_not_brought_back(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/p", (struct world_child){ .config = group_config(STRATEGY_ONE_FOR_ALL) });
    world_add(world, "/p/s",
              (struct world_child){ .parent = "/p", .config = group_config(STRATEGY_ONE_FOR_ONE) });
    world_add(world, "/p/s/a", (struct world_child){ .parent = "/p/s", .guest = "echo" });
    world_add(world, "/p/b",
              (struct world_child){ .parent = "/p", .guest = "echo", .config = member_config() });
    world_start(world);
    world_wait_event(world, "/p", EVENT_READY, 1);
    assert_int_equal(world_do(world, world_stop, "/p/s"), AIRS_OK);
    world_wait_event(world, "/p/s", EVENT_STOPPED, 1);
    assert_restarts(world, "/p/b", "crash trap");
    assert_int_equal(world_do(world, component_supervisor_kill, "/p"), AIRS_OK);
    world_wait_event(world, "/p", EVENT_READY, 2);
    assert_answer(world, "/p/b", "count", "1");
    assert_int_equal(world_view(world, "/p/s").stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(world_count(world, "/p/s/a", EVENT_STARTING), 1);
    world_end(world);
}

/* Stopping: "Supervisors default to `infinity`; a time there bounds the subtree, which is then
 * killed, never orphaned." */
static void
a_time_bounds_the_subtree_which_is_then_killed(void **state)
{
    (void)state;
    struct supervisor_config patient =
        supervisor_config_with_shutdown(world_immortal(), DURATION_INFINITE);
    struct world_child children[] = {
        echo_of(patient),
        { .guest = "badstop", .text = "sleep", .config = patient },
        { .guest = "badstop", .text = "loop", .config = patient },
    };
    struct supervisor_config bounded =
        supervisor_config_with_shutdown(group_config(STRATEGY_ONE_FOR_ONE), 300 * MS);
    struct engine_usage usage;

    assert_true(supervisor_config_default_supervisor().policy.shutdown_us == DURATION_INFINITE);
    struct world *world = group_world(bounded, children);
    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    assert_int_equal(world_do(world, world_stop, "/g"), AIRS_OK);
    struct event exited = world_wait_event(world, "/g", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_TIMEOUT);
    assert_true(exited.time_us - world_wait_event(world, "/g", EVENT_STOPPING, 1).time_us >=
                300 * MS);
    for (size_t i = 1; i < MEMBERS; i++)
        assert_true(world_wait_event(world, member(i), EVENT_EXITED, 1).seq < exited.seq);
    assert_members(world, CHILD_STOPPED, 1);
    engine_usage(world->engine, &usage);
    assert_int_equal(usage.instances, 0);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_starts_all_of_them_also_those_stopped_by_request),
        cmocka_unit_test(a_restart_starts_all_of_them_uncounted),
        cmocka_unit_test(a_kill_is_one_exit_at_its_parent),
        cmocka_unit_test(a_reset_covers_all_of_them),
        cmocka_unit_test(what_was_stopped_by_hand_is_not_brought_back),
        cmocka_unit_test(a_time_bounds_the_subtree_which_is_then_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
