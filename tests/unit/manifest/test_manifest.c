/* Manifest: the tree, and each value as it was written or as its default says. */
#include "manifest_testing.h"

#include <math.h>

#define S UINT64_C(1000000)

static const struct child_policy *
policy_of(const char *path)
{
    return &node_at(path)->config.policy;
}

static void
assert_same_policy(const struct child_policy *a, const struct child_policy *b)
{
    assert_int_equal(a->restart, b->restart);
    assert_int_equal(a->max_restarts, b->max_restarts);
    assert_int_equal(a->within_us, b->within_us);
    assert_int_equal(a->on_exhausted, b->on_exhausted);
    assert_int_equal(a->shutdown_us, b->shutdown_us);
    assert_int_equal(a->start_timeout_us, b->start_timeout_us);
    assert_int_equal(a->backoff.strategy, b->backoff.strategy);
    assert_int_equal(a->backoff.initial_us, b->backoff.initial_us);
    assert_true(fabs(a->backoff.factor - b->backoff.factor) < 1e-12);
    assert_int_equal(a->backoff.max_us, b->backoff.max_us);
    assert_true(fabs(a->backoff.jitter - b->backoff.jitter) < 1e-12);
    assert_int_equal(a->backoff.jitter_upward, b->backoff.jitter_upward);
    assert_int_equal(a->backoff.reset_after_us, b->backoff.reset_after_us);
}

static void
a_component_without_keys_has_the_defaults_of_policy_and_spec(void **state)
{
    (void)state;
    load("name: shop\nchildren: [{ name: a, component: a.wasm }]\n");
    struct child_policy defaults = child_policy_default(false);
    const struct manifest_node *node = node_at("/a");

    assert_false(node->config.is_supervisor);
    assert_same_policy(&node->config.policy, &defaults);
    assert_int_equal(defaults.backoff.reset_after_us, 60 * S);
    assert_int_equal(node->spec->limits.memory_bytes, COMPONENT_MEMORY_DEFAULT_BYTES);
    assert_int_equal(node->spec->limits.call_timeout_us, 0);
    assert_int_equal(node->spec->limits.cpu_timeout_us, 0);
    assert_int_equal(node->spec->limits.mailbox, 1024);
    assert_int_equal(node->spec->limits.on_full, ON_FULL_REJECT);
    assert_int_equal(node->spec->limits.redeliver, 0);
    assert_int_equal(node->spec->stdin_mode, STDIN_EMPTY);
    assert_int_equal(node->spec->args_size, 0);
    assert_int_equal(node->spec->environment_size, 0);
    assert_null(node->spec->config);
    assert_int_equal(node->instance, 0);
    assert_int_equal(node->count, 1);
}

static void
health_is_off_until_it_is_written_and_then_has_its_defaults(void **state)
{
    (void)state;
    load("name: shop\nchildren:\n  - { name: a, component: a.wasm }\n"
         "  - { name: b, component: a.wasm, health: {} }\n"
         "  - { name: c, component: a.wasm, health: { interval: 10s, timeout: 2s, failures: 1,\n"
         "      start-period: 1m, readiness: false, liveness: TRUE } }\n");
    const struct supervisor_config *a = &node_at("/a")->config, *b = &node_at("/b")->config;
    const struct supervisor_config *c = &node_at("/c")->config;

    assert_false(a->health.enabled);
    assert_false(a->policy.reports_ready);
    assert_true(b->health.enabled);
    assert_true(b->policy.reports_ready);
    assert_int_equal(b->health.probe.interval_us, 5 * S);
    assert_int_equal(b->health.probe.timeout_us, 1 * S);
    assert_int_equal(b->health.probe.failures, 3);
    assert_int_equal(b->health.probe.start_period_us, 0);
    assert_true(b->health.probe.readiness && b->health.probe.liveness);
    assert_int_equal(c->health.probe.interval_us, 10 * S);
    assert_int_equal(c->health.probe.timeout_us, 2 * S);
    assert_int_equal(c->health.probe.failures, 1);
    assert_int_equal(c->health.probe.start_period_us, 60 * S);
    assert_false(c->health.probe.readiness);
    assert_true(c->health.probe.liveness);
    assert_false(c->policy.reports_ready);
}

static void
a_supervisor_without_keys_has_the_defaults_of_supervisors(void **state)
{
    (void)state;
    load("name: shop\nchildren: [{ name: web, children: [{ name: a, component: a.wasm }] }]\n");
    struct child_policy defaults = child_policy_default(true);
    const struct manifest_node *node = node_at("/web");

    assert_true(node->config.is_supervisor);
    assert_null(node->spec);
    assert_same_policy(&node->config.policy, &defaults);
    assert_int_equal(node->config.policy.shutdown_us, DURATION_INFINITE);
    assert_int_equal(node->config.policy.start_timeout_us, DURATION_INFINITE);
}

