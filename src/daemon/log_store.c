/* Log store. Waiting bytes are counted in buckets by the hash of a child's path: two children
 * in one bucket share its allowance, and nothing is allocated on a guest's way.
 */
#include "daemon/log_store.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/map.h"
#include "daemon/event_json.h"
#include "daemon/text_pack.h"

#define BUCKETS 1024u

/* The line's text comes behind these, as it may hold any bytes. */
static const size_t texts[] = {
    offsetof(struct airs_log_line, path),
    offsetof(struct airs_log_line, stream),
    offsetof(struct airs_log_line, level),
};
static const struct text_layout layout = {
    sizeof(struct airs_log_line),
    texts,
    sizeof texts / sizeof texts[0],
    LOG_BYTES_MAX / 8,
};

struct dropped {
    char *path;
    uint64_t lines;
    uint64_t time_us; /* Of the last one. */
};

struct log_store {
    struct record_ring *ring;
    atomic_size_t waiting[BUCKETS]; /* Bytes written and not yet taken; a hint, so relaxed. */

    pthread_mutex_t lock;    /* Guards `dropped`. */
    struct map dropped;      /* Path → struct dropped. */
    atomic_bool has_dropped; /* Set with an entry; read by the loop before it takes the lock. */

    struct log_files *files; /* The loop's, as the rest. */
    uint64_t flushed;
    struct buffer record;
    struct buffer line;
};

static unsigned
bucket_of(const char *path)
{
    uint32_t hash = 2166136261u; /* FNV-1a. */
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 16777619u;
    return hash % BUCKETS;
}

enum airs_status
log_store_new(const char *directory, void (*wake)(void *context), void *context,
              struct log_store **store_out, struct airs_error *error)
{
    struct log_store *store = calloc(1, sizeof *store);
    if (!store)
        return fail(error, AIRS_ENOMEM, "out of memory");
    pthread_mutex_init(&store->lock, NULL);
    map_init(&store->dropped);
    buffer_init(&store->record, 0);
    buffer_init(&store->line, 0);
    store->ring = record_ring_new(LOG_LINES_KEPT_MAX, LOG_BYTES_MAX, wake, context);
    store->files = log_files_new(directory);
    if (!store->ring || !store->files) {
        log_store_free(store);
        return fail(error, AIRS_ENOMEM, "out of memory");
    }
    record_ring_hold(store->ring, 1);
    record_ring_want(store->ring, 0);
    *store_out = store;
    return AIRS_OK;
}

void
log_store_free(struct log_store *store)
{
    if (!store)
        return;
    while (store->ring && store->files && log_store_flush(store, NULL))
        ;
    map_for_each(entry, &store->dropped) {
        struct dropped *dropped = entry->value;
        free(dropped->path);
        free(dropped);
    }
    map_deinit(&store->dropped);
    pthread_mutex_destroy(&store->lock);
    log_files_free(store->files);
    record_ring_free(store->ring);
    buffer_deinit(&store->record);
    buffer_deinit(&store->line);
    free(store);
}

/* Out of memory: then this loss is not counted. */
static struct dropped *
find_or_add_locked(struct log_store *store, const char *path)
{
    struct dropped *dropped = map_find(&store->dropped, path);
    if (dropped)
        return dropped;
    dropped = calloc(1, sizeof *dropped);
    if (!dropped)
        return NULL;
    dropped->path = strdup(path);
    if (dropped->path && map_set(&store->dropped, dropped->path, dropped))
        return dropped;
    free(dropped->path);
    free(dropped);
    return NULL;
}

static void
count_dropped(struct log_store *store, const struct airs_log_line *line)
{
    pthread_mutex_lock(&store->lock);
    struct dropped *dropped = find_or_add_locked(store, line->path);
    if (dropped) {
        dropped->lines++;
        dropped->time_us = line->time_us;
        atomic_store_explicit(&store->has_dropped, true, memory_order_relaxed);
    }
    pthread_mutex_unlock(&store->lock);
}

void
log_store_write(struct log_store *store, const struct airs_log_line *line)
{
    struct record_part parts[TEXT_PACK_PARTS_MAX + 1];
    size_t count = text_pack(&layout, line, parts);
    parts[count++] = (struct record_part){ line->text, line->size };
    /* Counted before it is written: the loop may take it out at once. */
    atomic_size_t *waiting = &store->waiting[bucket_of(line->path)];
    atomic_fetch_add_explicit(waiting, line->size, memory_order_relaxed);
    if (record_ring_write(store->ring, parts, count) == 0) {
        atomic_fetch_sub_explicit(waiting, line->size, memory_order_relaxed);
        count_dropped(store, line);
    }
}

