/* Dependencies in a manifest: which children they name, the one order that follows, what they
 * cannot be, and cycles, each step of them with its place. */
#include "manifest_testing.h"

#define A "component: a.wasm"

/* The names of the children of `path`, in their order. */
static const char *
order_of(const char *path)
{
    static char text[256];
    const struct manifest_node *node = node_at(path);
    text[0] = '\0';
    for (size_t i = 0; i < node->children_size; i++) {
        assert_int_equal(node->children[i]->index, i);
        strcat(text, i > 0 ? " " : "");
        strcat(text, node->children[i]->name);
    }
    return text;
}

static void
what_a_child_depends_on_comes_before_it(void **state)
{
    (void)state;
    load("name: s\nchildren:\n"
         "  - { name: web, " A ", depends-on: [/store, /auth] }\n"
         "  - { name: log, " A " }\n"
         "  - { name: auth, " A ", depends-on: [/store] }\n"
         "  - { name: store, " A " }\n"
         "  - { name: last, " A " }\n");
    assert_string_equal(order_of("/"), "store auth web log last");
    const struct supervisor_config *config = &node_at("/web")->config;
    assert_int_equal(config->depends_on_size, 2);
    assert_string_equal(config->depends_on[0], "/store");
    assert_string_equal(config->depends_on[1], "/auth");
    assert_int_equal(config->policy.when_dependency_restarts, DEPENDENCY_LEAVE);
}

static void
without_need_the_order_is_that_of_the_file(void **state)
{
    (void)state;
    load("name: s\nchildren:\n"
         "  - { name: c, " A " }\n"
         "  - { name: b, " A ", depends-on: [/c] }\n"
         "  - { name: a, " A ", depends-on: [/c, /b], when-dependency-restarts: restart }\n");
    assert_string_equal(order_of("/"), "c b a");
    assert_int_equal(node_at("/a")->config.policy.when_dependency_restarts, DEPENDENCY_RESTART);
}

static void
a_dependency_is_lifted_to_the_common_supervisor(void **state)
{
    (void)state;
    load("name: s\nchildren:\n"
         "  - name: front\n"
         "    children:\n"
         "      - { name: x, " A " }\n"
         "      - name: deep\n"
         "        children: [{ name: web, " A ", depends-on: [/data/disk/store, /front/y] }]\n"
         "      - { name: y, " A " }\n"
         "  - { name: other, " A " }\n"
         "  - name: data\n"
         "    children:\n"
         "      - name: disk\n"
         "        children: [{ name: store, " A " }]\n");
    assert_string_equal(order_of("/"), "data front other");
    assert_string_equal(order_of("/front"), "x y deep");
}

static void
a_supervisor_depends_as_a_whole(void **state)
{
    (void)state;
    load("name: s\nchildren:\n"
         "  - name: front\n"
         "    depends-on: [/data]\n"
         "    children: [{ name: web, " A " }]\n"
         "  - name: data\n"
         "    children: [{ name: store, " A " }]\n");
    assert_string_equal(order_of("/"), "data front");
    assert_int_equal(node_at("/front/web")->config.depends_on_size, 0);
}

static void
an_entry_with_a_count_means_all_of_its_members(void **state)
{
    (void)state;
    load("name: s\nchildren:\n"
         "  - { name: web, " A ", count: 2, depends-on: [/back] }\n"
         "  - { name: one, " A ", depends-on: ['/back#2'] }\n"
         "  - { name: back, " A ", count: 3 }\n");
    assert_string_equal(order_of("/"), "back#1 back#2 back#3 web#1 web#2 one");
    for (unsigned i = 1; i <= 2; i++) {
        const struct supervisor_config *config = &node_at(i == 1 ? "/web#1" : "/web#2")->config;
        assert_int_equal(config->depends_on_size, 3);
        assert_string_equal(config->depends_on[0], "/back#1");
        assert_string_equal(config->depends_on[2], "/back#3");
    }
    assert_int_equal(node_at("/one")->config.depends_on_size, 1);
    assert_string_equal(node_at("/one")->config.depends_on[0], "/back#2");
}

