/* Changes: what adds, scales and reloads may compile, and waits for supervisors. So each is taken by one
 * thread, in the order in which they came; the loop goes on meanwhile.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/application_reopen.h"
#include "daemon/control_internal.h"

#define COUNT_MAX UINT32_MAX

/* ---- On the thread ---- */

/* One object a line: what became of whom. */
static void
on_changed(void *context, const char *what, const char *path)
{
    struct exchange *exchange = context;
    json_t *object =
        json_pack("{s:s, s:s, s:s}", "path", path, "verb", exchange->route.verb, "status", what);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (!text || !buffer_append_text(&exchange->done_bytes, text) ||
        !buffer_append_text(&exchange->done_bytes, "\n"))
        exchange->change.out_of_memory = true;
    free(text);
    json_decref(object);
}

/* The text goes into the error as it is, line by line. */
void
change_on_report(void *context, const char *line)
{
    struct exchange *exchange = context;
    struct buffer *report = &exchange->change.report;
    if ((report->size > 0 && !buffer_append_text(report, "\n")) ||
        !buffer_append_text(report, line))
        exchange->change.out_of_memory = true;
}

static enum airs_status
add(struct exchange *exchange, struct airs_error *error)
{
    struct airs_addition addition = {
        .parent = exchange->route.path,
        .text = exchange->body.data ? exchange->body.data : "",
        .size = exchange->body.size,
        .directory = exchange->change.directory,
        .file = exchange->change.file,
    };
    return airs_application_add(exchange->server->options.application, &addition, change_on_report,
                                on_changed, exchange, error);
}

static enum airs_status
scale(struct exchange *exchange, struct airs_error *error)
{
    enum airs_status status =
        airs_application_scale(exchange->server->options.application, exchange->route.path,
                               exchange->change.count, on_changed, exchange, error);
    if (status == AIRS_OK && exchange->done_bytes.size == 0)
        on_changed(exchange, "unchanged", exchange->route.path);
    return status;
}

static void
change(struct exchange *exchange)
{
    struct airs_error error = { 0 };
    enum airs_status status;
    if (exchange->route.target == TARGET_RELOAD)
        status = reload_run(exchange, &error);
    else if (exchange->change.starts)
        status = application_start_anew(exchange->server->options.application, exchange->route.path,
                                        &error);
    else if (exchange->change.deletes)
        status = airs_application_delete_template(exchange->server->options.application,
                                                  exchange->route.path, NULL, NULL, &error);
    else if (strcmp(exchange->route.verb, "add") == 0)
        status = add(exchange, &error);
    else
        status = scale(exchange, &error);
    if (exchange->change.out_of_memory && status == AIRS_OK)
        status = AIRS_ENOMEM;
    exchange->done_status = status;
    if (status != AIRS_OK && exchange->change.report.size > 0)
        exchange->done_text = buffer_take(&exchange->change.report, NULL);
    else if (status != AIRS_OK)
        exchange->done_text = strdup(error.message);
    exchange_complete(exchange);
}

static void *
run(void *context)
{
    struct control_changes *changes = context;
    struct list *node;
    pthread_mutex_lock(&changes->lock);
    for (;;) {
        while (list_is_empty(&changes->queue) && !changes->closing)
            pthread_cond_wait(&changes->wake, &changes->lock);
        node = list_pop_front(&changes->queue);
        if (!node) /* Closing, and all have their answers. */
            break;
        pthread_mutex_unlock(&changes->lock);
        change(container_of(node, struct exchange, change.link));
        pthread_mutex_lock(&changes->lock);
    }
    pthread_mutex_unlock(&changes->lock);
    return NULL;
}

/* ---- On the loop ---- */

void
changes_open(struct control_changes *changes)
{
    list_init(&changes->queue);
    pthread_mutex_init(&changes->lock, NULL);
    pthread_cond_init(&changes->wake, NULL);
}

void
changes_close(struct control_changes *changes)
{
    pthread_mutex_lock(&changes->lock);
    changes->closing = true;
    pthread_cond_signal(&changes->wake);
    pthread_mutex_unlock(&changes->lock);
    if (changes->has_thread)
        pthread_join(changes->thread, NULL);
    changes->has_thread = false;
}

void
changes_deinit(struct control_changes *changes)
{
    pthread_cond_destroy(&changes->wake);
    pthread_mutex_destroy(&changes->lock);
}

