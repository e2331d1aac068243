/* Restart backoff: each kind, its cap, its jitter, n and its reset; no number overflows. */
#include "base/random.h"
#include "supervision/restart_backoff.h"
#include "trace.h"

#define S UINT64_C(1000000)

static struct backoff
backoff_of(enum backoff_strategy strategy, uint64_t initial_us, double factor, uint64_t max_us)
{
    return (struct backoff){ .strategy = strategy,
                             .initial_us = initial_us,
                             .factor = factor,
                             .max_us = max_us,
                             .reset_after_us = DURATION_INFINITE };
}

static void
immediate_is_zero(void **state)
{
    (void)state;
    struct backoff backoff = backoff_of(BACKOFF_IMMEDIATE, S, 2.0, 10 * S);
    backoff.jitter = 0.5;
    uint64_t random = 7;
    assert_int_equal(restart_backoff_delay_us(&backoff, 1, &random), 0);
    assert_int_equal(restart_backoff_delay_us(&backoff, UINT32_MAX, &random), 0);
    assert_int_equal(random, 7); /* Nothing was drawn. */
}

static void
linear_grows_by_its_initial_delay_up_to_max(void **state)
{
    (void)state;
    struct backoff backoff = backoff_of(BACKOFF_LINEAR, 100000, 1.0, 350000);
    assert_int_equal(restart_backoff_base_us(&backoff, 1), 100000);
    assert_int_equal(restart_backoff_base_us(&backoff, 2), 200000);
    assert_int_equal(restart_backoff_base_us(&backoff, 3), 300000);
    assert_int_equal(restart_backoff_base_us(&backoff, 4), 350000);
    assert_int_equal(restart_backoff_base_us(&backoff, UINT32_MAX), 350000);
}

static void
exponential_grows_by_its_factor_up_to_max(void **state)
{
    (void)state;
    struct backoff backoff = backoff_of(BACKOFF_EXPONENTIAL, 100000, 1.5, 30 * S);
    static const uint64_t expected[] = { 100000, 150000, 225000, 337500, 506250, 759375, 1139062 };
    for (uint32_t n = 1; n <= 7; n++)
        assert_int_equal(restart_backoff_base_us(&backoff, n), expected[n - 1]);
    assert_int_equal(restart_backoff_base_us(&backoff, 15), 29192926); /* 29192926.025… */
    assert_int_equal(restart_backoff_base_us(&backoff, 16), 30 * S);
    assert_int_equal(restart_backoff_base_us(&backoff, UINT32_MAX), 30 * S);
}

static void
decimal_factors_give_the_decimal_product(void **state)
{
    (void)state;
    struct backoff backoff = backoff_of(BACKOFF_EXPONENTIAL, 100000, 1.2, DURATION_INFINITE);
    assert_int_equal(restart_backoff_base_us(&backoff, 2), 120000);
    assert_int_equal(restart_backoff_base_us(&backoff, 3), 144000);
    assert_int_equal(restart_backoff_base_us(&backoff, 4), 172800);
    backoff.factor = 1.1;
    assert_int_equal(restart_backoff_base_us(&backoff, 4), 133100);
}

static void
a_factor_of_one_never_grows(void **state)
{
    (void)state;
    struct backoff backoff = backoff_of(BACKOFF_EXPONENTIAL, 123, 1.0, 30 * S);
    assert_int_equal(restart_backoff_base_us(&backoff, UINT32_MAX), 123);
}

static void
a_list_repeats_its_last_value(void **state)
{
    (void)state;
    static const uint64_t list[] = { 0, 1000, 30000000 };
    struct backoff backoff = { .strategy = BACKOFF_LIST, .list_us = list, .list_size = 3 };
    assert_int_equal(restart_backoff_base_us(&backoff, 1), 0);
    assert_int_equal(restart_backoff_base_us(&backoff, 2), 1000);
    assert_int_equal(restart_backoff_base_us(&backoff, 3), 30000000);
    assert_int_equal(restart_backoff_base_us(&backoff, 4), 30000000);
    assert_int_equal(restart_backoff_base_us(&backoff, UINT32_MAX), 30000000);
}

static void
nothing_overflows(void **state)
{
    (void)state;
    uint64_t random = 1;
    struct backoff backoff = backoff_of(BACKOFF_LINEAR, UINT64_MAX, 1.0, UINT64_MAX);
    assert_true(restart_backoff_base_us(&backoff, UINT32_MAX) == UINT64_MAX);
    backoff = backoff_of(BACKOFF_EXPONENTIAL, UINT64_MAX, 1e300, UINT64_MAX);
    backoff.jitter = 1.0;
    backoff.jitter_upward = true;
    assert_true(restart_backoff_base_us(&backoff, UINT32_MAX) == UINT64_MAX);
    assert_true(restart_backoff_delay_us(&backoff, UINT32_MAX, &random) == UINT64_MAX);
    backoff = backoff_of(BACKOFF_EXPONENTIAL, 0, 1e300, UINT64_MAX);
    assert_int_equal(restart_backoff_base_us(&backoff, UINT32_MAX), 0);
}