size_t
log_store_room(struct log_store *store, const char *path)
{
    size_t waiting = atomic_load_explicit(&store->waiting[bucket_of(path)], memory_order_relaxed);
    return waiting < LOG_PENDING_BYTES_MAX ? LOG_PENDING_BYTES_MAX - waiting : 0;
}

void
log_store_decode(const struct buffer *record, struct airs_log_line *line_out)
{
    size_t used = text_unpack(&layout, record->data, record->size, line_out);
    line_out->text = record->data + used;
    assert(used + line_out->size == record->size);
}

/* Numbers of the last lines of that instance, newest first; how many. */
static unsigned
find_last(struct log_store *store, const char *path, uint64_t generation, struct buffer *record,
          uint64_t numbers[LOG_LAST_LINES])
{
    unsigned count = 0;
    uint64_t number = record_ring_newest(store->ring);
    for (unsigned i = 0; i < LOG_LAST_SCANNED_MAX && count < LOG_LAST_LINES && number > 0; i++) {
        struct airs_log_line line;
        if (record_ring_read(store->ring, number, record) != RECORD_FOUND)
            break;
        log_store_decode(record, &line);
        if (line.generation == generation && strcmp(line.path, path) == 0)
            numbers[count++] = number;
        number--;
    }
    return count;
}

void
log_store_last(struct log_store *store, const char *path, uint64_t generation, struct buffer *to)
{
    struct buffer record;
    uint64_t numbers[LOG_LAST_LINES];
    buffer_init(&record, 0);
    unsigned count = find_last(store, path, generation, &record, numbers);
    while (count > 0) {
        struct airs_log_line line;
        if (record_ring_read(store->ring, numbers[--count], &record) != RECORD_FOUND)
            continue;
        log_store_decode(&record, &line);
        buffer_append(to, line.text, line.size);
        buffer_append(to, "\n", 1);
    }
    buffer_deinit(&record);
}

static void
append_line(struct log_store *store, const struct airs_log_line *line, struct airs_error *error)
{
    buffer_consume(&store->line, store->line.size);
    if (!log_json_append(&store->line, line) ||
        !log_files_append(store->files, line->path, store->line.data, store->line.size))
        fail(error, AIRS_ENOMEM, "log of '%s': out of memory", line->path);
}

/* Says how many lines were dropped, once there is room again. */
static void
tell_dropped(struct log_store *store, struct airs_error *error)
{
    if (!atomic_exchange_explicit(&store->has_dropped, false, memory_order_relaxed))
        return;
    struct map dropped;
    pthread_mutex_lock(&store->lock);
    dropped = store->dropped;
    map_init(&store->dropped);
    pthread_mutex_unlock(&store->lock);
    map_for_each(entry, &dropped) {
        struct dropped *one = entry->value;
        char text[64];
        int size = snprintf(text, sizeof text, "%" PRIu64 " lines dropped here", one->lines);
        struct airs_log_line line = {
            .time_us = one->time_us,
            .path = one->path,
            .stream = "log",
            .level = "warn",
            .text = text,
            .size = (size_t)size,
        };
        append_line(store, &line, error);
        free(one->path);
        free(one);
    }
    map_deinit(&dropped);
}

bool
log_store_flush(struct log_store *store, struct airs_error *error)
{
    size_t taken = 0;
    enum record_found found = RECORD_FOUND;
    while (taken < LOG_BATCH_BYTES_MAX &&
           (found = record_ring_read(store->ring, store->flushed + 1, &store->record)) ==
               RECORD_FOUND) {
        struct airs_log_line line;
        log_store_decode(&store->record, &line);
        append_line(store, &line, error);
        atomic_fetch_sub_explicit(&store->waiting[bucket_of(line.path)], line.size,
                                  memory_order_relaxed);
        store->flushed++;
        taken += store->record.size;
    }
    if (found == RECORD_LOST) { /* Out of memory for a copy: give the line up. */
        fail(error, AIRS_ENOMEM, "log: out of memory");
        store->flushed++;
    }
    if (found == RECORD_NOT_YET)
        tell_dropped(store, error); /* Behind the lines that were kept. */
    log_files_flush(store->files, error);
    record_ring_hold(store->ring, store->flushed + 1);
    if (found != RECORD_NOT_YET)
        return true;
    record_ring_want(store->ring, store->flushed);
    return false;
}

struct record_ring *
log_store_ring(struct log_store *store)
{
    return store->ring;
}

uint64_t
log_store_flushed(const struct log_store *store)
{
    return store->flushed;
}

struct log_files *
log_store_files(struct log_store *store)
{
    return store->files;
}
