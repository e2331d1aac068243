/* Health restart: its defaults, and when a child is ready by its probe. */
#include "testing.h"

#include "policy/supervisor_config.h"

#define S UINT64_C(1000000)

/* Health: "Every `interval` (5 s), `timeout` (1 s), `failures` (3)"; "HealthRestartConfig's own
 * default is enabled". */
static void
test_health_restart_config_default(void **state)
{
    (void)state;
    struct health_restart_config config = health_restart_config_default();

    assert_true(config.enabled);
    assert_int_equal(config.probe.interval_us, 5 * S);
    assert_int_equal(config.probe.failures, 3);
    assert_int_equal(config.probe.timeout_us, 1 * S);
    assert_int_equal(config.probe.start_period_us, 0);
    assert_true(config.probe.readiness);
    assert_true(config.probe.liveness);
    assert_int_equal(health_restart_config_validate(&config, NULL), AIRS_OK);
}

/* Health: "off unless `health:` is present". */
static void
test_a_supervisor_config_has_no_health_by_default(void **state)
{
    (void)state;
    struct supervisor_config config = supervisor_config_default();

    assert_false(config.health.enabled);
    assert_false(config.policy.reports_ready);
    config = supervisor_config_with_health(config, health_restart_config_default());
    assert_true(config.health.enabled);
    assert_true(config.policy.reports_ready);
    config.health.probe.readiness = false;
    config = supervisor_config_with_health(config, config.health);
    assert_false(config.policy.reports_ready);
}

static void
test_health_restart_config_ranges(void **state)
{
    (void)state;
    struct health_restart_config config = health_restart_config_default();

    config.probe.failures = 0;
    assert_int_equal(health_restart_config_validate(&config, NULL), AIRS_EINVAL);
    config.probe.failures = HEALTH_FAILURES_MAX + 1;
    assert_int_equal(health_restart_config_validate(&config, NULL), AIRS_EINVAL);
    config.probe.failures = HEALTH_FAILURES_MAX;
    assert_int_equal(health_restart_config_validate(&config, NULL), AIRS_OK);
    config.probe.interval_us = HEALTH_INTERVAL_MIN_US - 1;
    assert_int_equal(health_restart_config_validate(&config, NULL), AIRS_EINVAL);
    config.enabled = false; /* Then nobody reads it. */
    assert_int_equal(health_restart_config_validate(&config, NULL), AIRS_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_restart_config_default),
        cmocka_unit_test(test_a_supervisor_config_has_no_health_by_default),
        cmocka_unit_test(test_health_restart_config_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
