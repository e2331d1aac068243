/* The runtime alone, with native actors: throughput of one and two workers, latencies, a
 * restart, the registry, and what an idle system costs. Exits 1 when a target is missed.
 */
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "runtime/actor.h"
#include "runtime/actor_system.h"
#include "runtime/event_log.h"
#include "runtime/native_actor.h"
#include "runtime/registry.h"
#include "runtime/supervisor_actor.h"

#include "native_rig.h"

#define PAIRS 64
#define PING_PONG_MS 300
#define RUNS 10 /* Of each; the best counts: the machine is shared. */
#define SAMPLES 5000
#define RESTARTS 20000
#define PATHS 10000
#define LOOKUPS 2000000
#define IDLE_MS 1000

#define SPEEDUP_MIN 1.4  /* Of two workers over one. */
#define OWN_CORE_MIN 0.9 /* With less of a core per worker, wall time says nothing of the two. */
#define WAKE_MEDIAN_MAX_US 100.0
#define RESTART_MEDIAN_MAX_US 10.0

/* ---- Ping-pong ---- */

struct player {
    alignas(64) airs_pid other;
    _Atomic uint64_t hits;
};

static void
hit_back(struct actor_context *context, void *state, struct message *message)
{
    struct player *player = state;
    uint64_t hits = atomic_load_explicit(&player->hits, memory_order_relaxed);
    atomic_store_explicit(&player->hits, hits + 1, memory_order_relaxed);
    check(actor_send(actor_context_system(context), player->other, message));
}

static const struct native_behaviour player_behaviour = { .name = "player", .handle = hit_back };

static void
start_pairs(struct actor_system *system, struct player *players)
{
    for (int i = 0; i < 2 * PAIRS; i += 2) {
        players[i + 1].other = spawn_native(system, &player_behaviour, &players[i]);
        players[i].other = spawn_native(system, &player_behaviour, &players[i + 1]);
        check(actor_send(system, players[i].other, message_new("ball", 4)));
    }
}

static uint64_t
count_hits(const struct player *players)
{
    uint64_t hits = 0;
    for (int i = 0; i < 2 * PAIRS; i++)
        hits += atomic_load_explicit(&players[i].hits, memory_order_relaxed);
    return hits;
}

static double
cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Messages per second; the best of all runs, of the clock's and of processor time. */
struct rates {
    double per_second;
    double per_cpu_second;
    double cores; /* That the machine gave to it. */
};

static void
keep_best(struct rates *best, struct rates rates)
{
    if (rates.per_second > best->per_second)
        best->per_second = rates.per_second;
    if (rates.per_cpu_second > best->per_cpu_second)
        best->per_cpu_second = rates.per_cpu_second;
    if (rates.cores > best->cores)
        best->cores = rates.cores;
}

static struct rates
play(unsigned workers)
{
    static struct player players[2 * PAIRS];
    memset(players, 0, sizeof players);
    struct actor_system *system = begin(workers);
    start_pairs(system, players);
    pause_ms(20); /* Until all workers have their share. */
    uint64_t before = count_hits(players);
    uint64_t begin_ns = clock_now_ns();
    double begin_cpu = cpu_seconds();
    pause_ms(PING_PONG_MS);
    double hits = (double)(count_hits(players) - before);
    double seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
    double cpu = cpu_seconds() - begin_cpu;
    struct rates rates = {
        .per_second = hits / seconds,
        .per_cpu_second = hits / cpu,
        .cores = cpu / seconds,
    };
    actor_system_free(system);
    return rates;
}

static void
measure_ping_pong(void)
{
    struct rates one = { 0 };
    struct rates two = { 0 };
    /* In turns and equally often, so that both meet the same neighbours. */
    for (int i = 0; i < RUNS; i++) {
        keep_best(&one, play(1));
        keep_best(&two, play(2));
    }
    printf("%-52s %.2f M/s on one worker, %.2f M/s on two\n", "ping-pong messages",
           one.per_second / 1e6, two.per_second / 1e6);
    printf("%-52s %.2f M/s on one worker, %.2f M/s on two\n", "the same in a second of CPU time",
           one.per_cpu_second / 1e6, two.per_cpu_second / 1e6);
    if (two.cores < 2 * OWN_CORE_MIN)
        printf(
            "the machine gave two workers %.2f cores at best: the next line says little of them\n",
            two.cores);
    judge("ping-pong: two workers over one", two.per_second / one.per_second, true, SPEEDUP_MIN);
}

/* ---- A worker that only steals ---- */

struct litter {
    airs_pid pids[1000];
    _Atomic uint64_t done;
};

static enum actor_turn
do_little(struct actor_context *context)
{
    struct litter *litter = actor_context_state(context);
    for (volatile int i = 0; i < 20000; i++)
        continue;
    atomic_fetch_add(&litter->done, 1);
    return ACTOR_PARK;
}

static enum actor_turn
wake_litter(struct actor_context *context)
{
    struct litter *litter = actor_context_state(context);
    for (int i = 0; i < 1000; i++)
        actor_wake(actor_context_system(context), litter->pids[i]);
    return ACTOR_END;
}

