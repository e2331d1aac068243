/* Log store: the lines of all children, from the worker that ran the guest to files and readers.
 *
 * A line is copied into a ring on the guest's worker; the loop takes it out in batches, as
 * JSON, into the child's files. Lines not yet taken are never overwritten: a child that has
 * LOG_PENDING_BYTES_MAX of them waiting is held up (log_store_room), and when all children
 * together fill the ring, lines are dropped, counted, and the count is written instead.
 */
#ifndef DAEMON_LOG_STORE_H
#define DAEMON_LOG_STORE_H

#include <airs/application.h>

#include "base/buffer.h"
#include "daemon/log_files.h"
#include "daemon/record_ring.h"

#define LOG_LINES_KEPT_MAX 65536u                /* Lines kept in memory for followers. */
#define LOG_BYTES_MAX ((size_t)8 << 20)          /* Memory for them; the fewer of the two counts. */
#define LOG_PENDING_BYTES_MAX ((size_t)64 << 10) /* Of one child, not yet in its file. */
#define LOG_BATCH_BYTES_MAX ((size_t)1 << 20)    /* Taken out in one turn of the loop. */

struct log_store;

/** Files go under `directory`, which is there. `wake`: as record_ring_new, there are lines. */
enum airs_status log_store_new(const char *directory, void (*wake)(void *context), void *context,
                               struct log_store **store_out, struct airs_error *error);
/** Writes what is left. NULL is allowed. Nobody else uses it any more. */
void log_store_free(struct log_store *store);

/** Takes a line. Thread: any.  Blocks: no. */
void log_store_write(struct log_store *store, const struct airs_log_line *line);
/** Bytes that the child may write now. Thread: any.  Blocks: no. */
size_t log_store_room(struct log_store *store, const char *path);

/**
 * Puts up to a batch of lines into files. True: there are more. False: `wake` comes with the
 * next one. AIRS_EIO in `error`: lines were lost. Thread: the loop's, as what follows.
 */
bool log_store_flush(struct log_store *store, struct airs_error *error);

/** For readers: lines by number, and the last one that is in a file. */
struct record_ring *log_store_ring(struct log_store *store);
uint64_t log_store_flushed(const struct log_store *store);
struct log_files *log_store_files(struct log_store *store);

/** The line in a record; its texts lie in `record`. Thread: any. */
void log_store_decode(const struct buffer *record, struct airs_log_line *line_out);

#endif
