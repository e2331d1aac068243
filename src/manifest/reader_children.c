/* Reader, children: lists of children into nodes, with the members of a `count` and the bounds on how
 * many there are. What is wrong is reported, and reading goes on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "manifest/reader.h"

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
        done = node->name && manifest_node_add(parent, node);
        if (!done)
            manifest_node_free(node);
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

void
reader_check_max_children(struct reader *reader, const struct yaml_node *map,
                          const struct manifest_node *node)
{
    uint32_t max = node->config.node.max_children;
    const struct yaml_node *at = yaml_map_find(map, "max-children");
    if (at && max > 0 && node->children_size > max)
        reader_complain(reader, at, "'max-children' is %u, and %zu children stand here", max,
                        node->children_size);
}

void
reader_read_child(struct reader *reader, const struct yaml_node *map, struct manifest_node *parent,
                  unsigned nesting)
{
    size_t errors = reader->report->errors_total;

    if (map->kind != YAML_MAP) {
        reader_complain(reader, map, "a child is a map with 'name' and 'component', not %s",
                        yaml_node_what(map));
        return;
    }
    const struct yaml_node *children = yaml_map_find(map, "children");
    struct manifest_node *node = manifest_node_new(parent, children != NULL);
    if (!node || !manifest_node_add(parent, node)) {
        manifest_node_free(node);
        reader->out_of_memory = true;
        return;
    }
    node->line = line_of(reader, map->offset);
    reader_set_defaults(reader, node);
    reader_read_entry(reader, map, node);
    if (reader->report->errors_total == errors)
        reader_check_entry(reader, map, node);
    if (children) {
        reader_read_children(reader, children, node, nesting + 1);
        reader_check_max_children(reader, map, node);
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

void
reader_read_children(struct reader *reader, const struct yaml_node *list,
                     struct manifest_node *parent, unsigned nesting)
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
        reader_read_child(reader, child, parent, nesting);
    }
}
