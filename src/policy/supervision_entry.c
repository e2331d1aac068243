#include "policy/supervision_entry.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What there is to say of a child that has ended, or was given a restart. */
struct supervision_past {
    uint64_t last_restart_us;
    uint32_t history_size;
    uint32_t next; /* Of the ring: the oldest once it is full. */
    struct supervision_record history[SUPERVISION_HISTORY_MAX];
};

void
supervision_entry_free(struct supervision_entry *entry)
{
    if (!entry)
        return;
    for (uint32_t i = 0; entry->past && i < entry->past->history_size; i++)
        refstr_unref(entry->past->history[i].detail);
    free(entry->past);
    free(entry);
}

struct supervision_entry *
supervision_entry_new(const char *path, bool is_component)
{
    size_t path_bytes = strlen(path) + 1;
    struct supervision_entry *entry =
        calloc(1, offsetof(struct supervision_entry, path) + path_bytes);
    if (!entry)
        return NULL;
    memcpy(entry->path, path, path_bytes);
    entry->is_component = is_component;
    entry->is_registering = true;
    entry->state = CHILD_REGISTERED;
    return entry;
}

static struct supervision_past *
past_of(struct supervision_entry *entry)
{
    if (!entry->past)
        entry->past = calloc(1, sizeof *entry->past);
    return entry->past;
}

/* Returns the detail that the new record pushed out; it is freed outside of the lock. */
static struct refstr *
entry_record(struct supervision_entry *entry, const struct supervision_event *event)
{
    struct supervision_past *past = past_of(entry);
    struct refstr *forgotten = NULL;

    entry->exits_total++;
    if (!past)
        return NULL;
    struct supervision_record *record = &past->history[past->next];
    if (past->history_size == SUPERVISION_HISTORY_MAX)
        forgotten = record->detail;
    else
        past->history_size++;
    *record = (struct supervision_record){
        .time_us = event->time_us,
        .seq = event->seq,
        .generation = event->generation,
        .exit = event->exit,
        .detail = refstr_ref(event->detail),
    };
    past->next = (past->next + 1) % SUPERVISION_HISTORY_MAX;
    return forgotten;
}

static void
entry_restart_granted(struct supervision_entry *entry, const struct supervision_event *event)
{
    struct supervision_past *past = past_of(entry);
    if (!past)
        return;
    past->last_restart_us = event->time_us;
    if (past->history_size == 0)
        return;
    size_t newest = (past->next + SUPERVISION_HISTORY_MAX - 1) % SUPERVISION_HISTORY_MAX;
    past->history[newest].restarted = true;
    past->history[newest].delay_us = event->delay_us;
}

struct refstr *
supervision_entry_take_in(struct supervision_entry *entry, const struct supervision_event *event)
{
    entry->state = event->state;
    entry->generation = event->generation;
    entry->restart_count = event->restarts;
    entry->last_seq = event->seq;
    switch (event->type) {
    case EVENT_EXITED:
        entry->ready = false;
        return entry_record(entry, event);
    case EVENT_RESTART_SCHEDULED:
        entry_restart_granted(entry, event);
        break;
    case EVENT_STARTED:
        entry->started_us = event->time_us;
        break;
    case EVENT_READY:
        entry->ready = true;
        break;
    case EVENT_NOT_READY:
    case EVENT_DEGRADED:
    case EVENT_HEALTH_FAILED:
    case EVENT_STARTING:
    case EVENT_STOPPING:
    case EVENT_STOPPED:
    case EVENT_FAILED:
    case EVENT_DELETED:
        entry->ready = false;
        break;
    case EVENT_REGISTERED:
    case EVENT_WAITING:
    case EVENT_ESCALATED:
    case EVENT_ADDED:
    case EVENT_RESET:
    case EVENT_DENIED:
    case EVENT_DEAD_LETTER:
    case EVENT_RELOADED:
    case EVENT_APPLICATION_STARTED:
    case EVENT_APPLICATION_STOPPED:
        break;
    }
    return NULL;
}

static void
copy_past(const struct supervision_past *past, struct supervision_handle *handle)
{
    uint32_t size = past->history_size;
    uint32_t oldest = size == SUPERVISION_HISTORY_MAX ? past->next : 0;
    handle->last_restart_us = past->last_restart_us;
    handle->history_size = size;
    for (uint32_t i = 0; i < size; i++) {
        handle->history[i] = past->history[(oldest + i) % SUPERVISION_HISTORY_MAX];
        refstr_ref(handle->history[i].detail);
    }
}

void
supervision_entry_copy(const struct supervision_entry *entry, struct supervision_handle *handle_out)
{
    *handle_out = (struct supervision_handle){
        .state = entry->state,
        .ready = entry->ready,
        .generation = entry->generation,
        .restart_count = entry->restart_count,
        .exits_total = entry->exits_total,
        .started_us = entry->started_us,
        .last_seq = entry->last_seq,
    };
    if (entry->past)
        copy_past(entry->past, handle_out);
}
