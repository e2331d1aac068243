/* Restart: real guests end in every way they can, and a new instance takes over. */
#include "world.h"

/* A crash of /a by `word`: gone as `reason`, back with generation 2 and fresh memory. */
static void
crash_and_come_back(const char *word, struct component_limits limits, enum exit_reason reason,
                    int32_t code)
{
    struct world *world = world_begin();
    struct world_answer crash, after[3];

    world_add(world, "/a", (struct world_child){ .guest = "echo", .limits = limits });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_answer(world, "/a", "count", "1");
    assert_answer(world, "/a", "count", "2");

    /* Mail queued before the crash is answered after it, in order, by the new instance. */
    assert_int_equal(world_send(world, "/a", "sleep 50", &after[0]), AIRS_OK);
    assert_int_equal(world_send(world, "/a", word, &crash), AIRS_OK);
    assert_int_equal(world_send(world, "/a", "count", &after[1]), AIRS_OK);
    assert_int_equal(world_send(world, "/a", "count", &after[2]), AIRS_OK);
    world_wait_answer(world, &after[2]);

    assert_int_equal(crash.status, AIRS_EENDED);
    assert_string_equal(after[0].text, "slept");
    assert_string_equal(after[1].text, "1");
    assert_string_equal(after[2].text, "2");
    assert_answer(world, "/a", "starts", "1");
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, reason);
    assert_int_equal(exited.exit.code, code);
    struct event scheduled = world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1);
    assert_int_equal(scheduled.restarts, 1);
    world_wait_event(world, "/a", EVENT_READY, 2);
    struct supervision_view view = world_view(world, "/a");
    assert_int_equal(view.generation, 2);
    assert_int_equal(view.restarts, 1);
    world_end(world);
}

static void
an_actor_that_writes_out_of_bounds_is_restarted(void **state)
{
    (void)state;
    crash_and_come_back("crash oob", (struct component_limits){ 0 }, EXIT_TRAP,
                        TRAP_MEMORY_OUT_OF_BOUNDS);
}

static void
an_actor_that_overflows_its_stack_is_restarted(void **state)
{
    (void)state;
    crash_and_come_back("crash stack", (struct component_limits){ 0 }, EXIT_TRAP,
                        TRAP_STACK_OVERFLOW);
}

static void
an_actor_that_exits_with_a_code_is_restarted(void **state)
{
    (void)state;
    crash_and_come_back("crash exit 3", (struct component_limits){ 0 }, EXIT_ERROR, 3);
}

static void
an_actor_that_eats_its_memory_is_restarted(void **state)
{
    (void)state;
    crash_and_come_back("crash oom", (struct component_limits){ .memory_bytes = 4u << 20 },
                        EXIT_OUT_OF_MEMORY, 0);
}

static void
an_actor_that_computes_without_end_is_restarted_after_its_cpu_timeout(void **state)
{
    (void)state;
    /* The limit is that of the calls that end well, too. */
    crash_and_come_back("crash loop", (struct component_limits){ .cpu_timeout_us = 3 * US_PER_S },
                        EXIT_TIMEOUT, 0);
}

static void
an_actor_that_sleeps_in_a_message_is_restarted_after_its_call_timeout(void **state)
{
    (void)state;
    crash_and_come_back("sleep 100000",
                        (struct component_limits){ .call_timeout_us = 5 * US_PER_S }, EXIT_TIMEOUT,
                        0);
}

static void
a_trap_tells_its_code_and_its_backtrace(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/a", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_call(world, "/a", "crash trap");
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);
    assert_non_null(exited.detail);
    assert_non_null(strstr(exited.detail->text, "unreachable"));
    assert_non_null(strstr(exited.detail->text, "on_message"));
    world_end(world);
}

/* A command ends by itself: what it prints counts in its own memory. */
static void
command_comes_back(const char *mode, const char *argument, struct component_limits limits,
                   enum exit_reason reason, int32_t code)
{
    struct world *world = world_begin();

    world_add(world, "/c",
              (struct world_child){
                  .guest = "crasher",
                  .args = { mode, argument },
                  .limits = limits,
                  .config = supervisor_config_with_backoff(
                      supervisor_config_permanent(), backoff_linear(20 * US_PER_MS, US_PER_S)),
              });
    world_start(world);
    for (uint32_t generation = 1; generation <= 2; generation++) {
        char line[64];
        snprintf(line, sizeof line, "crasher: start 1 %s", mode);
        world_wait_line(world, "/c", line, generation);
        struct event exited = world_wait_event(world, "/c", EVENT_EXITED, generation);
        assert_int_equal(exited.exit.reason, reason);
        assert_int_equal(exited.exit.code, code);
    }
    world_end(world);
}

static void
a_command_that_returns_is_restarted_when_permanent(void **state)
{
    (void)state;
    command_comes_back("return", NULL, (struct component_limits){ 0 }, EXIT_NORMAL, 0);
}

static void
a_command_that_exits_with_a_code_tells_it(void **state)
{
    (void)state;
    command_comes_back("exit", "3", (struct component_limits){ 0 }, EXIT_ERROR, 3);
}

static void
a_command_that_aborts_traps(void **state)
{
    (void)state;
    command_comes_back("abort", NULL, (struct component_limits){ 0 }, EXIT_TRAP, TRAP_UNREACHABLE);
}

