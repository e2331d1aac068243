/* Changes: children that come and go while the application runs.
 *
 * One change at a time, on the thread that asks for it: it may compile, and it waits for
 * supervisors; what runs is not held up. A new supervisor is registered apart, then all below
 * it, and only then given to its parent: so it never runs without its children.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/quantity.h"
#include "daemon/application_internal.h"
#include "manifest/manifest.h"

static void
release_child(void *owner)
{
    tree_child_unref(owner);
}

/* ---- Under supervision ---- */

enum airs_status
application_supervise(struct airs_application *application, struct tree_child *child, bool is_apart,
                      struct airs_error *error)
{
    const struct manifest_node *node = child->node;
    struct bridge_child bridge = {
        .parent_path = child->parent_path,
        .path = child->path,
        .config = tree_child_config(child),
        .spec = node->spec ? component_spec_to_child(node->spec) : NULL,
        .is_dynamic = child->is_dynamic,
        .goes_on = child->goes_on,
        .is_apart = is_apart,
        .release = release_child,
        .owner = tree_child_ref(child),
    };
    return component_supervisor_supervise_child(application->supervisor, &bridge, error);
}

static bool
is_below(const char *path, const char *top)
{
    size_t size = strlen(top);
    return strncmp(path, top, size) == 0 && path[size] == '/';
}

/* The first of `children`, and what is below it; *next_out is the first that is not. */
static enum airs_status
supervise_subtree(struct airs_application *application, const struct tree_entry *entry,
                  size_t first, size_t *next_out, struct airs_error *error)
{
    struct tree_child *top = entry->children[first];
    bool is_apart = top->node->config.is_supervisor;
    enum airs_status status = application_supervise(application, top, is_apart, error);
    size_t next = first + 1;
    for (; status == AIRS_OK && next < entry->size &&
           is_below(entry->children[next]->path, top->path);
         next++)
        status = application_supervise(application, entry->children[next], false, error);
    if (status == AIRS_OK && is_apart)
        status = component_supervisor_attach(application->supervisor, top->path, error);
    if (status != AIRS_OK && is_apart)
        component_supervisor_abandon(application->supervisor, top->path);
    *next_out = next;
    return status;
}

void
application_ask_to_leave(struct airs_application *application, struct tree_child *child)
{
    tree_mark_leaving(&application->tree, child);
    component_supervisor_delete(application->supervisor, child->path,
                                (struct bridge_completion){ 0 });
}

enum airs_status
application_supervise_entry(struct airs_application *application, const struct tree_entry *entry,
                            struct airs_error *error)
{
    size_t next = 0;
    enum airs_status status = AIRS_OK;
    while (status == AIRS_OK && next < entry->size) {
        size_t first = next;
        status = supervise_subtree(application, entry, first, &next, error);
        if (status == AIRS_OK)
            continue;
        for (size_t i = first; i < entry->size; i++)
            tree_remove(&application->tree, entry->children[i]);
        for (size_t i = first; i > 0; i--)
            application_ask_to_leave(application, entry->children[i - 1]);
    }
    return status;
}

/* ---- Adding ---- */

static enum airs_status
check_memory(const struct airs_application *application, const struct manifest_node *node,
             struct airs_error *error)
{
    char wanted[QUANTITY_TEXT_BYTES], most[QUANTITY_TEXT_BYTES];
    if (!node->spec || node->spec->limits.memory_bytes <= application->memory_bytes_max)
        return AIRS_OK;
    return fail(
        error, AIRS_ELIMIT,
        "'%s' has 'limits: { memory: %s }', and no instance of this application can have more "
        "than %s, the most that its manifest had when it was started",
        node->path, quantity_format_size(node->spec->limits.memory_bytes, wanted),
        quantity_format_size(application->memory_bytes_max, most));
}

/* Whether the name of an entry, of which `node` is the first, is somebody's. */
static bool
is_taken(struct airs_application *application, const struct manifest_node *node)
{
    char *name = strndup(node->path, strcspn(node->path, "#"));
    bool is_there = name && airs_application_find(application, name, NULL) != AIRS_FOUND_NOTHING;
    free(name);
    return is_there;
}

/* What can be told before anything is begun. */
static enum airs_status
check_nodes(struct airs_application *application, const struct manifest_node *node,
            struct airs_error *error)
{
    enum airs_status status = check_memory(application, node, error);
    if (status == AIRS_OK)
        status = application_check_strategy(application, node, error);
    for (size_t i = 0; i < node->children_size && status == AIRS_OK; i++)
        status = check_nodes(application, node->children[i], error);
    return status;
}

static void
compile_nodes(struct airs_application *application, const struct manifest_node *node)
{
    if (node->spec && node->instance <= 1)
        application_compile(application, node->spec, NULL);
    for (size_t i = 0; i < node->children_size; i++)
        compile_nodes(application, node->children[i]);
}

void
application_tell(const struct application_changes *changes, const char *what,
                 const struct tree_child *child)
{
    if (changes && changes->changed)
        changes->changed(changes->context, what, child->path);
}

void
application_tell_all(const struct application_changes *changes, const struct tree_entry *entry)
{
    for (size_t i = 0; i < entry->size; i++)
        application_tell(changes, "added", entry->children[i]);
}

