/* View: see view.h.
 *
 * The thread reads the event stream. For lines, each event is printed, and the stream is not
 * read while the last ones have not been taken. For the tree, an event says that something
 * changed: the children are asked for anew, at most a few times a second, and the whole
 * picture is drawn over the last one; while nothing happens it is drawn once a second from
 * what is known, so that times go on.
 */
#include "cli/view.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/stream.h"
#include "cli/event_line.h"
#include "cli/ndjson.h"
#include "cli/notes.h"
#include "cli/screen.h"
#include "cli/view_tree.h"

#define RECENT_MAX 40

/* Lines taken in a row before the output and the notes are looked at. */
#define LINES_AT_ONCE_MAX 64

/* The picture changes at most this often, and at least this often. */
#define DRAW_BUSY_US (100 * US_PER_MS)
#define DRAW_QUIET_US (1000 * US_PER_MS)

/* Asking for the children takes at most this part of the time: 1 / FETCH_SHARE. */
#define FETCH_SHARE 10
#define FETCH_TIMEOUT_MS 500

/* After the end: how long the rest of the stream, and a reader of ours, are waited for. */
#define REST_OF_STREAM_US (500 * US_PER_MS)
#define UNREAD_MS 500

struct view {
    char *name;                     /* Constant. */
    char *socket;
    bool json;
    struct style style;
    int wake_fd;                    /* An eventfd: notes have come, or `ending` is set. */
    pthread_t thread;

    atomic_bool ending;             /* Set before wake_fd is written. */
    struct notes notes;             /* Any thread's. */

    /* The view thread's. */
    struct client *client;
    struct client_stream *stream;   /* Sent by view_start(), so that no event is missed. */
    struct writer out;              /* stdout */
    struct writer err;              /* stderr */
    char *note;                     /* The latest. */
    uint64_t last_seq;
    unsigned lines_at_once;         /* Taken since the last look at anything else. */
    bool stopped;                   /* application-stopped was seen. */
    uint64_t ending_since_us;       /* 0: not ending. */
    uint64_t started_us;

    struct screen screen;
    json_t *children;               /* Kept for the texts of `rows`. */
    struct child_row *rows;
    size_t size;
    uint64_t fetched_us;
    json_t *recent[RECENT_MAX];     /* Oldest first. */
    size_t recent_size;
    bool changed;                   /* Since the children were fetched. */
    uint64_t next_fetch_us;
    uint64_t drawn_us;
};

void
view_note(struct view *view, const char *line)
{
    notes_push(&view->notes, line);
    eventfd_write(view->wake_fd, 1);
}

static void
take_wake(struct view *view)
{
    eventfd_t count;
    eventfd_read(view->wake_fd, &count);
    if (atomic_load(&view->ending) && view->ending_since_us == 0)
        view->ending_since_us = clock_now_us();
}

/* The end was asked for long ago: nothing is waited for any more. */
static bool
is_late(const struct view *view)
{
    return view->ending_since_us && clock_now_us() > view->ending_since_us + REST_OF_STREAM_US;
}

/* The stream */

static struct client_stream *
open_stream(struct view *view)
{
    struct client_stream *stream = NULL;
    char target[80];
    size_t size = (size_t)snprintf(target, sizeof target, "/v1/events?follow=1");
    if (view->last_seq > 0)
        snprintf(target + size, sizeof target - size, "&since=%" PRIu64, view->last_seq);
    client_stream_new(view->client, target, &stream, NULL);
    return stream;
}

/* Reads one event's numbers; NULL when the line is none. The caller decrefs. */
static json_t *
take_event(struct view *view, const char *line, size_t size)
{
    json_t *event = json_loadb(line, size, 0, NULL);
    const char *name = json_text(event, "event");
    if (!name) {
        json_decref(event);
        return NULL;
    }
    view->last_seq = (uint64_t)json_number_or(event, "seq", (double)view->last_seq);
    view->stopped = strcmp(name, "application-stopped") == 0;
    return event;
}

