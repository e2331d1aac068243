/* Effective values: written out, they are the same manifest again. */
#include "manifest_testing.h"

#include <jansson.h>

#include "manifest/effective.h"

static struct buffer first, second;

/* A manifest with every form of every value. */
static const char all_forms[] =
    "name: shop\n"
    "max-concurrent-starts: 3\n"
    "intensity: { max-restarts: 20, within: 1m }\n"
    "strategy: rest-for-one\n"
    "children:\n"
    "  - { name: plain, component: a.wasm }\n"
    "  - name: full\n"
    "    component: sub/c.wasm\n"
    "    restart: on-failure\n"
    "    max-restarts: unlimited\n"
    "    within: 90s\n"
    "    on-exhausted: escalate\n"
    "    backoff: { factor: 1.1, jitter: +7%, reset-after: never }\n"
    "    shutdown: kill\n"
    "    limits: { memory: 65537B, call-timeout: 1ms, cpu-timeout: infinity, mailbox: 7,\n"
    "              on-full: drop-oldest }\n"
    "    args: [--port, \"80\", \"\", yes, \"true\", \"0x1\", a b, \"a\\nb\", \"caf\\u00e9\", "
    "\"#x\", \"5s\"]\n"
    "    environment: { MODE: production, \"strange name\": \"5\", \"y\": \"~\", E: \"\" }\n"
    "    stdin: open\n"
    "    on-exit: [{ reason: trap, code: unreachable, do: fail }, { reason: error, code: 64-78, "
    "do: stop },\n"
    "              { reason: error, code: 3, do: escalate }, { reason: load-error, do: restart }]\n"
    "    success-codes: [0, 40-49]\n"
    "    significant: true\n"
    "    config: \"two\\nlines: \\\"quoted\\\" \\\\ \\t end\"\n"
    "  - name: web\n"
    "    restart: temporary\n"
    "    strategy: one-for-all\n"
    "    auto-shutdown: any\n"
    "    shutdown: 5us\n"
    "    backoff: { strategy: linear, initial: 0s, max: 1h }\n"
    "    children:\n"
    "      - { name: \"1e3\", component: b.wasm, count: 3, backoff: [0s, 1ms, 2h] }\n"
    "      - { name: now, component: b.wasm, count: 1, backoff: { strategy: immediate } }\n"
    "      - { name: \"no\", component: b.wasm, limits: { call-timeout: 1s } }\n"
    "  - { name: last, component: b.wasm }\n";

static void
write_yaml(struct buffer *out)
{
    buffer_deinit(out);
    buffer_init(out, 0);
    assert_true(effective_write_yaml(manifest, out));
}

static void
the_yaml_of_a_manifest_reads_as_the_same_manifest(void **state)
{
    (void)state;
    load(all_forms);
    write_yaml(&first);
    load(first.data);
    write_yaml(&second);
    assert_string_equal(first.data, second.data);

    const struct component_spec *spec = node_at("/full")->spec;
    static const char *const args[] = { "--port", "80",          "",   "yes", "true", "0x1", "a b",
                                        "a\nb",   "caf\xc3\xa9", "#x", "5s" };
    assert_int_equal(spec->args_size, sizeof args / sizeof args[0]);
    for (size_t i = 0; i < spec->args_size; i++)
        assert_string_equal(spec->args[i], args[i]);
    assert_string_equal(spec->config, "two\nlines: \"quoted\" \\ \t end");
    assert_string_equal(spec->environment[1].name, "strange name");
    assert_int_equal(spec->limits.memory_bytes, 65537);
    assert_int_equal(node_at("/web/1e3#3")->config.policy.backoff.list_us[2], UINT64_C(7200000000));
    assert_int_equal(node_at("/web/now#1")->instance, 1);
    const struct supervisor_config *root = &node_at("/")->config;
    assert_int_equal(root->node.strategy, STRATEGY_REST_FOR_ONE);
    assert_int_equal(root->node.max_restarts, 20);
    assert_int_equal(root->node.within_us, 60000000);
    assert_int_equal(node_at("/web")->config.node.auto_shutdown, AUTO_SHUTDOWN_ANY);
    const struct child_policy *full = &node_at("/full")->config.policy;
    assert_int_equal(full->rules_size, 4);
    assert_int_equal(full->rules[1].codes.last, 78);
    assert_int_equal(full->success[1].first, 40);
    assert_true(full->significant);
    /* The default under a group strategy. */
    assert_int_equal(node_at("/plain")->config.policy.on_exhausted, ON_EXHAUSTED_ESCALATE);
    assert_int_equal(node_at("/web")->config.policy.shutdown_us, 5);
}

