/* Exit report: what history keeps of an exit, for the verbs that show one. */
#include "cli/exit_report.h"

#include <stdint.h>
#include <string.h>

#include "cli/ndjson.h"

void
exit_report_put_time(struct buffer *buffer, const json_t *event)
{
    const char *time = json_text(event, "time");
    if (time && strlen(time) >= 19)
        buffer_printf(buffer, "%.10s %.8s  ", time, time + 11);
}

void
exit_report_put_summary(struct buffer *text, const json_t *event)
{
    const char *reason = json_text(event, "reason");
    const char *detail = json_text(event, "detail");
    char value[64];
    buffer_printf(text, "%s", reason ? reason : "?");
    if (detail && *detail)
        buffer_printf(text, ": %.*s", (int)strcspn(detail, "\r\n"), detail);
    double uptime_ms = json_number_or(event, "uptime_ms", -1);
    if (uptime_ms >= 0) {
        text_duration(value, sizeof value, (uint64_t)uptime_ms);
        buffer_printf(text, ", up %s", value);
    }
    double memory = json_number_or(event, "memory_bytes", -1);
    if (memory >= 0) {
        text_bytes(value, sizeof value, (uint64_t)memory);
        buffer_printf(text, ", %s", value);
    }
}

static void
put_indented(struct buffer *buffer, const struct style *style, const char *label, const char *lines)
{
    buffer_printf(buffer, "  %s:\n", label);
    while (lines && *lines) {
        buffer_append_text(buffer, "    ");
        text_put(buffer, style, lines, SIZE_MAX);
        buffer_append_text(buffer, "\n");
        lines += strcspn(lines, "\n");
        lines += *lines == '\n';
    }
}

void
exit_report_put(struct buffer *buffer, const struct style *style, const json_t *event)
{
    const char *message = json_text(event, "message");
    const json_t *log = json_object_get(event, "log");
    if (message)
        put_indented(buffer, style, "what happened", message);
    if (json_array_size(log) > 0)
        buffer_append_text(buffer, "  last lines:\n");
    for (size_t i = 0; i < json_array_size(log); i++) {
        buffer_append_text(buffer, "    ");
        text_put_string(buffer, style, json_array_get(log, i));
        buffer_append_text(buffer, "\n");
    }
}

json_t *
exit_report_last(struct session *session)
{
    struct airs_error error = { 0 };
    const char *target = session_target(session, "/v1/history", "?count=1&exact=1");
    if (!target || client_get(session->client, target, session->timeout_ms, &session->reply,
                              &error) != AIRS_OK)
        return NULL;
    return session_answer(session);
}
