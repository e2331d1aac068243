/* Supervisor integration, health: a probe that fails ends its component like any other death.
 *
 * Each test names the line of docs/semantics.md, "Health", that it proves; test_health.c has
 * the probes in detail.
 */
#include "supervision_testing.h"

/* Probed every `interval_us`, 3 failures; restarted by `config`. */
static struct supervisor_config
probed(struct supervisor_config config, uint64_t interval_us)
{
    struct health_restart_config health = health_restart_config_default();

    health.probe.interval_us = interval_us;
    health.probe.timeout_us = 30 * US_PER_S; /* All answer: however busy the machine is. */
    return supervisor_config_with_health(config, health);
}

static struct world *
begin_sick(const char *words, struct supervisor_config config)
{
    struct world *world = world_begin();

    world_add(world, "/a",
              (struct world_child){ .guest = "sick", .text = words, .config = config });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    return world;
}

/* "Ready from the first pass, not ready from the first failure, ended as `unhealthy` at
 * `failures` in a row". Between failures the probes say "unknown", which leaves the streak as it
 * is. The third is due while the child is in a message: it overtakes what is queued, which the new
 * instance answers. */
static void
test_health_check_triggers_restart(void **state)
{
    (void)state;
    struct world *world = begin_sick("healthy", probed(world_immortal(), 30 * MS));
    struct world_answer slow, after[2];

    assert_int_equal(atoi(world_call(world, "/a", "count").text), 1);
    world_call(world, "/a", "be unhealthy unknown");
    world_wait_count(world, "/a", EVENT_HEALTH_FAILED, 1);
    world_call(world, "/a", "be unhealthy unknown");
    uint64_t second = nth_event(world, "/a", EVENT_HEALTH_FAILED, 2).seq;
    assert_int_equal(world_send(world, "/a", "sleep 1500 unhealthy", &slow), AIRS_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(world_send(world, "/a", "count", &after[i]), AIRS_OK);
    for (size_t i = 0; i < 2; i++) {
        world_wait_answer(world, &after[i]);
        assert_int_equal(atoi(after[i].text), i + 1);
    }
    assert_string_equal(slow.text, "0");

    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_UNHEALTHY);
    assert_string_equal(exited.detail->text, "3 of 3: unhealthy");
    uint64_t first = nth_event(world, "/a", EVENT_HEALTH_FAILED, 1).seq;
    assert_true(world_wait_event(world, "/a", EVENT_READY, 1).seq < first);
    assert_int_equal(world_wait_event(world, "/a", EVENT_NOT_READY, 1).seq, first + 1);
    assert_true(second < exited.seq);
    assert_int_equal(world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1).restarts, 1);
    world_wait_event(world, "/a", EVENT_READY, 2);
    world_end(world);
}

/* "through the same budget and delays": one by the probe, one by a trap, and a third is one too
 * many. */
static void
test_health_and_crashes_share_one_budget(void **state)
{
    (void)state;
    struct world *world =
        begin_sick("healthy", probed(quick(supervisor_config_permanent(), 2), 30 * MS));
    static const struct {
        const char *word;
        enum exit_reason reason;
    } ends[] = { { "be unhealthy", EXIT_UNHEALTHY },
                 { "be trap", EXIT_TRAP },
                 { "be unhealthy", EXIT_UNHEALTHY } };

    for (uint32_t i = 0; i < 3; i++) {
        world_wait_event(world, "/a", EVENT_READY, i + 1);
        assert_answer(world, "/a", "count", "1");
        assert_answer(world, "/a", ends[i].word, ends[i].word);
        struct event exited = world_wait_event(world, "/a", EVENT_EXITED, i + 1);
        assert_int_equal(exited.exit.reason, ends[i].reason);
        if (i < 2)
            assert_int_equal(world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, i + 1).delay_us,
                             5 * MS);
    }
    world_wait_event(world, "/a", EVENT_FAILED, 3);
    assert_int_equal(world_count(world, "/a", EVENT_RESTART_SCHEDULED), 2);
    world_end(world);
}

/* "failures during `start-period` do not count, the first success ends it": what fails after a
 * success counts, however long the period would have gone on. */
static void
test_the_first_success_ends_the_start_period(void **state)
{
    (void)state;
    struct supervisor_config config = probed(world_immortal(), 30 * MS);

    config.health.probe.start_period_us = 3600 * US_PER_S;
    struct world *world = begin_sick("unhealthy unhealthy unhealthy unhealthy healthy", config);
    assert_int_equal(world_count(world, "/a", EVENT_HEALTH_FAILED), 0);
    world_call(world, "/a", "be unhealthy");
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_UNHEALTHY);
    assert_true(nth_event(world, "/a", EVENT_HEALTH_FAILED, 1).seq >
                world_wait_event(world, "/a", EVENT_READY, 1).seq);
    assert_string_equal(exited.detail->text, "3 of 3: unhealthy");
    world_wait_event(world, "/a", EVENT_READY, 2);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_check_triggers_restart),
        cmocka_unit_test(test_health_and_crashes_share_one_budget),
        cmocka_unit_test(test_the_first_success_ends_the_start_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
