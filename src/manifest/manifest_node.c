/* Manifest nodes: the tree that a manifest is, and its references.
 */
#include <stdlib.h>

#include "manifest/reader.h"

void
manifest_node_free(struct manifest_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->children_size; i++)
        manifest_node_free(node->children[i]);
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
    if (!manifest || atomic_fetch_sub_explicit(&manifest->references, 1, memory_order_acq_rel) > 1)
        return;
    manifest_node_free(manifest->root);
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

struct manifest_node *
manifest_node_new(struct manifest_node *parent, bool is_supervisor)
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

bool
manifest_node_add(struct manifest_node *parent, struct manifest_node *child)
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

const struct manifest_node *
manifest_next(const struct manifest_node *node)
{
    if (node->children_size > 0)
        return node->children[0];
    while (node->parent && node->index + 1 == node->parent->children_size)
        node = node->parent;
    return node->parent ? node->parent->children[node->index + 1] : NULL;
}
