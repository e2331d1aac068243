/* Hostile manifests: each limit has its error, and no input ends the reader. */
#include "manifest_testing.h"

#include "base/buffer.h"
#include "manifest/schema.h"
#include "manifest/yaml_tree.h"

static struct buffer text;

static void
begin(const char *start)
{
    buffer_deinit(&text);
    buffer_init(&text, 0);
    assert_true(buffer_append_text(&text, start));
}

static void
add(const char *part, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_true(buffer_append_text(&text, part));
}

static void
assert_text_refused(const char *words)
{
    assert_int_equal(load_bytes(text.data, text.size), AIRS_EINVAL);
    assert_null(manifest);
    for (size_t i = 0; i < report.errors_size; i++)
        if (strstr(report.errors[i].message, words))
            return;
    print_report();
    print_error("not reported: %s\n", words);
    _fail(__FILE__, __LINE__);
}

static void
empty_files_are_refused(void **state)
{
    (void)state;
    static const char *const empties[] = { "", "\n\n", "# nothing\n", "\xef\xbb\xbf" };
    for (size_t i = 0; i < sizeof empties / sizeof empties[0]; i++) {
        begin(empties[i]);
        assert_text_refused("the file is empty");
    }
    assert_int_equal(load_bytes(NULL, 0), AIRS_EINVAL);
    begin("---\n");
    assert_text_refused("not nothing");
}

static void
deep_nesting_is_refused(void **state)
{
    (void)state;
    begin("");
    add("[", 1000000);
    assert_text_refused("nested more than 64 levels deep");
    begin("");
    add("{a: ", 100000);
    assert_text_refused("nested more than 64 levels deep");
    begin("");
    for (int i = 0; i < 1000; i++) {
        assert_true(buffer_printf(&text, "%*sa:\n", i, ""));
    }
    assert_text_refused("nested more than 64 levels deep");
}

static void
deep_supervisors_are_refused(void **state)
{
    (void)state;
    for (unsigned depth = MANIFEST_NESTING_MAX; depth <= MANIFEST_NESTING_MAX + 1; depth++) {
        begin("{ name: s, children: [");
        add("{ name: s, children: [", depth - 1);
        add("{ name: a, component: a.wasm }", 1);
        add("] }", depth);
        if (depth == MANIFEST_NESTING_MAX)
            load(text.data);
        else
            assert_text_refused("supervisors are nested more than 16 deep");
    }
}

static void
a_billion_laughs_are_refused_at_the_first(void **state)
{
    (void)state;
    begin("a: &a [lol, lol]\n");
    for (char c = 'b'; c < 'z'; c++)
        assert_true(buffer_printf(&text, "%c: &%c [*%c, *%c, *%c]\n", c, c, c - 1, c - 1, c - 1));
    assert_text_refused("anchors ('&name') are not allowed");
    assert_int_equal(report.errors_total, 1);
}

static void
too_many_values_are_refused(void **state)
{
    (void)state;
    begin("name: s\nchildren: [");
    add("0,", YAML_NODES_MAX);
    add("]", 1);
    assert_text_refused("more than 500000 values in one file");
}

static void
too_many_keys_are_refused(void **state)
{
    (void)state;
    begin("");
    for (unsigned i = 0; i <= YAML_PAIRS_MAX; i++)
        assert_true(buffer_printf(&text, "k%u: 1\n", i));
    assert_text_refused("more than 1024 keys in one map");
}

static void
too_many_children_are_refused(void **state)
{
    (void)state;
    begin("name: s\nchildren:\n"
          "  - { name: a, component: a.wasm, count: 100000 }\n"
          "  - { name: b, component: a.wasm }\n");
    assert_text_refused("more than 100000 children in one manifest");
    assert_reported(4, 5, "more than 100000 children");

    begin("name: s\nchildren: [{ name: a, component: a.wasm, count: 100000 }]\n");
    load(text.data);
    assert_int_equal(manifest->components, MANIFEST_CHILDREN_MAX);
    assert_int_equal(manifest->max_instances, 125064);
}

static void
long_texts_are_refused(void **state)
{
    (void)state;
    begin("name: s\nchildren: [{ name: a, component: a.wasm, args: [\"");
    add("x", SCHEMA_VALUE_BYTES_MAX + 1);
    add("\"] }]", 1);
    assert_text_refused("'args': this text has 131073 bytes; the limit is 131072");

    begin("name: s\nchildren: [{ name: a, component: a.wasm, config: \"");
    add("x", YAML_TEXT_BYTES_MAX + 1);
    add("\" }]", 1);
    assert_text_refused("this text has 1048577 bytes; the limit is 1048576");

    begin("name: s\n\"");
    add("k", YAML_KEY_BYTES_MAX + 1);
    add("\": 1\n", 1);
    assert_text_refused("this key has 257 bytes; the limit is 256");
}

static void
long_lists_are_refused(void **state)
{
    (void)state;
    begin("name: s\nchildren: [{ name: a, component: a.wasm, args: [");
    add("x,", COMPONENT_ARGS_MAX + 1);
    add("] }]", 1);
    assert_text_refused("'args' has 1025 items; the limit is 1024");

    begin("name: s\nchildren: [{ name: a, component: a.wasm, backoff: [");
    add("1s,", BACKOFF_LIST_MAX + 1);
    add("] }]", 1);
    assert_text_refused("a list has 1 to 64 delays, not 65");
}

static void
nul_bytes_and_characters_are_refused(void **state)
{
    (void)state;
    static const char bytes[] = "name: s\nchildren: \0[]\n";
    assert_int_equal(load_bytes(bytes, sizeof bytes - 1), AIRS_EINVAL);
    assert_reported(2, 11, "a NUL byte");

    begin("name: \"s\\0\"\nchildren: []\n");
    assert_text_refused("text must not contain a NUL character");
}

