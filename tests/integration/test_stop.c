/* Stop: every way in which a real guest can be asked to end, and refuse to. */
#include "world.h"

static struct supervisor_config
stopping_within(uint64_t shutdown_us)
{
    return supervisor_config_with_shutdown(world_immortal(), shutdown_us);
}

/* Starts /x, waits until it says `line`, stops it by hand, and returns how it ended. */
static struct event
stop_by_hand(struct world *world, const char *line)
{
    world_start(world);
    world_wait_event(world, "/x", EVENT_READY, 1);
    if (line)
        world_wait_line(world, "/x", line, 1);
    assert_int_equal(component_supervisor_count(world->handles), 1);
    struct world_answer answer = { .world = world };
    component_supervisor_stop(world->handles, "/x", DURATION_INFINITE,
                              (struct bridge_completion){ world_completed, &answer });
    world_wait_until(world, answer.done);
    assert_int_equal(answer.status, AIRS_OK);
    struct event exited = world_wait_event(world, "/x", EVENT_EXITED, 1);
    world_wait_event(world, "/x", EVENT_STOPPED, 1);
    struct supervision_view view = world_view(world, "/x");
    assert_int_equal(view.state, CHILD_STOPPED);
    assert_int_equal(view.stop_cause, STOPPED_BY_REQUEST);
    return exited;
}

static void
an_actor_is_asked_by_its_export(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "badstop", .text = "ok" });
    struct event exited = stop_by_hand(world, NULL);
    assert_int_equal(exited.exit.reason, EXIT_SHUTDOWN);
    world_wait_line(world, "/x", "shutdown: ok", 1);
    world_end(world);
}

static void
an_actor_finishes_the_message_in_hand_before_it_stops(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct world_answer in_hand, queued;

    world_add(world, "/x", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/x", EVENT_READY, 1);
    assert_int_equal(world_send(world, "/x", "wait go", &in_hand), AIRS_OK);
    world_wait_mailbox(world, "/x", 0);
    assert_int_equal(world_send(world, "/x", "count", &queued), AIRS_OK);
    struct world_answer stopped = { .world = world };
    component_supervisor_stop_all(world->handles, DURATION_INFINITE,
                                  (struct bridge_completion){ world_completed, &stopped });
    world_wait_event(world, "/x", EVENT_STOPPING, 1);
    world_go(world);
    world_wait_answer(world, &stopped);
    assert_int_equal(stopped.status, AIRS_OK);
    world_wait_answer(world, &queued);
    assert_int_equal(in_hand.status, AIRS_OK);
    assert_string_equal(in_hand.text, "waited");
    assert_int_equal(queued.status, AIRS_EENDED);
    assert_int_equal(world_wait_event(world, "/x", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    world_end(world);
}

static void
an_err_from_shutdown_is_recorded_and_the_end_is_normal(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "badstop", .text = "err" });
    struct event exited = stop_by_hand(world, NULL);
    assert_int_equal(exited.exit.reason, EXIT_SHUTDOWN);
    assert_non_null(exited.detail);
    assert_non_null(strstr(exited.detail->text, "badstop was told to fail"));
    world_end(world);
}

static void
a_trap_in_shutdown_keeps_its_reason(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "badstop", .text = "trap" });
    assert_int_equal(stop_by_hand(world, NULL).exit.reason, EXIT_TRAP);
    world_end(world);
}

static void
a_shutdown_that_loops_is_killed_after_its_time(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x",
              (struct world_child){
                  .guest = "badstop", .text = "loop", .config = stopping_within(100 * US_PER_MS) });
    assert_int_equal(stop_by_hand(world, NULL).exit.reason, EXIT_TIMEOUT);
    world_end(world);
}

static void
a_shutdown_that_sleeps_is_killed_after_its_time(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x",
              (struct world_child){ .guest = "badstop",
                                    .text = "sleep",
                                    .config = stopping_within(100 * US_PER_MS) });
    assert_int_equal(stop_by_hand(world, NULL).exit.reason, EXIT_TIMEOUT);
    world_end(world);
}

static void
a_command_with_empty_stdin_is_ended_at_once(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(
        world, "/x",
        (struct world_child){ .guest = "sleeper", .config = stopping_within(DURATION_INFINITE) });
    assert_int_equal(stop_by_hand(world, NULL).exit.reason, EXIT_SHUTDOWN);
    world_end(world);
}

static void
a_computing_command_is_ended_at_once(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(
        world, "/x",
        (struct world_child){ .guest = "spinner", .config = stopping_within(DURATION_INFINITE) });
    assert_int_equal(stop_by_hand(world, NULL).exit.reason, EXIT_SHUTDOWN);
    world_end(world);
}

