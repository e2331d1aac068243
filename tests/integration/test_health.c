/* Health: real guests that are well, ill, silent, or dying, as their supervisor sees them.
 *
 * Each test names the line of semantics.md, "Health", that it proves.
 */
#include "world.h"

#define MS UINT64_C(1000)

static struct supervisor_config
probed_with(uint64_t interval_us, uint64_t timeout_us)
{
    struct health_restart_config health = health_restart_config_default();

    health.probe.interval_us = interval_us;
    health.probe.timeout_us = timeout_us;
    return supervisor_config_with_health(world_immortal(), health);
}

/* A probe every 40 ms, 3 failures; restarted at once. Whatever answers is in time, however busy
 * the machine is. */
static struct supervisor_config
probed(void)
{
    return probed_with(40 * MS, 30 * US_PER_S);
}

/* For those that do not answer: a failure every 100 ms. */
static struct supervisor_config
probed_briefly(void)
{
    return probed_with(100 * MS, 100 * MS);
}

static struct world *
begin_sick(const char *words, struct supervisor_config config)
{
    struct world *world = world_begin();

    world_add(world, "/a",
              (struct world_child){ .guest = "sick", .text = words, .config = config });
    world_start(world);
    return world;
}

static uint64_t
seq_of(struct world *world, const char *path, enum event_type type, uint32_t generation)
{
    return world_wait_event(world, path, type, generation).seq;
}

/* "Ready from the first pass" */
static void
a_child_with_a_probe_is_ready_from_its_first_pass(void **state)
{
    (void)state;
    uint64_t from_us = clock_now_us();
    struct world *world = begin_sick("unhealthy unknown healthy", probed());
    struct event ready = world_wait_event(world, "/a", EVENT_READY, 1);

    assert_true(ready.seq > seq_of(world, "/a", EVENT_HEALTH_FAILED, 1));
    /* The third probe passed, two intervals after the first. */
    assert_true(ready.time_us - from_us >= 2 * 40 * MS);
    assert_true(atoi(world_call(world, "/a", "probes").text) >= 3);
    assert_true(world_view(world, "/a").ready);
    world_end(world);
}

/* Restart: "a child that never gets ready has exactly `max-restarts` restarts": what is never ready lives no time and has its budget once. */
static void
a_child_that_never_gets_ready_has_exactly_its_budget(void **state)
{
    (void)state;
    struct supervisor_config config = supervisor_config_with_max_restarts(probed(), 2);
    config = supervisor_config_with_restart_window(config, 1 * MS);
    config.policy.backoff.reset_after_us = 1 * MS;
    struct world *world = begin_sick("unhealthy", config);

    world_wait_event(world, "/a", EVENT_FAILED, 3);
    assert_int_equal(world_count(world, "/a", EVENT_RESTART_SCHEDULED), 2);
    assert_int_equal(world_count(world, "/a", EVENT_READY), 0);
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 9);
    world_end(world);
}

/* "`degraded` passes and is reported" */
static void
a_degraded_child_is_ready_and_reported_once(void **state)
{
    (void)state;
    struct world *world = begin_sick("degraded", probed());

    world_wait_event(world, "/a", EVENT_DEGRADED, 1);
    while (atoi(world_call(world, "/a", "probes").text) < 4)
        continue;
    assert_int_equal(world_count(world, "/a", EVENT_DEGRADED), 1);
    world_call(world, "/a", "be healthy degraded");
    world_wait_count(world, "/a", EVENT_DEGRADED, 2);
    assert_true(seq_of(world, "/a", EVENT_READY, 1) < seq_of(world, "/a", EVENT_DEGRADED, 1));
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 0);
    assert_true(world_view(world, "/a").ready);
    world_end(world);
}

