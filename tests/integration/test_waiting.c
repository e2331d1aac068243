/* Starts that wait, and ends without an instance, of real guests.
 *
 * Each test names the line of docs/semantics.md that it proves. */
#include "supervision_testing.h"

#define NOWHERE "/nowhere/at/all.wasm"

/* Child states: "Carries `due` or `waits-for` … The start timeout begins only after these": the one that waits for the only place waits longer than it may start. */
static void
the_start_timeout_begins_after_the_wait_for_a_place(void **state)
{
    (void)state;
    struct world *world = world_begin_with((struct world_options){ .max_concurrent_starts = 1 });

    add_echo(world, "/clock", quick(supervisor_config_permanent(), 3));
    world_add(
        world, "/hangs",
        (struct world_child){ .guest = "initfail",
                              .text = "sleep",
                              .config = supervisor_config_with_start_timeout(
                                  quick(supervisor_config_permanent(), 0), DURATION_INFINITE) });
    add_echo(world, "/waits",
             supervisor_config_with_start_timeout(quick(supervisor_config_permanent(), 3),
                                                  4 * US_PER_S));
    world_start(world);
    struct event waiting = world_wait_event(world, "/waits", EVENT_WAITING, 0);
    assert_string_equal(waiting.waits_for->text, "pool");
    assert_answer(world, "/clock", "sleep 4100", "slept");
    assert_int_equal(world_do(world, component_supervisor_kill, "/hangs"), AIRS_OK);
    struct event ready = world_wait_event(world, "/waits", EVENT_READY, 1);
    assert_true(ready.time_us - waiting.time_us > 4 * US_PER_S);
    assert_true(world_wait_event(world, "/hangs", EVENT_EXITED, 1).seq < ready.seq);
    assert_int_equal(world_count(world, "/waits", EVENT_EXITED), 0);
    assert_restarts(world, "/waits", "crash trap");
    world_end(world);
}

/* Restart: "At most `max-concurrent-starts` (4 × workers) starts at a time per application, …; the
 * rest wait for `pool`": without a number of the user's, and for one worker. */
static void
four_starts_a_worker_at_a_time(void **state)
{
    (void)state;
    struct world *world = world_begin_with((struct world_options){ .workers = 1 });
    struct supervisor_config config = supervisor_config_with_shutdown(
        supervisor_config_with_start_timeout(quick(supervisor_config_permanent(), 0),
                                             DURATION_INFINITE),
        0);
    static const char *const paths[] = { "/a", "/b", "/c", "/d", "/e", "/f" };

    for (size_t i = 0; i < 6; i++)
        world_add(world, paths[i],
                  (struct world_child){ .guest = "initfail", .text = "sleep", .config = config });
    world_start(world);
    for (size_t i = 0; i < 4; i++)
        world_wait_event(world, paths[i], EVENT_STARTING, 1);
    for (size_t i = 4; i < 6; i++) {
        world_wait_event(world, paths[i], EVENT_WAITING, 0);
        assert_int_equal(world_view(world, paths[i]).state, CHILD_REGISTERED);
    }
    assert_int_equal(world_do(world, component_supervisor_kill, "/c"), AIRS_OK);
    world_wait_event(world, "/e", EVENT_STARTING, 1); /* The first that waits gets its place. */
    assert_int_equal(world_wait_event(world, "/c", EVENT_EXITED, 1).exit.reason, EXIT_KILLED);
    assert_int_equal(world_count(world, "/f", EVENT_STARTING), 0);
    world_end(world);
}

/* Child states, starting: "start failed, exit: restart granted → `restarting`; not asked for →
 * `stopped`". */
