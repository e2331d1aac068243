/* Reload: the manifest is read again, and the running tree made what it says.
 *
 * Everything that can be wrong is found before anything changes: the manifest, what the pool
 * has room for, the code of every file that is new. Then the difference is told, and applied: what
 * goes, what changes live, what starts again, other code, another order, what comes. It runs on the
 * caller's thread with all changes to itself (change_lock); supervisors are asked as for any verb,
 * so it may come in the middle of a group restart.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/application_reload.h"
#include "manifest/manifest.h"

/* ---- The difference ---- */

static bool
runs(void *context, const struct manifest_node *was)
{
    const struct reload *reload = context;
    return tree_has(&reload->application->tree, was->path);
}

static const char *
other_code(void *context, const struct manifest_node *was, const struct manifest_node *is)
{
    const struct reload *reload = context;
    bool same_file = strcmp(was->spec->file, is->spec->file) == 0;
    return same_file && reload_file_of(reload, is) ? "component file changed" : NULL;
}

const struct manifest_node *
reload_first_of(const struct reload *reload, const char *template, size_t size)
{
    char first[TEMPLATE_PATH_BYTES_MAX + 2];
    snprintf(first, sizeof first, "%.*s#1", (int)size, template); /* A count begins with 1. */
    return map_find(&reload->next_at, first);
}

/* What a member that was scaled up is to be; NULL: its entry is gone. */
static const struct manifest_node *
next_of(const struct reload *reload, const struct tree_child *scaled)
{
    return reload_first_of(reload, scaled->path, strcspn(scaled->path, "#"));
}

/* The new manifest has its name, or it goes with its supervisor. */
static bool
is_settled(const struct reload *reload, const struct tree_child *scaled)
{
    const struct manifest_node *above = map_find(&reload->next_at, scaled->parent_path);
    return map_find(&reload->next_at, scaled->path) || !above || !above->config.is_supervisor;
}

static enum airs_status
find_scaled(struct reload *reload, struct airs_error *error)
{
    struct airs_application *application = reload->application;
    struct tree_entry *scaled = &reload->scaled;
    if (tree_find_scaled(&application->tree, application->manifest, scaled) != AIRS_OK)
        return fail(error, AIRS_ENOMEM, "out of memory");
    size_t size = 0;
    for (size_t i = 0; i < scaled->size; i++)
        if (is_settled(reload, scaled->children[i]))
            tree_child_unref(scaled->children[i]);
        else
            scaled->children[size++] = scaled->children[i];
    scaled->size = size;
    return AIRS_OK;
}

static bool
scaled_at(void *context, size_t index, struct manifest_other *other_out)
{
    const struct reload *reload = context;
    if (index == reload->scaled.size)
        return false;
    const struct tree_child *child = reload->scaled.children[index];
    *other_out = (struct manifest_other){ child->path, child->node, next_of(reload, child) };
    return true;
}

static enum airs_status
compare(struct reload *reload, struct airs_error *error)
{
    const struct manifest_diff_hooks hooks = { runs, other_code, scaled_at, reload };
    enum airs_status status = find_scaled(reload, error);
    if (status != AIRS_OK)
        return status;
    return manifest_diff(reload->application->manifest, reload->next, &hooks, &reload->diff, error);
}

static enum airs_status
index_next(struct reload *reload, struct airs_error *error)
{
    const struct manifest_node *node = reload->next->root;
    for (; node; node = manifest_next(node))
        if (!map_set(&reload->next_at, node->path, (void *)(uintptr_t)node))
            return fail(error, AIRS_ENOMEM, "out of memory");
    return AIRS_OK;
}

/* ---- The new manifest is the tree's ---- */

static void
release_manifest(void *manifest)
{
    manifest_free(manifest);
}

struct letting_go {
    struct airs_application *application;
    struct manifest *before; /* The application has a reference of its own to it. */
};

static void
let_go(void *context, struct manifest *manifest)
{
    const struct letting_go *letting_go = context;
    if (manifest == letting_go->before)
        manifest_free(manifest);
    else
        application_retire(letting_go->application, manifest, release_manifest);
}

/* With the members that it depends on, if those are not what the manifest says. */
static void
show_one(struct airs_application *application, const char *path, const struct manifest_node *node)
{
    struct tree_child *child = tree_find(&application->tree, path);
    struct tree_given *before = child ? child->given : NULL;
    struct tree_given *given =
        before ? tree_given_new(&node->config, (const char *const *)before->paths, before->size)
               : NULL;
    struct bridge_change same = {
        .config = given ? &given->config : &node->config,
        .spec = node->spec ? component_spec_to_child(node->spec) : NULL,
        .is_same = true,
    };
    component_supervisor_change(application->supervisor, path, &same, NULL, NULL);
    if (before) {
        child->given = given;
        application_retire(application, before, tree_given_free);
    }
    tree_child_unref(child);
}

