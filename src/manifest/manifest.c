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
#include "base/map.h"
#include "base/utf8.h"
#include "manifest/manifest_order.h"
#include "manifest/reader.h"

#define INSTANCES_SPARE 64u /* Of the default of `max-instances`, with a quarter more. */

static void
node_free(struct manifest_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->children_size; i++)
        node_free(node->children[i]);
    component_spec_unref(node->spec);
    free(node->children);
    free(node->backoff_list_us);
    free(node->rules);
    free(node->success);
    for (size_t i = 0; i < node->depends_on_size; i++)
        free(node->depends_on[i]);
    free(node->depends_on);
    free(node->dependencies);
    free(node->name);
    free(node->path);
    free(node);
}

void
manifest_free(struct manifest *manifest)
{
    if (!manifest ||
        atomic_fetch_sub_explicit(&manifest->references, 1, memory_order_acq_rel) > 1)
        return;
    node_free(manifest->root);
    for (size_t i = 0; i < manifest->outside_size; i++)
        free(manifest->outside[i]);
    free(manifest->outside);
    free(manifest->file);
    free(manifest->directory);
    free(manifest);
}

struct manifest *
manifest_ref(struct manifest *manifest)
{
    atomic_fetch_add_explicit(&manifest->references, 1, memory_order_relaxed);
    return manifest;
}

/* A node with the defaults of its kind, under `parent`; NULL when out of memory. */
static struct manifest_node *
node_new(struct manifest_node *parent, bool is_supervisor)
{
    struct manifest_node *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->parent = parent;
    node->count = 1;
    node->config =
        is_supervisor ? supervisor_config_default_supervisor() : supervisor_config_default();
    if (!is_supervisor) {
        node->spec = component_spec_new();
        if (!node->spec) {
            free(node);
            return NULL;
        }
    }
    return node;
}

/* Makes `child` the last of `parent`; false when out of memory. */
static bool
node_add(struct manifest_node *parent, struct manifest_node *child)
{
    size_t size = parent->children_size;
    if ((size & (size - 1)) == 0) { /* Full at each power of two. */
        struct manifest_node **children =
            realloc(parent->children, (size ? size * 2 : 1) * sizeof *children);
        if (!children)
            return false;
        parent->children = children;
    }
    child->index = size;
    parent->children[parent->children_size++] = child;
    return true;
}

/* ---- Children ---- */

static void read_children(struct reader *reader, const struct yaml_node *list,
                          struct manifest_node *parent, unsigned nesting);

/* Further instances of an entry with `count`; they share its spec, delays and rules. */
static bool
add_instances(struct manifest_node *parent, struct manifest_node *first)
{
    char *base = first->name;

    first->instance = 1;
    if (asprintf(&first->name, "%s#1", base) < 0)
        first->name = NULL;
    bool done = first->name != NULL;
    for (uint32_t i = 2; i <= first->count && done; i++) {
        struct manifest_node *node = malloc(sizeof *node);
        if (!node) {
            done = false;
            break;
        }
        *node = *first;
        node->instance = i;
        node->backoff_list_us = NULL;
        node->rules = NULL;
        node->success = NULL;
        node->depends_on = NULL;
        node->depends_on_size = 0;
        node->spec = component_spec_ref(first->spec);
        if (asprintf(&node->name, "%s#%u", base, (unsigned)i) < 0)
            node->name = NULL;
        done = node->name && node_add(parent, node);
        if (!done)
            node_free(node);
    }
    free(base);
    return done;
}

/* Counts the children of an entry; false, and reported, when there are too many. */
static bool
take_children(struct reader *reader, const struct yaml_node *at, uint32_t count)
{
    if (count <= MANIFEST_CHILDREN_MAX - reader->children) {
        reader->children += count;
        return true;
    }
    reader_complain(reader, at, "more than %u children in one manifest", MANIFEST_CHILDREN_MAX);
    return false;
}

/* The line of a byte. Entries come in the order of the file, so each line is counted once. */
static unsigned
line_of(struct reader *reader, size_t offset)
{
    unsigned lines, column;

    if (offset < reader->line_offset || reader->line == 0) {
        reader->line_offset = 0;
        reader->line = 1;
    }
    manifest_place(reader->text + reader->line_offset, reader->text_size - reader->line_offset,
                   offset - reader->line_offset, &lines, &column);
    reader->line += lines - 1;
    reader->line_offset = offset;
    return reader->line;
}

