/* airs history PATH: the exits of a child, or of all below it, this run's and earlier ones. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/event_line.h"
#include "cli/exit_report.h"
#include "cli/follow.h"
#include "cli/ndjson.h"

#define COUNT 100u
#define COUNT_MAX 10000u

struct printer {
    const char *count_text; /* As the user gave it, or NULL. */
    uint64_t count;
    struct style style;
    bool json;
    bool full;
    bool events;
};

/* What was decided: "restart 2 in 150ms, budget 2/3". */
static void
put_then(struct buffer *text, const json_t *then)
{
    const char *name = json_text(then, "event");
    const char *budget = json_text(then, "budget");
    if (!name)
        return;
    if (strcmp(name, "restart-scheduled") == 0)
        buffer_printf(text, "; restart %.0f in %.15gms", json_number_or(then, "restarts", 0),
                      round(json_number_or(then, "delay_ms", 0) * 100) / 100);
    else
        buffer_printf(text, "; %s", name);
    if (budget && json_number_or(then, "restarts", 0) > 0)
        buffer_printf(text, ", budget %s", budget);
}

/* The line that `airs events` has, behind its day. */
static void
put_event(struct buffer *buffer, const struct printer *printer, const json_t *event)
{
    const char *time = json_text(event, "time");
    if (time)
        buffer_printf(buffer, "%.10s ", time);
    event_line_put(buffer, &printer->style, event, 0);
    buffer_append_text(buffer, "\n");
}

static void
put_entry(struct buffer *buffer, const struct printer *printer, const json_t *event)
{
    struct buffer text;
    if (printer->events) {
        put_event(buffer, printer, event);
        return;
    }
    buffer_init(&text, 0);
    exit_report_put_time(buffer, event);
    const char *path = json_text(event, "path");
    buffer_printf(&text, "%s  generation %.0f  ", path ? path : "",
                  json_number_or(event, "generation", 0));
    exit_report_put_summary(&text, event);
    put_then(&text, json_object_get(event, "then"));
    text_put(buffer, &printer->style, text.data ? text.data : "", SIZE_MAX);
    buffer_append_text(buffer, "\n");
    buffer_deinit(&text);
    if (printer->full)
        exit_report_put(buffer, &printer->style, event);
}

static bool
print_entry(void *context, const char *line, size_t size)
{
    struct printer *printer = context;
    if (printer->json) {
        follow_print(line, size);
        return true;
    }
    json_t *event = json_loadb(line, size, JSON_ALLOW_NUL, NULL);
    if (event) {
        struct buffer buffer;
        buffer_init(&buffer, 0);
        put_entry(&buffer, printer, event);
        text_flush(&buffer, stdout);
        buffer_deinit(&buffer);
    }
    json_decref(event);
    return true;
}

static int
check(struct session *session, void *context)
{
    struct printer *printer = context;
    printer->json = session->json;
    if (printer->count_text && !cli_number(printer->count_text, COUNT_MAX, &printer->count))
        return cli_wrong_use("history", "--count '%s' is no number up to %u", printer->count_text,
                             COUNT_MAX);
    return CLI_DONE;
}

static int
ask(struct session *session, void *context)
{
    struct printer *printer = context;
    char query[64];
    snprintf(query, sizeof query, "?count=%" PRIu64 "%s", printer->count,
             printer->events ? "&events=1" : "");
    return follow_stream(session, session_target(session, "/v1/history", query), print_entry,
                         printer);
}

int
cmd_history(int argc, char **argv)
{
    struct printer printer = { .count = COUNT, .style = style_of(STDOUT_FILENO) };
    const struct cli_option options[] = {
        { .name = "full",
          .flag_out = &printer.full,
          .help = "with backtrace and last lines of each" },
        { .name = "events", .flag_out = &printer.events, .help = "every event, not only exits" },
        { .name = "count",
          .letter = 'n',
          .value = "N",
          .text_out = &printer.count_text,
          .help = "the last N (100)" },
    };
    static const char help[] =
        "Prints the exits of the child PATH, or of all below it: when, why, how long it had run\n"
        "and the most memory it had, and what was decided. Those of earlier runs too. Times are\n"
        "UTC.\n";
    const struct client_verb verb = {
        .command = { .verb = "history",
                     .operands = "[PATH]",
                     .help = help,
                     .example = "  airs history /web/front --full\n",
                     .options = options,
                     .options_size = 3 },
        .check = check,
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &printer);
}
