/* History: every event is in the journal before anybody sees it, and a grant before its start. What the last run left is
 * read before this one begins; the newest of its events go into the ring, so that a reader
 * who was cut off with it goes on behind the last one that he has.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/list.h"
#include "daemon/daemon_internal.h"
#include "daemon/event_ring.h"

#define EVENTS_RELOADED_MAX 1024u /* Events of earlier runs that `events --since` still finds. */

/* ---- Complaints ---- */

static void
on_complaint(void *context, const char *text)
{
    struct daemon *daemon = context;
    pthread_mutex_lock(&daemon->complaints_lock);
    buffer_printf(&daemon->complaints, "%s\n", text);
    pthread_mutex_unlock(&daemon->complaints_lock);
    daemon_wake_with(daemon, &daemon->has_complaints);
}

void
daemon_history_tell(struct daemon *daemon)
{
    pthread_mutex_lock(&daemon->complaints_lock);
    char *text = buffer_take(&daemon->complaints, NULL);
    pthread_mutex_unlock(&daemon->complaints_lock);
    for (char *rest = text, *line; rest && (line = strsep(&rest, "\n")) != NULL;)
        if (*line)
            daemon_report(daemon, line);
    free(text);
}

/* ---- From the application ---- */

void
daemon_history_append(void *context, const struct airs_event *event)
{
    struct daemon *daemon = context;
    if (strcmp(event->event, "deleted") == 0)
        additions_forget(daemon->additions, event->path);
    else if (strcmp(event->event, "application-started") == 0)
        additions_begin(daemon->additions); /* All of the last run has been taken over. */
    store_add(daemon->store, event);
    event_ring_stage(daemon->events, event);
}

void
daemon_history_commit(void *context)
{
    struct daemon *daemon = context;
    store_commit(daemon->store);
    record_ring_publish(daemon->events);
}

bool
daemon_history_memory(void *context, const char *path, struct airs_memory *memory_out)
{
    struct daemon *daemon = context;
    return store_memory(daemon->store, path, memory_out);
}

uint64_t
daemon_history_last_seq(void *context)
{
    struct daemon *daemon = context;
    return store_last_seq(daemon->store);
}

bool
daemon_history_kept(void *context, size_t index, struct airs_kept *kept_out)
{
    struct daemon *daemon = context;
    return additions_last(daemon->additions, index, kept_out);
}

/* What was added under the name of several; `path` is that of their numbers, "/back#". */
static void
forget_name(struct daemon *daemon, const char *path)
{
    char *name = strndup(path, strcspn(path, "#"));
    if (name)
        additions_forget(daemon->additions, name);
    free(name);
}

void
daemon_history_keep(void *context, const struct airs_kept *kept)
{
    struct daemon *daemon = context;
    if (!kept->addition.text && kept->numbers == 0)
        forget_name(daemon, kept->path);
    additions_keep(daemon->additions, kept);
}

/* ---- Opening ---- */

struct reload {
    struct store_query query;
    struct record_ring *events;
    uint64_t last_seq;
    bool has_ended; /* The last event is that of an orderly end. */
    sem_t done;
};

/* The ring has no gaps: behind one it begins anew. */
static void
reload_event(struct store_query *query, const struct history_entry *entry)
{
    struct reload *reload = container_of(query, struct reload, query);
    if (entry->event.seq != reload->last_seq + 1)
        record_ring_begin(reload->events, entry->event.seq);
    event_ring_write(reload->events, &entry->event);
    reload->last_seq = entry->event.seq;
    reload->has_ended = strcmp(entry->event.event, "application-stopped") == 0;
}

static void
reload_done(struct store_query *query, enum airs_status status, const char *text)
{
    (void)status;
    (void)text;
    sem_post(&container_of(query, struct reload, query)->done);
}

static void
reload_events(struct daemon *daemon)
{
    uint64_t last_seq = store_last_seq(daemon->store);
    struct reload reload = {
        .query = { .path = "/",
                   .count = EVENTS_RELOADED_MAX,
                   .visit = reload_event,
                   .done = reload_done },
        .events = daemon->events,
    };
    sem_init(&reload.done, 0, 0);
    store_ask(daemon->store, &reload.query);
    while (sem_wait(&reload.done) != 0)
        ;
    sem_destroy(&reload.done);
    daemon->was_cut_off = reload.last_seq > 0 && !reload.has_ended;
    if (reload.last_seq != last_seq)
        record_ring_begin(daemon->events, last_seq + 1);
}

static void
last_lines(void *context, const char *path, uint64_t generation, struct buffer *to)
{
    struct daemon *daemon = context;
    log_store_last(daemon->logs, path, generation, to);
}

enum airs_status
daemon_history_open(struct daemon *daemon, struct airs_error *error)
{
    char dir[PATH_MAX];
    pthread_mutex_init(&daemon->complaints_lock, NULL);
    buffer_init(&daemon->complaints, 0);
    if (snprintf(dir, sizeof dir, "%s/history", daemon->dirs.state) >= (int)sizeof dir)
        return fail(error, AIRS_EINVAL, "path too long: %.100s…", daemon->dirs.state);
    enum airs_status status = app_dirs_make(dir, error);
    if (status != AIRS_OK)
        return status;
    struct store_options options = {
        .dir = dir, .context = daemon, .report = on_complaint, .last_lines = last_lines
    };
    status = store_open(&options, &daemon->store, error);
    if (status != AIRS_OK)
        return status;
    reload_events(daemon);
    daemon->additions = additions_open(dir, daemon->was_cut_off, on_complaint, daemon);
    return daemon->additions ? AIRS_OK : fail(error, AIRS_ENOMEM, "additions: out of memory");
}

void
daemon_history_close(struct daemon *daemon)
{
    store_close(daemon->store);
    daemon->store = NULL;
    additions_close(daemon->additions);
    daemon->additions = NULL;
    daemon_history_tell(daemon);
    buffer_deinit(&daemon->complaints);
}
