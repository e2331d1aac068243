/* Worker: takes an actor, runs one turn of it, decides where it goes next; sleeps when there
 * is nothing anywhere.
 *
 * The state word says who may touch an actor (flags in internal.h):
 *
 *     idle ──wake──▶ QUEUED ──worker──▶ RUNNING ──park──▶ idle
 *                      ▲                   │ yield, or woken meanwhile
 *                      └───────────────────┘
 *
 * A wake of an idle actor sets QUEUED and pushes it; of any other it sets WOKEN. The worker
 * clears WOKEN on the way from QUEUED to RUNNING, so whatever was written before such a wake
 * is seen by this turn. Afterwards it exchanges exactly RUNNING for idle; if that fails,
 * somebody has woken the actor during the turn, and it is queued again.
 *
 * How it sleeps, and who wakes it, is in parking.c.
 */
#include <assert.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/random.h"
#include "runtime/fence.h"
#include "runtime/internal.h"

#define NEXT_STREAK_MAX 3u /* Turns out of the next slot in a row, in one slice. */
/* This pick takes from the back first, the next such one past the urgent ones in front: nobody
 * starves. */
#define OVERTAKEN_EVERY 61u

static _Thread_local struct worker *current_worker;

/* ---- Queueing ---- */

/* From a thread that is no worker: to a sleeping worker, best to the one that ran it last. */
static void
schedule_from_outside(struct actor_system *system, struct actor *actor)
{
    unsigned last = atomic_load_explicit(&actor->last_worker, memory_order_relaxed);
    uint64_t idle = atomic_load(&system->idle);
    unsigned target = last;
    if (idle && !(idle >> last & 1))
        target = (unsigned)__builtin_ctzll(idle);

    run_queue_push(&system->workers[target].queue, actor, QUEUE_FRONT);
    fence_seq_cst(); /* Between push and idle bits: see parking.c. */
    if (!parking_wake(system, target))
        parking_notify(system);
}

bool
worker_is_here(void)
{
    return current_worker != NULL;
}

void
worker_schedule(struct actor_system *system, struct actor *actor)
{
    struct worker *worker = current_worker;
    if (!worker || worker->system != system) {
        schedule_from_outside(system, actor);
        return;
    }

    /* A guest may go on computing after it woke somebody: then another worker must be able to
     * take him, and a next slot is never stolen from. */
    bool in_guest = atomic_load_explicit(&worker->guest_begins, memory_order_relaxed) & 1;
    if (!worker->next && !in_guest) {
        worker->next = actor;
        return;
    }
    run_queue_push(&worker->queue, actor, QUEUE_FRONT);
    parking_notify(system);
}

/* ---- Picking ---- */

static bool
next_may_run(struct worker *worker)
{
    if (!worker->next || worker->next_streak >= NEXT_STREAK_MAX)
        return false;
    bool urgent_waits = atomic_load_explicit(&worker->queue.urgent, memory_order_relaxed) > 0;
    return !urgent_waits || worker->next->is_supervisor || atomic_load(&worker->next->urgent);
}

void
worker_share_next(struct worker *worker)
{
    struct actor *actor = worker->next;
    if (!actor)
        return;
    worker->next = NULL;
    run_queue_push(&worker->queue, actor, QUEUE_FRONT);
    parking_notify(worker->system);
}

/* The first that is overtaken all the time, if it is its turn; else NULL. */
static struct actor *
pick_overtaken(struct worker *worker)
{
    uint64_t pick = ++worker->picks;
    if (pick % OVERTAKEN_EVERY != 0)
        return NULL;
    bool odd = pick / OVERTAKEN_EVERY % 2;
    return run_queue_pop_overtaken(&worker->queue, odd ? QUEUE_BACK : QUEUE_FRONT);
}

/* Once a tick, an urgent actor out of the queue of a worker that does not get to it: that one may
 * be in a long turn, or wait for a core itself. */
static struct actor *
pick_urgent_elsewhere(struct worker *worker)
{
    struct actor_system *system = worker->system;
    uint64_t tick = atomic_load_explicit(&system->clock.ticks, memory_order_relaxed);
    if (tick == worker->looked_tick)
        return NULL;
    worker->looked_tick = tick;
    if (atomic_load_explicit(&worker->queue.urgent, memory_order_relaxed) > 0)
        return NULL;

    for (unsigned i = 0; i < system->options.workers; i++) {
        struct run_queue *queue = &system->workers[i].queue;
        if (atomic_load_explicit(&queue->urgent, memory_order_relaxed) == 0)
            continue;
        struct actor *actor = run_queue_take_urgent(queue);
        if (actor)
            return actor;
    }
    return NULL;
}

static struct actor *
take_next(struct worker *worker)
{
    struct actor *actor = worker->next;
    worker->next = NULL;
    return actor;
}