static void
the_tree_is_in_file_order_with_paths_and_counts(void **state)
{
    (void)state;
    load("name: shop\n"
         "children:\n"
         "  - { name: z, component: a.wasm }\n"
         "  - name: web\n"
         "    children:\n"
         "      - { name: b, component: b.wasm, count: 3 }\n"
         "      - { name: a, component: a.wasm }\n"
         "  - { name: c, component: sub/c.wasm }\n");
    static const char *const paths[] = { "/",        "/z",       "/web",   "/web/b#1",
                                         "/web/b#2", "/web/b#3", "/web/a", "/c" };
    size_t i = 0;
    for (const struct manifest_node *node = manifest->root; node; node = manifest_next(node))
        assert_string_equal(node->path, paths[i++]);
    assert_int_equal(i, sizeof paths / sizeof paths[0]);

    assert_string_equal(manifest->root->name, "shop");
    assert_true(manifest->root->config.is_supervisor);
    assert_int_equal(manifest->root->config.policy.restart, RESTART_TEMPORARY);
    assert_int_equal(manifest->components, 6);
    assert_int_equal(manifest->supervisors, 1);
    assert_int_equal(manifest->max_concurrent_starts, 0);
    assert_int_equal(manifest->max_instances, 6 + 2 + 64);
    assert_int_equal(node_at("/web/b#1")->line, 6);
    assert_int_equal(node_at("/c")->line, 8);
}

static void
instances_of_a_count_share_one_spec_and_one_list_of_delays(void **state)
{
    (void)state;
    load("name: shop\n"
         "children: [{ name: b, component: b.wasm, count: 4, backoff: [0s, 1s] }]\n");
    const struct manifest_node *first = node_at("/b#1"), *last = node_at("/b#4");

    assert_string_equal(last->name, "b#4");
    assert_int_equal(last->instance, 4);
    assert_int_equal(last->count, 4);
    assert_ptr_equal(first->spec, last->spec);
    assert_ptr_equal(first->config.policy.backoff.list_us, last->config.policy.backoff.list_us);

    struct component_spec *spec = component_spec_ref(last->spec);
    forget();
    assert_string_equal(spec->component, "b.wasm"); /* It outlives the manifest. */
    component_spec_unref(spec);
}

static void
a_count_of_one_is_numbered_too(void **state)
{
    (void)state;
    load("name: shop\nchildren: [{ name: b, component: b.wasm, count: 1 }]\n");
    assert_int_equal(node_at("/b#1")->instance, 1);
}

static void
every_value_of_a_component_is_read(void **state)
{
    (void)state;
    load("name: shop\n"
         "max-concurrent-starts: 8\n"
         "max-instances: 200\n"
         "strategy: one-for-one\n"
         "children:\n"
         "  - name: store\n"
         "    component: sub/c.wasm\n"
         "    restart: transient\n"
         "    max-restarts: 7\n"
         "    within: 2m\n"
         "    on-exhausted: escalate\n"
         "    backoff: { strategy: linear, initial: 250ms, max: 10s, jitter: +20%,\n"
         "               reset-after: never }\n"
         "    shutdown: 1500ms\n"
         "    start-timeout: 1h\n"
         "    limits: { memory: 128KiB, call-timeout: 1s, cpu-timeout: infinity, mailbox: 5,\n"
         "              on-full: drop-oldest, redeliver: 0 }\n"
         "    args: [--port, \"80\", '']\n"
         "    environment: { MODE: production, EMPTY: \"\" }\n"
         "    stdin: open\n"
         "    config: |\n"
         "      two\n"
         "      lines\n");
    const struct manifest_node *node = node_at("/store");
    const struct child_policy *policy = &node->config.policy;
    const struct component_spec *spec = node->spec;
    char file[128];

    assert_int_equal(manifest->max_concurrent_starts, 8);
    assert_int_equal(manifest->max_instances, 200);
    assert_int_equal(policy->restart, RESTART_TRANSIENT);
    assert_int_equal(policy->max_restarts, 7);
    assert_int_equal(policy->within_us, 120 * S);
    assert_int_equal(policy->on_exhausted, ON_EXHAUSTED_ESCALATE);
    assert_int_equal(policy->backoff.strategy, BACKOFF_LINEAR);
    assert_int_equal(policy->backoff.initial_us, 250000);
    assert_int_equal(policy->backoff.max_us, 10 * S);
    assert_true(fabs(policy->backoff.jitter - 0.2) < 1e-12);
    assert_true(policy->backoff.jitter_upward);
    assert_int_equal(policy->backoff.reset_after_us, DURATION_INFINITE);
    assert_int_equal(policy->shutdown_us, 1500000);
    assert_int_equal(policy->start_timeout_us, 3600 * S);
    assert_int_equal(spec->limits.memory_bytes, 131072);
    assert_int_equal(spec->limits.call_timeout_us, S);
    assert_int_equal(spec->limits.cpu_timeout_us, DURATION_INFINITE);
    assert_int_equal(spec->limits.mailbox, 5);
    assert_int_equal(spec->limits.on_full, ON_FULL_DROP_OLDEST);
    snprintf(file, sizeof file, "%s/sub/c.wasm", folder);
    assert_string_equal(spec->component, "sub/c.wasm");
    assert_string_equal(spec->file, file);
    assert_int_equal(spec->args_size, 3);
    assert_string_equal(spec->args[1], "80");
    assert_string_equal(spec->args[2], "");
    assert_null(spec->args[3]);
    assert_int_equal(spec->environment_size, 2);
    assert_string_equal(spec->environment[0].name, "MODE");
    assert_string_equal(spec->environment[0].value, "production");
    assert_string_equal(spec->environment[1].value, "");
    assert_int_equal(spec->stdin_mode, STDIN_OPEN);
    assert_string_equal(spec->config, "two\nlines\n");
}

