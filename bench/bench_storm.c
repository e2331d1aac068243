/* Storm: 1,000 components of one supervisor trap at once, and all run again.
 *
 * The floor is the same with nothing of ours but the engine's folder: as many threads as there are
 * workers, each of which lets its share of 1,000 live instances trap, deletes them and starts and
 * initializes the next, at the same time, in the same engine and pool. Its wall time is
 * 1,000 × floor ÷ workers. Floor and storm are taken in turns in one process, since the speed of a
 * machine drifts. Ours lasts from before the first message that lets one trap until the last of the
 * 1,000 is `started` again; the medians are compared.
 *
 * Meanwhile a thread asks an untouched neighbour under the same supervisor, one question after the
 * other. It stands behind those that are to run before it, as everybody does; that it is answered
 * again and again before the storm is over is judged, too. Exits 1 on a miss.
 */
#include <pthread.h>

#include "engine/instance.h"
#include "rig.h"

#define ACTORS 1000u
#define ROUNDS_MIN 9u  /* Of each; more, up to ROUNDS_MAX, while it is a miss: the machine may */
#define ROUNDS_MAX 31u /* be busy with others. */
#define SPARE 64u
#define RATIO_MAX 1.5
#define ANSWERS_MIN 2.0 /* Of the neighbour in one storm, in the median. */
#define MEMORY_BYTES (UINT64_C(64) << 20)

static const char crash[] = "crash trap";

static double
median_of(const double *samples, size_t size)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, samples, size * sizeof *sorted);
    for (size_t i = 1; i < size; i++)
        for (size_t j = i; j > 0 && sorted[j - 1] > sorted[j]; j--) {
            double swapped = sorted[j];
            sorted[j] = sorted[j - 1];
            sorted[j - 1] = swapped;
        }
    return sorted[size / 2];
}

/* ---- The floor ---- */

struct floor_share {
    pthread_t thread;
    struct component *component;
    pthread_barrier_t *barrier;
    struct instance *instances[ACTORS];
    size_t size;
};

static void
finish(struct instance *instance, enum outcome_kind expected)
{
    while (instance_poll(instance) == CALL_PENDING)
        continue;
    if (instance_outcome(instance)->kind != expected)
        abort();
}

static struct instance *
start_instance(struct component *component)
{
    static const struct guest_config config = { .memory_bytes_max = MEMORY_BYTES };
    struct airs_error error = { 0 };
    struct instance *instance;

    rig_check(instance_new(component, &(struct instance_options){ 0 }, &instance, &error), &error);
    instance_begin_instantiate(instance);
    finish(instance, OUTCOME_OK);
    instance_begin_initialize(instance, &config);
    finish(instance, OUTCOME_OK);
    return instance;
}

static void *
restart_share(void *argument)
{
    struct floor_share *share = argument;
    struct guest_message message = {
        .sender = { { "bench", 5 }, { "sender", 6 }, { "0", 1 } },
        .payload = { crash, sizeof crash - 1 },
    };

    pthread_barrier_wait(share->barrier);
    for (size_t i = 0; i < share->size; i++) {
        instance_begin_handle_message(share->instances[i], &message);
        finish(share->instances[i], OUTCOME_TRAP);
        instance_free(share->instances[i]);
        share->instances[i] = start_instance(share->component);
    }
    pthread_barrier_wait(share->barrier);
    return NULL;
}

struct storm_floor {
    struct component *component;
    struct floor_share *shares;
    unsigned threads;
};

static void
floor_open(struct storm_floor *floor, struct rig *rig, unsigned threads)
{
    struct airs_error error = { 0 };
    char file[4096];

    snprintf(file, sizeof file, "%s/echo.wasm", rig_guests());
    rig_check(component_open(rig->engine, file, RIG_CACHE, &floor->component, &error), &error);
    floor->threads = threads;
    floor->shares = calloc(threads, sizeof *floor->shares);
    for (unsigned i = 0; i < ACTORS; i++) {
        struct floor_share *share = &floor->shares[i % threads];
        share->component = floor->component;
        share->instances[share->size++] = start_instance(floor->component);
    }
}

