/* Store, feeding: records of the journal become rows of the database, a batch in one transaction. A
 * database that fails is closed, and what it had not taken is read again.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/journal.h"
#include "store/store_inside.h"

void
store_trouble(struct store *store, enum airs_status status, const struct airs_error *error)
{
    store->why = *error;
    store->is_refused = store->is_refused || status == AIRS_EDENIED;
    store->try_again_us = clock_now_us() + STORE_RETRY_US;
    if (store->trouble_told)
        return;
    char text[sizeof error->message + 80];
    snprintf(text, sizeof text, "%s; supervision goes on without it", error->message);
    store->trouble_told = true;
    store_tell(store, text);
}

bool
store_open_database(struct store *store)
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
        store_tell(store, note.message);
    if (status != AIRS_OK) {
        store_trouble(store, status, &error);
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
    const struct buffer *lines = NULL;
    if (store->options.last_lines && event.path && strcmp(event.event, "exited") == 0) {
        buffer_consume(&store->lines, store->lines.size);
        store->options.last_lines(store->options.context, event.path, event.generation,
                                  &store->lines);
        lines = store->lines.size > 0 ? &store->lines : NULL;
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
    store_trouble(store, status, &error);
    database_close(store->database); /* Damaged: it is put aside. */
    store->database = NULL;
    return 0;
}

void
store_feed(struct store *store)
{
    if (!store->journal || !store_open_database(store))
        return;
    while (feed_batch(store) > 0)
        if (++store->batches % STORE_PRUNE_BATCHES == 0)
            database_prune(store->database, atomic_load(&store->time_us));
    if (store->database)
        journal_forget(store->journal);
}