/* Who has not changed shows the new manifest's config, too, so that the one before can go. */
static void
show_new(struct reload *reload)
{
    const struct manifest_node *node = reload->next->root;
    for (; node; node = manifest_next(node))
        if (tree_is_like(&reload->application->tree, node))
            show_one(reload->application, node->path, node);
    for (size_t i = 0; i < reload->scaled.size; i++) {
        const struct tree_child *child = reload->scaled.children[i];
        const struct manifest_node *next = next_of(reload, child);
        if (next)
            show_one(reload->application, child->path, next);
    }
}

static void
adopt(struct reload *reload)
{
    struct airs_application *application = reload->application;
    struct letting_go letting_go = { application, application->manifest };
    show_new(reload);
    tree_adopt(&application->tree, reload->next, let_go, &letting_go);
    application->manifest = reload->next;
    reload->next = NULL;
    application_retire(application, letting_go.before, release_manifest);
}

/* ---- The whole ---- */

/* While children go and come, an empty tree is no end. */
static void
hold_end(struct airs_application *application)
{
    pthread_mutex_lock(&application->lock);
    application->holds_idle = true;
    pthread_mutex_unlock(&application->lock);
}

static void
release_end(struct airs_application *application)
{
    pthread_mutex_lock(&application->lock);
    application->holds_idle = false;
    bool idle = application->was_idle;
    bool failed = application->idle_failed;
    pthread_mutex_unlock(&application->lock);
    if (idle)
        application_on_idle(application, true, failed);
}

static void
write_event(const struct reload *reload)
{
    char text[512];
    bool trouble = reload->trouble[0] != '\0';
    snprintf(text, sizeof text, "%zu added, %zu deleted, %zu restarted, %zu changed%s%s",
             reload->added, reload->deleted, reload->restarted, reload->changed,
             trouble ? "; " : "", reload->trouble);
    application_write_reloaded(reload->application, text);
}

static bool
is_nothing(const struct reload *reload)
{
    return reload->diff.size == 0 && !reload->diff.max_instances &&
           !reload->diff.max_concurrent_starts;
}

static enum airs_status
apply(struct reload *reload, struct airs_error *error)
{
    hold_end(reload->application);
    reload_apply(reload);
    adopt(reload);
    reload_add(reload);
    application_follow(reload->application);
    write_event(reload);
    release_end(reload->application);
    if (reload->failed + reload->rolled_back == 0)
        return AIRS_OK;
    return fail(error, AIRS_EFAILED, "%s", reload->trouble);
}

static enum airs_status
reload_all(struct reload *reload, struct airs_error *error)
{
    enum airs_status status = reload_load(reload, error);
    if (status == AIRS_OK)
        status = reload_check(reload, error);
    if (status == AIRS_OK)
        status = index_next(reload, error);
    if (status == AIRS_OK)
        status = reload_check_circle(reload, error);
    if (status == AIRS_OK)
        status = reload_prepare_files(reload, error);
    if (status == AIRS_OK)
        status = compare(reload, error);
    if (status == AIRS_OK)
        status = reload_check_specs(reload, error);
    if (status != AIRS_OK)
        return status;
    reload_tell_difference(reload);
    if (reload->options->dry_run)
        return AIRS_OK;
    if (!is_nothing(reload))
        return apply(reload, error);
    return AIRS_OK;
}

enum airs_status
airs_application_reload(struct airs_application *application, const struct airs_reload *options,
                        struct airs_error *error)
{
    assert(application && options);

    struct reload reload = { .application = application, .options = options };
    enum airs_status status = application_check_not_stopping(application, error);
    if (status != AIRS_OK)
        return status;
    if (atomic_exchange(&application->reloading, true))
        return fail(error, AIRS_EBUSY, "another reload is under way");
    map_init(&reload.files);
    map_init(&reload.next_at);
    pthread_mutex_lock(&application->change_lock);
    status = reload_all(&reload, error);
    pthread_mutex_unlock(&application->change_lock);
    manifest_diff_deinit(&reload.diff);
    tree_entry_deinit(&reload.scaled);
    reload_files_deinit(&reload);
    map_deinit(&reload.next_at);
    manifest_free(reload.next);
    atomic_store(&application->reloading, false);
    return status;
}
