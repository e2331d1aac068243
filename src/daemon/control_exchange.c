/* Exchanges: a request that has arrived is answered at once, handed to the application, or
 * made a stream.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/application_reopen.h"
#include "daemon/control_internal.h"

/* ---- What the application answers ---- */

static void
on_done(void *context, enum airs_status status, const char *text, const void *bytes, size_t size)
{
    struct exchange *exchange = context;
    exchange->done_status = status;
    exchange->done_text = text ? strdup(text) : NULL;
    if (size > 0 && !buffer_append(&exchange->done_bytes, bytes, size))
        exchange->done_status = AIRS_ENOMEM;
    exchange_complete(exchange);
}

static void
answer_verb(struct exchange *exchange, const char *status)
{
    exchange_answer_json(exchange, json_pack("{s:s, s:s, s:s}", "path", exchange->route.path,
                                             "verb", exchange->route.verb, "status", status));
}

static void
finish_call(struct exchange *exchange)
{
    if (exchange->done_status == AIRS_OK)
        exchange_answer_done(exchange, "application/octet-stream");
    else
        exchange_fail_message(exchange, exchange->done_status, true,
                              exchange->done_text ? exchange->done_text
                                                  : airs_status_text(exchange->done_status));
}

static void
finish_verb(struct exchange *exchange)
{
    if (strcmp(exchange->route.verb, "call") == 0) {
        finish_call(exchange);
        return;
    }
    if (change_is_verb(exchange->route.verb)) {
        change_finish(exchange);
        return;
    }
    if (exchange->done_status != AIRS_OK && exchange->done_status != AIRS_EALREADY) {
        /* The child is there and does not run: a conflict, unlike an application that does not. */
        unsigned code = exchange->done_status == AIRS_ENOTRUNNING
                            ? MHD_HTTP_CONFLICT
                            : exchange_refusal_code(exchange->done_status);
        exchange_fail(exchange, code, "%s",
                      exchange->done_text ? exchange->done_text
                                          : airs_status_text(exchange->done_status));
    } else {
        answer_verb(exchange, exchange->done_status == AIRS_EALREADY ? "already running" : "done");
    }
}

static void
finish_list(struct exchange *exchange)
{
    if (exchange->done_status != AIRS_OK)
        exchange_fail(exchange, exchange_refusal_code(exchange->done_status), "%s",
                      exchange->done_text ? exchange->done_text
                                          : airs_status_text(exchange->done_status));
    else if (!exchange->children_lost && exchange->children.size > CONTROL_CHILDREN_AT_ONCE_BYTES)
        stream_open_children(exchange);
    else if (children_format(exchange))
        exchange_answer(exchange, MHD_HTTP_OK, "application/x-ndjson");
    else
        exchange_fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}

void
exchange_finish(struct exchange *exchange)
{
    switch (exchange->route.target) {
    case TARGET_CHILDREN:
    case TARGET_CHILD:
        finish_list(exchange);
        return;
    case TARGET_VERB:
        finish_verb(exchange);
        return;
    case TARGET_READYZ:
        if (exchange->done_status == AIRS_OK && children_are_ready(exchange))
            exchange_answer_text(exchange, MHD_HTTP_OK, "text/plain", "ok\n");
        else
            exchange_fail(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready");
        return;
    case TARGET_HISTORY:
        history_finish(exchange);
        return;
    case TARGET_COUNTS:
        counts_finish(exchange);
        return;
    case TARGET_RELOAD:
        reload_finish(exchange);
        return;
    case TARGET_VERSION:
    case TARGET_EVENTS:
    case TARGET_LOGS:
    case TARGET_DOWN:
    case TARGET_HEALTHZ:
    case TARGET_METRICS:
        break;
    }
    assert(false && "answered on the loop");
}

/* ---- Requests ---- */

void
exchange_await(struct exchange *exchange, enum airs_status status, const struct airs_error *error)
{
    if (status == AIRS_OK) {
        exchange->state = EXCHANGE_WAITING;
        return;
    }
    exchange->pending = false;
    exchange_fail_message(exchange, status, false, error->message);
}

static void
request_list(struct exchange *exchange)
{
    struct airs_application *application = exchange->server->options.application;
    struct airs_error error = { 0 };
    bool whole = exchange->route.target != TARGET_CHILD || exchange_query_is_set(exchange, "tree");
    exchange->pending = true;
    enum airs_status status = whole
                                  ? airs_application_list(application, exchange->route.path,
                                                          children_visit, on_done, exchange, &error)
                                  : airs_application_get(application, exchange->route.path,
                                                         children_visit, on_done, exchange, &error);
    exchange_await(exchange, status, &error);
}

static void
request_send(struct exchange *exchange)
{
    struct airs_error error = { 0 };
    enum airs_status status =
        airs_application_send(exchange->server->options.application, exchange->route.path,
                              exchange->body.data, exchange->body.size, &error);
    if (status == AIRS_OK)
        answer_verb(exchange, "done");
    else
        exchange_fail_message(exchange, status, false, error.message);
}

static void
request_call(struct exchange *exchange)
{
    struct airs_error error = { 0 };
    uint64_t timeout_us = CONTROL_CALL_TIMEOUT_US;
    const char *timeout = exchange_query(exchange, "timeout");
    if (timeout && !control_duration_parse(timeout, &timeout_us)) {
        exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "'timeout' is a duration such as 30s");
        return;
    }
    exchange->pending = true;
    exchange_await(exchange,
                   airs_application_call(exchange->server->options.application,
                                         exchange->route.path, exchange->body.data,
                                         exchange->body.size, timeout_us, on_done, exchange,
                                         &error),
                   &error);
}

