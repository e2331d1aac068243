/* Supervisor integration, the full restart flow: from ComponentSupervisor through the bridge to
 * SupervisorNode and back, with real components that really die.
 *
 * The other categories: test_supervisor_integration_{policy,verbs,health,many,errors,
 * concurrency}.c. Each test names the line of docs/semantics.md that it proves.
 */
#include "supervision_testing.h"

/* Child states: "`registered` … no [instance]; will be started … nothing left to wait for →
 * `starting`", "start answered → `running`". */
static void
test_component_registered_with_supervisornode(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct world_list list;

    add_echo(world, "/a", quick(supervisor_config_permanent(), 3));
    assert_int_equal(component_supervisor_count(world->handles), 1);
    assert_int_equal(world_list(world, NULL, &list), AIRS_OK);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.views[0].path, "/a");
    assert_int_equal(list.views[0].state, CHILD_REGISTERED);
    assert_int_equal(list.views[0].generation, 0);
    assert_int_equal(world_wait_event(world, "/a", EVENT_REGISTERED, 0).seq, 1);

    world_start(world);
    uint64_t starting = world_wait_event(world, "/a", EVENT_STARTING, 1).seq;
    uint64_t started = world_wait_event(world, "/a", EVENT_STARTED, 1).seq;
    assert_true(starting < started);
    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_restarts(world, "/a", "crash trap");
    /* It died as that child and came back as that child. */
    assert_int_equal(component_supervisor_count(world->handles), 1);
    assert_int_equal(world_count(world, "/a", EVENT_REGISTERED), 1);
    world_end(world);
}

/* Restart: "Asked for: `permanent` always"; Three layers: "a handle's counts and history are
 * filled from the node's events". */
static void
test_component_restart_on_failure_permanent(void **state)
{
    (void)state;
    struct world *world = begin_echo(supervisor_config_permanent());

    assert_restarts(world, "/a", "crash trap");
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_TRAP);
    assert_int_equal(exited.exit.code, TRAP_UNREACHABLE);

    struct supervision_handle handle = world_handle(world, "/a");
    assert_int_equal(handle.state, CHILD_RUNNING);
    assert_true(handle.ready);
    assert_int_equal(handle.generation, 2);
    assert_int_equal(handle.restart_count, 1);
    assert_int_equal(handle.exits_total, 1);
    assert_int_equal(handle.history[0].exit.reason, EXIT_TRAP);
    assert_int_equal(handle.history[0].generation, 1);
    assert_true(handle.history[0].restarted);
    assert_non_null(handle.history[0].detail);
    supervision_handle_deinit(&handle);
    world_end(world);
}

/* Restart: "Delay before restart n …: `exponential` initial·factor^(n−1), … saturating at
 * `max`". */
static void
test_backoff_delay_between_restarts(void **state)
{
    (void)state;
    static const uint64_t delays_us[] = { 20 * MS, 40 * MS, 70 * MS, 70 * MS };
    struct backoff backoff = backoff_exponential(20 * MS, 2.0, 70 * MS);
    struct supervisor_config config =
        supervisor_config_with_max_restarts(supervisor_config_permanent(), 4);

    backoff.jitter = 0;
    struct world *world = begin_echo(supervisor_config_with_backoff(config, backoff));
    for (uint32_t n = 1; n <= 4; n++) {
        assert_restarts(world, "/a", "crash trap");
        struct event scheduled = world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, n);
        struct event starting = world_wait_event(world, "/a", EVENT_STARTING, n + 1);
        assert_true(scheduled.has_delay);
        assert_int_equal(scheduled.delay_us, delays_us[n - 1]);
        assert_true(starting.time_us - scheduled.time_us >= delays_us[n - 1]);
    }
    world_end(world);
}

/* Restart: "A restart makes a new instance from pre-linked code and keeps identity, name and
 * mailbox." */
static void
test_restart_keeps_identity_name_and_mailbox(void **state)
{
    (void)state;
    struct world *world = world_begin();
    airs_pid before, after;

    world_add(world, "/a",
              (struct world_child){
                  .guest = "echo",
                  .text = "its config",
                  .variable = { "CITY", "Oslo" },
                  .config = quick(supervisor_config_permanent(), 3),
              });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_true(component_registry_find(world->registry, "/a", &before, NULL));
    assert_answer(world, "/a", "self", WORLD_APP ":a:0");
    assert_restarts(world, "/a", "crash oob");
    assert_true(component_registry_find(world->registry, "/a", &after, NULL));
    assert_true(before == after);
    assert_answer(world, "/a", "self", WORLD_APP ":a:0");
    assert_answer(world, "/a", "config", "its config");
    assert_answer(world, "/a", "env CITY", "Oslo");
    world_end(world);
}

/* Messages: "Mail is accepted in every state but stopping, stopped and failed": also while a
 * restart waits for its delay. */
static void
test_mail_sent_during_the_delay_is_answered_by_the_new_instance(void **state)
{
    (void)state;
    struct world *world = world_begin_with((struct world_options){ .max_concurrent_starts = 1 });
    struct world_answer answers[4];

    add_echo(world, "/a", delayed(supervisor_config_permanent(), 300 * MS));
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    /* It has the one place among those that start: over the delay /a waits until all is sent. */
    world_add(world, "/hangs",
              (struct world_child){ .guest = "initfail",
                                    .text = "sleep",
                                    .config = quick(supervisor_config_permanent(), 0) });
    world_wait_event(world, "/hangs", EVENT_STARTING, 1);
    assert_answer(world, "/a", "count", "1");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(world_send(world, "/a", "count", &answers[i]), AIRS_OK);
    /* All four lay there before the new instance was begun. */
    assert_int_equal(world_count(world, "/a", EVENT_STARTING), 1);
    assert_int_equal(world_do(world, component_supervisor_kill, "/hangs"), AIRS_OK);
    for (size_t i = 0; i < 4; i++) {
        world_wait_answer(world, &answers[i]);
        assert_int_equal(answers[i].status, AIRS_OK);
        assert_int_equal(atoi(answers[i].text), i + 1);
    }
    assert_int_equal(world_view(world, "/a").generation, 2);
    world_end(world);
}

/* Messages: "When the target's instance ends, only the request in hand fails; queued ones wait
 * for the replacement". */
static void
test_only_the_request_in_hand_fails(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 3));
    struct world_answer hand, queued[2];

    assert_int_equal(world_send(world, "/a", "sleep 3600000", &hand), AIRS_OK);
    world_wait_mailbox(world, "/a", 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(world_send(world, "/a", "count", &queued[i]), AIRS_OK);
    assert_int_equal(world_do(world, component_supervisor_kill, "/a"), AIRS_OK);
    world_wait_answer(world, &hand);
    assert_int_equal(hand.status, AIRS_EENDED);
    for (size_t i = 0; i < 2; i++) {
        world_wait_answer(world, &queued[i]);
        assert_int_equal(queued[i].status, AIRS_OK);
        assert_int_equal(atoi(queued[i].text), i + 1);
    }
    assert_int_equal(world_wait_event(world, "/a", EVENT_EXITED, 1).exit.reason, EXIT_KILLED);
    assert_int_equal(world_view(world, "/a").generation, 2);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_component_registered_with_supervisornode),
        cmocka_unit_test(test_component_restart_on_failure_permanent),
        cmocka_unit_test(test_backoff_delay_between_restarts),
        cmocka_unit_test(test_restart_keeps_identity_name_and_mailbox),
        cmocka_unit_test(test_mail_sent_during_the_delay_is_answered_by_the_new_instance),
        cmocka_unit_test(test_only_the_request_in_hand_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
