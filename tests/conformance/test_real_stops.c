/* Stops of real guests: with a time, at once, for ever; and what an end meanwhile is called. */
#include "real.h"

static struct world_child
stopping(const char *text, uint64_t shutdown_us)
{
    return (struct world_child){
        .guest = "badstop",
        .text = text,
        .config = supervisor_config_with_shutdown(world_immortal(), shutdown_us),
    };
}

static struct event
stop_and_see(struct world *world, const char *path)
{
    assert_int_equal(world_do(world, world_stop, path), AIRS_OK);
    struct event stopped = world_wait_event(world, path, EVENT_STOPPED, 1);
    assert_int_equal(world_view(world, path).stop_cause, STOPPED_BY_REQUEST);
    return stopped;
}

static void
stops_with_a_time_at_once_or_for_ever(void **state)
{
    (void)state;
    struct world_child children[] = {
        stopping("sleep", 30 * MS),
        stopping("sleep", 0),
        stopping("slow 300", DURATION_INFINITE),
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ONE), children);
    uint64_t begins_us, takes_us;

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    begins_us = clock_now_us();
    assert_int_equal(stop_and_see(world, member(0)).exit.reason, EXIT_TIMEOUT);
    takes_us = clock_now_us() - begins_us;
    assert_true(takes_us >= 30 * MS);
    assert_int_equal(stop_and_see(world, member(1)).exit.reason, EXIT_SHUTDOWN);
    pthread_mutex_lock(&world->lock);
    assert_null(world_line_locked(world, member(1), "shutdown:", 0)); /* It was not asked. */
    pthread_mutex_unlock(&world->lock);
    begins_us = clock_now_us();
    assert_int_equal(stop_and_see(world, member(2)).exit.reason, EXIT_SHUTDOWN);
    assert_true(clock_now_us() - begins_us >= 300 * MS);
    world_end(world);
}

/* Lets the instance of `generation` compute, and asks it to stop meanwhile; false: it was out of
 * cpu time before it was asked, and whoever came after it is stopped. */
static bool
is_stopped_in_a_message(struct world *world, const char *path, uint32_t generation, size_t stops)
{
    struct world_answer end;
    assert_int_equal(world_send(world, path, "crash loop", &end), AIRS_OK);
    world_wait_mailbox(world, path, 0);
    assert_int_equal(world_do(world, world_stop, path), AIRS_OK);
    nth_event(world, path, EVENT_STOPPED, stops);
    world_wait_answer(world, &end);
    return world_wait_event(world, path, EVENT_EXITED, generation).from == CHILD_STOPPING;
}

static void
a_child_that_ends_by_itself_during_the_stop_keeps_its_reason(void **state)
{
    (void)state;
    struct world_child children[] = {
        stopping("ok", US_PER_S * 20),
        stopping("trap", US_PER_S * 20),
        echo_of(supervisor_config_with_shutdown(world_immortal(), 20 * US_PER_S)),
    };
    children[2].limits.cpu_timeout_us = 200 * MS;
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ONE), children);
    uint32_t generation = 1;
    size_t missed = 0;

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    assert_int_equal(stop_and_see(world, member(0)).exit.reason, EXIT_SHUTDOWN);
    assert_int_equal(stop_and_see(world, member(1)).exit.reason, EXIT_TRAP);

    /* The message in hand, of which the stop waits for the end, is its end. */
    while (!is_stopped_in_a_message(world, member(2), generation, missed + 1)) {
        missed++;
        assert_int_equal(world_do(world, component_supervisor_start, member(2)), AIRS_OK);
        nth_event(world, member(2), EVENT_STARTING,
                  world_count(world, member(2), EVENT_EXITED) + 1);
        generation = world_view(world, member(2)).generation;
    }
    assert_int_equal(world_wait_event(world, member(2), EVENT_STOPPED, generation).exit.reason,
                     EXIT_TIMEOUT); /* Its own: of the cpu, before that of the stop. */
    assert_string_equal(world_wait_event(world, member(2), EVENT_EXITED, generation).detail->text,
                        "cpu-timeout");
    for (size_t i = 0; i < MEMBERS; i++)
        assert_int_equal(world_count(world, member(i), EVENT_RESTART_SCHEDULED),
                         i == 2 ? missed : 0);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_with_a_time_at_once_or_for_ever),
        cmocka_unit_test(a_child_that_ends_by_itself_during_the_stop_keeps_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
