/* Supervisor integration, restart policies: who is restarted, how often, and what then.
 *
 * Each test names the line of docs/semantics.md that it proves.
 */
#include "supervision_testing.h"

static struct world *
begin_crasher(const char *mode, const char *argument, struct supervisor_config config)
{
    struct world *world = world_begin();

    world_add(
        world, "/c",
        (struct world_child){ .guest = "crasher", .args = { mode, argument }, .config = config });
    world_start(world);
    return world;
}

/* Restart: "`transient` after an abnormal exit": not after a normal one; Strategies: "The
 * application ends by itself when every child is stopped or failed". */
static void
test_no_restart_on_normal_exit_transient(void **state)
{
    (void)state;
    struct world *world = begin_crasher("return", NULL, supervisor_config_transient());

    world_wait_event(world, "/c", EVENT_STOPPED, 1);
    assert_int_equal(world_wait_event(world, "/c", EVENT_EXITED, 1).exit.reason, EXIT_NORMAL);
    assert_int_equal(world_view(world, "/c").stop_cause, STOPPED_ENDED);
    world_wait_until(world, world->idle);
    assert_false(world->idle_with_failed);
    assert_int_equal(world_count(world, "/c", EVENT_RESTART_SCHEDULED), 0);
    world_end(world);
}

/* Restart: "`transient` after an abnormal exit"; Exits: "`error` (exit code ≠ 0)". */
static void
test_restart_on_error_transient(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_transient(), 3));

    assert_restarts(world, "/a", "crash exit 3");
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_ERROR);
    assert_int_equal(exited.exit.code, 3);
    assert_int_equal(world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1).restarts, 1);
    world_end(world);
}

/* Restart: "`temporary` never". */
static void
test_no_restart_temporary(void **state)
{
    (void)state;
    struct world *world = begin_crasher("trap", NULL, supervisor_config_temporary());

    world_wait_event(world, "/c", EVENT_STOPPED, 1);
    assert_int_equal(world_wait_event(world, "/c", EVENT_EXITED, 1).exit.reason, EXIT_TRAP);
    assert_int_equal(world_view(world, "/c").stop_cause, STOPPED_TEMPORARY);
    assert_int_equal(world_count(world, "/c", EVENT_RESTART_SCHEDULED), 0);
    assert_int_equal(world_count(world, "/c", EVENT_STARTING), 1);
    world_end(world);
}

/* Restart: "Otherwise the budget is used up: the child is `failed` (`on-exhausted: fail`,
 * default under one-for-one)". */
static void
test_restart_limit_enforcement(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 2));

    for (uint32_t n = 1; n <= 2; n++) {
        assert_restarts(world, "/a", "crash trap");
        struct supervision_view view = world_view(world, "/a");
        assert_int_equal(view.restarts, n);
        assert_int_equal(view.budget_used, n);
        assert_int_equal(view.budget_allowed, 2);
    }
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 3);
    assert_int_equal(world_view(world, "/a").state, CHILD_FAILED);
    assert_int_equal(world_count(world, "/a", EVENT_RESTART_SCHEDULED), 2);
    assert_int_equal(world_count(world, "/a", EVENT_STARTING), 3);
    assert_int_equal(world_count(world, "/a", EVENT_EXITED), 3);
    world_wait_until(world, world->idle);
    assert_true(world->idle_with_failed);
    world_end(world);
}

/* Restart: "`max-restarts: 0` never restarts". */
static void
test_no_restarts_allowed_fails_at_the_first_exit(void **state)
{
    (void)state;
    struct world *world = begin_crasher("exit", "1", quick(supervisor_config_permanent(), 0));

    world_wait_event(world, "/c", EVENT_FAILED, 1);
    assert_int_equal(world_count(world, "/c", EVENT_RESTART_SCHEDULED), 0);
    assert_int_equal(world_view(world, "/c").budget_allowed, 0);
    world_end(world);
}

/* Restart: "`unlimited` never gives up". */
static void
test_unlimited_restarts_never_give_up(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), RESTARTS_UNLIMITED));

    for (uint32_t n = 1; n <= 8; n++)
        assert_restarts(world, "/a", "crash trap");
    struct supervision_view view = world_view(world, "/a");
    assert_int_equal(view.restarts, 8);
    assert_true(view.budget_allowed == RESTARTS_UNLIMITED);
    assert_int_equal(view.state, CHILD_RUNNING);
    world_end(world);
}

/* Restart: "granted if fewer than `max-restarts` earlier grants lie in the last `within` of the
 * child's lived time". */
static void
test_a_grant_leaves_the_window_after_that_much_lived_time(void **state)
{
    (void)state;
    struct world *world = begin_echo(supervisor_config_with_restart_window(
        quick(supervisor_config_permanent(), 1), 4 * US_PER_S));

    assert_restarts(world, "/a", "crash trap");
    assert_int_equal(world_view(world, "/a").budget_used, 1);
    assert_answer(world, "/a", "sleep 4100", "slept");
    assert_int_equal(world_view(world, "/a").budget_used, 0);
    assert_restarts(world, "/a", "crash trap");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 3);
    world_end(world);
}

/* Restart: "Delay before restart n since the last stable run (one of `reset-after` …, on the
 * lived clock". */
static void
test_a_stable_run_begins_the_delays_anew(void **state)
{
    (void)state;
    static const uint64_t delays_us[] = { 10 * MS, 20 * MS, 10 * MS };
    struct supervisor_config config = supervisor_config_permanent();
    struct backoff backoff = backoff_linear(10 * MS, US_PER_S);

    backoff.jitter = 0;
    backoff.reset_after_us = 4 * US_PER_S;
    struct world *world = begin_echo(supervisor_config_with_backoff(config, backoff));
    assert_restarts(world, "/a", "crash trap");
    assert_restarts(world, "/a", "crash trap");
    assert_int_equal(world_view(world, "/a").attempt, 2);
    assert_answer(world, "/a", "sleep 4100", "slept");
    assert_restarts(world, "/a", "crash trap");
    for (uint32_t n = 1; n <= 3; n++)
        assert_int_equal(world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, n).delay_us,
                         delays_us[n - 1]);
    world_end(world);
}

/* Restart: "or its supervisor ends as `escalated`", "The root counts as temporary: ended as
 * `escalated`, the application ends". */
static void
test_an_escalation_at_the_root_ends_the_application(void **state)
{
    (void)state;
    struct world *world = world_begin();

    add_echo(world, "/a",
             supervisor_config_with_on_exhausted(quick(supervisor_config_permanent(), 1),
                                                 ON_EXHAUSTED_ESCALATE));
    add_echo(world, "/b", world_immortal());
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    world_wait_event(world, "/b", EVENT_READY, 1);
    assert_restarts(world, "/a", "crash trap");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_ESCALATED, 2);
    world_wait_until(world, world->ended);
    assert_int_equal(world->end.reason, EXIT_ESCALATED);
    assert_int_equal(world_wait_event(world, "/b", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_restart_on_normal_exit_transient),
        cmocka_unit_test(test_restart_on_error_transient),
        cmocka_unit_test(test_no_restart_temporary),
        cmocka_unit_test(test_restart_limit_enforcement),
        cmocka_unit_test(test_no_restarts_allowed_fails_at_the_first_exit),
        cmocka_unit_test(test_unlimited_restarts_never_give_up),
        cmocka_unit_test(test_a_grant_leaves_the_window_after_that_much_lived_time),
        cmocka_unit_test(test_a_stable_run_begins_the_delays_anew),
        cmocka_unit_test(test_an_escalation_at_the_root_ends_the_application),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