static void
a_command_that_divides_by_zero_traps(void **state)
{
    (void)state;
    command_comes_back("divzero", NULL, (struct component_limits){ 0 }, EXIT_TRAP,
                       TRAP_INTEGER_DIVISION_BY_ZERO);
}

static void
a_command_that_eats_memory_is_out_of_memory(void **state)
{
    (void)state;
    command_comes_back("oom", NULL, (struct component_limits){ .memory_bytes = 4u << 20 },
                       EXIT_OUT_OF_MEMORY, 0);
}

static void
a_command_that_never_returns_ends_only_by_a_timeout_that_was_set(void **state)
{
    (void)state;
    command_comes_back("loop", NULL, (struct component_limits){ .cpu_timeout_us = 2 * US_PER_S },
                       EXIT_TIMEOUT, 0); /* It prints its line before that. */
}

static void
a_child_that_dies_at_once_has_exactly_its_restarts_whatever_the_delay(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct supervisor_config config = supervisor_config_with_restart_window(
        supervisor_config_with_max_restarts(supervisor_config_permanent(), 4), 10 * US_PER_MS);

    world_add(world, "/c",
              (struct world_child){
                  .guest = "initfail",
                  .text = "trap",
                  .config = supervisor_config_with_backoff(
                      config, backoff_linear(100 * US_PER_MS, 100 * US_PER_MS)),
              });
    world_start(world);
    world_wait_event(world, "/c", EVENT_FAILED, 0);
    assert_int_equal(world_count(world, "/c", EVENT_RESTART_SCHEDULED), 4);
    assert_int_equal(world_count(world, "/c", EVENT_STARTING), 5);
    assert_int_equal(world_count(world, "/c", EVENT_STARTED), 0);
    world_wait_until(world, world->idle);
    assert_true(world->idle_with_failed);
    world_end(world);
}

static void
a_child_that_never_starts_in_time_has_exactly_its_restarts_whatever_the_delay(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct supervisor_config config = supervisor_config_with_restart_window(
        supervisor_config_with_max_restarts(supervisor_config_permanent(), 3), 10 * US_PER_MS);

    config = supervisor_config_with_start_timeout(config, 20 * US_PER_MS);
    world_add(world, "/c",
              (struct world_child){
                  .guest = "initfail",
                  .text = "sleep",
                  .config = supervisor_config_with_backoff(
                      config, backoff_linear(100 * US_PER_MS, 100 * US_PER_MS)),
              });
    world_start(world);
    world_wait_event(world, "/c", EVENT_FAILED, 0);
    assert_int_equal(world_count(world, "/c", EVENT_RESTART_SCHEDULED), 3);
    struct event exited = world_wait_event(world, "/c", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_TIMEOUT);
    world_end(world);
}

static void
a_nested_supervisor_escalates_and_its_parent_restarts_it(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct supervisor_config fragile = supervisor_config_with_on_exhausted(
        supervisor_config_with_max_restarts(world_immortal(), 1), ON_EXHAUSTED_ESCALATE);

    world_add(world, "/web", (struct world_child){ 0 });
    world_add(world, "/web/a",
              (struct world_child){ .parent = "/web", .guest = "echo", .config = fragile });
    world_add(world, "/web/b", (struct world_child){ .parent = "/web", .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/web", EVENT_READY, 1);
    assert_answer(world, "/web/b", "count", "1");
    world_call(world, "/web/a", "crash trap");
    world_wait_event(world, "/web/a", EVENT_READY, 2);
    world_call(world, "/web/a", "crash trap");

    struct event exited = world_wait_event(world, "/web", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_ESCALATED);
    world_wait_event(world, "/web", EVENT_READY, 2);
    world_wait_event(world, "/web/a", EVENT_READY, 3);
    world_wait_event(world, "/web/b", EVENT_READY, 2);
    assert_answer(world, "/web/b", "count", "1");
    assert_answer(world, "/web/a", "count", "1");
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_actor_that_writes_out_of_bounds_is_restarted),
        cmocka_unit_test(an_actor_that_overflows_its_stack_is_restarted),
        cmocka_unit_test(an_actor_that_exits_with_a_code_is_restarted),
        cmocka_unit_test(an_actor_that_eats_its_memory_is_restarted),
        cmocka_unit_test(an_actor_that_computes_without_end_is_restarted_after_its_cpu_timeout),
        cmocka_unit_test(an_actor_that_sleeps_in_a_message_is_restarted_after_its_call_timeout),
        cmocka_unit_test(a_trap_tells_its_code_and_its_backtrace),
        cmocka_unit_test(a_command_that_returns_is_restarted_when_permanent),
        cmocka_unit_test(a_command_that_exits_with_a_code_tells_it),
        cmocka_unit_test(a_command_that_aborts_traps),
        cmocka_unit_test(a_command_that_divides_by_zero_traps),
        cmocka_unit_test(a_command_that_eats_memory_is_out_of_memory),
        cmocka_unit_test(a_command_that_never_returns_ends_only_by_a_timeout_that_was_set),
        cmocka_unit_test(a_child_that_dies_at_once_has_exactly_its_restarts_whatever_the_delay),
        cmocka_unit_test(
            a_child_that_never_starts_in_time_has_exactly_its_restarts_whatever_the_delay),
        cmocka_unit_test(a_nested_supervisor_escalates_and_its_parent_restarts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
