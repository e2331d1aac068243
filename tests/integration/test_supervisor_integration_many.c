/* Supervisor integration, several components under one supervisor, and under two.
 *
 * Each test names the line of docs/semantics.md that it proves.
 */
#include "supervision_testing.h"

static const char *const paths[] = { "/a", "/b", "/c" };
#define PATHS (sizeof paths / sizeof paths[0])

static struct world *
begin_three(struct supervisor_config config)
{
    struct world *world = world_begin();

    for (size_t i = 0; i < PATHS; i++)
        add_echo(world, paths[i], config);
    return world;
}

static void
start_three(struct world *world)
{
    world_start(world);
    for (size_t i = 0; i < PATHS; i++)
        world_wait_event(world, paths[i], EVENT_READY, 1);
}

/* Strategies: "one-for-one issues starts and stops in order without waiting for one another". */
static void
test_start_all_supervised_components(void **state)
{
    (void)state;
    struct world *world = begin_three(quick(supervisor_config_permanent(), 3));

    for (size_t i = 0; i < PATHS; i++)
        assert_int_equal(state_of(world, paths[i]), CHILD_REGISTERED);
    start_three(world);
    for (size_t i = 1; i < PATHS; i++)
        assert_true(world_wait_event(world, paths[i - 1], EVENT_STARTING, 1).seq <
                    world_wait_event(world, paths[i], EVENT_STARTING, 1).seq);
    for (size_t i = 0; i < PATHS; i++) {
        assert_int_equal(world_count(world, paths[i], EVENT_STARTING), 1);
        assert_restarts(world, paths[i], "crash trap");
    }
    world_end(world);
}

/* Strategies: "One order serves start … and, reversed, stop"; Stopping: "Afterwards nothing is
 * running or half-freed": also with one that waits for its restart. */
static void
test_stop_all_supervised_components(void **state)
{
    (void)state;
    struct world *world = begin_three(delayed(supervisor_config_permanent(), NEVER_BACK_US));
    struct engine_usage usage;

    start_three(world);
    end_by(world, "/b", "crash trap");
    world_wait_event(world, "/b", EVENT_RESTART_SCHEDULED, 1);
    assert_int_equal(world_stop_all(world, DURATION_INFINITE).status, AIRS_OK);
    world_wait_until(world, world->ended);
    assert_true(world_wait_event(world, "/c", EVENT_STOPPING, 1).seq <
                world_wait_event(world, "/a", EVENT_STOPPING, 1).seq);
    assert_int_equal(world_wait_event(world, "/a", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    assert_int_equal(world_wait_event(world, "/c", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    for (size_t i = 0; i < PATHS; i++) {
        assert_int_equal(world_count(world, paths[i], EVENT_STOPPED), 1);
        assert_int_equal(state_of(world, paths[i]), CHILD_STOPPED);
    }
    assert_int_equal(world_count(world, "/b", EVENT_STARTING), 1);
    engine_usage(world->engine, &usage);
    assert_int_equal(usage.instances, 0);
    world_end(world);
}

/* Strategies: "A strategy is a predicate affects(failed, candidate): the same
 * (`one-for-one`)". */
static void
test_multiple_components_independent_restart(void **state)
{
    (void)state;
    struct world *world = begin_three(quick(supervisor_config_permanent(), 3));
    struct world_answer slow;

    start_three(world);
    assert_answer(world, "/b", "count", "1");
    assert_int_equal(world_send(world, "/c", "sleep 200", &slow), AIRS_OK);
    assert_restarts(world, "/a", "crash trap");
    world_wait_answer(world, &slow);
    assert_string_equal(slow.text, "slept"); /* Not even a message in hand was disturbed. */
    assert_answer(world, "/b", "count", "2");
    for (size_t i = 1; i < PATHS; i++) {
        assert_int_equal(world_view(world, paths[i]).generation, 1);
        assert_int_equal(world_view(world, paths[i]).restarts, 0);
        assert_int_equal(world_count(world, paths[i], EVENT_EXITED), 0);
    }
    world_end(world);
}

/* Words: "actor: a scheduled thing with an identity and a mailbox, which outlives its
 * instances". */
static void
test_supervised_component_in_registry(void **state)
{
    (void)state;
    struct world *world = begin_three(quick(supervisor_config_permanent(), 3));
    enum component_kind_known kind;
    airs_pid by_path, by_id, later;

    start_three(world);
    assert_true(component_registry_find(world->registry, "/a", &by_path, &kind));
    assert_int_equal(kind, COMPONENT_IS_ACTOR);
    assert_true(component_registry_find_id(world->registry, WORLD_APP, "a", "0", &by_id));
    assert_true(by_path == by_id);
    assert_restarts(world, "/a", "crash trap");
    assert_true(component_registry_find(world->registry, "/a", &later, NULL));
    assert_true(by_path == later);
    /* What a neighbour is told comes from the same registry. */
    assert_answer(world, "/b", "list", WORLD_APP ":a:0\n" WORLD_APP ":b:0\n" WORLD_APP ":c:0\n");
    assert_answer(world, "/b", "info a", "echo 1.2.3 unknown");
    world_end(world);
}

/* Restart: "Budget per child". */
static void
test_each_component_has_a_budget_of_its_own(void **state)
{
    (void)state;
    struct world *world = begin_three(quick(supervisor_config_permanent(), 1));

    start_three(world);
    assert_restarts(world, "/a", "crash trap");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 2);
    assert_int_equal(world_view(world, "/b").budget_used, 0);
    assert_restarts(world, "/b", "crash trap");
    assert_int_equal(world_view(world, "/b").budget_used, 1);
    assert_int_equal(world_view(world, "/c").generation, 1);
    world_end(world);
}

/* Strategies: "Restarted, its children begin with empty budgets, n = 1, next generation". */
static void
test_a_restarted_supervisor_gives_its_children_empty_budgets(void **state)
{
    (void)state;
    struct supervisor_config config = quick(supervisor_config_permanent(), 1);
    struct world *world = world_begin();

    world_add(world, "/s", (struct world_child){ 0 });
    world_add(world, "/s/a",
              (struct world_child){ .parent = "/s", .guest = "echo", .config = config });
    world_add(world, "/s/b",
              (struct world_child){ .parent = "/s", .guest = "echo", .config = config });
    world_start(world);
    world_wait_event(world, "/s", EVENT_READY, 1);
    assert_answer(world, "/s/b", "count", "1");
    assert_restarts(world, "/s/a", "crash trap");
    assert_int_equal(world_view(world, "/s/a").attempt, 1);

    assert_int_equal(world_do(world, component_supervisor_kill, "/s"), AIRS_OK);
    world_wait_event(world, "/s/a", EVENT_READY, 3);
    world_wait_event(world, "/s/b", EVENT_READY, 2);
    assert_answer(world, "/s/b", "count", "1");
    assert_int_equal(world_view(world, "/s/a").budget_used, 0);
    assert_int_equal(world_view(world, "/s/a").attempt, 0);
    assert_int_equal(world_view(world, "/s").restarts, 1);
    assert_restarts(world, "/s/a", "crash trap"); /* It may again. */
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_all_supervised_components),
        cmocka_unit_test(test_stop_all_supervised_components),
        cmocka_unit_test(test_multiple_components_independent_restart),
        cmocka_unit_test(test_supervised_component_in_registry),
        cmocka_unit_test(test_each_component_has_a_budget_of_its_own),
        cmocka_unit_test(test_a_restarted_supervisor_gives_its_children_empty_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
