/* Manifest order: from paths to edges between siblings (manifest_sort.c puts them in order). An
 * edge says that one sibling comes after another; a sibling here is an entry, so that the members
 * of a `count` stay together.
 */
#include "manifest/manifest_order.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/nearest.h"
#include "manifest/manifest_order_inside.h"

/* As written: `place` is a path in the depends-on of `node`. */
struct order_note {
    struct manifest_node *node;
    const struct yaml_node *place;
};

struct order {
    struct reader *reader;
    struct map nodes; /* By path. */
    struct order_edge *edges;
    size_t edges_size;
    size_t watches; /* Of all members, in all. */
};

void
manifest_order_note(struct reader *reader, struct manifest_node *node,
                    const struct yaml_node *place)
{
    size_t size = reader->notes_size;
    if ((size & (size - 1)) == 0) { /* Full at each power of two. */
        struct order_note *notes = realloc(reader->notes, (size ? size * 2 : 1) * sizeof *notes);
        if (!notes) {
            reader->out_of_memory = true;
            return;
        }
        reader->notes = notes;
    }
    reader->notes[reader->notes_size++] = (struct order_note){ node, place };
}

void
manifest_order_deinit(struct reader *reader)
{
    free(reader->notes);
    reader->notes = NULL;
    reader->notes_size = 0;
}

const struct manifest_node *
manifest_entry(const struct manifest_node *node)
{
    return node->parent ? entry_of(node) : node;
}

/* ---- Paths ---- */

static bool
index_paths(struct order *order)
{
    const struct manifest_node *at = order->reader->manifest->root;
    for (; at; at = manifest_next(at))
        if (!map_set(&order->nodes, at->path, (void *)(uintptr_t)at))
            return false;
    return true;
}

/* The child, or the first of the members, that `path` names; *is_entry: all of its members. */
static struct manifest_node *
find(const struct order *order, const char *path, bool *is_entry)
{
    char *member;
    struct manifest_node *node = map_find(&order->nodes, path);
    *is_entry = false;
    if (node || strchr(path, '#'))
        return node;
    if (asprintf(&member, "%s#1", path) < 0) {
        order->reader->out_of_memory = true;
        return NULL;
    }
    node = map_find(&order->nodes, member);
    free(member);
    *is_entry = node != NULL;
    return node;
}

/* The entry's path that is nearest to `path`, to be freed; NULL: none is near, or out of memory. */
static char *
nearest_path(const struct manifest *manifest, const char *path)
{
    size_t size = 0, children = manifest->components + manifest->supervisors;
    char **names = calloc(children + 1, sizeof *names);
    const struct manifest_node *at = manifest->root;
    while (names && (at = manifest_next(at)) != NULL) {
        if (at->instance > 1)
            continue;
        names[size] = strndup(at->path, (size_t)written_size(at));
        size += names[size] != NULL;
    }
    const char *found = names ? nearest_name(path, (const char *const *)names, size) : NULL;
    char *nearest = found ? strdup(found) : NULL;
    for (size_t i = 0; i < size; i++)
        free(names[i]);
    free(names);
    return nearest;
}

static void
complain_unknown(struct reader *reader, const struct yaml_node *place)
{
    char *nearest = NULL;

    if (place->text[0] != '/') {
        reader_complain(reader, place, "'%s' is no path; a path begins with '/', as in /%s",
                        place->text, place->text);
        return;
    }
    if (!manifest_report_is_full(reader->report))
        nearest = nearest_path(reader->manifest, place->text);
    if (nearest)
        reader_complain(reader, place, "there is no child '%s'; did you mean '%s'?", place->text,
                        nearest);
    else
        reader_complain(reader, place, "there is no child '%s'", place->text);
    free(nearest);
}

/* ---- Lifting ---- */

static unsigned
depth_of(const struct manifest_node *node)
{
    unsigned depth = 0;
    for (; node->parent; node = node->parent)
        depth++;
    return depth;
}

static struct manifest_node *
climb(struct manifest_node *node, unsigned levels)
{
    for (; levels > 0; levels--)
        node = node->parent;
    return node;
}

/* Fills after and before: siblings, or the same node if one is part of the other. */
static void
lift(struct order_edge *edge, struct manifest_node *dependency)
{
    unsigned depth = depth_of(edge->node), other = depth_of(dependency);
    edge->after = climb(edge->node, depth > other ? depth - other : 0);
    edge->before = climb(dependency, other > depth ? other - depth : 0);
    while (edge->after->parent != edge->before->parent) {
        edge->after = edge->after->parent;
        edge->before = edge->before->parent;
    }
}

static void
complain_inside(struct reader *reader, const struct order_edge *edge,
                const struct manifest_node *dependency)
{
    const struct manifest_node *node = edge->node;
    int size = written_size(node);
    if (dependency->parent && entry_of(dependency) == node)
        reader_complain(reader, edge->place, "'%.*s' cannot depend on itself", size, node->path);
    else if (depth_of(dependency) < depth_of(node))
        reader_complain(reader, edge->place, "'%.*s' cannot depend on '%s', of which it is a part",
                        size, node->path, dependency->path);
    else
        reader_complain(reader, edge->place, "'%.*s' cannot depend on '%s', which is a part of it",
                        size, node->path, dependency->path);
}

