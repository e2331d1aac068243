/* Supervised child: the shell's record of one child, from ADD to its removal. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "runtime/supervisor_state.h"
#include "supervision/child_restore.h"

void
supervised_child_free(struct child_link *link)
{
    struct supervised_child *child = container_of(link, struct supervised_child, link);
    refstr_unref(child->path);
    shared_policy_unref(child->node.policy);
    if (child->node.policy)
        free(supervisor_child_moved_grants(&child->node));
    free(child);
}

static void
remember(struct supervised_child *child, const struct child_memory *memory)
{
    child_restore(&child->node, memory);
    if (!memory->exit_detail)
        return;
    struct refstr *detail = refstr_new(memory->exit_detail, strlen(memory->exit_detail));
    child_link_set_detail(&child->link, detail);
    refstr_unref(detail);
}

/* The child's part of the request, in memory of its own; NULL: out of memory. */
static struct supervised_child *
new_child(struct supervisor *supervisor, const struct supervisor_request *request)
{
    size_t node_bytes = supervisor_child_size(&request->policy);
    struct supervised_child *child =
        calloc(1, offsetof(struct supervised_child, node) + node_bytes);
    if (!child)
        return NULL;
    child_link_init(&child->link, request->child);
    child->path = refstr_ref(request->path);
    const struct child_policy *policy =
        shared_policy_ref(&supervisor->system->policies, &request->policy);
    if (!policy) {
        child_link_unref(&child->link);
        return NULL;
    }
    supervisor_child_init(&child->node, policy);
    child->node.is_supervisor = request->is_supervisor;
    child->node.is_dynamic = request->is_dynamic;
    child->node.random = (uint16_t)random_next(&supervisor->random);
    if (request->memory)
        remember(child, request->memory);
    return child;
}

enum airs_status
supervised_child_add(struct supervisor *supervisor, const struct supervisor_request *request)
{
    assert(request->path);
    uint32_t max_children = supervisor->node.policy.max_children;
    if (max_children > 0 && supervisor_node_size(&supervisor->node) >= max_children)
        return AIRS_ELIMIT;
    struct supervised_child *before =
        request->before ? supervised_child_find(supervisor, request->before) : NULL;
    if (request->before && !before)
        return AIRS_ENOENT;
    if (!agenda_reserve(&supervisor->agenda, supervisor->children + 1))
        return AIRS_ENOMEM;
    struct supervised_child *child = new_child(supervisor, request);
    if (!child)
        return AIRS_ENOMEM;
    enum airs_status status = child_link_attach(supervisor->system, &child->link, supervisor->self);
    if (status != AIRS_OK) {
        child_link_unref(&child->link);
        return status == AIRS_EBUSY ? AIRS_EEXIST : status;
    }
    status = supervised_dependencies_begin(supervisor, child, request->dependencies,
                                           request->dependencies_size);
    if (status != AIRS_OK) {
        supervised_child_detach(supervisor, child);
        child_link_unref(&child->link);
        return status;
    }
    supervisor->children++;
    child->node.shell = request->user;
    struct node_event event = { .type = NODE_ADD, .child = &child->node };
    event.before = before ? &before->node : NULL;
    supervisor_feed(supervisor, event);
    return AIRS_OK;
}

const struct refstr *
supervisor_child_path(const struct supervisor_child *child)
{
    return container_of(child, struct supervised_child, node)->path;
}

