/* Intrusive priority queue: the smallest key first, equal keys in the order of insertion.
 *
 * A pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986): insertion is one comparison,
 * removal of any node is logarithmic, amortized. Nothing allocates and nothing recurses.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct heap_node {
    uint64_t key;
    uint64_t order;             /* Of insertion. */
    struct heap_node *child;    /* The first of its children. */
    struct heap_node *next;     /* The next sibling. */
    struct heap_node *previous; /* The sibling before it, or the parent; NULL: root or unlinked. */
    bool is_linked;
};

struct heap {
    struct heap_node *root;
    uint64_t inserted;
};

void heap_init(struct heap *heap);
/** An unlinked node. */
void heap_node_init(struct heap_node *node);
/** Adds an unlinked node. */
void heap_add(struct heap *heap, struct heap_node *node, uint64_t key);
/** Takes out a node that is in this heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
/** The smallest, left where it is; NULL when empty. */
struct heap_node *heap_first(const struct heap *heap);

#endif