/* Milliseconds of 1,000 restarts by all threads at once. */
static double
floor_ms(struct storm_floor *floor)
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, floor->threads + 1);
    for (unsigned i = 0; i < floor->threads; i++) {
        floor->shares[i].barrier = &barrier;
        pthread_create(&floor->shares[i].thread, NULL, restart_share, &floor->shares[i]);
    }
    pthread_barrier_wait(&barrier);
    uint64_t from_ns = clock_now_ns();
    pthread_barrier_wait(&barrier);
    double ms = (double)(clock_now_ns() - from_ns) / 1e6;
    for (unsigned i = 0; i < floor->threads; i++)
        pthread_join(floor->shares[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
    return ms;
}

static void
floor_shut(struct storm_floor *floor)
{
    for (unsigned i = 0; i < floor->threads; i++)
        for (size_t j = 0; j < floor->shares[i].size; j++)
            instance_free(floor->shares[i].instances[j]);
    free(floor->shares);
    component_unref(floor->component);
}

/* ---- The neighbour ---- */

struct neighbour {
    struct rig *rig;
    airs_pid pid;
    struct reply reply;
    _Atomic uint64_t answered;
    _Atomic bool is_over;
    double longest_ms;
};

static void
answered(struct reply *reply, enum airs_status status, const char *text, const void *bytes,
         size_t size)
{
    (void)text, (void)bytes, (void)size;
    if (status != AIRS_OK)
        abort();
    atomic_fetch_add(&container_of(reply, struct neighbour, reply)->answered, 1);
}

static void *
ask_neighbour(void *argument)
{
    struct neighbour *neighbour = argument;
    struct timespec pause = { 0, 100000 };

    for (uint64_t asked = 1; !atomic_load(&neighbour->is_over); asked++) {
        uint64_t from_ns = clock_now_ns();
        rig_send(neighbour->rig, neighbour->pid, "hello", &neighbour->reply);
        while (atomic_load(&neighbour->answered) < asked)
            nanosleep(&pause, NULL);
        double ms = (double)(clock_now_ns() - from_ns) / 1e6;
        neighbour->longest_ms = ms > neighbour->longest_ms ? ms : neighbour->longest_ms;
    }
    return NULL;
}

/* ---- The storm ---- */

struct storm {
    _Atomic uint64_t started;
    _Atomic uint64_t last_ns; /* Of the last `started`. */
    airs_pid pids[ACTORS];
};

static void
note_start(void *context, const struct event *event)
{
    struct storm *storm = context;

    if (event->type != EVENT_STARTED)
        return;
    atomic_store(&storm->last_ns, clock_now_ns());
    atomic_fetch_add(&storm->started, 1);
}

static double
storm_ms(struct rig *rig, struct storm *storm)
{
    uint64_t running = atomic_load(&storm->started);
    uint64_t from_ns = clock_now_ns();
    for (unsigned i = 0; i < ACTORS; i++)
        rig_send(rig, storm->pids[i], crash, NULL);
    rig_wait(&storm->started, running + ACTORS);
    return (double)(atomic_load(&storm->last_ns) - from_ns) / 1e6;
}

static void
add_actors(struct rig *rig, struct storm *storm)
{
    char path[16];

    rig_add(rig, "/neighbour", "echo");
    for (unsigned i = 0; i < ACTORS; i++) {
        snprintf(path, sizeof path, "/a%u", i);
        rig_add(rig, path, "echo");
        storm->pids[i] = rig_pid(rig, path);
    }
    rig_start(rig);
    rig_wait(&storm->started, ACTORS + 1);
}

/* Takes storm and floor in turns; true as soon as both targets are met. */
static bool
take_turns(struct rig *rig, struct storm *storm, struct storm_floor *floor)
{
    static struct neighbour neighbour;
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], longest[ROUNDS_MAX], answers[ROUNDS_MAX];
    double ratio = 0, heard = 0;
    bool met = false;

    neighbour = (struct neighbour){ .rig = rig, .reply.done = answered };
    neighbour.pid = rig_pid(rig, "/neighbour");
    for (size_t round = 0; round < ROUNDS_MAX && !met; round++) {
        pthread_t asker;
        theirs[round] = floor_ms(floor);
        neighbour.longest_ms = 0;
        atomic_store(&neighbour.answered, 0);
        atomic_store(&neighbour.is_over, false);
        pthread_create(&asker, NULL, ask_neighbour, &neighbour);
        ours[round] = storm_ms(rig, storm);
        answers[round] = (double)atomic_load(&neighbour.answered);
        atomic_store(&neighbour.is_over, true);
        pthread_join(asker, NULL);
        longest[round] = neighbour.longest_ms;
        ratio = median_of(ours, round + 1) / median_of(theirs, round + 1);
        heard = median_of(answers, round + 1);
        met = round + 1 >= ROUNDS_MIN && ratio <= RATIO_MAX && heard >= ANSWERS_MIN;
        if (met || round + 1 == ROUNDS_MAX)
            printf("1,000 traps at once, %zu rounds: %.2f ms until all run again, floor %.2f ms; "
                   "a neighbour's longest wait %.2f ms\n",
                   round + 1, median_of(ours, round + 1), median_of(theirs, round + 1),
                   median_of(longest, round + 1));
    }
    met = rig_judge("  times (1,000 x floor / workers)", ratio, "<=", RATIO_MAX);
    return rig_judge("  answers of the neighbour meanwhile", heard, ">=", ANSWERS_MIN) && met;
}

int
main(void)
{
    static struct storm storm;
    struct storm_floor floor = { 0 };
    struct rig rig;

    rig_begin(&rig, 0, 2 * ACTORS + SPARE, note_start, &storm);
    unsigned workers = actor_system_workers(rig.system);
    add_actors(&rig, &storm);
    floor_open(&floor, &rig, workers);
    bool met = take_turns(&rig, &storm, &floor);
    floor_shut(&floor);
    rig_end(&rig);
    return met ? 0 : 1;
}
