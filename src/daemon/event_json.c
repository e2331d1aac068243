/* JSON by jansson, which keeps the order in which members are set. */
#include "daemon/event_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "store/database.h"

/* Doubles here are microseconds over 1000: 15 digits print them exactly. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

void
json_time(uint64_t time_us, char text_out[JSON_TIME_SIZE])
{
    time_t seconds = (time_t)(time_us / US_PER_S);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t size = strftime(text_out, JSON_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text_out + size, JSON_TIME_SIZE - size, ".%06uZ", (unsigned)(time_us % US_PER_S));
}

static int
append_dump(const char *bytes, size_t size, void *context)
{
    return buffer_append(context, bytes, size) ? 0 : -1;
}

/* Consumes `object`; a partial dump is taken back. */
static bool
append_object(struct buffer *line, json_t *object)
{
    size_t size = line->size;
    bool done = object && json_dump_callback(object, append_dump, line, DUMP_FLAGS) == 0 &&
                buffer_append(line, "\n", 1);
    if (!done && line->data) {
        line->size = size;
        line->data[size] = '\0';
    }
    json_decref(object);
    return done;
}

/* Sets a member and gives up the object when memory runs out: it becomes NULL. */
static void
set(json_t **object, const char *key, json_t *value)
{
    if (!*object) {
        json_decref(value);
    } else if (!value || json_object_set_new_nocheck(*object, key, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

/* Text of any bytes. */
static json_t *
text_json(const char *text, size_t size)
{
    json_t *value = json_stringn(text, size);
    if (value)
        return value;
    struct buffer repaired;
    buffer_init(&repaired, 0);
    if (utf8_repair(&repaired, text, size))
        value = json_stringn(repaired.data ? repaired.data : "", repaired.size);
    buffer_deinit(&repaired);
    return value;
}

static void
set_text(json_t **object, const char *key, const char *text)
{
    if (text)
        set(object, key, text_json(text, strlen(text)));
}

static void
set_number(json_t **object, const char *key, uint64_t number)
{
    if (number != AIRS_NONE)
        set(object, key, json_integer((json_int_t)number));
}

static void
set_ms(json_t **object, const char *key, uint64_t time_us)
{
    if (time_us != AIRS_NONE)
        set(object, key, json_real((double)time_us / (double)US_PER_MS));
}

/* "2/3", or "2/unlimited". */
static void
set_budget(json_t **object, uint32_t used, uint32_t allowed)
{
    char text[32];
    if (allowed == AIRS_UNLIMITED)
        snprintf(text, sizeof text, "%" PRIu32 "/unlimited", used);
    else
        snprintf(text, sizeof text, "%" PRIu32 "/%" PRIu32, used, allowed);
    set_text(object, "budget", text);
}

static json_t *
event_json(const char *app, const struct airs_event *event)
{
    char time[JSON_TIME_SIZE];
    json_time(event->time_us, time);
    json_t *object = json_object();
    set_text(&object, "time", time);
    set_number(&object, "seq", event->seq);
    set_text(&object, "app", app);
    set_text(&object, "path", event->path);
    set_number(&object, "generation", event->generation ? event->generation : AIRS_NONE);
    set_text(&object, "event", event->event);
    set_text(&object, "from", event->from);
    set_text(&object, "state", event->state);
    set_text(&object, "reason", event->reason);
    set_text(&object, "detail", event->detail);
    set_ms(&object, "delay_ms", event->delay_us);
    set_number(&object, "restarts", event->restarts);
    if (event->has_budget)
        set_budget(&object, event->budget_used, event->budget_allowed);
    set_text(&object, "cause", event->cause);
    set_text(&object, "waits_for", event->waits_for);
    return object;
}

bool
event_json_append(struct buffer *line, const char *app, const struct airs_event *event)
{
    return append_object(line, event_json(app, event));
}

/* The lines of `text`, any bytes, as an array. */
static json_t *
lines_json(const char *text, size_t size)
{
    json_t *lines = json_array();
    for (const char *end = text + size; lines && text < end;) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        json_array_append_new(lines, text_json(text, (size_t)((stop ? stop : end) - text)));
        text = stop ? stop + 1 : end;
    }
    return lines;
}

bool
history_json_append(struct buffer *line, const char *app, const struct history_entry *entry)
{
    json_t *object = event_json(app, &entry->event);
    set_ms(&object, "uptime_ms", entry->event.uptime_us);
    set_number(&object, "memory_bytes", entry->event.memory_bytes);
    if (entry->event.message &&
        (!entry->event.detail || strcmp(entry->event.message, entry->event.detail) != 0))
        set_text(&object, "message", entry->event.message);
    if (entry->log)
        set(&object, "log", lines_json(entry->log, entry->log_size));
    if (entry->has_then)
        set(&object, "then", event_json(app, &entry->then));
    return append_object(line, object);
}

static void
set_exit(json_t **object, const struct airs_child *child)
{
    if (!child->exit_reason)
        return;
    json_t *exit = json_object();
    set_text(&exit, "reason", child->exit_reason);
    set_text(&exit, "detail", child->exit_detail);
    if (child->exit_message &&
        (!child->exit_detail || strcmp(child->exit_message, child->exit_detail) != 0))
        set_text(&exit, "message", child->exit_message);
    set(object, "exit", exit);
}

/* An array of the paths in `text`; nothing of NULL. */
static void
set_paths(json_t **object, const char *key, const char *text)
{
    if (!text)
        return;
    json_t *paths = json_array();
    for (size_t size; *text; text += size + (text[size] == ' ')) {
        size = strcspn(text, " ");
        if (json_array_append_new(paths, json_stringn(text, size)) != 0) {
            json_decref(paths);
            paths = NULL; /* set() then gives the object up. */
            break;
        }
    }
    set(object, key, paths);
}

bool
child_json_append(struct buffer *line, const struct airs_child *child)
{
    json_t *object = json_object();
    set_text(&object, "path", child->path);
    set_text(&object, "kind", child->kind);
    set_text(&object, "state", child->state);
    set(&object, "ready", json_boolean(child->ready));
    set_number(&object, "generation", child->generation);
    set_number(&object, "restarts", child->restarts);
    set_budget(&object, child->budget_used, child->budget_allowed);
    set_ms(&object, "within_ms", child->within_us);
    set_ms(&object, "frees_ms", child->frees_us);
    set_ms(&object, "uptime_ms", child->uptime_us);
    set_ms(&object, "due_ms", child->due_us);
    set_text(&object, "waits_for", child->waits_for);
    set_paths(&object, "depends_on", child->depends_on);
    set_text(&object, "restart", child->restart);
    set_text(&object, "stopped", child->stopped);
    set_text(&object, "decided_by", child->decided_by);
    set_text(&object, "on_exit", child->on_exit);
    set_text(&object, "cause", child->cause);
    if (child->escalated)
        set(&object, "escalated", json_true());
    if (child->intensity_allowed != AIRS_UNLIMITED) {
        set_number(&object, "intensity", child->intensity_allowed);
        set_ms(&object, "intensity_within_ms", child->intensity_within_us);
    }
    set_exit(&object, child);
    set_number(&object, "memory_bytes", child->memory_bytes);
    set_ms(&object, "cpu_ms", child->cpu_us);
    set_number(&object, "mailbox", child->mailbox);
    set_number(&object, "messages", child->messages);
    set_text(&object, "component", child->component);
    set_text(&object, "strategy", child->strategy);
    return append_object(line, object);
}

bool
error_json_append(struct buffer *line, const char *text, unsigned http_status, const char *kind)
{
    json_t *object = json_object();
    set_text(&object, "error", text);
    set_number(&object, "status", http_status);
    set_text(&object, "kind", kind);
    return append_object(line, object);
}