/* "`unknown` neither passes nor fails" */
static void
unknown_leaves_a_child_running_and_not_ready(void **state)
{
    (void)state;
    struct world *world = begin_sick("unknown", probed());

    while (atoi(world_call(world, "/a", "probes").text) < 6)
        continue;
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 0);
    assert_int_equal(world_count(world, "/a", EVENT_READY), 0);
    assert_false(world_view(world, "/a").ready);
    world_end(world);
}

/* "A probe that hangs stays in flight and fails once per interval" */
static void
a_probe_that_hangs_ends_the_child_by_its_intervals(void **state)
{
    (void)state;
    uint64_t from_us = clock_now_us();
    struct world *world = begin_sick("hang", probed_briefly());
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);

    assert_int_equal(exited.exit.reason, EXIT_UNHEALTHY);
    assert_string_equal(exited.detail->text, "3 of 3: no answer within 100ms");
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 3);
    /* It failed at 100, 200 and 300 ms of the first call. */
    assert_true(exited.time_us - from_us >= 300 * MS);
    world_end(world);
}

/* "a late answer ends the streak" */
static void
a_late_answer_makes_a_child_ready_again(void **state)
{
    (void)state;
    struct supervisor_config config = probed_briefly();
    config.health.probe.failures = HEALTH_FAILURES_MAX; /* It answers only when that is seen. */
    struct world *world = begin_sick("healthy", config);

    world_wait_event(world, "/a", EVENT_READY, 1);
    world_call(world, "/a", "be until-go healthy");
    world_wait_event(world, "/a", EVENT_NOT_READY, 1);
    world_go(world);
    world_wait_count(world, "/a", EVENT_READY, 2);
    assert_int_equal(world_count(world, "/a", EVENT_EXITED), 0);
    world_end(world);
}

/* A probe that computes is preempted, and fails by the clock as one that waits. */
static void
a_probe_that_computes_without_end_is_seen_as_hanging(void **state)
{
    (void)state;
    struct world *world = begin_sick("spin", probed_briefly());

    assert_int_equal(world_wait_event(world, "/a", EVENT_EXITED, 1).exit.reason, EXIT_UNHEALTHY);
    world_wait_event(world, "/a", EVENT_STARTED, 2);
    world_end(world);
}

/* A probe that traps has ended its instance: an exit like any other. */
static void
a_probe_that_traps_is_a_trap(void **state)
{
    (void)state;
    struct world *world = begin_sick("healthy trap", probed());
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);

    assert_int_equal(exited.exit.reason, EXIT_TRAP);
    assert_int_equal(exited.exit.code, TRAP_UNREACHABLE);
    world_wait_event(world, "/a", EVENT_READY, 2);
    world_end(world);
}

/* "behind a message in hand it waits and counts as nothing" */
static void
a_probe_waits_behind_a_message_and_counts_as_nothing(void **state)
{
    (void)state;
    struct world *world = begin_sick("healthy", probed());

    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_answer(world, "/a", "sleep 400", "0");
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 0);
    assert_int_equal(world_count(world, "/a", EVENT_NOT_READY), 0);
    world_end(world);
}

/* "A probe overtakes ordinary messages" */
static void
a_probe_overtakes_the_messages_that_wait(void **state)
{
    (void)state;
    struct world *world = begin_sick("healthy", probed());
    struct world_answer slow, before, after;

    world_wait_event(world, "/a", EVENT_READY, 1);
    before = world_call(world, "/a", "probes");
    assert_int_equal(world_send(world, "/a", "sleep 1500", &slow), AIRS_OK);
    assert_int_equal(world_send(world, "/a", "probes", &after), AIRS_OK);
    world_wait_answer(world, &after);
    assert_true(atoi(after.text) > atoi(before.text));
    world_end(world);
}

/* "failures during `start-period` do not count" */
static void
a_start_period_lets_a_child_begin_ill(void **state)
{
    (void)state;
    struct supervisor_config config = probed();
    config.health.probe.start_period_us = 3600 * US_PER_S;
    struct world *world =
        begin_sick("unhealthy unhealthy unhealthy unhealthy unhealthy healthy", config);
    struct event ready = world_wait_event(world, "/a", EVENT_READY, 1);

    assert_int_equal(ready.generation, 1);
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 0);
    world_end(world);
}

