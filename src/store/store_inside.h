/* Store, inside: what the files store*.c share. */
#ifndef STORE_STORE_INSIDE_H
#define STORE_STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "store/event_record.h"
#include "store/store.h"

struct journal;

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

static inline void
store_tell(struct store *store, const char *text)
{
    if (store->options.report)
        store->options.report(store->options.context, text);
}

/* store_clock.c */

/** Says in the file "clock" how far the run is. */
void store_write_clock(struct store *store);
/** The end of `run`, of which the last event is of `time_us`. */
uint64_t store_read_clock(const struct store *store, uint64_t run, uint64_t time_us);

/* store_feed.c: on the store's thread, or before it begins. */

/** The database failed: said once, tried again later. */
void store_trouble(struct store *store, enum airs_status status, const struct airs_error *error);
/** Whether the database is open, now or already. */
bool store_open_database(struct store *store);
/** Takes into the database what the journal has. */
void store_feed(struct store *store);

/* store_memory.c */

/** Takes out of the database what the last run left. */
void store_remember(struct store *store);
void store_memories_free(struct store *store);

#endif
