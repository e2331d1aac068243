/* Application tree, members: the children of one entry with a `count`, which come and go by number.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/application_tree_inside.h"
#include "manifest/manifest.h"

/* ---- Templates ---- */

static void
template_free(struct tree_template *template)
{
    if (!template)
        return;
    manifest_free(template->manifest);
    free(template->path);
    free(template);
}

char *
tree_template_path(const struct manifest_node *node)
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

struct tree_template *
tree_template_get(struct application_tree *tree, struct tree_child *parent,
                  struct manifest *manifest, const struct manifest_node *node)
{
    char *path = tree_template_path(node);
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
    list_push_back(&parent->templates, &template->link);
    return template;
}

struct tree_template *
tree_template_find(const struct application_tree *tree, const char *path)
{
    struct tree_template *template = map_find(&tree->templates, path);
    return template && !template->is_leaving ? template : NULL;
}

void
tree_each_member(const struct tree_template *template, void (*found)(void *to, const char *path),
                 void *to)
{
    list_for_each(link, &template->members) {
        const struct tree_child *child = container_of(link, struct tree_child, member);
        if (!child->is_leaving)
            found(to, child->path);
    }
}

void
tree_template_link(struct tree_template *template, struct tree_child *child)
{
    struct list *last = template->members.previous;
    while (last != &template->members &&
           container_of(last, struct tree_child, member)->number > child->number)
        last = last->previous;
    child->of = template;
    list_push_back(last->next, &child->member);
    template->staying++;
}

void
tree_template_drop(struct application_tree *tree, struct tree_template *template)
{
    assert(list_is_empty(&template->members));
    map_remove(&tree->templates, template->path);
    list_remove(&template->link);
    template_free(template);
}

void
tree_drop_template(struct application_tree *tree, const char *path)
{
    pthread_mutex_lock(&tree->lock);
    struct tree_template *template = tree_template_find(tree, path);
    if (template && list_is_empty(&template->members))
        tree_template_drop(tree, template);
    else if (template)
        template->is_leaving = true;
    pthread_mutex_unlock(&tree->lock);
}

void
tree_wait_template_gone(struct application_tree *tree, const struct manifest_node *node)
{
    char *path = tree_template_path(node);
    pthread_mutex_lock(&tree->lock);
    const struct tree_template *template;
    while (path && (template = map_find(&tree->templates, path)) != NULL && template->is_leaving)
        pthread_cond_wait(&tree->changed, &tree->lock);
    pthread_mutex_unlock(&tree->lock);
    free(path);
}

/* ---- In ---- */

static enum airs_status
enter_member(struct application_tree *tree, struct tree_child *parent,
             struct tree_template *template, uint32_t number, bool goes_on,
             struct tree_entry *entry, struct airs_error *error)
{
    char *path;
    if (asprintf(&path, "%s#%u", template->path, number) < 0)
        return tree_fail_no_memory(error);
    struct tree_child *child = tree_child_new(path, template->manifest, template->node);
    free(path);
    if (!child)
        return tree_fail_no_memory(error);
    child->number = number;
    child->is_dynamic = true;
    child->goes_on = goes_on;
    return tree_enter_one(tree, parent, child, template, entry, error);
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
        return tree_fail_no_memory(error);
    pthread_mutex_lock(&tree->lock);
    struct tree_template *template = tree_template_find(tree, path);
    enum airs_status status =
        template ? AIRS_OK : fail(error, AIRS_ENOENT, "no child with a count '%s'", path);
    struct tree_child *parent = NULL;
    if (template) {
        parent = map_find(&tree->children, template->node->parent->path);
        status = tree_check_room(parent, template->node->parent->path, count, error);
    }
    for (uint32_t i = 0; i < count && status == AIRS_OK; i++)
        status = enter_member(tree, parent, template, highest_number(template) + 1, goes_on, &entry,
                              error);
    for (size_t i = entry.size; status != AIRS_OK && i > 0; i--)
        tree_remove_locked(tree, entry.children[i - 1]);
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
    struct tree_template *template = tree_template_find(tree, path);
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
    const struct tree_template *template = tree_template_find(tree, path);
    uint32_t number = template ? highest_number(template) : 0;
    pthread_mutex_unlock(&tree->lock);
    return number;
}

/* ---- Looking, and out ---- */

bool
tree_template_size(struct application_tree *tree, const char *path, uint32_t *size_out)
{
    pthread_mutex_lock(&tree->lock);
    const struct tree_template *template = tree_template_find(tree, path);
    if (template)
        *size_out = template->staying;
    pthread_mutex_unlock(&tree->lock);
    return template != NULL;
}

enum airs_status
tree_take_last_members(struct application_tree *tree, const char *path, uint32_t count,
                       struct tree_entry *entry_out, struct airs_error *error)
{
    struct tree_entry entry = { calloc((size_t)count + 1, sizeof *entry.children), 0 };
    if (!entry.children)
        return tree_fail_no_memory(error);
    pthread_mutex_lock(&tree->lock);
    struct tree_template *template = tree_template_find(tree, path);
    struct list *link = template ? template->members.previous : NULL;
    for (; template && link != &template->members && entry.size < count; link = link->previous) {
        struct tree_child *child = container_of(link, struct tree_child, member);
        if (child->is_leaving)
            continue;
        tree_mark_leaving_locked(child);
        entry.children[entry.size++] = tree_child_ref(child);
    }
    pthread_mutex_unlock(&tree->lock);
    *entry_out = entry;
    return AIRS_OK;
}
