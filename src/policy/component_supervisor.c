/* Component supervisor: the record of a tree, filled from its events.
 *
 * The entries of all children stand behind one lock. Events come in under the event log's lock, so
 * nothing here calls out while it takes one in.
 */
#include "policy/component_supervisor.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "policy/supervision_entry.h"

struct component_supervisor {
    struct supervisor_bridge *bridge; /* Constant. */

    pthread_mutex_t lock; /* Guards all below. */
    struct map entries;   /* Path → struct supervision_entry; the key is the entry's. */
};

enum airs_status
component_supervisor_new(struct supervisor_bridge *bridge,
                         struct component_supervisor **supervisor_out, struct airs_error *error)
{
    assert(bridge && supervisor_out);

    struct component_supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor)
        return fail(error, AIRS_ENOMEM, "component supervisor: out of memory");
    supervisor->bridge = bridge;
    map_init(&supervisor->entries);
    pthread_mutex_init(&supervisor->lock, NULL);
    *supervisor_out = supervisor;
    return AIRS_OK;
}

void
component_supervisor_free(struct component_supervisor *supervisor)
{
    if (!supervisor)
        return;
    map_for_each(slot, &supervisor->entries)
        supervision_entry_free(slot->value);
    map_deinit(&supervisor->entries);
    pthread_mutex_destroy(&supervisor->lock);
    free(supervisor);
}

/* The handle stands before the bridge is asked: the child's first event must find it. */
static enum airs_status
enter(struct component_supervisor *supervisor, struct supervision_entry *entry,
      struct airs_error *error)
{
    const char *path = entry->path;
    enum airs_status status = AIRS_OK;

    pthread_mutex_lock(&supervisor->lock);
    if (map_find(&supervisor->entries, path))
        status = fail(error, AIRS_EEXIST, "child '%s': exists", path);
    else if (!map_set(&supervisor->entries, path, entry))
        status = fail(error, AIRS_ENOMEM, "child '%s': out of memory", path);
    pthread_mutex_unlock(&supervisor->lock);
    return status;
}

enum airs_status
component_supervisor_supervise_child(struct component_supervisor *supervisor,
                                     const struct bridge_child *child, struct airs_error *error)
{
    assert(supervisor && child->parent_path && child->path && child->config);

    enum airs_status status = AIRS_ENOMEM;
    struct supervision_entry *entry = supervision_entry_new(child->path, child->spec != NULL);
    if (entry)
        status = enter(supervisor, entry, error);
    else
        fail(error, status, "child '%s': out of memory", child->path);
    if (status != AIRS_OK) {
        supervision_entry_free(entry);
        if (child->release)
            child->release(child->owner);
        return status;
    }

    struct supervisor_bridge *bridge = supervisor->bridge;
    status = bridge->ops->register_component(bridge, child, error);
    pthread_mutex_lock(&supervisor->lock);
    entry->is_registering = false;
    bool is_gone = status != AIRS_OK || entry->is_doomed;
    if (is_gone && !entry->is_doomed)
        map_remove(&supervisor->entries, entry->path);
    pthread_mutex_unlock(&supervisor->lock);
    if (is_gone)
        supervision_entry_free(entry);
    return status;
}

enum airs_status
component_supervisor_supervise(struct component_supervisor *supervisor, const char *parent_path,
                               const char *path, const struct supervisor_config *config,
                               const struct child_spec *spec, struct airs_error *error)
{
    struct bridge_child child = {
        .parent_path = parent_path, .path = path, .config = config, .spec = spec
    };
    return component_supervisor_supervise_child(supervisor, &child, error);
}

enum airs_status
component_supervisor_attach(struct component_supervisor *supervisor, const char *path,
                            struct airs_error *error)
{
    return supervisor->bridge->ops->attach_component(supervisor->bridge, path, error);
}

enum airs_status
component_supervisor_change(struct component_supervisor *supervisor, const char *path,
                            const struct bridge_change *change, uint32_t *generation_out,
                            struct airs_error *error)
{
    assert(supervisor && path && change && change->config);

    return supervisor->bridge->ops->change_component(supervisor->bridge, path, change,
                                                     generation_out, error);
}

enum airs_status
component_supervisor_move(struct component_supervisor *supervisor, const char *path,
                          const char *before_path, struct airs_error *error)
{
    return supervisor->bridge->ops->move_component(supervisor->bridge, path, before_path, error);
}

void
component_supervisor_start(struct component_supervisor *supervisor, const char *path,
                           struct bridge_completion completion)
{
    supervisor->bridge->ops->start_component(supervisor->bridge, path, completion);
}

void
component_supervisor_stop(struct component_supervisor *supervisor, const char *path,
                          uint64_t timeout_us, struct bridge_completion completion)
{
    supervisor->bridge->ops->stop_component(supervisor->bridge, path, timeout_us, completion);
}

void
component_supervisor_restart(struct component_supervisor *supervisor, const char *path,
                             struct bridge_completion completion)
{
    supervisor->bridge->ops->restart_component(supervisor->bridge, path, completion);
}

void
component_supervisor_kill(struct component_supervisor *supervisor, const char *path,
                          struct bridge_completion completion)
{
    supervisor->bridge->ops->kill_component(supervisor->bridge, path, completion);
}