/* `addition` NULL: nothing is to be kept of it. */
static enum airs_status
add_nodes(struct airs_application *application, const struct airs_addition *addition,
          struct manifest *manifest, struct manifest_node *const *nodes, size_t size,
          bool is_dynamic, const struct application_changes *changes, struct airs_error *error)
{
    struct tree_entry entry;
    enum airs_status status = AIRS_OK;
    for (size_t i = 0; i < size && status == AIRS_OK; i++)
        status = check_nodes(application, nodes[i], error);
    /* Whose name is taken is told that, below. */
    if (status == AIRS_OK && !is_taken(application, nodes[0]))
        status = application_check_dependencies(application, nodes, size, error);
    /* The names are taken first: nobody waits for a compiler to hear that they exist. */
    if (status == AIRS_OK)
        status =
            tree_enter(&application->tree, manifest, nodes, size, is_dynamic, false, &entry, error);
    if (status != AIRS_OK)
        return status;
    if (addition)
        application_keep_addition(application, addition, nodes[0]);
    for (size_t i = 0; i < size; i++)
        compile_nodes(application, nodes[i]);
    status = application_supervise_entry(application, &entry, error);
    if (status == AIRS_OK)
        application_tell_all(changes, &entry);
    tree_entry_deinit(&entry);
    return status;
}

enum airs_status
application_add_nodes(struct airs_application *application, struct manifest *manifest,
                      struct manifest_node *const *nodes, size_t size, bool is_dynamic,
                      const struct application_changes *changes, struct airs_error *error)
{
    return add_nodes(application, NULL, manifest, nodes, size, is_dynamic, changes, error);
}

/* Behind "exists": in which state. */
static enum airs_status
name_state(struct airs_application *application, const struct manifest_node *node,
           enum airs_status status, struct airs_error *error)
{
    component_supervision_state state;
    if (status != AIRS_EEXIST || !error ||
        !component_supervisor_query_state(application->supervisor, node->path, &state))
        return status;
    *error = (struct airs_error){ 0 };
    return fail(error, status, "'%s' exists; it is %s", node->path,
                component_supervision_state_name(state));
}

/* ---- Deleting ---- */

enum airs_status
application_delete_path(struct airs_application *application, const char *path,
                        struct airs_error *error)
{
    struct tree_child *child = tree_find(&application->tree, path);
    if (!child)
        return tree_fail_no_child(&application->tree, path, error);
    assert(child != application->tree.root);
    application_ask_to_leave(application, child);
    tree_wait_gone(&application->tree, child);
    tree_child_unref(child);
    return AIRS_OK;
}

/* ---- The public side ---- */

/* What stands at `path`, a supervisor to which something is to be added. */
static enum airs_status
find_parent(struct airs_application *application, const char *path, struct tree_child **parent_out,
            struct airs_error *error)
{
    struct tree_child *parent = tree_find(&application->tree, path);
    if (!parent)
        return tree_fail_no_child(&application->tree, path, error);
    if (parent->node->config.is_supervisor) {
        *parent_out = parent;
        return AIRS_OK;
    }
    tree_child_unref(parent);
    return fail(error, AIRS_EINVAL, "'%s' is a component; children are added to supervisors", path);
}

/* Without a file, the text is the program's own and places in it say nothing. */
static void
report_messages(const struct manifest_report *report, airs_report to, void *context)
{
    for (size_t i = 0; to && i < report->errors_size; i++)
        to(context, report->errors[i].message);
}

static bool
find_meant(void *context, const char *path, void (*found)(void *to, const char *path), void *to)
{
    struct airs_application *application = context;
    if (tree_each_meant(&application->tree, path, found, to))
        return true;
    if (application->supervisor)
        return false;
    /* It was there when the child was added, in the run before: now the child waits for it. */
    found(to, path);
    return true;
}

enum airs_status
application_read_child(struct airs_application *application, const struct airs_addition *addition,
                       const struct tree_child *parent, airs_report report, void *context,
                       struct manifest **manifest_out, struct airs_error *error)
{
    struct manifest_parent of = { .path = parent->path,
                                  .policy = &parent->node->config.node,
                                  .find = find_meant,
                                  .context = application };
    struct manifest_report errors;
    manifest_report_init(&errors);
    enum airs_status status = manifest_parse_child(
        addition->text, addition->size, addition->file ? addition->file : "the child",
        addition->directory ? addition->directory : application->manifest->directory, &of,
        manifest_out, &errors, error);
    if (status != AIRS_OK && addition->file)
        application_give_report(&errors, report, context);
    else if (status != AIRS_OK)
        report_messages(&errors, report, context);
    manifest_report_deinit(&errors);
    return status;
}

static enum airs_status
add_read(struct airs_application *application, const struct airs_addition *addition,
         struct manifest *manifest, const struct application_changes *changes,
         struct airs_error *error)
{
    struct airs_error first = { 0 };
    const struct manifest_node *root = manifest->root;
    enum airs_status status = add_nodes(application, addition, manifest, root->children,
                                        root->children_size, true, changes, &first);
    application_follow(application);
    if (status != AIRS_OK)
        status = name_state(application, root->children[0], status, &first);
    if (status != AIRS_OK)
        fail(error, status, "%s", first.message);
    return status;
}

enum airs_status
airs_application_add(struct airs_application *application, const struct airs_addition *addition,
                     airs_report report, airs_changed changed, void *context,
                     struct airs_error *error)
{
    assert(application && addition && addition->parent && addition->text);

    struct tree_child *parent = NULL;
    struct manifest *manifest = NULL;
    pthread_mutex_lock(&application->change_lock);
    enum airs_status status = application_check_not_stopping(application, error);
    if (status == AIRS_OK)
        status = find_parent(application, addition->parent, &parent, error);
    if (status == AIRS_OK)
        status = application_read_child(application, addition, parent, report, context, &manifest,
                                        error);
    if (status == AIRS_OK)
        status = add_read(application, addition, manifest,
                          &(struct application_changes){ changed, context }, error);
    pthread_mutex_unlock(&application->change_lock);
    tree_child_unref(parent);
    manifest_free(manifest);
    return status;
}
