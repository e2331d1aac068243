/* Store: the appending side is the journal and a few atomics; everything that can block (the
 * database, complaints, queries) belongs to one thread. It sleeps while nothing happens, and
 * behind the first event of a burst for STORE_BATCH_US, so that a thousand events are one
 * transaction and at most one wake-up.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/map.h"
#include "store/checksum.h"
#include "store/event_record.h"
#include "store/journal.h"

#define NICE 10 /* Of the store's thread. */

/* In the file "clock": how far the run was when it was last written. */
struct clock_mark {
    uint64_t run;
    uint64_t time_us;
    uint32_t checksum; /* Of the two above. */
    uint32_t reserved;
};

struct kept_memory {
    char *path;
    struct airs_memory memory;
};

struct store {
    struct store_options options; /* Constant, as all up to the thread. */
    char *dir;
    uint64_t first_last_seq;
    uint64_t run;
    struct map memories;     /* Path → struct kept_memory. */
    struct journal *journal; /* NULL: cannot be used. */
    pthread_t thread;
    bool has_thread;
    int clock_fd;

    struct database *database; /* The thread's, as the next ones; NULL: not open. */
    bool is_refused;           /* It is of a newer version: never tried again. */
    bool trouble_told;
    bool loss_told;
    uint64_t try_again_us;
    unsigned batches;
    struct buffer lines;
    struct airs_error why; /* Of the last failure. */

    unsigned char bytes[EVENT_RECORD_BYTES_MAX]; /* The appending thread's. */
    atomic_uint_fast64_t lost;                   /* Beside those that the journal counts. */
    atomic_uint_fast64_t appended;               /* Commits; pairs with `asleep`. */
    atomic_bool asleep;                          /* The thread waits: exchanged by who appends. */
    atomic_uint_fast64_t time_us;                /* Of the last event … */
    atomic_uint_fast64_t at_us;                  /* … on the monotonic clock. */
    atomic_bool is_active; /* Between the first event and application-stopped. */

    pthread_mutex_t lock; /* Guards the rest. */
    pthread_cond_t changed;
    struct store_query *queries; /* The newest first. */
    bool closing;
};

static void
tell(struct store *store, const char *text)
{
    if (store->options.report)
        store->options.report(store->options.context, text);
}

/* ---- The clock of the run ---- */

static uint32_t
mark_checksum(const struct clock_mark *mark)
{
    return checksum_add(0, mark, offsetof(struct clock_mark, checksum));
}

static void
write_clock(struct store *store)
{
    if (store->clock_fd < 0 || !atomic_load(&store->is_active))
        return;
    struct clock_mark mark = {
        .run = store->run,
        .time_us = atomic_load(&store->time_us) + clock_now_us() - atomic_load(&store->at_us),
    };
    mark.checksum = mark_checksum(&mark);
    (void)!pwrite(store->clock_fd, &mark, sizeof mark, 0);
}

/* The end of `run`, of which the last event is of `time_us`. */
static uint64_t
read_clock(const struct store *store, uint64_t run, uint64_t time_us)
{
    struct clock_mark mark;
    if (store->clock_fd < 0 || pread(store->clock_fd, &mark, sizeof mark, 0) != sizeof mark ||
        mark.checksum != mark_checksum(&mark) || mark.run != run)
        return time_us;
    return mark.time_us > time_us ? mark.time_us : time_us;
}

/* ---- Into the database ---- */

static void
trouble(struct store *store, enum airs_status status, const struct airs_error *error)
{
    store->why = *error;
    store->is_refused = store->is_refused || status == AIRS_EDENIED;
    store->try_again_us = clock_now_us() + STORE_RETRY_US;
    if (store->trouble_told)
        return;
    char text[sizeof error->message + 80];
    snprintf(text, sizeof text, "%s; supervision goes on without it", error->message);
    store->trouble_told = true;
    tell(store, text);
}

