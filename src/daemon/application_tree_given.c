/* Application tree, given: a child whose `depends-on` has the name of a `count` depends on the
 * members that there are. Its manifest says which there were when it was read; where that has
 * become wrong, the child has a list of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/application_tree_inside.h"
#include "manifest/manifest.h"

/* ---- Lists ---- */

struct tree_given *
tree_given_new(const struct supervisor_config *config, const char *const *paths, size_t size)
{
    struct tree_given *given = calloc(1, sizeof *given + size * sizeof given->paths[0]);
    if (!given)
        return NULL;
    for (; given->size < size; given->size++) {
        given->paths[given->size] = strdup(paths[given->size]);
        if (!given->paths[given->size]) {
            tree_given_free(given);
            return NULL;
        }
    }
    given->config = *config;
    given->config.depends_on = (const char *const *)given->paths;
    given->config.depends_on_size = size;
    return given;
}

void
tree_given_free(void *object)
{
    struct tree_given *given = object;
    if (!given)
        return;
    tree_given_free(given->earlier);
    for (size_t i = 0; i < given->size; i++)
        free(given->paths[i]);
    free(given);
}

const struct supervisor_config *
tree_child_config(const struct tree_child *child)
{
    return child->given ? &child->given->config : &child->node->config;
}

/* ---- What a child depends on now ---- */

/* Paths of one child, borrowed: under the lock. */
struct meant {
    const char **paths;
    size_t size;
    size_t capacity;
    bool out_of_memory;
};

static void
add_meant(void *to, const char *path)
{
    struct meant *meant = to;
    if (meant->size == meant->capacity) {
        size_t capacity = meant->capacity ? meant->capacity * 2 : 64;
        const char **paths = realloc(meant->paths, capacity * sizeof *paths);
        if (!paths) {
            meant->out_of_memory = true;
            return;
        }
        meant->paths = paths;
        meant->capacity = capacity;
    }
    meant->paths[meant->size++] = path;
}

/* Whether that is what it was given last. */
static bool
is_current(const struct tree_child *child, const struct meant *meant)
{
    const struct supervisor_config *config = tree_child_config(child);
    if (config->depends_on_size != meant->size)
        return false;
    for (size_t i = 0; i < meant->size; i++)
        if (strcmp(config->depends_on[i], meant->paths[i]) != 0)
            return false;
    return true;
}

static bool
add_stale(struct tree_stales *stales, struct tree_child *child, const struct meant *meant)
{
    size_t size = stales->size;
    if ((size & (size - 1)) == 0) { /* Full at each power of two. */
        struct tree_stale *items = realloc(stales->items, (size ? size * 2 : 1) * sizeof *items);
        if (!items)
            return false;
        stales->items = items;
    }
    struct tree_given *given = tree_given_new(&child->node->config, meant->paths, meant->size);
    if (!given)
        return false;
    stales->items[stales->size++] = (struct tree_stale){ tree_child_ref(child), given };
    return true;
}

/* What `child` means by its `depends-on`, into `meant`; true: a name of several is among it. */
static bool
find_meant(const struct application_tree *tree, const struct tree_child *child, struct meant *meant)
{
    const struct manifest_node *entry = manifest_entry(child->node);
    bool names_template = false;
    meant->size = 0;
    for (size_t i = 0; i < entry->depends_on_size; i++) {
        const struct tree_template *template = tree_template_find(tree, entry->depends_on[i]);
        names_template |= template != NULL;
        if (template)
            tree_each_member(template, add_meant, meant);
        else
            add_meant(meant, entry->depends_on[i]);
    }
    return names_template;
}

enum airs_status
tree_find_stale(struct application_tree *tree, struct tree_stales *stales_out)
{
    struct tree_stales stales = { 0 };
    struct meant meant = { 0 };
    pthread_mutex_lock(&tree->lock);
    list_for_each(link, &tree->dependants) {
        struct tree_child *child = container_of(link, struct tree_child, depends);
        stales.names_template |= find_meant(tree, child, &meant);
        if (!child->is_leaving && !is_current(child, &meant) && !meant.out_of_memory)
            meant.out_of_memory = !add_stale(&stales, child, &meant);
    }
    pthread_mutex_unlock(&tree->lock);
    free(meant.paths);
    *stales_out = stales;
    return meant.out_of_memory ? AIRS_ENOMEM : AIRS_OK;
}

void
tree_stales_deinit(struct tree_stales *stales)
{
    for (size_t i = 0; i < stales->size; i++) {
        tree_child_unref(stales->items[i].child);
        tree_given_free(stales->items[i].given);
    }
    free(stales->items);
    *stales = (struct tree_stales){ 0 };
}

uint64_t
tree_count_dependencies(struct application_tree *tree, const char *template, uint32_t members)
{
    uint64_t count = 0;
    pthread_mutex_lock(&tree->lock);
    list_for_each(link, &tree->dependants) {
        const struct tree_child *child = container_of(link, struct tree_child, depends);
        const struct manifest_node *entry = manifest_entry(child->node);
        count += tree_child_config(child)->depends_on_size;
        for (size_t i = 0; template && i < entry->depends_on_size; i++)
            if (strcmp(entry->depends_on[i], template) == 0)
                count += members;
    }
    pthread_mutex_unlock(&tree->lock);
    return count;
}

/* ---- Who depends on others ---- */

void
tree_note_dependant_locked(struct application_tree *tree, struct tree_child *child)
{
    bool depends = manifest_entry(child->node)->depends_on_size > 0;
    if (depends == list_is_linked(&child->depends))
        return;
    if (depends)
        list_push_back(&tree->dependants, &child->depends);
    else
        list_remove(&child->depends);
}

enum airs_status
tree_find_dependants(struct application_tree *tree, struct tree_entry *dependants_out)
{
    size_t size = 0;
    pthread_mutex_lock(&tree->lock);
    list_for_each(link, &tree->dependants)
        size++;
    struct tree_entry found = { calloc(size + 1, sizeof *found.children), 0 };
    if (found.children)
        list_for_each(link, &tree->dependants) {
            struct tree_child *child = container_of(link, struct tree_child, depends);
            if (!child->is_leaving)
                found.children[found.size++] = tree_child_ref(child);
        }
    pthread_mutex_unlock(&tree->lock);
    if (!found.children)
        return AIRS_ENOMEM;
    *dependants_out = found;
    return AIRS_OK;
}