static void
measure_stealing(void)
{
    static const struct actor_behaviour little = { .name = "little", .run = do_little };
    static const struct actor_behaviour waker = { .name = "waker", .run = wake_litter };
    static struct litter litter;
    struct actor_system *system = begin(2);
    airs_pid pid;
    for (int i = 0; i < 1000; i++)
        check(actor_spawn(system, &(struct actor_options){ .behaviour = &little, .state = &litter },
                          &litter.pids[i], NULL));
    check(actor_spawn(system, &(struct actor_options){ .behaviour = &waker, .state = &litter },
                      &pid, NULL));
    actor_wake(system, pid);
    while (atomic_load(&litter.done) < 1000)
        sched_yield();
    uint64_t stolen = 0;
    for (unsigned i = 0; i < 2; i++)
        stolen += actor_system_worker_counters(system, i).stolen;
    judge("of 1000 actors woken on one worker, stolen by the other", (double)stolen, true, 1);
    actor_system_free(system);
}

/* ---- Latencies ---- */

struct listener {
    _Atomic uint64_t heard_ns;
};

static void
hear_message(struct actor_context *context, void *state, struct message *message)
{
    (void)context;
    struct listener *listener = state;
    atomic_store(&listener->heard_ns, clock_now_ns());
    message_finish(message, AIRS_OK, NULL, NULL, 0);
}

static void
hear_control(struct actor_context *context, void *state, struct control *control)
{
    (void)context;
    (void)control;
    struct listener *listener = state;
    atomic_store(&listener->heard_ns, clock_now_ns());
}

static const struct native_behaviour listener_behaviour = {
    .name = "listener",
    .handle = hear_message,
    .control = hear_control,
};

static double
await_heard_us(struct listener *listener, uint64_t begin_ns)
{
    uint64_t heard_ns;
    while ((heard_ns = atomic_load(&listener->heard_ns)) == 0)
        sched_yield();
    return (double)(heard_ns - begin_ns) / 1e3;
}

/* From the send on this thread to the handler, nothing else running. The worker may be asleep or
 * on its way there. */
static void
measure_wake(void)
{
    static double us[SAMPLES];
    struct listener listener = { 0 };
    struct actor_system *system = begin(2);
    airs_pid pid = spawn_native(system, &listener_behaviour, &listener);
    for (int i = 0; i < SAMPLES; i++) {
        struct message *message = message_new("wake", 4);
        atomic_store(&listener.heard_ns, 0);
        uint64_t begin_ns = clock_now_ns();
        check(actor_send(system, pid, message));
        us[i] = await_heard_us(&listener, begin_ns);
    }
    double median = print_latency("send to an idle system, until handled", us, SAMPLES);
    judge("the same, median in us", median, false, WAKE_MEDIAN_MAX_US);
    actor_system_free(system);
}

/* From control_send() to its handler, while both workers are busy with ping-pong. */
static void
measure_control(void)
{
    static double us[SAMPLES];
    static struct player players[2 * PAIRS];
    struct listener listener = { 0 };
    struct actor_system *system = begin(2);
    airs_pid pid = spawn_native(system, &listener_behaviour, &listener);
    struct control control;
    control_init(&control, CONTROL_USER);
    start_pairs(system, players);
    for (int i = 0; i < SAMPLES; i++) {
        atomic_store(&listener.heard_ns, 0);
        uint64_t begin_ns = clock_now_ns();
        control_send(system, pid, &control);
        us[i] = await_heard_us(&listener, begin_ns);
    }
    print_latency("control message beside 128 busy actors", us, SAMPLES);
    actor_system_free(system);
}

/* ---- A restart ---- */

struct phoenix {
    uint64_t died_ns;
    _Atomic uint64_t lives;
    double us[RESTARTS + 1];
};

static bool
rise(struct actor_context *context, void *state, uint32_t generation)
{
    (void)context;
    struct phoenix *phoenix = state;
    if (generation > 1 && generation - 2 < RESTARTS)
        phoenix->us[generation - 2] = (double)(clock_now_ns() - phoenix->died_ns) / 1e3;
    atomic_store(&phoenix->lives, generation);
    return true;
}

static void
burn(struct actor_context *context, void *state, struct message *message)
{
    struct phoenix *phoenix = state;
    message_finish(message, AIRS_OK, NULL, NULL, 0);
    phoenix->died_ns = clock_now_ns();
    native_exit(context, (struct exit_info){ EXIT_TRAP, 9 }, NULL);
}

static const struct native_behaviour phoenix_behaviour = {
    .name = "phoenix",
    .begin = rise,
    .handle = burn,
};

static void
count_event(void *ctx, const struct event *event)
{
    (void)event;
    *(uint64_t *)ctx += 1;
}