static void
request_control(struct exchange *exchange, enum airs_verb verb)
{
    struct airs_error error = { 0 };
    struct airs_application *application = exchange->server->options.application;
    if (verb == AIRS_START && application_failed_to_load(application, exchange->route.path)) {
        exchange->change.starts = true;
        changes_queue(exchange);
        return;
    }
    if (verb == AIRS_DELETE &&
        airs_application_find(application, exchange->route.path, NULL) == AIRS_FOUND_TEMPLATE) {
        exchange->change.deletes = true;
        changes_queue(exchange);
        return;
    }
    exchange->pending = true;
    exchange_await(exchange,
                   airs_application_control(application, verb, exchange->route.path, on_done,
                                            exchange, &error),
                   &error);
}

static void
request_verb(struct exchange *exchange)
{
    enum airs_verb verb;
    if (strcmp(exchange->route.verb, "send") == 0) {
        request_send(exchange);
    } else if (strcmp(exchange->route.verb, "call") == 0) {
        request_call(exchange);
    } else if (strcmp(exchange->route.verb, "add") == 0) {
        change_request_add(exchange);
    } else if (strcmp(exchange->route.verb, "scale") == 0) {
        change_request_scale(exchange);
    } else if (airs_verb_find(exchange->route.verb, &verb)) {
        request_control(exchange, verb);
    } else {
        exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "unknown verb '%s'", exchange->route.verb);
    }
}

static void
request_version(struct exchange *exchange)
{
    struct control_server *server = exchange->server;
    exchange_answer_json(
        exchange,
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I}", "name", "airs", "version", airs_version(),
                  "engine", airs_engine_version(), "app",
                  airs_application_name(server->options.application), "pid", (int)getpid(), "seq",
                  (json_int_t)record_ring_newest(server->options.events), "events_lost",
                  (json_int_t)(server->options.store ? store_lost(server->options.store) : 0)));
}

static void
request_down(struct exchange *exchange)
{
    exchange->state = EXCHANGE_WAITING;
    exchange->server->options.down(exchange->server->options.context,
                                   exchange_query_is_set(exchange, "kill"));
}

static void
request_logs(struct exchange *exchange)
{
    struct airs_error error = { 0 };
    switch (airs_application_find(exchange->server->options.application, exchange->route.path,
                                  &error)) {
    case AIRS_FOUND_NOTHING:
    case AIRS_FOUND_TEMPLATE:
        exchange_fail(exchange, MHD_HTTP_NOT_FOUND, "%s", error.message);
        return;
    case AIRS_FOUND_COMPONENT:
        exchange->stream.is_leaf = true;
        break;
    case AIRS_FOUND_SUPERVISOR:
        break;
    }
    stream_open_logs(exchange);
}

/* What needs the tree, while it is not there. */
static bool
refuse_for_phase(struct exchange *exchange)
{
    switch (exchange->server->phase) {
    case CONTROL_STARTING:
        /* Running, and the loop has not been told yet. */
        if (airs_application_is_running(exchange->server->options.application))
            break;
        exchange_fail(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the application is still starting");
        return true;
    case CONTROL_ENDED:
        exchange_fail(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the application has ended");
        return true;
    case CONTROL_RUNNING:
        break;
    }
    return false;
}

static void
dispatch_route(struct exchange *exchange)
{
    switch (exchange->route.target) {
    case TARGET_VERSION:
        request_version(exchange);
        return;
    case TARGET_CHILDREN:
    case TARGET_CHILD:
    case TARGET_READYZ:
        if (!refuse_for_phase(exchange))
            request_list(exchange);
        return;
    case TARGET_VERB:
        if (!refuse_for_phase(exchange))
            request_verb(exchange);
        return;
    case TARGET_COUNTS:
        if (!refuse_for_phase(exchange))
            counts_request(exchange);
        return;
    case TARGET_RELOAD:
        if (!refuse_for_phase(exchange))
            reload_request(exchange, exchange_query_is_set(exchange, "dry_run"));
        return;
    case TARGET_EVENTS:
        stream_open_events(exchange);
        return;
    case TARGET_LOGS:
        request_logs(exchange);
        return;
    case TARGET_HISTORY:
        history_request(exchange);
        return;
    case TARGET_DOWN:
        request_down(exchange);
        return;
    case TARGET_HEALTHZ:
        exchange_answer_text(exchange, MHD_HTTP_OK, "text/plain", "ok\n");
        return;
    case TARGET_METRICS:
        exchange_fail(exchange, MHD_HTTP_NOT_FOUND,
                      "/metrics is not there in this version; see /v1/children and /v1/counts");
        return;
    }
}

void
exchange_dispatch(struct exchange *exchange)
{
    switch (exchange->routed) {
    case ROUTE_FOUND:
        if (exchange_check_flags(exchange))
            dispatch_route(exchange);
        return;
    case ROUTE_UNKNOWN:
        exchange_fail(exchange, MHD_HTTP_NOT_FOUND, "no such page; see /v1/children");
        return;
    case ROUTE_WRONG_METHOD:
        exchange_fail(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "wrong method");
        return;
    case ROUTE_MALFORMED:
        exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "malformed path");
        return;
    }
}
