#include "daemon/application_tree.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "manifest/manifest.h"

/* Paths that are compared to find the nearest one. */
#define NEAREST_PATHS_MAX 4096u

/* ---- Children and templates ---- */

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
    manifest_free(child->manifest);
    free(child->path);
    free(child);
}

static struct tree_child *
child_new(const char *path, struct manifest *manifest, const struct manifest_node *node)
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
    return child;
}

static void
template_free(struct tree_template *template)
{
    if (!template)
        return;
    manifest_free(template->manifest);
    free(template->path);
    free(template);
}

/* The path without "#1". */
static char *
template_path(const struct manifest_node *node)
{
    return strndup(node->path, (size_t)(strrchr(node->path, '#') - node->path));
}

static struct tree_template *
template_new(char *path, struct manifest *manifest, const struct manifest_node *node)
{
    struct tree_template *template = path ? calloc(1, sizeof *template) : NULL;
    if (!template) {
        free(path);
        return NULL;
    }
    template->path = path;
    template->manifest = manifest_ref(manifest);
    template->node = node;
    list_init(&template->link);
    list_init(&template->members);
    return template;
}

/* ---- In ---- */

static bool
is_supervisor(const struct tree_child *child)
{
    return child->node->config.is_supervisor;
}

static enum airs_status
fail_no_memory(struct airs_error *error)
{
    return fail(error, AIRS_ENOMEM, "out of memory");
}

static enum airs_status
check_free(const struct application_tree *tree, const char *path, struct airs_error *error)
{
    const struct tree_template *template = map_find(&tree->templates, path);
    if (template)
        return fail(error, AIRS_EEXIST, "'%s' exists: it has a count, and %u children", path,
                    template->staying);
    if (map_find(&tree->children, path))
        return fail(error, AIRS_EEXIST, "'%s' exists", path);
    return AIRS_OK;
}

/* Puts `child` under `parent`; the tree's reference is the caller's. */
static bool
link_child(struct application_tree *tree, struct tree_child *parent, struct tree_child *child)
{
    if (!map_set(&tree->children, child->path, child))
        return false;
    child->parent = parent;
    list_push_back(&parent->children, &child->siblings);
    parent->children_size++;
    return true;
}

static void
link_member(struct tree_template *template, struct tree_child *child)
{
    child->of = template;
    list_push_back(&template->members, &child->member);
    template->staying++;
}

/* The template of `node`, which has a number; it is made with the first of them. */
static struct tree_template *
get_template(struct application_tree *tree, struct tree_child *parent, struct manifest *manifest,
             const struct manifest_node *node, bool is_dynamic)
{
    char *path = template_path(node);
    struct tree_template *template = path ? map_find(&tree->templates, path) : NULL;
    if (template) {
        free(path);
        return template;
    }
    template = template_new(path, manifest, node);
    if (!template || !map_set(&tree->templates, template->path, template)) {
        template_free(template);
        return NULL;
    }
    template->is_dynamic = is_dynamic;
    list_push_back(&parent->templates, &template->link);
    return template;
}

/* One child, of those that come in together. */
static enum airs_status
enter_one(struct application_tree *tree, struct tree_child *parent, struct tree_child *child,
          struct tree_template *template, struct tree_entry *entry, struct airs_error *error)
{
    enum airs_status status = check_free(tree, child->path, error);
    if (status == AIRS_OK && !link_child(tree, parent, child))
        status = fail_no_memory(error);
    if (status != AIRS_OK) {
        tree_child_unref(child);
        return status;
    }
    if (template)
        link_member(template, child);
    entry->children[entry->size++] = tree_child_ref(child);
    return AIRS_OK;
}

static enum airs_status
enter_node(struct application_tree *tree, struct manifest *manifest,
           const struct manifest_node *node, bool is_dynamic, bool goes_on,
           struct tree_entry *entry, struct airs_error *error)
{
    struct tree_child *parent = map_find(&tree->children, node->parent->path);
    assert(parent); /* tree_enter() has looked, or it came in just before. */
    struct tree_template *template = NULL;
    if (node->instance > 0) {
        char *path = node->instance == 1 ? template_path(node) : NULL;
        enum airs_status status = path ? check_free(tree, path, error) : AIRS_OK;
        free(path);
        if (status != AIRS_OK)
            return status;
        template = get_template(tree, parent, manifest, node, is_dynamic);
        if (!template)
            return fail_no_memory(error);
    }
    struct tree_child *child = child_new(node->path, manifest, node);
    if (!child)
        return fail_no_memory(error);
    child->is_dynamic = is_dynamic;
    child->goes_on = goes_on;
    return enter_one(tree, parent, child, template, entry, error);
}