static void
every_default_is_written(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "name: shop\n",
        "strategy: one-for-one\n",
        "# intensity: none\n",
        "auto-shutdown: never\n",
        "    significant: false\n",
        "# max-concurrent-starts: 4 for each worker\n",
        "max-instances: 66\n",
        "  - name: a\n",
        "    component: a.wasm\n",
        "    args: []\n",
        "    restart: permanent\n",
        "    max-restarts: 3\n",
        "    within: 1m\n",
        "    on-exhausted: fail\n",
        "      strategy: exponential\n",
        "      initial: 100ms\n",
        "      factor: 1.5\n",
        "      max: 30s\n",
        "      jitter: 10%\n",
        "      reset-after: 1m\n",
        "    shutdown: 5s\n",
        "    start-timeout: 10s\n",
        "      memory: 64MiB\n",
        "      # call-timeout: 30s for an actor, infinity for a command\n",
        "      # cpu-timeout: 5s for an actor, infinity for a command\n",
        "      mailbox: 1024\n",
        "      on-full: reject\n",
        "      redeliver: 0\n",
        "    environment: {}\n",
        "    stdin: empty\n",
    };
    load("name: shop\nchildren: [{ name: a, component: a.wasm }]\n");
    write_yaml(&first);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!strstr(first.data, lines[i]))
            print_error("not written: %s%s", lines[i], first.data);
        assert_non_null(strstr(first.data, lines[i]));
    }
}

static void
a_list_of_delays_tells_its_jitter_in_a_comment(void **state)
{
    (void)state;
    load("name: shop\nchildren: [{ name: a, component: a.wasm, within: 5s, backoff: [1s] }]\n");
    write_yaml(&first);
    assert_non_null(strstr(first.data, "    backoff: [1s]\n"
                                       "    # backoff's jitter: 10%\n"
                                       "    # backoff's reset-after: 5s\n"));
}

static void
as_json_it_is_one_object_on_one_line(void **state)
{
    (void)state;
    load("name: shop\n"
         "children:\n"
         "  - { name: a, component: a.wasm, count: 2, backoff: { factor: 1.1 } }\n"
         "  - { name: w, children: [{ name: b, component: b.wasm }] }\n");
    buffer_deinit(&first);
    buffer_init(&first, 0);
    assert_true(effective_write_json(manifest, &first));
    assert_ptr_equal(strchr(first.data, '\n'), first.data + first.size - 1);
    assert_null(strchr(first.data, '#'));
    assert_non_null(strstr(first.data, "\"factor\":1.1,"));

    json_t *object = json_loads(first.data, 0, NULL);
    assert_non_null(object);
    json_t *children = json_object_get(object, "children");
    json_t *a = json_array_get(children, 0), *w = json_array_get(children, 1);
    assert_int_equal(json_array_size(children), 2);
    assert_string_equal(json_string_value(json_object_get(a, "name")), "a");
    assert_int_equal(json_integer_value(json_object_get(a, "count")), 2);
    assert_string_equal(json_string_value(json_object_get(w, "shutdown")), "infinity");
    assert_null(json_object_get(w, "limits"));
    assert_int_equal(json_integer_value(json_object_get(object, "max-instances")), 68);
    json_decref(object);
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
    load("name: shop\n"
         "children:\n"
         "  - { name: a, component: a.wasm, args: [x], environment: { A: b }, backoff: [1s] }\n"
         "  - { name: w, children: [{ name: b, component: b.wasm, config: \"a b\" }] }\n");
    bool (*const writers[])(const struct manifest *, struct buffer *) = { effective_write_yaml,
                                                                          effective_write_json };
    for (size_t i = 0; i < 2; i++) {
        bool done = false;
        long n;
        for (n = 0; !done && n < 10000; n++) {
            buffer_deinit(&first);
            buffer_init(&first, 0);
            allocations_left = n;
            json_set_alloc_funcs(failing_malloc, free);
            done = writers[i](manifest, &first);
            json_set_alloc_funcs(malloc, free);
            assert_true(done == (allocations_left >= 0));
        }
        assert_true(done);
        assert_true(n > 50);
    }
}

static int
release(void **state)
{
    buffer_deinit(&first);
    buffer_deinit(&second);
    return remove_folder(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_yaml_of_a_manifest_reads_as_the_same_manifest),
        cmocka_unit_test(every_default_is_written),
        cmocka_unit_test(a_list_of_delays_tells_its_jitter_in_a_comment),
        cmocka_unit_test(as_json_it_is_one_object_on_one_line),
        cmocka_unit_test(memory_that_runs_out_anywhere_is_reported),
    };
    return cmocka_run_group_tests(tests, make_folder, release);
}
