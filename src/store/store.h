/* Store: what happened, kept for readers and for the next run of the same application.
 *
 * store_commit() is one write() into the journal and never waits for the disk or the
 * database; one thread of low priority takes the journal into the database, in batches, and
 * answers queries in between. Whatever is wrong with the disk, supervision goes on: what is
 * lost is counted, and said once.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <airs/application.h>

#include "base/buffer.h"
#include "store/database.h"

#define STORE_BATCH_US UINT64_C(20000) /* Events wait so long for company. */
#define STORE_BATCH_RECORDS 1000u      /* Of one transaction, at most. */
#define STORE_CLOCK_US \
    UINT64_C(2000000)                    /* How far the run is, is written so often: what is
                                           * behind that counts as not lived and not waited. */
#define STORE_RETRY_US UINT64_C(5000000) /* A database that failed is tried again after so long. */
#define STORE_PRUNE_BATCHES 64u          /* Limits are looked at every so many batches. */

struct store_options {
    const char *dir; /* Exists; holds the journal, history.db and the clock. */
    void *context;
    /** One line about what is lost, or was put aside. Thread: that of store_open, or the store's. */
    void (*report)(void *context, const char *text);
    /** Appends the last lines of `generation` of `path`, as text. Thread: the store's. NULL: none. */
    void (*last_lines)(void *context, const char *path, uint64_t generation, struct buffer *to);
};

struct store;

/**
 * Opens what is in `dir` and makes it ready for a new run: reads the last one to its end.
 * What is wrong there is reported, and the store goes on without it; fails with AIRS_ENOMEM
 * alone. Thread: any.  Blocks: for the disk.
 */
enum airs_status store_open(const struct store_options *options, struct store **store_out,
                            struct airs_error *error);
/** Takes what is left into the database, answers all queries, joins. NULL is allowed. */
void store_close(struct store *store);

/** The seq of the last event of earlier runs. Thread: any. */
uint64_t store_last_seq(const struct store *store);

/** What the last run left of the child at `path`; false: nothing. As long as the store. Thread: any. */
bool store_memory(const struct store *store, const char *path, struct airs_memory *memory_out);

/** Adds `event` to what the next commit writes. Thread: one at a time.  Allocates: no. */
void store_add(struct store *store, const struct airs_event *event);
/** What was added is in the journal. Thread: as store_add().  Blocks: for one write(). */
void store_commit(struct store *store);
/** Both. */
void store_append(struct store *store, const struct airs_event *event);

/** Events lost so far: not written, or gone before the database had them. Thread: any. */
uint64_t store_lost(const struct store *store);

struct store_query {
    struct store_query *next; /* The store's. */
    const char *path;         /* The caller's until done; "/": all. */
    enum history_reach reach;
    bool exits_alone;
    uint64_t count; /* The newest so many. */
    void (*visit)(struct store_query *query, const struct history_entry *entry);
    /** Once; the query is then the caller's again. `text` says why not. */
    void (*done)(struct store_query *query, enum airs_status status, const char *text);
};

/**
 * Visits history, everything that was appended before included. Callbacks come on the
 * store's thread; `done` is called at the latest in store_close(). Thread: any.  Blocks: no.
 */
void store_ask(struct store *store, struct store_query *query);

#endif
