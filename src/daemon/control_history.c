/* History: asked of the store, which answers on its own thread; the loop never waits for a disk.
 * It outlives its child: a path that is no child's any more is unknown only if nothing is kept of it.
 */
#include <string.h>

#include "daemon/control_internal.h"
#include "daemon/event_json.h"

static struct exchange *
exchange_of(struct store_query *query)
{
    return container_of(query, struct exchange, history);
}

static void
on_entry(struct store_query *query, const struct history_entry *entry)
{
    struct exchange *exchange = exchange_of(query);
    const char *app = airs_application_name(exchange->server->options.application);
    if (exchange->done_status == AIRS_OK && !history_json_append(&exchange->done_bytes, app, entry))
        exchange->done_status = AIRS_ELIMIT;
}

static void
on_done(struct store_query *query, enum airs_status status, const char *text)
{
    struct exchange *exchange = exchange_of(query);
    if (status != AIRS_OK)
        exchange->done_status = status;
    exchange->done_text = text ? strdup(text) : NULL;
    exchange_complete(exchange);
}

/* The query's count; false, and the exchange failed: it is none. */
static bool
count_of(struct exchange *exchange, uint64_t *count_out)
{
    const char *text = exchange_query(exchange, "count");
    *count_out = CONTROL_HISTORY_COUNT;
    if (!text || (control_number_parse(text, count_out) && *count_out <= CONTROL_HISTORY_COUNT_MAX))
        return true;
    exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "'count' is a number up to %u",
                  CONTROL_HISTORY_COUNT_MAX);
    return false;
}

void
history_request(struct exchange *exchange)
{
    const struct control_options *options = &exchange->server->options;
    const char *path = exchange->route.path;
    uint64_t count;
    if (!count_of(exchange, &count))
        return;
    if (!options->store) {
        exchange_fail(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "there is no history");
        return;
    }
    exchange->history = (struct store_query){
        .path = path,
        .reach = exchange_query_is_set(exchange, "exact") ? HISTORY_EXACT : HISTORY_BELOW,
        .exits_alone = !exchange_query_is_set(exchange, "events"),
        .count = count,
        .visit = on_entry,
        .done = on_done,
    };
    buffer_init(&exchange->done_bytes, CONTROL_HISTORY_BYTES_MAX);
    exchange->done_status = AIRS_OK;
    exchange->pending = true;
    exchange->state = EXCHANGE_WAITING;
    store_ask(options->store, &exchange->history);
}

/* True, and the exchange failed: there is no such child, and nothing is kept of one. */
static bool
is_unknown(struct exchange *exchange)
{
    const char *path = exchange->route.path;
    struct airs_error error = { 0 };
    if (exchange->done_bytes.size > 0 || strcmp(path, "/") == 0)
        return false;
    enum airs_found found =
        airs_application_find(exchange->server->options.application, path, &error);
    if (found == AIRS_FOUND_SUPERVISOR || found == AIRS_FOUND_COMPONENT)
        return false;
    exchange_fail(exchange, MHD_HTTP_NOT_FOUND, "%s", error.message);
    return true;
}

void
history_finish(struct exchange *exchange)
{
    if (exchange->done_status == AIRS_ELIMIT) {
        exchange_fail(exchange, MHD_HTTP_TOO_MANY_REQUESTS,
                      "more than %zu MiB of history: ask for fewer with 'count'",
                      CONTROL_HISTORY_BYTES_MAX >> 20);
        return;
    }
    if (exchange->done_status != AIRS_OK) {
        exchange_fail(exchange, exchange_refusal_code(exchange->done_status), "%s",
                      exchange->done_text ? exchange->done_text
                                          : airs_status_text(exchange->done_status));
        return;
    }
    if (is_unknown(exchange))
        return;
    exchange_answer_done(exchange, "application/x-ndjson");
}
