/* Clock thread: fires timers, and ticks while a guest runs.
 *
 * It sleeps until the next timer is due, for ever if there is none. While a guest runs it
 * also wakes at each tick; TICK_LINGER_US after the last guest it parks the ticker. A guest
 * that begins then unparks it: the guest side stores guest_begins, fences, and reads
 * ticker_parked; the clock stores ticker_parked, fences, and reads guest_begins. One of the two
 * sees the other.
 *
 * The word `sequence` changes before every nudge, and the thread reads it before it looks at
 * anything, so a nudge that comes while it looks ends the next wait at once.
 */
#include <assert.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "runtime/fence.h"
#include "runtime/futex.h"
#include "runtime/internal.h"
#include "runtime/timer.h"

void
clock_thread_init(struct clock_thread *clock)
{
    pthread_mutex_init(&clock->lock, NULL);
    heap_init(&clock->timers);
    clock->sleeps_until_us = 0;
    atomic_init(&clock->ticker_parked, true);
    atomic_init(&clock->is_over, false);
}

void
clock_thread_deinit(struct clock_thread *clock)
{
    pthread_mutex_destroy(&clock->lock);
}

void
clock_thread_nudge(struct clock_thread *clock)
{
    atomic_fetch_add_explicit(&clock->sequence, 1, memory_order_release);
    futex_wake(&clock->sequence);
}

/* ---- Timers ---- */

void
timer_init(struct timer *timer, airs_pid owner)
{
    *timer = (struct timer){ .owner = owner };
    control_init(&timer->control, CONTROL_TIMER);
    heap_node_init(&timer->node);
}

static void
disarm_locked(struct actor_system *system, struct timer *timer)
{
    if (timer->node.is_linked)
        heap_remove(&system->clock.timers, &timer->node);
    else
        control_recall(system, timer->owner, &timer->control);
}

void
timer_arm(struct actor_system *system, struct timer *timer, uint64_t at_us)
{
    struct clock_thread *clock = &system->clock;

    pthread_mutex_lock(&clock->lock);
    disarm_locked(system, timer);
    timer->due_us = at_us;
    heap_add(&clock->timers, &timer->node, at_us);
    bool too_late = at_us < clock->sleeps_until_us;
    if (too_late)
        clock->sleeps_until_us = at_us;
    pthread_mutex_unlock(&clock->lock);

    if (too_late)
        clock_thread_nudge(clock);
}

void
timer_disarm(struct actor_system *system, struct timer *timer)
{
    pthread_mutex_lock(&system->clock.lock);
    disarm_locked(system, timer);
    pthread_mutex_unlock(&system->clock.lock);
}

/* Fires what is due; returns when to look again: at the next timer, at most at `until_us`. The
 * control is sent under the lock, so that a timer is never between heap and lane. */
static uint64_t
fire_due(struct actor_system *system, uint64_t until_us)
{
    struct clock_thread *clock = &system->clock;

    for (;;) {
        uint64_t now_us = clock_now_us();
        pthread_mutex_lock(&clock->lock);
        struct heap_node *first = heap_first(&clock->timers);
        if (!first || first->key > now_us) {
            clock->sleeps_until_us = first && first->key < until_us ? first->key : until_us;
            uint64_t sleeps_until_us = clock->sleeps_until_us;
            pthread_mutex_unlock(&clock->lock);
            return sleeps_until_us;
        }
        struct timer *timer = container_of(first, struct timer, node);
        heap_remove(&clock->timers, first);
        control_send(system, timer->owner, &timer->control);
        pthread_mutex_unlock(&clock->lock);
    }
}

/* ---- Ticks ---- */

/* What the ticker remembers between two ticks; the clock thread's own. */
struct ticker {
    bool is_running;
    uint64_t next_us;
    uint64_t last_guest_us;
    uint64_t begins_seen; /* Sum over all workers: differs once any guest began. */
};

/* Whether a guest runs now, and the sum of all begins. */
static bool
look_for_guests(struct actor_system *system, uint64_t *begins_out)
{
    bool runs = false;
    uint64_t begins = 0;
    for (unsigned i = 0; i < system->options.workers; i++) {
        uint64_t of_worker = atomic_load(&system->workers[i].guest_begins);
        runs = runs || (of_worker & 1);
        begins += of_worker;
    }
    *begins_out = begins;
    return runs;
}

static void
park_ticker(struct actor_system *system, struct ticker *ticker)
{
    uint64_t begins;
    atomic_store(&system->clock.ticker_parked, true);
    fence_seq_cst(); /* Pairs with actor_context_guest_begin(). */
    bool runs = look_for_guests(system, &begins);
    if (runs || begins != ticker->begins_seen)
        atomic_store(&system->clock.ticker_parked, false);
    else
        ticker->is_running = false;
}

static void
tick(struct actor_system *system, struct ticker *ticker, uint64_t now_us)
{
    uint64_t begins;
    bool runs = look_for_guests(system, &begins);
    if (runs || begins != ticker->begins_seen)
        ticker->last_guest_us = now_us;
    ticker->begins_seen = begins;

    atomic_fetch_add_explicit(&system->clock.ticks, 1, memory_order_relaxed);
    if (runs && system->options.tick)
        system->options.tick(system->options.tick_ctx);
    ticker->next_us += system->options.tick_us;
    if (ticker->next_us <= now_us)
        ticker->next_us = now_us + system->options.tick_us; /* Missed ones are not made up. */
    if (now_us - ticker->last_guest_us >= TICK_LINGER_US)
        park_ticker(system, ticker);
}

static void
run_ticker(struct actor_system *system, struct ticker *ticker)
{
    uint64_t now_us = clock_now_us();
    if (!ticker->is_running && !atomic_load(&system->clock.ticker_parked)) {
        ticker->is_running = true;
        ticker->last_guest_us = now_us;
        ticker->next_us = now_us + system->options.tick_us;
    }
    if (ticker->is_running && now_us >= ticker->next_us)
        tick(system, ticker, now_us);
}

void *
clock_thread_main(void *argument)
{
    struct actor_system *system = argument;
    struct clock_thread *clock = &system->clock;
    struct ticker ticker = { 0 };

    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* Nanoseconds: wake when due, not 50 µs later. */
    for (;;) {
        unsigned sequence = atomic_load_explicit(&clock->sequence, memory_order_acquire);
        if (atomic_load(&clock->is_over))
            return NULL;
        run_ticker(system, &ticker);
        uint64_t until_us = fire_due(system, ticker.is_running ? ticker.next_us : UINT64_MAX);
        if (until_us > clock_now_us()) {
            futex_wait(&clock->sequence, sequence, until_us);
            atomic_fetch_add_explicit(&clock->wakeups, 1, memory_order_relaxed);
        }
    }
}
