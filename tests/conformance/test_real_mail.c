/* Mail of real guests that stop: what waited behind a message in hand is answered, in order, by
 * the next instance, or is a dead letter when there is none (semantics: Messages). */
#include "real.h"

#define QUEUED 3
#define TARGET "/g/first"

struct queue {
    struct world_answer hand;
    struct world_answer queued[QUEUED];
};

/* Whoever is asked to stop has 30 ms left, and sleeps longer. */
static struct supervisor_config
sleeper_config(void)
{
    return supervisor_config_with_shutdown(quick(supervisor_config_permanent(), RESTARTS_MAX),
                                           30 * MS);
}

static void
fill(struct world *world, struct queue *queue)
{
    assert_answer(world, TARGET, "count", "1");
    assert_int_equal(world_send(world, TARGET, "sleep 86400000", &queue->hand), AIRS_OK);
    world_wait_mailbox(world, TARGET, 0);
    for (size_t i = 0; i < QUEUED; i++)
        assert_int_equal(world_send(world, TARGET, "count", &queue->queued[i]), AIRS_OK);
}

static void
assert_hand_ended(struct world *world, struct queue *queue)
{
    world_wait_answer(world, &queue->hand);
    assert_int_equal(queue->hand.status, AIRS_EENDED);
}

static void
assert_answered_by(struct world *world, struct queue *queue, uint32_t generation)
{
    assert_hand_ended(world, queue);
    for (size_t i = 0; i < QUEUED; i++) {
        world_wait_answer(world, &queue->queued[i]);
        assert_int_equal(queue->queued[i].status, AIRS_OK);
        assert_int_equal(atoi(queue->queued[i].text), i + 1);
    }
    assert_answer(world, TARGET, "starts", "1");
    assert_int_equal(world_view(world, TARGET).generation, generation);
    assert_int_equal(actor_system_counters(world->system).dead_letters, 0);
}

static void
assert_dead(struct world *world, struct queue *queue)
{
    assert_hand_ended(world, queue);
    for (size_t i = 0; i < QUEUED; i++) {
        world_wait_answer(world, &queue->queued[i]);
        assert_int_equal(queue->queued[i].status, AIRS_EENDED);
        assert_string_equal(queue->queued[i].text,
                            "the target ended before it handled the message");
    }
    assert_int_equal(actor_system_counters(world->system).dead_letters, QUEUED);
}

static void
a_group_restart_answers_the_mail_of_those_it_stops(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ALL), sleeper_config());
    struct queue queue;
    struct world_answer late;

    fill(world, &queue);
    crash(world, "/g/second");
    world_wait_event(world, TARGET, EVENT_STOPPING, 1);
    enum airs_status status = world_send(world, TARGET, "starts", &late);
    if (status == AIRS_OK) /* It is up again already. */
        world_wait_answer(world, &late);
    else
        assert_int_equal(status, AIRS_EENDED);
    assert_answered_by(world, &queue, 2);
    assert_int_equal(world_wait_event(world, TARGET, EVENT_EXITED, 1).exit.reason, EXIT_TIMEOUT);
    assert_int_equal(world_view(world, TARGET).restarts, 0);
    world_end(world);
}

static void
a_restart_by_hand_answers_what_was_queued(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ONE), sleeper_config());
    struct queue queue;

    fill(world, &queue);
    assert_int_equal(world_do(world, component_supervisor_restart, TARGET), AIRS_OK);
    assert_answered_by(world, &queue, 2);
    world_end(world);
}