static void
what_is_no_utf8_is_refused_at_its_byte(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "name: \xc3\xa9\n# \xff",             /* no first byte */
        "name: \xc3\xa9\n# \xc0\xaf",         /* overlong */
        "name: \xc3\xa9\n# \xe0\x80\xaf",     /* overlong */
        "name: \xc3\xa9\n# \xed\xa0\x80",     /* a surrogate */
        "name: \xc3\xa9\n# \xf4\x90\x80\x80", /* past the last code point */
        "name: \xc3\xa9\n# \xe2\x82",         /* cut short */
        "name: \xc3\xa9\n# \x80",             /* a continuation alone */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(bad[i]);
        assert_text_refused("is not UTF-8 here");
        assert_reported(2, 3, "is not UTF-8 here");
    }
    static const char wide[] = "\xff\xfen\0a\0m\0e\0"; /* UTF-16 */
    assert_int_equal(load_bytes(wide, sizeof wide - 1), AIRS_EINVAL);
    assert_reported(1, 1, "is not UTF-8 here");
}

static void
only_twenty_errors_are_kept_and_the_rest_counted(void **state)
{
    (void)state;
    begin("name: s\nchildren:\n");
    for (int i = 0; i < 50; i++)
        assert_true(buffer_printf(&text, "  - { name: n%d, component: missing.wasm }\n", i));
    assert_text_refused("no such file");
    assert_int_equal(report.errors_size, MANIFEST_ERRORS_MAX);
    assert_int_equal(report.errors_total, 50);

    struct buffer shown;
    buffer_init(&shown, 0);
    assert_true(manifest_report_write_text(&report, &shown));
    assert_non_null(strstr(shown.data, "airs.yaml: and 30 more errors\n"));
    buffer_deinit(&shown);
}

static void
a_manifest_cut_short_anywhere_is_no_harm(void **state)
{
    (void)state;
    begin("name: shop\nchildren:\n  - name: a\n    component: a.wasm\n"
          "    backoff: { strategy: linear, initial: 1s, jitter: +5% }\n"
          "    args: [\"a\\u00e9\", 'b']\n    environment: { A: \"x\" }\n    config: |\n      x\n"
          "  - { name: w, children: [{ name: b, component: b.wasm, count: 2 }] }\n");
    for (size_t size = 0; size <= text.size; size++) {
        char *exact = malloc(size + 1); /* So that a read past the end is found. */
        assert_non_null(exact);
        memcpy(exact, text.data, size);
        enum airs_status status = load_bytes(exact, size);
        assert_true(status == AIRS_EINVAL || status == AIRS_OK);
        assert_true((status == AIRS_OK) == (report.errors_total == 0));
        free(exact);
    }
    assert_non_null(manifest);
}

static void
any_byte_in_any_place_is_no_harm(void **state)
{
    (void)state;
    begin("name: s\nchildren:\n  - { name: a, component: a.wasm, within: 5s, args: [x] }\n");
    for (size_t at = 0; at < text.size; at++) {
        char kept = text.data[at];
        for (int byte = 0; byte < 256; byte += 5) {
            text.data[at] = (char)byte;
            enum airs_status status = load_bytes(text.data, text.size);
            assert_true(status == AIRS_EINVAL || status == AIRS_OK);
        }
        text.data[at] = kept;
    }
}

static void
files_that_are_none_are_refused(void **state)
{
    (void)state;
    char path[128];

    forget();
    assert_int_equal(manifest_load("/nonexistent/airs.yaml", &manifest, &report, &error),
                     AIRS_ENOENT);
    assert_string_equal(error.message, "/nonexistent/airs.yaml: no such file");
    assert_int_equal(report.errors_total, 1);
    assert_int_equal(report.errors[0].line, 0);
    forget();
    assert_int_equal(manifest_load(folder, &manifest, &report, &error), AIRS_EINVAL);
    assert_non_null(strstr(error.message, "not a file"));
    forget();
    assert_int_equal(manifest_load("/dev/zero", &manifest, &report, &error), AIRS_EINVAL);

    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    forget();
    assert_int_equal(manifest_load(path, &manifest, &report, &error),
                     AIRS_EINVAL); /* Does not wait. */
    assert_int_equal(remove(path), 0);
}

static void
a_file_past_its_limit_is_refused(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/large.yaml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), MANIFEST_BYTES_MAX + 1), 0);
    fclose(file);
    forget();
    assert_int_equal(manifest_load(path, &manifest, &report, &error), AIRS_ELIMIT);
    assert_int_equal(truncate(path, MANIFEST_BYTES_MAX), 0);
    forget();
    assert_int_equal(manifest_load(path, &manifest, &report, &error), AIRS_EINVAL); /* NULs. */
    assert_int_equal(remove(path), 0);
}

static int
release(void **state)
{
    buffer_deinit(&text);
    return remove_folder(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_files_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(deep_supervisors_are_refused),
        cmocka_unit_test(a_billion_laughs_are_refused_at_the_first),
        cmocka_unit_test(too_many_values_are_refused),
        cmocka_unit_test(too_many_keys_are_refused),
        cmocka_unit_test(too_many_children_are_refused),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(long_lists_are_refused),
        cmocka_unit_test(nul_bytes_and_characters_are_refused),
        cmocka_unit_test(what_is_no_utf8_is_refused_at_its_byte),
        cmocka_unit_test(only_twenty_errors_are_kept_and_the_rest_counted),
        cmocka_unit_test(a_manifest_cut_short_anywhere_is_no_harm),
        cmocka_unit_test(any_byte_in_any_place_is_no_harm),
        cmocka_unit_test(files_that_are_none_are_refused),
        cmocka_unit_test(a_file_past_its_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, release);
}
