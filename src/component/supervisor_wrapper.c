/* Supervisor wrapper: the bridge over the actor runtime, the root of the tree, events to handles.
 *
 * What the bridge does stands beside it: supervisor_tree.c (children by path),
 * supervisor_register.c (registrations to actors), supervisor_verbs.c (verbs to requests),
 * supervisor_listing.c (what all supervisors say, in tree order), supervisor_change.c (what a reload
 * changes), supervisor_paths.c (who waits for whom), supervisor_ties.c (who stops before
 * whom), supervisor_strategy.c (the owner's predicate) and supervisor_warden.c (stops bounded in
 * time).
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

/* ---- Events. ---- */

static void
on_event(void *context, const struct event *event)
{
    struct supervisor_wrapper *wrapper = context;

    if (!event->path)
        return;
    struct wrapper_child *child = wrapper_note_event(wrapper, event);
    if (child && event->type == EVENT_DELETED)
        wrapper_forget(wrapper, child);
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

static void
on_root_idle(void *context, bool idle)
{
    struct supervisor_wrapper *wrapper = context;

    if (wrapper->options.on_idle)
        wrapper->options.on_idle(wrapper->options.context, idle, wrapper_any_failed(wrapper));
}

static void
on_root_stopping(void *context)
{
    struct supervisor_wrapper *wrapper = context;

    if (wrapper->options.on_stopping)
        wrapper->options.on_stopping(wrapper->options.context);
}

static void
on_root_end(void *context, struct exit_info exit)
{
    struct supervisor_wrapper *wrapper = context;

    wrapper_stops_complete(wrapper);
    if (wrapper->options.on_end)
        wrapper->options.on_end(wrapper->options.context, exit);
}

/* ---- The bridge. ---- */

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
    .register_component = wrapper_register,
    .attach_component = wrapper_attach,
    .abandon_component = wrapper_abandon,
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
    wrapper->root = wrapper_child_new("/", NULL, NULL);
    if (!wrapper->root || !map_set(&wrapper->children, wrapper->root->path->text, wrapper->root)) {
        wrapper_child_unref(wrapper->root);
        return fail(error, AIRS_ENOMEM, "supervisor wrapper: out of memory");
    }
    airs_pid pid;
    struct child_memory memory;
    wrapper_remember(wrapper, "/", &memory);
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
                                                         .user_free = wrapper_child_release,
                                                         .on_stopping = on_root_stopping,
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
    map_for_each(slot, &wrapper->children)
        wrapper_child_unref(slot->value);
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
