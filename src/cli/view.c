/* View: see view.h. Its thread, and how it reads the event stream; what it shows is in
 * view_lines.c and view_live.c.
 */
#include "cli/view.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/ndjson.h"
#include "cli/view_internal.h"

/* Lines taken in a row before the output and the notes are looked at. */
#define LINES_AT_ONCE_MAX 64

void
view_note(struct view *view, const char *line)
{
    notes_push(&view->notes, line);
    eventfd_write(view->wake_fd, 1);
}

void
view_take_wake(struct view *view)
{
    eventfd_t count;
    eventfd_read(view->wake_fd, &count);
    if (atomic_load(&view->ending) && view->ending_since_us == 0)
        view->ending_since_us = clock_now_us();
}

bool
view_is_late(const struct view *view)
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

json_t *
view_take_event(struct view *view, const char *line, size_t size)
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
        enum client_next next = client_stream_next(stream, 0, -1, line_out, size_out, &error);
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

void
view_run_stream(struct view *view, void (*take_line)(struct view *, const char *, size_t),
                int (*between)(struct view *))
{
    struct client_stream *stream = view->stream;
    uint64_t opened_at_seq = view->last_seq;
    view->stream = NULL;
    while (stream && !view_is_late(view)) {
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
            view_take_wake(view);
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

/* Life */

static void *
run(void *context)
{
    struct view *view = context;
    if (!view->json && screen_is_ours(STDOUT_FILENO))
        view_run_tree(view);
    else
        view_run_lines(view);
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
    child_list_deinit(&view->children);
    if (view->wake_fd >= 0)
        close(view->wake_fd);
    notes_deinit(&view->notes);
    free(view->note);
    free(view->name);
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
    view->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum airs_status status = AIRS_OK;
    if (!view->name || view->wake_fd < 0)
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

bool
view_stop(struct view *view)
{
    if (!view)
        return true;
    atomic_store(&view->ending, true);
    eventfd_write(view->wake_fd, 1);
    pthread_join(view->thread, NULL);
    notes_take(&view->notes, &view->err.pending, NULL);
    /* A reader that went away wants no more; a full disk is another matter. */
    int error = view->out.error;
    bool is_whole = error != ENOSPC && error != EDQUOT && error != EFBIG;
    if (!is_whole)
        buffer_printf(&view->err.pending, "airs: cannot write to standard output: %s\n",
                      strerror(error));
    writer_drain(&view->err, UNREAD_MS);
    view_free(view);
    return is_whole;
}