/* The next line, if one is at hand or comes soon. `between` is called before waiting, and now
 * and then in a flood of lines; it says how long to wait. */
static enum client_next
next_line(struct view *view, struct client_stream *stream, int (*between)(struct view *),
          const char **line_out, size_t *size_out)
{
    struct airs_error error = { 0 };
    if (view->lines_at_once++ < LINES_AT_ONCE_MAX) {
        enum client_next next =
            client_stream_next(stream, 0, -1, line_out, size_out, &error);
        if (next != CLIENT_TIMEOUT && next != CLIENT_FAILED)
            return next;
    }
    view->lines_at_once = 0;
    int wait_ms = between(view);
    enum client_next next =
        client_stream_next(stream, wait_ms, view->wake_fd, line_out, size_out, &error);
    /* What we have not seen may have been forgotten: go on with what is kept. */
    if (next == CLIENT_FAILED && error.status == AIRS_ELIMIT && view->last_seq > 0) {
        view->last_seq = 0;
        next = CLIENT_END;
    }
    if (next == CLIENT_FAILED || error.status == AIRS_ELIMIT)
        notes_push(&view->notes, error.message);
    return next;
}

/* Takes each line of the stream until it has ended for good. */
static void
run_stream(struct view *view, void (*take_line)(struct view *, const char *, size_t),
           int (*between)(struct view *))
{
    struct client_stream *stream = view->stream;
    uint64_t opened_at_seq = view->last_seq;
    view->stream = NULL;
    while (stream && !is_late(view)) {
        const char *line;
        size_t size;
        enum client_next next = next_line(view, stream, between, &line, &size);
        bool nothing_came = view->last_seq == opened_at_seq;
        switch (next) {
        case CLIENT_LINE:
            take_line(view, line, size);
            break;
        case CLIENT_TIMEOUT:
            break;
        case CLIENT_WOKEN:
            take_wake(view);
            break;
        case CLIENT_END:
            /* Disconnected because we were slow: go on behind what we have. */
            client_stream_free(stream);
            stream = view->stopped || nothing_came ? NULL : open_stream(view);
            opened_at_seq = view->last_seq;
            break;
        case CLIENT_FAILED:
            client_stream_free(stream);
            stream = NULL;
            break;
        }
    }
    client_stream_free(stream);
}

/* Lines */

static void
print_line(struct view *view, const char *line, size_t size)
{
    struct buffer *out = &view->out.pending;
    json_t *event = take_event(view, line, size);
    if (view->json)
        buffer_append(out, line, size);
    else if (event)
        event_line_put(out, &view->style, event, 0);
    buffer_append_text(out, "\n");
    json_decref(event);
}

/* Waits here while nobody takes what is written, so that the stream is not read ahead of it. */
static int
write_lines(struct view *view)
{
    for (;;) {
        notes_take(&view->notes, &view->err.pending, NULL);
        writer_flush(&view->err);
        if (writer_flush(&view->out) || is_late(view))
            return view->ending_since_us ? 100 : -1;
        struct pollfd files[] = { { .fd = view->out.fd, .events = POLLOUT },
                                  { .fd = view->wake_fd, .events = POLLIN } };
        poll(files, 2, view->ending_since_us ? 100 : -1);
        if (files[1].revents)
            take_wake(view);
    }
}

static void
run_lines(struct view *view)
{
    run_stream(view, print_line, write_lines);
    writer_drain(&view->out, UNREAD_MS);
}

/* Tree */

