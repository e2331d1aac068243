/* Application events: what supervisors and guests say, as the public structs. Each function
 * here runs inside somebody's restart: nothing allocates and nothing waits.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/refstr.h"
#include "base/trap_code.h"
#include "component/component_registry.h"
#include "daemon/application_internal.h"
#include "runtime/event_log.h"

/* Bytes of a log line with its context; the rest is cut. */
#define LOG_TEXT_BYTES_MAX 16384

static const char *
text_of(const struct refstr *string)
{
    return string ? string->text : NULL;
}

/* The first line of `text`, in `buffer` unless that is all of it. */
static const char *
first_line(const char *text, char buffer[EXIT_DETAIL_SIZE])
{
    const char *newline = text ? strchr(text, '\n') : NULL;
    if (!newline)
        return text;
    snprintf(buffer, EXIT_DETAIL_SIZE, "%.*s", (int)(newline - text), text);
    return buffer;
}

const char *
application_exit_detail(struct exit_info exit, const char *text, char buffer[EXIT_DETAIL_SIZE])
{
    switch (exit.reason) {
    case EXIT_TRAP:
        return trap_code_name(exit.code);
    case EXIT_ERROR:
        if (exit.code < 0)
            break;
        snprintf(buffer, EXIT_DETAIL_SIZE, "%d", exit.code);
        return buffer;
    case EXIT_NORMAL:
    case EXIT_SHUTDOWN:
    case EXIT_TIMEOUT:
    case EXIT_OUT_OF_MEMORY:
    case EXIT_UNHEALTHY:
    case EXIT_KILLED:
    case EXIT_LOAD_ERROR:
    case EXIT_ESCALATED:
    case EXIT_HOST_LOST:
        break;
    }
    return first_line(text, buffer);
}

const char *
application_stop_name(enum stop_cause cause)
{
    switch (cause) {
    case STOPPED_BY_REQUEST:
        return "request";
    case STOPPED_WITH_SUPERVISOR:
        return "supervisor";
    case STOPPED_ENDED:
        return "ended";
    case STOPPED_TEMPORARY:
        return "temporary";
    case STOPPED_IGNORED:
        return "ignored";
    }
    return NULL;
}

static const char *
stopped_name(const struct event *event)
{
    if (!event->has_stop_cause)
        return NULL;
    return event->comes_back ? "restart" : application_stop_name(event->stop_cause);
}

static uint64_t
peak_memory(struct airs_application *application, const struct event *event)
{
    uint64_t bytes;
    if (event->type != EVENT_EXITED || !event->path || !application->registry ||
        !component_registry_peak_memory(application->registry, event->path->text, &bytes))
        return AIRS_NONE;
    return bytes;
}

static void
keep(struct refstr **place, struct refstr *text)
{
    refstr_unref(*place);
    *place = text ? refstr_ref(text) : NULL;
}

/* A child of the root that escalates ends the application. */
static void
note_escalation(struct airs_application *application, const struct event *event)
{
    if (event->type != EVENT_ESCALATED || strrchr(event->path->text, '/') != event->path->text)
        return;
    keep(&application->escalated, event->cause ? event->cause : event->path);
    keep(&application->escalated_detail, event->detail);
}

void
application_on_event(void *context, const struct event *event)
{
    struct airs_application *application = context;
    note_escalation(application, event);
    application_watch_event(application, event);
    if (event->type == EVENT_DELETED) /* Whoever hears of it may use the path again. */
        tree_remove_path(&application->tree, event->path->text);
    if (!application->options.event)
        return;
    char buffer[EXIT_DETAIL_SIZE];
    struct airs_event out = {
        .seq = event->seq,
        .time_us = event->time_us + application->wall_offset_us,
        .path = text_of(event->path),
        .event = event_type_name(event->type),
        .from = event->has_state ? child_state_name(event->from) : NULL,
        .state = event->has_state ? child_state_name(event->state) : NULL,
        .reason = event->has_exit ? exit_reason_name(event->exit.reason) : NULL,
        /* `escalated` has the exit's words before it, in `exited`, and says why that ends more. */
        .detail = event->has_exit && event->type != EVENT_ESCALATED
                      ? application_exit_detail(event->exit, text_of(event->detail), buffer)
                      : text_of(event->detail),
        .message = text_of(event->detail),
        .cause = text_of(event->cause),
        .waits_for = text_of(event->waits_for),
        .generation = event->generation,
        .delay_us = event->has_delay ? event->delay_us : AIRS_NONE,
        .restarts = event->has_budget ? event->restarts : AIRS_NONE,
        .has_budget = event->has_budget,
        .budget_used = event->budget_used,
        .budget_allowed = event->budget_allowed,
        .intensity_allowed = event->intensity_allowed,
        .uptime_us = event->has_uptime ? event->uptime_us : AIRS_NONE,
        .memory_bytes = peak_memory(application, event),
        .exit_code = event->has_exit ? event->exit.code : 0,
        .ready = event->ready,
        .stopped = stopped_name(event),
        .attempt = event->attempt,
        .lived_us = event->lived_us,
        .born_lived_us = event->born_lived_us,
    };
    application->options.event(application->options.context, &out);
}

/* The text and its context as "text key=value …"; what does not fit is left out. */
static size_t
join_context(const struct log_line *line, char *out, size_t size_max)
{
    size_t size = line->size < size_max ? line->size : size_max;
    memcpy(out, line->text, size);
    for (size_t i = 0; i < line->context_size; i++) {
        int length = snprintf(out + size, size_max - size, " %s=%s", line->context[i].key,
                              line->context[i].value);
        if (length < 0 || (size_t)length >= size_max - size)
            break;
        size += (size_t)length;
    }
    return size;
}

static void
write_line(struct log_sink *sink, const struct log_line *line)
{
    struct airs_application *application = container_of(sink, struct airs_application, log_sink);
    char joined[LOG_TEXT_BYTES_MAX];
    struct airs_log_line out = {
        .time_us = clock_now_us() + application->wall_offset_us,
        .path = line->path,
        .generation = line->generation,
        .stream = log_stream_name(line->stream),
        .level = line->stream == LOG_HOST ? log_level_name(line->level) : NULL,
        .text = line->text,
        .size = line->size,
    };
    if (line->context_size > 0) {
        out.size = join_context(line, joined, sizeof joined);
        out.text = joined;
    }
    application->options.log(application->options.context, &out);
}

static size_t
room(struct log_sink *sink, const char *path)
{
    struct airs_application *application = container_of(sink, struct airs_application, log_sink);
    return application->options.log_room(application->options.context, path);
}

void
application_log_sink_init(struct airs_application *application)
{
    application->log_sink = (struct log_sink){
        .write = write_line,
        .room = application->options.log_room ? room : NULL,
    };
}
