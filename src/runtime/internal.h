/* What the files of the runtime know of one another. Included by nobody outside it. */
#ifndef RUNTIME_INTERNAL_H
#define RUNTIME_INTERNAL_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/heap.h"
#include "runtime/actor.h"
#include "runtime/actor_system.h"
#include "runtime/dependencies.h"
#include "runtime/event_log.h"
#include "runtime/mailbox.h"
#include "runtime/registry.h"
#include "runtime/run_queue.h"
#include "runtime/shared_policy.h"
#include "runtime/start_gate.h"

struct child_link;
struct worker;

/* ---- Actors ---- */

/* The state word: the slot's generation in the high 32 bits, flags in the low ones. */
#define ACTOR_QUEUED (UINT64_C(1) << 0)  /* In a run queue, a next slot, or on its way there. */
#define ACTOR_RUNNING (UINT64_C(1) << 1) /* In a turn. */
#define ACTOR_WOKEN (UINT64_C(1) << 2)   /* Woken while queued or running. */
#define ACTOR_DEAD (UINT64_C(1) << 3)    /* Over, or never begun. */
#define ACTOR_FLAGS (ACTOR_QUEUED | ACTOR_RUNNING | ACTOR_WOKEN | ACTOR_DEAD)

/* A slot, and the actor in it. Never unmapped while the system lives. */
struct actor {
    /* Any thread: read-modify-write, see actor_wake() and worker_run(). */
    alignas(64) _Atomic uint64_t word;

    /* Constant from spawn to end; `word` and the registry publish it. Beside what is looked at
     * with it. */
    struct refstr *path;
    uint32_t slot; /* Constant. */

    /* Any thread. Pairs with queued_in, as in Dekker's algorithm: whoever makes the actor
     * urgent stores `urgent` and then looks where it is queued; whoever queues it stores
     * `queued_in` and then looks whether it is urgent. All four are seq_cst. */
    atomic_bool urgent;
    _Atomic(struct run_queue *) queued_in; /* Changed under that queue's lock. */
    struct list queue_link;                /* That queue's lock. */
    bool queued_urgent;                    /* That queue's lock. */
    enum queue_end queued_end;             /* That queue's lock. */
    atomic_uint last_worker;               /* A hint: where its cache lines may be. */

    /* Set: once, by the supervisor (release). Read: the actor's turn (acquire). */
    _Atomic(struct child_link *) link;
    airs_pid supervisor; /* Set and read with it. */

    struct mailbox mailbox; /* Its own lock. */

    /* Constant from spawn to end; `word` publishes them. */
    const struct actor_behaviour *behaviour;
    void *state;
    bool is_supervisor;

    struct actor *free_next; /* The table's lock. */
};

struct actor_context {
    struct actor *actor;
    struct worker *worker;
    airs_pid self;
};

/** The actor in the slot that `pid` names, whoever that is now; NULL: no such slot. */
struct actor *actor_at(struct actor_system *system, airs_pid pid);
struct actor *actor_in_slot(struct actor_system *system, uint32_t slot);
/** After the last turn: word is DEAD already. Answers what is queued, destroys, frees the slot. */
void actor_finish(struct actor_system *system, struct actor *actor);
/** actor_wake(); of an actor that waits in a queue, moves it ahead there. */
void actor_wake_urgent(struct actor_system *system, airs_pid pid);

/** The inbox of `actor`, which is alive; NULL: it is no supervisor. */
struct dependency_inbox *supervisor_inbox_of(const struct actor *actor);
/** The supervisor is over before it took this request: answers EENDED. */
void supervisor_request_abandon(struct control *control);

/* ---- Slots ---- */

#define ACTOR_CHUNK 1024u /* Slots that are allocated together. */

struct actor_table {
    pthread_mutex_t lock;            /* Spawn and end alone. */
    _Atomic(struct actor *) *chunks; /* Release by the spawn that made it; acquire by actor_at(). */
    unsigned chunks_max;
    unsigned slots; /* Handed out so far, at most slots_max. */
    unsigned slots_max;
    struct actor *free;
    size_t alive;
};