static void
a_path_that_nobody_has_is_reported_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("name: s\nchildren:\n"
                   "  - { name: a, " A ", depends-on: [/stroe] }\n"
                   "  - { name: store, " A " }\n",
                   3, 48, "there is no child '/stroe'; did you mean '/store'?");
    assert_refused("name: s\nchildren:\n"
                   "  - { name: a, " A ", depends-on: [/bakc] }\n"
                   "  - { name: back, " A ", count: 2 }\n",
                   3, 48, "did you mean '/back'?");
    assert_refused("name: s\nchildren:\n  - { name: a, " A ", depends-on: [\"/back#3\"] }\n"
                   "  - { name: back, " A ", count: 2 }\n",
                   3, 48, "there is no child '/back#3'; did you mean '/back'?");
    assert_refused("name: s\nchildren:\n  - { name: a, " A ", depends-on: [b] }\n"
                   "  - { name: b, " A " }\n",
                   3, 48, "'b' is no path; a path begins with '/', as in /b");
    assert_refused("name: s\nchildren:\n  - { name: a, " A ", depends-on: [/q/w/e/r/t/y] }\n", 3,
                   48, "there is no child '/q/w/e/r/t/y'");
}

static void
what_is_no_list_of_paths_is_reported(void **state)
{
    (void)state;
    assert_refused("name: s\nchildren: [{ name: a, " A ", depends-on: /b }]\n", 2, 54,
                   "'depends-on' must be a list of paths, as in [/store, /web/front]");
    assert_refused("name: s\nchildren: [{ name: a, " A ", depends-on: [5] }]\n", 2, 55,
                   "'depends-on' must be text");
    assert_refused("name: s\nchildren: [{ name: a, " A ", when-dependency-restarts: stop }]\n", 2,
                   68, "'when-dependency-restarts' cannot be 'stop'; it takes leave or restart");
    assert_refused("name: s\ndepends-on: [/a]\nchildren: [{ name: a, " A " }]\n", 2, 1,
                   "'depends-on' is for children, not for the application itself");
}

static void
a_child_cannot_depend_on_itself_or_on_what_it_is_a_part_of(void **state)
{
    (void)state;
#define TREE(of_w, of_a) \
    "name: s\nchildren:\n  - name: w\n" of_w "    children: [{ name: a, count: 2, " A of_a " }]\n"
    assert_refused(TREE("", ", depends-on: [/w/a]"), 4, 69, "'/w/a' cannot depend on itself");
    assert_refused(TREE("", ", depends-on: ['/w/a#2']"), 4, 69, "'/w/a' cannot depend on itself");
    assert_refused(TREE("", ", depends-on: [/w]"), 4, 69,
                   "'/w/a' cannot depend on '/w', of which it is a part");
    assert_refused(TREE("", ", depends-on: [/]"), 4, 69,
                   "'/w/a' cannot depend on '/', of which it is a part");
    assert_refused(TREE("    depends-on: ['/w/a#1']\n", ""), 4, 18,
                   "'/w' cannot depend on '/w/a#1', which is a part of it");
}

static void
a_cycle_is_shown_with_each_place(void **state)
{
    (void)state;
    assert_refused("name: s\nchildren:\n"
                   "  - { name: x, " A ", depends-on: [/a] }\n"
                   "  - { name: a, " A ", depends-on: [/b] }\n"
                   "  - { name: b, " A ", depends-on: [/c] }\n"
                   "  - { name: c, " A ", depends-on: [/a] }\n",
                   4, 48,
                   "a cycle of dependencies: /a → /b → /c → /a; /a on /b (4:48), /b on /c (5:48), "
                   "/c on /a (6:48)");
}

static void
a_cycle_of_the_lifted_order_is_one(void **state)
{
    (void)state;
    assert_refused(
        "name: s\nchildren:\n"
        "  - name: one\n"
        "    children:\n"
        "      - { name: a, " A ", depends-on: [/two/c] }\n"
        "      - { name: b, " A " }\n"
        "  - name: two\n"
        "    children:\n"
        "      - { name: c, " A " }\n"
        "      - { name: d, " A ", depends-on: [/one/b] }\n",
        5, 52,
        "a cycle of dependencies: /one → /two → /one; /one/a on /two/c (5:52), /two/d on "
        "/one/b (10:52)");
}