static void
a_command_with_open_stdin_sees_its_end(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "stdin", .stdin_open = true });
    assert_int_equal(stop_by_hand(world, "stdin: reading").exit.reason, EXIT_SHUTDOWN);
    world_wait_line(world, "/x", "stdin: end after 0 bytes", 1);
    world_end(world);
}

static void
a_command_that_imports_stop_is_told_through_it(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "stopper", .args = { "wait" } });
    assert_int_equal(stop_by_hand(world, "stopper: wait").exit.reason, EXIT_SHUTDOWN);
    world_wait_line(world, "/x", "stopper: asked to stop, requested 1", 1);
    world_end(world);
}

static void
a_command_that_polls_for_stop_is_told_too(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "stopper", .args = { "poll" } });
    assert_int_equal(stop_by_hand(world, "stopper: poll").exit.reason, EXIT_SHUTDOWN);
    world_end(world);
}

static void
a_command_that_ends_with_a_code_when_asked_keeps_it(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "stopper", .args = { "exit", "9" } });
    struct event exited = stop_by_hand(world, "stopper: exit");
    assert_int_equal(exited.exit.reason, EXIT_ERROR);
    assert_int_equal(exited.exit.code, 9);
    world_end(world);
}

static void
a_command_deaf_to_stop_is_killed_after_its_time(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x",
              (struct world_child){ .guest = "stopper",
                                    .args = { "deaf" },
                                    .config = stopping_within(100 * US_PER_MS) });
    assert_int_equal(stop_by_hand(world, "stopper: deaf").exit.reason, EXIT_TIMEOUT);
    world_end(world);
}

static void
shutdown_kill_asks_nobody(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(
        world, "/x",
        (struct world_child){ .guest = "badstop", .text = "loop", .config = stopping_within(0) });
    assert_int_equal(stop_by_hand(world, NULL).exit.reason, EXIT_SHUTDOWN);
    world_end(world);
}

static void
a_bounded_stop_kills_a_child_whose_own_time_is_longer(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x",
              (struct world_child){ .guest = "badstop",
                                    .text = "sleep",
                                    .config = stopping_within(DURATION_INFINITE) });
    world_start(world);
    world_wait_event(world, "/x", EVENT_READY, 1);
    component_supervisor_stop(world->handles, "/x", 100 * US_PER_MS,
                              (struct bridge_completion){ 0 });
    world_wait_event(world, "/x", EVENT_STOPPED, 1);
    world_end(world);
}

