#include "daemon/application_tree_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "manifest/manifest.h"

/* Paths that are compared to find the nearest one. */
#define NEAREST_PATHS_MAX 4096u

/* ---- Children ---- */

struct tree_child *
tree_child_ref(struct tree_child *child)
{
    atomic_fetch_add_explicit(&child->references, 1, memory_order_relaxed);
    return child;
}

void
tree_child_unref(struct tree_child *child)
{
    if (!child || atomic_fetch_sub_explicit(&child->references, 1, memory_order_acq_rel) > 1)
        return;
    tree_given_free(child->given);
    manifest_free(child->manifest);
    free(child->path);
    free(child);
}

struct tree_child *
tree_child_new(const char *path, struct manifest *manifest, const struct manifest_node *node)
{
    struct tree_child *child = calloc(1, sizeof *child);
    if (!child)
        return NULL;
    child->path = strdup(path);
    if (!child->path) {
        free(child);
        return NULL;
    }
    atomic_init(&child->references, 1);
    child->manifest = manifest_ref(manifest);
    child->node = node;
    child->parent_path = node->parent ? node->parent->path : NULL;
    child->number = node->instance;
    list_init(&child->siblings);
    list_init(&child->children);
    list_init(&child->templates);
    list_init(&child->member);
    list_init(&child->depends);
    return child;
}

enum airs_status
tree_fail_no_memory(struct airs_error *error)
{
    return fail(error, AIRS_ENOMEM, "out of memory");
}

enum airs_status
tree_init(struct application_tree *tree, struct manifest *manifest, struct airs_error *error)
{
    pthread_mutex_init(&tree->lock, NULL);
    pthread_cond_init(&tree->changed, NULL);
    map_init(&tree->children);
    map_init(&tree->templates);
    list_init(&tree->dependants);
    tree->root = tree_child_new("/", manifest, manifest->root);
    if (!tree->root || !map_set(&tree->children, tree->root->path, tree->root)) {
        tree_child_unref(tree->root);
        tree->root = NULL;
        return tree_fail_no_memory(error);
    }
    struct tree_entry entry;
    const struct manifest_node *root = manifest->root;
    enum airs_status status =
        tree_enter(tree, manifest, root->children, root->children_size, false, true, &entry, error);
    if (status == AIRS_OK)
        tree_entry_deinit(&entry);
    return status;
}

/* ---- Out ---- */

void
tree_mark_leaving_locked(struct tree_child *child)
{
    if (child->of && !child->is_leaving)
        child->of->staying--;
    child->is_leaving = true;
}

static void
remove_templates(struct application_tree *tree, struct tree_child *child)
{
    while (!list_is_empty(&child->templates))
        tree_template_drop(tree, container_of(child->templates.next, struct tree_template, link));
}

static void
leave_template(struct application_tree *tree, struct tree_child *child)
{
    struct tree_template *template = child->of;
    if (!template)
        return;
    child->of = NULL;
    list_remove(&child->member);
    tree->member_gone = true;
    if (template->is_leaving && list_is_empty(&template->members))
        tree_template_drop(tree, template);
}

void
tree_remove_locked(struct application_tree *tree, struct tree_child *child)
{
    while (!list_is_empty(&child->children))
        tree_remove_locked(tree, container_of(child->children.next, struct tree_child, siblings));
    remove_templates(tree, child);
    tree_mark_leaving_locked(child);
    list_remove(&child->depends);
    leave_template(tree, child);
    if (child->parent) {
        list_remove(&child->siblings);
        child->parent->children_size--;
        child->parent = NULL;
    }
    map_remove(&tree->children, child->path);
    tree_child_unref(child);
}

void
tree_deinit(struct application_tree *tree)
{
    if (!tree->root)
        return;
    tree_remove_locked(tree, tree->root);
    map_deinit(&tree->children);
    map_deinit(&tree->templates);
    pthread_cond_destroy(&tree->changed);
    pthread_mutex_destroy(&tree->lock);
    tree->root = NULL;
}

void
tree_remove(struct application_tree *tree, struct tree_child *child)
{
    pthread_mutex_lock(&tree->lock);
    if (map_find(&tree->children, child->path) == child)
        tree_remove_locked(tree, child);
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->lock);
}

