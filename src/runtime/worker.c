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
 * Sleeping without a lost wake-up. A parking worker sets its idle bit, fences, and looks at
 * all queues again; a pusher pushes, fences, and reads the idle bits. One of the two sees the
 * other. While a worker searches, pushers wake nobody: the searcher gives up its searching
 * before that fence, and so its look comes after any push that relied on it. One that finds
 * something as the last searcher looks whether there is more, and wakes the next.
 */
#include <assert.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/random.h"
#include "runtime/fence.h"
#include "runtime/futex.h"
#include "runtime/internal.h"

#define NEXT_STREAK_MAX 3u /* Turns out of the next slot in a row, in one slice. */
/* This pick takes from the back first, the next such one past the urgent ones in front: nobody
 * starves. */
#define OVERTAKEN_EVERY 61u

/* What a token says. */
enum unpark { UNPARK_NONE, UNPARK_LOOK, UNPARK_SEARCH };

static _Thread_local struct worker *current_worker;

/* ---- Waking workers ---- */

static void
give_token(struct worker *worker, enum unpark token)
{
    atomic_store_explicit(&worker->token, token, memory_order_release);
    futex_wake(&worker->token);
}

/* Clears the idle bit of `worker`; true: it was set, and now a token is owed to it. */
static bool
claim_idle(struct actor_system *system, unsigned index)
{
    uint64_t bit = UINT64_C(1) << index;
    return (atomic_fetch_and(&system->idle, ~bit) & bit) != 0;
}

/* After a push: wakes one worker to search, unless one searches already or none sleeps. */
static void
notify_any(struct actor_system *system)
{
    fence_seq_cst(); /* Between push and idle bits: see the top. */
    if (atomic_load(&system->idle) == 0 || atomic_load(&system->searching) != 0)
        return;
    unsigned nobody = 0;
    if (!atomic_compare_exchange_strong(&system->searching, &nobody, 1))
        return;

    for (uint64_t idle; (idle = atomic_load(&system->idle)) != 0;) {
        unsigned index = (unsigned)__builtin_ctzll(idle);
        if (claim_idle(system, index)) {
            give_token(&system->workers[index], UNPARK_SEARCH);
            return;
        }
    }
    atomic_fetch_sub(&system->searching, 1);
}

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
    fence_seq_cst(); /* Between push and idle bits: see the top. */
    if (claim_idle(system, target))
        give_token(&system->workers[target], UNPARK_LOOK);
    else
        notify_any(system);
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
    notify_any(system);
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
    notify_any(worker->system);
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
    struct actor *overtaken = pick_overtaken(worker);
    if (!overtaken && next_may_run(worker)) {
        worker->next_streak++;
        return take_next(worker); /* In the slice of the one that woke it. */
    }

    worker->next_streak = 0;
    worker->slice_tick = atomic_load_explicit(&worker->system->clock.ticks, memory_order_relaxed);
    if (overtaken) {
        worker_share_next(worker);
        return overtaken;
    }
    if (worker->next && run_queue_is_empty(&worker->queue))
        return take_next(worker);
    worker_share_next(worker);
    return run_queue_pop(&worker->queue);
}

/* ---- Stealing ---- */

static void
count(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + more, memory_order_relaxed);
}

static bool
work_is_visible(struct actor_system *system)
{
    for (unsigned i = 0; i < system->options.workers; i++)
        if (!run_queue_is_empty(&system->workers[i].queue))
            return true;
    return false;
}

/* At most half of the workers search; one alone has nobody to steal from. */
static bool
begin_searching(struct worker *worker)
{
    if (worker->is_searching)
        return true;
    unsigned others = atomic_fetch_add(&worker->system->searching, 1);
    if (2 * (others + 1) > worker->system->options.workers) {
        atomic_fetch_sub(&worker->system->searching, 1);
        return false;
    }
    worker->is_searching = true;
    return true;
}

/* Something was found. The last searcher makes up for pushers that relied on it. */
static void
end_searching(struct worker *worker)
{
    if (!worker->is_searching)
        return;
    worker->is_searching = false;
    if (atomic_fetch_sub(&worker->system->searching, 1) != 1)
        return;
    fence_seq_cst();
    if (work_is_visible(worker->system))
        notify_any(worker->system);
}

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
        count(&worker->steals, 1);
        count(&worker->stolen, stolen);
        return actor;
    }
    return NULL;
}

/* ---- Parking ---- */

static void
stop_searching_unsuccessfully(struct worker *worker)
{
    if (worker->is_searching)
        atomic_fetch_sub(&worker->system->searching, 1);
    worker->is_searching = false;
}

static void
park(struct worker *worker)
{
    struct actor_system *system = worker->system;
    uint64_t bit = UINT64_C(1) << worker->index;

    atomic_fetch_or(&system->idle, bit);
    stop_searching_unsuccessfully(worker);
    fence_seq_cst(); /* Between idle bit and queues: see the top. */
    bool stay_awake = work_is_visible(system) || atomic_load(&system->stopping);
    if (stay_awake && claim_idle(system, worker->index)) {
        /* What was seen must not be left lying, whoever else searches. */
        worker->is_searching = true;
        atomic_fetch_add(&system->searching, 1);
        return;
    }

    /* If somebody else has cleared the bit, a token is on its way. */
    unsigned token;
    while ((token = atomic_exchange_explicit(&worker->token, UNPARK_NONE, memory_order_acquire)) ==
           UNPARK_NONE)
        futex_wait(&worker->token, UNPARK_NONE, UINT64_MAX);
    count(&worker->parks, 1);
    worker->is_searching = token == UNPARK_SEARCH;
}

void
worker_unpark_for_stop(struct worker *worker)
{
    if (claim_idle(worker->system, worker->index))
        give_token(worker, UNPARK_LOOK);
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
    /* From here on it may run, and end, elsewhere. One alone is what this worker takes next. */
    if (worker->next || atomic_load_explicit(&worker->queue.size, memory_order_relaxed) > 1)
        notify_any(worker->system);
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
    case ACTOR_END:
        atomic_exchange_explicit(&actor->word, (running & ~ACTOR_FLAGS) | ACTOR_DEAD,
                                 memory_order_acq_rel);
        actor_finish(worker->system, actor);
        return;
    }
    assert(false && "a turn is one of the three");
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
    count(&worker->turns, 1);
    settle(worker, actor, actor->behaviour->run(&context), running);
}

void *
worker_main(void *argument)
{
    struct worker *worker = argument;
    current_worker = worker;
    while (!atomic_load_explicit(&worker->system->stopping, memory_order_relaxed)) {
        struct actor *actor = pick(worker);
        if (!actor && begin_searching(worker))
            actor = steal(worker);
        if (!actor) {
            park(worker);
            continue;
        }
        end_searching(worker);
        worker_run(worker, actor);
    }
    current_worker = NULL;
    return NULL;
}
