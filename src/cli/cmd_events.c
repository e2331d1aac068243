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
#include "cli/client_verb.h"
#include "cli/event_line.h"
#include "cli/follow.h"
#include "cli/ndjson.h"

struct printer {
    const char *since; /* As the user gave it, or NULL. */
    bool follow;
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
        follow_print(line, size);
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
check(struct session *session, void *context)
{
    struct printer *printer = context;
    printer->json = session->json;
    printer->has_seq = printer->since != NULL;
    if (printer->since && !cli_number(printer->since, INT64_MAX, &printer->last_seq))
        return cli_wrong_use("events", "--since '%s' is no number of an event", printer->since);
    return CLI_DONE;
}

static int
ask(struct session *session, void *context)
{
    struct printer *printer = context;
    for (;;) {
        uint64_t since = printer->last_seq;
        char target[80];
        size_t size =
            (size_t)snprintf(target, sizeof target, "/v1/events?follow=%d", printer->follow);
        if (printer->has_seq)
            snprintf(target + size, sizeof target - size, "&since=%" PRIu64, since);
        int exit_code = follow_stream(session, target, print_event, printer);
        if (exit_code != CLI_DONE || !printer->follow || printer->stopped || ferror(stdout))
            return exit_code;
        if (printer->last_seq == since)
            return cli_fail("events", CLI_FAILED, "the application ended the stream");
    }
}

int
cmd_events(int argc, char **argv)
{
    struct printer printer = { .style = style_of(STDOUT_FILENO) };
    const struct cli_option options[] = {
        { .name = "follow",
          .letter = 'f',
          .flag_out = &printer.follow,
          .help = "go on as they happen, until the application ends" },
        { .name = "since",
          .value = "SEQ",
          .text_out = &printer.since,
          .help = "only those after number SEQ (all that are kept)" },
    };
    static const char help[] =
        "Prints what happened to the children: starts, exits, restarts and their delays. Times\n"
        "are UTC.\n";
    const struct client_verb verb = {
        .command = { .verb = "events",
                     .operands = "",
                     .help = help,
                     .example = "  airs events -f\n  airs events --since 120 --json\n",
                     .options = options,
                     .options_size = 2 },
        .check = check,
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &printer);
}
