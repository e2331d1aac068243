/* Supervisors of real guests: significant children that end theirs, and supervisors below
 * supervisors. */
#include "real.h"

/* An echo that "crash exit 3" ends normally. */
static struct world_child
job(bool significant, enum restart_policy restart)
{
    static const struct code_range success[] = { { 3, 3 } };
    struct supervisor_config config =
        supervisor_config_with_restart(supervisor_config_permanent(), restart);

    config.policy.significant = significant;
    config.policy.success = success;
    config.policy.success_size = 1;
    return echo_of(config);
}

static struct world *
significant_group(enum auto_shutdown when)
{
    struct supervisor_config group = supervisor_config_with_auto_shutdown(
        supervisor_config_with_restart(group_config(STRATEGY_ONE_FOR_ONE), RESTART_TRANSIENT),
        when);
    struct world_child children[] = { job(true, RESTART_TRANSIENT), job(true, RESTART_TEMPORARY),
                                      job(false, RESTART_PERMANENT) };
    struct world *world = group_world(group, children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    return world;
}

static void
assert_group_ended(struct world *world)
{
    struct event ended = world_wait_event(world, "/g", EVENT_EXITED, 1);

    assert_int_equal(ended.exit.reason, EXIT_NORMAL);
    world_wait_event(world, "/g", EVENT_STOPPED, 1);
    assert_int_equal(world_view(world, "/g").stop_cause, STOPPED_ENDED);
    assert_int_equal(world_wait_event(world, member(2), EVENT_EXITED, 1).exit.reason,
                     EXIT_SHUTDOWN);
    world_end(world);
}

static void
any_ends_with_the_first_significant_child_that_ends(void **state)
{
    (void)state;
    struct world *world = significant_group(AUTO_SHUTDOWN_ANY);

    end_by(world, member(0), "crash exit 3");
    assert_group_ended(world);
}

static void
all_ends_with_the_last_significant_child_that_ends(void **state)
{
    (void)state;
    struct world *world = significant_group(AUTO_SHUTDOWN_ALL);

    end_by(world, member(1), "crash trap"); /* Temporary: an end is an end. */
    world_wait_event(world, member(1), EVENT_STOPPED, 1);
    assert_answer(world, member(2), "count", "1");
    assert_int_equal(world_view(world, "/g").state, CHILD_RUNNING);
    end_by(world, member(0), "crash exit 3");
    assert_group_ended(world);
}

/* "one that is `failed` has not ended": whichever of the two comes first. */
static void
one_that_has_failed_is_waited_for(void **state)
{
    (void)state;
    for (size_t fails = 0; fails < 2; fails++) {
        struct world_child children[] = { job(true, RESTART_TRANSIENT),
                                          job(true, RESTART_TRANSIENT),
                                          job(false, RESTART_PERMANENT) };
        for (size_t i = 0; i < 2; i++)
            children[i].config.policy.max_restarts = 0;
        struct world *world =
            group_world(supervisor_config_with_auto_shutdown(
                            supervisor_config_with_restart(group_config(STRATEGY_ONE_FOR_ONE),
                                                           RESTART_TRANSIENT),
                            AUTO_SHUTDOWN_ALL),
                        children);
        world_start(world);
        world_wait_event(world, "/g", EVENT_READY, 1);
        end_by(world, member(0), fails == 0 ? "crash trap" : "crash exit 3");
        world_wait_event(world, member(0), fails == 0 ? EVENT_FAILED : EVENT_STOPPED, 1);
        end_by(world, member(1), fails == 1 ? "crash trap" : "crash exit 3");
        world_wait_event(world, member(1), fails == 1 ? EVENT_FAILED : EVENT_STOPPED, 1);
        assert_answer(world, member(2), "count", "1");
        assert_int_equal(world_view(world, "/g").state, CHILD_RUNNING);
        assert_int_equal(world_do(world, component_supervisor_start, member(fails)), AIRS_OK);
        world_wait_event(world, member(fails), EVENT_READY, 2);
        end_by(world, member(fails), "crash exit 3");
        assert_int_equal(world_wait_event(world, "/g", EVENT_EXITED, 1).exit.reason, EXIT_NORMAL);
        world_end(world);
    }
}

/* A restart of the significant child, and an end of another, end nobody. */
static void
what_is_restarted_or_not_significant_ends_nobody(void **state)
{
    (void)state;
    struct world *world = significant_group(AUTO_SHUTDOWN_ANY);

    end_by(world, member(0), "crash trap");
    world_wait_event(world, member(0), EVENT_READY, 2);
    end_by(world, member(2), "crash exit 3");
    world_wait_event(world, member(2), EVENT_READY, 2);
    assert_int_equal(world_count(world, "/g", EVENT_STOPPING), 0);
    assert_int_equal(world_view(world, "/g").state, CHILD_RUNNING);
    world_end(world);
}

/* /g/inner gives up twice: once it is restarted, then /g gives up too, and its parent restarts
 * that, all with new instances and empty budgets. */
static void
a_supervisor_of_supervisors_restarts_and_escalates_like_any(void **state)
{
    (void)state;
    struct supervisor_config fragile = supervisor_config_with_on_exhausted(
        quick(supervisor_config_permanent(), 0), ON_EXHAUSTED_ESCALATE);
    struct supervisor_config inner = supervisor_config_with_on_exhausted(
        quick(supervisor_config_default_supervisor(), 1), ON_EXHAUSTED_ESCALATE);
    struct world *world = world_begin();

    world_add(world, "/g", (struct world_child){ .config = group_config(STRATEGY_ONE_FOR_ONE) });
    world_add(world, "/g/inner", (struct world_child){ .parent = "/g", .config = inner });
    world_add(world, "/g/inner/a",
              (struct world_child){ .parent = "/g/inner", .guest = "echo", .config = fragile });
    world_add(world, "/g/b", (struct world_child){ .parent = "/g", .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    crash(world, "/g/inner/a");
    world_wait_event(world, "/g/inner", EVENT_READY, 2);
    assert_int_equal(world_view(world, "/g/b").generation, 1);
    assert_answer(world, "/g/inner/a", "starts", "1");

    crash(world, "/g/inner/a");
    struct event ended = world_wait_event(world, "/g", EVENT_EXITED, 1);
    assert_int_equal(ended.exit.reason, EXIT_ESCALATED);
    assert_string_equal(ended.cause->text, "/g/inner/a");
    world_wait_event(world, "/g", EVENT_READY, 2);
    assert_int_equal(world_view(world, "/g/b").generation, 2);
    assert_int_equal(world_view(world, "/g/inner").budget_used, 0);
    assert_answer(world, "/g/inner/a", "starts", "1");
    assert_answer(world, "/g/b", "starts", "1");
    world_end(world);
}

/* Strategies: "The application ends by itself when every child is stopped or failed and none was
 * stopped by request". */
static void
all_is_over_when_nobody_is_left_whom_a_request_stopped(void **state)
{
    (void)state;
    struct world_child children[] = {
        { .guest = "crasher", .args = { "return" }, .config = supervisor_config_transient() },
        echo_of(quick(supervisor_config_permanent(), 0)),
        { .guest = "crasher", .args = { "trap" }, .config = supervisor_config_temporary() },
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ONE), children);

    world_start(world);
    world_wait_event(world, member(1), EVENT_READY, 1);
    world_wait_event(world, member(0), EVENT_STOPPED, 1);
    world_wait_event(world, member(2), EVENT_STOPPED, 1);
    assert_int_equal(world_do(world, world_stop, member(1)), AIRS_OK);
    world_wait_event(world, member(1), EVENT_STOPPED, 1);
    /* Who was asked to stop may be started again: its supervisor, and the root, wait for that. */
    uint64_t deadline_us = world_deadline();
    while (!world_view(world, "/g").ready) /* It tells its parent, who is asked here. */
        assert_true(clock_now_us() < deadline_us);
    assert_false(world->idle);
    assert_int_equal(world_do(world, component_supervisor_start, member(1)), AIRS_OK);
    world_wait_event(world, member(1), EVENT_READY, 2);
    assert_false(world->idle);
    crash(world, member(1));
    world_wait_event(world, member(1), EVENT_FAILED, 2);
    world_wait_until(world, world->idle);
    assert_true(world->idle_with_failed);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_ends_with_the_first_significant_child_that_ends),
        cmocka_unit_test(all_ends_with_the_last_significant_child_that_ends),
        cmocka_unit_test(one_that_has_failed_is_waited_for),
        cmocka_unit_test(what_is_restarted_or_not_significant_ends_nobody),
        cmocka_unit_test(a_supervisor_of_supervisors_restarts_and_escalates_like_any),
        cmocka_unit_test(all_is_over_when_nobody_is_left_whom_a_request_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
