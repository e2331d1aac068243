/* Actor system: what is made once, started, stopped and freed in that order. */
#include "runtime/actor_system.h"

#include <assert.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/event_log.h"
#include "runtime/internal.h"
#include "runtime/start_gate.h"

static unsigned
cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    unsigned count = (unsigned)CPU_COUNT(&set);
    return count < WORKERS_MAX ? count : WORKERS_MAX;
}

static void
fill_in_defaults(struct actor_system_options *options)
{
    if (options->workers == 0)
        options->workers = cores();
    if (options->actors_max == 0)
        options->actors_max = ACTORS_MAX_DEFAULT;
    if (options->tick_us == 0)
        options->tick_us = TICK_US_DEFAULT;
    if (options->max_concurrent_starts == 0)
        options->max_concurrent_starts = START_GATE_STARTS_PER_WORKER * options->workers;
}

static enum airs_status
make_workers(struct actor_system *system)
{
    unsigned workers = system->options.workers;
    size_t bytes = workers * sizeof *system->workers;
    system->workers = aligned_alloc(alignof(struct worker), bytes);
    if (!system->workers)
        return AIRS_ENOMEM;
    memset(system->workers, 0, bytes);
    for (unsigned i = 0; i < workers; i++) {
        struct worker *worker = &system->workers[i];
        worker->system = system;
        worker->index = i;
        worker->random = i;
        run_queue_init(&worker->queue);
    }
    return AIRS_OK;
}

static enum airs_status
make_shared_parts(struct actor_system *system)
{
    const struct actor_system_options *options = &system->options;

    system->text_pool = refstr_new("pool", 4);
    system->text_turn = refstr_new("turn", 4);
    system->event_log = event_log_new();
    system->start_gate =
        start_gate_new(system, options->max_concurrent_starts, options->instances_max);
    system->dependencies = dependencies_new(system);
    if (!system->text_pool || !system->text_turn || !system->event_log || !system->start_gate ||
        !system->dependencies)
        return AIRS_ENOMEM;
    enum airs_status status = actor_table_init(&system->table, options->actors_max);
    return status == AIRS_OK ? make_workers(system) : status;
}

enum airs_status
actor_system_new(const struct actor_system_options *options, struct actor_system **system_out,
                 struct airs_error *error)
{
    if (options->workers > WORKERS_MAX)
        return fail(error, AIRS_EINVAL, "%u workers: at most %u", options->workers, WORKERS_MAX);

    struct actor_system *system = aligned_alloc(alignof(struct actor_system), sizeof *system);
    if (!system)
        return fail(error, AIRS_ENOMEM, "actor system: out of memory");
    *system = (struct actor_system){ .options = *options };
    fill_in_defaults(&system->options);
    registry_init(&system->registry);
    shared_policies_init(&system->policies);
    clock_thread_init(&system->clock);
    enum airs_status status = make_shared_parts(system);
    if (status != AIRS_OK) {
        actor_system_free(system);
        return fail(error, status, "actor system: out of memory");
    }
    *system_out = system;
    return AIRS_OK;
}

/* Signals are the main thread's: ours inherit a full mask, but for those by which the kernel
 * tells a thread of its own fault. A guest's trap arrives as one; blocked it ends the process. */
static int
start_threads(struct actor_system *system)
{
    static const int faults[] = { SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP };
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    int result = pthread_create(&system->clock.thread, NULL, clock_thread_main, system);
    system->clock.has_thread = result == 0;
    for (unsigned i = 0; i < system->options.workers && result == 0; i++) {
        struct worker *worker = &system->workers[i];
        result = pthread_create(&worker->thread, NULL, worker_main, worker);
        worker->has_thread = result == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

enum airs_status
actor_system_start(struct actor_system *system, struct airs_error *error)
{
    assert(!system->started);

    system->started = true;
    int result = start_threads(system);
    if (result == 0)
        return AIRS_OK;
    actor_system_stop(system);
    return fail(error, AIRS_EIO, "cannot start a thread: %s", strerror(result));
}

static void
join_threads(struct actor_system *system)
{
    /* seq_cst: pairs with the look at `stopping` of a parking worker. */
    atomic_store(&system->stopping, true);
    for (unsigned i = 0; i < system->options.workers; i++)
        if (system->workers[i].has_thread)
            parking_wake(system, i);
    for (unsigned i = 0; i < system->options.workers; i++)
        if (system->workers[i].has_thread)
            pthread_join(system->workers[i].thread, NULL);
    atomic_store(&system->clock.is_over, true);
    clock_thread_nudge(&system->clock);
    if (system->clock.has_thread)
        pthread_join(system->clock.thread, NULL);
}

static void
destroy_actor(struct actor_system *system, struct actor *actor)
{
    uint64_t before = atomic_fetch_or(&actor->word, ACTOR_DEAD);
    if (!(before & ACTOR_DEAD))
        actor_finish(system, actor);
}

void
actor_system_stop(struct actor_system *system)
{
    assert(!worker_is_here());
    if (system->stopped)
        return;
    system->stopped = true;
    join_threads(system);
    for (unsigned slot = 0; slot < system->table.slots; slot++) {
        struct actor *chunk = atomic_load(&system->table.chunks[slot / ACTOR_CHUNK]);
        destroy_actor(system, &chunk[slot % ACTOR_CHUNK]);
    }
}

void
actor_system_free(struct actor_system *system)
{
    if (!system)
        return;
    if (system->workers)
        actor_system_stop(system);
    for (unsigned i = 0; system->workers && i < system->options.workers; i++)
        run_queue_deinit(&system->workers[i].queue);
    free(system->workers);
    actor_table_deinit(&system->table);
    start_gate_free(system->start_gate);
    dependencies_free(system->dependencies);
    event_log_free(system->event_log);
    refstr_unref(system->text_pool);
    refstr_unref(system->text_turn);
    clock_thread_deinit(&system->clock);
    registry_deinit(&system->registry);
    shared_policies_deinit(&system->policies);
    free(system);
}

unsigned
actor_system_workers(const struct actor_system *system)
{
    return system->options.workers;
}

static uint64_t
read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

struct worker_counters
actor_system_worker_counters(const struct actor_system *system, unsigned index)
{
    assert(index < system->options.workers);
    const struct worker *worker = &system->workers[index];
    return (struct worker_counters){
        .turns = read_counter(&worker->turns),
        .steals = read_counter(&worker->steals),
        .stolen = read_counter(&worker->stolen),
        .parks = read_counter(&worker->parks),
    };
}

struct actor_system_counters
actor_system_counters(struct actor_system *system)
{
    pthread_mutex_lock(&system->table.lock);
    size_t alive = system->table.alive;
    pthread_mutex_unlock(&system->table.lock);
    return (struct actor_system_counters){
        .dead_letters = read_counter(&system->dead_letters),
        .refused = read_counter(&system->refused),
        .clock_wakeups = read_counter(&system->clock.wakeups),
        .ticks = read_counter(&system->clock.ticks),
        .actors = alive,
    };
}

struct event_log *
actor_system_event_log(struct actor_system *system)
{
    return system->event_log;
}

struct start_gate *
actor_system_start_gate(struct actor_system *system)
{
    return system->start_gate;
}
