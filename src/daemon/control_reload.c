/* Reload: one difference a line, on the thread of changes; a second one is refused at once. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_internal.h"

static void
set(json_t *object, const char *key, const char *text)
{
    if (object && text)
        json_object_set_new(object, key, json_string(text));
}

static void
on_difference(void *context, const struct airs_difference *difference)
{
    struct exchange *exchange = context;
    json_t *object = json_object();
    set(object, "change", difference->change);
    set(object, "path", difference->path);
    set(object, "restarts", difference->restarts);
    set(object, "live", difference->live);
    set(object, "text", difference->text);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (!text || !buffer_append_text(&exchange->done_bytes, text) ||
        !buffer_append_text(&exchange->done_bytes, "\n"))
        exchange->change.out_of_memory = true;
    free(text);
    json_decref(object);
}

enum airs_status
reload_run(struct exchange *exchange, struct airs_error *error)
{
    const struct airs_reload reload = {
        .dry_run = exchange->change.dry_run,
        .differs = on_difference,
        .report = change_on_report,
        .context = exchange,
    };
    enum airs_status status =
        airs_application_reload(exchange->server->options.application, &reload, error);
    /* What could not be changed stands among the differences. */
    return status == AIRS_EFAILED ? AIRS_OK : status;
}

void
reload_request(struct exchange *exchange, bool dry_run)
{
    struct control_changes *changes = &exchange->server->changes;
    if (changes->reloads) {
        exchange_fail(exchange, MHD_HTTP_CONFLICT, "busy: another reload is under way");
        return;
    }
    exchange->change.dry_run = dry_run;
    changes->reloads = true;
    changes_queue(exchange);
}

/* A manifest that is wrong, or gone, is wrong use, as with up. */
static unsigned
code_of(enum airs_status status)
{
    return status == AIRS_ENOENT ? MHD_HTTP_BAD_REQUEST : exchange_refusal_code(status);
}

void
reload_finish(struct exchange *exchange)
{
    exchange->server->changes.reloads = false;
    if (exchange->done_status == AIRS_OK) {
        exchange_answer_done(exchange, "application/x-ndjson");
        return;
    }
    const char *text =
        exchange->done_text ? exchange->done_text : airs_status_text(exchange->done_status);
    exchange_fail_text(exchange, code_of(exchange->done_status), text);
}
