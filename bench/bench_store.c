/* bench_store: what the journal costs: an event appended, and a whole restart with it and without.
 *
 * The journal lies in the build folder, as on any disk; nothing is synced. Exits 1 when an
 * append is slower than its target.
 */
#include <ftw.h>
#include <sys/stat.h>

#include "floor.h"
#include "rig.h"
#include "store/store.h"
#include "supervision/supervisor_node.h"

#define APPENDS 200000u
#define RESTARTS 4000u
#define WARM_UP 200u
#define STORE_DIR BINARY_DIR "/bench-store"

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
    struct store *store;
    struct store_options options = { .dir = STORE_DIR };
    nftw(STORE_DIR, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    mkdir(STORE_DIR, 0700);
    rig_check(store_open(&options, &store, &error), &error);
    return store;
}

static struct airs_event
event_of(uint64_t seq, const char *name)
{
    return (struct airs_event){
        .seq = seq,
        .time_us = clock_now_us(),
        .path = "/web/front",
        .event = name,
        .from = "running",
        .state = "running",
        .reason = "trap",
        .detail = "unreachable",
        .message = "wasm trap: wasm `unreachable` instruction executed\nwasm backtrace:\n"
                   "    0:   0x109e - crasher.wasm!main\n    1:   0x43e5 - crasher.wasm!_start",
        .generation = seq,
        .delay_us = 150000,
        .restarts = 1,
        .has_budget = true,
        .budget_used = 1,
        .budget_allowed = 3,
    };
}

static bool
bench_append(void)
{
    static double ns[APPENDS];
    struct store *store = open_store();
    for (unsigned i = 0; i < APPENDS; i++) {
        struct airs_event event = event_of(i + 1, "exited");
        double begin_ns = (double)clock_now_ns();
        store_append(store, &event);
        ns[i] = (double)clock_now_ns() - begin_ns;
    }
    uint64_t lost = store_lost(store);
    store_close(store);
    struct figure figure = figure_of(ns, APPENDS);
    printf("append: one event into the journal                          min %.2f  median %.2f  "
           "p99 %.2f us, %llu lost\n",
           figure.min_ns / 1e3, figure.median_ns / 1e3, figure.p99_ns / 1e3,
           (unsigned long long)lost);
    return rig_judge("  us, median", figure.median_ns / 1e3, "<=", 10);
}

struct starts {
    _Atomic uint64_t count;
    struct store *store; /* NULL: without. */
    double at_ns[RESTARTS + WARM_UP + 2];
};

/* As the application does: the event as public values, then the journal. */
static void
take_event(void *context, const struct event *event)
{
    struct starts *starts = context;
    if (starts->store) {
        struct airs_event out = {
            .seq = event->seq,
            .time_us = event->time_us,
            .path = event->path ? event->path->text : NULL,
            .event = event_type_name(event->type),
            .from = child_state_name(event->from),
            .state = child_state_name(event->state),
            .reason = event->has_exit ? exit_reason_name(event->exit.reason) : NULL,
            .message = event->detail ? event->detail->text : NULL,
            .generation = event->generation,
            .delay_us = event->delay_us,
            .restarts = event->restarts,
            .lived_us = event->lived_us,
        };
        store_append(starts->store, &out);
    }
    if (event->type != EVENT_STARTED)
        return;
    uint64_t index = atomic_load(&starts->count);
    if (index < sizeof starts->at_ns / sizeof starts->at_ns[0])
        starts->at_ns[index] = (double)clock_now_ns();
    atomic_store(&starts->count, index + 1);
}

static double
restart_us(bool with_journal)
{
    static struct starts starts;
    static double ns[RESTARTS];
    struct rig rig;

    atomic_store(&starts.count, 0);
    starts.store = with_journal ? open_store() : NULL;
    rig_begin(&rig, 0, 64, take_event, &starts);
    rig_add(&rig, "/a", "echo");
    for (unsigned i = 0; i < RESTARTS + WARM_UP + 1; i++)
        rig_send(&rig, rig_pid(&rig, "/a"), "crash trap", NULL);
    rig_start(&rig);
    rig_wait(&starts.count, RESTARTS + WARM_UP + 1);
    rig_end(&rig);
    store_close(starts.store);
    for (unsigned i = 0; i < RESTARTS; i++)
        ns[i] = starts.at_ns[WARM_UP + i + 1] - starts.at_ns[WARM_UP + i];
    struct figure figure = figure_of(ns, RESTARTS);
    printf("restart of a component, %-7s journal                     min %.2f  median %.2f  "
           "p99 %.2f us\n",
           with_journal ? "with" : "without", figure.min_ns / 1e3, figure.median_ns / 1e3,
           figure.p99_ns / 1e3);
    return figure.median_ns / 1e3;
}

int
main(void)
{
    bool met = bench_append();
    double without_us = restart_us(false);
    double with_us = restart_us(true);
    printf("  a restart's five events cost                              %.2f us\n",
           with_us - without_us);
    nftw(STORE_DIR, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return met ? 0 : 1;
}
