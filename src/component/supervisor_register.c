/* Supervisor register: a child gets its place in the tree, its actor, and its supervisor.
 *
 * A new supervisor that is to begin with children is registered apart, and attached once they are
 * there. Until a supervisor has taken it, a child is loose: its actor ends with its place.
 */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "component/supervisor_wrapper_state.h"
#include "policy/supervisor_config.h"

bool
wrapper_remember(struct supervisor_wrapper *wrapper, const char *path,
                 struct child_memory *memory_out)
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
            wrapper_remember(wrapper, child->path->text, &memory);
        struct node_policy policy = wrapper_node_policy(wrapper, &child->config->node);
        status = supervisor_actor_spawn(
            wrapper->options.system,
            &(struct supervisor_options){
                .path = child->path,
                .seed = wrapper->options.seed + atomic_fetch_add(&wrapper->seeds, 1) + 1,
                .policy = &policy,
                .intensity_us = memory.intensity_us,
                .intensity_size = memory.intensity_size,
                .user_free = wrapper_child_release,
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
    struct wrapper_child *before = wrapper_next_sibling(wrapper, child);
    struct child_memory memory;
    struct wrapper_paths paths;
    if (wrapper_paths_init(&paths, child->config->depends_on, child->config->depends_on_size) !=
        AIRS_OK)
        return fail(error, AIRS_ENOMEM, "child '%s': out of memory", child->path->text);
    bool is_old = goes_on(child) && wrapper_remember(wrapper, child->path->text, &memory);
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
        return fail(
            error, status, "child '%s': '%s' has as many children as its 'max-children', %u",
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

enum airs_status
wrapper_register(struct supervisor_bridge *bridge, const struct bridge_child *given,
                 struct airs_error *error)
{
    struct supervisor_wrapper *wrapper = wrapper_of(bridge);
    struct wrapper_child *child = wrapper_child_new(given->path, given->config, given->spec);
    if (!child) {
        if (given->release)
            given->release(given->owner);
        return fail(error, AIRS_ENOMEM, "child '%s': out of memory", given->path);
    }
    child->is_dynamic = given->is_dynamic;
    child->goes_on = given->goes_on;
    child->release = given->release;
    child->owner = given->owner;

    enum airs_status status =
        wrapper_enter(wrapper, child, given->parent_path, given->before_path, error);
    if (status == AIRS_OK) {
        status = spawn(wrapper, child, error);
        if (status == AIRS_OK)
            status =
                given->is_apart ? check_entered(wrapper, child, error) : add(wrapper, child, error);
        if (status != AIRS_OK) {
            wrapper_forget(wrapper, child);
            wrapper_discard_loose(wrapper, child);
        }
    }
    wrapper_child_unref(child);
    return status;
}

enum airs_status
wrapper_attach(struct supervisor_bridge *bridge, const char *path, struct airs_error *error)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);
    if (!child) /* Its parent was deleted meanwhile. */
        return fail(error, AIRS_ENOENT, "child '%s': no such child", path);
    enum airs_status status = add(wrapper_of(bridge), child, error);
    if (status == AIRS_OK)
        wrapper_tie_attached(wrapper_of(bridge), child);
    wrapper_child_unref(child);
    return status;
}

void
wrapper_abandon(struct supervisor_bridge *bridge, const char *path)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);
    if (child)
        wrapper_forget(wrapper_of(bridge), child);
    wrapper_child_unref(child);
}
