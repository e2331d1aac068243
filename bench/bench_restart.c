/* bench_restart: what a restart costs in a whole application, beside the engine's floor.
 *
 * An actor in C, `immediate`, is hit by messages that trap, as fast as it takes them: from one
 * `started` to the next. In between lie the message, the trap with its backtrace, the exit, the
 * decision, the new store and instance and its `initialize`; through node, bridge, registry,
 * handles and the ring that events go into, and, as in the daemon, the journal before it. No
 * instance is made beforehand. The floor is trap + delete + store + instantiate + initialize.
 *
 * The machine changes its speed while this runs. So the three take turns, in batches, and each
 * median is of all its batches. Exits 1 when a target is missed.
 */
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <airs/application.h>

#include "daemon/event_ring.h"
#include "floor.h"
#include "rig.h"
#include "store/store.h"

#define BATCHES 10u
#define BATCH 400u
#define WARM_UP 100u /* Of a batch. */
#define RESTARTS (BATCHES * BATCH)
#define STORE_DIR BINARY_DIR "/bench-restart"

struct crashing {
    struct airs_application *application;
    struct record_ring *events;
    struct store *store; /* NULL: without journal. */
    _Atomic uint64_t starts;
    double at_ns[WARM_UP + BATCH + 1]; /* Of the starts in this batch. */
    uint64_t batch_begins;             /* The number of starts before it. */
    double ns[RESTARTS];
};

static void
note_event(void *context, const struct airs_event *event)
{
    struct crashing *crashing = context;

    if (crashing->store)
        store_add(crashing->store, event);
    event_ring_stage(crashing->events, event);
    if (strcmp(event->event, "started") != 0)
        return;
    uint64_t starts = atomic_load(&crashing->starts);
    uint64_t index = starts - crashing->batch_begins;
    if (index < sizeof crashing->at_ns / sizeof crashing->at_ns[0])
        crashing->at_ns[index] = (double)clock_now_ns();
    atomic_store(&crashing->starts, starts + 1);
}

static void
commit_events(void *context)
{
    struct crashing *crashing = context;

    if (crashing->store)
        store_commit(crashing->store);
    record_ring_publish(crashing->events);
}

static void
nobody_reads(void *context)
{
    (void)context;
}

static int
remove_entry(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static struct store *
open_store(void)
{
    struct airs_error error = { 0 };
    struct store_options options = { .dir = STORE_DIR };
    struct store *store;

    nftw(STORE_DIR, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    mkdir(STORE_DIR, 0700);
    rig_check(store_open(&options, &store, &error), &error);
    return store;
}

static void
begin(struct crashing *crashing, bool with_journal)
{
    struct airs_error error = { 0 };
    char manifest[] = "/tmp/airs-bench-XXXXXX";
    FILE *file = fdopen(mkstemp(manifest), "w");

    fprintf(file,
            "name: bench\n"
            "children:\n"
            "  - name: a\n"
            "    component: \"%s/echo.wasm\"\n"
            "    max-restarts: 1000000\n"
            "    backoff: { strategy: immediate }\n",
            rig_guests());
    fclose(file);
    crashing->events = record_ring_new(EVENTS_KEPT_MAX, EVENT_BYTES_MAX, nobody_reads, NULL);
    crashing->store = with_journal ? open_store() : NULL;
    struct airs_application_options options = {
        .manifest_path = manifest,
        .cache_dir = RIG_CACHE,
        .context = crashing,
        .event = note_event,
        .event_commit = commit_events,
    };
    rig_check(airs_application_load(&options, NULL, NULL, &crashing->application, &error), &error);
    rig_check(airs_application_start(crashing->application, &error), &error);
    unlink(manifest);
    rig_wait(&crashing->starts, 1);
}

static void
send(struct crashing *crashing, const char *text)
{
    struct airs_error error = { 0 };

    rig_check(airs_application_send(crashing->application, "/a", text, strlen(text), &error),
              &error);
}

static void
run_batch(struct crashing *crashing, unsigned batch)
{
    crashing->batch_begins = atomic_load(&crashing->starts);
    send(crashing, "sleep 50"); /* Until all are in the mailbox. */
    for (unsigned i = 0; i < WARM_UP + BATCH + 1; i++)
        send(crashing, "crash trap");
    rig_wait(&crashing->starts, crashing->batch_begins + WARM_UP + BATCH + 1);
    for (unsigned i = 0; i < BATCH; i++)
        crashing->ns[batch * BATCH + i] =
            crashing->at_ns[WARM_UP + i + 1] - crashing->at_ns[WARM_UP + i];
}

static void
end(struct crashing *crashing)
{
    struct airs_error error = { 0 };
    int exit_code;

    airs_application_stop(crashing->application);
    rig_check(airs_application_wait(crashing->application, RIG_WAIT_US, &exit_code), &error);
    airs_application_free(crashing->application);
    record_ring_free(crashing->events);
    store_close(crashing->store);
}

static double
print_figure(const char *what, double *ns)
{
    struct figure figure = figure_of(ns, RESTARTS);

    printf("%-60s min %.2f  median %.2f  p99 %.2f us\n", what, figure.min_ns / 1e3,
           figure.median_ns / 1e3, figure.p99_ns / 1e3);
    return figure.median_ns;
}

int
main(void)
{
    static struct crashing plain, journaled;
    static double floor_ns[RESTARTS];
    char cache[] = RIG_CACHE;
    struct floor *floor = floor_open(rig_guests(), cache);

    if (!floor)
        return 2;
    begin(&plain, false);
    begin(&journaled, true);
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        floor_sample(floor, FLOOR_RESTART, floor_ns + batch * BATCH, BATCH);
        run_batch(&plain, batch);
        run_batch(&journaled, batch);
    }
    end(&plain);
    end(&journaled);
    floor_close(floor);
    nftw(STORE_DIR, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

    double floor_median = print_figure("the floor of a restart", floor_ns);
    double plain_median = print_figure("restart: started, message, trap, …, started", plain.ns);
    double journal_median =
        print_figure("the same with the journal, as in the daemon", journaled.ns);
    bool met = rig_judge("  times the floor", plain_median / floor_median, "<=", 2);
    met &= rig_judge("  times the floor, with the journal", journal_median / floor_median, "<=", 2);
    return met ? 0 : 1;
}
