/* Groups of real guests: whom a restart takes along, whom it leaves, what it waits for, and what
 * of it counts.
 *
 * Each test names the line of docs/semantics.md that it proves. */
#include "real.h"

static struct supervisor_config
echo_config(enum restart_policy restart, uint32_t max_restarts)
{
    return quick(supervisor_config_with_restart(supervisor_config_permanent(), restart),
                 max_restarts);
}

static uint64_t
seq_of(struct world *world, size_t index, enum event_type type, uint32_t generation)
{
    return world_wait_event(world, member(index), type, generation).seq;
}

static void
assert_generations(struct world *world, uint32_t first, uint32_t second, uint32_t third)
{
    const uint32_t expected[] = { first, second, third };

    for (size_t i = 0; i < MEMBERS; i++)
        assert_int_equal(world_view(world, member(i)).generation, expected[i]);
}

/* ---- Whom it takes along ---- */

/* first and third belong together. */
static bool
is_of_the_pair(void *context, const char *supervisor, const char *failed, const char *candidate)
{
    (void)context;
    return strcmp(supervisor, "/g") == 0 && strcmp(failed, member(1)) != 0 &&
           strcmp(candidate, member(1)) != 0;
}

/* Strategies: "A strategy is a predicate affects(failed, candidate): … or a C function of the
 * user's." */
static void
a_predicate_takes_along_whom_it_names(void **state)
{
    (void)state;
    struct world *world =
        echo_group_with((struct world_options){ .affects = is_of_the_pair },
                        group_config(STRATEGY_PREDICATE), echo_config(RESTART_PERMANENT, 3));

    assert_answer(world, member(0), "count", "1");
    assert_restarts(world, member(1), "crash trap");
    assert_generations(world, 1, 2, 1);
    assert_answer(world, member(0), "count", "2");

    crash(world, member(2));
    world_wait_event(world, member(2), EVENT_READY, 2);
    assert_generations(world, 2, 2, 2);
    assert_true(seq_of(world, 0, EVENT_READY, 2) < seq_of(world, 2, EVENT_STARTING, 2));
    assert_answer(world, member(0), "count", "1");
    assert_int_equal(world_view(world, member(0)).restarts, 0);
    assert_int_equal(world_view(world, member(2)).restarts, 1);
    world_end(world);
}

/* Child states: "*by request* stays until a request starts it, through sibling, supervisor …
 * restarts"; "a group leaves it", of a failed one. */
static void
who_was_stopped_by_request_or_has_failed_is_left(void **state)
{
    (void)state;
    struct supervisor_config fragile =
        supervisor_config_with_on_exhausted(echo_config(RESTART_PERMANENT, 0), ON_EXHAUSTED_FAIL);
    struct world_child children[] = { echo_of(echo_config(RESTART_PERMANENT, 3)),
                                      echo_of(echo_config(RESTART_PERMANENT, 3)),
                                      echo_of(fragile) };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ALL), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    assert_int_equal(world_do(world, world_stop, member(1)), AIRS_OK);
    world_wait_event(world, member(1), EVENT_STOPPED, 1);
    crash(world, member(2));
    world_wait_event(world, member(2), EVENT_FAILED, 1);
    assert_restarts(world, member(0), "crash trap");
    assert_generations(world, 2, 1, 1);
    assert_int_equal(world_view(world, member(1)).stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(world_view(world, member(2)).state, CHILD_FAILED);

    /* The supervisor's restart starts the failed one again, and not the other. */
    assert_int_equal(world_do(world, component_supervisor_kill, "/g"), AIRS_OK);
    world_wait_event(world, "/g", EVENT_READY, 2);
    assert_generations(world, 3, 1, 2);
    assert_int_equal(world_view(world, member(1)).stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(world_do(world, component_supervisor_start, member(1)), AIRS_OK);
    world_wait_event(world, member(1), EVENT_READY, 2);
    world_end(world);
}

/* Child states: "*ended* (transient after a normal end) is started again by a group restart that
 * covers it, as in OTP; *temporary* never". */
static void
a_transient_child_that_ended_comes_back_and_a_temporary_one_does_not(void **state)
{
    (void)state;
    struct world_child children[] = {
        echo_of(echo_config(RESTART_PERMANENT, 3)),
        { .guest = "crasher", .args = { "return" }, .config = echo_config(RESTART_TRANSIENT, 3) },
        echo_of(echo_config(RESTART_TEMPORARY, 3))
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ALL), children);

    world_start(world);
    world_wait_event(world, member(1), EVENT_STOPPED, 1);
    world_wait_event(world, member(2), EVENT_READY, 1);
    assert_int_equal(world_view(world, member(1)).stop_cause, STOPPED_ENDED);
    crash(world, member(0));
    world_wait_event(world, member(1), EVENT_STOPPED, 2); /* It ran, and ended, once more. */
    world_wait_event(world, member(2), EVENT_STOPPED, 1);
    assert_generations(world, 2, 2, 1);
    assert_int_equal(world_view(world, member(2)).stop_cause, STOPPED_TEMPORARY);
    assert_int_equal(world_view(world, member(1)).restarts, 0);
    world_end(world);
}

