/* Supervisor wrapper: paths to supervisors, verbs to requests, events to handles.
 *
 * Each verb becomes one request in memory of its own, which the supervisor answers in its
 * turn; the completion is called there. A listing asks every supervisor of the tree at once
 * and sorts what comes back into tree order. Timeouts of stops are timers of one small native
 * actor, the warden; it kills what is still stopping when they fire.
 *
 * One lock guards the map of paths. It is never held across a call of the runtime that may
 * call back, nor across a completion.
 */
#include "component/supervisor_wrapper.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "component/supervisor_listing.h"
#include "component/supervisor_wrapper_state.h"
#include "policy/supervisor_config.h"
#include "runtime/actor_system.h"
#include "runtime/event_log.h"

/* ---- The tree. ---- */

static void
child_free(struct wrapper_child *child)
{
    if (!child)
        return;
    refstr_unref(child->path);
    free(child);
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
    child->config = config;
    child->spec = spec;
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
    pthread_mutex_unlock(&wrapper->lock);
    return child;
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

/* ---- Requests. ---- */

struct verb_request {
    struct supervisor_request request;
    struct bridge_completion completion;
};

static const char *
text_of_status(enum airs_status status)
{
    switch (status) {
    case AIRS_OK:
        return NULL;
    case AIRS_EALREADY:
        return "already running";
    case AIRS_EBUSY:
        return "busy";
    case AIRS_ENOTRUNNING:
        return "not running";
    case AIRS_ENOENT:
        return "no such child";
    case AIRS_EENDED:
        return "the supervisor has ended";
    case AIRS_ENOMEM:
    case AIRS_EINVAL:
    case AIRS_EEXIST:
    case AIRS_ELIMIT:
    case AIRS_EIO:
    case AIRS_ETIMEDOUT:
    case AIRS_ELOAD:
    case AIRS_EDENIED:
    case AIRS_EREJECTED:
    case AIRS_EFAILED:
        return airs_status_text(status);
    }
    return NULL;
}

static void
verb_done(struct supervisor_request *request)
{
    struct verb_request *verb = container_of(request, struct verb_request, request);

    bridge_complete(verb->completion, request->status, text_of_status(request->status));
    free(verb);
}

/* Sends `verb` about `child` (NULL: about the whole tree, to the root). */
void
wrapper_request(struct supervisor_wrapper *wrapper, enum request_verb verb,
                const struct wrapper_child *child, struct bridge_completion completion)
{
    struct verb_request *request = calloc(1, sizeof *request);
    if (!request) {
        bridge_complete(completion, AIRS_ENOMEM, text_of_status(AIRS_ENOMEM));
        return;
    }
    request->completion = completion;
    request->request.verb = verb;
    request->request.done = verb_done;
    airs_pid supervisor = atomic_load(&wrapper->root->pid);
    if (child) {
        supervisor = atomic_load(&child->parent->pid);
        request->request.path = child->path;
    }
    if (!supervisor_request_send(wrapper->options.system, supervisor, &request->request)) {
        bridge_complete(completion, AIRS_EENDED, text_of_status(AIRS_EENDED));
        free(request);
    }
}

static void
verb_on(struct supervisor_bridge *bridge, enum request_verb verb, const char *path,
        struct bridge_completion completion)
{
    struct supervisor_wrapper *wrapper = wrapper_of(bridge);
    struct wrapper_child *child = wrapper_find(wrapper, path);

    if (!child || !child->parent)
        bridge_complete(completion, AIRS_ENOENT, text_of_status(AIRS_ENOENT));
    else
        wrapper_request(wrapper, verb, child, completion);
}

/* ---- The bridge. ---- */

static enum airs_status
spawn(struct supervisor_wrapper *wrapper, struct wrapper_child *child, struct airs_error *error)
{
    airs_pid pid;
    enum airs_status status;

    if (child->is_supervisor) {
        status = supervisor_actor_spawn(wrapper->options.system,
                                        &(struct supervisor_options){
                                            .path = child->path,
                                            .seed = wrapper->options.seed + wrapper->children.size,
                                        },
                                        &pid, error);
    } else {
        assert(wrapper->options.spawner);
        status = component_spawner_spawn(wrapper->options.spawner, child->path->text,
                                         component_spec_of_child(child->spec), &pid, error);
    }
    if (status == AIRS_OK)
        atomic_store(&child->pid, pid);
    return status;
}

/* Puts `child` into the map and under its parent. */
static enum airs_status
enter(struct supervisor_wrapper *wrapper, const char *parent_path, struct wrapper_child *child,
      struct airs_error *error)
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
    else if (!map_set(&wrapper->children, path, child))
        status = fail(error, AIRS_ENOMEM, "child '%s': out of memory", path);
    if (status == AIRS_OK) {
        child->parent = parent;
        list_push_back(&parent->children, &child->siblings);
    }
    pthread_mutex_unlock(&wrapper->lock);
    return status;
}

