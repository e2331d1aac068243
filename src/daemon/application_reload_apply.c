/* Reload, applied: what goes, what changes live, what starts again, other code, another order; then
 * what comes. Each is a request to a supervisor, which takes it in its turn whatever its children are
 * doing. One that fails is told, and the others go on: half of a difference is no better.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component/component_spawner.h"
#include "daemon/application_reload.h"

/* ---- What goes ---- */

/* The path without "#2"; false: it is no member of a template. */
static bool
template_path(const struct manifest_node *was, char *path, size_t size)
{
    const char *number = strrchr(was->path, '#');
    if (was->instance == 0 || !number || (size_t)(number - was->path) >= size)
        return false;
    snprintf(path, size, "%.*s", (int)(number - was->path), was->path);
    return true;
}

static bool
has_entry(const struct reload *reload, const char *template)
{
    return reload_first_of(reload, template, strlen(template)) != NULL;
}

static void
ask_to_leave(struct reload *reload, const char *path)
{
    struct tree_child *child = tree_find(&reload->application->tree, path);
    if (child)
        application_ask_to_leave(reload->application, child);
    tree_child_unref(child);
}

/* What comes may have its name, or that of its template: it is waited for, then. */
static void
delete_child(struct reload *reload, const struct manifest_change *change)
{
    const struct manifest_node *was = change->was;
    const char *path = change->path;
    char template[TEMPLATE_PATH_BYTES_MAX];
    struct airs_application *application = reload->application;
    bool is_entry = template_path(was, template, sizeof template) && !has_entry(reload, template);
    bool is_awaited = map_find(&reload->next_at, path) || has_entry(reload, path) ||
                      (is_entry && map_find(&reload->next_at, template));
    if (is_awaited)
        application_delete_path(application, path, NULL);
    else
        ask_to_leave(reload, path);
    if (is_entry)
        tree_drop_template(&application->tree, template);
}

/* Somebody added a child of that name by hand, or it is on its way out. */
static void
make_room(struct reload *reload, const struct manifest_node *is)
{
    bool is_component;
    if (tree_look(&reload->application->tree, is->path, &is_component))
        application_delete_path(reload->application, is->path, NULL);
    if (is->instance > 0)
        tree_wait_template_gone(&reload->application->tree, is);
}

/* ---- What changes ---- */

/* What it depends on is what the manifest says, until it is brought up to date. */
static void
forget_given(struct airs_application *application, const char *path)
{
    struct tree_child *child = tree_find(&application->tree, path);
    if (child && child->given) {
        application_retire(application, child->given, tree_given_free);
        child->given = NULL;
    }
    tree_child_unref(child);
}

bool
reload_change(struct reload *reload, const struct manifest_change *change,
              const struct bridge_change *what, uint32_t *generation_out)
{
    struct airs_error error = { 0 };
    struct bridge_change told = *what;
    struct buffer keys;
    buffer_init(&keys, 0);
    if (!told.detail && manifest_change_write_keys(change, &keys))
        told.detail = keys.data;
    enum airs_status status = component_supervisor_change(
        reload->application->supervisor, change->path, &told, generation_out, &error);
    buffer_deinit(&keys);
    if (status == AIRS_OK)
        forget_given(reload->application, change->path);
    /* Deleted in this moment: nothing is left to change. */
    if (status != AIRS_OK && status != AIRS_ENOENT)
        reload_fail(reload, change->path, &error);
    return status == AIRS_OK;
}

static void
change_child(struct reload *reload, const struct manifest_change *change)
{
    const struct manifest_node *is = change->is;
    struct bridge_change what = {
        .config = &is->config,
        .spec = is->spec ? component_spec_to_child(is->spec) : NULL,
        .restarts = change->restarts != NULL,
    };
    reload_change(reload, change, &what, NULL);
}

/* ---- Order ---- */