void
tree_remove_path(struct application_tree *tree, const char *path)
{
    pthread_mutex_lock(&tree->lock);
    struct tree_child *child = map_find(&tree->children, path);
    if (child && child != tree->root)
        tree_remove_locked(tree, child);
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->lock);
}

bool
tree_mark_leaving(struct application_tree *tree, struct tree_child *child)
{
    pthread_mutex_lock(&tree->lock);
    bool first = !child->is_leaving;
    tree_mark_leaving_locked(child);
    pthread_mutex_unlock(&tree->lock);
    return first;
}

void
tree_wait_gone(struct application_tree *tree, struct tree_child *child)
{
    pthread_mutex_lock(&tree->lock);
    while (map_find(&tree->children, child->path) == child)
        pthread_cond_wait(&tree->changed, &tree->lock);
    pthread_mutex_unlock(&tree->lock);
}

bool
tree_wait_member_gone(struct application_tree *tree)
{
    pthread_mutex_lock(&tree->lock);
    while (!tree->member_gone && !tree->is_closed)
        pthread_cond_wait(&tree->changed, &tree->lock);
    tree->member_gone = false;
    bool is_closed = tree->is_closed;
    pthread_mutex_unlock(&tree->lock);
    return !is_closed;
}

void
tree_close(struct application_tree *tree)
{
    pthread_mutex_lock(&tree->lock);
    tree->is_closed = true;
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->lock);
}

/* ---- Looking ---- */

struct tree_child *
tree_find(struct application_tree *tree, const char *path)
{
    pthread_mutex_lock(&tree->lock);
    struct tree_child *child = map_find(&tree->children, path);
    if (child)
        tree_child_ref(child);
    pthread_mutex_unlock(&tree->lock);
    return child;
}

bool
tree_each_meant(struct application_tree *tree, const char *path,
                void (*found)(void *to, const char *path), void *to)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_template *template = tree_template_find(tree, path);
    bool is_child = !template && map_find(&tree->children, path);
    if (template)
        tree_each_member(template, found, to);
    else if (is_child)
        found(to, path);
    pthread_mutex_unlock(&tree->lock);
    return template || is_child;
}

static struct tree_child *
child_of(struct list *link)
{
    return container_of(link, struct tree_child, siblings);
}

struct tree_child *
tree_next(const struct tree_child *child)
{
    if (!list_is_empty(&child->children))
        return child_of(child->children.next);
    while (child->parent && child->siblings.next == &child->parent->children)
        child = child->parent;
    return child->parent ? child_of(child->siblings.next) : NULL;
}

enum airs_status
tree_fail_no_child(struct application_tree *tree, const char *path, struct airs_error *error)
{
    const char *paths[NEAREST_PATHS_MAX];
    size_t size = 0;
    pthread_mutex_lock(&tree->lock);
    struct tree_child *child = tree_next(tree->root);
    for (; child && size < NEAREST_PATHS_MAX; child = tree_next(child))
        paths[size++] = child->path;
    const char *nearest = nearest_name(path, paths, size);
    const struct tree_template *template = tree_template_find(tree, path);
    if (template)
        fail(error, AIRS_ENOENT, "'%s' has a count, and %u children: '%s#1' and so on", path,
             template->staying, path);
    else if (nearest)
        fail(error, AIRS_ENOENT, "no child '%s'; did you mean '%s'?", path, nearest);
    else
        fail(error, AIRS_ENOENT, "no child '%s'", path);
    pthread_mutex_unlock(&tree->lock);
    return AIRS_ENOENT;
}

bool
tree_look(struct application_tree *tree, const char *path, bool *is_component_out)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_child *child = map_find(&tree->children, path);
    if (child)
        *is_component_out = child->node->spec != NULL;
    pthread_mutex_unlock(&tree->lock);
    return child != NULL;
}

bool
tree_has(struct application_tree *tree, const char *path)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_child *child = map_find(&tree->children, path);
    bool stays = child && !child->is_leaving;
    pthread_mutex_unlock(&tree->lock);
    return stays;
}