enum airs_status actor_table_init(struct actor_table *table, unsigned slots_max);
void actor_table_deinit(struct actor_table *table);
struct actor *actor_table_take(struct actor_table *table); /* NULL: full, or out of memory. */
void actor_table_give_back(struct actor_table *table, struct actor *actor);

/* ---- Workers ---- */

struct worker {
    /* Constant after start. */
    struct actor_system *system;
    unsigned index;
    pthread_t thread;
    bool has_thread;

    /* This worker's thread only. */
    alignas(64) struct actor *next; /* Woken by the actor that ran here last; QUEUED. */
    unsigned next_streak;
    uint64_t picks;
    uint64_t slice_tick;  /* The tick in which the slice began. */
    uint64_t looked_tick; /* The tick in which it last looked for urgent ones elsewhere. */
    bool is_searching;
    uint64_t random;

    /* This worker's thread writes. */
    _Atomic uint64_t guest_begins; /* Odd while in a guest. The clock thread reads, see
                                     * actor_context_guest_begin(). */
    _Atomic uint64_t turns, steals, stolen, parks;

    alignas(64) struct run_queue queue; /* push: any thread; pop: this worker; steal: any. */
    alignas(64) atomic_uint token;      /* A futex. 0: none; enum unpark. Given by whoever has
                                         * cleared the idle bit; release, taken with acquire. */
};

/** Puts a QUEUED actor where it will run soon, and sees to it that somebody looks. Any thread. */
void worker_schedule(struct actor_system *system, struct actor *actor);
void *worker_main(void *worker);
/** Whether this thread is a worker, of any system: it must not wait for others. */
bool worker_is_here(void);
/** Whoever stands in the next slot moves to the queue, where others can take him. Its thread. */
void worker_share_next(struct worker *worker);
/* A number that one thread writes and others read. */
static inline void
worker_count(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + more, memory_order_relaxed);
}

/* ---- Parking ---- */

/** After a push: wakes one worker to search, unless one searches already or none sleeps. */
void parking_notify(struct actor_system *system);
/** Wakes that worker, if it sleeps, to look at its queue and at `stopping`. */
bool parking_wake(struct actor_system *system, unsigned index);
/** At most half of the workers search; one alone has nobody to steal from. False: no more may. */
bool parking_begin_search(struct worker *worker);
/** Something was found. The last searcher makes up for pushers that relied on it. */
void parking_end_search(struct worker *worker);
/** Nothing was found: sleeps until there may be something. */
void parking_sleep(struct worker *worker);

/* ---- The clock thread ---- */

struct clock_thread {
    pthread_mutex_t lock; /* Timers; may be held while taking a mailbox's or a queue's. */
    struct heap timers;
    uint64_t sleeps_until_us; /* Under the lock: when the thread will look by itself. */

    pthread_t thread;
    bool has_thread;
    alignas(64) atomic_uint sequence; /* A futex: changes whenever the thread must look. */
    atomic_bool ticker_parked;        /* Pairs with guest_begins, see clock_thread.c. */
    _Atomic uint64_t ticks;           /* Slices are counted in it. */
    _Atomic uint64_t wakeups;
    /* Set before the last nudge, once no worker is left: until then guests in their last turn
     * need its ticks to give up. */
    atomic_bool is_over;
};

void clock_thread_init(struct clock_thread *clock);
void clock_thread_deinit(struct clock_thread *clock);
void *clock_thread_main(void *system);
/** Makes the thread look at timers, ticker and `is_over`. Any thread. */
void clock_thread_nudge(struct clock_thread *clock);

/* ---- The system ---- */

struct actor_system {
    /* Constant after start. */
    struct actor_system_options options; /* Defaults filled in. */
    struct worker *workers;
    struct event_log *event_log;
    struct start_gate *start_gate;
    struct dependencies *dependencies;
    struct refstr *text_pool; /* "pool" and "turn", as events say what is waited for. */
    struct refstr *text_turn;
    bool started;
    bool stopped;

    struct actor_table table;
    struct registry registry;
    struct shared_policies policies;
    struct clock_thread clock;

    alignas(64) _Atomic uint64_t idle; /* One bit per parked worker, see parking.c. */
    atomic_uint searching;             /* Workers that look for work to steal. */
    atomic_bool stopping;

    _Atomic uint64_t dead_letters;
    _Atomic uint64_t refused;
};

#endif
