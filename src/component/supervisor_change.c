/* Supervisor change: another config, another spec or another place for a child that is there.
 *
 * A component's actor is told first: when its supervisor ends the running instance, the next one
 * is made of what is new.
 */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/text_list.h"
#include "component/supervisor_wrapper_state.h"
#include "policy/supervisor_config.h"

static enum airs_status
fail_change(const struct wrapper_child *child, enum airs_status status, struct airs_error *error)
{
    return fail(error, status, "child '%s': %s", child->path->text, wrapper_status_text(status));
}

/* What runs, and what probes it. */
static enum airs_status
change_actor(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
             const struct bridge_change *change, struct airs_error *error)
{
    const struct supervisor_config *before = child->config;
    bool probes = !health_restart_equals(&before->health, &change->config->health);
    if (child->is_supervisor || (!change->restarts && !probes))
        return AIRS_OK;
    return component_spawner_change(wrapper->options.spawner, child->path->text,
                                    atomic_load(&child->pid),
                                    change->restarts ? component_spec_of_child(change->spec) : NULL,
                                    probes ? &change->config->health : NULL, error);
}

/* How its own supervisor treats it; the root has none. */
static enum airs_status
change_child(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
             const struct supervisor_config *was, const struct bridge_change *change,
             uint32_t *generation_out, struct airs_error *error)
{
    struct wrapper_paths paths = { 0 };
    const struct supervisor_config *is = change->config;
    bool depends = was && !text_lists_are_equal(was->depends_on, was->depends_on_size,
                                                is->depends_on, is->depends_on_size);
    if (!child->parent)
        return AIRS_OK;
    if (depends && wrapper_paths_init(&paths, is->depends_on, is->depends_on_size) != AIRS_OK)
        return fail_change(child, AIRS_ENOMEM, error);
    struct refstr *detail =
        change->detail ? refstr_new(change->detail, strlen(change->detail)) : NULL;
    struct supervisor_request request = {
        .verb = REQUEST_CHANGE,
        .path = child->path,
        .detail = detail,
        .policy = is->policy,
        .sets_dependencies = depends,
        .dependencies = paths.items,
        .dependencies_size = paths.size,
        .restarts = change->restarts,
        .on_trial = change->on_trial,
    };
    enum airs_status status = supervisor_request_wait(wrapper->options.system,
                                                      atomic_load(&child->parent->pid), &request);
    if (depends)
        wrapper_tie_above(wrapper, child, &paths);
    wrapper_paths_deinit(&paths);
    refstr_unref(detail);
    *generation_out = status == AIRS_OK && change->restarts ? request.generation : 0;
    if (status == AIRS_OK || (status == AIRS_ENOTRUNNING && change->restarts))
        return AIRS_OK;
    return fail_change(child, status, error);
}

/* How it treats its children. */
static enum airs_status
configure(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
          const struct bridge_change *change, struct airs_error *error)
{
    struct node_policy policy = wrapper_node_policy(wrapper, &change->config->node);
    struct supervisor_request request = { .verb = REQUEST_CONFIGURE, .node_policy = &policy };
    if (!child->is_supervisor)
        return AIRS_OK;
    enum airs_status status =
        supervisor_request_wait(wrapper->options.system, atomic_load(&child->pid), &request);
    return status == AIRS_OK ? AIRS_OK : fail_change(child, status, error);
}

enum airs_status
wrapper_change(struct supervisor_bridge *bridge, const char *path,
               const struct bridge_change *change, uint32_t *generation_out,
               struct airs_error *error)
{
    assert(change->config && (change->spec || !change->restarts));

    struct supervisor_wrapper *wrapper = wrapper_of(bridge);
    struct wrapper_child *child = wrapper_find(wrapper, path);
    uint32_t generation = 0;
    if (!child)
        return fail(error, AIRS_ENOENT, "child '%s': no such child", path);
    const struct supervisor_config *was = child->config;
    enum airs_status status =
        change->is_same ? AIRS_OK : change_actor(wrapper, child, change, error);
    if (status == AIRS_OK) {
        child->config = change->config;
        if (!child->is_supervisor)
            child->spec = change->spec;
    }
    if (status == AIRS_OK && !change->is_same) {
        status = configure(wrapper, child, change, error);
        if (status == AIRS_OK)
            status = change_child(wrapper, child, was, change, &generation, error);
    }
    wrapper_child_unref(child);
    if (status == AIRS_OK && generation_out)
        *generation_out = generation;
    return status;
}

enum airs_status
wrapper_move(struct supervisor_bridge *bridge, const char *path, const char *before_path,
             struct airs_error *error)
{
    struct supervisor_wrapper *wrapper = wrapper_of(bridge);
    struct wrapper_child *child = wrapper_find(wrapper, path);
    struct wrapper_child *before = before_path ? wrapper_find(wrapper, before_path) : NULL;
    enum airs_status status = AIRS_ENOENT;

    if (child && child->parent && (before || !before_path)) {
        struct supervisor_request request = { .verb = REQUEST_MOVE,
                                              .path = child->path,
                                              .before = before ? before->path : NULL };
        status = supervisor_request_wait(wrapper->options.system, atomic_load(&child->parent->pid),
                                         &request);
    }
    if (status == AIRS_OK) {
        pthread_mutex_lock(&wrapper->lock);
        if (map_find(&wrapper->children, path) == child)
            wrapper_insert_locked(wrapper, child, before_path);
        pthread_mutex_unlock(&wrapper->lock);
    }
    wrapper_child_unref(before);
    wrapper_child_unref(child);
    return status == AIRS_OK
               ? AIRS_OK
               : fail(error, status, "child '%s': %s", path, wrapper_status_text(status));
}
