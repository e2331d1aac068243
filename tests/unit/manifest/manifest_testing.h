/* What the tests of manifests share: a folder with component files, and loading from text. */
#ifndef MANIFEST_TESTING_H
#define MANIFEST_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

#include "manifest/manifest.h"

/* What the last load gave; freed by the next one. */
static struct manifest *manifest;
static struct manifest_report report;
static struct airs_error error;
static char folder[64];

static inline void
forget(void)
{
    manifest_free(manifest);
    manifest = NULL;
    manifest_report_deinit(&report);
    error = (struct airs_error){ 0 };
}

static inline enum airs_status
load_bytes(const char *text, size_t size)
{
    forget();
    return manifest_parse(text, size, "airs.yaml", folder, &manifest, &report, &error);
}

static inline void
print_report(void)
{
    struct buffer text;
    buffer_init(&text, 0);
    if (manifest_report_write_text(&report, &text) && text.data)
        print_message("%s", text.data);
    buffer_deinit(&text);
}

/* Loads a manifest that must be good. */
static inline void
load(const char *text)
{
    enum airs_status status = load_bytes(text, strlen(text));
    if (status != AIRS_OK)
        print_report();
    assert_int_equal(status, AIRS_OK);
    assert_non_null(manifest);
    assert_int_equal(report.errors_total, 0);
}

static inline const struct manifest_node *
node_at(const char *path)
{
    for (const struct manifest_node *node = manifest->root; node; node = manifest_next(node))
        if (strcmp(node->path, path) == 0)
            return node;
    print_error("no node at %s\n", path);
    _fail(__FILE__, __LINE__);
    return NULL;
}

/* Whether the report has an error at that place that contains `words`. */
static inline bool
is_reported(unsigned line, unsigned column, const char *words)
{
    for (size_t i = 0; i < report.errors_size; i++)
        if (report.errors[i].line == line && report.errors[i].column == column &&
            strstr(report.errors[i].message, words))
            return true;
    return false;
}

static inline void
assert_reported(unsigned line, unsigned column, const char *words)
{
    if (is_reported(line, column, words))
        return;
    print_report();
    print_error("not reported at %u:%u: %s\n", line, column, words);
    _fail(__FILE__, __LINE__);
}

/* Loads a manifest that must be bad for this one reason. */
static inline void
assert_refused(const char *text, unsigned line, unsigned column, const char *words)
{
    assert_int_equal(load_bytes(text, strlen(text)), AIRS_EINVAL);
    assert_null(manifest);
    assert_reported(line, column, words);
    if (report.errors_total != 1)
        print_report();
    assert_int_equal(report.errors_total, 1);
    assert_int_equal(error.status, AIRS_EINVAL);
}

static inline void
touch(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

/* A folder with a.wasm, b.wasm and sub/c.wasm. */
static inline int
make_folder(void **state)
{
    (void)state;
    char path[128];
    snprintf(folder, sizeof folder, "/tmp/airs-manifest-XXXXXX");
    assert_non_null(mkdtemp(folder));
    touch("a.wasm");
    touch("b.wasm");
    snprintf(path, sizeof path, "%s/sub", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    touch("sub/c.wasm");
    manifest_report_init(&report);
    return 0;
}

static inline int
remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = { "a.wasm", "b.wasm", "sub/c.wasm", "sub", "" };
    forget();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

#endif
