/* Reload: the manifest is read again, and the running tree made what it says.
 *
 * Everything that can be wrong is found before anything changes: the manifest, what the pool
 * has room for, the code of every file that is new. Then the difference is told, and applied: what
 * goes, what changes live, what starts again, other code, another order, what comes. It runs on the
 * caller's thread with all changes to itself (change_lock); supervisors are asked as for any verb,
 * so it may come in the middle of a group restart.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/quantity.h"
#include "component/component_spawner.h"
#include "daemon/application_reload.h"
#include "manifest/manifest.h"

/* ---- Telling ---- */

void
reload_tell(const struct reload *reload, const char *change, const char *path, const char *format,
            ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct airs_difference difference = { .change = change, .path = path, .text = text };
    if (reload->options->differs)
        reload->options->differs(reload->options->context, &difference);
}

static void
note_trouble(struct reload *reload, const char *text)
{
    if (reload->trouble[0] == '\0')
        snprintf(reload->trouble, sizeof reload->trouble, "%s", text);
}

void
reload_fail(struct reload *reload, const char *path, const struct airs_error *error)
{
    reload->failed++;
    note_trouble(reload, error->message);
    reload_tell(reload, "failed", path, "! %s: %s", path, error->message);
}

static const char *
change_name(enum manifest_change_kind kind)
{
    switch (kind) {
    case MANIFEST_DELETED:
        return "deleted";
    case MANIFEST_CHANGED:
        return "changed";
    case MANIFEST_ADDED:
        return "added";
    case MANIFEST_REORDERED:
        return "reordered";
    }
    return NULL;
}

/* A name that is there already, and not the manifest's: one that was added by hand. */
static bool
takes_over(const struct reload *reload, const struct manifest_change *change)
{
    return change->kind == MANIFEST_ADDED &&
           tree_is_by_hand(&reload->application->tree, change->is->path);
}

static void
count(struct reload *reload, const struct manifest_change *change)
{
    switch (change->kind) {
    case MANIFEST_DELETED:
        reload->deleted++;
        return;
    case MANIFEST_CHANGED:
        if (change->restarts)
            reload->restarted++;
        else
            reload->changed++;
        return;
    case MANIFEST_ADDED:
        reload->added++;
        return;
    case MANIFEST_REORDERED:
        reload->changed++;
        return;
    }
}

static void
tell_change(struct reload *reload, const struct manifest_change *change)
{
    struct buffer text;
    buffer_init(&text, 0);
    bool done = manifest_change_write(change, &text) &&
                (!takes_over(reload, change) ||
                 buffer_append_text(&text, ", in place of what was added by hand"));
    struct airs_difference difference = {
        .change = change_name(change->kind),
        .path = change->is ? change->is->path : change->was->path,
        .restarts = change->restarts,
        .live = change->live,
        .text = done ? text.data : "",
    };
    if (reload->options->differs)
        reload->options->differs(reload->options->context, &difference);
    buffer_deinit(&text);
}

static void
tell_difference(struct reload *reload)
{
    static const char text[] = "! %s: a running application keeps what it was started with; "
                               "'airs down' and 'airs up' change it";
    for (size_t i = 0; i < reload->diff.size; i++) {
        count(reload, &reload->diff.changes[i]);
        tell_change(reload, &reload->diff.changes[i]);
    }
    if (reload->diff.max_instances)
        reload_tell(reload, "note", NULL, text, "max-instances");
    if (reload->diff.max_concurrent_starts)
        reload_tell(reload, "note", NULL, text, "max-concurrent-starts");
}

/* ---- What can be wrong ---- */

/* An error with its place, to the report, too. */
static enum airs_status
refuse(const struct reload *reload, const struct manifest_node *at, enum airs_status status,
       const char *message, struct airs_error *error)
{
    char line[AIRS_ERROR_MESSAGE_BYTES + 512];
    snprintf(line, sizeof line, "%s:%u: %s", reload->next->file, at->line, message);
    if (reload->options->report)
        reload->options->report(reload->options->context, line);
    return fail(error, status, "%s", line);
}

static enum airs_status
load(struct reload *reload, struct airs_error *error)
{
    struct manifest_report report;
    manifest_report_init(&report);
    enum airs_status status = manifest_load(reload->application->options.manifest_path,
                                            &reload->next, &report, error);
    if (status != AIRS_OK)
        application_give_report(&report, reload->options->report, reload->options->context);
    manifest_report_deinit(&report);
    return status;
}

static enum airs_status
check_memory(const struct reload *reload, const struct manifest_node *node,
             struct airs_error *error)
{
    uint64_t most_bytes = reload->application->memory_bytes_max;
    char wanted[QUANTITY_TEXT_BYTES], most[QUANTITY_TEXT_BYTES], message[256];
    if (!node->spec || node->spec->limits.memory_bytes <= most_bytes)
        return AIRS_OK;
    snprintf(message, sizeof message,
             "'%s' wants %s of memory, and this application was started with room for %s an "
             "instance; 'airs down' and 'airs up' change it",
             node->path, quantity_format_size(node->spec->limits.memory_bytes, wanted),
             quantity_format_size(most_bytes, most));
    return refuse(reload, node, AIRS_ELIMIT, message, error);
}

