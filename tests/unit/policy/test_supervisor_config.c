/* Supervisor config: defaults, builders, and what validation refuses. */
#include "testing.h"

#include <string.h>

#include "policy/supervisor_config.h"

#define S UINT64_C(1000000)

static void
assert_valid(struct supervisor_config config)
{
    struct airs_error error = { 0 };
    if (supervisor_config_validate(&config, &error) != AIRS_OK)
        print_error("%s\n", error.message);
    assert_int_equal(error.status, AIRS_OK);
}

static void
assert_invalid(struct supervisor_config config, const char *words)
{
    struct airs_error error = { 0 };
    assert_int_equal(supervisor_config_validate(&config, &error), AIRS_EINVAL);
    if (!strstr(error.message, words))
        print_error("\"%s\" is not in: %s\n", words, error.message);
    assert_non_null(strstr(error.message, words));
}

static void
the_defaults_are_those_of_the_runtime(void **state)
{
    (void)state;
    struct supervisor_config component = supervisor_config_default();
    struct supervisor_config supervisor = supervisor_config_default_supervisor();
    struct child_policy defaults = child_policy_default(false);

    assert_false(component.is_supervisor);
    assert_memory_equal(&component.policy, &defaults, sizeof defaults);
    defaults = child_policy_default(true);
    assert_true(supervisor.is_supervisor);
    assert_memory_equal(&supervisor.policy, &defaults, sizeof defaults);
    assert_valid(component);
    assert_valid(supervisor);
}

/* Restart: "Defaults: 3 within 60 s", "Defaults: exponential, 100 ms, 1.5, 30 s, 10 %";
 * Stopping: "`shutdown: 5s`". */
static void
test_supervisor_config_default(void **state)
{
    (void)state;
    struct child_policy policy = supervisor_config_default().policy;

    assert_int_equal(policy.restart, RESTART_PERMANENT);
    assert_int_equal(policy.max_restarts, 3);
    assert_int_equal(policy.within_us, 60 * S);
    assert_int_equal(policy.on_exhausted, ON_EXHAUSTED_FAIL);
    assert_int_equal(policy.shutdown_us, 5 * S);
    assert_int_equal(policy.start_timeout_us, 10 * S);
}

static void
test_backoff_default(void **state)
{
    (void)state;
    struct backoff backoff = supervisor_config_default().policy.backoff;

    assert_int_equal(backoff.strategy, BACKOFF_EXPONENTIAL);
    assert_int_equal(backoff.initial_us, S / 10);
    assert_true(backoff.factor == 1.5);
    assert_int_equal(backoff.max_us, 30 * S);
    assert_true(backoff.jitter == 0.1);
    assert_false(backoff.jitter_upward);
    assert_int_equal(backoff.reset_after_us, 60 * S); /* As `within`. */
}

static void
builders_change_one_thing_of_a_copy(void **state)
{
    (void)state;
    struct supervisor_config before = supervisor_config_permanent();
    struct supervisor_config after = supervisor_config_with_start_timeout(
        supervisor_config_with_shutdown(
            supervisor_config_with_backoff(
                supervisor_config_with_on_exhausted(
                    supervisor_config_with_restart_window(
                        supervisor_config_with_max_restarts(supervisor_config_transient(), 5),
                        10 * S),
                    ON_EXHAUSTED_ESCALATE),
                backoff_linear(S, 9 * S)),
            0),
        DURATION_INFINITE);

    assert_int_equal(before.policy.restart, RESTART_PERMANENT);
    assert_int_equal(before.policy.max_restarts, 3);
    assert_int_equal(after.policy.restart, RESTART_TRANSIENT);
    assert_int_equal(after.policy.max_restarts, 5);
    assert_int_equal(after.policy.within_us, 10 * S);
    assert_int_equal(after.policy.on_exhausted, ON_EXHAUSTED_ESCALATE);
    assert_int_equal(after.policy.backoff.strategy, BACKOFF_LINEAR);
    assert_int_equal(after.policy.backoff.initial_us, S);
    assert_int_equal(after.policy.backoff.max_us, 9 * S);
    assert_int_equal(after.policy.shutdown_us, 0);
    assert_true(after.policy.start_timeout_us == DURATION_INFINITE);
    assert_int_equal(supervisor_config_temporary().policy.restart, RESTART_TEMPORARY);
    assert_valid(after);
}

