/* View of a terminal: an event says that something changed.
 *
 * The children are then asked for anew, at most a few times a second, and the whole picture is
 * drawn over the last one; while nothing happens it is drawn once a second from what is known,
 * so that times go on.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/ndjson.h"
#include "cli/view_internal.h"

/* The picture changes at most this often, and at least this often. */
#define DRAW_BUSY_US (100 * US_PER_MS)
#define DRAW_QUIET_US (1000 * US_PER_MS)

/* Asking for the children takes at most this part of the time: 1 / FETCH_SHARE. */
#define FETCH_SHARE 10
#define FETCH_TIMEOUT_MS 500

static void
note_event(struct view *view, const char *line, size_t size)
{
    json_t *event = view_take_event(view, line, size);
    if (!event)
        return;
    if (view->recent_size == RECENT_MAX) {
        json_decref(view->recent[0]);
        view->recent_size--;
        memmove(view->recent, view->recent + 1, view->recent_size * sizeof *view->recent);
    }
    view->recent[view->recent_size++] = event;
    view->changed = true;
}

static void
fetch_children(struct view *view)
{
    uint64_t began_us = clock_now_us();
    struct client_reply reply;
    client_reply_init(&reply);
    struct child_list children = { 0 };
    bool done =
        client_get(view->client, "/v1/children", FETCH_TIMEOUT_MS, &reply, NULL) == AIRS_OK &&
        child_list_read(&children, &reply.body);
    client_reply_deinit(&reply);
    uint64_t now_us = clock_now_us();
    view->next_fetch_us = now_us + (now_us - began_us) * FETCH_SHARE;
    view->changed = false;
    if (!done)
        return;
    child_list_deinit(&view->children);
    view->children = children;
    view->fetched_us = now_us;
}

static void
draw(struct view *view)
{
    uint64_t now_us = clock_now_us();
    unsigned lines;
    unsigned columns;
    screen_size(&view->screen, &lines, &columns);
    struct view_model model = {
        .name = view->name,
        .up_ms = (now_us - view->started_us) / US_PER_MS,
        .rows = view->children.rows,
        .size = view->children.size,
        .age_ms = (double)(now_us - view->fetched_us) / (double)US_PER_MS,
        .recent = view->recent,
        .recent_size = view->recent_size,
        .note = view->note,
    };
    struct buffer text;
    buffer_init(&text, 0);
    view_tree_put(&text, &view->style, &model, lines, columns);
    screen_draw(&view->screen, &text);
    buffer_deinit(&text);
}

/* Draws when it is time to; how long until the next picture. */
static int
draw_when_due(struct view *view)
{
    /* The screen shows the latest one; stderr gets them once it is free of the picture. */
    notes_take(&view->notes, &view->err.pending, &view->note);
    uint64_t now_us = clock_now_us();
    uint64_t due_us = view->drawn_us + (view->changed ? DRAW_BUSY_US : DRAW_QUIET_US);
    /* The last picture must be taken before the next one is worth its bytes. */
    if (now_us >= due_us && writer_flush(&view->out)) {
        if (view->changed && now_us >= view->next_fetch_us)
            fetch_children(view);
        draw(view);
        view->drawn_us = clock_now_us();
    }
    return (int)((view->changed || view->ending_since_us ? DRAW_BUSY_US : DRAW_QUIET_US) /
                 US_PER_MS);
}

static void
say_farewell(struct view *view)
{
    double restarts = 0;
    struct buffer *out = &view->out.pending;
    char up[32];
    text_duration(up, sizeof up, (clock_now_us() - view->started_us) / US_PER_MS);
    for (size_t i = 0; i < view->children.size; i++)
        restarts += view->children.rows[i].restarts;
    buffer_printf(out, "%s: up %s, %zu children, %.0f restarts", view->name, up,
                  view->children.size, restarts);
    const char *separator = "; failed: ";
    for (size_t i = 0; i < view->children.size; i++) {
        if (strcmp(view->children.rows[i].state, "failed") == 0) {
            buffer_printf(out, "%s%s", separator, view->children.rows[i].path);
            separator = ", ";
        }
    }
    buffer_append_text(out, "\n");
}

void
view_run_tree(struct view *view)
{
    screen_enter(&view->screen, &view->out);
    view_run_stream(view, note_event, draw_when_due);
    /* A terminal that does not take a few bytes is not read at all. */
    if (!screen_leave(&view->screen, UNREAD_MS))
        return;
    say_farewell(view);
    writer_drain(&view->out, UNREAD_MS);
}
