/* Manifest diff: what a changed manifest asks of a running tree, line by line. */
#include "manifest_testing.h"

#include "manifest/manifest_diff.h"

static struct manifest *before;
static struct manifest_diff diff;
static struct buffer lines;

/* Writes down the difference from `was` to `is`. */
static void
compare_with(const char *was, const char *is, const struct manifest_diff_hooks *hooks)
{
    load(was);
    before = manifest;
    manifest = NULL;
    load(is);
    assert_int_equal(manifest_diff(before, manifest, hooks, &diff, &error), AIRS_OK);
    buffer_init(&lines, 0);
    for (size_t i = 0; i < diff.size; i++) {
        assert_true(manifest_change_write(&diff.changes[i], &lines));
        assert_true(buffer_append_text(&lines, "\n"));
    }
}

static void
release(void)
{
    buffer_deinit(&lines);
    manifest_diff_deinit(&diff);
    manifest_free(before);
    before = NULL;
}

static void
assert_diff(const char *was, const char *is, const char *expected)
{
    compare_with(was, is, NULL);
    assert_string_equal(lines.data ? lines.data : "", expected);
    release();
}

#define APP "name: shop\nchildren:\n"
#define A "  - { name: a, component: a.wasm }\n"
#define B "  - { name: b, component: b.wasm }\n"

static void
the_same_manifest_is_no_change(void **state)
{
    (void)state;
    assert_diff(APP A B, APP A B, "");
}

static void
a_default_that_is_written_out_is_no_change(void **state)
{
    (void)state;
    assert_diff(APP A,
                APP "  - { name: a, component: a.wasm, restart: always, shutdown: 5000ms,\n"
                    "      backoff: { factor: 1.5, reset-after: 60s }, args: [], environment: {},\n"
                    "      limits: { memory: 64MiB } }\n",
                "");
}

static void
children_are_matched_by_path(void **state)
{
    (void)state;
    assert_diff(APP A B, APP B "  - { name: c, component: a.wasm }\n", "- /a\n+ /c\n");
}

static void
what_is_deleted_goes_last_child_first_and_supervisors_as_a_whole(void **state)
{
    (void)state;
    assert_diff(APP A "  - { name: s, children: [{ name: x, component: a.wasm },\n"
                      "      { name: t, children: [{ name: y, component: a.wasm }] }] }\n" B,
                APP A, "- /b\n- /s, with 3 below it\n");
}

static void
what_is_below_a_new_supervisor_is_added_behind_it(void **state)
{
    (void)state;
    assert_diff(APP A, APP A "  - { name: s, children: [{ name: x, component: a.wasm }] }\n",
                "+ /s\n+ /s/x\n");
}

static void
a_component_that_becomes_a_supervisor_is_deleted_and_added(void **state)
{
    (void)state;
    assert_diff(APP A B, APP "  - { name: a, children: [{ name: x, component: a.wasm }] }\n" B,
                "- /a\n+ /a\n+ /a/x\n");
}

static void
what_an_instance_is_given_restarts_it(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        const char *expected;
    } cases[] = {
        { "component: b.wasm", "~ /a restarts: component\n" },
        { "component: a.wasm, args: [x]", "~ /a restarts: args\n" },
        { "component: a.wasm, environment: { M: x }", "~ /a restarts: environment\n" },
        { "component: a.wasm, config: text", "~ /a restarts: config\n" },
        { "component: a.wasm, stdin: open", "~ /a restarts: stdin\n" },
        { "component: a.wasm, limits: { memory: 1MiB }", "~ /a restarts: limits\n" },
        { "component: a.wasm, limits: { mailbox: 3 }", "~ /a restarts: limits\n" },
        { "component: a.wasm, limits: { cpu-timeout: 1s }", "~ /a restarts: limits\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, APP "  - { name: a, %s }\n", cases[i].keys);
        assert_diff(APP A, text, cases[i].expected);
        size_t size = strlen(cases[i].expected);
        assert_true(size > 0);
        assert_diff(text, APP A, cases[i].expected); /* And back. */
    }
}

