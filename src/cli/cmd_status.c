/* airs status PATH: everything that is known of one child, its last exit out of the history. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/child_row.h"
#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/exit_report.h"
#include "cli/ndjson.h"

#define LABEL_COLUMNS 12
#define VALUE_COLUMNS 200

static void
put_fact(struct buffer *buffer, const struct style *style, const char *label, const char *value)
{
    buffer_append_text(buffer, "  ");
    text_pad(buffer, style, label, LABEL_COLUMNS);
    text_put(buffer, style, value, VALUE_COLUMNS);
    buffer_append_text(buffer, "\n");
}

static void
put_text_of(struct buffer *buffer, const struct style *style, const json_t *child,
            const char *label, const char *key)
{
    const char *text = json_text(child, key);
    if (text)
        put_fact(buffer, style, label, text);
}

static void
put_number_of(struct buffer *buffer, const struct style *style, const json_t *child,
              const char *label, const char *key)
{
    char text[64];
    double number = json_number_or(child, key, ROW_NONE);
    if (number < 0)
        return;
    if (strcmp(key, "memory_bytes") == 0)
        text_bytes(text, sizeof text, (uint64_t)number);
    else if (strcmp(key, "cpu_ms") == 0 || strcmp(key, "uptime_ms") == 0)
        text_duration(text, sizeof text, (uint64_t)number);
    else
        snprintf(text, sizeof text, "%.15g", number);
    put_fact(buffer, style, label, text);
}

/* The last exit; its message is a backtrace of several lines. */
static void
put_exit(struct buffer *buffer, const struct style *style, const struct child_row *row)
{
    if (!row->exit_reason)
        return;
    struct buffer text;
    buffer_init(&text, 0);
    child_row_exit(&text, row);
    put_fact(buffer, style, "last exit", text.data ? text.data : "");
    buffer_deinit(&text);
    const char *line = row->exit_message;
    while (line && *line) {
        put_fact(buffer, style, "", line);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

/* As history has it, of this run or an earlier one. */
static void
put_report(struct buffer *buffer, const struct style *style, const json_t *report)
{
    struct buffer text;
    buffer_init(&text, 0);
    exit_report_put_time(&text, report);
    buffer_printf(&text, "generation %.0f  ", json_number_or(report, "generation", 0));
    exit_report_put_summary(&text, report);
    put_fact(buffer, style, "last exit", text.data ? text.data : "");
    buffer_deinit(&text);
    exit_report_put(buffer, style, report);
}

static void
put_dependencies(struct buffer *buffer, const struct style *style, const struct child_row *row)
{
    size_t index;
    const json_t *path;
    json_array_foreach(row->depends_on, index, path)
        put_fact(buffer, style, index == 0 ? "depends on" : "", json_string_value(path));
}

/* "1000: 3 running, 997 registered" */
static void
put_counts(struct buffer *buffer, const struct style *style, const json_t *counts)
{
    static const char *const states[] = { "running",  "starting", "restarting", "registered",
                                          "stopping", "stopped",  "failed" };
    struct buffer text;
    const char *between = ": ";
    buffer_init(&text, 0);
    buffer_printf(&text, "%.15g", json_number_or(counts, "children", 0));
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        double count = json_number_or(counts, states[i], 0);
        if (count > 0)
            buffer_printf(&text, "%s%.15g %s", between, count, states[i]);
        between = count > 0 ? ", " : between;
    }
    put_fact(buffer, style, "children", text.data ? text.data : "");
    buffer_deinit(&text);
}

static void
put_child(struct buffer *buffer, const struct style *style, const json_t *child,
          const struct child_row *row, const json_t *counts, const json_t *report)
{
    struct buffer note;
    buffer_init(&note, 0);
    struct child_row without_exit = *row;
    without_exit.exit_reason = NULL;
    child_row_note(&note, &without_exit, 0);

    text_paint(buffer, style, PAINT_BOLD);
    text_put(buffer, style, row->path, strlen(row->path));
    text_unpaint(buffer, style, PAINT_BOLD);
    buffer_append_text(buffer, "  ");
    text_paint(buffer, style, paint_of_state(row->state));
    text_put(buffer, style, row->state, VALUE_COLUMNS);
    text_unpaint(buffer, style, paint_of_state(row->state));
    if (row->ready)
        buffer_append_text(buffer, ", ready");
    if (note.size) {
        buffer_append_text(buffer, ", ");
        text_put(buffer, style, note.data, VALUE_COLUMNS);
    }
    buffer_append_text(buffer, "\n");
    buffer_deinit(&note);

    put_text_of(buffer, style, child, "kind", "kind");
    put_text_of(buffer, style, child, "component", "component");
    put_text_of(buffer, style, child, "strategy", "strategy");
    put_dependencies(buffer, style, row);
    put_number_of(buffer, style, child, "generation", "generation");
    put_number_of(buffer, style, child, "restarts", "restarts");
    put_text_of(buffer, style, child, "budget", "budget");
    put_number_of(buffer, style, child, "uptime", "uptime_ms");
    put_number_of(buffer, style, child, "memory", "memory_bytes");
    put_number_of(buffer, style, child, "cpu", "cpu_ms");
    put_number_of(buffer, style, child, "mailbox", "mailbox");
    put_number_of(buffer, style, child, "messages", "messages");
    if (counts)
        put_counts(buffer, style, counts);
    if (report)
        put_report(buffer, style, report);
    else
        put_exit(buffer, style, row);
}

/* What a supervisor has counted: it costs the same however many they are. NULL: a component. */
static json_t *
read_counts(struct session *session, const struct child_row *row)
{
    bool is_supervisor = row->kind && strcmp(row->kind, "supervisor") == 0;
    if (!is_supervisor || session_get(session, "/v1/counts", "") != CLI_DONE)
        return NULL;
    return session_answer(session);
}

static void
print_text(const json_t *child, const struct child_row *row, const json_t *counts,
           const json_t *report)
{
    struct style style = style_of(STDOUT_FILENO);
    struct buffer buffer;
    buffer_init(&buffer, 0);
    put_child(&buffer, &style, child, row, counts, report);
    text_flush(&buffer, stdout);
    buffer_deinit(&buffer);
}

static void
print_json(json_t *child, json_t *counts, json_t *report)
{
    if (report)
        json_object_set(child, "report", report);
    if (counts)
        json_object_set(child, "children", counts);
    json_dumpf(child, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
    putchar('\n');
}

static int
ask(struct session *session, void *context)
{
    (void)context;
    int exit_code = session_get(session, "/v1/children", "");
    if (exit_code != CLI_DONE)
        return exit_code;
    json_t *child = session_answer(session);
    struct child_row row;
    if (!child || !child_row_read(&row, child)) {
        json_decref(child);
        return cli_fail("status", CLI_FAILED, "the application's answer is not understood");
    }
    json_t *counts = read_counts(session, &row);
    json_t *report = exit_report_last(session);
    if (session->json)
        print_json(child, counts, report);
    else
        print_text(child, &row, counts, report);
    json_decref(report);
    json_decref(counts);
    json_decref(child);
    return CLI_DONE;
}

int
cmd_status(int argc, char **argv)
{
    static const char help[] =
        "Shows one child: its state, what it waits for, restarts and budget, memory and messages,\n"
        "and its last exit with the backtrace and the last lines, that of an earlier run, too.\n";
    const struct client_verb verb = {
        .command = { .verb = "status",
                     .operands = "PATH",
                     .help = help,
                     .example = "  airs status /web/front\n" },
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, NULL);
}
