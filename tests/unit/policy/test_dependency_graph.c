/* Dependencies between paths: lifted to siblings, and searched for a circle. */
#include <stdio.h>
#include <string.h>

#include "testing.h"

#include "base/error.h"
#include "policy/dependency_graph.h"

static struct dependency_graph graph;
static struct airs_error error;

static void
add(const char *dependant, const char *dependency)
{
    assert_int_equal(dependency_graph_add(&graph, dependant, dependency, &error), AIRS_OK);
}

static void
assert_lift(const char *dependant, const char *dependency, const char *one, const char *other)
{
    struct dependency_lift lift;
    assert_true(dependency_lift(dependant, dependency, &lift));
    assert_int_equal(lift.dependant_size, strlen(one));
    assert_int_equal(lift.dependency_size, strlen(other));
    assert_memory_equal(dependant, one, strlen(one));
    assert_memory_equal(dependency, other, strlen(other));
}

static void
two_paths_are_lifted_to_siblings(void **state)
{
    (void)state;
    assert_lift("/a", "/b", "/a", "/b");
    assert_lift("/a", "/ab", "/a", "/ab");
    assert_lift("/w/x/a", "/w/y/b/c", "/w/x", "/w/y");
    assert_lift("/w/a", "/v", "/w", "/v");
}

static void
a_part_of_the_other_is_no_sibling(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "/a", "/a" }, { "/a", "/a/b" }, { "/a/b", "/a" }, { "/a", "/" }, { "/", "/a" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct dependency_lift lift;
        assert_false(dependency_lift(pairs[i][0], pairs[i][1], &lift));
        assert_int_equal(dependency_graph_add(&graph, pairs[i][0], pairs[i][1], &error),
                         AIRS_EINVAL);
    }
}

static void
a_tree_of_dependencies_is_no_circle(void **state)
{
    (void)state;
    assert_int_equal(dependency_graph_check(&graph, &error), AIRS_OK);
    add("/a", "/b");
    add("/a", "/c");
    add("/b", "/d");
    add("/c", "/d");
    add("/c/x", "/c/y");
    add("/w/a", "/w/b");
    assert_int_equal(dependency_graph_check(&graph, &error), AIRS_OK);
}

static void
a_circle_is_shown(void **state)
{
    (void)state;
    add("/x", "/a");
    add("/a", "/q");
    add("/a", "/b/c");
    add("/b/d", "/c");
    add("/c", "/a/deep");
    assert_int_equal(dependency_graph_check(&graph, &error), AIRS_EINVAL);
    assert_string_equal(error.message, "a cycle of dependencies: /a → /b → /c → /a");
}

static void
a_circle_below_is_found_too(void **state)
{
    (void)state;
    add("/a", "/b");
    add("/b/x", "/b/y");
    add("/b/z", "/b/x");
    add("/b/y", "/b/z");
    assert_int_equal(dependency_graph_check(&graph, &error), AIRS_EINVAL);
    assert_string_equal(error.message, "a cycle of dependencies: /b/x → /b/y → /b/z → /b/x");
}

static void
a_long_chain_is_searched_once(void **state)
{
    (void)state;
    enum { LENGTH = 20000 };
    static char paths[LENGTH][12];
    for (size_t i = 0; i < LENGTH; i++)
        snprintf(paths[i], sizeof paths[i], "/%zu", i);
    for (size_t i = 0; i + 1 < LENGTH; i++) {
        add(paths[i], paths[i + 1]);
        add(paths[i], paths[LENGTH - 1]);
    }
    assert_int_equal(dependency_graph_check(&graph, &error), AIRS_OK);
    add(paths[LENGTH - 1], paths[0]);
    assert_int_equal(dependency_graph_check(&graph, &error), AIRS_EINVAL);
}

static int
setup(void **state)
{
    (void)state;
    dependency_graph_init(&graph);
    error = (struct airs_error){ 0 };
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    dependency_graph_deinit(&graph);
    return 0;
}

#define a_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(two_paths_are_lifted_to_siblings),    a_test(a_part_of_the_other_is_no_sibling),
        a_test(a_tree_of_dependencies_is_no_circle), a_test(a_circle_is_shown),
        a_test(a_circle_below_is_found_too),         a_test(a_long_chain_is_searched_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