void
component_supervisor_reset(struct component_supervisor *supervisor, const char *path,
                           struct bridge_completion completion)
{
    supervisor->bridge->ops->reset_component(supervisor->bridge, path, completion);
}

void
component_supervisor_delete(struct component_supervisor *supervisor, const char *path,
                            struct bridge_completion completion)
{
    supervisor->bridge->ops->delete_component(supervisor->bridge, path, completion);
}

void
component_supervisor_start_all(struct component_supervisor *supervisor,
                               struct bridge_completion completion)
{
    supervisor->bridge->ops->start_all(supervisor->bridge, completion);
}

void
component_supervisor_stop_all(struct component_supervisor *supervisor, uint64_t timeout_us,
                              struct bridge_completion completion)
{
    supervisor->bridge->ops->stop_all(supervisor->bridge, timeout_us, completion);
}

void
component_supervisor_kill_all(struct component_supervisor *supervisor,
                              struct bridge_completion completion)
{
    supervisor->bridge->ops->kill_all(supervisor->bridge, completion);
}

void
component_supervisor_count_children(struct component_supervisor *supervisor, const char *path,
                                    struct bridge_counting counting)
{
    supervisor->bridge->ops->count(supervisor->bridge, path, counting);
}

void
component_supervisor_list(struct component_supervisor *supervisor, const char *path,
                          struct bridge_listing listing)
{
    supervisor->bridge->ops->list(supervisor->bridge, path, listing);
}

bool
component_supervisor_query_state(struct component_supervisor *supervisor, const char *path,
                                 component_supervision_state *state_out)
{
    return supervisor->bridge->ops->get_component_state(supervisor->bridge, path, state_out);
}

/* Whether `path` is `top` or below it. */
static bool
is_in(const char *path, const char *top)
{
    size_t size = strlen(top);
    return strncmp(path, top, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static void
doom(struct supervision_entry *entry, struct supervision_entry **gone)
{
    entry->is_doomed = true;
    entry->gone = *gone;
    *gone = entry;
}

/* Who registers it frees it, and may be about to: not touched once the lock is given back. */
static void
take_out(struct component_supervisor *supervisor, struct supervision_entry **gone)
{
    while (*gone) {
        map_remove(&supervisor->entries, (*gone)->path);
        if ((*gone)->is_registering)
            *gone = (*gone)->gone;
        else
            gone = &(*gone)->gone;
    }
}

/* The child has left its supervisor, with all below it. */
static void
forget(struct component_supervisor *supervisor, const char *top)
{
    struct supervision_entry *gone = NULL;

    pthread_mutex_lock(&supervisor->lock);
    struct supervision_entry *found = map_find(&supervisor->entries, top);
    if (found && found->is_component) {
        doom(found, &gone);
    } else {
        map_for_each(slot, &supervisor->entries) {
            struct supervision_entry *entry = slot->value;
            if (is_in(entry->path, top))
                doom(entry, &gone);
        }
    }
    take_out(supervisor, &gone);
    pthread_mutex_unlock(&supervisor->lock);
    while (gone) {
        struct supervision_entry *next = gone->gone;
        supervision_entry_free(gone);
        gone = next;
    }
}

void
component_supervisor_abandon(struct component_supervisor *supervisor, const char *path)
{
    supervisor->bridge->ops->abandon_component(supervisor->bridge, path);
    forget(supervisor, path);
}

void
component_supervisor_on_event(struct component_supervisor *supervisor,
                              const struct supervision_event *event)
{
    assert(supervisor && event);

    struct refstr *forgotten = NULL;
    pthread_mutex_lock(&supervisor->lock);
    struct supervision_entry *entry =
        event->path ? map_find(&supervisor->entries, event->path) : NULL;
    if (entry)
        forgotten = supervision_entry_take_in(entry, event);
    pthread_mutex_unlock(&supervisor->lock);
    refstr_unref(forgotten);
    if (event->type == EVENT_DELETED && event->path)
        forget(supervisor, event->path);
}

bool
component_supervisor_get_handle(struct component_supervisor *supervisor, const char *path,
                                struct supervision_handle *handle_out)
{
    assert(supervisor && path && handle_out);

    struct refstr *copy = refstr_new(path, strlen(path));
    if (!copy)
        return false;
    pthread_mutex_lock(&supervisor->lock);
    struct supervision_entry *entry = map_find(&supervisor->entries, path);
    if (entry) {
        supervision_entry_copy(entry, handle_out);
        handle_out->path = copy;
    }
    pthread_mutex_unlock(&supervisor->lock);
    if (!entry)
        refstr_unref(copy);
    return entry != NULL;
}

void
supervision_handle_deinit(struct supervision_handle *handle)
{
    for (size_t i = 0; i < handle->history_size; i++)
        refstr_unref(handle->history[i].detail);
    refstr_unref(handle->path);
    *handle = (struct supervision_handle){ 0 };
}

bool
component_supervisor_has(struct component_supervisor *supervisor, const char *path)
{
    pthread_mutex_lock(&supervisor->lock);
    bool found = map_find(&supervisor->entries, path) != NULL;
    pthread_mutex_unlock(&supervisor->lock);
    return found;
}

size_t
component_supervisor_count(struct component_supervisor *supervisor)
{
    pthread_mutex_lock(&supervisor->lock);
    size_t count = supervisor->entries.size;
    pthread_mutex_unlock(&supervisor->lock);
    return count;
}