static void
what_supervision_wants_of_it_changes_live(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        const char *expected;
    } cases[] = {
        { "restart: transient", "restart" },
        { "max-restarts: 4", "max-restarts" },
        { "within: 61s", "within" },
        { "on-exhausted: escalate", "on-exhausted" },
        { "backoff: { initial: 1ms }", "backoff" },
        { "backoff: { factor: 2 }", "backoff" },
        { "backoff: { jitter: +10% }", "backoff" },
        { "backoff: { reset-after: 1s }", "backoff" },
        { "backoff: [1s, 2s]", "backoff" },
        { "on-exit: [{ reason: trap, do: fail }]", "on-exit" },
        { "success-codes: [3]", "success-codes" },
        { "shutdown: 6s", "shutdown" },
        { "start-timeout: 11s", "start-timeout" },
        { "health: { }", "health" },
        { "restart: transient, significant: true", "restart, significant" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], expected[64];
        snprintf(text, sizeof text, APP "  - { name: a, component: a.wasm, %s }\n", cases[i].keys);
        snprintf(expected, sizeof expected, "~ /a live: %s\n", cases[i].expected);
        assert_diff(APP A, text, expected);
        assert_diff(text, APP A, expected);
    }
}

static void
values_inside_of_a_key_are_looked_at(void **state)
{
    (void)state;
#define ONE(keys) APP "  - { name: a, component: a.wasm, " keys " }\n"
    assert_diff(ONE("backoff: [1s, 2s]"), ONE("backoff: [1s, 3s]"), "~ /a live: backoff\n");
    assert_diff(ONE("backoff: [1s, 2s]"), ONE("backoff: [1s, 2s]"), "");
    assert_diff(ONE("args: [x, y]"), ONE("args: [x, z]"), "~ /a restarts: args\n");
    assert_diff(ONE("environment: { A: x, B: y }"), ONE("environment: { B: y, A: x }"), "");
    assert_diff(ONE("environment: { A: x, B: y }"), ONE("environment: { A: x, B: z }"),
                "~ /a restarts: environment\n");
    assert_diff(ONE("health: { failures: 3 }"), ONE("health: { failures: 4 }"),
                "~ /a live: health\n");
    assert_diff(ONE("on-exit: [{ reason: error, code: 3, do: fail }]"),
                ONE("on-exit: [{ reason: error, code: 4, do: fail }]"), "~ /a live: on-exit\n");
    assert_diff(ONE("success-codes: [3]"), ONE("success-codes: [3-4]"),
                "~ /a live: success-codes\n");
#undef ONE
}

static void
one_line_says_both_what_restarts_and_what_is_live(void **state)
{
    (void)state;
    assert_diff(APP A,
                APP "  - { name: a, component: a.wasm, args: [x], config: y, shutdown: 1s,\n"
                    "      within: 1s }\n",
                "~ /a restarts: args, config; live: within, shutdown\n");
}

static void
a_supervisor_changes_live_the_application_too(void **state)
{
    (void)state;
    assert_diff("name: shop\nchildren:\n"
                "  - { name: s, children: [{ name: x, component: a.wasm }] }\n",
                "name: shop\nintensity: { max-restarts: 3, within: 1m }\nchildren:\n"
                "  - { name: s, strategy: one-for-all, shutdown: 3s,\n"
                "      children: [{ name: x, component: a.wasm, on-exhausted: fail }] }\n",
                "~ / live: intensity\n~ /s live: strategy, shutdown\n");
}

static void
another_order_is_said_of_the_supervisor(void **state)
{
    (void)state;
    assert_diff(APP A B, APP B A, "= order of /\n");
    /* What comes or goes in between changes no order. */
    assert_diff(APP A B, APP A "  - { name: c, component: a.wasm }\n" B, "+ /c\n");
}

static void
a_count_adds_and_deletes_at_its_end(void **state)
{
    (void)state;
    assert_diff(APP "  - { name: a, component: a.wasm, count: 2 }\n",
                APP "  - { name: a, component: a.wasm, count: 4 }\n", "+ /a#3\n+ /a#4\n");
    assert_diff(APP "  - { name: a, component: a.wasm, count: 3 }\n",
                APP "  - { name: a, component: a.wasm, count: 1 }\n", "- /a#3\n- /a#2\n");
}

