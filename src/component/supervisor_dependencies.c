/* Supervisor dependencies: a child's paths for its supervisor, and whether a child that is to be
 * added would depend in a circle.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "component/supervisor_wrapper_state.h"
#include "policy/dependency_graph.h"
#include "policy/supervisor_config.h"

void
wrapper_paths_deinit(struct wrapper_paths *paths)
{
    for (size_t i = 0; i < paths->size; i++)
        refstr_unref(paths->items[i]);
    free(paths->items);
    *paths = (struct wrapper_paths){ 0 };
}

enum airs_status
wrapper_paths_init(struct wrapper_paths *paths, const char *const *texts, size_t size)
{
    *paths = (struct wrapper_paths){ 0 };
    if (size == 0)
        return AIRS_OK;
    paths->items = calloc(size, sizeof *paths->items);
    for (size_t i = 0; i < size && paths->items; i++) {
        paths->items[i] = refstr_new(texts[i], strlen(texts[i]));
        if (!paths->items[i])
            break;
        paths->size++;
    }
    if (paths->size == size)
        return AIRS_OK;
    wrapper_paths_deinit(paths);
    return AIRS_ENOMEM;
}

static enum airs_status
add_all(struct dependency_graph *graph, const char *path, const char *const *paths, size_t size,
        struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    for (size_t i = 0; i < size && status == AIRS_OK; i++)
        status = dependency_graph_add(graph, path, paths[i], error);
    return status;
}

enum airs_status
supervisor_wrapper_check_dependencies(struct supervisor_wrapper *wrapper, const char *path,
                                      const char *const *paths, size_t size,
                                      struct airs_error *error)
{
    struct dependency_graph graph;
    for (size_t i = 0; i < size; i++)
        if (paths[i][0] != '/')
            return fail(error, AIRS_EINVAL, "'%s' is no path; a path begins with '/'", paths[i]);
    if (size == 0)
        return AIRS_OK;
    dependency_graph_init(&graph);
    enum airs_status status = add_all(&graph, path, paths, size, error);
    pthread_mutex_lock(&wrapper->lock);
    map_for_each(slot, &wrapper->children)
    {
        const struct wrapper_child *child = slot->value;
        const struct supervisor_config *config = child->config;
        if (status == AIRS_OK && config && strcmp(child->path->text, path) != 0)
            status = add_all(&graph, child->path->text, config->depends_on, config->depends_on_size,
                             error);
    }
    if (status == AIRS_OK) /* Under the lock: the graph borrows the paths. */
        status = dependency_graph_check(&graph, error);
    pthread_mutex_unlock(&wrapper->lock);
    dependency_graph_deinit(&graph);
    return status;
}
