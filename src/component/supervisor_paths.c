/* Supervisor paths: those that a child depends on, as requests take them. */
#include <stdlib.h>
#include <string.h>

#include "component/supervisor_wrapper_state.h"

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