/* Whether a supervisor is there, and has room for `count` children more. */
static enum airs_status
check_room(struct tree_child *parent, const char *path, size_t count, struct airs_error *error)
{
    if (!parent)
        return fail(error, AIRS_ENOENT, "no supervisor '%s'", path);
    if (!is_supervisor(parent))
        return fail(error, AIRS_EINVAL, "'%s' is a component; children are added to supervisors",
                    path);
    uint32_t max = parent->node->config.node.max_children;
    if (max == 0 || count + parent->children_size <= max)
        return AIRS_OK;
    return fail(error, AIRS_ELIMIT, "'%s' has %u children, and its 'max-children' is %u", path,
                parent->children_size, max);
}

static size_t
nodes_below(const struct manifest_node *node)
{
    size_t count = 1;
    for (size_t i = 0; i < node->children_size; i++)
        count += nodes_below(node->children[i]);
    return count;
}

static enum airs_status
enter_all(struct application_tree *tree, struct manifest *manifest,
          const struct manifest_node *node, bool is_dynamic, bool goes_on,
          struct tree_entry *entry, struct airs_error *error)
{
    enum airs_status status = enter_node(tree, manifest, node, is_dynamic, goes_on, entry, error);
    for (size_t i = 0; i < node->children_size && status == AIRS_OK; i++)
        status = enter_all(tree, manifest, node->children[i], is_dynamic, goes_on, entry, error);
    return status;
}

static void remove_locked(struct application_tree *tree, struct tree_child *child);

/* Nothing of what came in stays, its templates neither. */
static void
leave_again(struct application_tree *tree, struct tree_entry *entry)
{
    for (size_t i = entry->size; i > 0; i--) {
        struct tree_template *template = entry->children[i - 1]->of;
        remove_locked(tree, entry->children[i - 1]);
        if (template && list_is_empty(&template->members) &&
            template->manifest == entry->children[i - 1]->manifest) {
            map_remove(&tree->templates, template->path);
            list_remove(&template->link);
            template_free(template);
        }
    }
}

enum airs_status
tree_enter(struct application_tree *tree, struct manifest *manifest,
           struct manifest_node *const *nodes, size_t size, bool is_dynamic, bool goes_on,
           struct tree_entry *entry_out, struct airs_error *error)
{
    assert(size > 0);
    size_t total = 0;
    for (size_t i = 0; i < size; i++)
        total += nodes_below(nodes[i]);
    struct tree_entry entry = { calloc(total, sizeof *entry.children), 0 };
    if (!entry.children)
        return fail_no_memory(error);

    const char *parent = nodes[0]->parent->path;
    pthread_mutex_lock(&tree->lock);
    enum airs_status status = check_room(map_find(&tree->children, parent), parent, size, error);
    for (size_t i = 0; i < size && status == AIRS_OK; i++)
        status = enter_all(tree, manifest, nodes[i], is_dynamic, goes_on, &entry, error);
    if (status != AIRS_OK)
        leave_again(tree, &entry);
    pthread_mutex_unlock(&tree->lock);
    if (status != AIRS_OK)
        tree_entry_deinit(&entry);
    else
        *entry_out = entry;
    return status;
}

static enum airs_status
enter_member(struct application_tree *tree, struct tree_child *parent,
             struct tree_template *template, uint32_t number, bool goes_on,
             struct tree_entry *entry, struct airs_error *error)
{
    char *path;
    if (asprintf(&path, "%s#%u", template->path, number) < 0)
        return fail_no_memory(error);
    struct tree_child *child = child_new(path, template->manifest, template->node);
    free(path);
    if (!child)
        return fail_no_memory(error);
    child->number = number;
    child->is_dynamic = true;
    child->goes_on = goes_on;
    return enter_one(tree, parent, child, template, entry, error);
}

static uint32_t
highest_number(const struct tree_template *template)
{
    if (list_is_empty(&template->members))
        return 0;
    return container_of(template->members.previous, struct tree_child, member)->number;
}

enum airs_status
tree_enter_members(struct application_tree *tree, const char *path, uint32_t count, bool goes_on,
                   struct tree_entry *entry_out, struct airs_error *error)
{
    struct tree_entry entry = { calloc(count, sizeof *entry.children), 0 };
    if (!entry.children)
        return fail_no_memory(error);
    pthread_mutex_lock(&tree->lock);
    struct tree_template *template = map_find(&tree->templates, path);
    enum airs_status status =
        template ? AIRS_OK : fail(error, AIRS_ENOENT, "no child with a count '%s'", path);
    struct tree_child *parent = NULL;
    if (template) {
        parent = map_find(&tree->children, template->node->parent->path);
        status = check_room(parent, template->node->parent->path, count, error);
    }
    for (uint32_t i = 0; i < count && status == AIRS_OK; i++)
        status = enter_member(tree, parent, template, highest_number(template) + 1, goes_on, &entry,
                              error);
    for (size_t i = entry.size; status != AIRS_OK && i > 0; i--)
        remove_locked(tree, entry.children[i - 1]);
    pthread_mutex_unlock(&tree->lock);
    if (status != AIRS_OK)
        tree_entry_deinit(&entry);
    else
        *entry_out = entry;
    return status;
}

