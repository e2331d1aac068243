/* Record ring: the latest records of a stream in bounded memory, numbered without gaps.
 *
 * Written by any thread in a few instructions under one lock, without allocating; read by
 * number, by any reader at its own pace. Old records give way to new ones, except those
 * from `held` on: while they fill the ring, writing fails. A reader that has read
 * everything asks to be woken once, so that a thousand writes cost one wake-up.
 */
#ifndef DAEMON_RECORD_RING_H
#define DAEMON_RECORD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct record_ring;

/* One piece of a record. */
struct record_part {
    const void *bytes;
    size_t size;
};

#define RECORD_HOLD_NOTHING UINT64_MAX

/**
 * A ring for `count_max` records of `bytes_max` bytes in all; the first has number 1.
 * `wake` is called on the writer's thread, without a lock, after record_ring_want().
 * NULL when out of memory.
 */
struct record_ring *record_ring_new(size_t count_max, size_t bytes_max, void (*wake)(void *context),
                                    void *context);
void record_ring_free(struct record_ring *ring);
/** Forgets all records; the next one has number `number`. Before there are readers. */
void record_ring_begin(struct record_ring *ring, uint64_t number);

/**
 * Appends the parts as one record and returns its number; 0, and nothing appended, when it
 * is larger than a quarter of the ring or the held records leave no room.
 * Thread: any.  Blocks: no.  Allocates: no.
 */
uint64_t record_ring_write(struct record_ring *ring, const struct record_part *parts, size_t count);

/** The same, but no reader sees the record before record_ring_publish(), or a later write. */
uint64_t record_ring_stage(struct record_ring *ring, const struct record_part *parts, size_t count);
void record_ring_publish(struct record_ring *ring);

enum record_found { RECORD_FOUND, RECORD_NOT_YET, RECORD_LOST };

/** Replaces the contents of `record` by record `number`. Thread: any. RECORD_LOST: it
* gave way to newer ones, or memory ran out. */
enum record_found record_ring_read(struct record_ring *ring, uint64_t number,
                                   struct buffer *record);

/** Calls `wake` at the next write; at once if a record newer than `last_seen` is there. */
void record_ring_want(struct record_ring *ring, uint64_t last_seen);

/** Records from `number` on are kept until a later hold. Initially RECORD_HOLD_NOTHING. */
void record_ring_hold(struct record_ring *ring, uint64_t number);

/** The oldest record still there; one past the newest when there is none. */
uint64_t record_ring_oldest(struct record_ring *ring);
/** The newest record's number that readers see; 0 when none was written yet. */
uint64_t record_ring_newest(struct record_ring *ring);

#endif
