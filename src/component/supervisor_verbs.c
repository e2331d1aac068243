/* Supervisor verbs: each verb of the bridge becomes one request, in memory of its own, which
 * the supervisor concerned answers in its turn; the completion is called there.
 */
#include <stdlib.h>
#include <string.h>

#include "component/supervisor_wrapper_state.h"
#include "policy/supervisor_config.h"

struct verb_request {
    struct supervisor_request request;
    struct wrapper_child *child; /* Whose path the request borrows; referenced. NULL: the tree. */
    struct bridge_completion completion;
};

const char *
wrapper_status_text(enum airs_status status)
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

    bridge_complete(verb->completion, request->status, wrapper_status_text(request->status));
    wrapper_child_unref(verb->child);
    free(verb);
}

/* Sends `verb` about `child` (NULL: about the whole tree, to the root). */
void
wrapper_request(struct supervisor_wrapper *wrapper, enum request_verb verb,
                struct wrapper_child *child, struct bridge_completion completion)
{
    struct verb_request *request = calloc(1, sizeof *request);
    if (!request) {
        bridge_complete(completion, AIRS_ENOMEM, wrapper_status_text(AIRS_ENOMEM));
        return;
    }
    request->completion = completion;
    request->request.verb = verb;
    request->request.done = verb_done;
    airs_pid supervisor = atomic_load(&wrapper->root->pid);
    if (child) {
        supervisor = atomic_load(&child->parent->pid);
        request->request.path = child->path;
        request->child = wrapper_child_ref(child);
    }
    if (!supervisor_request_send(wrapper->options.system, supervisor, &request->request)) {
        bridge_complete(completion, AIRS_EENDED, wrapper_status_text(AIRS_EENDED));
        wrapper_child_unref(request->child);
        free(request);
    }
}

/* ---- Counting ---- */

struct count_request {
    struct supervisor_request request;
    struct child_counts counts;
    struct bridge_counting counting;
};

static void
counted(struct supervisor_request *request)
{
    struct count_request *count = container_of(request, struct count_request, request);
    struct supervision_counts counts = { .children = count->counts.children,
                                         .ready = count->counts.ready };

    memcpy(counts.in_state, count->counts.in_state, sizeof counts.in_state);
    count->counting.done(count->counting.context, request->status,
                         request->status == AIRS_OK ? &counts : NULL);
    free(count);
}

static enum airs_status
send_count(struct supervisor_wrapper *wrapper, const struct wrapper_child *supervisor,
           struct bridge_counting counting)
{
    struct count_request *count = calloc(1, sizeof *count);
    if (!count)
        return AIRS_ENOMEM;
    count->counting = counting;
    count->request.verb = REQUEST_COUNT;
    count->request.counts_out = &count->counts;
    count->request.done = counted;
    if (supervisor_request_send(wrapper->options.system, atomic_load(&supervisor->pid),
                                &count->request))
        return AIRS_OK;
    free(count);
    return AIRS_EENDED;
}

void
wrapper_count(struct supervisor_bridge *bridge, const char *path, struct bridge_counting counting)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);
    enum airs_status status = AIRS_ENOENT;

    if (child)
        status =
            child->is_supervisor ? send_count(wrapper_of(bridge), child, counting) : AIRS_EINVAL;
    wrapper_child_unref(child);
    if (status != AIRS_OK)
        counting.done(counting.context, status, NULL);
}

/* ---- Verbs on one child, or all ---- */

static void
verb_on(struct supervisor_bridge *bridge, enum request_verb verb, const char *path,
        struct bridge_completion completion)
{
    struct supervisor_wrapper *wrapper = wrapper_of(bridge);
    struct wrapper_child *child = wrapper_find(wrapper, path);

    if (!child || !child->parent)
        bridge_complete(completion, AIRS_ENOENT, wrapper_status_text(AIRS_ENOENT));
    else
        wrapper_request(wrapper, verb, child, completion);
    wrapper_child_unref(child);
}

void
wrapper_verb_start(struct supervisor_bridge *bridge, const char *path,
                   struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_START, path, completion);
}

void
wrapper_verb_stop(struct supervisor_bridge *bridge, const char *path, uint64_t timeout_us,
                  struct bridge_completion completion)
{
    struct wrapper_child *child = wrapper_find(wrapper_of(bridge), path);

    if (child && child->parent && timeout_us != DURATION_INFINITE)
        wrapper_stop_watch(wrapper_of(bridge), child, timeout_us);
    wrapper_child_unref(child);
    verb_on(bridge, REQUEST_STOP, path, completion);
}

void
wrapper_verb_restart(struct supervisor_bridge *bridge, const char *path,
                     struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_RESTART, path, completion);
}

void
wrapper_verb_kill(struct supervisor_bridge *bridge, const char *path,
                  struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_KILL, path, completion);
}

void
wrapper_verb_reset(struct supervisor_bridge *bridge, const char *path,
                   struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_RESET, path, completion);
}

void
wrapper_verb_delete(struct supervisor_bridge *bridge, const char *path,
                    struct bridge_completion completion)
{
    verb_on(bridge, REQUEST_DELETE, path, completion);
}

void
wrapper_verb_start_all(struct supervisor_bridge *bridge, struct bridge_completion completion)
{
    wrapper_request(wrapper_of(bridge), REQUEST_START_ALL, NULL, completion);
}

void
wrapper_verb_stop_all(struct supervisor_bridge *bridge, uint64_t timeout_us,
                      struct bridge_completion completion)
{
    wrapper_stop_all(wrapper_of(bridge), timeout_us, completion);
}

void
wrapper_verb_kill_all(struct supervisor_bridge *bridge, struct bridge_completion completion)
{
    wrapper_request(wrapper_of(bridge), REQUEST_KILL_ALL, NULL, completion);
}