static void
blocks_of_text_are_read(void **state)
{
    (void)state;
    load("name: shop\n"
         "children:\n"
         "  - name: a\n"
         "    component: a.wasm\n"
         "    args:\n"
         "    - |\n"
         "     x\n"
         "    - |-\n"
         "\n"
         "        first\n"
         "          deeper\n"
         "    - >\n"
         "      a\n"
         "      b\n"
         "    - |2\n"
         "         y\n"
         "    config: |\n"
         "      # no comment\n"
         "      key: value\n"
         "  - name: b\n"
         "    component: a.wasm\n"
         "    config: |\n"
         "\n"
         "  - name: c\n"
         "    component: a.wasm\n");
    assert_string_equal(node_at("/b")->spec->config, "");
    const struct component_spec *spec = node_at("/a")->spec;
    assert_int_equal(spec->args_size, 4);
    assert_string_equal(spec->args[0], "x\n");
    assert_string_equal(spec->args[1], "\nfirst\n  deeper");
    assert_string_equal(spec->args[2], "a b\n");
    assert_string_equal(spec->args[3], "   y\n");
    assert_string_equal(spec->config, "# no comment\nkey: value\n");
}

static void
restart_has_aliases(void **state)
{
    (void)state;
    load("name: shop\n"
         "children:\n"
         "  - { name: a, component: a.wasm, restart: always }\n"
         "  - { name: b, component: a.wasm, restart: on-failure }\n"
         "  - { name: c, component: a.wasm, restart: no }\n"
         "  - { name: d, component: a.wasm, restart: \"no\" }\n");
    assert_int_equal(policy_of("/a")->restart, RESTART_PERMANENT);
    assert_int_equal(policy_of("/b")->restart, RESTART_TRANSIENT);
    assert_int_equal(policy_of("/c")->restart, RESTART_TEMPORARY);
    assert_int_equal(policy_of("/d")->restart, RESTART_TEMPORARY);
}

static void
a_backoff_is_a_map_or_a_list(void **state)
{
    (void)state;
    load("name: shop\n"
         "children:\n"
         "  - { name: list, component: a.wasm, within: 5s, backoff: [0s, 1s, 30s] }\n"
         "  - { name: none, component: a.wasm, backoff: { strategy: immediate } }\n"
         "  - { name: exp, component: a.wasm, backoff: { factor: 2, jitter: 0% } }\n");
    const struct backoff *list = &policy_of("/list")->backoff;
    assert_int_equal(list->strategy, BACKOFF_LIST);
    assert_int_equal(list->list_size, 3);
    assert_int_equal(list->list_us[0], 0);
    assert_int_equal(list->list_us[1], S);
    assert_int_equal(list->list_us[2], 30 * S);
    assert_true(fabs(list->jitter - 0.1) < 1e-12);
    assert_int_equal(list->reset_after_us, 5 * S); /* As long as `within`. */

    assert_int_equal(policy_of("/none")->backoff.strategy, BACKOFF_IMMEDIATE);
    const struct backoff *exp = &policy_of("/exp")->backoff;
    assert_int_equal(exp->strategy, BACKOFF_EXPONENTIAL);
    assert_true(fabs(exp->factor - 2) < 1e-12);
    assert_true(exp->jitter < 1e-12);
}

