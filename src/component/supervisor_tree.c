/* Supervisor tree: the children of a wrapper by their paths, each below its parent.
 *
 * Out of the map a child is forgotten; it is freed when nobody holds it any more.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "component/supervisor_wrapper_state.h"
#include "runtime/child_link.h"

struct wrapper_child *
wrapper_child_ref(struct wrapper_child *child)
{
    atomic_fetch_add_explicit(&child->references, 1, memory_order_relaxed);
    return child;
}

void
wrapper_child_unref(struct wrapper_child *child)
{
    while (child) { /* The last one lets go of the parent, too. */
        unsigned before = atomic_fetch_sub_explicit(&child->references, 1, memory_order_acq_rel);
        assert(before > 0);
        if (before > 1)
            return;
        struct wrapper_child *parent = child->parent;
        if (child->release)
            child->release(child->owner);
        wrapper_paths_deinit(&child->tied);
        refstr_unref(child->path);
        free(child);
        child = parent;
    }
}

void
wrapper_child_release(void *child)
{
    wrapper_child_unref(child);
}

struct wrapper_child *
wrapper_child_new(const char *path, const struct supervisor_config *config,
                  const struct child_spec *spec)
{
    struct wrapper_child *child = calloc(1, sizeof *child);
    if (!child)
        return NULL;
    child->path = refstr_new(path, strlen(path));
    if (!child->path) {
        free(child);
        return NULL;
    }
    atomic_init(&child->references, 1);
    atomic_init(&child->config, config);
    atomic_init(&child->spec, spec);
    child->is_supervisor = spec == NULL;
    atomic_init(&child->state, CHILD_REGISTERED);
    list_init(&child->siblings);
    list_init(&child->children);
    return child;
}

struct wrapper_child *
wrapper_find(struct supervisor_wrapper *wrapper, const char *path)
{
    pthread_mutex_lock(&wrapper->lock);
    struct wrapper_child *child = map_find(&wrapper->children, path);
    if (child)
        wrapper_child_ref(child);
    pthread_mutex_unlock(&wrapper->lock);
    return child;
}

struct wrapper_child *
wrapper_note_event(struct supervisor_wrapper *wrapper, const struct event *event)
{
    pthread_mutex_lock(&wrapper->lock);
    struct wrapper_child *child = map_find(&wrapper->children, event->path->text);
    if (child)
        wrapper_child_ref(child);
    if (child && event->has_state) {
        wrapper->failed += event->state == CHILD_FAILED;
        wrapper->failed -= atomic_load(&child->state) == CHILD_FAILED;
        atomic_store(&child->generation, event->generation);
        atomic_store(&child->state, event->state);
    }
    pthread_mutex_unlock(&wrapper->lock);
    return child;
}

bool
wrapper_any_failed(struct supervisor_wrapper *wrapper)
{
    pthread_mutex_lock(&wrapper->lock);
    bool any = wrapper->failed > 0;
    pthread_mutex_unlock(&wrapper->lock);
    return any;
}

/* Takes `child` and all below it out of the map; under the lock. They go into `gone`. */
static void
take_out(struct supervisor_wrapper *wrapper, struct wrapper_child *child, struct list *gone)
{
    while (!list_is_empty(&child->children))
        take_out(wrapper, container_of(child->children.next, struct wrapper_child, siblings), gone);
    wrapper->failed -= atomic_load(&child->state) == CHILD_FAILED;
    map_remove(&wrapper->children, child->path->text);
    list_remove(&child->siblings);
    list_push_back(gone, &child->siblings);
}

void
wrapper_discard_loose(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    if (atomic_exchange(&child->is_loose, false))
        child_discard(wrapper->options.system, atomic_load(&child->pid));
}

/* Each has lost its place, and with it the map's reference. */
static void
let_go(struct supervisor_wrapper *wrapper, struct list *gone)
{
    struct list *link;

    while ((link = list_pop_front(gone)) != NULL) {
        struct wrapper_child *child = container_of(link, struct wrapper_child, siblings);
        if (!child->is_supervisor)
            component_spawner_forget(wrapper->options.spawner, child->path->text);
        wrapper_untie_above(wrapper, child);
        wrapper_discard_loose(wrapper, child);
        wrapper_child_unref(child);
    }
}

void
wrapper_insert_locked(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                      const char *before_path)
{
    struct wrapper_child *before = before_path ? map_find(&wrapper->children, before_path) : NULL;
    bool is_sibling = before && before != child && before->parent == child->parent;

    list_remove(&child->siblings);
    list_push_back(is_sibling ? &before->siblings : &child->parent->children, &child->siblings);
}

void
wrapper_forget(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    struct list gone;

    list_init(&gone);
    pthread_mutex_lock(&wrapper->lock);
    if (map_find(&wrapper->children, child->path->text) == child)
        take_out(wrapper, child, &gone);
    pthread_mutex_unlock(&wrapper->lock);
    let_go(wrapper, &gone);
}

enum airs_status
wrapper_enter(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
              const char *parent_path, const char *before_path, struct airs_error *error)
{
    const char *path = child->path->text;
    enum airs_status status = AIRS_OK;

    pthread_mutex_lock(&wrapper->lock);
    struct wrapper_child *parent = map_find(&wrapper->children, parent_path);
    if (map_find(&wrapper->children, path))
        status = fail(error, AIRS_EEXIST, "child '%s': exists", path);
    else if (!parent)
        status = fail(error, AIRS_ENOENT, "supervisor '%s': not found", parent_path);
    else if (!parent->is_supervisor)
        status = fail(error, AIRS_EINVAL, "'%s' is no supervisor", parent_path);
    else if (!map_set(&wrapper->children, path, wrapper_child_ref(child))) {
        wrapper_child_unref(child);
        status = fail(error, AIRS_ENOMEM, "child '%s': out of memory", path);
    }
    if (status == AIRS_OK) {
        child->parent = wrapper_child_ref(parent);
        wrapper_insert_locked(wrapper, child, before_path);
    }
    pthread_mutex_unlock(&wrapper->lock);
    return status;
}

struct wrapper_child *
wrapper_next_sibling(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    struct wrapper_child *next = NULL;

    pthread_mutex_lock(&wrapper->lock);
    bool is_entered = map_find(&wrapper->children, child->path->text) == child;
    if (is_entered && child->siblings.next != &child->parent->children) {
        next = container_of(child->siblings.next, struct wrapper_child, siblings);
        next = atomic_load(&next->is_loose) ? NULL : wrapper_child_ref(next);
    }
    pthread_mutex_unlock(&wrapper->lock);
    return next;
}
