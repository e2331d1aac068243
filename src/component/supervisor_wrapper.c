/* Supervisor wrapper: paths to supervisors, registrations to actors, events to handles.
 *
 * Beside it stand supervisor_verbs.c (verbs to requests), supervisor_listing.c (what all
 * supervisors say, in tree order), supervisor_dependencies.c (who waits for whom) and
 * supervisor_warden.c (stops bounded in time).
 *
 * One lock guards the map of paths. It is never held across a call of the runtime that may
 * call back, nor across a completion.
 */
#include "component/supervisor_wrapper.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "component/supervisor_listing.h"
#include "component/supervisor_wrapper_state.h"
#include "policy/supervisor_config.h"
#include "runtime/actor_system.h"
#include "runtime/child_link.h"
#include "runtime/event_log.h"

/* A path longer than this has a predicate that takes nobody along. */
#define PREDICATE_PATH_BYTES_MAX 4096

/* ---- The tree. ---- */

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
        unsigned before =
            atomic_fetch_sub_explicit(&child->references, 1, memory_order_acq_rel);
        assert(before > 0);
        if (before > 1)
            return;
        struct wrapper_child *parent = child->parent;
        if (child->release)
            child->release(child->owner);
        refstr_unref(child->path);
        free(child);
        child = parent;
    }
}

static void
user_free(void *user)
{
    wrapper_child_unref(user);
}

static struct wrapper_child *
child_new(const char *path, const struct supervisor_config *config, const struct child_spec *spec)
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

/* Takes `child` and all below it out of the map; under the lock. They go into `gone`. */
static void
take_out(struct supervisor_wrapper *wrapper, struct wrapper_child *child, struct list *gone)
{
    while (!list_is_empty(&child->children))
        take_out(wrapper, container_of(child->children.next, struct wrapper_child, siblings),
                 gone);
    map_remove(&wrapper->children, child->path->text);
    list_remove(&child->siblings);
    list_push_back(gone, &child->siblings);
}

/* Taken by a supervisor meanwhile, its actor is that one's, and this does nothing. */
static void
discard_loose(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
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
        discard_loose(wrapper, child);
        wrapper_child_unref(child);
    }
}

void
wrapper_insert_locked(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                      const char *before_path)
{
    struct wrapper_child *before =
        before_path ? map_find(&wrapper->children, before_path) : NULL;
    bool is_sibling = before && before != child && before->parent == child->parent;

    list_remove(&child->siblings);
    list_push_back(is_sibling ? &before->siblings : &child->parent->children, &child->siblings);
}

static void
forget(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    struct list gone;

    list_init(&gone);
    pthread_mutex_lock(&wrapper->lock);
    if (map_find(&wrapper->children, child->path->text) == child)
        take_out(wrapper, child, &gone);
    pthread_mutex_unlock(&wrapper->lock);
    let_go(wrapper, &gone);
}

/* ---- Events. ---- */

static void
on_event(void *context, const struct event *event)
{
    struct supervisor_wrapper *wrapper = context;

    if (!event->path)
        return;
    struct wrapper_child *child = wrapper_find(wrapper, event->path->text);
    if (child && event->has_state) {
        atomic_store(&child->generation, event->generation);
        atomic_store(&child->state, event->state);
    }
    if (child && event->type == EVENT_DELETED)
        forget(wrapper, child);
    wrapper_child_unref(child);
    if (!wrapper->handles)
        return;
    component_supervisor_on_event(wrapper->handles, &(struct supervision_event){
                                                        .seq = event->seq,
                                                        .time_us = event->time_us,
                                                        .path = event->path->text,
                                                        .type = event->type,
                                                        .state = event->state,
                                                        .generation = event->generation,
                                                        .restarts = event->restarts,
                                                        .has_exit = event->has_exit,
                                                        .exit = event->exit,
                                                        .detail = event->detail,
                                                        .delay_us = event->delay_us,
                                                    });
}

/* ---- The root. ---- */

static bool
any_failed(struct supervisor_wrapper *wrapper)
{
    bool found = false;

    pthread_mutex_lock(&wrapper->lock);
    map_for_each(slot, &wrapper->children)
    {
        struct wrapper_child *child = slot->value;
        found |= atomic_load(&child->state) == CHILD_FAILED;
    }
    pthread_mutex_unlock(&wrapper->lock);
    return found;
}

