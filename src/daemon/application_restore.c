/* Restore: what was added and scaled by hand comes back after a run that was cut off.
 *
 * Kept is what was asked for; whether a child was there in the end, its memory says, which every
 * child has that was not deleted. So a deletion is not kept anywhere but in the history.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/application_internal.h"
#include "manifest/manifest.h"
#include "runtime/actor_system.h"
#include "runtime/event_log.h"

#define RESTORED_NUMBER_MAX 1000000u /* A member with a higher number does not come back. */

static bool
was_there(struct airs_application *application, const char *path)
{
    struct airs_memory memory;
    return application->options.memory &&
           application->options.memory(application->options.context, path, &memory);
}

/* ---- Keeping ---- */

static void
keep(struct airs_application *application, const struct airs_kept *kept)
{
    if (!application->options.keep)
        return;
    /* Waits for the event that made the path free, if that is still being told: whoever forgets
     * what is deleted has then done so. */
    if (application->system)
        event_log_last(actor_system_event_log(application->system));
    application->options.keep(application->options.context, kept);
}

void
application_keep_addition(struct airs_application *application,
                          const struct airs_addition *addition, const struct manifest_node *node)
{
    size_t size =
        node->instance > 0 ? (size_t)(strrchr(node->path, '#') - node->path) : strlen(node->path);
    char *path = strndup(node->path, size);
    if (path)
        keep(application, &(struct airs_kept){ .path = path, .addition = *addition });
    free(path);
}

static void
keep_numbers(struct airs_application *application, const char *path, uint32_t numbers)
{
    /* Under a name of its own: the child with that count may have been added, too. */
    char *name;
    if (asprintf(&name, "%s#", path) < 0)
        return;
    keep(application, &(struct airs_kept){
                          .path = name,
                          .numbers = numbers,
                      });
    free(name);
}

void
application_keep_count(struct airs_application *application, const char *path)
{
    keep_numbers(application, path, tree_highest_number(&application->tree, path));
}

void
application_keep_gone(struct airs_application *application, const char *path)
{
    keep_numbers(application, path, 0);
}

/* ---- Restoring ---- */

static void
on_report(void *context, const char *line)
{
    application_report(context, line);
}

/* Members of its own that were deleted do not come back. */
static void
leave_out_deleted(struct airs_application *application, const struct tree_entry *entry,
                  const char *parent)
{
    for (size_t i = 0; i < entry->size; i++) {
        struct tree_child *child = entry->children[i];
        if (child->number > 0 && strcmp(child->parent_path, parent) == 0 &&
            !was_there(application, child->path))
            tree_remove(&application->tree, child);
    }
}

static enum airs_status
enter(struct airs_application *application, const struct airs_kept *kept, struct manifest *manifest,
      struct airs_error *error)
{
    struct tree_entry entry;
    const struct manifest_node *root = manifest->root;
    for (const struct manifest_node *node = root; node; node = manifest_next(node)) {
        enum airs_status wrong = application_check_strategy(application, node, error);
        if (wrong != AIRS_OK)
            return wrong;
    }
    enum airs_status status = tree_enter(&application->tree, manifest, root->children,
                                         root->children_size, true, true, &entry, error);
    if (status != AIRS_OK)
        return status;
    leave_out_deleted(application, &entry, kept->addition.parent);
    tree_entry_deinit(&entry);
    return AIRS_OK;
}

static bool
restore_child(struct airs_application *application, const struct airs_kept *kept)
{
    struct airs_error error = { 0 };
    struct manifest *manifest = NULL;
    struct tree_child *parent = tree_find(&application->tree, kept->addition.parent);
    if (!parent || !parent->node->config.is_supervisor) { /* It went with its supervisor. */
        tree_child_unref(parent);
        return false;
    }
    enum airs_status status = application_read_child(application, &kept->addition, parent,
                                                     on_report, application, &manifest, &error);
    const struct manifest_node *first = status == AIRS_OK ? manifest->root->children[0] : NULL;
    bool was_deleted = first && first->instance == 0 && !was_there(application, first->path);
    if (status == AIRS_OK && !was_deleted)
        status = enter(application, kept, manifest, &error);
    if (status != AIRS_OK)
        application_report(application, error.message);
    tree_child_unref(parent);
    manifest_free(manifest);
    return status == AIRS_OK && !was_deleted;
}

/* One number of a template, as it was when the run was cut off; `is_other`: what was there was
 * added under the same name afterwards. */
static void
restore_number(struct airs_application *application, const char *template, uint32_t number,
               bool is_other)
{
    char *path;
    if (asprintf(&path, "%s#%u", template, number) < 0)
        return;
    bool was = !is_other && was_there(application, path);
    struct tree_child *child = tree_find(&application->tree, path);
    if (child && !was)
        tree_remove(&application->tree, child);
    if (!child && was)
        tree_enter_number(&application->tree, template, number, NULL);
    tree_child_unref(child);
    free(path);
}

/* Whether `path`, which was deleted as a whole, was added again behind what is the `index`-th. */
static bool
is_added_again(struct airs_application *application, const char *path, size_t index)
{
    struct airs_kept kept;
    const struct airs_application_options *options = &application->options;
    while (options->kept(options->context, ++index, &kept))
        if (kept.addition.text && strcmp(kept.path, path) == 0)
            return true;
    return false;
}

static bool
restore_count(struct airs_application *application, const struct airs_kept *kept, size_t index)
{
    uint32_t size;
    char *path = strndup(kept->path, strcspn(kept->path, "#"));
    bool is_there = path && tree_template_size(&application->tree, path, &size);
    uint32_t last = is_there ? tree_highest_number(&application->tree, path) : 0;
    if (is_there && kept->numbers > last)
        last = kept->numbers < RESTORED_NUMBER_MAX ? kept->numbers : RESTORED_NUMBER_MAX;
    bool is_other = is_there && kept->numbers == 0 && is_added_again(application, path, index);
    for (uint32_t number = 1; is_there && number <= last; number++)
        restore_number(application, path, number, is_other);
    if (is_there && kept->numbers == 0 && tree_highest_number(&application->tree, path) == 0)
        tree_drop_template(&application->tree, path); /* It was deleted as a whole. */
    free(path);
    return is_there;
}

void
application_restore(struct airs_application *application)
{
    struct airs_kept kept;
    const struct airs_application_options *options = &application->options;
    for (size_t i = 0; options->kept && options->kept(options->context, i, &kept); i++) {
        bool is_back = kept.addition.text ? restore_child(application, &kept)
                                          : restore_count(application, &kept, i);
        if (is_back)
            keep(application, &kept);
    }
}
