/* airs logs [PATH]: what children print, by line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/follow.h"
#include "cli/ndjson.h"
#include "cli/text.h"

struct printer {
    bool follow;
    struct style style;
    bool json;
    bool with_path; /* Lines of several children: each begins with its path. */
};

static void
print_text(const struct printer *printer, const json_t *record)
{
    const char *path = json_text(record, "path");
    const char *time = json_text(record, "time");
    const json_t *text = json_object_get(record, "text");
    struct buffer line;
    buffer_init(&line, 0);
    text_paint(&line, &printer->style, PAINT_DIM);
    if (time && strlen(time) >= 23)
        buffer_printf(&line, "%.12s ", time + 11);
    if (printer->with_path && path)
        buffer_printf(&line, "%s: ", path);
    text_unpaint(&line, &printer->style, PAINT_DIM);
    /* A guest's escape sequences do not reach a terminal; a file gets its bytes as they are. */
    if (text && printer->style.terminal)
        text_put_string(&line, &printer->style, text);
    else if (text)
        buffer_append(&line, json_string_value(text), json_string_length(text));
    buffer_append_text(&line, "\n");
    text_flush(&line, stdout);
    buffer_deinit(&line);
}

static bool
print_line(void *context, const char *line, size_t size)
{
    struct printer *printer = context;
    if (printer->json) {
        follow_print(line, size);
        return true;
    }
    json_t *record = json_loadb(line, size, JSON_ALLOW_NUL, NULL);
    if (record)
        print_text(printer, record);
    json_decref(record);
    return true;
}

static int
ask(struct session *session, void *context)
{
    struct printer *printer = context;
    printer->json = session->json;
    printer->with_path = session->path[0] == '\0';
    return follow_stream(session,
                         session_target(session, "/v1/logs", printer->follow ? "?follow=1" : ""),
                         print_line, printer);
}

int
cmd_logs(int argc, char **argv)
{
    struct printer printer = { .style = style_of(STDOUT_FILENO) };
    const struct cli_option options[] = {
        { .name = "follow",
          .letter = 'f',
          .flag_out = &printer.follow,
          .help = "go on as they come, until the application ends" },
    };
    static const char help[] =
        "Prints what the child PATH, or all children, wrote: standard output, standard error and\n"
        "log messages, by line. Times are UTC.\n";
    const struct client_verb verb = {
        .command = { .verb = "logs",
                     .operands = "[PATH]",
                     .help = help,
                     .example = "  airs logs -f /web/front\n",
                     .options = options,
                     .options_size = 1 },
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &printer);
}