static struct actor *
pick(struct worker *worker)
{
    struct actor *special = pick_overtaken(worker);
    if (!special)
        special = pick_urgent_elsewhere(worker);
    if (!special && next_may_run(worker)) {
        worker->next_streak++;
        return take_next(worker); /* In the slice of the one that woke it. */
    }

    worker->next_streak = 0;
    worker->slice_tick = atomic_load_explicit(&worker->system->clock.ticks, memory_order_relaxed);
    if (special) {
        worker_share_next(worker);
        return special;
    }
    if (worker->next && run_queue_is_empty(&worker->queue))
        return take_next(worker);
    worker_share_next(worker);
    return run_queue_pop(&worker->queue);
}

/* ---- Stealing ---- */

static struct actor *
steal(struct worker *worker)
{
    struct actor_system *system = worker->system;
    unsigned workers = system->options.workers;
    unsigned first = (unsigned)random_up_to(&worker->random, workers - 1);

    for (unsigned i = 0; i < workers; i++) {
        struct worker *victim = &system->workers[(first + i) % workers];
        if (victim == worker)
            continue;
        size_t stolen = 0;
        struct actor *actor = run_queue_steal(&worker->queue, &victim->queue, &stolen);
        if (!actor)
            continue;
        worker_count(&worker->steals, 1);
        worker_count(&worker->stolen, stolen);
        return actor;
    }
    return NULL;
}

/* ---- Running ---- */

static void
requeue(struct worker *worker, struct actor *actor, enum queue_end end)
{
    uint64_t before = atomic_load_explicit(&actor->word, memory_order_relaxed);
    uint64_t after = (before & ~ACTOR_FLAGS) | ACTOR_QUEUED;
    before = atomic_exchange_explicit(&actor->word, after, memory_order_acq_rel);
    assert((before & ~ACTOR_WOKEN) == ((before & ~ACTOR_FLAGS) | ACTOR_RUNNING));

    run_queue_push(&worker->queue, actor, end);
    /* From here on it may run, and end, elsewhere. One alone is what this worker takes next, or
     * behind a supervisor's turn, which is short. */
    bool waits_long = worker->next && !worker->next->is_supervisor;
    if (waits_long || atomic_load_explicit(&worker->queue.size, memory_order_relaxed) > 1)
        parking_notify(worker->system);
}

static bool
slice_is_used_up(const struct worker *worker)
{
    return atomic_load_explicit(&worker->system->clock.ticks, memory_order_relaxed) !=
           worker->slice_tick;
}

static void
settle(struct worker *worker, struct actor *actor, enum actor_turn turn, uint64_t running)
{
    switch (turn) {
    case ACTOR_PARK: {
        uint64_t expected = running;
        /* Release: what this turn wrote is seen by the next. Failure: WOKEN. */
        if (!atomic_compare_exchange_strong_explicit(&actor->word, &expected,
                                                     running & ~ACTOR_FLAGS, memory_order_acq_rel,
                                                     memory_order_relaxed))
            requeue(worker, actor, slice_is_used_up(worker) ? QUEUE_BACK : QUEUE_FRONT);
        return;
    }
    case ACTOR_YIELD:
        requeue(worker, actor, QUEUE_BACK);
        return;
    case ACTOR_GIVE_WAY:
        requeue(worker, actor, slice_is_used_up(worker) ? QUEUE_BACK : QUEUE_FRONT);
        return;
    case ACTOR_END:
        atomic_exchange_explicit(&actor->word, (running & ~ACTOR_FLAGS) | ACTOR_DEAD,
                                 memory_order_acq_rel);
        actor_finish(worker->system, actor);
        return;
    }
    assert(false && "a turn is one of the four");
}

static void
worker_run(struct worker *worker, struct actor *actor)
{
    uint64_t generation = atomic_load_explicit(&actor->word, memory_order_relaxed) & ~ACTOR_FLAGS;
    uint64_t running = generation | ACTOR_RUNNING;
    /* Acquire pairs with the release of every wake whose QUEUED or WOKEN this takes. */
    uint64_t before = atomic_exchange_explicit(&actor->word, running, memory_order_acq_rel);
    assert((before & ~ACTOR_WOKEN) == (generation | ACTOR_QUEUED));

    /* Before the turn takes its control messages: one that comes later makes it urgent again. */
    if (atomic_load_explicit(&actor->urgent, memory_order_relaxed))
        atomic_store(&actor->urgent, false);
    atomic_store_explicit(&actor->last_worker, worker->index, memory_order_relaxed);
    struct actor_context context = {
        .actor = actor,
        .worker = worker,
        .self = generation | actor->slot,
    };
    worker_count(&worker->turns, 1);
    settle(worker, actor, actor->behaviour->run(&context), running);
}

void *
worker_main(void *argument)
{
    struct worker *worker = argument;
    current_worker = worker;
    while (!atomic_load_explicit(&worker->system->stopping, memory_order_relaxed)) {
        struct actor *actor = pick(worker);
        if (!actor && parking_begin_search(worker))
            actor = steal(worker);
        if (!actor) {
            parking_sleep(worker);
            continue;
        }
        parking_end_search(worker);
        worker_run(worker, actor);
    }
    current_worker = NULL;
    return NULL;
}
