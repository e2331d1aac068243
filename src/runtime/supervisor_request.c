/* Supervisor requests: what others ask of a supervisor, and how it answers. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/futex.h"
#include "runtime/supervisor_state.h"

/* Children that a LIST visits in one turn: a crowd is listed while its supervisor decides. */
#define LISTED_AT_ONCE_MAX 500u

/* ---- The requester's side ---- */

bool
supervisor_request_send(struct actor_system *system, airs_pid supervisor,
                        struct supervisor_request *request)
{
    control_init(&request->control, CONTROL_REQUEST);
    list_init(&request->listing);
    request->next = NULL;
    return control_send(system, supervisor, &request->control);
}

static void
answer(struct supervisor_request *request, enum airs_status status)
{
    request->status = status;
    request->done(request); /* From here on it is the requester's. */
}

void
supervisor_request_abandon(struct control *control)
{
    answer(container_of(control, struct supervisor_request, control), AIRS_EENDED);
}

static void
wake_waiter(struct supervisor_request *request)
{
    atomic_uint *answered = request->ctx;
    /* Release pairs with the acquire in supervisor_request_wait(). The waiter may return
     * before the wake, which then finds nobody at an address that is only compared. */
    atomic_store_explicit(answered, 1, memory_order_release);
    futex_wake(answered);
}

enum airs_status
supervisor_request_wait(struct actor_system *system, airs_pid supervisor,
                        struct supervisor_request *request)
{
    assert(!worker_is_here());

    void *ctx = request->ctx;
    atomic_uint answered = 0;
    request->ctx = &answered;
    request->done = wake_waiter;
    if (!supervisor_request_send(system, supervisor, request)) {
        request->ctx = ctx;
        return AIRS_ENOENT;
    }
    while (atomic_load_explicit(&answered, memory_order_acquire) == 0)
        futex_wait(&answered, 0, UINT64_MAX);
    request->ctx = ctx;
    return request->status;
}

struct refstr *
supervisor_path_of(const struct refstr *path)
{
    const char *slash = strrchr(path->text, '/');
    assert(slash);
    size_t size = slash == path->text ? 1 : (size_t)(slash - path->text);
    return refstr_new(path->text, size);
}

/* ---- The supervisor's side ---- */

enum airs_status
supervisor_request_status(enum node_reply reply)
{
    switch (reply) {
    case REPLY_OK:
        return AIRS_OK;
    case REPLY_ALREADY_RUNNING:
        return AIRS_EALREADY;
    case REPLY_BUSY:
        return AIRS_EBUSY;
    case REPLY_NOT_RUNNING:
        return AIRS_ENOTRUNNING;
    }
    return AIRS_EINVAL;
}

static enum airs_status
feed_verb(struct supervisor *supervisor, struct supervised_child *child, enum node_event_type type)
{
    struct node_event event = { .type = type, .child = &child->node };
    return supervisor_request_status(supervisor_feed(supervisor, event));
}

static enum airs_status
visit(struct supervisor *supervisor, struct supervised_child *child,
      struct supervisor_request *request)
{
    struct child_view view = supervised_child_view(supervisor, child, clock_now_us());
    request->visit(request, &view);
    return AIRS_OK;
}

/* Listings under way see the old order to its end. */
static void
finish_listings(struct supervisor *supervisor)
{
    struct list *end = &supervisor->node.children;
    list_for_each(link, &supervisor->listings) {
        struct supervisor_request *request = container_of(link, struct supervisor_request, listing);
        for (; request->next != end; request->next = request->next->next)
            visit(
                supervisor,
                supervised_child_of(container_of(request->next, struct supervisor_child, siblings)),
                request);
    }
}

static enum airs_status
move(struct supervisor *supervisor, struct supervised_child *child,
     const struct supervisor_request *request)
{
    struct node_event event = { .type = NODE_MOVE, .child = &child->node };
    if (request->before) {
        struct supervised_child *before = supervised_child_find(supervisor, request->before);
        if (!before || before == child)
            return AIRS_ENOENT;
        event.before = &before->node;
    }
    finish_listings(supervisor);
    return supervisor_request_status(supervisor_feed(supervisor, event));
}

static enum airs_status
tie(struct supervisor *supervisor, struct supervised_child *child,
    const struct supervisor_request *request)
{
    enum airs_status status = AIRS_OK;
    for (size_t i = 0; i < request->dependencies_size && status == AIRS_OK; i++)
        status = supervised_child_tie(supervisor, child, request->dependencies[i]);
    return status;
}

static enum airs_status
untie(struct supervisor *supervisor, struct supervised_child *child,
      const struct supervisor_request *request)
{
    for (size_t i = 0; i < request->dependencies_size; i++)
        supervised_child_untie(supervisor, child, request->dependencies[i]);
    return AIRS_OK;
}

