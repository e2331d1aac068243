/* Groups: real guests under strategies that take siblings along, intensity, and auto-shutdown. */
#include "world.h"

/* A supervisor /g of echo actors /g/a, /g/b, /g/c. */
static struct world *
group_begin_world(struct supervisor_config group, struct supervisor_config child)
{
    struct world *world = world_begin();
    world_add(world, "/g", (struct world_child){ .config = group });
    static const char *const paths[] = { "/g/a", "/g/b", "/g/c" };
    for (size_t i = 0; i < 3; i++)
        world_add(world, paths[i],
                  (struct world_child){ .parent = "/g", .guest = "echo", .config = child });
    world_start(world);
    world_wait_event(world, "/g/c", EVENT_READY, 1);
    return world;
}

static struct supervisor_config
group_of(enum strategy strategy)
{
    return supervisor_config_with_strategy(supervisor_config_default_supervisor(), strategy);
}

static uint64_t
seq_of(struct world *world, const char *path, enum event_type type, uint32_t generation)
{
    return world_wait_event(world, path, type, generation).seq;
}

static void
crash(struct world *world, const char *path)
{
    struct world_answer answer;
    assert_int_equal(world_send(world, path, "crash trap", &answer), AIRS_OK);
    world_wait_answer(world, &answer);
    assert_int_equal(answer.status, AIRS_EENDED);
}

static void
starts_wait_until_the_one_before_is_ready(void **state)
{
    (void)state;
    struct world *world = group_begin_world(group_of(STRATEGY_ONE_FOR_ALL), world_immortal());
    assert_true(seq_of(world, "/g/a", EVENT_READY, 1) < seq_of(world, "/g/b", EVENT_STARTING, 1));
    assert_true(seq_of(world, "/g/b", EVENT_READY, 1) < seq_of(world, "/g/c", EVENT_STARTING, 1));
    world_end(world);
}

