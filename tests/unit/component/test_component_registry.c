/* Component registry: paths, ids and what is known of a component. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "component/component_registry.h"

static struct component_registry *registry;

static int
set_up(void **state)
{
    (void)state;
    return (int)component_registry_new("shop", &registry, NULL);
}

static int
tear_down(void **state)
{
    (void)state;
    component_registry_free(registry);
    return 0;
}

static void
add(const char *path, airs_pid pid)
{
    assert_int_equal(component_registry_add(registry, path, pid, COMPONENT_IS_ACTOR, NULL, NULL),
                     AIRS_OK);
}

static void
an_id_is_cut_out_of_a_path(void **state)
{
    (void)state;
    struct component_id_parts parts = component_id_of_path("/web/back#12");

    assert_int_equal(parts.name_size, strlen("web/back"));
    assert_memory_equal(parts.name, "web/back", parts.name_size);
    assert_int_equal(parts.instance_size, 2);
    assert_memory_equal(parts.instance, "12", 2);
    parts = component_id_of_path("/store");
    assert_int_equal(parts.name_size, 5);
    assert_memory_equal(parts.instance, "0", 1);
}

static void
a_component_is_found_by_its_path_and_by_its_id(void **state)
{
    (void)state;
    airs_pid pid = 0;
    enum component_kind_known kind;

    add("/store", 11);
    add("/web/back#2", 22);
    assert_true(component_registry_find(registry, "/store", &pid, &kind));
    assert_int_equal(pid, 11);
    assert_int_equal(kind, COMPONENT_IS_ACTOR);
    assert_true(component_registry_find_id(registry, "shop", "web/back", "2", &pid));
    assert_int_equal(pid, 22);
    assert_true(component_registry_find_id(registry, "shop", "store", "0", &pid));
    assert_int_equal(pid, 11);
}

static void
nobody_is_found_under_an_id_that_is_not_his(void **state)
{
    (void)state;
    add("/store", 11);
    add("/web/back#2", 22);
    assert_false(component_registry_find_id(registry, "mall", "store", "0", NULL));
    assert_false(component_registry_find_id(registry, "shop", "store", "1", NULL));
    assert_false(component_registry_find_id(registry, "shop", "/store", "0", NULL));
    assert_false(component_registry_find_id(registry, "shop", "web/back#2", "0", NULL));
    assert_false(component_registry_find_id(registry, "shop", "web/back", "0", NULL));
    assert_false(component_registry_find(registry, "/nobody", NULL, NULL));
}

static void
metadata_is_kept_and_a_command_goes_by_its_path(void **state)
{
    (void)state;
    struct component_info info;

    add("/store", 11);
    assert_true(component_registry_get(registry, "/store", &info));
    assert_string_equal(info.metadata_name, "/store");
    assert_string_equal(info.metadata_version, "");
    component_info_deinit(&info);
    component_registry_set_metadata(registry, "/store", "Store", "1.2");
    assert_true(component_registry_get_id(registry, "shop", "store", "0", &info));
    assert_string_equal(info.namespace_name, "shop");
    assert_string_equal(info.name, "store");
    assert_string_equal(info.instance, "0");
    assert_string_equal(info.metadata_name, "Store");
    assert_string_equal(info.metadata_version, "1.2");
    component_info_deinit(&info);
}

static void
a_path_is_entered_once(void **state)
{
    (void)state;
    struct airs_error error = { 0 };

    add("/store", 11);
    assert_int_equal(
        component_registry_add(registry, "/store", 12, COMPONENT_IS_ACTOR, NULL, &error),
        AIRS_EEXIST);
    assert_non_null(strstr(error.message, "/store"));
    component_registry_remove(registry, "/store", NULL);
    assert_false(component_registry_find(registry, "/store", NULL, NULL));
    add("/store", 13);
}

static void
note_path(void *context, const struct component_info *info)
{
    strcat(context, info->path);
}

static void
they_are_listed_in_the_order_they_came(void **state)
{
    (void)state;
    char trace[64] = "";

    add("/b", 1);
    add("/a", 2);
    add("/c", 3);
    component_registry_remove(registry, "/a", NULL);
    component_registry_each(registry, note_path, trace);
    assert_string_equal(trace, "/b/c");
}

static void
numbers_are_read_from_the_stats(void **state)
{
    (void)state;
    struct component_stats stats = { .cpu_ns = 5000, .messages = 7, .memory_bytes = 65536 };
    struct component_info info;

    assert_int_equal(component_registry_add(registry, "/s", 1, COMPONENT_IS_COMMAND, &stats, NULL),
                     AIRS_OK);
    assert_true(component_registry_get(registry, "/s", &info));
    assert_int_equal(info.cpu_us, 5);
    assert_int_equal(info.messages, 7);
    assert_int_equal(info.memory_bytes, 65536);
    component_info_deinit(&info);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(an_id_is_cut_out_of_a_path),
        EACH(a_component_is_found_by_its_path_and_by_its_id),
        EACH(nobody_is_found_under_an_id_that_is_not_his),
        EACH(metadata_is_kept_and_a_command_goes_by_its_path),
        EACH(a_path_is_entered_once),
        EACH(they_are_listed_in_the_order_they_came),
        EACH(numbers_are_read_from_the_stats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