static bool
open_database(struct store *store)
{
    char path[PATH_MAX];
    struct airs_error error = { 0 };
    struct airs_error note = { 0 };
    if (store->database)
        return true;
    if (store->is_refused || (store->trouble_told && clock_now_us() < store->try_again_us))
        return false;
    snprintf(path, sizeof path, "%s/history.db", store->dir);
    enum airs_status status = database_open(path, &store->database, &note, &error);
    if (note.status != AIRS_OK)
        tell(store, note.message);
    if (status != AIRS_OK) {
        trouble(store, status, &error);
        return false;
    }
    return true;
}

static enum airs_status
take_record(struct store *store, const struct journal_record *record, struct airs_error *error)
{
    struct airs_event event;
    if (!event_record_decode(record->bytes, record->size, &event))
        return AIRS_OK; /* Of a later version. */
    const char *lines = NULL;
    if (store->options.last_lines && event.path && strcmp(event.event, "exited") == 0) {
        buffer_consume(&store->lines, store->lines.size);
        store->options.last_lines(store->options.context, event.path, event.generation,
                                  &store->lines);
        lines = store->lines.size > 0 ? store->lines.data : NULL;
    }
    return database_take(store->database, record->run, &event, record->bytes, record->size, lines,
                         error);
}

/* One transaction; how many records it took, 0 also after a failure. */
static unsigned
feed_batch(struct store *store)
{
    struct airs_error error = { 0 };
    struct journal_record record;
    unsigned count = 0;
    if (!journal_read(store->journal, &record))
        return 0;
    enum airs_status status = database_begin(store->database, &error);
    do {
        if (status == AIRS_OK)
            status = take_record(store, &record, &error);
        count++;
    } while (status == AIRS_OK && count < STORE_BATCH_RECORDS &&
             journal_read(store->journal, &record));
    if (status == AIRS_OK)
        status = database_commit(store->database, &error);
    if (status == AIRS_OK) {
        journal_forget(store->journal);
        store->trouble_told = false;
        return count;
    }
    database_rollback(store->database);
    journal_rewind(store->journal);
    trouble(store, status, &error);
    database_close(store->database); /* Damaged: it is put aside. */
    store->database = NULL;
    return 0;
}

static void
feed(struct store *store)
{
    if (!store->journal || !open_database(store))
        return;
    while (feed_batch(store) > 0)
        if (++store->batches % STORE_PRUNE_BATCHES == 0)
            database_prune(store->database, atomic_load(&store->time_us));
    if (store->database)
        journal_forget(store->journal);
}

/* ---- Queries ---- */

static void
visit(void *context, const struct history_entry *entry)
{
    struct store_query *query = context;
    query->visit(query, entry);
}

static void
answer(struct store *store, struct store_query *query)
{
    struct airs_error error = { 0 };
    enum airs_status status;
    if (store->database)
        status = database_history(store->database, query->path, query->reach, query->exits_alone,
                                  query->count, visit, query, &error);
    else
        status = fail(&error, AIRS_EIO, "%s", store->why.message);
    query->done(query, status, status == AIRS_OK ? NULL : error.message);
}

static bool
answer_all(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct store_query *query = store->queries;
    store->queries = NULL;
    pthread_mutex_unlock(&store->lock);
    bool any = query != NULL;
    struct store_query *in_order = NULL;
    while (query) {
        struct store_query *next = query->next;
        query->next = in_order;
        in_order = query;
        query = next;
    }
    while (in_order) {
        query = in_order;
        in_order = query->next;
        answer(store, query);
    }
    return any;
}

void
store_ask(struct store *store, struct store_query *query)
{
    pthread_mutex_lock(&store->lock);
    query->next = store->queries;
    store->queries = query;
    pthread_cond_signal(&store->changed);
    pthread_mutex_unlock(&store->lock);
}

/* ---- The thread ---- */

static void
tell_losses(struct store *store)
{
    uint64_t lost = store_lost(store);
    if (lost == 0 || store->loss_told)
        return;
    char text[128];
    snprintf(text, sizeof text,
             "%" PRIu64 " events could not be kept; supervision goes on, more are counted", lost);
    store->loss_told = true;
    tell(store, text);
}

/* Waits for an event, a query or the end, at most until the clock is to be written; true at
 * the end. */