static void
words_stand_for_durations_and_numbers(void **state)
{
    (void)state;
    load("name: shop\n"
         "children:\n"
         "  - { name: a, component: a.wasm, shutdown: infinity, start-timeout: infinity }\n"
         "  - { name: b, component: a.wasm, shutdown: kill, max-restarts: unlimited }\n"
         "  - { name: c, component: a.wasm, shutdown: 0s, max-restarts: 1000000 }\n"
         "  - { name: d, component: a.wasm, max-restarts: 0, backoff: { strategy: immediate } }\n");
    assert_int_equal(policy_of("/a")->shutdown_us, DURATION_INFINITE);
    assert_int_equal(policy_of("/a")->start_timeout_us, DURATION_INFINITE);
    assert_int_equal(policy_of("/b")->shutdown_us, 0);
    assert_int_equal(policy_of("/b")->max_restarts, RESTARTS_UNLIMITED);
    assert_int_equal(policy_of("/c")->shutdown_us, 0);
    assert_int_equal(policy_of("/c")->max_restarts, 1000000);
    assert_int_equal(policy_of("/d")->max_restarts, 0);
}

static void
the_ends_of_each_range_are_allowed(void **state)
{
    (void)state;
    load("name: 0123456789012345678901234567890123456789012345678901234567890-_\n"
         "max-concurrent-starts: 1\n"
         "max-instances: 1000000\n"
         "children:\n"
         "  - { name: a, component: a.wasm, within: 1ms, limits: { memory: 64KiB, mailbox: 1 } }\n"
         "  - { name: B.c_d-e, component: a.wasm, within: 87600h, limits: { memory: 4GiB,\n"
         "      mailbox: 1000000 }, backoff: { initial: 0s, factor: 1000, max: 0s } }\n");
    assert_int_equal(node_at("/a")->spec->limits.memory_bytes, 65536);
    assert_int_equal(node_at("/B.c_d-e")->spec->limits.memory_bytes, UINT64_C(4) << 30);
}

static void
a_file_is_read_with_its_directory(void **state)
{
    (void)state;
    char path[128], here[4096];
    snprintf(path, sizeof path, "%s/airs.yaml", folder);
    FILE *file = fopen(path, "w");
    fputs("name: shop\nchildren: [{ name: a, component: a.wasm }]\n", file);
    fclose(file);

    forget();
    assert_int_equal(manifest_load(path, &manifest, &report, &error), AIRS_OK);
    assert_string_equal(manifest->directory, folder);
    assert_string_equal(manifest->file, path);

    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    forget();
    assert_int_equal(manifest_load("airs.yaml", &manifest, &report, &error), AIRS_OK);
    assert_string_equal(manifest->directory, ".");
    assert_string_equal(node_at("/a")->spec->file, "./a.wasm");
    assert_int_equal(chdir(here), 0);
    assert_int_equal(remove(path), 0);
}

static void
absolute_paths_stay_as_they_are(void **state)
{
    (void)state;
    char text[256], file[128];
    snprintf(file, sizeof file, "%s/a.wasm", folder);
    snprintf(text, sizeof text, "name: shop\nchildren: [{ name: a, component: \"%s\" }]\n", file);
    load(text);
    assert_string_equal(node_at("/a")->spec->file, file);
}

static void
byte_order_marks_and_line_ends_of_other_systems_are_read(void **state)
{
    (void)state;
    load("\xef\xbb\xbfname: shop\r\nchildren:\r\n  - name: a\r\n    component: a.wasm\r\n");
    assert_int_equal(node_at("/a")->line, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_component_without_keys_has_the_defaults_of_policy_and_spec),
        cmocka_unit_test(health_is_off_until_it_is_written_and_then_has_its_defaults),
        cmocka_unit_test(a_supervisor_without_keys_has_the_defaults_of_supervisors),
        cmocka_unit_test(the_tree_is_in_file_order_with_paths_and_counts),
        cmocka_unit_test(instances_of_a_count_share_one_spec_and_one_list_of_delays),
        cmocka_unit_test(a_count_of_one_is_numbered_too),
        cmocka_unit_test(every_value_of_a_component_is_read),
        cmocka_unit_test(blocks_of_text_are_read),
        cmocka_unit_test(restart_has_aliases),
        cmocka_unit_test(a_backoff_is_a_map_or_a_list),
        cmocka_unit_test(words_stand_for_durations_and_numbers),
        cmocka_unit_test(the_ends_of_each_range_are_allowed),
        cmocka_unit_test(a_file_is_read_with_its_directory),
        cmocka_unit_test(absolute_paths_stay_as_they_are),
        cmocka_unit_test(byte_order_marks_and_line_ends_of_other_systems_are_read),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
