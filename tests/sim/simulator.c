/* Simulator: runs seeds, enforces coverage, writes traces for the oracle.
 *
 *   simulator [--first N] [--seeds N]    all seeds must hold, and cover the state table
 *   simulator --seed N                   one seed, with its trace
 *   simulator --expect-failure           some seed must break an invariant (seeded bugs)
 *   simulator --write FOLDER             each seed's manifest and events, for oracle.py
 *
 * A seed that fails prints its minimal trace; with --trace FILE also there.
 *   simulator --replay FILE              repeats that: 1 when it fails, 0 when it holds
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SEEDS_DEFAULT 2000
#define PAIR_LEAST 100    /* Times that each pair of the state table must be taken, in all. */
#define RESTARTS_LEAST 5  /* A seed, in the median. */
#define LARGEST_LEAST 150 /* Children of the largest tree; there may be 200. */
#define DEPTH_LEAST 5

struct run {
    uint64_t first, seeds;
    bool single, expect_failure;
    const char *folder;
    const char *trace;
    const char *replay;
    uint64_t coverage[CHILD_STATES][NODE_EVENTS];
    uint64_t probes[SIM_PROBES];
    uint64_t outcomes[SIM_OUTCOMES];
    size_t smallest, largest; /* Trees. */
    unsigned deepest;
    uint64_t steps;
    uint64_t *restarts;
};

static FILE *
open_in(const char *folder, uint64_t seed, const char *suffix)
{
    if (!folder)
        return NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/seed-%" PRIu64 "%s", folder, seed, suffix);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(2);
    }
    return file;
}

static void
print_minimal(const struct run *run, const struct sim *failed)
{
    FILE *file = run->trace ? fopen(run->trace, "w") : NULL;
    if (run->trace && !file)
        perror(run->trace);
    sim_minimize(failed, file);
    if (file)
        fclose(file);
}

static bool
run_seed(struct run *run, uint64_t seed, uint64_t index)
{
    static struct sim sim;
    struct sim_options options = {
        .verbose = run->single,
        .events = open_in(run->folder, seed, ".jsonl"),
        .manifest = open_in(run->folder, seed, ".yaml"),
    };
    bool held = sim_run(&sim, (struct sim_source){ .seed = seed }, options);
    if (options.events) {
        fclose(options.events);
        fclose(options.manifest);
    }
    if (!held && !run->expect_failure) {
        sim_print_failure(&sim, stdout);
        print_minimal(run, &sim);
    }
    if (!held && run->expect_failure)
        printf("seed %" PRIu64 ": %s\n", seed, sim.failure);
    for (int state = 0; state < CHILD_STATES; state++)
        for (int type = 0; type < NODE_EVENTS; type++)
            run->coverage[state][type] += sim.coverage[state][type];
    for (int i = 0; i < SIM_PROBES; i++)
        run->probes[i] += sim.probes[i];
    for (int i = 0; i < SIM_OUTCOMES; i++)
        run->outcomes[i] += sim.outcomes[i];
    if (run->smallest > sim.tree_size)
        run->smallest = sim.tree_size;
    if (run->largest < sim.tree_size)
        run->largest = sim.tree_size;
    if (run->deepest < sim.tree_depth)
        run->deepest = sim.tree_depth;
    run->steps += sim.steps;
    run->restarts[index] = sim.restarts;
    sim_deinit(&sim);
    return held;
}

static bool
print_coverage(const struct run *run)
{
    bool covered = true;
    printf("%-10s", "");
    for (int state = 0; state < CHILD_STATES; state++)
        printf(" %11s", child_state_name((enum child_state)state));
    printf("\n");
    for (int type = 0; type < NODE_EVENTS; type++) {
        printf("%-10s", node_event_name((enum node_event_type)type));
        for (int state = 0; state < CHILD_STATES; state++) {
            if (!state_table_has((enum child_state)state, (enum node_event_type)type)) {
                printf(" %11s", "-");
                continue;
            }
            bool enough = run->coverage[state][type] >= PAIR_LEAST;
            printf(" %10" PRIu64 "%s", run->coverage[state][type], enough ? " " : "!");
            covered = covered && enough;
        }
        printf("\n");
    }
    return covered;
}