/* The thread is there from the first change on. */
static bool
have_thread(struct control_changes *changes)
{
    if (!changes->has_thread)
        changes->has_thread = pthread_create(&changes->thread, NULL, run, changes) == 0;
    return changes->has_thread;
}

void
changes_queue(struct exchange *exchange)
{
    struct control_changes *changes = &exchange->server->changes;
    if (!have_thread(changes)) {
        exchange_fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "cannot start a thread");
        return;
    }
    exchange->pending = true;
    exchange->state = EXCHANGE_WAITING;
    pthread_mutex_lock(&changes->lock);
    list_push_back(&changes->queue, &exchange->change.link);
    pthread_cond_signal(&changes->wake);
    pthread_mutex_unlock(&changes->lock);
}

/* A text of the query, decoded; true also where there is none. */
static bool
take_text(struct exchange *exchange, const char *key, char **text_out)
{
    char text[CONTROL_PATH_BYTES_MAX];
    const char *value = exchange_query(exchange, key);
    if (!value)
        return true;
    if (!percent_decode(value, strlen(value), text, sizeof text)) {
        exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "'%s' is malformed", key);
        return false;
    }
    *text_out = strdup(text);
    if (!*text_out)
        exchange_fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    return *text_out != NULL;
}

void
change_request_add(struct exchange *exchange)
{
    struct exchange_change *change = &exchange->change;
    if (!take_text(exchange, "directory", &change->directory) ||
        !take_text(exchange, "file", &change->file))
        return;
    if (change->directory && change->directory[0] != '/')
        exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "'directory' is a path from the root on");
    else
        changes_queue(exchange);
}

void
change_request_scale(struct exchange *exchange)
{
    const char *text = exchange_query(exchange, "count");
    uint64_t count;
    if (!text || !control_number_parse(text, &count) || count > COUNT_MAX) {
        exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "'count' is a number, as in ?count=4");
        return;
    }
    exchange->change.count = (uint32_t)count;
    changes_queue(exchange);
}

bool
change_is_verb(const char *verb)
{
    return strcmp(verb, "add") == 0 || strcmp(verb, "scale") == 0;
}

void
change_finish(struct exchange *exchange)
{
    if (exchange->done_status == AIRS_OK) {
        exchange_answer_done(exchange, "application/x-ndjson");
        return;
    }
    const char *text =
        exchange->done_text ? exchange->done_text : airs_status_text(exchange->done_status);
    exchange_fail_text(exchange, exchange_refusal_code(exchange->done_status), text);
}

void
change_deinit(struct exchange_change *change)
{
    free(change->directory);
    free(change->file);
    buffer_deinit(&change->report);
}

/* ---- Counts ---- */

static void
on_counted(void *context, enum airs_status status, const struct airs_counts *counts)
{
    struct exchange *exchange = context;
    exchange->done_status = status;
    json_t *object =
        counts ? json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "path",
                           exchange->route.path, "children", (json_int_t)counts->children,
                           "registered", (json_int_t)counts->registered, "restarting",
                           (json_int_t)counts->restarting, "starting", (json_int_t)counts->starting,
                           "running", (json_int_t)counts->running, "stopping",
                           (json_int_t)counts->stopping, "stopped", (json_int_t)counts->stopped,
                           "failed", (json_int_t)counts->failed, "ready", (json_int_t)counts->ready)
               : NULL;
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (counts && (!text || !buffer_append_text(&exchange->done_bytes, text) ||
                   !buffer_append_text(&exchange->done_bytes, "\n")))
        exchange->done_status = AIRS_ENOMEM;
    free(text);
    json_decref(object);
    exchange_complete(exchange);
}

void
counts_request(struct exchange *exchange)
{
    struct airs_error error = { 0 };
    exchange->pending = true;
    exchange_await(exchange,
                   airs_application_count(exchange->server->options.application,
                                          exchange->route.path, on_counted, exchange, &error),
                   &error);
}

void
counts_finish(struct exchange *exchange)
{
    if (exchange->done_status != AIRS_OK) {
        exchange_fail_text(exchange, exchange_refusal_code(exchange->done_status),
                           airs_status_text(exchange->done_status));
        return;
    }
    exchange_answer_done(exchange, "application/json");
}
