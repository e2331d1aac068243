/* Manifest: the file into a tree.
 *
 * A load goes on after an error, to report all of them at once; so the tree may be in
 * parts until the end, when it is either complete, and then counted, numbered and given
 * its paths, or freed.
 */
#include "manifest/manifest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "manifest/manifest_order.h"
#include "manifest/reader.h"

#define INSTANCES_SPARE 64u /* Of the default of `max-instances`, with a quarter more. */

static void
read_application(struct reader *reader, const struct yaml_node *root)
{
    struct manifest *manifest = reader->manifest;

    if (!root) {
        manifest_report_add(reader->report, NULL, 0, 0, 0,
                            "the file is empty; a manifest has 'name' and 'children'");
        return;
    }
    if (root->kind != YAML_MAP) {
        reader_complain(reader, root, "a manifest is a map with 'name' and 'children', not %s",
                        yaml_node_what(root));
        return;
    }
    manifest->root = manifest_node_new(NULL, true);
    if (!manifest->root) {
        reader->out_of_memory = true;
        return;
    }
    manifest->root->line = 1;
    manifest->root->config =
        supervisor_config_with_restart(manifest->root->config, RESTART_TEMPORARY);
    reader_set_defaults(reader, manifest->root);
    reader_read_entry(reader, root, manifest->root);
    const struct yaml_node *children = yaml_map_find(root, "children");
    if (children) {
        reader_read_children(reader, children, manifest->root, 1);
        reader_check_max_children(reader, root, manifest->root);
    }
}

/* Supervisors from the root down to `path`. */
static unsigned
nesting_of(const char *path)
{
    unsigned nesting = 1;
    for (const char *at = path; *at; at++)
        nesting += *at == '/' && at[1] != '\0';
    return nesting;
}

/* One child, under a root that stands for the supervisor it is for. */
static void
read_fragment(struct reader *reader, const struct yaml_node *child,
              const struct manifest_parent *parent)
{
    struct manifest *manifest = reader->manifest;

    if (!child) {
        manifest_report_add(reader->report, NULL, 0, 0, 0,
                            "the file is empty; a child has 'name' and 'component'");
        return;
    }
    manifest->root = manifest_node_new(NULL, true);
    if (manifest->root)
        manifest->root->path = strdup(parent->path);
    if (!manifest->root || !manifest->root->path) {
        reader->out_of_memory = true;
        return;
    }
    manifest->root->config.node = *parent->policy;
    reader_read_child(reader, child, manifest->root, nesting_of(parent->path));
}

static bool
give_path(struct manifest_node *node)
{
    bool is_top = !node->parent || strcmp(node->parent->path, "/") == 0;
    if (asprintf(&node->path, "%s/%s", is_top ? "" : node->parent->path,
                 node->parent ? node->name : "") >= 0)
        return true;
    node->path = NULL;
    return false;
}

/* Paths, counts, and the default that follows from them; false when out of memory. */
static bool
complete(struct manifest *manifest)
{
    uint64_t wanted = 0; /* By all max-children, and the components. */
    for (const struct manifest_node *at = manifest->root; at; at = manifest_next(at)) {
        struct manifest_node *node = at->parent ? at->parent->children[at->index] : manifest->root;
        if (!node->path && !give_path(node))
            return false;
        manifest->components += !node->config.is_supervisor;
        manifest->supervisors += node->config.is_supervisor && node->parent;
        wanted += node->config.node.max_children;
    }
    manifest->max_instances_set = manifest->max_instances;
    wanted += manifest->components;
    uint64_t instances = wanted + (wanted + 3) / 4 + INSTANCES_SPARE;
    if (manifest->max_instances == 0)
        manifest->max_instances =
            instances < MANIFEST_INSTANCES_MAX ? (uint32_t)instances : MANIFEST_INSTANCES_MAX;
    return true;
}

