/* One child, read as it would stand under `children` of a supervisor that runs. */
#include "manifest_testing.h"

static struct node_policy policy;

/* What runs outside of the text: /db, two of /web/back, and none of /web/none, which has a count. */
static bool
find(void *context, const char *path, void (*found)(void *to, const char *path), void *to)
{
    (void)context;
    if (strcmp(path, "/db") == 0)
        found(to, "/db");
    if (strcmp(path, "/web/back") == 0) {
        found(to, "/web/back#1");
        found(to, "/web/back#3");
    }
    return strcmp(path, "/db") == 0 || strcmp(path, "/web/back") == 0 ||
           strcmp(path, "/web/none") == 0;
}

static enum airs_status
read_child(const char *parent, const char *text)
{
    struct manifest_parent of = { .path = parent, .policy = &policy, .find = find };
    forget();
    return manifest_parse_child(text, strlen(text), "child.yaml", folder, &of, &manifest, &report,
                                &error);
}

static void
a_component_gets_its_path_and_its_defaults(void **state)
{
    (void)state;
    policy = node_policy_default();
    assert_int_equal(read_child("/web", "{ name: x, component: a.wasm, restart: transient }"),
                     AIRS_OK);
    const struct manifest_node *node = node_at("/web/x");
    assert_ptr_equal(node->parent, manifest->root);
    assert_string_equal(manifest->root->path, "/web");
    assert_int_equal(node->config.policy.restart, RESTART_TRANSIENT);
    assert_int_equal(node->config.policy.max_restarts, 3);
    assert_int_equal(node->config.policy.on_exhausted, ON_EXHAUSTED_FAIL);
    assert_non_null(strstr(node->spec->file, "/a.wasm"));
    assert_int_equal(manifest->components, 1);
    assert_int_equal(read_child("/", "{ name: x, component: sub/c.wasm, count: 2 }"), AIRS_OK);
    assert_int_equal(manifest->root->children_size, 2);
    assert_int_equal(node_at("/x#2")->instance, 2);
}

/* Restart: "escalate, default under the group strategies". */
static void
the_strategy_of_its_supervisor_decides_its_defaults(void **state)
{
    (void)state;
    policy = node_policy_default();
    policy.strategy = STRATEGY_ONE_FOR_ALL;
    assert_int_equal(read_child("/web", "{ name: x, component: a.wasm }"), AIRS_OK);
    assert_int_equal(node_at("/web/x")->config.policy.on_exhausted, ON_EXHAUSTED_ESCALATE);
}

static void
a_supervisor_comes_with_all_below_it(void **state)
{
    (void)state;
    policy = node_policy_default();
    assert_int_equal(read_child("/a/b",
                                "name: s\nmax-children: 4\nchildren:\n"
                                "  - { name: x, component: a.wasm }\n"
                                "  - name: t\n    children: [{ name: y, component: b.wasm }]\n"),
                     AIRS_OK);
    assert_int_equal(node_at("/a/b/s")->config.node.max_children, 4);
    assert_int_equal(node_at("/a/b/s/t/y")->line, 6);
    assert_int_equal(manifest->supervisors, 2);
}

static void
errors_have_the_places_of_the_text(void **state)
{
    (void)state;
    policy = node_policy_default();
    assert_int_equal(read_child("/", "name: x\ncomponent: none.wasm\nrestrat: no\n"), AIRS_EINVAL);
    assert_reported(2, 12, "component 'none.wasm': no such file");
    assert_reported(3, 1, "did you mean 'restart'?");
    assert_int_equal(read_child("/", ""), AIRS_EINVAL);
    assert_int_equal(read_child("/", "- { name: x, component: a.wasm }"), AIRS_EINVAL);
    assert_reported(1, 1, "a child is a map with 'name' and 'component', not a list");
    assert_int_equal(read_child("/", "{ name: a/b, component: a.wasm }"), AIRS_EINVAL);
    assert_reported(1, 9, "is a path");
}

/* Supervisors are counted from the root, which is far above the text. */
static void
it_may_be_nested_as_deep_as_in_a_manifest(void **state)
{
    (void)state;
    policy = node_policy_default();
    const char *const text = "name: s\nchildren: [{ name: x, component: a.wasm }]\n";
    assert_int_equal(read_child("/2/3/4/5/6/7/8/9/a/b/c/d/e/f", text), AIRS_OK);
    assert_int_equal(read_child("/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g", text), AIRS_EINVAL);
    assert_reported(2, 11, "nested more than 16 deep");
}

static void
it_may_depend_on_what_runs_already(void **state)
{
    (void)state;
    policy = node_policy_default();
    assert_int_equal(read_child("/",
                                "name: s\nchildren:\n"
                                "  - { name: x, component: a.wasm, depends-on: [/s/y, /db] }\n"
                                "  - { name: y, component: a.wasm, depends-on: [/web/back] }\n"),
                     AIRS_OK);
    const struct supervisor_config *x = &node_at("/s/x")->config;
    const struct supervisor_config *y = &node_at("/s/y")->config;
    assert_int_equal(x->depends_on_size, 2);
    assert_string_equal(x->depends_on[0], "/s/y");
    assert_string_equal(x->depends_on[1], "/db");
    assert_int_equal(y->depends_on_size, 2);
    assert_string_equal(y->depends_on[1], "/web/back#3");
    assert_true(node_at("/s/y")->index < node_at("/s/x")->index);
    assert_int_equal(read_child("/", "{ name: x, component: a.wasm, depends-on: [/web/none] }"),
                     AIRS_OK);
    assert_int_equal(node_at("/x")->config.depends_on_size, 0);
    assert_int_equal(read_child("/", "{ name: x, component: a.wasm, depends-on: [/dbs] }"),
                     AIRS_EINVAL);
    assert_reported(1, 44, "there is no child '/dbs'");
    assert_int_equal(read_child("/web", "{ name: x, component: a.wasm, depends-on: [/web] }"),
                     AIRS_EINVAL);
    assert_reported(1, 44, "of which it is a part");
}

/* `max-instances`: children, plus each max-children, + 25 % + 64. */
static void
the_pool_has_room_for_all_that_may_be_added(void **state)
{
    (void)state;
    const char *const text = "name: s\nmax-children: 10\nchildren:\n"
                             "  - { name: a, component: a.wasm, count: 2 }\n"
                             "  - name: w\n    max-children: 100\n"
                             "    children: [{ name: b, component: a.wasm, count: 2 }]\n";
    assert_int_equal(load_bytes(text, strlen(text)), AIRS_OK);
    assert_int_equal(manifest->max_instances, 114 + 29 + 64);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_component_gets_its_path_and_its_defaults),
        cmocka_unit_test(the_strategy_of_its_supervisor_decides_its_defaults),
        cmocka_unit_test(a_supervisor_comes_with_all_below_it),
        cmocka_unit_test(errors_have_the_places_of_the_text),
        cmocka_unit_test(it_may_be_nested_as_deep_as_in_a_manifest),
        cmocka_unit_test(it_may_depend_on_what_runs_already),
        cmocka_unit_test(the_pool_has_room_for_all_that_may_be_added),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
