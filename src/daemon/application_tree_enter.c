/* Application tree, entering: names are taken, all of those that come in together or none. */
#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "daemon/application_tree_inside.h"
#include "manifest/manifest.h"

static bool
is_supervisor(const struct tree_child *child)
{
    return child->node->config.is_supervisor;
}

enum airs_status
tree_check_free(const struct application_tree *tree, const char *path, struct airs_error *error)
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
    tree_note_dependant_locked(tree, child);
    return true;
}

enum airs_status
tree_enter_one(struct application_tree *tree, struct tree_child *parent, struct tree_child *child,
               struct tree_template *template, struct tree_entry *entry, struct airs_error *error)
{
    enum airs_status status = tree_check_free(tree, child->path, error);
    if (status == AIRS_OK && !link_child(tree, parent, child))
        status = tree_fail_no_memory(error);
    if (status != AIRS_OK) {
        tree_child_unref(child);
        return status;
    }
    if (template)
        tree_template_link(template, child);
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
        /* The manifest's come back to those that are there still. */
        char *path = is_dynamic && node->instance == 1 ? tree_template_path(node) : NULL;
        enum airs_status status = path ? tree_check_free(tree, path, error) : AIRS_OK;
        free(path);
        if (status != AIRS_OK)
            return status;
        template = tree_template_get(tree, parent, manifest, node);
        if (!template)
            return tree_fail_no_memory(error);
    }
    struct tree_child *child = tree_child_new(node->path, manifest, node);
    if (!child)
        return tree_fail_no_memory(error);
    child->is_dynamic = is_dynamic;
    child->goes_on = goes_on;
    return tree_enter_one(tree, parent, child, template, entry, error);
}

enum airs_status
tree_check_room(struct tree_child *parent, const char *path, size_t count, struct airs_error *error)
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
          const struct manifest_node *node, bool is_dynamic, bool goes_on, struct tree_entry *entry,
          struct airs_error *error)
{
    enum airs_status status = enter_node(tree, manifest, node, is_dynamic, goes_on, entry, error);
    for (size_t i = 0; i < node->children_size && status == AIRS_OK; i++)
        status = enter_all(tree, manifest, node->children[i], is_dynamic, goes_on, entry, error);
    return status;
}

/* Nothing of what came in stays, its templates neither. */
static void
leave_again(struct application_tree *tree, struct tree_entry *entry)
{
    for (size_t i = entry->size; i > 0; i--) {
        struct tree_template *template = entry->children[i - 1]->of;
        tree_remove_locked(tree, entry->children[i - 1]);
        if (template && list_is_empty(&template->members) &&
            template->manifest == entry->children[i - 1]->manifest)
            tree_template_drop(tree, template);
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
        return tree_fail_no_memory(error);

    const char *parent = nodes[0]->parent->path;
    pthread_mutex_lock(&tree->lock);
    enum airs_status status =
        tree_check_room(map_find(&tree->children, parent), parent, size, error);
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

void
tree_entry_deinit(struct tree_entry *entry)
{
    for (size_t i = 0; i < entry->size; i++)
        tree_child_unref(entry->children[i]);
    free(entry->children);
    *entry = (struct tree_entry){ 0 };
}
