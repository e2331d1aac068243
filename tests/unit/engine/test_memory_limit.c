/* Memory limits: over all memories of an instance, at its start and as it grows. */
#include "engine_testing.h"

static void
assert_out_of_memory(const char *text, uint64_t memory_bytes_max)
{
    struct component *component = open_text(text);
    const struct instance_options options = { .memory_bytes_max = memory_bytes_max };
    struct instance *instance = new_instance(component, &options);
    component_unref(component);
    instance_begin_instantiate(instance);
    const struct outcome *outcome = finish(instance, 0);
    if (outcome->kind == OUTCOME_OK) {
        instance_begin_run(instance);
        outcome = finish(instance, 0);
    }
    assert_outcome(outcome, OUTCOME_OUT_OF_MEMORY);
    assert_string_not_equal(outcome->text, "");
    assert_true(instance_memory_bytes(instance) <= memory_bytes_max);
    instance_free(instance);
}

#define GROWS(pages) \
    "(func (export \"run\") (result i32) (memory.grow (i32.const " pages ")) drop i32.const 0)"

static void
growing_beyond_the_limit_is_out_of_memory(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(memory 1) " GROWS("16")), 1u << 20);
    assert_out_of_memory(COMMAND("(memory 1) (func (export \"run\") (result i32) (loop (memory.grow"
                                 " (i32.const 1)) drop (br 0)) i32.const 0)"),
                         1u << 20);
}

static void
growing_up_to_the_limit_is_fine(void **state)
{
    (void)state;
    struct instance *instance;
    const struct instance_options options = { .memory_bytes_max = 1u << 20 };
    assert_outcome(run_with(COMMAND("(memory 1) " GROWS("15")), &options, &instance), OUTCOME_OK);
    assert_int_equal(instance_memory_bytes(instance), 1u << 20);
    instance_free(instance);
}

static void
a_module_that_declares_its_own_maximum_is_told_minus_one(void **state)
{
    (void)state;
    struct instance *instance;
    assert_outcome(run(COMMAND("(memory 1 2) (func (export \"run\") (result i32)"
                               " (i32.ne (memory.grow (i32.const 2)) (i32.const -1)))"),
                       &instance),
                   OUTCOME_OK);
    instance_free(instance);
}

static void
a_memory_too_large_at_the_start_is_out_of_memory(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(memory 20) (func (export \"run\") (result i32) i32.const 0)"),
                         1u << 20);
}

static void
the_limit_is_over_all_memories(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(memory 10) (memory 7)"
                                 " (func (export \"run\") (result i32) i32.const 0)"),
                         1u << 20);
}

static void
a_table_beyond_its_limit_is_out_of_memory(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(table 1 funcref) (func (export \"run\") (result i32)"
                                 " (table.grow (ref.null func) (i32.const 100000)) drop"
                                 " i32.const 0)"),
                         1u << 20);
}

static void
too_many_core_instances_are_out_of_memory(void **state)
{
    (void)state;
    char text[16384] = "(component (core module $m (func (export \"run\") (result i32)"
                       " i32.const 0)) (core instance $i (instantiate $m))"
                       " (func $run (result (result)) (canon lift (core func $i \"run\")))"
                       " (instance $cli (export \"run\" (func $run)))"
                       " (export \"wasi:cli/run@0.2.0\" (instance $cli))";
    for (unsigned i = 0; i < INSTANCE_CORE_INSTANCES_MAX; i++)
        strcat(text, " (core instance (instantiate $m))");
    strcat(text, ")");
    assert_out_of_memory(text, 1u << 20);
}

static void
a_limit_above_the_engines_is_refused(void **state)
{
    (void)state;
    struct component *component = open_text(COMMAND_RETURNS_OK);
    struct airs_error error = { 0 };
    struct instance *instance = NULL;
    const struct instance_options options = { .memory_bytes_max = UINT64_C(17) << 20 };
    assert_int_equal(instance_new(component, &options, &instance, &error), AIRS_EINVAL);
    assert_null(instance);
    component_unref(component);
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(growing_beyond_the_limit_is_out_of_memory),
        cmocka_unit_test(growing_up_to_the_limit_is_fine),
        cmocka_unit_test(a_module_that_declares_its_own_maximum_is_told_minus_one),
        cmocka_unit_test(a_memory_too_large_at_the_start_is_out_of_memory),
        cmocka_unit_test(the_limit_is_over_all_memories),
        cmocka_unit_test(a_table_beyond_its_limit_is_out_of_memory),
        cmocka_unit_test(too_many_core_instances_are_out_of_memory),
        cmocka_unit_test(a_limit_above_the_engines_is_refused),
    };
    return cmocka_run_group_tests(all, start_engine, stop_engine);
}
