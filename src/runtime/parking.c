/* Parking: how workers sleep and are woken, and how many search for work.
 *
 * Sleeping without a lost wake-up. A parking worker sets its idle bit, fences, and looks at
 * all queues again; a pusher pushes, fences, and reads the idle bits. One of the two sees the
 * other. While a worker searches, pushers wake nobody: the searcher gives up its searching
 * before that fence, and so its look comes after any push that relied on it. One that finds
 * something as the last searcher looks whether there is more, and wakes the next.
 */
#include <assert.h>
#include <stdatomic.h>

#include "runtime/fence.h"
#include "runtime/futex.h"
#include "runtime/internal.h"

/* What a token says. */
enum unpark { UNPARK_NONE, UNPARK_LOOK, UNPARK_SEARCH };

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

void
parking_notify(struct actor_system *system)
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

static bool
work_is_visible(struct actor_system *system)
{
    for (unsigned i = 0; i < system->options.workers; i++)
        if (!run_queue_is_empty(&system->workers[i].queue))
            return true;
    return false;
}

bool
parking_begin_search(struct worker *worker)
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

void
parking_end_search(struct worker *worker)
{
    if (!worker->is_searching)
        return;
    worker->is_searching = false;
    if (atomic_fetch_sub(&worker->system->searching, 1) != 1)
        return;
    fence_seq_cst();
    if (work_is_visible(worker->system))
        parking_notify(worker->system);
}

static void
stop_searching_unsuccessfully(struct worker *worker)
{
    if (worker->is_searching)
        atomic_fetch_sub(&worker->system->searching, 1);
    worker->is_searching = false;
}

void
parking_sleep(struct worker *worker)
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
    worker_count(&worker->parks, 1);
    worker->is_searching = token == UNPARK_SEARCH;
}

bool
parking_wake(struct actor_system *system, unsigned index)
{
    if (!claim_idle(system, index))
        return false;
    give_token(&system->workers[index], UNPARK_LOOK);
    return true;
}
