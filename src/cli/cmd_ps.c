/* airs ps: the tree of children, one row each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/child_row.h"
#include "cli/cli_verbs.h"
#include "cli/client_verb.h"

#define STATE_COLUMNS 10 /* "restarting" */
#define FIXED_COLUMNS 52 /* What stands between a name and a note. */
#define NOTE_COLUMNS_MAX 200

/* A terminal's lines are not wrapped. */
static size_t
note_columns(const struct style *style, size_t name_columns)
{
    struct winsize size = { 0 };
    if (!style->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return NOTE_COLUMNS_MAX;
    size_t used = name_columns + FIXED_COLUMNS;
    return size.ws_col > used ? size.ws_col - used : 0;
}

static void
put_row(struct buffer *buffer, const struct style *style, const struct child_row *row,
        const char *name, size_t name_columns)
{
    char uptime[32] = "-";
    if (row->uptime_ms >= 0)
        text_duration(uptime, sizeof uptime, (uint64_t)row->uptime_ms);
    struct buffer note;
    buffer_init(&note, 0);
    child_row_note(&note, row, 0);

    text_pad(buffer, style, name, name_columns);
    buffer_append_text(buffer, "  ");
    text_paint(buffer, style, paint_of_state(row->state));
    text_pad(buffer, style, row->state, STATE_COLUMNS);
    text_unpaint(buffer, style, paint_of_state(row->state));
    buffer_printf(buffer, "  %3.0f  %8.0f  %-11s  %8s", row->generation, row->restarts,
                  row->budget ? row->budget : "-", uptime);
    if (note.size) {
        buffer_append_text(buffer, "  ");
        text_put(buffer, style, note.data, note_columns(style, name_columns));
    }
    buffer_append_text(buffer, "\n");
    buffer_deinit(&note);
}

static void
put_table(struct buffer *buffer, const struct style *style, const struct child_row *rows,
          size_t size)
{
    struct buffer *names = calloc(size + 1, sizeof *names);
    if (!names)
        return;
    size_t widest = 5;
    for (size_t i = 0; i < size; i++) {
        buffer_init(&names[i], 0);
        child_row_name(&names[i], style, rows, size, i);
        size_t columns = names[i].data ? text_columns(style, names[i].data) : 0;
        widest = columns > widest ? columns : widest;
    }
    text_paint(buffer, style, PAINT_BOLD);
    text_pad(buffer, style, "CHILD", widest);
    buffer_append_text(buffer, "  STATE       GEN  RESTARTS  BUDGET         UPTIME  NOTE");
    text_unpaint(buffer, style, PAINT_BOLD);
    buffer_append_text(buffer, "\n");
    for (size_t i = 0; i < size; i++) {
        put_row(buffer, style, &rows[i], names[i].data ? names[i].data : "", widest);
        buffer_deinit(&names[i]);
    }
    free(names);
}

static int
print_tree(const struct buffer *body)
{
    struct style style = style_of(STDOUT_FILENO);
    struct child_list children;
    if (!child_list_read(&children, body))
        return cli_fail("ps", CLI_FAILED, "out of memory");
    struct buffer buffer;
    buffer_init(&buffer, 0);
    put_table(&buffer, &style, children.rows, children.size);
    text_flush(&buffer, stdout);
    buffer_deinit(&buffer);
    child_list_deinit(&children);
    return CLI_DONE;
}

static int
ask(struct session *session, void *context)
{
    (void)context;
    int exit_code = session_get(session, "/v1/children", "");
    if (exit_code != CLI_DONE)
        return exit_code;
    session_print_json(session);
    return session->json ? CLI_DONE : print_tree(&session->reply.body);
}

int
cmd_ps(int argc, char **argv)
{
    static const char help[] =
        "Shows every child of a running application: its state, generation, restarts, used and\n"
        "allowed budget, how long it has been up, and what comes next.\n";
    const struct client_verb verb = {
        .command = { .verb = "ps",
                     .operands = "",
                     .help = help,
                     .example = "  airs ps --app shop\n"
                                "  airs ps --json | jq -r 'select(.state==\"failed\").path'\n" },
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, NULL);
}