static bool
print_count(const char *name, uint64_t count)
{
    printf("%-32s %10" PRIu64 "%s\n", name, count, count >= PAIR_LEAST ? "" : "!");
    return count >= PAIR_LEAST;
}

static bool
print_outcomes(const struct run *run)
{
    static const char *const names[] = {
#define SIM_OUTCOME_TEXT(name, text) text,
        SIM_OUTCOME_LIST(SIM_OUTCOME_TEXT)
#undef SIM_OUTCOME_TEXT
    };
    bool covered = true;
    for (int i = 0; i < SIM_OUTCOMES; i++)
        covered &= print_count(names[i], run->outcomes[i]);
    return covered;
}

static bool
print_probes(const struct run *run)
{
    static const char *const names[] = {
#define SIM_PROBE_TEXT(name, text) "probe: " text,
        SIM_PROBE_LIST(SIM_PROBE_TEXT)
#undef SIM_PROBE_TEXT
    };
    bool covered = true;
    for (int i = 0; i < SIM_PROBES; i++)
        covered &= print_count(names[i], run->probes[i]);
    return covered;
}

static bool
print_trees(const struct run *run)
{
    bool covered =
        run->smallest == 1 && run->largest >= LARGEST_LEAST && run->deepest == DEPTH_LEAST;
    printf("trees of %zu to %zu children, supervisors up to %u deep%s\n", run->smallest,
           run->largest, run->deepest, covered ? "" : "!");
    return covered;
}

static int
compare_numbers(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static int
report(struct run *run)
{
    bool covered = print_coverage(run) & print_outcomes(run) & print_probes(run) & print_trees(run);
    qsort(run->restarts, run->seeds, sizeof run->restarts[0], compare_numbers);
    uint64_t median = run->restarts[run->seeds / 2];
    printf("%" PRIu64 " seeds, %" PRIu64 " steps, %" PRIu64 " restarts a seed in the median\n",
           run->seeds, run->steps, median);
    if (!covered)
        printf("what is marked ! was taken less than %d times, or is too small\n", PAIR_LEAST);
    if (median < RESTARTS_LEAST)
        printf("less than %d restarts a seed in the median\n", RESTARTS_LEAST);
    return covered && median >= RESTARTS_LEAST ? 0 : 1;
}

static bool
parse(struct run *run, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--expect-failure") == 0) {
            run->expect_failure = true;
            continue;
        }
        if (!value)
            return false;
        if (strcmp(argv[i], "--first") == 0) {
            run->first = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--seeds") == 0) {
            run->seeds = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            run->first = strtoull(value, NULL, 10);
            run->seeds = 1;
            run->single = true;
        } else if (strcmp(argv[i], "--write") == 0) {
            run->folder = value;
        } else if (strcmp(argv[i], "--trace") == 0) {
            run->trace = value;
        } else if (strcmp(argv[i], "--replay") == 0) {
            run->replay = value;
        } else {
            return false;
        }
        i++;
    }
    return run->seeds > 0;
}

static int
replay(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 2;
    }
    int status = sim_replay(file);
    fclose(file);
    return status;
}

int
main(int argc, char **argv)
{
    struct run run = { .first = 1, .seeds = SEEDS_DEFAULT, .smallest = SIZE_MAX };
    if (!parse(&run, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--first N] [--seeds N] [--seed N] [--expect-failure] "
                "[--write FOLDER] [--trace FILE] [--replay FILE]\n",
                argv[0]);
        return 2;
    }
    if (run.replay)
        return replay(run.replay);
    run.restarts = calloc(run.seeds, sizeof run.restarts[0]);
    if (!run.restarts)
        return 2;

    uint64_t broken = 0;
    for (uint64_t i = 0; i < run.seeds && broken == 0; i++)
        broken += !run_seed(&run, run.first + i, i);
    int status;
    if (run.expect_failure)
        status = broken ? 0 : 1;
    else if (broken || run.single || run.folder)
        status = broken ? 1 : 0;
    else
        status = report(&run);
    free(run.restarts);
    return status;
}
