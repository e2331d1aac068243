/* Component supervisor: the record of a tree, filled from its events.
 *
 * The handle of a child is a value behind one lock. The history is a ring: the newest exit
 * overwrites the oldest, so an endless crash loop costs no memory. Events come in under the
 * event log's lock, so nothing here allocates or calls out while it takes one in.
 */
#include "policy/component_supervisor.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/map.h"

struct entry {
    struct supervision_handle
        handle; /* `history` is a ring here: `next` is the oldest once full. */
    size_t next;
    struct list gone;    /* Of those that one event takes away. */
    bool is_registering; /* The bridge has it in hand: whoever registers it frees it. */
    bool is_doomed;      /* It was deleted meanwhile: its path may be another's by now. */
};

struct component_supervisor {
    struct supervisor_bridge *bridge; /* Constant. */

    pthread_mutex_t lock; /* Guards all below. */
    struct map entries;   /* Path → struct entry; the key is the handle's path. */
};

static void
entry_free(struct entry *entry)
{
    if (!entry)
        return;
    for (size_t i = 0; i < entry->handle.history_size; i++)
        refstr_unref(entry->handle.history[i].detail);
    refstr_unref(entry->handle.path);
    free(entry);
}

static struct entry *
entry_new(const char *path, const struct supervisor_config *config, const struct child_spec *spec)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->handle.path = refstr_new(path, strlen(path));
    if (!entry->handle.path) {
        free(entry);
        return NULL;
    }
    entry->handle.config = config;
    entry->handle.spec = spec;
    entry->is_registering = true;
    list_init(&entry->gone);
    entry->handle.state = CHILD_REGISTERED;
    entry->handle.registered_us = clock_now_us();
    return entry;
}

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
    map_for_each(slot, &supervisor->entries) entry_free(slot->value);
    map_deinit(&supervisor->entries);
    pthread_mutex_destroy(&supervisor->lock);
    free(supervisor);
}