enum airs_status
tree_enter_number(struct application_tree *tree, const char *path, uint32_t number,
                  struct airs_error *error)
{
    struct tree_child *children[1];
    struct tree_entry entry = { children, 0 };
    pthread_mutex_lock(&tree->lock);
    struct tree_template *template = map_find(&tree->templates, path);
    enum airs_status status =
        template ? AIRS_OK : fail(error, AIRS_ENOENT, "no child with a count '%s'", path);
    if (template)
        status = enter_member(tree, map_find(&tree->children, template->node->parent->path),
                              template, number, true, &entry, error);
    pthread_mutex_unlock(&tree->lock);
    if (status == AIRS_OK)
        tree_child_unref(children[0]);
    return status;
}

uint32_t
tree_highest_number(struct application_tree *tree, const char *path)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_template *template = map_find(&tree->templates, path);
    uint32_t number = template ? highest_number(template) : 0;
    pthread_mutex_unlock(&tree->lock);
    return number;
}

void
tree_entry_deinit(struct tree_entry *entry)
{
    for (size_t i = 0; i < entry->size; i++)
        tree_child_unref(entry->children[i]);
    free(entry->children);
    *entry = (struct tree_entry){ 0 };
}

enum airs_status
tree_init(struct application_tree *tree, struct manifest *manifest, struct airs_error *error)
{
    pthread_mutex_init(&tree->lock, NULL);
    pthread_cond_init(&tree->changed, NULL);
    map_init(&tree->children);
    map_init(&tree->templates);
    tree->root = child_new("/", manifest, manifest->root);
    if (!tree->root || !map_set(&tree->children, tree->root->path, tree->root)) {
        tree_child_unref(tree->root);
        tree->root = NULL;
        return fail_no_memory(error);
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

static void
mark_leaving(struct tree_child *child)
{
    if (child->of && !child->is_leaving)
        child->of->staying--;
    child->is_leaving = true;
}

static void
remove_templates(struct application_tree *tree, struct tree_child *child)
{
    struct list *link;
    while ((link = list_pop_front(&child->templates)) != NULL) {
        struct tree_template *template = container_of(link, struct tree_template, link);
        map_remove(&tree->templates, template->path);
        template_free(template);
    }
}

static void
remove_locked(struct application_tree *tree, struct tree_child *child)
{
    while (!list_is_empty(&child->children))
        remove_locked(tree, container_of(child->children.next, struct tree_child, siblings));
    remove_templates(tree, child);
    mark_leaving(child);
    list_remove(&child->member);
    child->of = NULL;
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
    remove_locked(tree, tree->root);
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
        remove_locked(tree, child);
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->lock);
}

void
tree_remove_path(struct application_tree *tree, const char *path)
{
    pthread_mutex_lock(&tree->lock);
    struct tree_child *child = map_find(&tree->children, path);
    if (child && child != tree->root)
        remove_locked(tree, child);
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->lock);
}

bool
tree_mark_leaving(struct application_tree *tree, struct tree_child *child)
{
    pthread_mutex_lock(&tree->lock);
    bool first = !child->is_leaving;
    mark_leaving(child);
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

void
tree_each_meant(struct application_tree *tree, const char *path,
                void (*found)(void *to, const char *path), void *to)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_template *template = map_find(&tree->templates, path);
    if (template)
        list_for_each(link, &template->members)
            found(to, container_of(link, struct tree_child, member)->path);
    else if (map_find(&tree->children, path))
        found(to, path);
    pthread_mutex_unlock(&tree->lock);
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
    if (nearest)
        fail(error, AIRS_ENOENT, "no child '%s'; did you mean '%s'?", path, nearest);
    else
        fail(error, AIRS_ENOENT, "no child '%s'", path);
    pthread_mutex_unlock(&tree->lock);
    return AIRS_ENOENT;
}

bool
tree_template_size(struct application_tree *tree, const char *path, uint32_t *size_out)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_template *template = map_find(&tree->templates, path);
    if (template)
        *size_out = template->staying;
    pthread_mutex_unlock(&tree->lock);
    return template != NULL;
}

struct tree_child *
tree_take_last_member(struct application_tree *tree, const char *path)
{
    struct tree_child *found = NULL;
    pthread_mutex_lock(&tree->lock);
    struct tree_template *template = map_find(&tree->templates, path);
    struct list *link = template ? template->members.previous : NULL;
    for (; template && link != &template->members && !found; link = link->previous) {
        struct tree_child *child = container_of(link, struct tree_child, member);
        if (!child->is_leaving)
            found = tree_child_ref(child);
    }
    if (found)
        mark_leaving(found);
    pthread_mutex_unlock(&tree->lock);
    return found;
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