/* "when-dependency-restarts: restart stops the dependant … and starts it when it is met again" */
static void
a_dependencys_restart_answers_the_mail_of_the_dependant(void **state)
{
    (void)state;
    static const char *const dependencies[] = { "/g/second" };
    struct supervisor_config follows = supervisor_config_with_when_dependency_restarts(
        supervisor_config_with_dependencies(sleeper_config(), dependencies, 1), DEPENDENCY_RESTART);
    struct world_child children[] = { echo_of(follows), echo_of(sleeper_config()),
                                      echo_of(sleeper_config()) };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ONE), children);
    struct queue queue;

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    fill(world, &queue);
    crash(world, "/g/second");
    assert_answered_by(world, &queue, 2);
    assert_int_equal(world_view(world, TARGET).restarts, 0);
    world_end(world);
}

static void
a_supervisors_restart_answers_what_was_queued(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ONE), sleeper_config());
    struct queue queue;

    fill(world, &queue);
    assert_int_equal(world_do(world, component_supervisor_kill, "/g"), AIRS_OK);
    assert_answered_by(world, &queue, 2);
    assert_int_equal(world_view(world, "/g").restarts, 1);
    world_end(world);
}

/* The child that gives up is failed, and comes back with its supervisor: its mail does, too. */
static void
a_supervisors_restart_answers_the_mail_of_the_child_that_made_it_give_up(void **state)
{
    (void)state;
    struct supervisor_config config = supervisor_config_with_on_exhausted(
        quick(supervisor_config_permanent(), 0), ON_EXHAUSTED_ESCALATE);
    struct world *world = echo_group(group_config(STRATEGY_REST_FOR_ONE), config);
    struct queue queue;

    fill(world, &queue);
    assert_int_equal(world_do(world, component_supervisor_kill, TARGET), AIRS_OK);
    assert_answered_by(world, &queue, 2);
    assert_int_equal(world_wait_event(world, "/g", EVENT_EXITED, 1).exit.reason, EXIT_ESCALATED);
    world_end(world);
}

static void
a_stop_by_request_makes_dead_letters(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ONE), sleeper_config());
    struct queue queue;
    struct world_answer late;

    fill(world, &queue);
    assert_int_equal(world_do(world, world_stop, TARGET), AIRS_OK);
    assert_dead(world, &queue);
    assert_int_equal(world_send(world, TARGET, "count", &late), AIRS_EENDED);
    assert_int_equal(world_do(world, component_supervisor_start, TARGET), AIRS_OK);
    world_wait_event(world, TARGET, EVENT_READY, 2);
    assert_answer(world, TARGET, "count", "1");
    world_end(world);
}

static void
a_stop_of_the_supervisor_makes_dead_letters(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ALL), sleeper_config());
    struct queue queue;

    fill(world, &queue);
    assert_int_equal(world_do(world, world_stop, "/g"), AIRS_OK);
    assert_dead(world, &queue);
    assert_int_equal(world_view(world, TARGET).stop_cause, STOPPED_WITH_SUPERVISOR);
    world_end(world);
}

static void
a_delete_makes_dead_letters(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ONE), sleeper_config());
    struct queue queue;

    fill(world, &queue);
    assert_int_equal(world_do(world, component_supervisor_delete, TARGET), AIRS_OK);
    assert_dead(world, &queue);
    world_end(world);
}

static void
the_end_of_all_makes_dead_letters(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ONE), sleeper_config());
    struct queue queue;

    fill(world, &queue);
    world_stop_all(world, 20 * US_PER_S);
    assert_dead(world, &queue);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_restart_answers_the_mail_of_those_it_stops),
        cmocka_unit_test(a_restart_by_hand_answers_what_was_queued),
        cmocka_unit_test(a_dependencys_restart_answers_the_mail_of_the_dependant),
        cmocka_unit_test(a_supervisors_restart_answers_what_was_queued),
        cmocka_unit_test(a_supervisors_restart_answers_the_mail_of_the_child_that_made_it_give_up),
        cmocka_unit_test(a_stop_by_request_makes_dead_letters),
        cmocka_unit_test(a_stop_of_the_supervisor_makes_dead_letters),
        cmocka_unit_test(a_delete_makes_dead_letters),
        cmocka_unit_test(the_end_of_all_makes_dead_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
