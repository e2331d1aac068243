/* Shared policy: equal ones are one, whatever their arrays lie in; different ones are apart. */
#include "runtime/shared_policy.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static struct shared_policies policies;

static int
setup(void **state)
{
    (void)state;
    shared_policies_init(&policies);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    shared_policies_deinit(&policies);
    return 0;
}

static void
equal_policies_are_one_and_go_with_their_last_reference(void **state)
{
    (void)state;
    struct child_policy plain = child_policy_default(false);
    const struct child_policy *one = shared_policy_ref(&policies, &plain);
    const struct child_policy *other = shared_policy_ref(&policies, &plain);
    assert_non_null(one);
    assert_ptr_equal(one, other);
    assert_ptr_not_equal(one, &plain);
    assert_int_equal(shared_policies_count(&policies), 1);
    shared_policy_unref(one);
    assert_int_equal(shared_policies_count(&policies), 1);
    assert_int_equal(other->max_restarts, plain.max_restarts);
    shared_policy_unref(other);
    assert_int_equal(shared_policies_count(&policies), 0);
}

static void
arrays_are_compared_by_what_is_in_them_and_are_its_own(void **state)
{
    (void)state;
    uint64_t delays[2][2] = { { 1, 2 }, { 1, 2 } };
    struct exit_rule rules[2];
    memset(rules, 0xff, sizeof rules); /* What lies between the fields does not count. */
    rules[0] = (struct exit_rule){ .reason = EXIT_ERROR, .action = EXIT_DO_STOP };
    rules[1] = rules[0];
    struct code_range success[2] = { { 3, 4 }, { 3, 4 } };
    const struct child_policy *shared[2];
    for (int i = 0; i < 2; i++) {
        struct child_policy policy = child_policy_default(false);
        policy.backoff.strategy = BACKOFF_LIST;
        policy.backoff.list_us = delays[i];
        policy.backoff.list_size = 2;
        policy.rules = &rules[i];
        policy.rules_size = 1;
        policy.success = &success[i];
        policy.success_size = 1;
        shared[i] = shared_policy_ref(&policies, &policy);
        assert_non_null(shared[i]);
    }
    assert_ptr_equal(shared[0], shared[1]);
    memset(delays, 0, sizeof delays);
    memset(success, 0, sizeof success);
    assert_int_equal(shared[0]->backoff.list_us[1], 2);
    assert_int_equal(shared[0]->success[0].last, 4);
    assert_int_equal(shared[0]->rules[0].action, EXIT_DO_STOP);
    shared_policy_unref(shared[0]);
    shared_policy_unref(shared[1]);
}

/* Each changes one field of the default. */
static void
change(struct child_policy *policy, int field)
{
    static const uint64_t delays[] = { 1, 2 };
    static const struct exit_rule rules[] = {
        { .reason = EXIT_ERROR, .action = EXIT_DO_STOP },
        { .reason = EXIT_ERROR, .action = EXIT_DO_FAIL },
        { .reason = EXIT_TRAP, .action = EXIT_DO_STOP },
        { .reason = EXIT_ERROR, .has_codes = true, .action = EXIT_DO_STOP },
        { .reason = EXIT_ERROR, .codes = { 0, 1 }, .action = EXIT_DO_STOP },
    };
    static const struct code_range success[] = { { 1, 2 }, { 1, 3 }, { 2, 2 } };
    switch (field) {
    case 0:
        policy->restart = RESTART_TEMPORARY;
        return;
    case 1:
        policy->max_restarts++;
        return;
    case 2:
        policy->within_us++;
        return;
    case 3:
        policy->on_exhausted = ON_EXHAUSTED_ESCALATE;
        return;
    case 4:
        policy->shutdown_us++;
        return;
    case 5:
        policy->start_timeout_us++;
        return;
    case 6:
        policy->reports_ready = true;
        return;
    case 7:
        policy->significant = true;
        return;
    case 8:
        policy->backoff.strategy = BACKOFF_LINEAR;
        return;
    case 9:
        policy->backoff.initial_us++;
        return;
    case 10:
        policy->backoff.factor = 3;
        return;
    case 11:
        policy->backoff.max_us++;
        return;
    case 12:
        policy->backoff.jitter = 0;
        return;
    case 13:
        policy->backoff.jitter_upward = true;
        return;
    case 14:
        policy->backoff.reset_after_us++;
        return;
    }
    if (field < 17) {
        policy->backoff.strategy = BACKOFF_LIST;
        policy->backoff.list_us = delays;
        policy->backoff.list_size = (size_t)field - 14;
    } else if (field < 22) {
        policy->rules = &rules[field - 17];
        policy->rules_size = 1;
    } else {
        policy->success = &success[field - 22];
        policy->success_size = 1;
    }
}
#define FIELDS 25

static void
policies_that_differ_in_any_field_are_apart(void **state)
{
    (void)state;
    const struct child_policy *shared[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        struct child_policy policy = child_policy_default(false);
        change(&policy, i);
        shared[i] = shared_policy_ref(&policies, &policy);
        assert_non_null(shared[i]);
        assert_int_equal(shared_policies_count(&policies), i + 1);
    }
    for (int i = 0; i < FIELDS; i++) {
        struct child_policy policy = child_policy_default(false);
        change(&policy, i);
        assert_ptr_equal(shared_policy_ref(&policies, &policy), shared[i]);
    }
    for (int i = 0; i < 2 * FIELDS; i++)
        shared_policy_unref(shared[i % FIELDS]);
}

static void
a_thousand_different_ones_are_found_again(void **state)
{
    (void)state;
    const struct child_policy *shared[1000];
    struct child_policy policy = child_policy_default(false);
    for (uint32_t i = 0; i < 1000; i++) {
        policy.max_restarts = i;
        shared[i] = shared_policy_ref(&policies, &policy);
    }
    assert_int_equal(shared_policies_count(&policies), 1000);
    for (uint32_t i = 0; i < 1000; i += 2)
        shared_policy_unref(shared[i]);
    assert_int_equal(shared_policies_count(&policies), 500);
    for (uint32_t i = 1; i < 1000; i += 2) {
        policy.max_restarts = i;
        assert_ptr_equal(shared_policy_ref(&policies, &policy), shared[i]);
        shared_policy_unref(shared[i]);
        shared_policy_unref(shared[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_policies_are_one_and_go_with_their_last_reference,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(arrays_are_compared_by_what_is_in_them_and_are_its_own,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(policies_that_differ_in_any_field_are_apart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_thousand_different_ones_are_found_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
