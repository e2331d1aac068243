/* Reload, files: what the new manifest names is compiled and opened before anything changes. A
 * file that has the contents it had when it was opened stays as it is, also one that cannot run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "component/component_spawner.h"
#include "daemon/application_reload.h"

struct reload_file *
reload_file_of(const struct reload *reload, const struct manifest_node *node)
{
    return map_find(&reload->files, node->spec->file);
}

static enum airs_status
refuse(const struct reload *reload, const struct manifest_node *node, enum airs_status status,
       const char *why, struct airs_error *error)
{
    char line[AIRS_ERROR_MESSAGE_BYTES + 512];
    snprintf(line, sizeof line, "%s:%u: %s", reload->next->file, node->line, why);
    if (reload->options->report)
        reload->options->report(reload->options->context, line);
    return fail(error, status == AIRS_EBUSY || status == AIRS_ENOMEM ? status : AIRS_ELOAD, "%s",
                line);
}

static void
file_free(struct reload_file *file)
{
    if (!file)
        return;
    component_file_unref(file->before);
    component_file_unref(file->after);
    component_spec_unref(file->spec);
    free(file);
}

/* Compiles and opens it; what is wrong with it is the reload's error. */
static enum airs_status
open_file(struct reload *reload, const struct manifest_node *node, struct reload_file *file,
          struct airs_error *error)
{
    struct airs_application *application = reload->application;
    struct airs_error reason = { 0 };
    enum airs_status status = application_compile(application, node->spec, &reason);
    if (status == AIRS_OK)
        status =
            component_spawner_open(application->spawner, node->spec->file, &file->after, &reason);
    const char *wrong = status == AIRS_OK ? component_file_error(file->after) : reason.message;
    if (!wrong)
        return AIRS_OK;
    return refuse(reload, node, status == AIRS_OK ? AIRS_ELOAD : status, wrong, error);
}

static enum airs_status
prepare(struct reload *reload, const struct manifest_node *node, struct airs_error *error)
{
    bool is_current = false;
    struct airs_error reason = { 0 };
    struct component_file *before =
        component_spawner_get(reload->application->spawner, node->spec->file);
    enum airs_status status =
        before ? component_file_is_current(before, &is_current, &reason) : AIRS_OK;
    if (status != AIRS_OK)
        status = refuse(reload, node, status, reason.message, error);
    if (status != AIRS_OK || is_current) {
        component_file_unref(before);
        return status;
    }
    struct reload_file *file = calloc(1, sizeof *file);
    if (!file) {
        component_file_unref(before);
        return fail(error, AIRS_ENOMEM, "out of memory");
    }
    *file = (struct reload_file){ .spec = component_spec_ref(node->spec), .before = before };
    status = open_file(reload, node, file, error);
    if (status == AIRS_OK && !map_set(&reload->files, node->spec->file, file))
        status = fail(error, AIRS_ENOMEM, "out of memory");
    if (status != AIRS_OK)
        file_free(file);
    return status;
}

enum airs_status
reload_prepare_files(struct reload *reload, struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    struct map seen;
    map_init(&seen);
    const struct manifest_node *node = reload->next->root;
    for (; node && status == AIRS_OK; node = manifest_next(node)) {
        if (!node->spec || map_find(&seen, node->spec->file))
            continue;
        if (!map_set(&seen, node->spec->file, node->spec))
            status = fail(error, AIRS_ENOMEM, "out of memory");
        else
            status = prepare(reload, node, error);
    }
    map_deinit(&seen);
    return status;
}

void
reload_files_deinit(struct reload *reload)
{
    map_for_each(entry, &reload->files)
        file_free(entry->value);
    map_deinit(&reload->files);
}