static void
move(struct reload *reload, const char *path, const char *before_path)
{
    struct airs_error error = { 0 };
    enum airs_status status =
        component_supervisor_move(reload->application->supervisor, path, before_path, &error);
    if (status == AIRS_OK)
        tree_move(&reload->application->tree, path, before_path);
    else if (status != AIRS_ENOENT)
        reload_fail(reload, path, &error);
}

/* The last one stays where it is, each other goes in front of the one behind it. */
static void
reorder(struct reload *reload, const struct manifest_node *supervisor)
{
    const char *behind = NULL;
    for (size_t i = supervisor->children_size; i-- > 0;) {
        const char *path = supervisor->children[i]->path;
        if (!tree_has(&reload->application->tree, path))
            continue;
        if (behind)
            move(reload, path, behind);
        behind = path;
    }
}

/* ---- What comes ---- */

/* The next sibling in the manifest that was there before. Those that are added come in order, so
 * that one look serves many. */
static const char *
sibling_behind(struct reload *reload, const struct manifest_node *is)
{
    const struct manifest_node *parent = is->parent;
    if (reload->behind_of != parent || reload->behind <= is->index) {
        reload->behind_of = parent;
        reload->behind = is->index + 1;
        while (reload->behind < parent->children_size &&
               !tree_has(&reload->application->tree, parent->children[reload->behind]->path))
            reload->behind++;
    }
    return reload->behind < parent->children_size ? parent->children[reload->behind]->path : NULL;
}

static void
add_child(struct reload *reload, const struct manifest_node *is)
{
    struct airs_application *application = reload->application;
    struct airs_error error = { 0 };
    const char *next = sibling_behind(reload, is);
    char *foreign = next ? NULL : tree_first_by_hand(&application->tree, is->parent->path);
    const char *behind = next ? next : foreign;
    enum airs_status status =
        application_add_nodes(application, application->manifest, &is->parent->children[is->index],
                              1, false, NULL, &error);
    if (status != AIRS_OK)
        reload_fail(reload, is->path, &error);
    else if (behind)
        move(reload, is->path, behind);
    free(foreign);
}

void
reload_add(struct reload *reload)
{
    for (size_t i = 0; i < reload->diff.size; i++) {
        const struct manifest_change *change = &reload->diff.changes[i];
        /* What is below a new supervisor has come with it. */
        if (change->kind == MANIFEST_ADDED && !tree_is_like(&reload->application->tree, change->is))
            add_child(reload, change->is);
    }
}

/* ---- The whole ---- */

/* Files whose children all come, or do not run: nobody has to prove anything. */
static void
put_other_files(struct reload *reload)
{
    map_for_each(entry, &reload->files) {
        struct reload_file *file = entry->value;
        if (!file->is_done)
            component_spawner_put(reload->application->spawner, file->after);
    }
}

void
reload_apply(struct reload *reload)
{
    const struct manifest_diff *diff = &reload->diff;
    for (size_t i = 0; i < diff->size; i++)
        if (diff->changes[i].kind == MANIFEST_DELETED)
            delete_child(reload, &diff->changes[i]);
        else if (diff->changes[i].kind == MANIFEST_ADDED)
            make_room(reload, diff->changes[i].is);
    for (size_t i = 0; i < diff->size; i++)
        if (diff->changes[i].kind == MANIFEST_CHANGED && !diff->changes[i].restarts)
            change_child(reload, &diff->changes[i]);
    for (size_t i = 0; i < diff->size; i++)
        if (diff->changes[i].kind == MANIFEST_CHANGED && diff->changes[i].restarts &&
            !reload_is_swap(reload, &diff->changes[i]))
            change_child(reload, &diff->changes[i]);
    for (size_t i = 0; i < diff->size; i++)
        if (diff->changes[i].kind == MANIFEST_CHANGED && reload_is_swap(reload, &diff->changes[i]))
            reload_swap_file(reload, i);
    put_other_files(reload);
    for (size_t i = 0; i < diff->size; i++)
        if (diff->changes[i].kind == MANIFEST_REORDERED)
            reorder(reload, diff->changes[i].is);
}