/* ---- What it waits for ---- */

/* Strategies: "the failed child's delay counts from its exit; starts follow, in order, when both
 * are over": here the stop of third takes longer than the delay. */
static void
starts_wait_for_the_longest_stop(void **state)
{
    (void)state;
    struct world_child children[] = {
        echo_of(echo_config(RESTART_PERMANENT, 3)),
        echo_of(echo_config(RESTART_PERMANENT, 3)),
        { .guest = "badstop",
          .text = "slow 300",
          .config = supervisor_config_with_shutdown(world_immortal(), 30 * US_PER_S) },
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ALL), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    crash(world, member(0));
    world_wait_event(world, member(2), EVENT_READY, 2);
    struct event ended = world_wait_event(world, member(2), EVENT_EXITED, 1);
    assert_int_equal(ended.exit.reason, EXIT_SHUTDOWN);
    /* One stop after the other, then one start after the other. */
    assert_true(ended.seq < seq_of(world, 1, EVENT_STOPPING, 1));
    assert_true(seq_of(world, 1, EVENT_EXITED, 1) < seq_of(world, 0, EVENT_STARTING, 2));
    assert_true(seq_of(world, 0, EVENT_READY, 2) < seq_of(world, 1, EVENT_STARTING, 2));
    assert_true(seq_of(world, 1, EVENT_READY, 2) < seq_of(world, 2, EVENT_STARTING, 2));
    world_end(world);
}

/* The same line, where the delay takes longer than the stops. */
static void
starts_wait_for_the_delay(void **state)
{
    (void)state;
    struct world *world = echo_group(group_config(STRATEGY_ONE_FOR_ALL),
                                     delayed(supervisor_config_permanent(), 300 * MS));

    crash(world, member(1));
    uint64_t first_us = world_wait_event(world, member(0), EVENT_STARTING, 2).time_us;
    uint64_t exited_us = world_wait_event(world, member(1), EVENT_EXITED, 1).time_us;
    assert_true(first_us - exited_us >= 300 * MS);
    world_end(world);
}

