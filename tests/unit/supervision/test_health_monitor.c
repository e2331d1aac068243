/* The health monitor as traces: one event with its time a line, and what comes out of it. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "supervision/health_monitor.h"

#define MS UINT64_C(1000)

static struct health_monitor monitor;
static struct health_policy policy;

static void
begin_with(struct health_policy with)
{
    policy = with;
    memset(&monitor, 0, sizeof monitor);
}

/* Every 100 ms, 30 ms for an answer, 3 failures. */
static struct health_policy
quick(void)
{
    struct health_policy quick = health_policy_default();
    quick.interval_us = 100 * MS;
    quick.timeout_us = 30 * MS;
    return quick;
}

static const char *
phase_name(void)
{
    static const char *const names[] = { "off", "resting", "wanted", "in-flight", "hanging" };
    return names[monitor.phase];
}

/* "resting@100 ready failed(1) degraded end": the phase, its timer in ms, and what is told. */
static const char *
told(struct health_outcome outcome)
{
    static char text[128];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", phase_name());
    if (outcome.arm)
        used += (size_t)snprintf(text + used, sizeof text - used, "@%llu",
                                 (unsigned long long)(monitor.due_us / MS));
    if (outcome.failed)
        used += (size_t)snprintf(text + used, sizeof text - used, " failed(%u)",
                                 monitor.failures_in_a_row);
    if (outcome.has_ready)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 outcome.ready ? " ready" : " not-ready");
    snprintf(text + used, sizeof text - used, "%s%s", outcome.degraded ? " degraded" : "",
             outcome.end ? " end" : "");
    return text;
}

#define START(ms) told(health_monitor_start(&monitor, &policy, false, (ms) * MS))
#define LISTEN(ms) told(health_monitor_start(&monitor, &policy, true, (ms) * MS))
#define BEGUN(ms) told(health_monitor_begun(&monitor, (ms) * MS))
#define TICK(ms) told(health_monitor_tick(&monitor, (ms) * MS))
#define ANSWER(answer, ms) told(health_monitor_answered(&monitor, HEALTH_##answer, (ms) * MS))

/* Begins the probe that is wanted and answers it in the same instant. */
static const char *
probe(enum health_answer answer, uint64_t ms)
{
    assert_string_equal(TICK(ms), "wanted");
    health_monitor_begun(&monitor, ms * MS);
    return told(health_monitor_answered(&monitor, answer, ms * MS));
}

static void
the_first_probe_comes_right_after_the_start_and_passes_into_ready(void **state)
{
    (void)state;
    begin_with(quick());
    assert_string_equal(START(0), "wanted");
    assert_string_equal(BEGUN(1), "in-flight@31");
    assert_string_equal(ANSWER(HEALTHY, 5), "resting@101 ready");
    assert_string_equal(TICK(101), "wanted");
}

static void
a_probe_that_waits_behind_a_message_counts_as_nothing(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    assert_string_equal(TICK(5000), "wanted");
    assert_string_equal(BEGUN(9000), "in-flight@9030");
    assert_string_equal(TICK(9029), "in-flight@9030");
    assert_string_equal(ANSWER(HEALTHY, 9029), "resting@9100 ready");
}

static void
three_failures_in_a_row_end_it_and_the_first_takes_its_readiness(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    ANSWER(HEALTHY, 0);
    assert_string_equal(probe(HEALTH_UNHEALTHY, 100), "resting@200 failed(1) not-ready");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 200), "resting@300 failed(2)");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 300), "off failed(3) end");
}

static void
one_pass_in_between_begins_the_count_anew(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    ANSWER(HEALTHY, 0);
    probe(HEALTH_UNHEALTHY, 100);
    probe(HEALTH_UNHEALTHY, 200);
    assert_string_equal(probe(HEALTH_HEALTHY, 300), "resting@400 ready");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 400), "resting@500 failed(1) not-ready");
}

static void
unknown_neither_passes_nor_fails(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(UNKNOWN, 0), "resting@100");
    probe(HEALTH_HEALTHY, 100);
    probe(HEALTH_UNHEALTHY, 200);
    assert_string_equal(probe(HEALTH_UNKNOWN, 300), "resting@400");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 400), "resting@500 failed(2)");
}

static void
degraded_passes_and_is_told_when_it_begins(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(DEGRADED, 0), "resting@100 ready degraded");
    assert_string_equal(probe(HEALTH_DEGRADED, 100), "resting@200");
    assert_string_equal(probe(HEALTH_HEALTHY, 200), "resting@300");
    assert_string_equal(probe(HEALTH_DEGRADED, 300), "resting@400 degraded");
}