static bool
wait_for_work(struct store *store, uint64_t seen, uint64_t for_us, bool for_records)
{
    uint64_t until_us = clock_now_us() + for_us;
    struct timespec until = { .tv_sec = (time_t)(until_us / US_PER_S),
                              .tv_nsec = (long)(until_us % US_PER_S * 1000) };
    pthread_mutex_lock(&store->lock);
    atomic_store(&store->asleep, for_records);
    while (!store->closing && !store->queries &&
           (!for_records || atomic_load(&store->appended) == seen)) {
        if (for_us == UINT64_MAX / 2)
            pthread_cond_wait(&store->changed, &store->lock);
        else if (pthread_cond_timedwait(&store->changed, &store->lock, &until) == ETIMEDOUT)
            break;
    }
    atomic_store(&store->asleep, false);
    bool closing = store->closing;
    pthread_mutex_unlock(&store->lock);
    return closing;
}

static void *
run(void *context)
{
    struct store *store = context;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    for (bool closing = false; !closing;) {
        uint64_t seen = atomic_load(&store->appended);
        feed(store);
        answer_all(store);
        tell_losses(store);
        write_clock(store);
        bool has_backlog = !store->database && !store->is_refused;
        uint64_t for_us = atomic_load(&store->is_active) ? STORE_CLOCK_US
                          : has_backlog                  ? STORE_RETRY_US
                                                         : UINT64_MAX / 2;
        closing = wait_for_work(store, seen, for_us, true);
        if (!closing && atomic_load(&store->appended) != seen)
            closing = wait_for_work(store, 0, STORE_BATCH_US, false);
    }
    feed(store);
    answer_all(store);
    tell_losses(store);
    return NULL;
}

/* ---- Appending ---- */

void
store_add(struct store *store, const struct airs_event *event)
{
    size_t size = event_record_encode(event, store->bytes);
    if (store->journal)
        journal_add(store->journal, event->seq, store->bytes, size);
    else
        atomic_fetch_add(&store->lost, 1);
    atomic_store(&store->time_us, event->time_us);
    atomic_store(&store->at_us, clock_now_us());
    if (!atomic_load(&store->is_active))
        atomic_store(&store->is_active, true);
    if (strcmp(event->event, "application-stopped") == 0)
        atomic_store(&store->is_active, false);
}

void
store_commit(struct store *store)
{
    if (store->journal)
        journal_commit(store->journal);
    atomic_fetch_add(&store->appended, 1);
    /* Pairs with wait_for_work(): either it sees the record, or this sees it asleep. */
    if (!atomic_exchange(&store->asleep, false))
        return;
    pthread_mutex_lock(&store->lock);
    pthread_cond_signal(&store->changed);
    pthread_mutex_unlock(&store->lock);
}

void
store_append(struct store *store, const struct airs_event *event)
{
    store_add(store, event);
    store_commit(store);
}

uint64_t
store_lost(const struct store *store)
{
    return atomic_load(&store->lost) + (store->journal ? journal_lost(store->journal) : 0);
}

uint64_t
store_last_seq(const struct store *store)
{
    return store->first_last_seq;
}

/* ---- What the last run left ---- */

static void
kept_free(struct kept_memory *kept)
{
    if (!kept)
        return;
    free(kept->path);
    free((void *)(uintptr_t)kept->memory.state);
    free((void *)(uintptr_t)kept->memory.stopped);
    free((void *)(uintptr_t)kept->memory.exit_reason);
    free((void *)(uintptr_t)kept->memory.exit_detail);
    free((void *)(uintptr_t)kept->memory.grants_us);
    free((void *)(uintptr_t)kept->memory.intensity_us);
    free(kept);
}

static bool
copy_text(const char **text)
{
    if (!*text)
        return true;
    *text = strdup(*text);
    return *text != NULL;
}

static bool
copy_numbers(const uint64_t **numbers, size_t count)
{
    uint64_t *copy = malloc(count * sizeof *copy + 1);
    if (copy && count > 0)
        memcpy(copy, *numbers, count * sizeof *copy);
    *numbers = copy;
    return copy != NULL;
}

