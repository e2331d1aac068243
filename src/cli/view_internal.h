/* What the parts of the view share: the thread's state, and how it reads the event stream. */
#ifndef CLI_VIEW_INTERNAL_H
#define CLI_VIEW_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "client/stream.h"
#include "cli/notes.h"
#include "cli/screen.h"
#include "cli/view.h"
#include "cli/view_tree.h"

/* Events kept for the picture. */
#define RECENT_MAX 40

/* After the end: how long the rest of the stream, and a reader of ours, are waited for. */
#define REST_OF_STREAM_US (500 * US_PER_MS)
#define UNREAD_MS 500

struct view {
    char *name; /* Constant. */
    bool json;
    struct style style;
    int wake_fd; /* An eventfd: notes have come, or `ending` is set. */
    pthread_t thread;

    atomic_bool ending; /* Set before wake_fd is written. */
    struct notes notes; /* Any thread's. */

    /* The view thread's. */
    struct client *client;
    struct client_stream *stream; /* Sent by view_start(), so that no event is missed. */
    struct writer out;            /* stdout */
    struct writer err;            /* stderr */
    char *note;                   /* The latest. */
    uint64_t last_seq;
    unsigned lines_at_once;   /* Taken since the last look at anything else. */
    bool stopped;             /* application-stopped was seen. */
    uint64_t ending_since_us; /* 0: not ending. */
    uint64_t started_us;

    struct screen screen;
    struct child_list children;
    uint64_t fetched_us;
    json_t *recent[RECENT_MAX]; /* Oldest first. */
    size_t recent_size;
    bool changed; /* Since the children were fetched. */
    uint64_t next_fetch_us;
    uint64_t drawn_us;
};

/** Clears wake_fd, and learns from it whether the end was asked for. */
void view_take_wake(struct view *view);

/** The end was asked for long ago: nothing is waited for any more. */
bool view_is_late(const struct view *view);

/** Reads one event's numbers; NULL when the line is none. The caller decrefs. */
json_t *view_take_event(struct view *view, const char *line, size_t size);

/**
 * Gives each line of the stream to `take_line` until it has ended for good. `between` is called
 * before waiting, and now and then in a flood of lines; it says how long to wait, in ms.
 */
void view_run_stream(struct view *view, void (*take_line)(struct view *, const char *, size_t),
                     int (*between)(struct view *));

/** Shows events as lines, or draws the tree, until the stream has ended. */
void view_run_lines(struct view *view);
void view_run_tree(struct view *view);

#endif