/* Waits for the parent's answer, so that `registered` events come in the order of calls. */
static enum airs_status
add(struct supervisor_wrapper *wrapper, struct wrapper_child *child, struct airs_error *error)
{
    struct supervisor_request request = {
        .verb = REQUEST_ADD,
        .path = child->path,
        .child = atomic_load(&child->pid),
        .is_supervisor = child->is_supervisor,
        .policy = child->config->policy,
        .user = child,
    };
    enum airs_status status = supervisor_request_wait(wrapper->options.system,
                                                      atomic_load(&child->parent->pid), &request);

    if (status != AIRS_OK)
        return fail(error, status, "child '%s': %s", child->path->text, text_of_status(status));
    return AIRS_OK;
}

static void
withdraw(struct supervisor_wrapper *wrapper, struct wrapper_child *child)
{
    pthread_mutex_lock(&wrapper->lock);
    map_remove(&wrapper->children, child->path->text);
    list_remove(&child->siblings);
    pthread_mutex_unlock(&wrapper->lock);
}

static enum airs_status
bridge_register(struct supervisor_bridge *bridge, const char *parent_path, const char *path,
                const struct supervisor_config *config, const struct child_spec *spec,
                struct airs_error *error)
{
    struct supervisor_wrapper *wrapper = wrapper_of(bridge);
    struct wrapper_child *child = child_new(path, config, spec);
    if (!child)
        return fail(error, AIRS_ENOMEM, "child '%s': out of memory", path);

    enum airs_status status = enter(wrapper, parent_path, child, error);
    if (status != AIRS_OK) {
        child_free(child);
        return status;
    }
    status = spawn(wrapper, child, error);
    if (status == AIRS_OK)
        status = add(wrapper, child, error);
    if (status != AIRS_OK) {
        withdraw(wrapper, child);
        child_free(child);
    }
    return status;
}

static void
bridge_start(struct supervisor_bridge *bridge, const char *path,
             struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_START, path, completion);
}

static void
bridge_stop(struct supervisor_bridge *bridge, const char *path, uint64_t timeout_us,
            struct bridge_completion completion)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);

    if (child && child->parent && timeout_us != DURATION_INFINITE)
        wrapper_stop_watch(wrapper_of(bridge), child, timeout_us);
    verb_on(bridge, REQUEST_STOP, path, completion);
}

static void
bridge_restart(struct supervisor_bridge *bridge, const char *path,
               struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_RESTART, path, completion);
}

static void
bridge_kill(struct supervisor_bridge *bridge, const char *path, struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_KILL, path, completion);
}

static void
bridge_reset(struct supervisor_bridge *bridge, const char *path,
             struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_RESET, path, completion);
}

static bool
bridge_state(struct supervisor_bridge *bridge, const char *path,
             component_supervision_state *state_out)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);

    if (!child || !child->parent)
        return false;
    *state_out = atomic_load(&child->state);
    return true;
}

static void
bridge_start_all(struct supervisor_bridge *bridge, struct bridge_completion completion)
{
    wrapper_request(wrapper_of(bridge), REQUEST_START_ALL, NULL, completion);
}

static void
bridge_stop_all(struct supervisor_bridge *bridge, uint64_t timeout_us,
                struct bridge_completion completion)
{
    wrapper_stop_all(wrapper_of(bridge), timeout_us, completion);
}

static void
bridge_kill_all(struct supervisor_bridge *bridge, struct bridge_completion completion)
{
    wrapper_request(wrapper_of(bridge), REQUEST_KILL_ALL, NULL, completion);
}

static void
bridge_list(struct supervisor_bridge *bridge, const char *path, struct bridge_listing listing)
{
    supervisor_listing_begin(wrapper_of(bridge), path, listing);
}

static const struct supervisor_bridge_ops wrapper_ops = {
    .register_component = bridge_register,
    .start_component = bridge_start,
    .stop_component = bridge_stop,
    .restart_component = bridge_restart,
    .kill_component = bridge_kill,
    .reset_component = bridge_reset,
    .get_component_state = bridge_state,
    .start_all = bridge_start_all,
    .stop_all = bridge_stop_all,
    .kill_all = bridge_kill_all,
    .list = bridge_list,
};

/* ---- Making and freeing. ---- */

static enum airs_status
spawn_root(struct supervisor_wrapper *wrapper, struct airs_error *error)
{
    wrapper->root = child_new("/", NULL, NULL);
    if (!wrapper->root || !map_set(&wrapper->children, wrapper->root->path->text, wrapper->root)) {
        child_free(wrapper->root);
        return fail(error, AIRS_ENOMEM, "supervisor wrapper: out of memory");
    }
    airs_pid pid;
    enum airs_status status = supervisor_actor_spawn(wrapper->options.system,
                                                     &(struct supervisor_options){
                                                         .path = wrapper->root->path,
                                                         .seed = wrapper->options.seed,
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
    map_for_each(slot, &wrapper->children) child_free(slot->value);
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