static enum airs_status
check_nodes(const struct reload *reload, struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    const struct manifest_node *node = reload->next->root;
    for (; node && status == AIRS_OK; node = manifest_next(node)) {
        struct airs_error reason = { 0 };
        status = check_memory(reload, node, error);
        if (status == AIRS_OK &&
            application_check_strategy(reload->application, node, &reason) != AIRS_OK)
            status = refuse(reload, node, AIRS_EINVAL, reason.message, error);
    }
    return status;
}

static enum airs_status
check_pool(const struct reload *reload, struct airs_error *error)
{
    char message[256];
    if (reload->next->components <= reload->application->instances_max)
        return AIRS_OK;
    snprintf(message, sizeof message,
             "%zu components, and this application was started with room for %u instances; "
             "'airs down' and 'airs up' change it",
             reload->next->components, (unsigned)reload->application->instances_max);
    return refuse(reload, reload->next->root, AIRS_ELIMIT, message, error);
}

static enum airs_status
check_name(const struct reload *reload, struct airs_error *error)
{
    const char *name = reload->next->root->name;
    char message[256];
    if (strcmp(name, reload->application->name) == 0)
        return AIRS_OK;
    snprintf(message, sizeof message,
             "'name' is '%s' now; a running application keeps its name, '%s'", name,
             reload->application->name);
    return refuse(reload, reload->next->root, AIRS_EINVAL, message, error);
}

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

static enum airs_status
compare(struct reload *reload, struct airs_error *error)
{
    const struct manifest_diff_hooks hooks = { runs, other_code, reload };
    return manifest_diff(reload->application->manifest, reload->next, &hooks, &reload->diff, error);
}

/* Arguments and stdin must fit what is in the file; NULL: they do. */
static const char *
misfit(const struct reload *reload, const struct manifest_node *is)
{
    const struct reload_file *new_file = reload_file_of(reload, is);
    if (new_file)
        return component_file_misfit(new_file->after, is->spec);
    struct component_file *file =
        component_spawner_get(reload->application->spawner, is->spec->file);
    const char *wrong = file ? component_file_misfit(file, is->spec) : NULL;
    component_file_unref(file);
    return wrong;
}

static enum airs_status
check_specs(const struct reload *reload, struct airs_error *error)
{
    for (size_t i = 0; i < reload->diff.size; i++) {
        const struct manifest_change *change = &reload->diff.changes[i];
        bool starts = change->kind == MANIFEST_ADDED || change->restarts;
        const char *wrong = starts && change->is->spec ? misfit(reload, change->is) : NULL;
        if (wrong)
            return refuse(reload, change->is, AIRS_ELOAD, wrong, error);
    }
    return AIRS_OK;
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
show_one(struct airs_application *application, const struct manifest_node *node)
{
    struct tree_child *child = tree_find(&application->tree, node->path);
    struct tree_given *before = child ? child->given : NULL;
    struct tree_given *given =
        before ? tree_given_new(&node->config, (const char *const *)before->paths, before->size)
               : NULL;
    struct bridge_change same = {
        .config = given ? &given->config : &node->config,
        .spec = node->spec ? component_spec_to_child(node->spec) : NULL,
        .is_same = true,
    };
    component_supervisor_change(application->supervisor, node->path, &same, NULL, NULL);
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
            show_one(reload->application, node);
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
    snprintf(text, sizeof text,
             "%zu added, %zu deleted, %zu restarted, %zu changed%s%s", reload->added,
             reload->deleted, reload->restarted, reload->changed, trouble ? "; " : "",
             reload->trouble);
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
    enum airs_status status = load(reload, error);
    if (status == AIRS_OK)
        status = check_name(reload, error);
    if (status == AIRS_OK)
        status = check_pool(reload, error);
    if (status == AIRS_OK)
        status = check_nodes(reload, error);
    if (status == AIRS_OK)
        status = reload_prepare_files(reload, error);
    if (status == AIRS_OK)
        status = index_next(reload, error);
    if (status == AIRS_OK)
        status = compare(reload, error);
    if (status == AIRS_OK)
        status = check_specs(reload, error);
    if (status != AIRS_OK)
        return status;
    tell_difference(reload);
    if (reload->options->dry_run)
        return AIRS_OK;
    if (!is_nothing(reload))
        return apply(reload, error);
    return AIRS_OK;
}

/* Refuses where the tree is about to end anyway. */
static enum airs_status
check_not_stopping(struct airs_application *application, struct airs_error *error)
{
    pthread_mutex_lock(&application->lock);
    enum application_phase phase = application->phase;
    pthread_mutex_unlock(&application->lock);
    if (phase == APPLICATION_STOPPING)
        return fail(error, AIRS_EBUSY, "the application is stopping");
    return application_check_running(application, error);
}

enum airs_status
airs_application_reload(struct airs_application *application, const struct airs_reload *options,
                        struct airs_error *error)
{
    assert(application && options);

    struct reload reload = { .application = application, .options = options };
    enum airs_status status = check_not_stopping(application, error);
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
    reload_files_deinit(&reload);
    map_deinit(&reload.next_at);
    manifest_free(reload.next);
    atomic_store(&application->reloading, false);
    return status;
}
