/* Storms of real guests: hundreds that die at every start, restarted at once, while all of it is
 * stopped; and a probe that traps, through nested supervisors.
 */
#include "supervision_testing.h"

static struct supervisor_config
below(struct supervisor_config config, uint32_t max_restarts)
{
    return supervisor_config_with_on_exhausted(quick(config, max_restarts), ON_EXHAUSTED_ESCALATE);
}

/* ---- A restart storm while stopping ---- */

#define SUPERVISORS 4
#define CHILDREN_EACH 50
#define STARTS 1000 /* Seen before the stop. */

static void
count_start(void *context, const struct event *event)
{
    atomic_ulong *starts = context;

    if (event->type == EVENT_STARTING)
        atomic_fetch_add(starts, 1);
}

static struct world *
storm_world(const char *const paths[SUPERVISORS])
{
    static const enum strategy strategies[] = { STRATEGY_ONE_FOR_ONE, STRATEGY_ONE_FOR_ONE,
                                                STRATEGY_REST_FOR_ONE, STRATEGY_ONE_FOR_ALL };
    struct world *world =
        world_begin_with((struct world_options){ .instances_max = 256, .keep_no_events = true });
    struct supervisor_config config = supervisor_config_with_backoff(
        supervisor_config_with_max_restarts(supervisor_config_permanent(), 100000),
        backoff_immediate());

    for (size_t i = 0; i < SUPERVISORS; i++) {
        const char *slash = strrchr(paths[i], '/');
        char parent[16];
        snprintf(parent, sizeof parent, "%.*s", (int)(slash == paths[i] ? 1 : slash - paths[i]),
                 paths[i]);
        world_add(
            world, paths[i],
            (struct world_child){ .parent = parent,
                                  .config = supervisor_config_with_strategy(
                                      supervisor_config_default_supervisor(), strategies[i]) });
    }
    for (size_t i = 0; i < SUPERVISORS * CHILDREN_EACH; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s/x%zu", paths[i % SUPERVISORS], i);
        world_add(world, path,
                  (struct world_child){ .parent = paths[i % SUPERVISORS],
                                        .guest = "crasher",
                                        .args = { "trap" },
                                        .config = config });
    }
    return world;
}

/* Strategies: "A supervisor never blocks"; Stopping: "Afterwards nothing is running or
 * half-freed": the stop ends whatever is granted meanwhile, and no start follows it. */
static void
a_storm_of_restarts_ends_with_the_stop(void **state)
{
    (void)state;
    static const char *const paths[SUPERVISORS] = { "/a", "/a/b", "/a/b/c", "/d" };
    struct world *world = storm_world(paths);
    atomic_ulong starts = 0;
    struct engine_usage usage;
    struct world_list list;

    assert_int_equal(
        event_log_add_sink(actor_system_event_log(world->system), count_start, &starts, NULL),
        AIRS_OK);
    world_start(world);
    uint64_t deadline_us = world_deadline();
    while (atomic_load(&starts) < STARTS)
        assert_true(clock_now_us() < deadline_us);
    assert_int_equal(world_stop_all(world, DURATION_INFINITE).status, AIRS_OK);
    world_wait_until(world, world->ended);
    assert_int_equal(world->end.reason, EXIT_SHUTDOWN);
    unsigned long last = atomic_load(&starts);
    for (size_t i = 0; i < SUPERVISORS; i++)
        assert_int_equal(world_view(world, paths[i]).state, CHILD_STOPPED);
    assert_int_equal(world_list(world, NULL, &list), AIRS_OK);
    assert_int_equal(list.count, SUPERVISORS + SUPERVISORS * CHILDREN_EACH);
    engine_usage(world->engine, &usage);
    assert_int_equal(usage.instances, 0);
    assert_int_equal(atomic_load(&starts), last);
    event_log_remove_sink(actor_system_event_log(world->system), count_start, &starts);
    world_end(world);
}

/* ---- A probe that traps ---- */

/* Health: "One that traps is the exit `trap`", "through the same budget and delays". The child
 * ends at each first probe: once restarted it escalates, and so does each supervisor above it. */
static void
a_probe_that_traps_escalates_through_nested_supervisors(void **state)
{
    (void)state;
    struct health_restart_config health = health_restart_config_default();
    struct world *world = world_begin();

    health.probe.timeout_us = 30 * US_PER_S; /* However busy the machine is. */
    world_add(world, "/s",
              (struct world_child){ .config = quick(supervisor_config_default_supervisor(), 0) });
    world_add(world, "/s/t",
              (struct world_child){ .parent = "/s",
                                    .config = below(supervisor_config_default_supervisor(), 1) });
    world_add(world, "/s/t/a",
              (struct world_child){ .parent = "/s/t",
                                    .guest = "sick",
                                    .text = "trap",
                                    .config = supervisor_config_with_health(
                                        below(supervisor_config_permanent(), 1), health) });
    add_echo(world, "/b", world_immortal());
    world_start(world);
    struct event failed = world_wait_event(world, "/s", EVENT_FAILED, 1);
    assert_int_equal(failed.exit.reason, EXIT_ESCALATED);
    assert_string_equal(failed.cause->text, "/s/t/a");
    assert_int_equal(world_count(world, "/s/t/a", EVENT_STARTING), 4); /* (1 + 1) × (1 + 1) */
    for (uint32_t generation = 1; generation <= 4; generation++)
        assert_int_equal(world_wait_event(world, "/s/t/a", EVENT_EXITED, generation).exit.reason,
                         EXIT_TRAP);
    assert_int_equal(world_count(world, "/s/t/a", EVENT_READY), 0);
    assert_restarts(world, "/b", "crash trap"); /* The neighbour is as it was. */
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_of_restarts_ends_with_the_stop),
        cmocka_unit_test(a_probe_that_traps_escalates_through_nested_supervisors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
