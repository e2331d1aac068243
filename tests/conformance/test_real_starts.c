/* Starts of real guests: one that fails in the middle, hangs, or fails for ever. */
#include "real.h"

static struct supervisor_config
failing_config(uint32_t max_restarts, enum on_exhausted on_exhausted)
{
    return supervisor_config_with_on_exhausted(quick(supervisor_config_permanent(), max_restarts),
                                               on_exhausted);
}

/* The one in the middle starts as its text says. */
static struct world *
middle_world(struct supervisor_config group, const char *text, struct supervisor_config config)
{
    struct world_child children[] = {
        echo_of(world_immortal()),
        { .guest = "initfail", .text = text, .config = config },
        echo_of(world_immortal()),
    };

    return group_world(group, children);
}

static void
a_start_that_fails_in_the_middle_holds_up_nobody(void **state)
{
    (void)state;
    struct world *world = middle_world(group_config(STRATEGY_ONE_FOR_ONE), "err",
                                       failing_config(2, ON_EXHAUSTED_FAIL));

    world_start(world);
    world_wait_event(world, member(1), EVENT_FAILED, 3);
    world_wait_event(world, "/g", EVENT_READY, 1); /* Past the failed one. */
    assert_int_equal(world_count(world, member(1), EVENT_STARTED), 0);
    for (size_t i = 0; i < MEMBERS; i += 2) {
        assert_answer(world, member(i), "count", "1");
        assert_int_equal(world_view(world, member(i)).generation, 1);
    }
    world_end(world);
}

static void
in_one_for_all_it_begins_all_again_until_its_own_budget_is_used_up(void **state)
{
    (void)state;
    struct supervisor_config group =
        supervisor_config_with_max_restarts(group_config(STRATEGY_ONE_FOR_ALL), 0);
    struct world *world = middle_world(group, "trap", failing_config(2, ON_EXHAUSTED_ESCALATE));

    world_start(world);
    world_wait_event(world, "/g", EVENT_FAILED, 1);
    assert_int_equal(world_count(world, member(1), EVENT_STARTING), 3);
    assert_int_equal(world_count(world, member(0), EVENT_STARTING), 3);
    assert_int_equal(world_view(world, member(0)).restarts, 0); /* Its siblings pay nothing. */
    assert_int_equal(world_count(world, member(2), EVENT_STARTING), 0);
    world_end(world);
}

static void
in_rest_for_one_it_leaves_those_before(void **state)
{
    (void)state;
    struct world *world = middle_world(group_config(STRATEGY_REST_FOR_ONE), "exit",
                                       failing_config(2, ON_EXHAUSTED_FAIL));

    world_start(world);
    world_wait_event(world, member(1), EVENT_FAILED, 3);
    world_wait_event(world, member(2), EVENT_READY, 1); /* The next start goes on past it. */
    assert_int_equal(world_count(world, member(0), EVENT_STARTING), 1);
    world_end(world);
}

static void
during_a_start_that_hangs_the_supervisor_answers_and_is_stopped(void **state)
{
    (void)state;
    static const enum strategy strategies[] = { STRATEGY_ONE_FOR_ONE, STRATEGY_ONE_FOR_ALL };
    struct supervisor_config config = supervisor_config_with_shutdown(
        supervisor_config_with_start_timeout(supervisor_config_permanent(), DURATION_INFINITE),
        20 * MS);

    for (size_t i = 0; i < 2; i++) {
        struct world *world = middle_world(group_config(strategies[i]), "sleep", config);
        world_start(world);
        world_wait_event(world, member(1), EVENT_STARTING, 1);
        assert_int_equal(world_view(world, member(1)).state, CHILD_STARTING);
        assert_int_equal(world_do(world, component_supervisor_start, member(1)), AIRS_EALREADY);
        assert_false(world_view(world, "/g").ready);
        assert_int_equal(world_do(world, world_stop, "/g"), AIRS_OK);
        world_wait_event(world, "/g", EVENT_STOPPED, 1);
        assert_int_equal(world_wait_event(world, member(1), EVENT_EXITED, 1).exit.reason,
                         EXIT_TIMEOUT);
        world_end(world);
    }
}

static void
while_a_child_fails_every_start_the_supervisor_answers_and_is_stopped(void **state)
{
    (void)state;
    struct supervisor_config config =
        delayed(failing_config(RESTARTS_UNLIMITED, ON_EXHAUSTED_FAIL), MS);
    struct world *world = middle_world(group_config(STRATEGY_ONE_FOR_ONE), "err", config);

    world_start(world);
    for (uint32_t generation = 1; generation <= 20; generation += 5) {
        world_wait_event(world, member(1), EVENT_STARTING, generation);
        assert_true(world_view(world, member(1)).generation >= generation);
        assert_answer(world, member(2), "starts", "1");
    }
    assert_int_equal(world_do(world, world_stop, "/g"), AIRS_OK);
    uint64_t stopped = world_wait_event(world, "/g", EVENT_STOPPED, 1).seq;
    size_t starts = world_count(world, member(1), EVENT_STARTING);
    assert_true(nth_event(world, member(1), EVENT_STARTING, starts).seq < stopped);
    assert_int_equal(world_view(world, member(1)).state, CHILD_STOPPED);
    world_end(world);
}

/* The order is that of registration, whatever was restarted, stopped or started since. */
static void
the_order_of_children_stays(void **state)
{
    (void)state;
    struct world *world =
        echo_group(group_config(STRATEGY_ONE_FOR_ONE), quick(supervisor_config_permanent(), 3));
    struct world_list list;

    crash(world, member(0));
    world_wait_event(world, member(0), EVENT_READY, 2);
    assert_int_equal(world_do(world, world_stop, member(1)), AIRS_OK);
    world_wait_event(world, member(1), EVENT_STOPPED, 1);
    assert_int_equal(world_do(world, component_supervisor_start, member(1)), AIRS_OK);
    world_wait_event(world, member(1), EVENT_READY, 2);
    assert_int_equal(world_list(world, NULL, &list), AIRS_OK);
    assert_int_equal(list.count, 1 + MEMBERS);
    assert_string_equal(list.paths[0], "/g");
    for (size_t i = 0; i < MEMBERS; i++)
        assert_string_equal(list.paths[1 + i], member(i));
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_that_fails_in_the_middle_holds_up_nobody),
        cmocka_unit_test(in_one_for_all_it_begins_all_again_until_its_own_budget_is_used_up),
        cmocka_unit_test(in_rest_for_one_it_leaves_those_before),
        cmocka_unit_test(during_a_start_that_hangs_the_supervisor_answers_and_is_stopped),
        cmocka_unit_test(while_a_child_fails_every_start_the_supervisor_answers_and_is_stopped),
        cmocka_unit_test(the_order_of_children_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