static void
a_failed_start_of_a_temporary_child_stops_it(void **state)
{
    (void)state;
    static const char *const ways[] = { "err", "trap", "exit" };
    struct world *world = world_begin();
    char path[16];

    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/%s", ways[i]);
        world_add(world, path,
                  (struct world_child){ .guest = "initfail",
                                        .text = ways[i],
                                        .config = quick(supervisor_config_temporary(), 3) });
    }
    world_start(world);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/%s", ways[i]);
        world_wait_event(world, path, EVENT_STOPPED, 1);
        assert_int_equal(world_view(world, path).stop_cause, STOPPED_TEMPORARY);
        assert_int_equal(world_count(world, path, EVENT_STARTED), 0);
        assert_int_equal(world_count(world, path, EVENT_STARTING), 1);
    }
    world_end(world);
}

/* Exits: "what is wrong inside a file, or missing later, is that child's `load-error`: `failed` at
 * once, unless a rule says restart": then by its budget and its delays, as any exit. */
static void
a_rule_retries_what_cannot_be_loaded(void **state)
{
    (void)state;
    static const struct exit_rule rules[] = { { .reason = EXIT_LOAD_ERROR,
                                                .action = EXIT_DO_RESTART } };
    struct supervisor_config config = quick(supervisor_config_permanent(), 2);
    struct world *world = world_begin();

    config.policy.rules = rules;
    config.policy.rules_size = 1;
    world_add(world, "/gone", (struct world_child){ .file = NOWHERE, .config = config });
    world_add(
        world, "/plain",
        (struct world_child){ .file = NOWHERE, .config = quick(supervisor_config_permanent(), 2) });
    add_echo(world, "/b", quick(supervisor_config_permanent(), 3));
    world_start(world);
    world_wait_event(world, "/gone", EVENT_FAILED, 0);
    assert_int_equal(world_count(world, "/gone", EVENT_EXITED), 3);
    assert_int_equal(world_count(world, "/gone", EVENT_RESTART_SCHEDULED), 2);
    struct supervision_view gone = world_view(world, "/gone");
    assert_int_equal(gone.exit.reason, EXIT_LOAD_ERROR);
    assert_int_equal(gone.budget_used, 2);
    assert_int_equal(nth_event(world, "/gone", EVENT_RESTART_SCHEDULED, 2).delay_us, 5 * MS);
    world_wait_event(world, "/plain", EVENT_FAILED, 0);
    assert_int_equal(world_count(world, "/plain", EVENT_EXITED), 1);
    assert_restarts(world, "/b", "crash trap");
    world_end(world);
}

/* Health: "`call-timeout` and `cpu-timeout` bound a probe as any call": the probe may take an hour,
 * the call may not. */
static void
call_and_cpu_timeout_bound_a_probe(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        struct component_limits limits;
        const char *detail;
    } rows[] = {
        { "hang healthy", { .call_timeout_us = 100 * MS }, "call-timeout" },
        { "spin healthy", { .cpu_timeout_us = 100 * MS }, "cpu-timeout" },
    };
    struct health_restart_config health = health_restart_config_default();

    health.probe.interval_us = NEVER_BACK_US;
    health.probe.timeout_us = NEVER_BACK_US;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_begin();
        world_add(world, "/a",
                  (struct world_child){
                      .guest = "sick",
                      .text = rows[i].words,
                      .limits = rows[i].limits,
                      .config = supervisor_config_with_health(
                          quick(supervisor_config_permanent(), 1), health),
                  });
        world_start(world);
        world_wait_event(world, "/a", EVENT_FAILED, 2);
        for (uint32_t generation = 1; generation <= 2; generation++) {
            struct event exited = world_wait_event(world, "/a", EVENT_EXITED, generation);
            assert_int_equal(exited.exit.reason, EXIT_TIMEOUT);
            assert_string_equal(exited.detail->text, rows[i].detail);
        }
        assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 0);
        world_end(world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_timeout_begins_after_the_wait_for_a_place),
        cmocka_unit_test(four_starts_a_worker_at_a_time),
        cmocka_unit_test(a_failed_start_of_a_temporary_child_stops_it),
        cmocka_unit_test(a_rule_retries_what_cannot_be_loaded),
        cmocka_unit_test(call_and_cpu_timeout_bound_a_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
