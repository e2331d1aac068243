/* Supervisor listing: every supervisor is asked at once, each answers in its own turn; the
 * last answer sorts the views into tree order and hands them on. Nobody waits.
 */
#include "component/supervisor_listing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "component/supervisor_wrapper_state.h"

/* A view, with what keeps its texts alive. */
struct kept_view {
    struct supervision_view view;
    struct refstr *path;
    struct refstr *waits_for;
    struct refstr *detail;
    struct refstr *cause;
    struct wrapper_child *child; /* Referenced: with it go its config and its spec. */
    size_t order;
};

struct query {
    struct supervisor_request request;
    struct listing *listing;
    struct wrapper_child *child; /* GET: whose path it borrows; referenced. */
};

struct listing {
    struct supervisor_wrapper *wrapper;
    struct bridge_listing listing;
    bool of_one;

    pthread_mutex_t lock; /* Guards all below: supervisors answer on several workers. */
    size_t waiting;       /* Queries without an answer. */
    enum airs_status status;
    struct kept_view *views;
    size_t size;
    size_t capacity;
    struct query queries[];
};

static struct kept_view *
listing_push(struct listing *listing)
{
    if (listing->size == listing->capacity) {
        size_t capacity = listing->capacity ? listing->capacity * 2 : 16;
        struct kept_view *views = realloc(listing->views, capacity * sizeof *views);
        if (!views)
            return NULL;
        listing->views = views;
        listing->capacity = capacity;
    }
    return &listing->views[listing->size++];
}

static void
keep(struct kept_view *kept, struct wrapper_child *child, const struct child_view *view)
{
    *kept = (struct kept_view){
        .path = refstr_ref(view->path),
        .waits_for = refstr_ref(view->waits_for),
        .detail = refstr_ref(view->detail),
        .cause = refstr_ref(view->cause),
        .child = wrapper_child_ref(child),
        .order = atomic_load(&child->order),
    };
    kept->view = (struct supervision_view){
        .path = kept->path->text,
        .config = child->config,
        .spec = child->spec,
        .is_supervisor = view->is_supervisor,
        .state = view->state,
        .stop_cause = view->stop_cause,
        .comes_back = view->comes_back,
        .ready = view->ready,
        .generation = view->generation,
        .restarts = view->restarts,
        .budget_used = view->budget_used,
        .budget_allowed = view->budget_allowed,
        .budget_frees_us = view->budget_frees_us,
        .attempt = view->attempt,
        .uptime_us = view->has_uptime ? view->uptime_us : 0,
        .has_due = view->has_due,
        .due_us = view->due_us,
        .waits_for = kept->waits_for ? kept->waits_for->text : NULL,
        .has_exit = view->has_exit,
        .exit = view->exit,
        .exit_detail = kept->detail ? kept->detail->text : NULL,
        .decision = view->decision,
        .escalated = view->escalated,
        .cause = kept->cause ? kept->cause->text : NULL,
        .intensity_allowed = view->intensity_allowed,
        .intensity_within_us = view->intensity_within_us,
        .mailbox = view->mailbox,
        .messages = view->messages,
    };
}

static void
visit(struct supervisor_request *request, const struct child_view *view)
{
    struct listing *listing = container_of(request, struct query, request)->listing;

    pthread_mutex_lock(&listing->lock);
    struct kept_view *kept = listing_push(listing);
    if (kept)
        keep(kept, view->user, view);
    else
        listing->status = AIRS_ENOMEM;
    pthread_mutex_unlock(&listing->lock);
}

static int
by_order(const void *left, const void *right)
{
    size_t a = ((const struct kept_view *)left)->order;
    size_t b = ((const struct kept_view *)right)->order;

    return (a > b) - (a < b);
}

static void
listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->size; i++) {
        refstr_unref(listing->views[i].path);
        refstr_unref(listing->views[i].waits_for);
        refstr_unref(listing->views[i].detail);
        refstr_unref(listing->views[i].cause);
        wrapper_child_unref(listing->views[i].child);
    }
    free(listing->views);
    pthread_mutex_destroy(&listing->lock);
    free(listing);
}