/* "readiness" and "liveness" are flags of their own. */
static void
without_readiness_a_child_is_ready_when_it_runs(void **state)
{
    (void)state;
    struct supervisor_config config = probed();
    config.health.probe.readiness = false;
    config = supervisor_config_with_health(config, config.health);
    struct world *world = begin_sick("unhealthy", config);

    struct event ready = world_wait_event(world, "/a", EVENT_READY, 1);
    assert_int_equal(ready.seq, seq_of(world, "/a", EVENT_STARTED, 1) + 1);
    assert_int_equal(world_wait_event(world, "/a", EVENT_EXITED, 1).exit.reason, EXIT_UNHEALTHY);
    assert_int_equal(world_count(world, "/a", EVENT_NOT_READY), 0);
    world_end(world);
}

static void
without_liveness_a_child_stays_and_is_not_ready(void **state)
{
    (void)state;
    struct supervisor_config config = probed();
    config.health.probe.liveness = false;
    struct world *world = begin_sick("healthy", config);

    world_wait_event(world, "/a", EVENT_READY, 1);
    for (size_t n = 1; n <= 3; n++) { /* Each one alone: "unknown" neither fails nor passes. */
        world_call(world, "/a", "be unhealthy unknown");
        world_wait_count(world, "/a", EVENT_HEALTH_FAILED, n);
    }
    assert_int_equal(world_count(world, "/a", EVENT_NOT_READY), 1);
    world_call(world, "/a", "be unhealthy");
    int before = atoi(world_call(world, "/a", "probes").text);
    while (atoi(world_call(world, "/a", "probes").text) < before + 5)
        continue;
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 3);
    assert_int_equal(world_count(world, "/a", EVENT_EXITED), 0);
    assert_answer(world, "/a", "be healthy", "be healthy");
    world_wait_count(world, "/a", EVENT_READY, 2);
    world_end(world);
}

/* "off unless `health:` is present" */
static void
without_health_nobody_asks(void **state)
{
    (void)state;
    struct world *world = begin_sick("unhealthy", world_immortal());

    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_answer(world, "/a", "sleep 100", "0");
    assert_answer(world, "/a", "probes", "0");
    world_end(world);
}

/* A child that is asked to stop while its probe hangs is killed at its time, as a timeout. */
static void
a_stop_ends_a_probe_that_hangs(void **state)
{
    (void)state;
    struct supervisor_config config = probed_briefly();
    config.health.probe.liveness = false;
    config = supervisor_config_with_shutdown(config, 100 * MS);
    struct world *world = begin_sick("hang", config);

    world_wait_event(world, "/a", EVENT_HEALTH_FAILED, 1);
    assert_int_equal(world_do(world, world_stop, "/a"), AIRS_OK);
    assert_int_equal(world_wait_event(world, "/a", EVENT_EXITED, 1).exit.reason, EXIT_TIMEOUT);
    assert_int_equal(world_wait_event(world, "/a", EVENT_STOPPED, 1).generation, 1);
    world_end(world);
}

/* "Readiness gates": a supervisor is ready when its children are. */
static void
a_supervisor_is_ready_when_its_probed_child_is(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/s", (struct world_child){ 0 });
    world_add(world, "/s/a",
              (struct world_child){
                  .parent = "/s", .guest = "sick", .text = "unknown healthy", .config = probed() });
    world_start(world);
    assert_true(seq_of(world, "/s", EVENT_READY, 1) > seq_of(world, "/s/a", EVENT_READY, 1));
    world_end(world);
}

