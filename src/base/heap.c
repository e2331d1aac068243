#include "base/heap.h"

#include <assert.h>
#include <stddef.h>

void
heap_init(struct heap *heap)
{
    *heap = (struct heap){ 0 };
}

void
heap_node_init(struct heap_node *node)
{
    *node = (struct heap_node){ 0 };
}

static bool
is_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

/* Two roots become one; either may be NULL. */
static struct heap_node *
meld(struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    struct heap_node *parent = is_before(a, b) ? a : b;
    struct heap_node *child = parent == a ? b : a;

    child->next = parent->child;
    if (child->next)
        child->next->previous = child;
    child->previous = parent;
    parent->child = child;
    return parent;
}

static struct heap_node *
detach(struct heap_node *node)
{
    node->next = NULL;
    node->previous = NULL;
    return node;
}

/* Siblings become one tree: melded in pairs from the left, the pairs then from the right. */
static struct heap_node *
meld_siblings(struct heap_node *first)
{
    struct heap_node *pairs = NULL; /* Chained by `next`, the last pair first. */
    while (first) {
        struct heap_node *second = first->next;
        struct heap_node *rest = second ? second->next : NULL;
        struct heap_node *pair = meld(detach(first), second ? detach(second) : NULL);
        pair->next = pairs;
        pairs = pair;
        first = rest;
    }

    struct heap_node *root = NULL;
    while (pairs) {
        struct heap_node *rest = pairs->next;
        root = meld(root, detach(pairs));
        pairs = rest;
    }
    return root;
}

void
heap_add(struct heap *heap, struct heap_node *node, uint64_t key)
{
    assert(!node->is_linked);

    *node = (struct heap_node){ .key = key, .order = heap->inserted++, .is_linked = true };
    heap->root = meld(heap->root, node);
}

static void
cut(struct heap_node *node)
{
    if (node->previous->child == node)
        node->previous->child = node->next;
    else
        node->previous->next = node->next;
    if (node->next)
        node->next->previous = node->previous;
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
    assert(node->is_linked);

    struct heap_node *children = meld_siblings(node->child);
    if (node == heap->root) {
        heap->root = children;
    } else {
        cut(node);
        heap->root = meld(heap->root, children);
    }
    heap_node_init(node);
}

struct heap_node *
heap_first(const struct heap *heap)
{
    return heap->root;
}