static void
listing_complete(struct listing *listing)
{
    struct supervision_view *views = NULL;
    enum airs_status status = listing->status;
    size_t size = listing->size;

    if (status == AIRS_OK && size > 0) {
        qsort(listing->views, size, sizeof *listing->views, by_order);
        views = calloc(size, sizeof *views);
        if (!views)
            status = AIRS_ENOMEM;
        for (size_t i = 0; views && i < size; i++)
            views[i] = listing->views[i].view;
    }
    listing->listing.done(listing->listing.context, status, views, views ? size : 0);
    free(views);
    listing_free(listing);
}

/* One query has its answer; the last one completes the listing. */
static void
answered(struct listing *listing, enum airs_status status)
{
    pthread_mutex_lock(&listing->lock);
    /* In a listing of all, a supervisor that has ended has nothing to tell. */
    if (status != AIRS_OK && (listing->of_one || status == AIRS_ENOMEM))
        listing->status = status;
    bool complete = --listing->waiting == 0;
    pthread_mutex_unlock(&listing->lock);
    if (complete)
        listing_complete(listing);
}

static void
query_done(struct supervisor_request *request)
{
    struct query *query = container_of(request, struct query, request);

    wrapper_child_unref(query->child);
    answered(query->listing, request->status);
}

static void
query_send(struct listing *listing, struct query *query, airs_pid supervisor)
{
    query->listing = listing;
    query->request.visit = visit;
    query->request.done = query_done;
    if (supervisor_request_send(listing->wrapper->options.system, supervisor, &query->request))
        return;
    wrapper_child_unref(query->child);
    answered(listing, AIRS_EENDED);
}

static struct listing *
listing_new(struct supervisor_wrapper *wrapper, struct bridge_listing target, size_t queries)
{
    struct listing *listing = calloc(1, sizeof *listing + queries * sizeof listing->queries[0]);
    if (!listing)
        return NULL;
    listing->wrapper = wrapper;
    listing->listing = target;
    listing->waiting = queries;
    pthread_mutex_init(&listing->lock, NULL);
    return listing;
}

static void
begin_one(struct supervisor_wrapper *wrapper, const char *path, struct bridge_listing target)
{
    struct wrapper_child *child = wrapper_find(wrapper, path);
    struct listing *listing = child && child->parent ? listing_new(wrapper, target, 1) : NULL;

    if (!listing) {
        target.done(target.context, child && child->parent ? AIRS_ENOMEM : AIRS_ENOENT, NULL, 0);
        wrapper_child_unref(child);
        return;
    }
    listing->of_one = true;
    listing->queries[0].request.verb = REQUEST_GET;
    listing->queries[0].request.path = child->path;
    listing->queries[0].child = child;
    query_send(listing, &listing->queries[0], atomic_load(&child->parent->pid));
}

/* Numbers the children below `child` in tree order; writes down the supervisors' pids. */
static void
number(struct wrapper_child *child, size_t *next, airs_pid *supervisors, size_t *count)
{
    atomic_store(&child->order, (*next)++);
    if (!child->is_supervisor)
        return;
    supervisors[(*count)++] = atomic_load(&child->pid);
    list_for_each(link, &child->children)
        number(container_of(link, struct wrapper_child, siblings), next, supervisors, count);
}

static void
begin_all(struct supervisor_wrapper *wrapper, struct bridge_listing target)
{
    size_t next = 0;
    size_t count = 0;

    pthread_mutex_lock(&wrapper->lock);
    airs_pid *supervisors = calloc(wrapper->children.size, sizeof *supervisors);
    if (supervisors)
        number(wrapper->root, &next, supervisors, &count);
    pthread_mutex_unlock(&wrapper->lock);

    struct listing *listing = supervisors ? listing_new(wrapper, target, count) : NULL;
    if (!listing)
        target.done(target.context, AIRS_ENOMEM, NULL, 0);
    /* The last answer frees the listing, so nothing of it is read after the last query. */
    for (size_t i = 0; listing && i < count; i++) {
        listing->queries[i].request.verb = REQUEST_LIST;
        query_send(listing, &listing->queries[i], supervisors[i]);
    }
    free(supervisors);
}

void
supervisor_listing_begin(struct supervisor_wrapper *wrapper, const char *path,
                         struct bridge_listing target)
{
    assert(wrapper && target.done);

    if (path)
        begin_one(wrapper, path, target);
    else
        begin_all(wrapper, target);
}
