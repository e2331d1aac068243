/* bench_store: what the journal costs, an event appended. bench_restart has a restart with it.
 *
 * The journal lies in the build folder, as on any disk; nothing is synced. Exits 1 when an
 * append is slower than its target.
 */
#include <ftw.h>
#include <sys/stat.h>

#include "floor.h"
#include "rig.h"
#include "store/store.h"

#define APPENDS 200000u
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

int
main(void)
{
    bool met = bench_append();
    nftw(STORE_DIR, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return met ? 0 : 1;
}