static void
jitter_spreads_both_ways_and_beyond_max(void **state)
{
    (void)state;
    struct backoff backoff = backoff_of(BACKOFF_LINEAR, 1000, 1.0, 1000);
    backoff.jitter = 0.1;
    uint64_t random = 42, least = UINT64_MAX, most = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t delay = restart_backoff_delay_us(&backoff, 5, &random);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    assert_int_equal(least, 900);
    assert_int_equal(most, 1100);
}

static void
jitter_upward_spreads_upward_alone(void **state)
{
    (void)state;
    struct backoff backoff = backoff_of(BACKOFF_LINEAR, 1000, 1.0, 1000);
    backoff.jitter = 0.2;
    backoff.jitter_upward = true;
    uint64_t random = 42, least = UINT64_MAX, most = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t delay = restart_backoff_delay_us(&backoff, 5, &random);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    assert_int_equal(least, 1000);
    assert_int_equal(most, 1200);
}

static void
equal_seeds_draw_equal_delays(void **state)
{
    (void)state;
    struct backoff backoff = child_policy_default(false).backoff;
    uint64_t one = 9, other = 9;
    for (uint32_t n = 1; n < 20; n++)
        assert_int_equal(restart_backoff_delay_us(&backoff, n, &one),
                         restart_backoff_delay_us(&backoff, n, &other));
}

static void
n_grows_until_a_run_was_stable(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.reset_after_us = 1 * S;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(0, EXITED, worker, TRAP);
    at(100, TIMER, worker);
    at(100, STARTED, worker);
    at(1099, EXITED, worker, TRAP); /* A millisecond short of stable. */
    at(1299, TIMER, worker);
    at(1299, STARTED, worker);
    at(2299, EXITED, worker, TRAP); /* Stable. */
    assert_events("[   0] worker exited trap\n"
                  "[   0] worker restart-scheduled 100ms\n"
                  "[ 100] worker starting\n"
                  "[ 100] worker started\n"
                  "[ 100] worker ready\n"
                  "[1099] worker exited trap\n"
                  "[1099] worker restart-scheduled 200ms\n"
                  "[1299] worker starting\n"
                  "[1299] worker started\n"
                  "[1299] worker ready\n"
                  "[2299] worker exited trap\n"
                  "[2299] worker restart-scheduled 100ms\n");
}

static void
short_runs_do_not_add_up_to_a_stable_one(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.reset_after_us = 1 * S;
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    for (uint64_t i = 1; i <= 5; i++) {
        at(i * 600, EXITED, worker, TRAP);
        assert_int_equal(worker->attempt, i);
        at(i * 600, STARTED, worker);
    }
}

static void
a_long_start_is_no_stable_run(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.backoff.reset_after_us = 1 * S;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(0, EXITED, worker, TRAP);
    at(100, TIMER, worker);
    at(9000, EXITED, worker, ERROR);
    assert_int_equal(worker->attempt, 2);
}

static void
n_is_never_reset_when_told_so(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.backoff.reset_after_us = DURATION_INFINITE;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(1000000, EXITED, worker, TRAP);
    at(1000100, TIMER, worker);
    at(1000100, STARTED, worker);
    at(9000000, EXITED, worker, TRAP);
    assert_int_equal(worker->attempt, 2);
}

static void
a_delay_near_the_end_of_time_saturates(void **state)
{
    (void)state;
    struct child_policy policy = plain_policy();
    policy.backoff = backoff_of(BACKOFF_LINEAR, UINT64_MAX, 1.0, UINT64_MAX);
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &policy);
    at(10, EXITED, worker, TRAP);
    assert_true(worker->due_us == UINT64_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(immediate_is_zero),
        a_test(linear_grows_by_its_initial_delay_up_to_max),
        a_test(exponential_grows_by_its_factor_up_to_max),
        a_test(decimal_factors_give_the_decimal_product),
        a_test(a_factor_of_one_never_grows),
        a_test(a_list_repeats_its_last_value),
        a_test(nothing_overflows),
        a_test(jitter_spreads_both_ways_and_beyond_max),
        a_test(jitter_upward_spreads_upward_alone),
        a_test(equal_seeds_draw_equal_delays),
        a_test(n_grows_until_a_run_was_stable),
        a_test(short_runs_do_not_add_up_to_a_stable_one),
        a_test(a_long_start_is_no_stable_run),
        a_test(n_is_never_reset_when_told_so),
        a_test(a_delay_near_the_end_of_time_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
