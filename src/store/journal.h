/* Journal: what happened, on its way into the database. Append-only files of records.
 *
 * A commit is one write() and no sync: what was committed outlives the process, not the
 * machine. Each opening begins a file of its own, so a record that a death cut short is the
 * last one of its file, and is dropped when that is read. Full files give way to new ones;
 * the reader (one thread) removes each when its records are in the database. When the
 * reader cannot keep up, the oldest file goes and its records are counted as lost.
 *
 * A file: "AIRSJRNL", version, checksum, the seq that comes first, the run (the first seq of
 * this opening); then records: mark, type, size, checksum, bytes.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#include "base/buffer.h"

#define JOURNAL_VERSION 1u
#define JOURNAL_FILE_BYTES_MAX ((uint64_t)1 << 20) /* Then the next file begins. */
#define JOURNAL_BYTES_MAX ((uint64_t)64 << 20) /* Of all files: then the oldest goes, counted. */
#define JOURNAL_FILES_MAX 128u                 /* Each is open: then the oldest goes, too. */
#define JOURNAL_RECORD_BYTES_MAX ((size_t)64 << 10)   /* Of one record; longer is damage. */
#define JOURNAL_PENDING_BYTES_MAX ((size_t)256 << 10) /* Added and not committed: then it is. */
#define JOURNAL_READ_BYTES ((size_t)256 << 10)        /* Read in one piece. */

struct journal;

/**
 * Reads the names of the files in `dir`, which exists. Nothing is written before journal_begin().
 * AIRS_EIO · AIRS_ENOMEM · AIRS_EDENIED: a file is of a newer version.
 */
enum airs_status journal_open(const char *dir, struct journal **journal_out,
                              struct airs_error *error);
/** Closes; files stay where they are. NULL is allowed. */
void journal_close(struct journal *journal);

/**
 * From now on appends go into a new file. `next_seq`: of the first record that will be
 * appended, which also names the run. AIRS_EIO: the journal can be read but not written.
 */
enum airs_status journal_begin(struct journal *journal, uint64_t next_seq,
                               struct airs_error *error);

/**
 * Adds the event record `bytes`, whose seq this is, to what the next commit writes. False: it is
 * lost (too long, no journal begun).
 * Thread: one at a time.  Blocks: no; for a commit when JOURNAL_PENDING_BYTES_MAX are waiting,
 * and every 1 MiB for opening a file.
 */
bool journal_add(struct journal *journal, uint64_t seq, const void *bytes, size_t size);
/**
 * Writes what was added, by one write(). False: it is lost (no space), and nothing of it stays
 * in the file. Thread: as journal_add().  Blocks: for one write().
 */
bool journal_commit(struct journal *journal);
/** Both. */
bool journal_append(struct journal *journal, uint64_t seq, const void *bytes, size_t size);

/** The largest first seq that a file begins with, minus 1: no smaller one is given again. */
uint64_t journal_seq_floor(const struct journal *journal);

struct journal_record {
    uint64_t run;
    const void *bytes; /* Until the next journal_read(). */
    size_t size;
};

/**
 * The next record after the last one that was read; false: there is none yet.
 * Thread: the one reader.
 */
bool journal_read(struct journal *journal, struct journal_record *record_out);
/** The reader's records are safe: files that are read to their end are removed. */
void journal_forget(struct journal *journal);
/** What was read since the last journal_forget() is read again. */
void journal_rewind(struct journal *journal);

/** Records lost: not written, or gone with an old file before they were read. Thread: any. */
uint64_t journal_lost(const struct journal *journal);

#endif
