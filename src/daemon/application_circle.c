/* Circles: whether children that are to come would close a circle of dependencies with what there is.
 *
 * What counts is what is written, and all members of a `count` are one place, as in a manifest: a
 * dependency on what was deleted may close the circle when that comes back, and one on the name of
 * a `count` by members that are still to come.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "daemon/application_internal.h"
#include "manifest/manifest.h"
#include "policy/dependency_graph.h"

struct circle {
    struct dependency_graph graph;
    char **names; /* Copies without numbers, which the graph borrows. */
    size_t size;
};

/* `path` without the number of a member; NULL: out of memory. */
static const char *
entry_path(struct circle *circle, const char *path)
{
    size_t size = circle->size;
    if (!strchr(path, '#'))
        return path;
    if ((size & (size - 1)) == 0) { /* Full at each power of two. */
        char **names = realloc(circle->names, (size ? size * 2 : 1) * sizeof *names);
        if (!names)
            return NULL;
        circle->names = names;
    }
    char *name = strndup(path, strcspn(path, "#"));
    if (name)
        circle->names[circle->size++] = name;
    return name;
}

static enum airs_status
add_entry(struct circle *circle, const struct manifest_node *entry, struct airs_error *error)
{
    const char *path = entry->depends_on_size > 0 ? entry_path(circle, entry->path) : "";
    enum airs_status status = path ? AIRS_OK : AIRS_ENOMEM;
    for (size_t i = 0; i < entry->depends_on_size && status == AIRS_OK; i++) {
        const char *other = entry_path(circle, entry->depends_on[i]);
        status = other ? dependency_graph_add(&circle->graph, path, other, error) : AIRS_ENOMEM;
    }
    return status;
}

/* What is there and stays: whoever stays() says (NULL: all). Members of an entry mostly stand beside
 * one another: each entry is added once. */
static enum airs_status
add_tree(struct circle *circle, struct application_tree *tree, application_stays stays,
         void *context, struct airs_error *error)
{
    struct tree_entry dependants;
    const struct manifest_node *last = NULL;
    enum airs_status status = tree_find_dependants(tree, &dependants);
    if (status != AIRS_OK)
        return status;
    for (size_t i = 0; i < dependants.size && status == AIRS_OK; i++) {
        const struct manifest_node *entry = manifest_entry(dependants.children[i]->node);
        if (entry == last || (stays && !stays(context, dependants.children[i])))
            continue;
        status = add_entry(circle, entry, error);
        last = entry;
    }
    tree_entry_deinit(&dependants);
    return status;
}

static enum airs_status
add_nodes(struct circle *circle, const struct manifest_node *node, struct airs_error *error)
{
    enum airs_status status = node->instance <= 1 ? add_entry(circle, node, error) : AIRS_OK;
    for (size_t i = 0; i < node->children_size && status == AIRS_OK; i++)
        status = add_nodes(circle, node->children[i], error);
    return status;
}

/* What `node` and all below it depend on. */
static uint64_t
dependencies_of(const struct manifest_node *node)
{
    uint64_t count = node->config.depends_on_size + manifest_entry(node)->depends_on_size;
    for (size_t i = 0; i < node->children_size; i++)
        count += dependencies_of(node->children[i]);
    return count;
}

static void
circle_deinit(struct circle *circle)
{
    dependency_graph_deinit(&circle->graph);
    for (size_t i = 0; i < circle->size; i++)
        free(circle->names[i]);
    free(circle->names);
}

enum airs_status
application_check_circle(struct airs_application *application, application_stays stays,
                         void *context, struct manifest_node *const *nodes, size_t size,
                         struct airs_error *error)
{
    struct circle circle = { 0 };
    dependency_graph_init(&circle.graph);
    enum airs_status status = add_tree(&circle, &application->tree, stays, context, error);
    for (size_t i = 0; i < size && status == AIRS_OK; i++)
        status = add_nodes(&circle, nodes[i], error);
    if (status == AIRS_OK)
        status = dependency_graph_check(&circle.graph, error);
    else if (status == AIRS_ENOMEM)
        fail(error, status, "dependencies: out of memory");
    circle_deinit(&circle);
    return status;
}

enum airs_status
application_check_dependencies(struct airs_application *application,
                               struct manifest_node *const *nodes, size_t size,
                               struct airs_error *error)
{
    uint64_t more = 0;
    for (size_t i = 0; i < size; i++)
        more += dependencies_of(nodes[i]);
    if (more == 0) /* Who depends on nothing closes no circle. */
        return AIRS_OK;
    enum airs_status status = application_check_dependencies_max(application, NULL, 0, more, error);
    if (status != AIRS_OK)
        return status;
    return application_check_circle(application, NULL, NULL, nodes, size, error);
}
