/* Store: the appending side is the journal and a few atomics; everything that can block (the
 * database, complaints, queries) belongs to one thread. It sleeps while nothing happens, and
 * behind the first event of a burst for STORE_BATCH_US, so that a thousand events are one
 * transaction and at most one wake-up.
 */
#include "store/store_inside.h"

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
#include "store/event_record.h"
#include "store/journal.h"

#define NICE 10 /* Of the store's thread. */

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

/* Those asked so far, in order. */
static struct store_query *
take_queries(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct store_query *query = store->queries;
    store->queries = NULL;
    pthread_mutex_unlock(&store->lock);
    struct store_query *in_order = NULL;
    while (query) {
        struct store_query *next = query->next;
        query->next = in_order;
        in_order = query;
        query = next;
    }
    return in_order;
}

/* What was appended before a question is taken over before its answer: whoever asks is told of every
 * event that they can have seen. */
static void
feed_and_answer(struct store *store)
{
    struct store_query *query = take_queries(store);
    store_feed(store);
    while (query) {
        struct store_query *next = query->next;
        answer(store, query);
        query = next;
    }
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
    store_tell(store, text);
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
        feed_and_answer(store);
        tell_losses(store);
        store_write_clock(store);
        bool has_backlog = !store->database && !store->is_refused;
        uint64_t for_us = atomic_load(&store->is_active) ? STORE_CLOCK_US
                          : has_backlog                  ? STORE_RETRY_US
                                                         : UINT64_MAX / 2;
        closing = wait_for_work(store, seen, for_us, true);
        if (!closing && atomic_load(&store->appended) != seen)
            closing = wait_for_work(store, 0, STORE_BATCH_US, false);
    }
    feed_and_answer(store);
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
        store_tell(store, error.message);
    uint64_t seq = store->journal ? journal_last_seq(store) : 0;
    store_feed(store);
    if (!store->database)
        store_open_database(store);
    if (store->database) {
        if (database_last_seq(store->database) > seq)
            seq = database_last_seq(store->database);
        store_remember(store);
    }
    store->first_last_seq = seq;
    store->run = seq + 1;
    error = (struct airs_error){ 0 };
    if (store->journal && journal_begin(store->journal, store->run, &error) != AIRS_OK)
        store_tell(store, error.message);
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
    store_memories_free(store);
    buffer_deinit(&store->lines);
    if (store->clock_fd >= 0)
        close(store->clock_fd);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->lock);
    free(store->dir);
    free(store);
}
