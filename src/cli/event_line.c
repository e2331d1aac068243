/* Event line: see event_line.h. */
#include "cli/event_line.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cli/ndjson.h"

/* "2026-01-02T03:04:05.678901Z" → "03:04:05.678" */
static void
put_time(struct buffer *buffer, const json_t *event)
{
    const char *time = json_text(event, "time");
    if (time && strlen(time) >= 23)
        buffer_printf(buffer, "%.12s ", time + 11);
}

/* What is appended after the event's name, in the order in which one reads it. */
static void
put_facts(struct buffer *facts, const json_t *event)
{
    const char *reason = json_text(event, "reason");
    const char *detail = json_text(event, "detail");
    if (reason)
        buffer_printf(facts, " %s", reason);
    if (detail && *detail)
        buffer_printf(facts, "%s %.*s", reason ? ":" : "", (int)strcspn(detail, "\r\n"), detail);
    const char *waits_for = json_text(event, "waits_for");
    if (waits_for)
        buffer_printf(facts, " for %s", waits_for);
    const char *cause = json_text(event, "cause");
    if (cause)
        buffer_printf(facts, " because of %s", cause);
    double delay_ms = json_number_or(event, "delay_ms", -1);
    if (delay_ms >= 0)
        buffer_printf(facts, " in %.15gms", round(delay_ms * 100) / 100);
}

static void
put_numbers(struct buffer *facts, const json_t *event)
{
    double generation = json_number_or(event, "generation", 0);
    double restarts = json_number_or(event, "restarts", 0);
    const char *budget = json_text(event, "budget");
    if (generation > 0)
        buffer_printf(facts, " (generation %.0f", generation);
    if (generation > 0 && restarts > 0)
        buffer_printf(facts, ", restart%s %.0f", restarts > 1 ? "s" : "", restarts);
    if (generation > 0 && restarts > 0 && budget)
        buffer_printf(facts, ", budget %s", budget);
    if (generation > 0)
        buffer_append_text(facts, ")");
}

static enum paint
paint_of_event(const char *name)
{
    static const struct {
        const char *name;
        enum paint paint;
    } rows[] = { { "exited", PAINT_BAD },
                 { "failed", PAINT_BAD },
                 { "escalated", PAINT_BAD },
                 { "restart-scheduled", PAINT_BUSY },
                 { "started", PAINT_GOOD },
                 { "ready", PAINT_GOOD },
                 { "application-started", PAINT_BOLD },
                 { "application-stopped", PAINT_BOLD } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].paint;
    }
    return PAINT_NONE;
}

void
event_line_put(struct buffer *buffer, const struct style *style, const json_t *event,
               size_t columns)
{
    const char *path = json_text(event, "path");
    const char *name = json_text(event, "event");
    if (columns == 0)
        columns = SIZE_MAX;
    if (!name)
        return;

    struct buffer text;
    buffer_init(&text, 0);
    put_time(&text, event);
    if (path)
        buffer_printf(&text, "%s ", path);
    size_t used = text_put(buffer, style, text.data ? text.data : "", columns);
    text_paint(buffer, style, paint_of_event(name));
    used += text_put(buffer, style, name, columns - used);
    text_unpaint(buffer, style, paint_of_event(name));
    buffer_consume(&text, text.size);
    put_facts(&text, event);
    put_numbers(&text, event);
    text_put(buffer, style, text.data ? text.data : "", columns - used);
    buffer_deinit(&text);
}