static void
a_probe_that_hangs_fails_once_per_interval_and_ends_it(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    assert_string_equal(TICK(30), "hanging@130 failed(1)");
    assert_string_equal(TICK(31), "hanging@130");
    assert_string_equal(TICK(130), "hanging@230 failed(2)");
    assert_string_equal(TICK(230), "off failed(3) end");
}

static void
a_late_answer_ends_the_streak(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    TICK(30);
    TICK(130);
    assert_string_equal(ANSWER(HEALTHY, 200), "resting@300 ready");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 300), "resting@400 failed(1) not-ready");
}

static void
a_late_unhealthy_counts_no_second_time(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    assert_string_equal(TICK(30), "hanging@130 failed(1)");
    assert_string_equal(ANSWER(UNHEALTHY, 60), "resting@100");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 100), "resting@200 failed(2)");
}

static void
a_clock_that_jumps_makes_one_failure(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    assert_string_equal(TICK(1000000), "hanging@1000100 failed(1)");
    assert_string_equal(ANSWER(HEALTHY, 1000001), "resting@1000101 ready");
}

static void
failures_in_the_start_period_do_not_count(void **state)
{
    (void)state;
    struct health_policy slow = quick();
    slow.start_period_us = 1000 * MS;
    begin_with(slow);
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(UNHEALTHY, 0), "resting@100");
    for (uint64_t ms = 100; ms < 1000; ms += 100)
        probe(HEALTH_UNHEALTHY, ms);
    assert_string_equal(probe(HEALTH_UNHEALTHY, 1000), "resting@1100 failed(1)");
}

static void
the_first_success_ends_the_start_period(void **state)
{
    (void)state;
    struct health_policy slow = quick();
    slow.start_period_us = 1000 * MS;
    begin_with(slow);
    START(0);
    BEGUN(0);
    ANSWER(UNHEALTHY, 0);
    assert_string_equal(probe(HEALTH_HEALTHY, 100), "resting@200 ready");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 200), "resting@300 failed(1) not-ready");
}

static void
without_readiness_nothing_is_said_of_it(void **state)
{
    (void)state;
    struct health_policy alive = quick();
    alive.readiness = false;
    begin_with(alive);
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(HEALTHY, 0), "resting@100");
    probe(HEALTH_UNHEALTHY, 100);
    probe(HEALTH_UNHEALTHY, 200);
    assert_string_equal(probe(HEALTH_UNHEALTHY, 300), "off failed(3) end");
}

static void
without_liveness_it_goes_on_and_the_failures_are_told_up_to_the_limit(void **state)
{
    (void)state;
    struct health_policy gate = quick();
    gate.liveness = false;
    begin_with(gate);
    START(0);
    BEGUN(0);
    ANSWER(HEALTHY, 0);
    probe(HEALTH_UNHEALTHY, 100);
    probe(HEALTH_UNHEALTHY, 200);
    assert_string_equal(probe(HEALTH_UNHEALTHY, 300), "resting@400 failed(3)");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 400), "resting@500");
    assert_string_equal(probe(HEALTH_HEALTHY, 500), "resting@600 ready");
}

static void
a_single_failure_allowed_ends_at_the_first(void **state)
{
    (void)state;
    struct health_policy strict = quick();
    strict.failures = 1;
    begin_with(strict);
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(UNHEALTHY, 0), "off failed(1) end");
}

static void
a_probe_longer_than_its_interval_is_followed_by_a_whole_one(void **state)
{
    (void)state;
    struct health_policy patient = quick();
    patient.timeout_us = 1000 * MS;
    begin_with(patient);
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(HEALTHY, 250), "resting@350 ready");
}

static void
an_answer_after_the_stop_is_nothing(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    health_monitor_stop(&monitor);
    assert_string_equal(ANSWER(UNHEALTHY, 10), "off");
    assert_string_equal(TICK(5000), "off");
    assert_false(health_monitor_is_due(&monitor, 5000 * MS));
}

static void
a_heartbeat_passes_by_each_line_and_fails_by_each_silent_interval(void **state)
{
    (void)state;
    begin_with(quick());
    assert_string_equal(LISTEN(0), "resting@100");
    assert_string_equal(ANSWER(HEALTHY, 20), "resting@120 ready");
    assert_string_equal(TICK(100), "resting@120");
    assert_string_equal(TICK(120), "resting@220 failed(1) not-ready");
    assert_string_equal(ANSWER(HEALTHY, 150), "resting@250 ready");
    assert_string_equal(TICK(250), "resting@350 failed(1) not-ready");
    assert_string_equal(TICK(350), "resting@450 failed(2)");
    assert_string_equal(TICK(450), "off failed(3) end");
}

