/* Database: events, exit reports and what a later run goes on from, in SQLite.
 *
 * Filled from the journal by one thread, in batches of one transaction. A record is taken
 * once: its seq says whether the database has it. Bounded by age, number and size; what is
 * older goes first. A damaged file is put aside and a new one begun. Every function belongs
 * to one thread at a time, and blocks for the disk.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/application.h>

#include "base/buffer.h"

#define DATABASE_VERSION 2                                  /* 1 had no table `intensity`. */
#define HISTORY_AGE_US_MAX (UINT64_C(30) * 86400 * 1000000) /* Older events go. */
#define HISTORY_EVENTS_MAX UINT64_C(1000000)                /* Of these, the oldest. */
#define HISTORY_BYTES_MAX (UINT64_C(256) << 20) /* Of the file: then the oldest tenth goes. */
#define DATABASE_BUSY_MS 1000                   /* So long another program may hold its lock. */

struct database;

/**
 * Opens `path` or makes it. AIRS_EBUSY: locked by another program · AIRS_EDENIED: of a newer
 * version · AIRS_EIO: cannot be read or written. A damaged one is renamed to PATH.damaged,
 * which `note` then says (else it is empty).
 */
enum airs_status database_open(const char *path, struct database **database_out,
                               struct airs_error *note, struct airs_error *error);
void database_close(struct database *database);

/** The seq of the last event taken; 0: none. */
uint64_t database_last_seq(const struct database *database);

/* Between begin and commit: events in order of seq; `log` (NULL: none) are the last lines of
 * the instance that exited, any bytes. AIRS_EIO ends the batch: rollback, and try again later; when the
 * file is damaged, database_close() puts it aside. */
enum airs_status database_begin(struct database *database, struct airs_error *error);
enum airs_status database_take(struct database *database, uint64_t run,
                               const struct airs_event *event, const void *bytes, size_t size,
                               const struct buffer *log, struct airs_error *error);
enum airs_status database_commit(struct database *database, struct airs_error *error);
void database_rollback(struct database *database);

/** Removes what is past the limits. After a commit, now and then. */
void database_prune(struct database *database, uint64_t now_us);

/**
 * The last run is over, and its time ended at `end_us`: what was remembered of children as of
 * some moment of it becomes durations. Twice is as good as once.
 */
enum airs_status database_settle(struct database *database, uint64_t run, uint64_t end_us,
                                 struct airs_error *error);
/** The run of the last event, and its time. False: there is none. */
bool database_last_run(struct database *database, uint64_t *run_out, uint64_t *time_us_out);

/** Calls `visit` with what is remembered of each child, grants included, and of "/" if there is
 * an intensity to go on with. After settle. */
enum airs_status database_children(struct database *database,
                                   void (*visit)(void *context, const char *path,
                                                 const struct airs_memory *memory),
                                   void *context, struct airs_error *error);

/* One exit, or any event; `then` is the event of that child that follows an exit. */
struct history_entry {
    struct airs_event event;
    bool has_then;
    struct airs_event then;
    const char *log; /* Last lines of the instance, any bytes; NULL: none. */
    size_t log_size;
};

enum history_reach {
    HISTORY_BELOW, /* The child and all below it; "/": everything. */
    HISTORY_EXACT  /* The child alone. */
};

/** The last `count` exits (or all events) of `path`, oldest first. */
enum airs_status database_history(struct database *database, const char *path,
                                  enum history_reach reach, bool exits_alone, uint64_t count,
                                  void (*visit)(void *context, const struct history_entry *entry),
                                  void *context, struct airs_error *error);

#endif
