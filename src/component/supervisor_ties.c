/* Supervisor ties: which supervisors above a child stop before which siblings of theirs, because of
 * what the child depends on. Siblings of the child itself its own supervisor ties.
 *
 * What a child has tied it takes back: when it depends on something else, or is gone. Each
 * supervisor counts, so the order in which that reaches it does not matter.
 */
#include <stdlib.h>
#include <string.h>

#include "component/supervisor_wrapper_state.h"
#include "policy/dependency_graph.h"

/* Who above `child` is a sibling of what `dependency` is or lies below; NULL: `child` itself. */
static struct wrapper_child *
tied_for(struct wrapper_child *child, const struct refstr *dependency)
{
    struct dependency_lift lift;
    if (!dependency_lift(child->path->text, dependency->text, &lift) ||
        lift.dependant_size == child->path->size)
        return NULL;
    while (child->path->size > lift.dependant_size)
        child = child->parent;
    return child;
}

/* Whether both are or lie below the same sibling of one supervisor. */
static bool
ties_the_same(const struct wrapper_child *child, const struct refstr *dependency,
              const struct refstr *other)
{
    struct dependency_lift lift, other_lift;
    return dependency_lift(child->path->text, dependency->text, &lift) &&
           dependency_lift(child->path->text, other->text, &other_lift) &&
           lift.dependency_size == other_lift.dependency_size &&
           memcmp(dependency->text, other->text, lift.dependency_size) == 0;
}

/* Of a supervisor that is not attached yet its own does not know: see wrapper_tie_attached(). */
static void
send_tie(struct supervisor_wrapper *wrapper, struct wrapper_child *tied,
         struct refstr *const *dependencies, size_t size)
{
    struct supervisor_request request = {
        .verb = REQUEST_TIE,
        .path = tied->path,
        .dependencies = dependencies,
        .dependencies_size = size,
    };
    supervisor_request_wait(wrapper->options.system, atomic_load(&tied->parent->pid), &request);
}

/* Leaves in `paths` one for each tie: those of one entry of the manifest lie beside one another. */
static void
tie(struct supervisor_wrapper *wrapper, struct wrapper_child *child, struct wrapper_paths *paths)
{
    size_t kept = 0;
    for (size_t i = 0; i < paths->size; i++) {
        struct refstr *path = paths->items[i];
        struct wrapper_child *tied = tied_for(child, path);
        if (!tied || (kept > 0 && ties_the_same(child, path, paths->items[kept - 1]))) {
            refstr_unref(path);
            continue;
        }
        send_tie(wrapper, tied, &path, 1);
        paths->items[kept++] = path;
    }
    paths->size = kept;
    if (kept == 0)
        wrapper_paths_deinit(paths);
}

struct untie_request {
    struct supervisor_request request;
    struct wrapper_child *tied; /* Referenced, as the next. */
    struct refstr *dependency;
};

static void
untie_free(struct untie_request *untie)
{
    wrapper_child_unref(untie->tied);
    refstr_unref(untie->dependency);
    free(untie);
}

static void
untied(struct supervisor_request *request)
{
    untie_free(container_of(request, struct untie_request, request));
}

/* Nobody waits for it: it is also done inside of an event. */
static void
send_untie(struct supervisor_wrapper *wrapper, struct wrapper_child *tied,
           struct refstr *dependency)
{
    struct untie_request *untie = calloc(1, sizeof *untie);
    if (!untie)
        return;
    untie->tied = wrapper_child_ref(tied);
    untie->dependency = refstr_ref(dependency);
    untie->request.verb = REQUEST_UNTIE;
    untie->request.path = tied->path;
    untie->request.dependencies = &untie->dependency;
    untie->request.dependencies_size = 1;
    untie->request.done = untied;
    if (!supervisor_request_send(wrapper->options.system, atomic_load(&tied->parent->pid),
                                 &untie->request))
        untie_free(untie);
}

static void
untie_and_forget(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                 struct wrapper_paths *paths)
{
    for (size_t i = 0; i < paths->size; i++)
        send_untie(wrapper, tied_for(child, paths->items[i]), paths->items[i]);
    wrapper_paths_deinit(paths);
}

void
wrapper_tie_above(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                  struct wrapper_paths *paths)
{
    tie(wrapper, child, paths);
    pthread_mutex_lock(&wrapper->lock);
    if (map_find(&wrapper->children, child->path->text) == child) { /* Else it was deleted. */
        struct wrapper_paths before = child->tied;
        child->tied = *paths;
        *paths = before;
    }
    pthread_mutex_unlock(&wrapper->lock);
    untie_and_forget(wrapper, child, paths);
}

void
wrapper_untie_above(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    untie_and_forget(wrapper, child, &child->tied);
}

/* Adds to `paths` what ties `above` for something below `child`. Out of memory: some are not. */
static void
collect_ties(const struct wrapper_child *above, struct wrapper_child *child,
             struct wrapper_paths *paths)
{
    for (size_t i = 0; i < child->tied.size; i++) {
        if (tied_for(child, child->tied.items[i]) != above)
            continue;
        if ((paths->size & (paths->size - 1)) == 0) { /* Full at each power of two. */
            size_t capacity = paths->size ? paths->size * 2 : 1;
            struct refstr **items = realloc(paths->items, capacity * sizeof *items);
            if (!items)
                return;
            paths->items = items;
        }
        paths->items[paths->size++] = refstr_ref(child->tied.items[i]);
    }
    list_for_each(link, &child->children)
        collect_ties(above, container_of(link, struct wrapper_child, siblings), paths);
}

void
wrapper_tie_attached(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    struct wrapper_paths paths = { 0 };
    pthread_mutex_lock(&wrapper->lock);
    collect_ties(child, child, &paths);
    pthread_mutex_unlock(&wrapper->lock);
    if (paths.size > 0)
        send_tie(wrapper, child, paths.items, paths.size);
    wrapper_paths_deinit(&paths);
}
