/* Reload, checking: what can be wrong with a manifest for the application that runs. All of it is
 * found before anything changes.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/quantity.h"
#include "component/component_spawner.h"
#include "daemon/application_reload.h"
#include "manifest/manifest.h"

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

enum airs_status
reload_load(struct reload *reload, struct airs_error *error)
{
    struct manifest_report report;
    manifest_report_init(&report);
    enum airs_status status =
        manifest_load(reload->application->options.manifest_path, &reload->next, &report, error);
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

enum airs_status
reload_check_specs(const struct reload *reload, struct airs_error *error)
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

/* A child that was added by hand, or below one, whose name the new manifest does not have and whose
 * supervisor stays. What the manifest of now has made is what the new one says, or goes. */
static bool
stays_by_hand(void *context, const struct tree_child *child)
{
    const struct reload *reload = context;
    char above[TEMPLATE_PATH_BYTES_MAX];
    if (child->manifest == reload->application->manifest || map_find(&reload->next_at, child->path))
        return false;
    snprintf(above, sizeof above, "%s", child->path);
    for (;;) {
        char *end = strrchr(above, '/');
        above[end == above ? 1 : end - above] = '\0';
        bool is_by_hand = tree_is_by_hand(&reload->application->tree, above);
        bool is_next = map_find(&reload->next_at, above);
        if (is_by_hand == is_next) /* It goes, or makes way for another. */
            return false;
        if (is_next)
            return true;
    }
}

enum airs_status
reload_check_circle(struct reload *reload, struct airs_error *error)
{
    char line[AIRS_ERROR_MESSAGE_BYTES + 512];
    struct airs_error why = { 0 };
    enum airs_status status = application_check_circle(reload->application, stays_by_hand, reload,
                                                       &reload->next->root, 1, &why);
    if (status == AIRS_OK)
        return AIRS_OK;
    snprintf(line, sizeof line, "with what was added by hand, %s", why.message);
    return refuse(reload, reload->next->root, status, line, error);
}

enum airs_status
reload_check(const struct reload *reload, struct airs_error *error)
{
    enum airs_status status = check_name(reload, error);
    if (status == AIRS_OK)
        status = check_pool(reload, error);
    if (status == AIRS_OK)
        status = check_nodes(reload, error);
    return status;
}
