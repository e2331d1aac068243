/* JSON Schema: what the table says, in the words of the schema language. */
#include "manifest_testing.h"

#include <jansson.h>

#include "base/trap_code.h"
#include "manifest/schema.h"
#include "manifest/schema_json.h"

static json_t *schema;

static json_t *
definition(const char *name)
{
    json_t *object = json_object_get(json_object_get(schema, "$defs"), name);
    assert_non_null(object);
    return object;
}

static json_t *
property(const char *entry, const char *key)
{
    json_t *object = json_object_get(json_object_get(definition(entry), "properties"), key);
    assert_non_null(object);
    return object;
}

static bool
has_text(json_t *array, const char *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (strcmp(json_string_value(json_array_get(array, i)), text) == 0)
            return true;
    return false;
}

static void
every_key_stands_in_the_entries_that_may_have_it(void **state)
{
    (void)state;
    static const struct {
        unsigned on;
        const char *name;
    } entries[] = { { SCHEMA_APPLICATION, "application" },
                    { SCHEMA_COMPONENT, "component" },
                    { SCHEMA_SUPERVISOR, "supervisor" } };
    for (size_t e = 0; e < 3; e++) {
        json_t *properties = json_object_get(definition(entries[e].name), "properties");
        size_t keys = 0;
        for (size_t i = 0; i < schema_fields_size; i++) {
            bool is_here = json_object_get(properties, schema_fields[i].key) != NULL;
            assert_true(is_here == ((schema_fields[i].on & entries[e].on) != 0));
            keys += is_here;
        }
        assert_int_equal(json_object_size(properties), keys);
        assert_true(
            json_is_false(json_object_get(definition(entries[e].name), "additionalProperties")));
    }
}

static void
defaults_limits_and_words_are_told(void **state)
{
    (void)state;
    json_t *restarts = property("component", "max-restarts");
    json_t *number = json_array_get(json_object_get(restarts, "anyOf"), 0);
    assert_int_equal(json_integer_value(json_object_get(restarts, "default")), 3);
    assert_int_equal(json_integer_value(json_object_get(number, "maximum")), 1000000);
    assert_string_equal(
        json_string_value(json_object_get(property("component", "shutdown"), "default")), "5s");
    assert_string_equal(
        json_string_value(json_object_get(property("supervisor", "shutdown"), "default")),
        "infinity");
    assert_true(has_text(json_object_get(property("component", "restart"), "enum"), "on-failure"));
    assert_true(has_text(json_object_get(definition("application"), "required"), "children"));
    assert_true(
        has_text(json_object_get(property("application", "strategy"), "enum"), "one-for-all"));
}

static void
what_this_version_lacks_is_ruled_out(void **state)
{
    (void)state;
    json_t *health = property("component", "health");
    assert_non_null(json_object_get(health, "not"));
    assert_non_null(strstr(json_string_value(json_object_get(health, "description")),
                           "Not supported by this version of airs yet."));
}

static void
exit_reasons_and_trap_codes_are_listed(void **state)
{
    (void)state;
    json_t *reasons = json_object_get(definition("exit-reason"), "enum");
    json_t *codes = json_object_get(definition("trap-code"), "enum");
    assert_true(has_text(reasons, "out-of-memory"));
    assert_true(has_text(codes, "unreachable"));
    for (size_t i = 0; i < json_array_size(codes); i++) {
        enum trap_code code;
        assert_true(trap_code_find(json_string_value(json_array_get(codes, i)), &code));
    }
}

static void
every_reference_leads_somewhere(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 0);
    assert_true(schema_json_write(false, &text));
    static const char start[] = "\"$ref\":\"#/$defs/";
    size_t references = 0;
    for (char *at = text.data; (at = strstr(at, start)) != NULL; references++) {
        char name[64];
        at += sizeof start - 1;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "\""), at);
        definition(name);
    }
    assert_true(references > 10);
    buffer_deinit(&text);
}

static long allocations_left;

static void *
failing_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void
memory_that_runs_out_anywhere_is_reported(void **state)
{
    (void)state;
    bool done = false;
    long n;
    for (n = 0; !done && n < 10000; n++) {
        struct buffer text;
        buffer_init(&text, 0);
        allocations_left = n;
        json_set_alloc_funcs(failing_malloc, free);
        done = schema_json_write(false, &text);
        json_set_alloc_funcs(malloc, free);
        assert_true(done == (allocations_left >= 0));
        buffer_deinit(&text);
    }
    assert_true(done);
    assert_true(n > 500);
}

static int
parse(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 0);
    assert_true(schema_json_write(true, &text));
    schema = json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
    buffer_deinit(&text);
    assert_non_null(schema);
    return 0;
}

static int
release(void **state)
{
    (void)state;
    json_decref(schema);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_stands_in_the_entries_that_may_have_it),
        cmocka_unit_test(defaults_limits_and_words_are_told),
        cmocka_unit_test(what_this_version_lacks_is_ruled_out),
        cmocka_unit_test(exit_reasons_and_trap_codes_are_listed),
        cmocka_unit_test(every_reference_leads_somewhere),
        cmocka_unit_test(memory_that_runs_out_anywhere_is_reported),
    };
    return cmocka_run_group_tests(tests, parse, release);
}