static void
one_for_all_gives_every_sibling_a_new_instance_in_order(void **state)
{
    (void)state;
    struct world *world = group_begin_world(group_of(STRATEGY_ONE_FOR_ALL), world_immortal());
    assert_answer(world, "/g/a", "count", "1");
    assert_answer(world, "/g/a", "count", "2");
    crash(world, "/g/b");
    world_wait_event(world, "/g/c", EVENT_READY, 2);

    /* c is stopped at once, then a; then a, b and c start, each when the one before is ready. */
    uint64_t order[] = {
        seq_of(world, "/g/b", EVENT_RESTART_SCHEDULED, 1),
        seq_of(world, "/g/c", EVENT_STOPPING, 1),
        seq_of(world, "/g/c", EVENT_EXITED, 1),
        seq_of(world, "/g/a", EVENT_STOPPING, 1),
        seq_of(world, "/g/a", EVENT_EXITED, 1),
        seq_of(world, "/g/a", EVENT_STARTING, 2),
        seq_of(world, "/g/a", EVENT_READY, 2),
        seq_of(world, "/g/b", EVENT_STARTING, 2),
        seq_of(world, "/g/b", EVENT_READY, 2),
        seq_of(world, "/g/c", EVENT_STARTING, 2),
    };
    for (size_t i = 1; i < sizeof order / sizeof order[0]; i++)
        assert_true(order[i - 1] < order[i]);
    assert_answer(world, "/g/a", "count", "1"); /* The guest's own memory is new. */
    assert_int_equal(world_view(world, "/g/a").restarts, 0);
    assert_int_equal(world_view(world, "/g/b").restarts, 1);

    struct event stopping = world_wait_event(world, "/g/a", EVENT_STOPPING, 1);
    assert_string_equal(stopping.cause->text, "/g/b");
    assert_int_equal(world_wait_event(world, "/g/a", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    struct event scheduled = world_wait_event(world, "/g/a", EVENT_RESTART_SCHEDULED, 1);
    assert_string_equal(scheduled.waits_for->text, "turn");
    world_end(world);
}

static void
rest_for_one_leaves_the_instances_before(void **state)
{
    (void)state;
    struct world *world = group_begin_world(group_of(STRATEGY_REST_FOR_ONE), world_immortal());
    assert_answer(world, "/g/a", "count", "1");
    crash(world, "/g/b");
    world_wait_event(world, "/g/c", EVENT_READY, 2);
    assert_answer(world, "/g/a", "count", "2");
    assert_answer(world, "/g/c", "count", "1");
    assert_int_equal(world_view(world, "/g/a").generation, 1);
    world_end(world);
}

static void
intensity_used_up_ends_the_supervisor_which_its_parent_restarts(void **state)
{
    (void)state;
    struct supervisor_config group = supervisor_config_with_intensity(
        group_of(STRATEGY_ONE_FOR_ONE), 2, UINT64_C(3600) * US_PER_S);
    group = supervisor_config_with_backoff(group, backoff_immediate());
    struct world *world = group_begin_world(group, world_immortal());
    crash(world, "/g/a");
    world_wait_event(world, "/g/a", EVENT_READY, 2);
    crash(world, "/g/b");
    world_wait_event(world, "/g/b", EVENT_READY, 2);
    crash(world, "/g/c"); /* The third over all children. */
    struct event ended = world_wait_event(world, "/g", EVENT_EXITED, 1);
    assert_int_equal(ended.exit.reason, EXIT_ESCALATED);
    assert_string_equal(ended.cause->text, "/g/c");
    world_wait_event(world, "/g", EVENT_READY, 2);
    assert_answer(world, "/g/a", "count", "1");
    assert_int_equal(world_view(world, "/g/a").restarts, 0);
    world_end(world);
}

static void
a_rule_decides_by_trap_code(void **state)
{
    (void)state;
    static const struct exit_rule rules[] = {
        { EXIT_TRAP, true, { TRAP_UNREACHABLE, TRAP_UNREACHABLE }, EXIT_DO_FAIL },
    };
    struct supervisor_config child = world_immortal();
    child.policy.rules = rules;
    child.policy.rules_size = 1;
    struct world *world = group_begin_world(group_of(STRATEGY_ONE_FOR_ONE), child);
    crash(world, "/g/a");
    world_wait_event(world, "/g/a", EVENT_FAILED, 1);
    struct world_answer answer;
    assert_int_equal(world_send(world, "/g/b", "crash oob", &answer), AIRS_OK);
    world_wait_event(world, "/g/b", EVENT_READY, 2);
    world_wait_answer(world, &answer);
    world_end(world);
}

static void
a_significant_end_ends_the_supervisor_normally(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct supervisor_config group =
        supervisor_config_with_restart(supervisor_config_default_supervisor(), RESTART_TRANSIENT);
    group = supervisor_config_with_auto_shutdown(group, AUTO_SHUTDOWN_ANY);
    struct supervisor_config job = supervisor_config_transient();
    job.policy.significant = true;
    static const struct code_range success[] = { { 3, 3 } };
    job.policy.success = success;
    job.policy.success_size = 1;
    world_add(world, "/g", (struct world_child){ .config = group });
    world_add(world, "/g/a", (struct world_child){ .parent = "/g", .guest = "echo" });
    world_add(world, "/g/job",
              (struct world_child){
                  .parent = "/g", .guest = "crasher", .args = { "exit", "3" }, .config = job });
    world_start(world);
    assert_int_equal(world_wait_event(world, "/g/job", EVENT_EXITED, 1).exit.reason, EXIT_NORMAL);
    assert_int_equal(world_wait_event(world, "/g", EVENT_EXITED, 1).exit.reason, EXIT_NORMAL);
    world_wait_event(world, "/g", EVENT_STOPPED, 1);
    assert_int_equal(world_view(world, "/g/a").state, CHILD_STOPPED);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_wait_until_the_one_before_is_ready),
        cmocka_unit_test(one_for_all_gives_every_sibling_a_new_instance_in_order),
        cmocka_unit_test(rest_for_one_leaves_the_instances_before),
        cmocka_unit_test(intensity_used_up_ends_the_supervisor_which_its_parent_restarts),
        cmocka_unit_test(a_rule_decides_by_trap_code),
        cmocka_unit_test(a_significant_end_ends_the_supervisor_normally),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