static void
unlimited_restarts_need_a_delay_that_does_not_stay_zero(void **state)
{
    (void)state;
    static const uint64_t first_zero[] = { 0, S }, last_zero[] = { S, 0 };
    struct supervisor_config config =
        supervisor_config_with_max_restarts(supervisor_config_permanent(), RESTARTS_UNLIMITED);

    assert_valid(config);
    assert_valid(supervisor_config_with_backoff(config, backoff_list(first_zero, 2)));
    const struct backoff zeros[] = {
        backoff_immediate(),          backoff_list(last_zero, 2), backoff_linear(0, S),
        backoff_exponential(0, 2, S), backoff_linear(0, 0),
    };
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        assert_true(backoff_can_stay_zero(&zeros[i]));
        assert_invalid(supervisor_config_with_backoff(config, zeros[i]), "does not stay 0");
        assert_valid(supervisor_config_with_backoff(supervisor_config_permanent(), zeros[i]));
    }
}

static void
each_value_has_its_range(void **state)
{
    (void)state;
    struct supervisor_config config = supervisor_config_permanent();

    assert_valid(supervisor_config_with_max_restarts(config, RESTARTS_MAX));
    assert_invalid(supervisor_config_with_max_restarts(config, RESTARTS_MAX + 1), "max-restarts");
    assert_invalid(supervisor_config_with_max_restarts(config, RESTARTS_UNLIMITED - 1),
                   "max-restarts");
    assert_invalid(supervisor_config_with_restart_window(config, 0), "'within'");
    assert_invalid(supervisor_config_with_restart_window(config, DURATION_INFINITE), "'within'");
    assert_valid(supervisor_config_with_restart_window(config, POLICY_DURATION_MAX_US));
    assert_invalid(supervisor_config_with_restart_window(config, POLICY_DURATION_MAX_US + 1),
                   "'within'");
    assert_invalid(supervisor_config_with_shutdown(config, POLICY_DURATION_MAX_US + 1),
                   "'shutdown'");
    assert_invalid(supervisor_config_with_start_timeout(config, 0), "'start-timeout'");
}

static void
each_value_of_a_backoff_has_its_range(void **state)
{
    (void)state;
    struct supervisor_config config = supervisor_config_permanent();
    static const uint64_t too_long[] = { POLICY_DURATION_MAX_US + 1 };
    static const uint64_t many[BACKOFF_LIST_MAX + 1];

    assert_invalid(supervisor_config_with_backoff(config, backoff_linear(2 * S, S)),
                   "'max' is less than 'initial'");
    assert_invalid(supervisor_config_with_backoff(config, backoff_exponential(S, 0.5, 2 * S)),
                   "'factor'");
    assert_invalid(supervisor_config_with_backoff(config, backoff_exponential(S, 1001, 2 * S)),
                   "'factor'");
    assert_invalid(
        supervisor_config_with_backoff(config, backoff_exponential(S, __builtin_nan(""), 2 * S)),
        "'factor'");
    assert_invalid(supervisor_config_with_backoff(config, backoff_linear(0, DURATION_INFINITE)),
                   "out of range");
    assert_invalid(supervisor_config_with_backoff(config, backoff_list(NULL, 0)), "1 to 64");
    assert_invalid(supervisor_config_with_backoff(config, backoff_list(many, BACKOFF_LIST_MAX + 1)),
                   "1 to 64");
    assert_valid(supervisor_config_with_backoff(config, backoff_list(many, BACKOFF_LIST_MAX)));
    assert_invalid(supervisor_config_with_backoff(config, backoff_list(too_long, 1)),
                   "delay 1 is out of range");

    config.policy.backoff.jitter = 1.01;
    assert_invalid(config, "'jitter'");
    config.policy.backoff.jitter = 1.0;
    assert_valid(config);
    config.policy.backoff.reset_after_us = DURATION_INFINITE;
    assert_valid(config);
    config.policy.backoff.reset_after_us = 0;
    assert_invalid(config, "'reset-after'");
}

static void
names_are_those_of_manifests(void **state)
{
    (void)state;
    assert_string_equal(restart_policy_name(RESTART_TRANSIENT), "transient");
    assert_string_equal(backoff_strategy_name(BACKOFF_EXPONENTIAL), "exponential");
    assert_string_equal(on_exhausted_name(ON_EXHAUSTED_ESCALATE), "escalate");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_runtime),
        cmocka_unit_test(test_supervisor_config_default),
        cmocka_unit_test(test_backoff_default),
        cmocka_unit_test(builders_change_one_thing_of_a_copy),
        cmocka_unit_test(unlimited_restarts_need_a_delay_that_does_not_stay_zero),
        cmocka_unit_test(each_value_has_its_range),
        cmocka_unit_test(each_value_of_a_backoff_has_its_range),
        cmocka_unit_test(names_are_those_of_manifests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
