/* Run queue: the actors that wait for one worker, in two intrusive lists under one lock.
 *
 *     front: urgent ones, in their order, then those that were woken
 *     back:  those that used up their slice
 *
 * An actor is in at most one list of one queue, so nothing allocates and nothing overflows.
 * The lock is held for a few instructions, never two at once.
 */
#ifndef RUNTIME_RUN_QUEUE_H
#define RUNTIME_RUN_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct actor;

struct run_queue {
    pthread_mutex_t lock;
    struct list front;
    struct list back;
    struct list *urgent_last; /* The last urgent one in `front`, or &front. */
    size_t front_size;
    size_t back_size;

    /* Written under the lock, read by anybody. A parking worker's and a pusher's seq_cst fences
     * order `size` against the idle bits, see parking.c. */
    atomic_size_t size;
    atomic_size_t urgent; /* A hint: whether something urgent waits here. */
};

enum queue_end { QUEUE_FRONT, QUEUE_BACK };

void run_queue_init(struct run_queue *queue);
void run_queue_deinit(struct run_queue *queue);

/** Appends to the list; an urgent actor goes to the front, behind the urgent ones there. */
void run_queue_push(struct run_queue *queue, struct actor *actor, enum queue_end end);
/** The next one, in the order of the lists; NULL when empty. */
struct actor *run_queue_pop(struct run_queue *queue);
/** One of those that others overtake: the back's first, or the front's first that is not
 *  urgent; `prefer` says which of the two if there are both; else any. */
struct actor *run_queue_pop_overtaken(struct run_queue *queue, enum queue_end prefer);
/** Half of `from`, rounded up: one is returned, the others move to `to`. NULL: nothing there. */
struct actor *run_queue_steal(struct run_queue *to, struct run_queue *from, size_t *stolen_out);
/** The first, if it is urgent; else NULL. For other workers. */
struct actor *run_queue_take_urgent(struct run_queue *queue);
/** An actor that has become urgent while it waits in some queue moves ahead there. */
void run_queue_promote(struct actor *actor);

static inline bool
run_queue_is_empty(const struct run_queue *queue)
{
    return atomic_load_explicit(&queue->size, memory_order_relaxed) == 0;
}

#endif