static void
a_long_cycle_is_cut_and_still_one(void **state)
{
    (void)state;
    enum { CHILDREN = 300 };
    static char text[CHILDREN * 64];
    size_t used = (size_t)snprintf(text, sizeof text, "name: s\nchildren:\n");
    for (unsigned i = 0; i < CHILDREN; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  - { name: a%u, " A ", depends-on: [/a%u] }\n", i,
                                 (i + 1) % CHILDREN);
    assert_refused(text, 3, 49, "a cycle of dependencies: /a0 → /a1 → /a2 → ");
}

static void
a_long_chain_is_put_in_order(void **state)
{
    (void)state;
    enum { CHILDREN = 20000 };
    static char text[CHILDREN * 64];
    size_t used = (size_t)snprintf(text, sizeof text, "name: s\nchildren:\n");
    for (unsigned i = 0; i + 1 < CHILDREN; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  - { name: a%u, " A ", depends-on: [/a%u] }\n", i, i + 1);
    snprintf(text + used, sizeof text - used, "  - { name: a%u, " A " }\n", CHILDREN - 1);
    load(text);
    for (unsigned i = 0; i < CHILDREN; i++) {
        char name[16];
        snprintf(name, sizeof name, "a%u", CHILDREN - 1 - i);
        assert_string_equal(manifest->root->children[i]->name, name);
    }
}

static void
under_rest_for_one_a_later_sibling_cannot_be_depended_on(void **state)
{
    (void)state;
    assert_refused("name: s\nstrategy: rest-for-one\nchildren:\n"
                   "  - { name: a, " A ", depends-on: [/b/c] }\n"
                   "  - { name: b, children: [{ name: c, " A " }] }\n",
                   4, 48,
                   "'/a' comes before '/b'; under rest-for-one a child stands behind what it "
                   "depends on");
    load("name: s\nstrategy: rest-for-one\nchildren:\n"
         "  - { name: b, " A " }\n"
         "  - { name: a, " A ", depends-on: [/b] }\n");
}

static void
more_dependencies_than_the_limit_are_refused(void **state)
{
    (void)state;
    assert_refused("name: s\nchildren:\n"
                   "  - { name: a, " A ", count: 1001, depends-on: [/b] }\n"
                   "  - { name: b, " A ", count: 1000 }\n",
                   3, 61, "more than 1000000 dependencies in one manifest");
    static char text[8192];
    size_t used =
        (size_t)snprintf(text, sizeof text, "name: s\nchildren: [{ name: a, " A ", depends-on: [");
    for (unsigned i = 0; i < 257; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "/b,");
    snprintf(text + used, sizeof text - used, "] }]\n");
    assert_refused(text, 2, 54, "'depends-on' has at most 256 entries, not 257");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_child_depends_on_comes_before_it),
        cmocka_unit_test(without_need_the_order_is_that_of_the_file),
        cmocka_unit_test(a_dependency_is_lifted_to_the_common_supervisor),
        cmocka_unit_test(a_supervisor_depends_as_a_whole),
        cmocka_unit_test(an_entry_with_a_count_means_all_of_its_members),
        cmocka_unit_test(a_path_that_nobody_has_is_reported_with_the_nearest),
        cmocka_unit_test(what_is_no_list_of_paths_is_reported),
        cmocka_unit_test(a_child_cannot_depend_on_itself_or_on_what_it_is_a_part_of),
        cmocka_unit_test(a_cycle_is_shown_with_each_place),
        cmocka_unit_test(a_cycle_of_the_lifted_order_is_one),
        cmocka_unit_test(a_long_cycle_is_cut_and_still_one),
        cmocka_unit_test(a_long_chain_is_put_in_order),
        cmocka_unit_test(under_rest_for_one_a_later_sibling_cannot_be_depended_on),
        cmocka_unit_test(more_dependencies_than_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