enum airs_status
supervised_child_change(struct supervisor *supervisor, struct supervised_child *child,
                        struct supervisor_request *request)
{
    const struct child_policy *before = child->node.policy;
    const struct child_policy *after =
        shared_policy_ref(&supervisor->system->policies, &request->policy);
    uint32_t capacity = supervisor_child_grants_max(&request->policy);
    bool differs = after != before;
    uint64_t *grants_us = differs && capacity > 0 ? calloc(capacity, sizeof *grants_us) : NULL;
    if (!after || (differs && capacity > 0 && !grants_us)) {
        shared_policy_unref(after);
        free(grants_us);
        return AIRS_ENOMEM;
    }
    if (request->sets_dependencies &&
        supervised_child_set_dependencies(supervisor, child, request->dependencies,
                                          request->dependencies_size) != AIRS_OK) {
        shared_policy_unref(after);
        free(grants_us);
        return AIRS_ENOMEM;
    }
    struct node_event event = {
        .type = NODE_CHANGE,
        .child = &child->node,
        .policy = differs ? after : NULL,
        .grants_us = grants_us,
        .restarts = request->restarts,
        .on_trial = request->on_trial,
    };
    request->generation = child->node.generation + 1;
    uint64_t *moved_grants_us = supervisor_child_moved_grants(&child->node);
    supervisor->told_detail = request->detail;
    enum node_reply reply = supervisor_feed(supervisor, event);
    supervisor->told_detail = NULL;
    if (differs)
        free(moved_grants_us);
    shared_policy_unref(differs ? before : after);
    if (child->node.depended_on) /* An end that met its dependants may do so no longer. */
        supervised_dependencies_tell(supervisor, child, supervisor_child_tell(&child->node), false);
    return supervisor_request_status(reply);
}

struct supervised_child *
supervised_child_find(struct supervisor *supervisor, const struct refstr *path)
{
    airs_pid pid = registry_find(supervisor->system, path->text);
    struct child_link *link = child_link_find(supervisor->system, pid, supervisor->self);
    return link ? container_of(link, struct supervised_child, link) : NULL;
}

void
supervised_child_detach(struct supervisor *supervisor, struct supervised_child *child)
{
    struct actor_system *system = supervisor->system;
    supervisor_end_wait(supervisor, child);
    start_gate_withdraw(system->start_gate, &child->link.pass);
    if (control_recall(system, supervisor->self, &child->link.report))
        child_link_unref(&child->link);
    supervised_dependencies_end(supervisor, child);
    /* From here on the path is free for another child, while this one's actor ends. */
    registry_remove(system, child->path, child->link.child);
    child_link_send(system, &child->link, &(struct child_command){ .type = CHILD_RELEASE });
}

void
supervised_child_let_go(struct supervisor *supervisor, struct supervised_child *child)
{
    supervisor->children--;
    child->link.whereabouts = GONE;
    if (supervisor->options.user_free)
        supervisor->options.user_free(child->node.shell);
    child_link_unref(&child->link);
}

struct child_view
supervised_child_view(struct supervisor *supervisor, struct supervised_child *child,
                      uint64_t now_us)
{
    const struct supervisor_child *node = &child->node;
    bool waits = node->state == CHILD_REGISTERED || node->state == CHILD_RESTARTING;
    enum child_decision decision = supervisor_child_decision(node, &supervisor->node);
    struct actor_metrics metrics = { 0 };
    actor_metrics(supervisor->system, child->link.child, &metrics);

    struct child_view view = {
        .path = child->path,
        .pid = child->link.child,
        .is_supervisor = node->is_supervisor,
        .state = node->state,
        .stop_cause = node->stop_cause,
        .comes_back = node->state == CHILD_STOPPING && child_after_starts(node->after),
        .ready = node->ready,
        .generation = node->generation,
        .restarts = node->restarts,
        .budget_used = supervisor_child_budget_used(node, now_us),
        .budget_allowed = node->policy->max_restarts,
        .budget_frees_us = supervisor_child_budget_frees_us(node, now_us),
        .attempt = node->attempt,
        .has_uptime = node->state == CHILD_RUNNING,
        .has_due = node->timer_armed,
        .has_exit = node->has_exited,
        .exit = node->last_exit,
        .detail = node->has_exited ? child_link_detail(&child->link) : NULL,
        .decision = decision,
        .escalated = supervisor->node.cause == node,
        .cause = supervised_child_cause(supervisor, child, decision),
        .intensity_allowed = supervisor->node.policy.max_restarts,
        .intensity_within_us = supervisor->node.policy.within_us,
        .waits_for = waits ? supervisor_waits_for(supervisor, child, node->wait) : NULL,
        .mailbox = metrics.mailbox,
        .messages = metrics.messages,
        .policy = node->policy,
        .user = node->shell,
    };
    if (view.has_uptime)
        view.uptime_us = now_us - child->started_us;
    if (view.has_due)
        view.due_us = node->due_us > now_us ? node->due_us - now_us : 0;
    return view;
}