/* Text that libfyaml may see: UTF-8 without NUL. */
static bool
is_clean_text(struct manifest_report *report, const char *text, size_t size)
{
    const char *nul = memchr(text, '\0', size);
    size_t valid = utf8_valid_size(text, size);

    if (nul && (size_t)(nul - text) <= valid)
        manifest_report_add(report, text, size, (size_t)(nul - text), 1,
                            "a NUL byte; a manifest is UTF-8 text");
    else if (valid < size)
        manifest_report_add(report, text, size, valid, 1,
                            "the byte 0x%02x is not UTF-8 here; a manifest is UTF-8 text",
                            (unsigned char)text[valid]);
    else
        return true;
    return false;
}

static enum airs_status
order(struct reader *reader)
{
    manifest_order(reader);
    if (reader->out_of_memory)
        return AIRS_ENOMEM;
    return reader->report->errors_total > 0 ? AIRS_EINVAL : AIRS_OK;
}

/* `parent` NULL: a whole manifest. */
static enum airs_status
fill(struct manifest *manifest, const char *text, size_t size, const struct manifest_parent *parent,
     struct manifest_report *report)
{
    struct reader reader = {
        .text = text, .text_size = size, .report = report, .manifest = manifest, .parent = parent
    };
    struct yaml_tree tree = { 0 };

    if (size > MANIFEST_BYTES_MAX) {
        manifest_report_add(report, NULL, 0, 0, 0, "the file is larger than %u bytes",
                            MANIFEST_BYTES_MAX);
        return AIRS_ELIMIT;
    }
    if (!is_clean_text(report, text, size))
        return AIRS_EINVAL;
    enum airs_status status = yaml_tree_parse(&tree, text, size, report);
    if (status == AIRS_OK) {
        if (parent)
            read_fragment(&reader, tree.root, parent);
        else
            read_application(&reader, tree.root);
        if (reader.out_of_memory)
            status = AIRS_ENOMEM;
        else if (report->errors_total > 0)
            status = AIRS_EINVAL;
        else
            status = complete(manifest) ? AIRS_OK : AIRS_ENOMEM;
        if (status == AIRS_OK)
            status = order(&reader);
    }
    manifest_order_deinit(&reader);
    yaml_tree_deinit(&tree);
    return status;
}

/* The report's first error, or that memory ran out, as the one line of `error`. */
static enum airs_status
fail_with_report(const struct manifest_report *report, const char *file, enum airs_status status,
                 struct airs_error *error)
{
    if (status == AIRS_ENOMEM || report->errors_size == 0)
        return fail(error, status, "%s: %s", file, airs_status_text(status));
    const struct manifest_error *first = &report->errors[0];
    if (first->line == 0)
        return fail(error, status, "%s: %s", file, first->message);
    return fail(error, status, "%s:%u:%u: %s", file, first->line, first->column, first->message);
}

static enum airs_status
parse(const char *text, size_t size, const char *file, const char *directory,
      const struct manifest_parent *parent, struct manifest **manifest_out,
      struct manifest_report *report, struct airs_error *error)
{
    assert((text || size == 0) && file && directory && directory[0] && manifest_out && report);

    struct manifest *manifest = calloc(1, sizeof *manifest);
    enum airs_status status = AIRS_ENOMEM;
    if (!manifest)
        goto out;
    atomic_init(&manifest->references, 1);
    manifest->file = strdup(file);
    manifest->directory = strdup(directory);
    if (!manifest->file || !manifest->directory || !manifest_report_set_file(report, file))
        goto out;
    status = fill(manifest, size > 0 ? text : "", size, parent, report);
    manifest_report_sort(report);
out:
    if (status != AIRS_OK) {
        manifest_free(manifest);
        return fail_with_report(report, file, status, error);
    }
    *manifest_out = manifest;
    return AIRS_OK;
}

enum airs_status
manifest_parse(const char *text, size_t size, const char *file, const char *directory,
               struct manifest **manifest_out, struct manifest_report *report,
               struct airs_error *error)
{
    return parse(text, size, file, directory, NULL, manifest_out, report, error);
}

enum airs_status
manifest_parse_child(const char *text, size_t size, const char *file, const char *directory,
                     const struct manifest_parent *parent, struct manifest **manifest_out,
                     struct manifest_report *report, struct airs_error *error)
{
    assert(parent && parent->path && parent->policy && parent->find);
    return parse(text, size, file, directory, parent, manifest_out, report, error);
}