/* Strategies: "a delay they were waiting in is dropped"; "their budgets and n do not change". */
static void
a_delay_that_a_sibling_waits_in_is_dropped(void **state)
{
    (void)state;
    struct world_child children[] = {
        echo_of(echo_config(RESTART_PERMANENT, 3)), echo_of(echo_config(RESTART_PERMANENT, 3)),
        echo_of(delayed(supervisor_config_permanent(), NEVER_BACK_US))
    };
    struct world *world = group_world(group_config(STRATEGY_REST_FOR_ONE), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    crash(world, member(2));
    world_wait_event(world, member(2), EVENT_RESTART_SCHEDULED, 1);
    assert_true(world_view(world, member(2)).has_due);
    crash(world, member(1));
    world_wait_event(world, member(2), EVENT_READY, 2);
    assert_generations(world, 1, 2, 2);
    struct supervision_view third = world_view(world, member(2));
    assert_int_equal(third.restarts, 1);
    assert_int_equal(third.budget_used, 1);
    assert_int_equal(third.attempt, 1);
    world_end(world);
}

/* Strategies: "A larger group restart swallows a smaller one." */
static void
a_larger_group_restart_swallows_a_smaller_one(void **state)
{
    (void)state;
    struct world_child children[] = {
        echo_of(echo_config(RESTART_PERMANENT, 3)),
        echo_of(delayed(supervisor_config_permanent(), NEVER_BACK_US)),
        { .guest = "badstop",
          .text = "slow 300",
          .config = supervisor_config_with_shutdown(world_immortal(), 30 * US_PER_S) },
    };
    struct world *world = group_world(group_config(STRATEGY_REST_FOR_ONE), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    crash(world, member(1));
    world_wait_event(world, member(2), EVENT_STOPPING, 1);
    crash(world, member(0)); /* While third still stops, and second has its delay before it. */
    world_wait_event(world, member(2), EVENT_READY, 2);
    assert_generations(world, 2, 2, 2);
    assert_true(seq_of(world, 2, EVENT_EXITED, 1) < seq_of(world, 0, EVENT_STARTING, 2));
    assert_true(seq_of(world, 0, EVENT_READY, 2) < seq_of(world, 1, EVENT_STARTING, 2));
    assert_int_equal(world_view(world, member(0)).restarts, 1);
    assert_int_equal(world_view(world, member(1)).restarts, 1);
    assert_int_equal(world_view(world, member(2)).restarts, 0);
    world_end(world);
}

/* ---- What counts ---- */

/* Strategies: "an end while being stopped never counts", also an abnormal one of a child that may
 * not be restarted at all. */
static void
an_end_while_being_stopped_does_not_count(void **state)
{
    (void)state;
    struct world_child children[] = {
        echo_of(echo_config(RESTART_PERMANENT, 3)),
        { .guest = "badstop", .text = "trap", .config = echo_config(RESTART_PERMANENT, 0) },
        echo_of(echo_config(RESTART_PERMANENT, 3)),
    };
    struct world *world = group_world(group_config(STRATEGY_ONE_FOR_ALL), children);

    world_start(world);
    world_wait_event(world, "/g", EVENT_READY, 1);
    crash(world, member(0));
    world_wait_event(world, member(2), EVENT_READY, 2);
    assert_int_equal(world_wait_event(world, member(1), EVENT_EXITED, 1).exit.reason, EXIT_TRAP);
    assert_generations(world, 2, 2, 2);
    assert_int_equal(world_view(world, member(1)).restarts, 0);
    world_end(world);
}

/* Restart: "limits the grants over all its children in plain time, a group restart counting
 * once; used up, it stops them all and ends as `escalated`". */
static void
a_group_restart_counts_once_for_the_intensity(void **state)
{
    (void)state;
    struct supervisor_config group = supervisor_config_with_intensity(
        group_config(STRATEGY_ONE_FOR_ALL), 2, UINT64_C(3600) * US_PER_S);
    struct world *world = echo_group(group, echo_config(RESTART_PERMANENT, 50));

    crash(world, member(0));
    world_wait_event(world, member(2), EVENT_READY, 2);
    crash(world, member(1));
    world_wait_event(world, member(2), EVENT_READY, 3);
    assert_int_equal(world_view(world, "/g").generation, 1);
    crash(world, member(2));
    struct event exited = world_wait_event(world, "/g", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_ESCALATED);
    assert_string_equal(exited.cause->text, member(2));
    assert_int_equal(world_count(world, member(2), EVENT_RESTART_SCHEDULED), 2);
    world_wait_event(world, "/g", EVENT_READY, 2);
    assert_generations(world, 4, 4, 4);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_predicate_takes_along_whom_it_names),
        cmocka_unit_test(who_was_stopped_by_request_or_has_failed_is_left),
        cmocka_unit_test(a_transient_child_that_ended_comes_back_and_a_temporary_one_does_not),
        cmocka_unit_test(starts_wait_for_the_longest_stop),
        cmocka_unit_test(starts_wait_for_the_delay),
        cmocka_unit_test(a_delay_that_a_sibling_waits_in_is_dropped),
        cmocka_unit_test(a_larger_group_restart_swallows_a_smaller_one),
        cmocka_unit_test(an_end_while_being_stopped_does_not_count),
        cmocka_unit_test(a_group_restart_counts_once_for_the_intensity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