/* The handle stands before the bridge is asked: the child's first event must find it. */
static enum airs_status
enter(struct component_supervisor *supervisor, struct entry *entry, struct airs_error *error)
{
    const char *path = entry->handle.path->text;
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
    struct entry *entry = entry_new(child->path, child->config, child->spec);
    if (entry)
        status = enter(supervisor, entry, error);
    else
        fail(error, status, "child '%s': out of memory", child->path);
    if (status != AIRS_OK) {
        entry_free(entry);
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
        map_remove(&supervisor->entries, entry->handle.path->text);
    pthread_mutex_unlock(&supervisor->lock);
    if (is_gone)
        entry_free(entry);
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

    pthread_mutex_lock(&supervisor->lock);
    struct entry *entry = map_find(&supervisor->entries, path);
    if (entry) {
        entry->handle.config = change->config;
        entry->handle.spec = change->spec;
    }
    pthread_mutex_unlock(&supervisor->lock);
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

/* Returns the detail that the new record pushed out; it is freed outside of the lock. */
static struct refstr *
entry_record(struct entry *entry, const struct supervision_event *event)
{
    struct supervision_handle *handle = &entry->handle;
    struct supervision_record *record = &handle->history[entry->next];
    struct refstr *forgotten = NULL;

    if (handle->history_size == SUPERVISION_HISTORY_MAX)
        forgotten = record->detail;
    else
        handle->history_size++;
    *record = (struct supervision_record){
        .time_us = event->time_us,
        .seq = event->seq,
        .generation = event->generation,
        .exit = event->exit,
        .detail = refstr_ref(event->detail),
    };
    entry->next = (entry->next + 1) % SUPERVISION_HISTORY_MAX;
    handle->exits_total++;
    return forgotten;
}

static void
entry_restart_granted(struct entry *entry, const struct supervision_event *event)
{
    entry->handle.last_restart_us = event->time_us;
    if (entry->handle.history_size == 0)
        return;
    size_t newest = (entry->next + SUPERVISION_HISTORY_MAX - 1) % SUPERVISION_HISTORY_MAX;
    entry->handle.history[newest].restarted = true;
    entry->handle.history[newest].delay_us = event->delay_us;
}

static struct refstr *
entry_take_in(struct entry *entry, const struct supervision_event *event)
{
    struct supervision_handle *handle = &entry->handle;

    handle->state = event->state;
    handle->generation = event->generation;
    handle->restart_count = event->restarts;
    handle->last_seq = event->seq;
    switch (event->type) {
    case EVENT_EXITED:
        handle->ready = false;
        return entry_record(entry, event);
    case EVENT_RESTART_SCHEDULED:
        entry_restart_granted(entry, event);
        break;
    case EVENT_STARTED:
        handle->started_us = event->time_us;
        break;
    case EVENT_READY:
        handle->ready = true;
        break;
    case EVENT_NOT_READY:
    case EVENT_DEGRADED:
    case EVENT_HEALTH_FAILED:
    case EVENT_STARTING:
    case EVENT_STOPPING:
    case EVENT_STOPPED:
    case EVENT_FAILED:
    case EVENT_DELETED:
        handle->ready = false;
        break;
    case EVENT_REGISTERED:
    case EVENT_WAITING:
    case EVENT_ESCALATED:
    case EVENT_ADDED:
    case EVENT_RESET:
    case EVENT_DENIED:
    case EVENT_DEAD_LETTER:
    case EVENT_RELOADED:
    case EVENT_APPLICATION_STARTED:
    case EVENT_APPLICATION_STOPPED:
        break;
    }
    return NULL;
}

/* Whether `path` is `top` or below it. */
static bool
is_in(const char *path, const char *top)
{
    size_t size = strlen(top);
    return strncmp(path, top, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static void
doom(struct entry *entry, struct list *gone)
{
    entry->is_doomed = true;
    list_push_back(gone, &entry->gone);
}

/* Who registers it frees it, and may be about to: not touched once the lock is given back. */
static void
take_out(struct component_supervisor *supervisor, struct list *gone)
{
    list_for_each(link, gone)
    {
        struct entry *entry = container_of(link, struct entry, gone);
        map_remove(&supervisor->entries, entry->handle.path->text);
        if (entry->is_registering)
            list_remove(link);
    }
}

/* The child has left its supervisor, with all below it. */
static void
forget(struct component_supervisor *supervisor, const char *top)
{
    struct list gone, *link;

    list_init(&gone);
    pthread_mutex_lock(&supervisor->lock);
    struct entry *found = map_find(&supervisor->entries, top);
    if (found && found->handle.spec) { /* Nothing is below a component. */
        doom(found, &gone);
    } else {
        map_for_each(slot, &supervisor->entries)
        {
            struct entry *entry = slot->value;
            if (is_in(entry->handle.path->text, top))
                doom(entry, &gone);
        }
    }
    take_out(supervisor, &gone);
    pthread_mutex_unlock(&supervisor->lock);
    while ((link = list_pop_front(&gone)) != NULL)
        entry_free(container_of(link, struct entry, gone));
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
    struct entry *entry = event->path ? map_find(&supervisor->entries, event->path) : NULL;
    if (entry)
        forgotten = entry_take_in(entry, event);
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

    pthread_mutex_lock(&supervisor->lock);
    struct entry *entry = map_find(&supervisor->entries, path);
    if (entry) {
        size_t size = entry->handle.history_size;
        size_t oldest = size == SUPERVISION_HISTORY_MAX ? entry->next : 0;
        *handle_out = entry->handle;
        refstr_ref(handle_out->path);
        for (size_t i = 0; i < size; i++) {
            handle_out->history[i] = entry->handle.history[(oldest + i) % SUPERVISION_HISTORY_MAX];
            refstr_ref(handle_out->history[i].detail);
        }
    }
    pthread_mutex_unlock(&supervisor->lock);
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
