/* Record ring. Positions grow for ever; a position modulo the size is a place in `bytes`.
 * A record never wraps: what is left at the end is skipped.
 */
#include "daemon/record_ring.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t position;
    size_t size;
};

struct record_ring {
    void (*wake)(void *context); /* Constant. */
    void *context;
    size_t count_max;
    size_t bytes_max;

    pthread_mutex_t lock; /* Guards all below; held for a copy of one record at most. */
    char *bytes;
    struct place *places; /* Record n at n % count_max. */
    uint64_t oldest;      /* Number of the oldest record; `next` when there is none. */
    uint64_t next;        /* Number of the next record. */
    uint64_t published;   /* Readers see those below. */
    uint64_t end;         /* Position past the newest record. */
    uint64_t held;
    bool wanted;
};

struct record_ring *
record_ring_new(size_t count_max, size_t bytes_max, void (*wake)(void *context), void *context)
{
    assert(count_max > 0 && bytes_max > 0);

    struct record_ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return NULL;
    *ring = (struct record_ring){
        .wake = wake,
        .context = context,
        .count_max = count_max,
        .bytes_max = bytes_max,
        .oldest = 1,
        .next = 1,
        .published = 1,
        .held = RECORD_HOLD_NOTHING,
    };
    pthread_mutex_init(&ring->lock, NULL);
    /* Pages that no record has reached yet are not resident. */
    ring->bytes = malloc(bytes_max);
    ring->places = malloc(count_max * sizeof *ring->places);
    if (!ring->bytes || !ring->places) {
        record_ring_free(ring);
        return NULL;
    }
    return ring;
}

void
record_ring_free(struct record_ring *ring)
{
    if (!ring)
        return;
    pthread_mutex_destroy(&ring->lock);
    free(ring->bytes);
    free(ring->places);
    free(ring);
}

void
record_ring_begin(struct record_ring *ring, uint64_t number)
{
    pthread_mutex_lock(&ring->lock);
    ring->oldest = ring->next = ring->published = number;
    pthread_mutex_unlock(&ring->lock);
}

static struct place *
place_of(struct record_ring *ring, uint64_t number)
{
    return &ring->places[number % ring->count_max];
}

/* Makes room for `size` bytes; false when a held record stands in the way. */
static bool
make_room_locked(struct record_ring *ring, size_t size, uint64_t *position_out)
{
    uint64_t position = ring->end;
    size_t left = ring->bytes_max - (size_t)(position % ring->bytes_max);
    if (left < size)
        position += left;
    uint64_t oldest = ring->oldest;
    while (oldest < ring->next &&
           (ring->next - oldest >= ring->count_max ||
            position + size - place_of(ring, oldest)->position > ring->bytes_max)) {
        if (oldest >= ring->held)
            return false;
        oldest++;
    }
    ring->oldest = oldest;
    *position_out = position;
    return true;
}

uint64_t
record_ring_stage(struct record_ring *ring, const struct record_part *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    if (size > ring->bytes_max / 4)
        return 0;

    uint64_t number = 0;
    uint64_t position;
    pthread_mutex_lock(&ring->lock);
    if (make_room_locked(ring, size, &position)) {
        char *to = ring->bytes + position % ring->bytes_max;
        for (size_t i = 0; i < count; i++) {
            if (parts[i].size > 0)
                memcpy(to, parts[i].bytes, parts[i].size);
            to += parts[i].size;
        }
        number = ring->next++;
        *place_of(ring, number) = (struct place){ position, size };
        ring->end = position + size;
    }
    pthread_mutex_unlock(&ring->lock);
    return number;
}

void
record_ring_publish(struct record_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    bool wake = ring->wanted && ring->published != ring->next;
    ring->published = ring->next;
    ring->wanted = ring->wanted && !wake;
    pthread_mutex_unlock(&ring->lock);
    if (wake)
        ring->wake(ring->context);
}

uint64_t
record_ring_write(struct record_ring *ring, const struct record_part *parts, size_t count)
{
    uint64_t number = record_ring_stage(ring, parts, count);
    if (number != 0)
        record_ring_publish(ring);
    return number;
}

enum record_found
record_ring_read(struct record_ring *ring, uint64_t number, struct buffer *record)
{
    enum record_found found = RECORD_FOUND;
    buffer_consume(record, record->size);
    pthread_mutex_lock(&ring->lock);
    if (number >= ring->published) {
        found = RECORD_NOT_YET;
    } else if (number < ring->oldest) {
        found = RECORD_LOST;
    } else {
        const struct place *place = place_of(ring, number);
        if (!buffer_append(record, ring->bytes + place->position % ring->bytes_max, place->size))
            found = RECORD_LOST;
    }
    pthread_mutex_unlock(&ring->lock);
    return found;
}

void
record_ring_want(struct record_ring *ring, uint64_t last_seen)
{
    pthread_mutex_lock(&ring->lock);
    bool now = ring->published > last_seen + 1;
    if (!now)
        ring->wanted = true;
    pthread_mutex_unlock(&ring->lock);
    if (now)
        ring->wake(ring->context);
}

void
record_ring_hold(struct record_ring *ring, uint64_t number)
{
    pthread_mutex_lock(&ring->lock);
    ring->held = number;
    pthread_mutex_unlock(&ring->lock);
}

uint64_t
record_ring_oldest(struct record_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    uint64_t oldest = ring->oldest;
    pthread_mutex_unlock(&ring->lock);
    return oldest;
}

uint64_t
record_ring_newest(struct record_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    uint64_t newest = ring->published - 1;
    pthread_mutex_unlock(&ring->lock);
    return newest;
}
