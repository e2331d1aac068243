/* Answers: status and body of what was asked, and what its query says. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_internal.h"
#include "daemon/event_json.h"

#define TEXT_BYTES_MAX 1024

void
exchange_answer(struct exchange *exchange, unsigned status, const char *content_type)
{
    exchange->status = status;
    exchange->content_type = content_type;
    exchange->state = EXCHANGE_ANSWERED;
}

void
exchange_fail(struct exchange *exchange, unsigned status, const char *format, ...)
{
    char text[TEXT_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    exchange_fail_text(exchange, status, text);
}

static void
fail_kind(struct exchange *exchange, unsigned status, const char *kind, const char *text)
{
    buffer_deinit(&exchange->answer);
    error_json_append(&exchange->answer, text, status, kind); /* Out of memory: an empty body. */
    exchange_answer(exchange, status, "application/json");
}

void
exchange_fail_text(struct exchange *exchange, unsigned status, const char *text)
{
    fail_kind(exchange, status, NULL, text);
}

void
exchange_fail_message(struct exchange *exchange, enum airs_status status, bool was_taken,
                      const char *text)
{
    char cut[TEXT_BYTES_MAX]; /* An actor's own words may be long. */
    const char *kind = NULL;
    snprintf(cut, sizeof cut, "%s", text);
    if (status == AIRS_EREJECTED)
        kind = "error";
    else if (status == AIRS_EENDED)
        kind = was_taken ? "target-ended" : "delivery-failed";
    fail_kind(exchange, exchange_refusal_code(status), kind, cut);
}

void
exchange_answer_text(struct exchange *exchange, unsigned status, const char *content_type,
                     const char *text)
{
    buffer_deinit(&exchange->answer);
    buffer_append_text(&exchange->answer, text);
    exchange_answer(exchange, status, content_type);
}

void
exchange_answer_done(struct exchange *exchange, const char *content_type)
{
    buffer_deinit(&exchange->answer);
    exchange->answer = exchange->done_bytes;
    buffer_init(&exchange->done_bytes, 0);
    exchange_answer(exchange, MHD_HTTP_OK, content_type);
}

void
exchange_answer_json(struct exchange *exchange, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text) {
        exchange_answer_text(exchange, MHD_HTTP_OK, "application/json", text);
        buffer_append_text(&exchange->answer, "\n");
    } else {
        exchange_fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    }
    free(text);
}

const char *
exchange_query(const struct exchange *exchange, const char *key)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, key);
}

/* Those of all requests: none has two meanings. */
static const char *const flags[] = { "dry_run", "events", "exact", "follow", "kill", "tree" };

static bool
is_yes(const char *value)
{
    return strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
}

bool
exchange_check_flags(struct exchange *exchange)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const char *value = NULL; /* Stays so where the key stands without one. */
        if (MHD_lookup_connection_value_n(exchange->connection, MHD_GET_ARGUMENT_KIND, flags[i],
                                          strlen(flags[i]), &value, NULL) == MHD_NO ||
            (value && (is_yes(value) || strcmp(value, "0") == 0 || strcmp(value, "false") == 0)))
            continue;
        exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "'%s' is 1, true, 0 or false, as in ?%s=1",
                      flags[i], flags[i]);
        return false;
    }
    return true;
}

bool
exchange_query_is_set(const struct exchange *exchange, const char *key)
{
    const char *value = exchange_query(exchange, key);
    return value && is_yes(value);
}

unsigned
exchange_refusal_code(enum airs_status status)
{
    switch (status) {
    case AIRS_ENOENT:
        return MHD_HTTP_NOT_FOUND;
    case AIRS_EINVAL:
        return MHD_HTTP_BAD_REQUEST;
    case AIRS_EEXIST:
    case AIRS_EBUSY:
    case AIRS_EALREADY:
        return MHD_HTTP_CONFLICT;
    case AIRS_ELIMIT:
        return MHD_HTTP_TOO_MANY_REQUESTS;
    case AIRS_ENOTRUNNING:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    case AIRS_EDENIED:
        return MHD_HTTP_FORBIDDEN;
    case AIRS_ETIMEDOUT:
        return MHD_HTTP_GATEWAY_TIMEOUT;
    case AIRS_EREJECTED:
    case AIRS_EENDED:
    case AIRS_ELOAD:
    case AIRS_EFAILED:
        return MHD_HTTP_BAD_GATEWAY;
    case AIRS_OK:
    case AIRS_ENOMEM:
    case AIRS_EIO:
        break;
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}