/* Another policy of a running monitor. */
static const char *
change(struct health_policy with, uint64_t ms)
{
    policy = with;
    return told(health_monitor_change(&monitor, &policy, ms * MS));
}

static void
another_interval_counts_from_the_last_probe(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(10);
    assert_string_equal(ANSWER(HEALTHY, 15), "resting@110 ready");
    struct health_policy other = quick();
    other.interval_us = 40 * MS;
    assert_string_equal(change(other, 20), "resting@50");
    other.interval_us = 5 * MS;
    assert_string_equal(change(other, 30), "resting@30"); /* Not in the past. */
    assert_string_equal(TICK(30), "wanted");
    assert_string_equal(change(quick(), 31), "wanted"); /* What is wanted, stays so. */
    BEGUN(31);
    other.timeout_us = 1 * MS;
    assert_string_equal(change(other, 32), "in-flight@61"); /* A probe keeps its time. */
}

static void
failures_in_a_row_stay_and_never_end_it_by_the_change_alone(void **state)
{
    (void)state;
    begin_with(quick());
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(UNHEALTHY, 1), "resting@100 failed(1)");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 100), "resting@200 failed(2)");
    struct health_policy other = quick();
    other.failures = 2;
    assert_string_equal(change(other, 150), "resting@200");
    assert_string_equal(probe(HEALTH_UNHEALTHY, 200), "off failed(2) end");
}

static void
a_child_that_was_ready_without_probes_stays_so_until_one_fails(void **state)
{
    (void)state;
    struct health_policy without = quick();
    without.readiness = false;
    begin_with(without);
    START(0);
    BEGUN(0);
    assert_string_equal(ANSWER(HEALTHY, 1), "resting@100");
    assert_string_equal(change(quick(), 50), "resting@100");
    assert_string_equal(probe(HEALTH_HEALTHY, 100), "resting@200"); /* Not told twice. */
    assert_string_equal(probe(HEALTH_UNHEALTHY, 200), "resting@300 failed(1) not-ready");
}

static void
the_defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct health_policy set = health_policy_default();
    assert_int_equal(set.interval_us, 5000 * MS);
    assert_int_equal(set.timeout_us, 1000 * MS);
    assert_int_equal(set.failures, 3);
    assert_int_equal(set.start_period_us, 0);
    assert_true(set.readiness && set.liveness);
    assert_string_equal(health_answer_name(HEALTH_DEGRADED), "degraded");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_probe_comes_right_after_the_start_and_passes_into_ready),
        cmocka_unit_test(a_probe_that_waits_behind_a_message_counts_as_nothing),
        cmocka_unit_test(three_failures_in_a_row_end_it_and_the_first_takes_its_readiness),
        cmocka_unit_test(one_pass_in_between_begins_the_count_anew),
        cmocka_unit_test(unknown_neither_passes_nor_fails),
        cmocka_unit_test(degraded_passes_and_is_told_when_it_begins),
        cmocka_unit_test(a_probe_that_hangs_fails_once_per_interval_and_ends_it),
        cmocka_unit_test(a_late_answer_ends_the_streak),
        cmocka_unit_test(a_late_unhealthy_counts_no_second_time),
        cmocka_unit_test(a_clock_that_jumps_makes_one_failure),
        cmocka_unit_test(failures_in_the_start_period_do_not_count),
        cmocka_unit_test(the_first_success_ends_the_start_period),
        cmocka_unit_test(without_readiness_nothing_is_said_of_it),
        cmocka_unit_test(without_liveness_it_goes_on_and_the_failures_are_told_up_to_the_limit),
        cmocka_unit_test(a_single_failure_allowed_ends_at_the_first),
        cmocka_unit_test(a_probe_longer_than_its_interval_is_followed_by_a_whole_one),
        cmocka_unit_test(an_answer_after_the_stop_is_nothing),
        cmocka_unit_test(a_heartbeat_passes_by_each_line_and_fails_by_each_silent_interval),
        cmocka_unit_test(another_interval_counts_from_the_last_probe),
        cmocka_unit_test(failures_in_a_row_stay_and_never_end_it_by_the_change_alone),
        cmocka_unit_test(a_child_that_was_ready_without_probes_stays_so_until_one_fails),
        cmocka_unit_test(the_defaults_are_those_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