/* `health` of the metadata is the last probe's. */
static void
others_see_the_last_probe_in_the_metadata(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/a",
              (struct world_child){ .guest = "sick", .text = "degraded", .config = probed() });
    world_add(world, "/b", (struct world_child){ .guest = "sick", .text = "degraded" });
    world_add(world, "/see", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_DEGRADED, 1);
    world_wait_event(world, "/see", EVENT_READY, 1);
    struct world_answer probed_one = world_call(world, "/see", "info a");
    struct world_answer other = world_call(world, "/see", "info b");
    assert_non_null(strstr(probed_one.text, " degraded"));
    assert_non_null(strstr(other.text, " unknown"));
    world_end(world);
}

/* "Commands: a line on stdout" */
static void
a_command_is_alive_while_it_prints_lines(void **state)
{
    (void)state;
    struct supervisor_config config = probed();
    config.health.probe.interval_us = 30 * US_PER_S;
    struct world *world = world_begin();

    world_add(world, "/t",
              (struct world_child){ .guest = "ticker", .args = { "20" }, .config = config });
    world_start(world);
    world_wait_event(world, "/t", EVENT_READY, 1);
    world_wait_line(world, "/t", "tick 10", 1);
    assert_int_equal(world_count(world, "/t", EVENT_HEALTH_FAILED), 0);
    world_end(world);
}

static void
a_silent_command_is_ended_as_unhealthy(void **state)
{
    (void)state;
    struct supervisor_config config = probed();
    struct world *world = world_begin();

    config.health.probe.start_period_us = 3600 * US_PER_S; /* Until its one line. */
    world_add(world, "/t",
              (struct world_child){ .guest = "ticker", .args = { "100000" }, .config = config });
    world_start(world);
    struct event exited = world_wait_event(world, "/t", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_UNHEALTHY);
    assert_string_equal(exited.detail->text, "3 of 3: no line on stdout for 40ms");
    world_wait_event(world, "/t", EVENT_STARTED, 2);
    world_end(world);
}

/* One that computes and prints nothing is seen too: no message, no wait, only the epoch. */
static void
a_command_that_only_computes_is_ended_as_unhealthy(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/t", (struct world_child){ .guest = "spinner", .config = probed() });
    world_start(world);
    assert_int_equal(world_wait_event(world, "/t", EVENT_EXITED, 1).exit.reason, EXIT_UNHEALTHY);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_with_a_probe_is_ready_from_its_first_pass),
        cmocka_unit_test(a_child_that_never_gets_ready_has_exactly_its_budget),
        cmocka_unit_test(a_degraded_child_is_ready_and_reported_once),
        cmocka_unit_test(unknown_leaves_a_child_running_and_not_ready),
        cmocka_unit_test(a_probe_that_hangs_ends_the_child_by_its_intervals),
        cmocka_unit_test(a_late_answer_makes_a_child_ready_again),
        cmocka_unit_test(a_probe_that_computes_without_end_is_seen_as_hanging),
        cmocka_unit_test(a_probe_that_traps_is_a_trap),
        cmocka_unit_test(a_probe_waits_behind_a_message_and_counts_as_nothing),
        cmocka_unit_test(a_probe_overtakes_the_messages_that_wait),
        cmocka_unit_test(a_start_period_lets_a_child_begin_ill),
        cmocka_unit_test(without_readiness_a_child_is_ready_when_it_runs),
        cmocka_unit_test(without_liveness_a_child_stays_and_is_not_ready),
        cmocka_unit_test(without_health_nobody_asks),
        cmocka_unit_test(a_stop_ends_a_probe_that_hangs),
        cmocka_unit_test(a_supervisor_is_ready_when_its_probed_child_is),
        cmocka_unit_test(others_see_the_last_probe_in_the_metadata),
        cmocka_unit_test(a_command_is_alive_while_it_prints_lines),
        cmocka_unit_test(a_silent_command_is_ended_as_unhealthy),
        cmocka_unit_test(a_command_that_only_computes_is_ended_as_unhealthy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
