/* View tree: see view_tree.h.
 *
 * When all children fit they are a tree; otherwise a list of paths, since a tree with holes
 * says nothing about who belongs to whom.
 */
#include "cli/view_tree.h"

#include <stdlib.h>
#include <string.h>

#include "cli/event_line.h"

#define STATES 7
#define STATE_COLUMNS 10  /* "restarting" */
#define RESTART_COLUMNS 8 /* "restarts" */
#define UPTIME_COLUMNS 7
#define NAME_COLUMNS_MIN 8
#define WIDE_COLUMNS 60 /* From here on there is room for uptime and note. */

/* In the order in which a header names them; where it is narrow, under fewer names. */
static const struct {
    const char *state;
    const char *brief;
} states[STATES] = {
    { "running", "run" },     { "starting", "busy" }, { "restarting", "busy" },
    { "registered", "busy" }, { "stopping", "busy" }, { "stopped", "stop" },
    { "failed", "FAIL" },
};

/* Lines for each part. */
struct layout {
    size_t rows; /* Of children, or of children and the line that counts the rest. */
    size_t recent;
    bool note;
    bool gap; /* An empty line before the events. */
};

static struct layout
lay_out(const struct view_model *model, size_t lines)
{
    struct layout layout = { .note = model->note && lines >= 6, .gap = lines >= 20 };
    layout.recent = lines >= 20 ? 5 : lines >= 12 ? 3 : lines >= 5 ? 1 : 0;
    size_t taken = 2 + layout.recent + layout.note + layout.gap;
    layout.rows = lines > taken ? lines - taken : 0;
    /* What the children leave is for more events. */
    if (layout.rows > model->size) {
        layout.recent += layout.rows - model->size;
        layout.rows = model->size;
    }
    if (layout.recent > model->recent_size)
        layout.recent = model->recent_size;
    return layout;
}

static bool
is_in(const struct child_row *row, size_t state)
{
    return strcmp(row->state, states[state].state) == 0;
}

#define FAILED 6

/* Children in a state; supervisors only count where they are the failed ones themselves. */
static size_t
count_state(const struct child_row *rows, size_t size, const bool *hidden, size_t state)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        bool supervisor = rows[i].kind && strcmp(rows[i].kind, "supervisor") == 0;
        if ((!hidden || hidden[i]) && is_in(&rows[i], state) && (!supervisor || state == FAILED))
            count++;
    }
    return count;
}

static void
put_counts(struct buffer *text, const struct view_model *model, const bool *hidden, bool brief)
{
    size_t count = 0;
    for (size_t state = 0; state < STATES; state++) {
        count += count_state(model->rows, model->size, hidden, state);
        bool goes_on = brief && state + 1 < STATES &&
                       strcmp(states[state].brief, states[state + 1].brief) == 0;
        if (count == 0 || goes_on)
            continue;
        buffer_printf(text, "  %zu %s", count, brief ? states[state].brief : states[state].state);
        count = 0;
    }
}

static double
count_restarts(const struct view_model *model)
{
    double restarts = 0;
    for (size_t i = 0; i < model->size; i++)
        restarts += model->rows[i].restarts;
    return restarts;
}

static void
put_header(struct buffer *buffer, const struct style *style, const struct view_model *model,
           size_t columns)
{
    char up[32];
    text_duration(up, sizeof up, model->up_ms);
    struct buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text, "%s  %s %s", model->name, model->size ? "up" : "starting", up);
    put_counts(&text, model, NULL, false);
    buffer_printf(&text, "  %.0f restarts", count_restarts(model));
    if (text.data && text_columns(style, text.data) > columns) {
        buffer_consume(&text, text.size);
        buffer_printf(&text, "%.*s %s", 16, model->name, up);
        put_counts(&text, model, NULL, true);
        buffer_printf(&text, "  %.0f re", count_restarts(model));
    }
    text_paint(buffer, style, PAINT_BOLD);
    text_put(buffer, style, text.data ? text.data : "", columns);
    text_unpaint(buffer, style, PAINT_BOLD);
    buffer_append_text(buffer, "\n");
    buffer_deinit(&text);
}

/* Which rows are left out so that `room` lines do: never a failed one before any other. */
static size_t
choose_hidden(const struct view_model *model, bool *hidden, size_t room)
{
    if (model->size <= room)
        return 0;
    size_t keep = room > 0 ? room - 1 : 0;
    size_t failed = 0;
    for (size_t i = 0; i < model->size; i++)
        failed += is_in(&model->rows[i], FAILED);
    size_t others = keep > failed ? keep - failed : 0;
    size_t kept = 0;
    for (size_t i = 0; i < model->size; i++) {
        bool is_failed = is_in(&model->rows[i], FAILED);
        hidden[i] = kept == keep || (!is_failed && others == 0);
        kept += !hidden[i];
        others -= !hidden[i] && !is_failed;
    }
    return model->size - kept;
}

