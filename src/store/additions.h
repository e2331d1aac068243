/* Additions: what was added and scaled by hand, for a run that goes on after this one is cut off.
 *
 * A file of JSON lines beside the history, each with one write(), without sync, before the change
 * is begun. A run that begins writes a new file and puts it in place of the old one when it has
 * taken over all of that. Whatever is wrong with the disk, the change is made: what is not kept
 * is said once.
 */
#ifndef STORE_ADDITIONS_H
#define STORE_ADDITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <airs/application.h>

#define ADDITIONS_BYTES_MAX (16u << 20)    /* Of the file; further changes are not kept. */
#define ADDITIONS_REWRITE_BYTES (1u << 20) /* A larger file of which half is dead is rewritten. */

struct additions;

/**
 * Opens what is in `dir`; `goes_on`: the last run was cut off, what it kept is there to be asked
 * for. `report` as in store_options. NULL: out of memory. Thread: any.  Blocks: for the disk.
 */
struct additions *additions_open(const char *dir, bool goes_on,
                                 void (*report)(void *context, const char *text), void *context);
/** Frees; the file stays. NULL is allowed. */
void additions_close(struct additions *additions);

/** The `index`-th that the last run kept, in its order; false: no more. Thread: one. */
bool additions_last(const struct additions *additions, size_t index, struct airs_kept *kept_out);
/** From now on the file is this run's; what the last one kept is gone. Thread: that of keep. */
void additions_begin(struct additions *additions);

/** Thread: one at a time.  Blocks: for one write(), or for rewriting the file. */
void additions_keep(struct additions *additions, const struct airs_kept *kept);
/** The child at `path` was deleted. Thread: any.  Blocks: no.  Allocates: no. */
void additions_forget(struct additions *additions, const char *path);

#endif
