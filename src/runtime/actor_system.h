/* Actor system: N workers, a clock thread, the slots of all actors, and what they share.
 *
 * Order of an orderly end: actor_system_stop() joins the threads and destroys every actor;
 * then whatever wakes actors from threads of its own (the engine) is freed; then
 * actor_system_free() unmaps the slots. Up to there waking any pid is harmless.
 */
#ifndef RUNTIME_ACTOR_SYSTEM_H
#define RUNTIME_ACTOR_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

struct actor_system;
struct event_log;
struct start_gate;

#define WORKERS_MAX 64u               /* One idle bit each in one word; more is EINVAL. */
#define ACTORS_MAX_DEFAULT (1u << 20) /* Actors alive at a time; actor_spawn() then says ELIMIT. */
#define TICK_US_DEFAULT 1000u         /* Length of a slice: between two ticks of the clock. */
#define TICK_LINGER_US 100000u        /* The ticker parks after so long without a guest. */

struct actor_system_options {
    unsigned workers;    /* 0: one per core that this process may use. */
    unsigned actors_max; /* 0: ACTORS_MAX_DEFAULT. */
    unsigned tick_us;    /* 0: TICK_US_DEFAULT. */
    /* Called by the clock thread at each tick while a guest runs: increments the engine's
     * epoch. NULL: nothing. */
    void (*tick)(void *ctx);
    void *tick_ctx;
    unsigned max_concurrent_starts; /* 0: START_GATE_STARTS_PER_WORKER × workers. */
    unsigned instances_max;         /* Engine slots; 0: no limit. */
};

/* What one worker has done so far; each number only grows. */
struct worker_counters {
    uint64_t turns;  /* Actors run. */
    uint64_t steals; /* Times that work was taken from another worker. */
    uint64_t stolen; /* Actors taken so. */
    uint64_t parks;  /* Times that it went to sleep. */
};

struct actor_system_counters {
    uint64_t dead_letters;  /* Messages refused or dropped after they had been accepted. */
    uint64_t refused;       /* Messages that actor_send() gave back: full, or not accepting. */
    uint64_t clock_wakeups; /* Times that the clock thread came out of its wait. */
    uint64_t ticks;         /* Slice ticks so far. */
    size_t actors;          /* Alive now. */
};

/**
 * A system without threads yet. `options` is copied; zero fields take their defaults.
 * Fails with EINVAL (workers > WORKERS_MAX), ENOMEM.
 * Ownership: the caller frees it.  Thread: any.  Blocks: no.
 */
enum airs_status actor_system_new(const struct actor_system_options *options,
                                  struct actor_system **system_out, struct airs_error *error);

/**
 * Starts workers and clock. Signals are blocked in them. Actors spawned or woken earlier run
 * from now on. Fails with EIO when a thread cannot be made; what was started is stopped again.
 * Thread: the owner's.  Blocks: no.  Once in a system's life.
 */
enum airs_status actor_system_start(struct actor_system *system, struct airs_error *error);

/**
 * Ends all threads at the end of the turn that each is in, then destroys every actor on the
 * calling thread: states by their behaviour's destroy, queued messages and requests answered
 * with AIRS_EENDED. Afterwards every pid is dead, and wake, send and requests find nobody.
 * A guest that computes ends its turn at the next tick, if it asks should_yield.
 * Thread: the owner's, no worker.  Blocks: until the turns are over.  Twice is allowed.
 */
void actor_system_stop(struct actor_system *system);

/** Stops, then frees everything, slots too. NULL is allowed. Thread: the owner's. */
void actor_system_free(struct actor_system *system);

/** Number of workers. Thread: any. */
unsigned actor_system_workers(const struct actor_system *system);

/** Counters of worker `index` < workers; a snapshot, each number by itself. Thread: any. */
struct worker_counters actor_system_worker_counters(const struct actor_system *system,
                                                    unsigned index);
struct actor_system_counters actor_system_counters(struct actor_system *system);

/** The log that all supervisors of this system write to. Constant. Thread: any. */
struct event_log *actor_system_event_log(struct actor_system *system);
/** The gate that all starts of this system pass. Constant. Thread: any. */
struct start_gate *actor_system_start_gate(struct actor_system *system);

#endif