static void
on_root_idle(void *context, bool idle, bool any_failed_of_root)
{
    struct supervisor_wrapper *wrapper = context;

    if (wrapper->options.on_idle)
        wrapper->options.on_idle(wrapper->options.context, idle,
                                 any_failed_of_root || any_failed(wrapper));
}

static void
on_root_end(void *context, struct exit_info exit)
{
    struct supervisor_wrapper *wrapper = context;

    wrapper_stops_complete(wrapper);
    if (wrapper->options.on_end)
        wrapper->options.on_end(wrapper->options.context, exit);
}

/* ---- Strategies. ---- */

/* A node knows children; whoever gave the predicate knows paths. */
static bool
affects(void *context, const struct supervisor_child *failed,
        const struct supervisor_child *candidate)
{
    struct supervisor_wrapper *wrapper = context;
    const char *path = supervisor_child_path(failed)->text;
    size_t size = (size_t)(strrchr(path, '/') - path);
    char supervisor[PREDICATE_PATH_BYTES_MAX] = "/";

    if (size >= sizeof supervisor)
        return false;
    if (size > 0)
        memcpy(supervisor, path, size);
    return wrapper->options.affects(wrapper->options.context, supervisor, path,
                                    supervisor_child_path(candidate)->text);
}

struct node_policy
wrapper_node_policy(struct supervisor_wrapper *wrapper, const struct node_policy *wanted)
{
    struct node_policy policy = *wanted;

    if (policy.strategy == STRATEGY_PREDICATE && wrapper->options.affects) {
        policy.affects = affects;
        policy.ctx = wrapper;
    }
    return policy;
}

/* ---- The bridge. ---- */

/* What an earlier run left of `path`; all 0: nothing. */
static bool
remember(struct supervisor_wrapper *wrapper, const char *path, struct child_memory *memory_out)
{
    *memory_out = (struct child_memory){ 0 };
    return wrapper->options.memory &&
           wrapper->options.memory(wrapper->options.context, path, memory_out);
}

/* Whether what an earlier run left at its path is this child's. */
static bool
goes_on(const struct wrapper_child *child)
{
    return !child->is_dynamic || child->goes_on;
}

static enum airs_status
spawn(struct supervisor_wrapper *wrapper, struct wrapper_child *child, struct airs_error *error)
{
    airs_pid pid;
    enum airs_status status;

    if (child->is_supervisor) {
        struct child_memory memory = { 0 };
        if (goes_on(child))
            remember(wrapper, child->path->text, &memory);
        struct node_policy policy = wrapper_node_policy(wrapper, &child->config->node);
        status = supervisor_actor_spawn(wrapper->options.system,
                                        &(struct supervisor_options){
                                            .path = child->path,
                                            .seed = wrapper->options.seed
                                                    + atomic_fetch_add(&wrapper->seeds, 1) + 1,
                                            .policy = &policy,
                                            .intensity_us = memory.intensity_us,
                                            .intensity_size = memory.intensity_size,
                                            .user_free = user_free,
                                        },
                                        &pid, error);
    } else {
        assert(wrapper->options.spawner);
        status = component_spawner_spawn(wrapper->options.spawner, child->path->text,
                                         component_spec_of_child(child->spec),
                                         &child->config->health, &pid, error);
    }
    if (status != AIRS_OK)
        return status;
    atomic_store(&child->pid, pid);
    atomic_store(&child->is_loose, true);
    return AIRS_OK;
}

/* Puts `child` into the map and under its parent. */
static enum airs_status
enter(struct supervisor_wrapper *wrapper, const struct bridge_child *given,
      struct wrapper_child *child, struct airs_error *error)
{
    const char *parent_path = given->parent_path;
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
        wrapper_insert_locked(wrapper, child, given->before_path);
    }
    pthread_mutex_unlock(&wrapper->lock);
    return status;
}

