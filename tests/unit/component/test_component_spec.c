/* Component spec: what it holds, who owns it, and its limits. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "component/component_spec.h"

static void
a_new_spec_has_the_defaults(void **state)
{
    (void)state;
    struct component_spec *spec = component_spec_new();
    assert_non_null(spec);
    assert_int_equal(spec->limits.memory_bytes, COMPONENT_MEMORY_DEFAULT_BYTES);
    assert_int_equal(spec->limits.call_timeout_us, 0);
    assert_int_equal(spec->limits.cpu_timeout_us, 0);
    assert_int_equal(spec->limits.mailbox, COMPONENT_MAILBOX_DEFAULT);
    assert_int_equal(spec->limits.on_full, ON_FULL_REJECT);
    assert_int_equal(spec->limits.redeliver, 0);
    assert_int_equal(spec->stdin_mode, STDIN_EMPTY);
    assert_null(spec->file);
    assert_null(spec->args);
    assert_null(spec->config);
    component_spec_unref(spec);
}

static void
it_lives_until_its_last_reference(void **state)
{
    (void)state;
    struct component_spec *spec = component_spec_new();
    assert_int_equal(component_spec_set_file(spec, "a.wasm", "/x/a.wasm", NULL), AIRS_OK);
    assert_ptr_equal(component_spec_ref(spec), spec);
    component_spec_unref(spec);
    assert_string_equal(spec->component, "a.wasm");
    assert_string_equal(spec->file, "/x/a.wasm");
    component_spec_unref(spec);
    component_spec_unref(NULL);
    assert_null(component_spec_ref(NULL));
}

static void
texts_are_copied_and_may_be_set_again(void **state)
{
    (void)state;
    char text[] = "one";
    struct component_spec *spec = component_spec_new();
    assert_int_equal(component_spec_set_config(spec, text, NULL), AIRS_OK);
    assert_int_equal(component_spec_add_arg(spec, text, NULL), AIRS_OK);
    assert_int_equal(component_spec_add_variable(spec, text, text, NULL), AIRS_OK);
    text[0] = 'X';
    assert_string_equal(spec->config, "one");
    assert_string_equal(spec->args[0], "one");
    assert_null(spec->args[1]);
    assert_string_equal(spec->environment[0].value, "one");
    assert_int_equal(component_spec_set_config(spec, "two", NULL), AIRS_OK);
    assert_string_equal(spec->config, "two");
    component_spec_unref(spec);
}

static void
a_variable_is_there_once(void **state)
{
    (void)state;
    struct airs_error error = { 0 };
    struct component_spec *spec = component_spec_new();
    assert_int_equal(component_spec_add_variable(spec, "A", "1", NULL), AIRS_OK);
    assert_int_equal(component_spec_add_variable(spec, "A", "2", &error), AIRS_EEXIST);
    assert_string_equal(error.message, "variable 'A' is there already");
    assert_int_equal(spec->environment_size, 1);
    assert_string_equal(spec->environment[0].value, "1");
    component_spec_unref(spec);
}

static void
arguments_and_variables_have_a_limit(void **state)
{
    (void)state;
    struct component_spec *spec = component_spec_new();
    char name[16];
    for (unsigned i = 0; i < COMPONENT_ARGS_MAX; i++)
        assert_int_equal(component_spec_add_arg(spec, "x", NULL), AIRS_OK);
    assert_int_equal(component_spec_add_arg(spec, "x", NULL), AIRS_ELIMIT);
    assert_int_equal(spec->args_size, COMPONENT_ARGS_MAX);
    for (unsigned i = 0; i < COMPONENT_ENVIRONMENT_MAX; i++) {
        snprintf(name, sizeof name, "V%u", i);
        assert_int_equal(component_spec_add_variable(spec, name, "x", NULL), AIRS_OK);
    }
    assert_int_equal(component_spec_add_variable(spec, "one-more", "x", NULL), AIRS_ELIMIT);
    component_spec_unref(spec);
}

static void
the_name_under_which_policy_passes_it_leads_back(void **state)
{
    (void)state;
    struct component_spec *spec = component_spec_new();
    assert_ptr_equal(component_spec_of_child(component_spec_to_child(spec)), spec);
    component_spec_unref(spec);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_spec_has_the_defaults),
        cmocka_unit_test(it_lives_until_its_last_reference),
        cmocka_unit_test(texts_are_copied_and_may_be_set_again),
        cmocka_unit_test(a_variable_is_there_once),
        cmocka_unit_test(arguments_and_variables_have_a_limit),
        cmocka_unit_test(the_name_under_which_policy_passes_it_leads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
