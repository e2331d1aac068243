/* Guests without wasm: actors that compute as one does, and one that counts its turns. */
#ifndef GUEST_TESTING_H
#define GUEST_TESTING_H

#include "runtime_testing.h"

/* ---- Guests: they compute until the epoch callback says yield ---- */

struct guest {
    struct actor_system *system;
    airs_pid self;
    atomic_long slices;
    atomic_bool stop;
    struct counter *ended;
    unsigned long work;
};

/* As the engine does: a poll that computes, asks at epochs, and wakes itself to yield. */
static inline enum actor_turn
compute(struct actor_context *context)
{
    struct guest *guest = actor_context_state(context);
    actor_context_guest_begin(context);
    while (!actor_context_should_yield(context) && !atomic_load(&guest->stop))
        guest->work = guest->work * 3 + 1;
    actor_wake(actor_context_system(context), actor_context_self(context));
    actor_context_guest_end(context);
    atomic_fetch_add(&guest->slices, 1);
    if (!atomic_load(&guest->stop))
        return ACTOR_PARK; /* Woken by itself: queued again, behind the others. */
    counter_add(guest->ended, 1);
    return ACTOR_END;
}

static const struct actor_behaviour guest_behaviour = { .name = "guest", .run = compute };

/* ---- An actor that counts its turns ---- */

struct ticker {
    struct counter turns;
};

static inline enum actor_turn
count_turn(struct actor_context *context)
{
    struct ticker *ticker = actor_context_state(context);
    while (actor_context_take_control(context))
        continue;
    counter_add(&ticker->turns, 1);
    return ACTOR_PARK;
}

static const struct actor_behaviour ticker_behaviour = { .name = "ticker", .run = count_turn };

#endif