/* The sibling in front of which `child` was entered, if one is there and has a supervisor yet. */
static struct wrapper_child *
next_sibling(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
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

static unsigned
max_children_of(const struct supervisor_wrapper *wrapper, const struct wrapper_child *supervisor)
{
    const struct supervisor_config *config = supervisor->config;
    if (config)
        return config->node.max_children;
    return wrapper->options.root_policy ? wrapper->options.root_policy->max_children : 0;
}

/* Waits for the parent's answer, so that `registered` events come in the order of calls. */
static enum airs_status
add(struct supervisor_wrapper *wrapper, struct wrapper_child *child, struct airs_error *error)
{
    struct wrapper_child *before = next_sibling(wrapper, child);
    struct child_memory memory;
    struct wrapper_paths paths;
    if (wrapper_paths_init(&paths, child->config->depends_on, child->config->depends_on_size) !=
        AIRS_OK)
        return fail(error, AIRS_ENOMEM, "child '%s': out of memory", child->path->text);
    bool is_old = goes_on(child) && remember(wrapper, child->path->text, &memory);
    struct supervisor_request request = {
        .memory = is_old ? &memory : NULL,
        .verb = REQUEST_ADD,
        .path = child->path,
        .child = atomic_load(&child->pid),
        .is_supervisor = child->is_supervisor,
        .is_dynamic = child->is_dynamic,
        .before = before ? before->path : NULL,
        .policy = child->config->policy,
        .dependencies = paths.items,
        .dependencies_size = paths.size,
        .user = wrapper_child_ref(child),
    };
    enum airs_status status = supervisor_request_wait(wrapper->options.system,
                                                      atomic_load(&child->parent->pid), &request);
    if (status == AIRS_ENOENT && before) { /* Deleted in this moment. */
        request.before = NULL;
        status = supervisor_request_wait(wrapper->options.system, atomic_load(&child->parent->pid),
                                         &request);
    }
    wrapper_child_unref(before);

    if (status == AIRS_OK)
        wrapper_tie_above(wrapper, child, &paths);
    wrapper_paths_deinit(&paths);
    if (status == AIRS_OK) {
        atomic_store(&child->is_loose, false);
        return AIRS_OK;
    }
    wrapper_child_unref(child);
    if (status == AIRS_ELIMIT)
        return fail(error, status, "child '%s': '%s' has as many children as its 'max-children', %u",
                    child->path->text, child->parent->path->text, max_children_of(wrapper, child->parent));
    return fail(error, status, "child '%s': %s", child->path->text, wrapper_status_text(status));
}

/* Its supervisor was deleted while its actor was made: nobody else knows of that one. */
static enum airs_status
check_entered(struct supervisor_wrapper *wrapper, const struct wrapper_child *child,
              struct airs_error *error)
{
    pthread_mutex_lock(&wrapper->lock);
    bool is_there = map_find(&wrapper->children, child->path->text) == child;
    pthread_mutex_unlock(&wrapper->lock);
    return is_there ? AIRS_OK
                    : fail(error, AIRS_ENOENT, "child '%s': its supervisor was deleted",
                           child->path->text);
}

static enum airs_status
bridge_register(struct supervisor_bridge *bridge, const struct bridge_child *given,
                struct airs_error *error)
{
    struct supervisor_wrapper *wrapper = wrapper_of(bridge);
    struct wrapper_child *child = child_new(given->path, given->config, given->spec);
    if (!child) {
        if (given->release)
            given->release(given->owner);
        return fail(error, AIRS_ENOMEM, "child '%s': out of memory", given->path);
    }
    child->is_dynamic = given->is_dynamic;
    child->goes_on = given->goes_on;
    child->release = given->release;
    child->owner = given->owner;

    enum airs_status status = enter(wrapper, given, child, error);
    if (status == AIRS_OK) {
        status = spawn(wrapper, child, error);
        if (status == AIRS_OK)
            status = given->is_apart ? check_entered(wrapper, child, error)
                                     : add(wrapper, child, error);
        if (status != AIRS_OK) {
            forget(wrapper, child);
            discard_loose(wrapper, child);
        }
    }
    wrapper_child_unref(child);
    return status;
}

static enum airs_status
bridge_attach(struct supervisor_bridge *bridge, const char *path, struct airs_error *error)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);
    if (!child) /* Its parent was deleted meanwhile. */
        return fail(error, AIRS_ENOENT, "child '%s': no such child", path);
    enum airs_status status = add(wrapper_of(bridge), child, error);
    wrapper_child_unref(child);
    return status;
}

static void
bridge_abandon(struct supervisor_bridge *bridge, const char *path)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);
    if (child)
        forget(wrapper_of(bridge), child);
    wrapper_child_unref(child);
}

static bool
bridge_state(struct supervisor_bridge *bridge, const char *path,
             component_supervision_state *state_out)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);

    bool found = child && child->parent;

    if (found)
        *state_out = atomic_load(&child->state);
    wrapper_child_unref(child);
    return found;
}

