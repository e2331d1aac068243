/* Scaling: how many there are of a child with a `count`.
 *
 * Who depends on its name depends on its members: on new ones as soon as they are there, on those
 * that are to go no more before they are asked to.
 */
#include <assert.h>
#include <inttypes.h>

#include "base/error.h"
#include "daemon/application_internal.h"
#include "manifest/manifest.h"

static enum airs_status
scale_up(struct airs_application *application, const char *path, uint32_t count,
         const struct application_changes *changes, struct airs_error *error)
{
    struct tree_entry entry;
    enum airs_status status =
        application_check_dependencies_max(application, path, count, 0, error);
    if (status == AIRS_OK)
        status = tree_enter_members(&application->tree, path, count, false, &entry, error);
    if (status != AIRS_OK)
        return status;
    application_keep_count(application, path);
    status = application_supervise_entry(application, &entry, error);
    if (status == AIRS_OK)
        application_tell_all(changes, &entry);
    tree_entry_deinit(&entry);
    application_follow(application);
    return status;
}

static enum airs_status
delete_members(struct airs_application *application, const char *path, uint32_t count, bool is_all,
               const struct application_changes *changes, struct airs_error *error)
{
    struct tree_entry entry;
    enum airs_status status =
        tree_take_last_members(&application->tree, path, count, &entry, error);
    if (status != AIRS_OK)
        return status;
    if (is_all)
        tree_drop_template(&application->tree, path);
    application_follow(application);
    for (size_t i = 0; i < entry.size; i++) {
        component_supervisor_delete(application->supervisor, entry.children[i]->path,
                                    (struct bridge_completion){ 0 });
        application_tell(changes, "deleted", entry.children[i]);
    }
    tree_entry_deinit(&entry);
    return AIRS_OK;
}

static enum airs_status
scale_down(struct airs_application *application, const char *path, uint32_t count,
           const struct application_changes *changes, struct airs_error *error)
{
    if (count > 0)
        application_keep_count(application, path);
    return delete_members(application, path, count, false, changes, error);
}

static enum airs_status
fail_no_template(struct airs_application *application, const char *path, struct airs_error *error)
{
    struct tree_child *child = tree_find(&application->tree, path);
    if (!child)
        return tree_fail_no_child(&application->tree, path, error);
    tree_child_unref(child);
    return fail(error, AIRS_EINVAL, "'%s' has no 'count', so there is nothing to scale", path);
}

enum airs_status
airs_application_scale(struct airs_application *application, const char *path, uint32_t count,
                       airs_changed changed, void *context, struct airs_error *error)
{
    assert(application && path);

    struct application_changes changes = { changed, context };
    uint32_t now = 0;
    if (count > MANIFEST_CHILDREN_MAX)
        return fail(error, AIRS_EINVAL, "at most %u of one child, not %" PRIu32,
                    MANIFEST_CHILDREN_MAX, count);
    pthread_mutex_lock(&application->change_lock);
    enum airs_status status = application_check_not_stopping(application, error);
    if (status == AIRS_OK && !tree_template_size(&application->tree, path, &now))
        status = fail_no_template(application, path, error);
    else if (status == AIRS_OK && count > now)
        status = scale_up(application, path, count - now, &changes, error);
    else if (status == AIRS_OK)
        status = scale_down(application, path, now - count, &changes, error);
    pthread_mutex_unlock(&application->change_lock);
    return status;
}

enum airs_status
airs_application_delete_template(struct airs_application *application, const char *path,
                                 airs_changed changed, void *context, struct airs_error *error)
{
    assert(application && path);

    struct application_changes changes = { changed, context };
    uint32_t now;
    enum airs_status status = application_check_running(application, error);
    if (status != AIRS_OK)
        return status;
    pthread_mutex_lock(&application->change_lock);
    if (tree_template_size(&application->tree, path, &now)) {
        application_keep_gone(application, path);
        status = delete_members(application, path, now, true, &changes, error);
    } else {
        status = fail_no_template(application, path, error);
    }
    pthread_mutex_unlock(&application->change_lock);
    return status;
}