static void
supervise_phoenix(struct actor_system *system, struct phoenix *phoenix, airs_pid *pid_out)
{
    struct refstr *root_path = refstr_new("/", 1);
    struct refstr *path = refstr_new("/phoenix", 8);
    airs_pid root;
    check(supervisor_actor_spawn(system, &(struct supervisor_options){ .path = root_path }, &root,
                                 NULL));
    check(native_spawn(system,
                       &(struct native_options){ .behaviour = &phoenix_behaviour,
                                                 .state = phoenix,
                                                 .path = path,
                                                 .mailbox_max = 10,
                                                 .supervised = true },
                       pid_out, NULL));
    struct supervisor_request add = {
        .verb = REQUEST_ADD,
        .path = path,
        .child = *pid_out,
        .policy = child_policy_default(false),
    };
    add.policy.max_restarts = RESTARTS_UNLIMITED;
    add.policy.backoff.strategy = BACKOFF_IMMEDIATE;
    check(supervisor_request_wait(system, root, &add));
    struct supervisor_request start = { .verb = REQUEST_START_ALL };
    check(supervisor_request_wait(system, root, &start));
    refstr_unref(root_path);
    refstr_unref(path);
}

/* From the report of the end to `begin` of the next generation, event stream on. */
static void
measure_restart(void)
{
    static struct phoenix phoenix;
    uint64_t events = 0;
    struct actor_system *system = begin(2);
    check(event_log_add_sink(actor_system_event_log(system), count_event, &events, NULL));
    airs_pid pid;
    supervise_phoenix(system, &phoenix, &pid);
    for (uint64_t life = 1; life <= RESTARTS; life++) {
        while (atomic_load(&phoenix.lives) < life)
            sched_yield();
        check(actor_send(system, pid, message_new("burn", 4)));
    }
    while (atomic_load(&phoenix.lives) <= RESTARTS)
        sched_yield();
    double median = print_latency("restart of a native child", phoenix.us, RESTARTS);
    judge("the same, median in us", median, false, RESTART_MEDIAN_MAX_US);
    actor_system_free(system);
}

/* ---- Registry ---- */

static void
measure_registry(void)
{
    struct actor_system *system = begin(1);
    static struct listener listener;
    static char texts[PATHS][24];
    for (int i = 0; i < PATHS; i++) {
        snprintf(texts[i], sizeof texts[i], "/web/child-%d", i);
        struct refstr *path = refstr_new(texts[i], strlen(texts[i]));
        airs_pid pid;
        check(native_spawn(system,
                           &(struct native_options){
                               .behaviour = &listener_behaviour, .state = &listener, .path = path },
                           &pid, NULL));
        refstr_unref(path);
    }
    airs_pid sum = 0;
    uint64_t begin_ns = clock_now_ns();
    for (int i = 0; i < LOOKUPS; i++)
        sum += registry_find(system, texts[((size_t)i * 7919) % PATHS]);
    double lookup_ns = (double)(clock_now_ns() - begin_ns) / LOOKUPS;

    airs_pid pid = registry_find(system, texts[0]);
    begin_ns = clock_now_ns();
    for (int i = 0; i < LOOKUPS; i++)
        sum += actor_is_alive(system, pid + (airs_pid)(i % PATHS));
    double alive_ns = (double)(clock_now_ns() - begin_ns) / LOOKUPS;
    printf("%-52s %.1f ns (%d actors; %llx)\n", "pid to actor", alive_ns, PATHS,
           (unsigned long long)sum);
    begin_ns = clock_now_ns();
    for (int i = 0; i < LOOKUPS; i++)
        sum += registry_find(system, texts[i % 8]);
    double hot_ns = (double)(clock_now_ns() - begin_ns) / LOOKUPS;
    printf("%-52s %.1f ns, %.1f ns of eight that are asked for again and again\n", "path to pid",
           lookup_ns, hot_ns);
    actor_system_free(system);
}

/* ---- Idle ---- */

static uint64_t
wakeups(struct actor_system *system)
{
    uint64_t sum = actor_system_counters(system).clock_wakeups;
    for (unsigned i = 0; i < actor_system_workers(system); i++)
        sum += actor_system_worker_counters(system, i).parks;
    return sum;
}

static void
measure_idle(void)
{
    struct actor_system *system = begin(4);
    static struct listener listener;
    for (int i = 0; i < 1000; i++)
        actor_wake(system, spawn_native(system, &listener_behaviour, &listener));
    pause_ms(300); /* All have run, and everything sleeps. */
    struct rusage before, after;
    uint64_t wakeups_before = wakeups(system);
    getrusage(RUSAGE_SELF, &before);
    pause_ms(IDLE_MS);
    getrusage(RUSAGE_SELF, &after);
    judge("wake-ups of an idle system in 1 s", (double)(wakeups(system) - wakeups_before), false,
          0);
    printf("%-52s %ld\n", "context switches of the process meanwhile",
           after.ru_nvcsw - before.ru_nvcsw + after.ru_nivcsw - before.ru_nivcsw);
    actor_system_free(system);
}

int
main(void)
{
    measure_ping_pong();
    measure_stealing();
    measure_wake();
    measure_control();
    measure_restart();
    measure_registry();
    measure_idle();
    return all_met ? 0 : 1;
}
