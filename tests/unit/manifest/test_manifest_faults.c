/* Memory that runs out: the n-th allocation of the reader fails, for every n.
 *
 * The sources are taken in with their allocations renamed; libfyaml keeps its own.
 */
#include <errno.h>
#include <jansson.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long allocations_left = -1; /* Negative: none fails. */

static bool
may_allocate(void)
{
    return allocations_left < 0 || allocations_left-- > 0;
}

static void *
failing_calloc(size_t n, size_t size)
{
    return may_allocate() ? calloc(n, size) : NULL;
}

static void *
failing_malloc(size_t size)
{
    return may_allocate() ? malloc(size) : NULL;
}

static void *
failing_realloc(void *memory, size_t size)
{
    return may_allocate() ? realloc(memory, size) : NULL;
}

static char *
failing_strdup(const char *text)
{
    return may_allocate() ? strdup(text) : NULL;
}

static char *
failing_strndup(const char *text, size_t size)
{
    return may_allocate() ? strndup(text, size) : NULL;
}

static int
failing_asprintf(char **text_out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = may_allocate() ? vasprintf(text_out, format, arguments) : -1;
    va_end(arguments);
    return size;
}

#define calloc failing_calloc
#define malloc failing_malloc
#define realloc failing_realloc
#define strdup failing_strdup
#define strndup failing_strndup
#define asprintf failing_asprintf
#include "base/map.c"
#include "component/component_spec.c"
#include "manifest/manifest.c"
#include "manifest/manifest_node.c"
#include "manifest/manifest_report.c"
#include "manifest/reader.c"
#include "manifest/reader_children.c"
#include "manifest/reader_text.c"
#include "manifest/yaml_tree.c"
#undef calloc
#undef malloc
#undef realloc
#undef strdup
#undef strndup
#undef asprintf

#include "manifest_testing.h"

/* Fails one allocation after the other until none is left to fail; returns how many. */
static long
fail_each(const char *text, enum airs_status expected)
{
    for (long n = 0; n < 100000; n++) {
        forget();
        allocations_left = n;
        enum airs_status status =
            manifest_parse(text, strlen(text), "airs.yaml", folder, &manifest, &report, &error);
        bool none_failed = allocations_left > 0;
        allocations_left = -1;
        assert_true(status == expected || status == AIRS_ENOMEM);
        assert_true((status == AIRS_OK) == (manifest != NULL));
        assert_true(status == AIRS_OK || error.message[0] != '\0');
        if (none_failed) {
            assert_int_equal(status, expected);
            return n;
        }
    }
    return -1;
}

static void
a_good_manifest_is_read_or_memory_ran_out(void **state)
{
    (void)state;
    long n = fail_each("name: shop\n"
                       "children:\n"
                       "  - { name: a, component: a.wasm, args: [x, y], config: text }\n"
                       "  - { name: b, component: b.wasm, count: 5, backoff: [0s, 1s] }\n"
                       "  - name: w\n"
                       "    children:\n"
                       "      - { name: c, component: a.wasm, environment: { A: b, C: d } }\n",
                       AIRS_OK);
    assert_true(n > 50);
}

static void
a_bad_manifest_is_refused_or_memory_ran_out(void **state)
{
    (void)state;
    long n = fail_each("name: shop\n"
                       "children:\n"
                       "  - { name: a, component: a.wasm, args: [x, 5], restrat: no }\n"
                       "  - { name: a, component: gone.wasm, backoff: [0s, soon] }\n",
                       AIRS_EINVAL);
    assert_true(n > 10);
}

static void
dependencies_are_resolved_or_refused_or_memory_ran_out(void **state)
{
    (void)state;
    long n = fail_each("name: shop\n"
                       "children:\n"
                       "  - { name: a, component: a.wasm, depends-on: [/b, /w/c] }\n"
                       "  - { name: b, component: b.wasm, count: 3 }\n"
                       "  - name: w\n"
                       "    children:\n"
                       "      - { name: c, component: a.wasm, depends-on: [/b] }\n",
                       AIRS_OK);
    assert_true(n > 40);
    n = fail_each("name: shop\n"
                  "children:\n"
                  "  - { name: a, component: a.wasm, depends-on: [/b, /cc] }\n"
                  "  - { name: b, component: b.wasm, depends-on: [/a] }\n"
                  "  - { name: c, component: b.wasm }\n",
                  AIRS_EINVAL);
    assert_true(n > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_manifest_is_read_or_memory_ran_out),
        cmocka_unit_test(a_bad_manifest_is_refused_or_memory_ran_out),
        cmocka_unit_test(dependencies_are_resolved_or_refused_or_memory_ran_out),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