/* `map` is the supervisor's own. */
static void
check_max_children(struct reader *reader, const struct yaml_node *map,
                   const struct manifest_node *node)
{
    uint32_t max = node->config.node.max_children;
    const struct yaml_node *at = yaml_map_find(map, "max-children");
    if (at && max > 0 && node->children_size > max)
        reader_complain(reader, at, "'max-children' is %u, and %zu children stand here", max,
                        node->children_size);
}

static void
read_child(struct reader *reader, const struct yaml_node *map, struct manifest_node *parent,
           unsigned nesting)
{
    size_t errors = reader->report->errors_total;

    if (map->kind != YAML_MAP) {
        reader_complain(reader, map, "a child is a map with 'name' and 'component', not %s",
                        yaml_node_what(map));
        return;
    }
    const struct yaml_node *children = yaml_map_find(map, "children");
    struct manifest_node *node = node_new(parent, children != NULL);
    if (!node || !node_add(parent, node)) {
        node_free(node);
        reader->out_of_memory = true;
        return;
    }
    node->line = line_of(reader, map->offset);
    reader_set_defaults(reader, node);
    reader_read_entry(reader, map, node);
    if (reader->report->errors_total == errors)
        reader_check_entry(reader, map, node);
    if (children) {
        read_children(reader, children, node, nesting + 1);
        check_max_children(reader, map, node);
    }

    const struct yaml_node *count = yaml_map_find(map, "count");
    if (!take_children(reader, count ? count : map, node->count))
        return;
    if (count && reader->report->errors_total == 0 && !reader->out_of_memory)
        reader->out_of_memory = !add_instances(parent, node);
}

/* Reports names that stand twice among the children of one supervisor. */
static void
check_names(struct reader *reader, const struct yaml_node *list)
{
    struct map seen;

    map_init(&seen);
    for (const struct yaml_node *child = list->first; child; child = child->next) {
        const struct yaml_node *name =
            child->kind == YAML_MAP ? yaml_map_find(child, "name") : NULL;
        if (!name || name->kind != YAML_SCALAR)
            continue;
        const struct yaml_node *first = map_find(&seen, name->text);
        unsigned line = 0, column = 0;
        if (!first) {
            reader->out_of_memory |= !map_set(&seen, name->text, (void *)(uintptr_t)name);
            continue;
        }
        if (!manifest_report_is_full(reader->report))
            manifest_place(reader->text, reader->text_size, first->offset, &line, &column);
        reader_complain(reader, name, "name '%s' stands here a second time; the first is at %u:%u",
                        name->text, line, column);
    }
    map_deinit(&seen);
}

static void
read_children(struct reader *reader, const struct yaml_node *list, struct manifest_node *parent,
              unsigned nesting)
{
    if (list->kind != YAML_LIST) {
        reader_complain(reader, list, "'children' must be a list of children, not %s",
                        yaml_node_what(list));
        return;
    }
    if (list->children == 0)
        reader_complain(reader, list, "'children' is empty; it takes at least one child");
    if (nesting > MANIFEST_NESTING_MAX) {
        reader_complain(reader, list, "supervisors are nested more than %u deep",
                        MANIFEST_NESTING_MAX);
        return;
    }
    check_names(reader, list);
    for (const struct yaml_node *child = list->first; child; child = child->next) {
        if (reader->out_of_memory)
            return;
        read_child(reader, child, parent, nesting);
    }
}

/* ---- The whole ---- */

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
    manifest->root = node_new(NULL, true);
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
        read_children(reader, children, manifest->root, 1);
        check_max_children(reader, root, manifest->root);
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
    manifest->root = node_new(NULL, true);
    if (manifest->root)
        manifest->root->path = strdup(parent->path);
    if (!manifest->root || !manifest->root->path) {
        reader->out_of_memory = true;
        return;
    }
    manifest->root->config.node = *parent->policy;
    read_child(reader, child, manifest->root, nesting_of(parent->path));
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
        manifest->max_instances = instances < MANIFEST_INSTANCES_MAX ? (uint32_t)instances
                                                                     : MANIFEST_INSTANCES_MAX;
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
fill(struct manifest *manifest, const char *text, size_t size,
     const struct manifest_parent *parent, struct manifest_report *report)
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

const struct manifest_node *
manifest_next(const struct manifest_node *node)
{
    if (node->children_size > 0)
        return node->children[0];
    while (node->parent && node->index + 1 == node->parent->children_size)
        node = node->parent;
    return node->parent ? node->parent->children[node->index + 1] : NULL;
}