/* Out of memory: the child begins fresh. */
static void
keep(void *context, const char *path, const struct airs_memory *memory)
{
    struct store *store = context;
    struct kept_memory *kept = calloc(1, sizeof *kept);
    if (!kept)
        return;
    struct airs_memory *copy = &kept->memory;
    *copy = *memory;
    bool is_whole = copy_text(&copy->state);
    is_whole = copy_text(&copy->stopped) && is_whole;
    is_whole = copy_text(&copy->exit_reason) && is_whole;
    is_whole = copy_text(&copy->exit_detail) && is_whole;
    is_whole = copy_numbers(&copy->grants_us, copy->grants_count) && is_whole;
    is_whole = copy_numbers(&copy->intensity_us, copy->intensity_count) && is_whole;
    kept->path = strdup(path);
    if (!is_whole || !kept->path || !map_set(&store->memories, kept->path, kept))
        kept_free(kept);
}

bool
store_memory(const struct store *store, const char *path, struct airs_memory *memory_out)
{
    const struct kept_memory *kept = map_find(&store->memories, path);
    if (kept)
        *memory_out = kept->memory;
    return kept != NULL;
}

static void
remember(struct store *store)
{
    uint64_t last_run;
    uint64_t time_us;
    struct airs_error error = { 0 };
    enum airs_status status = AIRS_OK;
    if (database_last_run(store->database, &last_run, &time_us))
        status = database_settle(store->database, last_run, read_clock(store, last_run, time_us),
                                 &error);
    if (status == AIRS_OK)
        status = database_children(store->database, keep, store, &error);
    if (status != AIRS_OK)
        trouble(store, status, &error);
}

/* ---- Life ---- */

/* The journal without a database: its last seq, and everything stays to be read again. */
static uint64_t
journal_last_seq(struct store *store)
{
    struct journal_record record;
    struct airs_event event;
    uint64_t seq = journal_seq_floor(store->journal);
    while (journal_read(store->journal, &record))
        if (event_record_decode(record.bytes, record.size, &event) && event.seq > seq)
            seq = event.seq;
    journal_rewind(store->journal);
    return seq;
}

static void
read_last_run(struct store *store)
{
    struct airs_error error = { 0 };
    if (journal_open(store->dir, &store->journal, &error) != AIRS_OK)
        tell(store, error.message);
    uint64_t seq = store->journal ? journal_last_seq(store) : 0;
    feed(store);
    if (!store->database)
        open_database(store);
    if (store->database) {
        if (database_last_seq(store->database) > seq)
            seq = database_last_seq(store->database);
        remember(store);
    }
    store->first_last_seq = seq;
    store->run = seq + 1;
    error = (struct airs_error){ 0 };
    if (store->journal && journal_begin(store->journal, store->run, &error) != AIRS_OK)
        tell(store, error.message);
}

enum airs_status
store_open(const struct store_options *options, struct store **store_out, struct airs_error *error)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return fail(error, AIRS_ENOMEM, "store: out of memory");
    store->options = *options;
    store->clock_fd = -1;
    map_init(&store->memories);
    buffer_init(&store->lines, 0);
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    store->dir = strdup(options->dir);
    if (!store->dir) {
        store_close(store);
        return fail(error, AIRS_ENOMEM, "store: out of memory");
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/clock", store->dir);
    store->clock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    read_last_run(store);
    store->has_thread = pthread_create(&store->thread, NULL, run, store) == 0;
    if (!store->has_thread) {
        store_close(store);
        return fail(error, AIRS_ENOMEM, "store: cannot start a thread");
    }
    *store_out = store;
    return AIRS_OK;
}

void
store_close(struct store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_cond_signal(&store->changed);
    pthread_mutex_unlock(&store->lock);
    if (store->has_thread)
        pthread_join(store->thread, NULL);
    database_close(store->database);
    journal_close(store->journal);
    map_for_each(entry, &store->memories) kept_free(entry->value);
    map_deinit(&store->memories);
    buffer_deinit(&store->lines);
    if (store->clock_fd >= 0)
        close(store->clock_fd);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->lock);
    free(store->dir);
    free(store);
}
