/* View of lines: each event is printed; the stream is not read while the last ones have not been
 * taken.
 */
#include <poll.h>

#include "cli/event_line.h"
#include "cli/view_internal.h"

static void
print_line(struct view *view, const char *line, size_t size)
{
    struct buffer *out = &view->out.pending;
    json_t *event = view_take_event(view, line, size);
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
        if (writer_flush(&view->out) || view_is_late(view))
            return view->ending_since_us ? 100 : -1;
        struct pollfd files[] = { { .fd = view->out.fd, .events = POLLOUT },
                                  { .fd = view->wake_fd, .events = POLLIN } };
        poll(files, 2, view->ending_since_us ? 100 : -1);
        if (files[1].revents)
            view_take_wake(view);
    }
}

void
view_run_lines(struct view *view)
{
    view_run_stream(view, print_line, write_lines);
    writer_drain(&view->out, UNREAD_MS);
}