/* The name column: what the widest name needs, as far as the other columns leave room. */
static size_t
name_columns(struct buffer *names, const bool *hidden, size_t size, const struct style *style,
             size_t columns)
{
    size_t others = STATE_COLUMNS + 1 + RESTART_COLUMNS + 2;
    size_t most = columns > others + NAME_COLUMNS_MIN ? columns - others : NAME_COLUMNS_MIN;
    if (columns >= WIDE_COLUMNS && most > columns / 2)
        most = columns / 2;
    size_t widest = NAME_COLUMNS_MIN;
    for (size_t i = 0; i < size; i++) {
        size_t width = hidden[i] || !names[i].data ? 0 : text_columns(style, names[i].data);
        widest = width > widest ? width : widest;
    }
    return widest < most ? widest : most;
}

static void
put_row(struct buffer *buffer, const struct style *style, const struct view_model *model,
        const struct child_row *row, const char *name, size_t width, size_t columns)
{
    char restarts[32];
    char uptime[32] = "";
    snprintf(restarts, sizeof restarts, "%8.0f", row->restarts);
    if (row->uptime_ms >= 0)
        text_duration(uptime, sizeof uptime, (uint64_t)(row->uptime_ms + model->age_ms));
    struct buffer note;
    buffer_init(&note, 0);
    child_row_note(&note, row, model->age_ms);

    text_pad(buffer, style, name, width);
    buffer_append_text(buffer, " ");
    text_paint(buffer, style, paint_of_state(row->state));
    text_pad(buffer, style, row->state, STATE_COLUMNS);
    text_unpaint(buffer, style, paint_of_state(row->state));
    buffer_append_text(buffer, " ");
    text_put(buffer, style, restarts, RESTART_COLUMNS);
    size_t used = width + 1 + STATE_COLUMNS + 1 + RESTART_COLUMNS;
    if (columns >= WIDE_COLUMNS) {
        buffer_printf(buffer, " %*s  ", UPTIME_COLUMNS, uptime);
        used += 1 + UPTIME_COLUMNS + 2;
        text_put(buffer, style, note.data ? note.data : "", columns - used);
    }
    buffer_append_text(buffer, "\n");
    buffer_deinit(&note);
}

static void
put_titles(struct buffer *buffer, const struct style *style, size_t width, size_t columns)
{
    struct buffer text;
    buffer_init(&text, 0);
    text_pad(&text, style, "CHILD", width);
    buffer_append_text(&text, " STATE      RESTARTS");
    if (columns >= WIDE_COLUMNS)
        buffer_append_text(&text, "      UP  NOTE");
    text_paint(buffer, style, PAINT_DIM);
    text_put(buffer, style, text.data ? text.data : "", columns);
    text_unpaint(buffer, style, PAINT_DIM);
    buffer_append_text(buffer, "\n");
    buffer_deinit(&text);
}

static void
put_more(struct buffer *buffer, const struct style *style, const struct view_model *model,
         const bool *hidden, size_t count, size_t columns)
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text, "%s %zu more:", style->utf8 ? "…" : "...", count);
    put_counts(&text, model, hidden, columns < WIDE_COLUMNS);
    text_put(buffer, style, text.data ? text.data : "", columns);
    buffer_append_text(buffer, "\n");
    buffer_deinit(&text);
}

static void
put_children(struct buffer *buffer, const struct style *style, const struct view_model *model,
             size_t room, size_t columns)
{
    bool *hidden = calloc(model->size + 1, sizeof *hidden);
    struct buffer *names = calloc(model->size + 1, sizeof *names);
    if (!hidden || !names) {
        free(hidden);
        free(names);
        return;
    }
    size_t left_out = choose_hidden(model, hidden, room);
    struct style name_style = *style;
    name_style.terminal = left_out == 0;
    for (size_t i = 0; i < model->size; i++) {
        buffer_init(&names[i], 0);
        if (!hidden[i])
            child_row_name(&names[i], &name_style, model->rows, model->size, i);
    }
    size_t width = name_columns(names, hidden, model->size, style, columns);
    put_titles(buffer, style, width, columns);
    for (size_t i = 0; i < model->size; i++) {
        if (!hidden[i] && names[i].data)
            put_row(buffer, style, model, &model->rows[i], names[i].data, width, columns);
        buffer_deinit(&names[i]);
    }
    if (left_out > 0 && room > 0)
        put_more(buffer, style, model, hidden, left_out, columns);
    free(hidden);
    free(names);
}

static void
put_recent(struct buffer *buffer, const struct style *style, const struct view_model *model,
           const struct layout *layout, size_t columns)
{
    if (layout->gap)
        buffer_append_text(buffer, "\n");
    if (layout->note) {
        text_put(buffer, style, model->note, columns);
        buffer_append_text(buffer, "\n");
    }
    for (size_t i = model->recent_size - layout->recent; i < model->recent_size; i++) {
        event_line_put(buffer, style, model->recent[i], columns);
        buffer_append_text(buffer, "\n");
    }
}

void
view_tree_put(struct buffer *buffer, const struct style *style, const struct view_model *model,
              unsigned lines, unsigned columns)
{
    struct layout layout = lay_out(model, lines);
    put_header(buffer, style, model, columns);
    if (lines < 2)
        return;
    put_children(buffer, style, model, layout.rows, columns);
    put_recent(buffer, style, model, &layout, columns);
}
