/* Timer: wakes its owner at a time, by a control message that lies in the timer itself.
 *
 * All timers of a system stand in one heap under one lock, in memory of their owners. The
 * clock thread sleeps until the next one is due, and for ever if there is none.
 */
#ifndef RUNTIME_TIMER_H
#define RUNTIME_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <airs/types.h>

#include "base/heap.h"
#include "runtime/mailbox.h"

struct actor_system;

struct timer {
    struct control control; /* CONTROL_TIMER in the owner's lane, once it has fired. */
    airs_pid owner;         /* Constant after timer_init(). */
    struct heap_node node;  /* Under the timers' lock. */
    uint64_t due_us;        /* Under the timers' lock. */
};

/** A timer at rest, whose firing goes to `owner`. */
void timer_init(struct timer *timer, airs_pid owner);

/**
 * Fires once at `at_us` (clock_now_us(); a time gone by: at once): the owner takes
 * &timer->control from its control lane. Armed or fired and not yet taken: that is undone
 * first. Thread: one at a time for a timer, usually its owner's turn.  Blocks: no.
 * Allocates: no.
 */
void timer_arm(struct actor_system *system, struct timer *timer, uint64_t at_us);

/**
 * Afterwards it stands neither in the heap nor in the owner's lane: its memory is the caller's
 * alone. Nothing to disarm is fine. Thread: as timer_arm().  Blocks: no.
 */
void timer_disarm(struct actor_system *system, struct timer *timer);

#endif
