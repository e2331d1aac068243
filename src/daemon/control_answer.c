/* Answers: status and body of what was asked, and what its query says. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_internal.h"
#include "daemon/event_json.h"

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
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    exchange_fail_text(exchange, status, text);
}

void
exchange_fail_text(struct exchange *exchange, unsigned status, const char *text)
{
    buffer_deinit(&exchange->answer);
    error_json_append(&exchange->answer, text, status); /* Out of memory: an empty body. */
    exchange_answer(exchange, status, "application/json");
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

bool
exchange_query_is_set(const struct exchange *exchange, const char *key)
{
    const char *value = exchange_query(exchange, key);
    return value && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
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
