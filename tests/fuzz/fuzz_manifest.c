/* Any bytes as a manifest: either errors, or a tree whose effective values read as themselves.
 *
 * Components are looked for where this program's own file is found under the name "exe".
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/effective.h"
#include "manifest/manifest.h"

#define DIRECTORY "/proc/self"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 leaks 4 KiB for a text in single quotes that has sixteen doubled ones or more. */
const char *
__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

/* The manifest in `text`, or NULL; what it reports is written out, too. */
static struct manifest *
parse(const char *text, size_t size)
{
    struct manifest *manifest = NULL;
    struct manifest_report report;
    struct airs_error error = { 0 };
    struct buffer shown;

    manifest_report_init(&report);
    buffer_init(&shown, 0);
    enum airs_status status =
        manifest_parse(text, size, "airs.yaml", DIRECTORY, &manifest, &report, &error);
    assert((status == AIRS_OK) == (report.errors_total == 0));
    assert((status == AIRS_OK) == (manifest != NULL));
    assert(manifest_report_write_text(&report, &shown));
    assert(manifest_report_write_json(&report, &shown));
    buffer_deinit(&shown);
    manifest_report_deinit(&report);
    return manifest;
}

static void
write_and_read_again(const struct manifest *manifest)
{
    struct buffer first, second;

    buffer_init(&first, 0);
    buffer_init(&second, 0);
    assert(effective_write_yaml(manifest, &first));
    assert(effective_write_json(manifest, &second));
    buffer_deinit(&second);
    if (first.size <= MANIFEST_BYTES_MAX) {
        struct manifest *again = parse(first.data, first.size);
        assert(again);
        assert(effective_write_yaml(again, &second));
        assert(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
        manifest_free(again);
    }
    buffer_deinit(&first);
    buffer_deinit(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    assert(text);
    if (size > 0)
        memcpy(text, data, size);
    struct manifest *manifest = parse(text, size);
    if (manifest)
        write_and_read_again(manifest);
    manifest_free(manifest);
    free(text);
    return 0;
}
