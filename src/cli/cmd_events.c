/* airs events: what happened to children, as lines for people or as JSON.
 *
 * A reader that is too slow is disconnected by the application; following, we go on behind the
 * last event that was printed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_verbs.h"
#include "cli/event_line.h"
#include "cli/follow.h"
#include "cli/ndjson.h"

struct printer {
    struct style style;
    bool json;
    bool has_seq; /* Else from the oldest event that is kept. */
    uint64_t last_seq;
    bool stopped; /* The last event was application-stopped. */
};

static bool
print_event(void *context, const char *line, size_t size)
{
    struct printer *printer = context;
    json_t *event = json_loadb(line, size, 0, NULL);
    const char *name = json_text(event, "event");
    if (name) {
        printer->last_seq = (uint64_t)json_number_or(event, "seq", 0);
        printer->has_seq = true;
        printer->stopped = strcmp(name, "application-stopped") == 0;
    }
    if (printer->json) {
        fwrite(line, 1, size, stdout);
        putchar('\n');
    } else if (name) {
        struct buffer text;
        buffer_init(&text, 0);
        event_line_put(&text, &printer->style, event, 0);
        text_flush(&text, stdout);
        putchar('\n');
        buffer_deinit(&text);
    }
    json_decref(event);
    return true;
}

static int
print_events(struct session *session, struct printer *printer, bool follow)
{
    for (;;) {
        uint64_t since = printer->last_seq;
        char target[80];
        size_t size = (size_t)snprintf(target, sizeof target, "/v1/events?follow=%d", follow);
        if (printer->has_seq)
            snprintf(target + size, sizeof target - size, "&since=%" PRIu64, since);
        int exit_code = follow_stream(session, target, print_event, printer);
        if (exit_code != CLI_DONE || !follow || printer->stopped || ferror(stdout))
            return exit_code;
        if (printer->last_seq == since)
            return cli_fail("events", CLI_FAILED, "the application ended the stream");
    }
}

int
cmd_events(int argc, char **argv)
{
    struct cli_target target = { 0 };
    bool json = false;
    bool follow = false;
    const char *since = NULL;
    const struct cli_option options[] = {
        { .name = "follow",
          .letter = 'f',
          .flag_out = &follow,
          .help = "go on as they happen, until the application ends" },
        { .name = "since",
          .value = "SEQ",
          .text_out = &since,
          .help = "only those after number SEQ (all that are kept)" },
    };
    static const char help[] =
        "Prints what happened to the children: starts, exits, restarts and their delays. Times\n"
        "are UTC.\n";
    struct cli_command command = {
        .verb = "events",
        .operands = "",
        .help = help,
        .example = "  airs events -f\n  airs events --since 120 --json\n",
        .options = options,
        .options_size = 2,
        .target = &target,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;
    struct printer printer = { .style = style_of(STDOUT_FILENO), .json = json };
    if (since && !cli_number(since, INT64_MAX, &printer.last_seq))
        return cli_wrong_use("events", "--since '%s' is no number of an event", since);
    printer.has_seq = since != NULL;

    struct session session;
    exit_code = session_open(&session, "events", &target, NULL);
    if (exit_code == CLI_DONE)
        exit_code = print_events(&session, &printer, follow);
    session_close(&session);
    return exit_code;
}