static void
a_bounded_stop_of_all_kills_the_rest_and_names_it(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/good", (struct world_child){ .guest = "badstop", .text = "ok" });
    world_add(world, "/bad",
              (struct world_child){ .guest = "badstop",
                                    .text = "sleep",
                                    .config = stopping_within(DURATION_INFINITE) });
    world_start(world);
    world_wait_event(world, "/good", EVENT_READY, 1);
    world_wait_event(world, "/bad", EVENT_READY, 1);
    struct world_answer stopped = world_stop_all(world, 5 * US_PER_S); /* Time for the good one. */
    assert_int_equal(stopped.status, AIRS_ETIMEDOUT);
    assert_string_equal(stopped.text, "/bad");
    assert_int_equal(world_wait_event(world, "/good", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    world_end(world);
}

/* ---- Kill. ---- */

static void
kill_and_come_back(struct world_child child, bool ready)
{
    struct world *world = world_begin();

    world_add(world, "/x", child);
    world_start(world);
    world_wait_event(world, "/x", ready ? EVENT_READY : EVENT_STARTING, 1);
    assert_int_equal(world_do(world, component_supervisor_kill, "/x"), AIRS_OK);
    struct event exited = world_wait_event(world, "/x", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_KILLED);
    struct event scheduled = world_wait_event(world, "/x", EVENT_RESTART_SCHEDULED, 1);
    assert_int_equal(scheduled.restarts, 1);
    world_wait_event(world, "/x", ready ? EVENT_READY : EVENT_STARTING, 2);
    world_end(world);
}

static void
a_killed_actor_at_rest_is_restarted_and_counted(void **state)
{
    (void)state;
    kill_and_come_back((struct world_child){ .guest = "echo" }, true);
}

static void
a_killed_command_asleep_is_restarted_and_counted(void **state)
{
    (void)state;
    kill_and_come_back((struct world_child){ .guest = "sleeper" }, true);
}

static void
a_killed_command_that_computes_is_restarted_and_counted(void **state)
{
    (void)state;
    kill_and_come_back((struct world_child){ .guest = "spinner" }, true);
}

static void
a_kill_reaches_an_initialize_that_computes(void **state)
{
    (void)state;
    kill_and_come_back((struct world_child){ .guest = "initfail", .text = "loop" }, false);
}

static void
a_kill_reaches_an_initialize_that_sleeps(void **state)
{
    (void)state;
    kill_and_come_back((struct world_child){ .guest = "initfail", .text = "sleep" }, false);
}

static void
a_kill_fails_the_message_in_hand_alone(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct world_answer in_hand, queued;

    world_add(world, "/x", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/x", EVENT_READY, 1);
    assert_int_equal(world_send(world, "/x", "print asleep", &queued), AIRS_OK);
    world_wait_answer(world, &queued);
    assert_int_equal(world_send(world, "/x", "loop", &in_hand), AIRS_OK);
    assert_int_equal(world_send(world, "/x", "count", &queued), AIRS_OK);
    world_wait_until(world, world_line_locked(world, "/x", "asleep", 1) != NULL);
    world_wait_mailbox(world, "/x", 1);
    assert_int_equal(world_do(world, component_supervisor_kill, "/x"), AIRS_OK);
    world_wait_answer(world, &queued);
    assert_int_equal(in_hand.status, AIRS_EENDED);
    assert_int_equal(queued.status, AIRS_OK);
    assert_string_equal(queued.text, "1");
    world_end(world);
}

/* ---- By hand. ---- */

static void
a_child_stopped_by_hand_starts_again_by_hand(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "echo" });
    stop_by_hand(world, NULL);
    assert_int_equal(world_do(world, component_supervisor_kill, "/x"), AIRS_ENOTRUNNING);
    assert_int_equal(world_do(world, component_supervisor_start, "/x"), AIRS_OK);
    world_wait_event(world, "/x", EVENT_READY, 2);
    assert_int_equal(world_do(world, component_supervisor_start, "/x"), AIRS_EALREADY);
    assert_answer(world, "/x", "count", "1");
    assert_int_equal(world_do(world, component_supervisor_start, "/y"), AIRS_ENOENT);
    world_end(world);
}

static void
a_restart_by_hand_is_a_new_instance_and_not_counted(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/x", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/x", EVENT_READY, 1);
    assert_answer(world, "/x", "count", "1");
    assert_int_equal(world_do(world, component_supervisor_restart, "/x"), AIRS_OK);
    world_wait_event(world, "/x", EVENT_READY, 2);
    assert_answer(world, "/x", "count", "1");
    assert_int_equal(world_view(world, "/x").restarts, 0);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_actor_is_asked_by_its_export),
        cmocka_unit_test(an_actor_finishes_the_message_in_hand_before_it_stops),
        cmocka_unit_test(an_err_from_shutdown_is_recorded_and_the_end_is_normal),
        cmocka_unit_test(a_trap_in_shutdown_keeps_its_reason),
        cmocka_unit_test(a_shutdown_that_loops_is_killed_after_its_time),
        cmocka_unit_test(a_shutdown_that_sleeps_is_killed_after_its_time),
        cmocka_unit_test(a_command_with_empty_stdin_is_ended_at_once),
        cmocka_unit_test(a_computing_command_is_ended_at_once),
        cmocka_unit_test(a_command_with_open_stdin_sees_its_end),
        cmocka_unit_test(a_command_that_imports_stop_is_told_through_it),
        cmocka_unit_test(a_command_that_polls_for_stop_is_told_too),
        cmocka_unit_test(a_command_that_ends_with_a_code_when_asked_keeps_it),
        cmocka_unit_test(a_command_deaf_to_stop_is_killed_after_its_time),
        cmocka_unit_test(shutdown_kill_asks_nobody),
        cmocka_unit_test(a_bounded_stop_kills_a_child_whose_own_time_is_longer),
        cmocka_unit_test(a_bounded_stop_of_all_kills_the_rest_and_names_it),
        cmocka_unit_test(a_killed_actor_at_rest_is_restarted_and_counted),
        cmocka_unit_test(a_killed_command_asleep_is_restarted_and_counted),
        cmocka_unit_test(a_killed_command_that_computes_is_restarted_and_counted),
        cmocka_unit_test(a_kill_reaches_an_initialize_that_computes),
        cmocka_unit_test(a_kill_reaches_an_initialize_that_sleeps),
        cmocka_unit_test(a_kill_fails_the_message_in_hand_alone),
        cmocka_unit_test(a_child_stopped_by_hand_starts_again_by_hand),
        cmocka_unit_test(a_restart_by_hand_is_a_new_instance_and_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