static enum airs_status
ask_child(struct supervisor *supervisor, struct supervisor_request *request)
{
    struct supervised_child *child = supervised_child_find(supervisor, request->path);
    if (!child)
        return AIRS_ENOENT;

    switch (request->verb) {
    case REQUEST_START:
        return feed_verb(supervisor, child, NODE_START);
    case REQUEST_STOP:
        return feed_verb(supervisor, child, NODE_STOP);
    case REQUEST_RESTART:
        return feed_verb(supervisor, child, NODE_RESTART);
    case REQUEST_KILL:
        return feed_verb(supervisor, child, NODE_KILL);
    case REQUEST_RESET:
        return feed_verb(supervisor, child, NODE_RESET);
    case REQUEST_DELETE:
        return feed_verb(supervisor, child, NODE_DELETE);
    case REQUEST_CHANGE:
        return supervised_child_change(supervisor, child, request);
    case REQUEST_MOVE:
        return move(supervisor, child, request);
    case REQUEST_GET:
        return visit(supervisor, child, request);
    case REQUEST_TIE:
        return tie(supervisor, child, request);
    case REQUEST_UNTIE:
        return untie(supervisor, child, request);
    case REQUEST_ADD:
    case REQUEST_LIST:
    case REQUEST_COUNT:
    case REQUEST_CONFIGURE:
    case REQUEST_START_ALL:
    case REQUEST_STOP_ALL:
    case REQUEST_KILL_ALL:
        break;
    }
    return AIRS_EINVAL;
}

/* Visits some; false: there are more, and it goes on behind what waits for this supervisor. */
static bool
list_some(struct supervisor *supervisor, struct supervisor_request *request)
{
    struct list *end = &supervisor->node.children;
    struct list *link = request->next ? request->next : end->next;
    list_remove(&request->listing);
    for (unsigned i = 0; i < LISTED_AT_ONCE_MAX && link != end; i++, link = link->next)
        visit(supervisor,
              supervised_child_of(container_of(link, struct supervisor_child, siblings)), request);
    if (link == end)
        return true;
    request->next = link;
    list_push_back(&supervisor->listings, &request->listing);
    control_init(&request->control, CONTROL_REQUEST);
    control_send(supervisor->system, supervisor->self, &request->control);
    return false;
}

void
supervisor_listings_skip(struct supervisor *supervisor, const struct supervised_child *child,
                         struct list *behind)
{
    list_for_each(link, &supervisor->listings) {
        struct supervisor_request *request = container_of(link, struct supervisor_request, listing);
        if (request->next == &child->node.siblings)
            request->next = behind;
    }
}

static enum airs_status
count(const struct supervisor *supervisor, struct child_counts *counts)
{
    counts->children = supervisor_node_size(&supervisor->node);
    memcpy(counts->in_state, supervisor->node.counts, sizeof counts->in_state);
    counts->ready = supervisor->node.running_ready;
    return AIRS_OK;
}

static enum airs_status
start_all(struct supervisor *supervisor, const struct supervisor_request *request)
{
    if (supervisor->node.state == NODE_STOPPING)
        return AIRS_EBUSY;
    if (supervisor->node.state == NODE_RUNNING && !request->everything)
        return AIRS_EALREADY;
    struct node_event event = { .type = NODE_START_ALL, .everything = request->everything };
    supervisor->at_rest = false;
    supervisor_feed(supervisor, event);
    return AIRS_OK;
}

/* Stop or kill all: on_end follows, unless nothing runs. */
static enum airs_status
end_all(struct supervisor *supervisor, enum node_event_type type)
{
    if (supervisor->node.state == NODE_STOPPED)
        return AIRS_ENOTRUNNING;
    struct node_event event = { .type = type, .exit.reason = EXIT_KILLED };
    supervisor_feed(supervisor, event);
    return AIRS_OK;
}

static enum airs_status
take(struct supervisor *supervisor, struct supervisor_request *request)
{
    switch (request->verb) {
    case REQUEST_ADD:
        return supervised_child_add(supervisor, request);
    case REQUEST_START:
    case REQUEST_STOP:
    case REQUEST_RESTART:
    case REQUEST_KILL:
    case REQUEST_RESET:
    case REQUEST_DELETE:
    case REQUEST_CHANGE:
    case REQUEST_MOVE:
    case REQUEST_GET:
    case REQUEST_TIE:
    case REQUEST_UNTIE:
        return ask_child(supervisor, request);
    case REQUEST_LIST: /* All have been visited. */
        return AIRS_OK;
    case REQUEST_COUNT:
        return count(supervisor, request->counts_out);
    case REQUEST_CONFIGURE:
        return supervisor_configure(supervisor, request->node_policy);
    case REQUEST_START_ALL:
        return start_all(supervisor, request);
    case REQUEST_STOP_ALL:
        return end_all(supervisor, NODE_STOP_ALL);
    case REQUEST_KILL_ALL:
        return end_all(supervisor, NODE_KILL_ALL);
    }
    return AIRS_EINVAL;
}

void
supervisor_answer(struct supervisor *supervisor, struct supervisor_request *request)
{
    if (request->verb == REQUEST_LIST && !list_some(supervisor, request))
        return;
    enum airs_status status = take(supervisor, request);
    event_log_commit(supervisor->system->event_log); /* Who is answered may look for the events. */
    answer(request, status);
}