static void
note_event(struct view *view, const char *line, size_t size)
{
    json_t *event = take_event(view, line, size);
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
    json_t *children = NULL;
    if (client_get(view->client, "/v1/children", FETCH_TIMEOUT_MS, &reply, NULL) == AIRS_OK)
        children = ndjson_read(&reply.body);
    client_reply_deinit(&reply);
    size_t size = 0;
    struct child_row *rows = children ? child_rows_read(children, &size) : NULL;
    uint64_t now_us = clock_now_us();
    view->next_fetch_us = now_us + (now_us - began_us) * FETCH_SHARE;
    view->changed = false;
    if (!rows) {
        json_decref(children);
        return;
    }
    free(view->rows);
    json_decref(view->children);
    view->children = children;
    view->rows = rows;
    view->size = size;
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
        .name = view->name, .up_ms = (now_us - view->started_us) / US_PER_MS,
        .rows = view->rows, .size = view->size,
        .age_ms = (double)(now_us - view->fetched_us) / (double)US_PER_MS,
        .recent = view->recent, .recent_size = view->recent_size, .note = view->note,
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
    for (size_t i = 0; i < view->size; i++)
        restarts += view->rows[i].restarts;
    buffer_printf(out, "%s: up %s, %zu children, %.0f restarts", view->name, up, view->size,
                  restarts);
    const char *separator = "; failed: ";
    for (size_t i = 0; i < view->size; i++) {
        if (strcmp(view->rows[i].state, "failed") == 0) {
            buffer_printf(out, "%s%s", separator, view->rows[i].path);
            separator = ", ";
        }
    }
    buffer_append_text(out, "\n");
}

static void
run_tree(struct view *view)
{
    screen_enter(&view->screen, &view->out);
    run_stream(view, note_event, draw_when_due);
    /* A terminal that does not take a few bytes is not read at all. */
    if (!screen_leave(&view->screen, UNREAD_MS))
        return;
    say_farewell(view);
    writer_drain(&view->out, UNREAD_MS);
}

/* Life */

static void *
run(void *context)
{
    struct view *view = context;
    if (!view->json && screen_is_ours(STDOUT_FILENO))
        run_tree(view);
    else
        run_lines(view);
    return NULL;
}

static void
view_free(struct view *view)
{
    if (!view)
        return;
    client_stream_free(view->stream);
    client_free(view->client);
    writer_deinit(&view->out);
    writer_deinit(&view->err);
    for (size_t i = 0; i < view->recent_size; i++)
        json_decref(view->recent[i]);
    free(view->rows);
    json_decref(view->children);
    if (view->wake_fd >= 0)
        close(view->wake_fd);
    notes_deinit(&view->notes);
    free(view->note);
    free(view->name);
    free(view->socket);
    free(view);
}

enum airs_status
view_start(const char *name, const char *socket, bool json, struct view **view_out,
           struct airs_error *error)
{
    assert(name && socket && view_out);

    struct view *view = calloc(1, sizeof *view);
    if (!view)
        return fail(error, AIRS_ENOMEM, "out of memory");
    notes_init(&view->notes);
    atomic_init(&view->ending, false);
    writer_init(&view->out, STDOUT_FILENO);
    writer_init(&view->err, STDERR_FILENO);
    view->json = json;
    view->style = style_of(STDOUT_FILENO);
    view->started_us = clock_now_us();
    view->name = strdup(name);
    view->socket = strdup(socket);
    view->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum airs_status status = AIRS_OK;
    if (!view->name || !view->socket || view->wake_fd < 0)
        status = fail(error, AIRS_ENOMEM, "out of memory");
    if (status == AIRS_OK)
        status = client_new(socket, &view->client, error);
    if (status == AIRS_OK && !(view->stream = open_stream(view)))
        status = fail(error, AIRS_ENOMEM, "out of memory");
    if (status == AIRS_OK)
        client_stream_send(view->stream);
    if (status == AIRS_OK && pthread_create(&view->thread, NULL, run, view) != 0)
        status = fail(error, AIRS_EIO, "cannot start a thread");
    if (status != AIRS_OK) {
        view_free(view);
        return status;
    }
    *view_out = view;
    return AIRS_OK;
}

void
view_stop(struct view *view)
{
    if (!view)
        return;
    atomic_store(&view->ending, true);
    eventfd_write(view->wake_fd, 1);
    pthread_join(view->thread, NULL);
    notes_take(&view->notes, &view->err.pending, NULL);
    writer_drain(&view->err, UNREAD_MS);
    view_free(view);
}