static bool
all_but_a(void *context, const struct manifest_node *was)
{
    (void)context;
    return strcmp(was->path, "/a") != 0;
}

static const char *
new_code_of_b(void *context, const struct manifest_node *was, const struct manifest_node *is)
{
    (void)context;
    assert_string_equal(was->path, is->path);
    return strcmp(is->spec->component, "b.wasm") == 0 ? "component file changed" : NULL;
}

static void
what_was_deleted_by_hand_is_added_again(void **state)
{
    (void)state;
    compare_with(APP A B, APP A B, &(struct manifest_diff_hooks){ .runs = all_but_a });
    assert_string_equal(lines.data, "+ /a\n");
    release();
}

static void
a_file_with_other_contents_restarts_those_that_run_it(void **state)
{
    (void)state;
    compare_with(APP A B, APP A "  - { name: b, component: b.wasm, args: [x] }\n",
                 &(struct manifest_diff_hooks){ .restarts = new_code_of_b });
    assert_string_equal(lines.data, "~ /b restarts: args, component file changed\n");
    release();
}

static void
the_name_of_the_application_cannot_change(void **state)
{
    (void)state;
    load(APP A);
    before = manifest;
    manifest = NULL;
    load("name: ship\nchildren:\n" A);
    assert_int_equal(manifest_diff(before, manifest, NULL, &diff, &error), AIRS_EINVAL);
    assert_non_null(strstr(error.message, "'ship'"));
    assert_non_null(strstr(error.message, "'shop'"));
    manifest_free(before);
    before = NULL;
}

static void
what_only_a_new_start_can_follow_is_marked(void **state)
{
    (void)state;
    compare_with(APP A, "max-instances: 9\nmax-concurrent-starts: 2\n" APP A, NULL);
    assert_true(diff.max_instances && diff.max_concurrent_starts);
    assert_int_equal(diff.size, 0);
    release();
    compare_with(APP A, APP A B, NULL); /* The default follows the children. */
    assert_false(diff.max_instances || diff.max_concurrent_starts);
    release();
}

static void
a_hundred_thousand_children_are_compared_in_a_moment(void **state)
{
    (void)state;
    compare_with(APP "  - { name: a, component: a.wasm, count: 99999 }\n",
                 APP "  - { name: a, component: a.wasm, count: 99998, shutdown: 1s }\n", NULL);
    assert_int_equal(diff.size, 99999);
    assert_int_equal(diff.changes[0].kind, MANIFEST_DELETED);
    assert_int_equal(diff.changes[1].kind, MANIFEST_CHANGED);
    release();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_manifest_is_no_change),
        cmocka_unit_test(a_default_that_is_written_out_is_no_change),
        cmocka_unit_test(children_are_matched_by_path),
        cmocka_unit_test(what_is_deleted_goes_last_child_first_and_supervisors_as_a_whole),
        cmocka_unit_test(what_is_below_a_new_supervisor_is_added_behind_it),
        cmocka_unit_test(a_component_that_becomes_a_supervisor_is_deleted_and_added),
        cmocka_unit_test(what_an_instance_is_given_restarts_it),
        cmocka_unit_test(what_supervision_wants_of_it_changes_live),
        cmocka_unit_test(values_inside_of_a_key_are_looked_at),
        cmocka_unit_test(one_line_says_both_what_restarts_and_what_is_live),
        cmocka_unit_test(a_supervisor_changes_live_the_application_too),
        cmocka_unit_test(another_order_is_said_of_the_supervisor),
        cmocka_unit_test(a_count_adds_and_deletes_at_its_end),
        cmocka_unit_test(what_was_deleted_by_hand_is_added_again),
        cmocka_unit_test(a_file_with_other_contents_restarts_those_that_run_it),
        cmocka_unit_test(the_name_of_the_application_cannot_change),
        cmocka_unit_test(what_only_a_new_start_can_follow_is_marked),
        cmocka_unit_test(a_hundred_thousand_children_are_compared_in_a_moment),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
