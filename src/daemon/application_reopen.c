/* Opening anew. A file that nobody can run has no child that runs: it is opened again for the one
 * that is started, and each other of them gets it at its own start. A file that others run stays as
 * it is, whatever stands on disk: that is for a reload, which swaps all of them.
 */
#include "daemon/application_reopen.h"

#include "base/error.h"
#include "component/component_spawner.h"
#include "daemon/application_internal.h"
#include "manifest/manifest.h"

bool
application_failed_to_load(struct airs_application *application, const char *path)
{
    struct supervision_handle handle;
    if (application_check_running(application, NULL) != AIRS_OK ||
        !component_supervisor_get_handle(application->supervisor, path, &handle))
        return false;
    bool failed = handle.state == CHILD_FAILED && handle.history_size > 0 &&
                  handle.history[handle.history_size - 1].exit.reason == EXIT_LOAD_ERROR;
    supervision_handle_deinit(&handle);
    return failed;
}

/* What is wrong with the file is kept with it, also that it could not be compiled. */
static enum airs_status
open_anew(struct airs_application *application, const struct component_spec *spec,
          struct airs_error *error)
{
    struct airs_error reason = { 0 };
    struct component_file *file;
    enum airs_status status = application_compile(application, spec, &reason);
    if (status == AIRS_EBUSY || status == AIRS_ENOMEM)
        return fail(error, status, "%s", reason.message);
    status = component_spawner_open(application->spawner, spec->file, &file, error);
    if (status != AIRS_OK)
        return status;
    component_spawner_put(application->spawner, file);
    component_file_unref(file);
    return AIRS_OK;
}

static enum airs_status
renew(struct airs_application *application, const struct component_spec *spec,
      struct airs_error *error)
{
    bool is_current = false;
    struct component_file *file = component_spawner_get(application->spawner, spec->file);
    bool stays =
        file && (!component_file_error(file) ||
                 (component_file_is_current(file, &is_current, NULL) == AIRS_OK && is_current));
    component_file_unref(file);
    return stays ? AIRS_OK : open_anew(application, spec, error);
}

static enum airs_status
start(struct airs_application *application, const struct tree_child *child,
      struct airs_error *error)
{
    if (!application_failed_to_load(application, child->path))
        return AIRS_EALREADY;
    struct bridge_change change = {
        .config = tree_child_config(child),
        .spec = component_spec_to_child(child->node->spec),
        .detail = "its file was opened anew",
        .restarts = true,
    };
    return component_supervisor_change(application->supervisor, child->path, &change, NULL, error);
}

static enum airs_status
renew_and_start(struct airs_application *application, const struct tree_child *child,
                struct airs_error *error)
{
    enum airs_status status = renew(application, child->node->spec, error);
    return status == AIRS_OK ? start(application, child, error) : status;
}

enum airs_status
application_start_anew(struct airs_application *application, const char *path,
                       struct airs_error *error)
{
    pthread_mutex_lock(&application->change_lock);
    struct tree_child *child = tree_find(&application->tree, path);
    enum airs_status status = application_check_not_stopping(application, error);
    if (status == AIRS_OK && child && child->node->spec)
        status = renew_and_start(application, child, error);
    else if (status == AIRS_OK)
        status = fail(error, AIRS_ENOENT, "%s: no such component", path);
    tree_child_unref(child);
    pthread_mutex_unlock(&application->change_lock);
    return status;
}