static void
bridge_list(struct supervisor_bridge *bridge, const char *path, struct bridge_listing listing)
{
    supervisor_listing_begin(wrapper_of(bridge), path, listing);
}

static const struct supervisor_bridge_ops wrapper_ops = {
    .register_component = bridge_register,
    .attach_component = bridge_attach,
    .abandon_component = bridge_abandon,
    .change_component = wrapper_change,
    .move_component = wrapper_move,
    .start_component = wrapper_verb_start,
    .stop_component = wrapper_verb_stop,
    .restart_component = wrapper_verb_restart,
    .kill_component = wrapper_verb_kill,
    .reset_component = wrapper_verb_reset,
    .delete_component = wrapper_verb_delete,
    .get_component_state = bridge_state,
    .start_all = wrapper_verb_start_all,
    .stop_all = wrapper_verb_stop_all,
    .kill_all = wrapper_verb_kill_all,
    .count = wrapper_count,
    .list = bridge_list,
};

/* ---- Making and freeing. ---- */

static enum airs_status
spawn_root(struct supervisor_wrapper *wrapper, struct airs_error *error)
{
    wrapper->root = child_new("/", NULL, NULL);
    if (!wrapper->root || !map_set(&wrapper->children, wrapper->root->path->text, wrapper->root)) {
        wrapper_child_unref(wrapper->root);
        return fail(error, AIRS_ENOMEM, "supervisor wrapper: out of memory");
    }
    airs_pid pid;
    struct child_memory memory;
    remember(wrapper, "/", &memory);
    struct node_policy policy = node_policy_default();
    if (wrapper->options.root_policy)
        policy = wrapper_node_policy(wrapper, wrapper->options.root_policy);
    enum airs_status status = supervisor_actor_spawn(wrapper->options.system,
                                                     &(struct supervisor_options){
                                                         .path = wrapper->root->path,
                                                         .seed = wrapper->options.seed,
                                                         .policy = &policy,
                                                         .intensity_us = memory.intensity_us,
                                                         .intensity_size = memory.intensity_size,
                                                         .user_free = user_free,
                                                         .on_end = on_root_end,
                                                         .on_idle = on_root_idle,
                                                         .ctx = wrapper,
                                                     },
                                                     &pid, error);
    if (status == AIRS_OK)
        atomic_store(&wrapper->root->pid, pid);
    return status;
}

enum airs_status
supervisor_wrapper_new(const struct supervisor_wrapper_options *options,
                       struct supervisor_wrapper **wrapper_out, struct airs_error *error)
{
    assert(options && options->system && wrapper_out);

    struct supervisor_wrapper *wrapper = calloc(1, sizeof *wrapper);
    if (!wrapper)
        return fail(error, AIRS_ENOMEM, "supervisor wrapper: out of memory");
    wrapper->bridge.ops = &wrapper_ops;
    wrapper->options = *options;
    map_init(&wrapper->children);
    pthread_mutex_init(&wrapper->lock, NULL);
    list_init(&wrapper->stops);

    enum airs_status status = spawn_root(wrapper, error);
    if (status == AIRS_OK)
        status = wrapper_warden_spawn(wrapper, error);
    if (status == AIRS_OK)
        status =
            event_log_add_sink(actor_system_event_log(options->system), on_event, wrapper, error);
    if (status != AIRS_OK) {
        supervisor_wrapper_free(wrapper);
        return status;
    }
    *wrapper_out = wrapper;
    return AIRS_OK;
}

void
supervisor_wrapper_free(struct supervisor_wrapper *wrapper)
{
    if (!wrapper)
        return;
    event_log_remove_sink(actor_system_event_log(wrapper->options.system), on_event, wrapper);
    wrapper_stops_free(wrapper);
    map_for_each(slot, &wrapper->children) wrapper_child_unref(slot->value);
    map_deinit(&wrapper->children);
    pthread_mutex_destroy(&wrapper->lock);
    free(wrapper);
}

struct supervisor_bridge *
supervisor_wrapper_bridge(struct supervisor_wrapper *wrapper)
{
    return &wrapper->bridge;
}

void
supervisor_wrapper_attach(struct supervisor_wrapper *wrapper,
                          struct component_supervisor *supervisor)
{
    wrapper->handles = supervisor;
}
