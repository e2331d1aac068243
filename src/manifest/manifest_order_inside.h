/* Manifest order, inside: what manifest_order.c and manifest_sort.c share. */
#ifndef MANIFEST_MANIFEST_ORDER_INSIDE_H
#define MANIFEST_MANIFEST_ORDER_INSIDE_H

#include <string.h>

#include "manifest/reader.h"

/* `after` comes after `before`, its sibling, because of what is at `place` in `node`. */
struct order_edge {
    struct manifest_node *after, *before;
    struct manifest_node *node;
    const struct yaml_node *place;
};

/* The first member of its entry. */
static inline struct manifest_node *
entry_of(const struct manifest_node *node)
{
    size_t index = node->instance > 0 ? node->index - (node->instance - 1) : node->index;
    return node->parent->children[index];
}

static inline size_t
members_of(const struct manifest_node *entry)
{
    return entry->instance > 0 ? entry->count : 1;
}

/* The path of an entry as written: without the number of a member. */
static inline int
written_size(const struct manifest_node *node)
{
    const char *name = strrchr(node->path, '/');
    return (int)((size_t)(name - node->path) + strcspn(name, "#"));
}

/** Puts the children of every supervisor that has edges in order, or reports a cycle. Moves the
 * edges. */
void manifest_sort(struct reader *reader, struct order_edge *edges, size_t size);

#endif
