/* Supervisor integration, errors and edges: what is refused, and that a refusal changes nothing.
 *
 * Each test names the line of docs/semantics.md that it proves.
 */
#include "supervision_testing.h"

/* By hand: "add of an existing name: \"exists\""; what is not there is not found. */
static void
test_bridge_error_handling(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 3));
    struct supervisor_config config = world_immortal();
    const struct child_spec *spec = component_spec_to_child(world->specs[0]);
    struct component_supervisor *handles = world->handles;
    component_supervision_state shown;
    struct airs_error error = { 0 };
    struct world_list list;
    world_verb *const verbs[] = { component_supervisor_start, world_stop,
                                  component_supervisor_restart, component_supervisor_kill,
                                  component_supervisor_reset };

    assert_int_equal(component_supervisor_supervise(handles, "/", "/a", &config, spec, &error),
                     AIRS_EEXIST);
    assert_non_null(strstr(error.message, "/a"));
    assert_int_equal(component_supervisor_supervise(handles, "/web", "/web/b", &config, spec, NULL),
                     AIRS_ENOENT);
    assert_int_equal(component_supervisor_supervise(handles, "/a", "/a/b", &config, spec, NULL),
                     AIRS_EINVAL);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        assert_int_equal(world_do(world, verbs[i], "/nobody"), AIRS_ENOENT);
    assert_int_equal(world_do(world, component_supervisor_restart, "/"), AIRS_ENOENT);
    assert_int_equal(world_list(world, "/nobody", &list), AIRS_ENOENT);
    assert_false(component_supervisor_query_state(handles, "/nobody", &shown));

    /* The one that exists is supervised as if nothing had been asked. */
    assert_int_equal(component_supervisor_count(handles), 1);
    assert_int_equal(world_view(world, "/a").generation, 1);
    assert_restarts(world, "/a", "crash trap");
    world_end(world);
}

/* By hand: "start: \"already running\" in starting and running". */
static void
test_start_of_a_running_component_changes_nothing(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 3));

    assert_restarts(world, "/a", "crash trap");
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_EALREADY);
    assert_answer(world, "/a", "starts", "1");
    assert_int_equal(world_view(world, "/a").generation, 2);
    assert_int_equal(world_view(world, "/a").budget_used, 1);
    world_end(world);
}

/* By hand: "kill: ends the instance as `killed`: …; \"not running\" without one". */
static void
test_kill_of_a_component_without_an_instance_is_refused(void **state)
{
    (void)state;
    struct world *world = begin_echo(delayed(supervisor_config_permanent(), NEVER_BACK_US));

    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1);
    assert_int_equal(world_do(world, component_supervisor_kill, "/a"), AIRS_ENOTRUNNING);
    assert_int_equal(world_view(world, "/a").state, CHILD_RESTARTING);
    assert_int_equal(world_count(world, "/a", EVENT_EXITED), 1);
    world_end(world);
}

/* Messages: "Mail is accepted in every state but stopping, stopped and failed: there it is
 * refused …, and what was queued becomes dead letters." */
static void
test_mail_of_a_failed_component_is_refused(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 0));
    struct world_answer hand, crash, queued[2], late;

    assert_int_equal(world_send(world, "/a", "wait go", &hand), AIRS_OK);
    world_wait_mailbox(world, "/a", 0);
    assert_int_equal(world_send(world, "/a", "crash trap", &crash), AIRS_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(world_send(world, "/a", "count", &queued[i]), AIRS_OK);
    world_go(world);
    world_wait_event(world, "/a", EVENT_FAILED, 1);
    world_wait_answer(world, &crash);
    for (size_t i = 0; i < 2; i++) {
        world_wait_answer(world, &queued[i]);
        assert_int_equal(queued[i].status, AIRS_EENDED);
    }
    assert_int_equal(world_send(world, "/a", "count", &late), AIRS_EENDED);
    assert_string_equal(hand.text, "waited");
    world_end(world);
}

/* Restart: "A failed start is an exit": asked, granted and counted like one. */
static void
test_a_failed_start_is_an_exit_that_uses_the_budget(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct supervisor_config config = quick(supervisor_config_transient(), 2);

    world_add(world, "/a",
              (struct world_child){ .guest = "initfail", .text = "err", .config = config });
    add_echo(world, "/b", quick(supervisor_config_permanent(), 3));
    world_start(world);
    world_wait_event(world, "/a", EVENT_FAILED, 3);
    for (uint32_t generation = 1; generation <= 3; generation++) {
        struct event exited = world_wait_event(world, "/a", EVENT_EXITED, generation);
        assert_int_equal(exited.exit.reason, EXIT_ERROR);
        assert_int_equal(exited.from, CHILD_STARTING);
    }
    assert_int_equal(world_count(world, "/a", EVENT_STARTED), 0);
    assert_restarts(world, "/b", "crash trap");
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bridge_error_handling),
        cmocka_unit_test(test_start_of_a_running_component_changes_nothing),
        cmocka_unit_test(test_kill_of_a_component_without_an_instance_is_refused),
        cmocka_unit_test(test_mail_of_a_failed_component_is_refused),
        cmocka_unit_test(test_a_failed_start_is_an_exit_that_uses_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