/* Whether there can be such an edge; what it cannot be is reported. */
static bool
check_edge(struct reader *reader, struct order_edge *edge, const struct manifest_node *dependency)
{
    if (!edge->after->parent || entry_of(edge->after) == entry_of(edge->before)) {
        complain_inside(reader, edge, dependency);
        return false;
    }
    edge->after = entry_of(edge->after);
    edge->before = entry_of(edge->before);
    if (edge->after->parent->config.node.strategy != STRATEGY_REST_FOR_ONE ||
        edge->before->index < edge->after->index)
        return true;
    reader_complain(reader, edge->place,
                    "'%.*s' comes before '%.*s'; under rest-for-one a child stands behind what it "
                    "depends on",
                    written_size(edge->after), edge->after->path, written_size(edge->before),
                    edge->before->path);
    return false;
}

/* ---- What a child depends on ---- */

/* Adds the paths of `dependency`, or of all members of its entry, to those of `node`. */
static void
add_paths(struct order *order, const struct order_edge *edge, struct manifest_node *dependency,
          bool is_entry)
{
    struct manifest_node *node = edge->node;
    struct supervisor_config *config = &node->config;
    size_t more = is_entry ? members_of(dependency) : 1;
    size_t size = config->depends_on_size + more;

    order->watches += more * members_of(node);
    if (order->watches > MANIFEST_DEPENDENCIES_MAX) {
        reader_complain(order->reader, edge->place,
                        "more than %u dependencies in one manifest, each of a 'count' counted",
                        MANIFEST_DEPENDENCIES_MAX);
        return;
    }
    const char **paths = realloc(node->dependencies, size * sizeof *paths);
    if (!paths) {
        order->reader->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < more; i++)
        paths[config->depends_on_size + i] =
            dependency->parent->children[dependency->index + i]->path;
    node->dependencies = paths;
    config->depends_on = paths;
    config->depends_on_size = size;
}

/* ---- What stands outside of a child that is read alone ---- */

struct outside {
    struct order *order;
    const struct order_note *note;
};

/* A copy of `path` that lives as long as the manifest; NULL: out of memory. */
static const char *
keep_outside(struct manifest *manifest, const char *path)
{
    char **paths =
        realloc(manifest->outside, (manifest->outside_size + 1) * sizeof *manifest->outside);
    if (!paths)
        return NULL;
    manifest->outside = paths;
    char *copy = strdup(path);
    if (copy)
        paths[manifest->outside_size++] = copy;
    return copy;
}

static void
take_outside(void *to, const char *path)
{
    struct outside *outside = to;
    struct reader *reader = outside->order->reader;
    struct manifest_node *node = outside->note->node;
    struct supervisor_config *config = &node->config;
    const char **paths = realloc(node->dependencies, (config->depends_on_size + 1) * sizeof *paths);
    const char *copy = paths ? keep_outside(reader->manifest, path) : NULL;
    if (paths) {
        node->dependencies = paths;
        config->depends_on = paths;
    }
    if (copy)
        paths[config->depends_on_size++] = copy;
    else
        reader->out_of_memory = true;
}

/* Whether the tree that runs has it: then it comes before all that is read here. */
static bool
resolve_outside(struct order *order, const struct order_note *note)
{
    const struct manifest_parent *parent = order->reader->parent;
    struct outside outside = { .order = order, .note = note };
    return parent && note->place->text[0] == '/' &&
           parent->find(parent->context, note->place->text, take_outside, &outside);
}

static void
resolve(struct order *order, const struct order_note *note)
{
    bool is_entry;
    struct order_edge edge = { .node = note->node, .place = note->place };
    struct manifest_node *dependency = find(order, note->place->text, &is_entry);
    if (!dependency && resolve_outside(order, note))
        return;
    if (!dependency) {
        complain_unknown(order->reader, note->place);
        return;
    }
    lift(&edge, dependency);
    if (!check_edge(order->reader, &edge, dependency))
        return;
    order->edges[order->edges_size++] = edge;
    add_paths(order, &edge, dependency, is_entry);
}

/* The members of an entry depend on the same. */
static void
share_paths(const struct manifest_node *first)
{
    for (size_t i = 1; i < members_of(first); i++) {
        struct supervisor_config *config = &first->parent->children[first->index + i]->config;
        config->depends_on = first->config.depends_on;
        config->depends_on_size = first->config.depends_on_size;
    }
}

void
manifest_order(struct reader *reader)
{
    struct order order = { .reader = reader };
    if (reader->notes_size == 0)
        return;
    map_init(&order.nodes);
    order.edges = calloc(reader->notes_size, sizeof *order.edges);
    if (!order.edges || !index_paths(&order))
        reader->out_of_memory = true;
    for (size_t i = 0; i < reader->notes_size && !reader->out_of_memory; i++)
        resolve(&order, &reader->notes[i]);
    for (size_t i = 0; i < reader->notes_size && !reader->out_of_memory; i++)
        share_paths(reader->notes[i].node);
    if (order.edges_size > 0 && !reader->out_of_memory)
        manifest_sort(reader, order.edges, order.edges_size);
    free(order.edges);
    map_deinit(&order.nodes);
}
