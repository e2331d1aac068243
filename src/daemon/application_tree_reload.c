/* Application tree, reloaded: what a new manifest makes of the tree that is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/application_tree_inside.h"
#include "manifest/manifest.h"

struct adoption {
    struct manifest *manifest;
    void (*release)(void *context, struct manifest *manifest);
    void *context;
};

static void
replace(const struct adoption *adoption, struct manifest **place)
{
    adoption->release(adoption->context, *place);
    *place = manifest_ref(adoption->manifest);
}

static bool
is_alike(const struct tree_child *child, const struct manifest_node *node)
{
    return !child->is_leaving && child->node->config.is_supervisor == node->config.is_supervisor;
}

bool
tree_is_by_hand(struct application_tree *tree, const char *path)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_child *child = map_find(&tree->children, path);
    bool by_hand = child && !child->is_leaving && child->is_dynamic;
    pthread_mutex_unlock(&tree->lock);
    return by_hand;
}

bool
tree_is_like(struct application_tree *tree, const struct manifest_node *node)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_child *child = map_find(&tree->children, node->path);
    bool is_like = child && is_alike(child, node);
    pthread_mutex_unlock(&tree->lock);
    return is_like;
}

static bool
is_scaled(const struct tree_child *child)
{
    return !child->is_leaving && strcmp(child->path, child->node->path) != 0;
}

enum airs_status
tree_find_scaled(struct application_tree *tree, const struct manifest *manifest,
                 struct tree_entry *scaled_out)
{
    size_t size = 0;
    pthread_mutex_lock(&tree->lock);
    for (const struct tree_child *child = tree->root; child; child = tree_next(child))
        size += child->manifest == manifest && is_scaled(child);
    struct tree_entry found = { calloc(size + 1, sizeof *found.children), 0 };
    for (struct tree_child *child = tree->root; found.children && child; child = tree_next(child))
        if (child->manifest == manifest && is_scaled(child))
            found.children[found.size++] = tree_child_ref(child);
    pthread_mutex_unlock(&tree->lock);
    if (!found.children)
        return AIRS_ENOMEM;
    *scaled_out = found;
    return AIRS_OK;
}

static void
adopt_child(struct application_tree *tree, const struct adoption *adoption,
            struct tree_child *child, const struct manifest_node *node)
{
    replace(adoption, &child->manifest);
    child->node = node;
    child->parent_path = node->parent ? node->parent->path : NULL;
    tree_note_dependant_locked(tree, child);
}

/* `node` is the first of a `count`: more of it are like that, from now on. */
static void
adopt_template(struct application_tree *tree, const struct adoption *adoption,
               const struct manifest_node *node)
{
    char path[TEMPLATE_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(node->path, "#"), node->path);
    struct tree_template *template = tree_template_find(tree, path);
    if (!template)
        return;
    replace(adoption, &template->manifest);
    template->node = node;
    list_for_each(link, &template->members) {
        struct tree_child *child = container_of(link, struct tree_child, member);
        if (is_scaled(child))
            adopt_child(tree, adoption, child, node);
    }
}

void
tree_adopt(struct application_tree *tree, struct manifest *manifest,
           void (*release)(void *context, struct manifest *manifest), void *context)
{
    const struct adoption adoption = { manifest, release, context };

    pthread_mutex_lock(&tree->lock);
    for (const struct manifest_node *node = manifest->root; node; node = manifest_next(node)) {
        struct tree_child *child = map_find(&tree->children, node->path);
        if (node->instance == 1)
            adopt_template(tree, &adoption, node);
        if (!child || child->manifest == manifest || !is_alike(child, node))
            continue;
        adopt_child(tree, &adoption, child, node);
    }
    pthread_mutex_unlock(&tree->lock);
}

void
tree_move(struct application_tree *tree, const char *path, const char *before_path)
{
    pthread_mutex_lock(&tree->lock);
    struct tree_child *child = map_find(&tree->children, path);
    struct tree_child *before = before_path ? map_find(&tree->children, before_path) : NULL;
    if (child && child->parent && child != before) {
        bool is_sibling = before && before->parent == child->parent;
        list_remove(&child->siblings);
        list_push_back(is_sibling ? &before->siblings : &child->parent->children, &child->siblings);
    }
    pthread_mutex_unlock(&tree->lock);
}

char *
tree_first_by_hand(struct application_tree *tree, const char *path)
{
    const char *first = NULL;
    pthread_mutex_lock(&tree->lock);
    struct tree_child *parent = map_find(&tree->children, path);
    struct list *link = parent ? parent->children.previous : NULL;
    for (; parent && link != &parent->children; link = link->previous) {
        const struct tree_child *child = container_of(link, struct tree_child, siblings);
        if (!child->is_dynamic)
            break;
        if (!child->is_leaving)
            first = child->path;
    }
    char *copy = first ? strdup(first) : NULL;
    pthread_mutex_unlock(&tree->lock);
    return copy;
}
