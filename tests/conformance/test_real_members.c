/* Members of one template, real guests, under the strategies that wait: docs/semantics.md,
 * Strategies: "Members of a template are independent."
 */
#include "real.h"

#define FIRST "/g/m#1"
#define SECOND "/g/m#2"
#define AFTER "/g/z"

/* A supervisor /g of two members and one sibling after them; not started. */
static struct world *
members_world(enum strategy strategy, struct world_child first, struct world_child second)
{
    struct world *world = world_begin();
    world_add(world, "/g", (struct world_child){ .config = group_config(strategy) });
    first.parent = second.parent = "/g";
    world_add(world, FIRST, first);
    world_add(world, SECOND, second);
    world_add(world, AFTER,
              (struct world_child){ .guest = "echo", .config = world_immortal(), .parent = "/g" });
    return world;
}

static struct world_child
slow_to_stop(void)
{
    return (struct world_child){ .guest = "badstop",
                                 .text = "slow 100",
                                 .config = supervisor_config_with_shutdown(world_immortal(),
                                                                           20 * US_PER_S) };
}

static uint64_t
seq_of(struct world *world, const char *path, enum event_type type)
{
    return world_wait_event(world, path, type, 1).seq;
}

static void
one_starts_while_another_hangs_in_its_start(void **state)
{
    (void)state;
    struct supervisor_config patient =
        supervisor_config_with_start_timeout(world_immortal(), DURATION_INFINITE);
    struct world_child hangs = { .guest = "initfail",
                                 .text = "sleep",
                                 .config = supervisor_config_with_shutdown(patient, 0) };
    struct world *world = members_world(STRATEGY_ONE_FOR_ALL, hangs, echo_of(world_immortal()));
    world_start(world);
    world_wait_event(world, SECOND, EVENT_READY, 1);
    assert_int_equal(world_view(world, FIRST).state, CHILD_STARTING);
    assert_int_equal(world_view(world, AFTER).state, CHILD_REGISTERED);
    assert_int_equal(world_count(world, AFTER, EVENT_STARTING), 0);
    world_end(world);
}

static void
they_stop_together_after_those_behind_them(void **state)
{
    (void)state;
    struct world *world = members_world(STRATEGY_REST_FOR_ONE, slow_to_stop(), slow_to_stop());
    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    assert_int_equal(world_do(world, world_stop, "/g"), AIRS_OK);
    world_wait_event(world, "/g", EVENT_STOPPED, 1);
    assert_true(seq_of(world, FIRST, EVENT_STOPPING) < seq_of(world, SECOND, EVENT_EXITED));
    assert_true(seq_of(world, SECOND, EVENT_STOPPING) < seq_of(world, FIRST, EVENT_EXITED));
    assert_true(seq_of(world, AFTER, EVENT_EXITED) < seq_of(world, SECOND, EVENT_STOPPING));
    world_end(world);
}

/* Two echoes, the first of which has just crashed: all that goes with it is ready again. */
static struct world *
world_after_a_crash(enum strategy strategy)
{
    struct world *world =
        members_world(strategy, echo_of(world_immortal()), echo_of(world_immortal()));
    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    assert_answer(world, SECOND, "count", "1");
    crash(world, FIRST);
    world_wait_event(world, AFTER, EVENT_READY, 2);
    return world;
}

static void
under_rest_for_one_none_goes_with_another(void **state)
{
    (void)state;
    struct world *world = world_after_a_crash(STRATEGY_REST_FOR_ONE);
    assert_int_equal(world_view(world, FIRST).generation, 2);
    assert_int_equal(world_view(world, SECOND).generation, 1);
    assert_answer(world, SECOND, "count", "2");
    world_end(world);
}

static void
under_one_for_all_all_go_with_each(void **state)
{
    (void)state;
    struct world *world = world_after_a_crash(STRATEGY_ONE_FOR_ALL);
    assert_int_equal(world_view(world, SECOND).generation, 2);
    assert_answer(world, SECOND, "count", "1");
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_starts_while_another_hangs_in_its_start),
        cmocka_unit_test(they_stop_together_after_those_behind_them),
        cmocka_unit_test(under_rest_for_one_none_goes_with_another),
        cmocka_unit_test(under_one_for_all_all_go_with_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
