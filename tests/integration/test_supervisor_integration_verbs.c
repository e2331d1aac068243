/* Supervisor integration, by hand: the states that a component goes through, and the verbs that
 * meet one which has died.
 *
 * Each test names the line of docs/semantics.md that it proves.
 */
#include "supervision_testing.h"

/* What layer 1 shows is what the node says. */
static void
assert_state(struct world *world, enum child_state expected)
{
    assert_int_equal(world_view(world, "/a").state, expected);
    assert_int_equal(state_of(world, "/a"), expected);
    struct supervision_handle handle = world_handle(world, "/a");
    assert_int_equal(handle.state, expected);
    supervision_handle_deinit(&handle);
}

/* Three layers: "A child's state lives in its node and nowhere else"; "Stopping a component
 * keeps it listed": in every state that lasts. */
static void
test_component_state_query_accuracy(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(
        world, "/a",
        (struct world_child){ .guest = "echo",
                              .config = supervisor_config_with_max_restarts(
                                  delayed(supervisor_config_permanent(), NEVER_BACK_US), 1) });
    assert_state(world, CHILD_REGISTERED);
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_state(world, CHILD_RUNNING);
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1);
    assert_state(world, CHILD_RESTARTING);
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_READY, 2);
    assert_state(world, CHILD_RUNNING);
    assert_int_equal(world_do(world, world_stop, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_STOPPED, 2);
    assert_state(world, CHILD_STOPPED);
    assert_true(component_registry_find(world->registry, "/a", NULL, NULL));
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_READY, 3);
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 3);
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_READY, 4);
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 4);
    assert_state(world, CHILD_FAILED);
    world_end(world);
}

/* By hand: "stop: …, disarms a wait". */
static void
test_stop_disarms_a_restart_that_waits(void **state)
{
    (void)state;
    static const uint64_t delays_us[] = { 5 * MS, NEVER_BACK_US };
    struct backoff backoff = backoff_list(delays_us, 2);
    struct world_answer queued;

    backoff.jitter = 0;
    struct world *world =
        begin_echo(supervisor_config_with_backoff(supervisor_config_permanent(), backoff));
    assert_restarts(world, "/a", "crash trap");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 2);
    assert_int_equal(world_send(world, "/a", "count", &queued), AIRS_OK);
    assert_int_equal(world_do(world, world_stop, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_STOPPED, 2);
    world_wait_answer(world, &queued);
    assert_int_equal(queued.status, AIRS_EENDED);
    assert_int_equal(world_view(world, "/a").stop_cause, STOPPED_BY_REQUEST);
    assert_false(world_view(world, "/a").has_due);
    assert_int_equal(world_count(world, "/a", EVENT_STARTING), 2);
    /* It stays so until a request starts it. */
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_READY, 3);
    assert_restarts(world, "/a", "crash trap");
    world_end(world);
}

/* By hand: "start: … at once in restarting". */
static void
test_start_cuts_a_delay_short(void **state)
{
    (void)state;
    struct world *world = begin_echo(delayed(supervisor_config_permanent(), NEVER_BACK_US));
    struct world_answer queued[2];

    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(world_send(world, "/a", "count", &queued[i]), AIRS_OK);
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    for (size_t i = 0; i < 2; i++) {
        world_wait_answer(world, &queued[i]);
        assert_int_equal(atoi(queued[i].text), i + 1);
    }
    assert_int_equal(world_view(world, "/a").generation, 2);
    assert_int_equal(world_view(world, "/a").budget_used, 1); /* The grant stays one. */
    world_end(world);
}

/* By hand: "start: … empty budget and n = 1 from stopped and failed". */
static void
test_a_failed_component_starts_by_hand_with_an_empty_budget(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 1));

    assert_restarts(world, "/a", "crash trap");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 2);
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_READY, 3);
    assert_int_equal(world_view(world, "/a").budget_used, 0);
    assert_restarts(world, "/a", "crash trap");
    world_end(world);
}

/* By hand: "reset: clears budget and n; failed → stopped; starts nothing, deletes no history". */
static void
test_reset_of_a_failed_component_starts_nothing(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 1));

    assert_restarts(world, "/a", "crash trap");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 2);
    assert_int_equal(world_do(world, component_supervisor_reset, "/a"), AIRS_OK);
    struct supervision_view view = world_view(world, "/a");
    assert_int_equal(view.state, CHILD_STOPPED);
    assert_int_equal(view.budget_used, 0);
    assert_int_equal(view.attempt, 0);
    assert_int_equal(view.generation, 2);
    assert_int_equal(world_count(world, "/a", EVENT_STARTING), 2);
    struct supervision_handle handle = world_handle(world, "/a");
    assert_int_equal(handle.exits_total, 2);
    assert_int_equal(handle.history_size, 2);
    supervision_handle_deinit(&handle);
    world_end(world);
}

/* By hand: "reset" of one that runs: it may die as often as at first. */
static void
test_reset_of_a_running_component_gives_it_its_budget_back(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 1));

    assert_restarts(world, "/a", "crash trap");
    assert_int_equal(world_do(world, component_supervisor_reset, "/a"), AIRS_OK);
    assert_answer(world, "/a", "starts", "1");
    assert_int_equal(world_view(world, "/a").generation, 2);
    assert_restarts(world, "/a", "crash trap");
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 3);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_component_state_query_accuracy),
        cmocka_unit_test(test_stop_disarms_a_restart_that_waits),
        cmocka_unit_test(test_start_cuts_a_delay_short),
        cmocka_unit_test(test_a_failed_component_starts_by_hand_with_an_empty_budget),
        cmocka_unit_test(test_reset_of_a_failed_component_starts_nothing),
        cmocka_unit_test(test_reset_of_a_running_component_gives_it_its_budget_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
