/* Instances: how calls end, and what each end leaves behind. */
#include "engine_testing.h"

static const struct outcome *
run_once(const char *text, struct instance_options options, struct instance **instance_out)
{
    struct component *component = open_text(text);
    *instance_out = start_instance(component, &options);
    component_unref(component);
    instance_begin_run(*instance_out);
    return finish(*instance_out, options.id);
}

static void
runs_a_command_to_its_end(void **state)
{
    (void)state;
    struct instance *instance;
    const struct outcome *outcome = run_once(COMMAND_RETURNS_OK, (struct instance_options){ 0 }, &instance);
    assert_outcome(outcome, OUTCOME_OK);
    assert_true(instance_has_ended(instance));
    instance_free(instance);
}

static void
a_command_that_returns_err_has_exit_code_1(void **state)
{
    (void)state;
    struct instance *instance;
    const struct outcome *outcome =
        run_once(COMMAND("(func (export \"run\") (result i32) i32.const 1)"),
                 (struct instance_options){ 0 }, &instance);
    assert_outcome(outcome, OUTCOME_EXIT);
    assert_int_equal(outcome->exit_code, 1);
    instance_free(instance);
}

static void
a_trap_has_its_code_and_a_backtrace(void **state)
{
    (void)state;
    struct instance *instance;
    const struct outcome *outcome =
        run_once(COMMAND("(func $boom unreachable) (func (export \"run\") (result i32) call $boom "
                         "i32.const 0)"),
                 (struct instance_options){ 0 }, &instance);
    assert_outcome(outcome, OUTCOME_TRAP);
    assert_int_equal(outcome->trap, TRAP_UNREACHABLE);
    assert_non_null(strstr(outcome->text, "boom"));
    assert_true(instance_has_ended(instance));
    instance_free(instance);
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(runs_a_command_to_its_end),
        cmocka_unit_test(a_command_that_returns_err_has_exit_code_1),
        cmocka_unit_test(a_trap_has_its_code_and_a_backtrace),
    };
    return cmocka_run_group_tests(all, start_engine, stop_engine);
}
