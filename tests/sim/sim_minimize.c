/* Minimal traces: a failing run, less all that its failure does not need.
 *
 * A run is its seed and its items (sim.h): children of the tree, happenings, and lives of
 * instances; a life that is left out just runs, or is skipped by its child. Delta debugging (Zeller, Hildebrandt, 2002),
 * one kind of item after the other: large pieces are left out first, then smaller ones, until
 * no single item can go. A smaller run counts if the same invariant breaks; items that it did
 * not come by are gone at once. The seeds behind the failing one are looked at, too: what breaks
 * the same invariant in fewer items is told instead. It is written as text, and repeats the
 * failure.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

#define RUNS_MAX 20000
#define SECONDS_MAX 30
#define OTHER_SEEDS 100   /* Behind the one that failed. */
#define OTHER_FAILURES 10 /* Of them, those that are made smaller. */
#define LINE_SIZE_MAX 1024

struct best {
    uint64_t seed;
    const char *failure_kind;
    struct sim_item *items; /* Sorted. */
    size_t size, whole_size;
    uint64_t runs;
    clock_t end;
};

static bool
run_items(struct sim *sim, uint64_t seed, const struct sim_item *items, size_t size, bool notes)
{
    struct sim_options options = {
        .notes = notes, .is_reduced = true, .keep = items, .keep_size = size
    };
    return sim_run(sim, (struct sim_source){ .seed = seed }, options);
}

/* The items that `sim` came by. */
static void
set_items(struct best *best, const struct sim *sim)
{
    best->size = sim->used_size;
    for (size_t i = 0; i < best->size; i++)
        best->items[i] = sim->used[i].item;
    qsort(best->items, best->size, sizeof best->items[0], sim_item_compare);
}

/* The later generations of a child come one earlier. */
static void
move_up(struct sim_item *items, size_t size, struct sim_item gone)
{
    for (size_t i = 0; i < size; i++)
        if (items[i].kind == ITEM_LIFE && items[i].key == gone.key && items[i].number > gone.number)
            items[i].number--;
}

/* Whether it goes without the `count` items from `first` on; then they are gone. */
static bool
leave_out(struct best *best, size_t first, size_t count, bool moves_up)
{
    static struct sim sim;
    size_t size = best->size - count;
    struct sim_item *items = malloc((size + 1) * sizeof *items);
    if (!items)
        abort();
    memcpy(items, best->items, first * sizeof *items);
    memcpy(items + first, best->items + first + count, (size - first) * sizeof *items);
    if (moves_up)
        move_up(items, size, best->items[first]);
    bool held = run_items(&sim, best->seed, items, size, false);
    bool is_same = !held && sim.failure_kind == best->failure_kind;
    if (is_same)
        set_items(best, &sim);
    sim_deinit(&sim);
    free(items);
    best->runs++;
    return is_same;
}

static bool
has_time(const struct best *best)
{
    return best->runs < RUNS_MAX && clock() < best->end;
}

/* Where the items of `kind` begin, and how many there are. */
static size_t
find_kind(const struct best *best, enum sim_item_kind kind, size_t *count_out)
{
    size_t first = 0, end;
    while (first < best->size && best->items[first].kind < kind)
        first++;
    for (end = first; end < best->size && best->items[end].kind == kind; end++)
        ;
    *count_out = end - first;
    return first;
}

/* Pieces of `piece` items of `kind` that are not needed; whether there were any. */
static bool
leave_out_pieces(struct best *best, enum sim_item_kind kind, size_t piece)
{
    bool any = false;
    size_t count;
    find_kind(best, kind, &count);
    for (size_t at = 0; at < count && has_time(best);) {
        size_t first = find_kind(best, kind, &count);
        if (at >= count)
            break;
        size_t size = piece < count - at ? piece : count - at;
        bool is_life = kind == ITEM_LIFE && size == 1;
        if (leave_out(best, first + at, size, false) ||
            (is_life && leave_out(best, first + at, size, true)))
            any = true;
        else
            at += size;
        find_kind(best, kind, &count);
    }
    return any;
}

static bool
leave_out_kind(struct best *best, enum sim_item_kind kind)
{
    bool any = false;
    size_t count;
    find_kind(best, kind, &count);
    for (size_t piece = count; piece > 0; piece /= 2)
        while (leave_out_pieces(best, kind, piece))
            any = true;
    return any;
}

static void
find_smallest(struct best *best)
{
    bool any = true;
    while (any && has_time(best)) {
        any = leave_out_kind(best, ITEM_CHILD);
        any |= leave_out_kind(best, ITEM_HAPPENING);
        any |= leave_out_kind(best, ITEM_LIFE);
    }
}

/* ---- As text ---- */

static const char *const kind_names[SIM_ITEM_KINDS] = { "child", "happening", "life" };

static void
write_run(const struct best *best, const struct sim *sim, FILE *file)
{
    fprintf(file,
            "# The minimal trace of seed %" PRIu64 ", %zu of %zu items, found in %" PRIu64
            " runs. It is repeated by: simulator --replay FILE\nseed %" PRIu64 "\n",
            best->seed, best->size, best->whole_size, best->runs, best->seed);
    for (int kind = 0; kind < SIM_ITEM_KINDS; kind++)
        for (size_t i = 0; i < sim->used_size; i++) {
            const struct sim_used *used = &sim->used[i];
            if ((int)used->item.kind == kind)
                fprintf(file, "%s %u %u %u  # %s\n", kind_names[kind], used->item.key,
                        used->item.number, used->item.as, used->note);
        }
    fprintf(file, "fails %s\n", sim->failure);
}

static struct best
minimize_one(const struct sim *failed, uint64_t seed, clock_t end)
{
    struct best best = { .seed = seed,
                         .failure_kind = failed->failure_kind,
                         .items = malloc((failed->used_size + 1) * sizeof *best.items),
                         .whole_size = failed->used_size,
                         .end = end };
    if (!best.items)
        abort();
    set_items(&best, failed);
    find_smallest(&best);
    return best;
}

/* The failure of another seed instead of `best`, if it is the same one and takes fewer items. */
static bool
try_seed(struct best *best, uint64_t seed)
{
    static struct sim sim;
    bool held = sim_run(&sim, (struct sim_source){ .seed = seed }, (struct sim_options){ 0 });
    bool is_same = !held && sim.failure_kind == best->failure_kind;
    if (is_same) {
        struct best other = minimize_one(&sim, seed, best->end);
        struct best worse = other.size < best->size ? *best : other;
        if (other.size < best->size)
            *best = other;
        free(worse.items);
    }
    sim_deinit(&sim);
    return is_same;
}

void
sim_minimize(const struct sim *failed, FILE *file)
{
    static struct sim sim;
    uint64_t seed = failed->source.seed;
    struct best best = minimize_one(failed, seed, clock() + SECONDS_MAX * CLOCKS_PER_SEC);
    unsigned others = 0;
    for (uint64_t i = 1; i <= OTHER_SEEDS && others < OTHER_FAILURES && has_time(&best); i++)
        others += try_seed(&best, seed + i);
    run_items(&sim, best.seed, best.items, best.size, true);
    sim_print_failure(&sim, stdout);
    write_run(&best, &sim, stdout);
    if (file)
        write_run(&best, &sim, file);
    sim_deinit(&sim);
    free(best.items);
}

static bool
read_line(const char *line, struct best *best)
{
    char word[16];
    struct sim_item item;
    if (line[0] == '#' || line[0] == '\n' || strncmp(line, "fails ", 6) == 0)
        return true;
    if (sscanf(line, "seed %" SCNu64, &best->seed) == 1)
        return true;
    if (sscanf(line, "%15s %u %u %u", word, &item.key, &item.number, &item.as) != 4)
        return false;
    for (int kind = 0; kind < SIM_ITEM_KINDS; kind++)
        if (strcmp(word, kind_names[kind]) == 0) {
            best->items = realloc(best->items, (best->size + 1) * sizeof *best->items);
            if (!best->items)
                abort();
            item.kind = (enum sim_item_kind)kind;
            best->items[best->size++] = item;
            return true;
        }
    return false;
}

int
sim_replay(FILE *file)
{
    static struct sim sim;
    struct best best = { 0 };
    char line[LINE_SIZE_MAX];
    bool understood = true;
    while (understood && fgets(line, sizeof line, file))
        understood = read_line(line, &best);
    int status = 2;
    if (understood) {
        if (best.size > 0)
            qsort(best.items, best.size, sizeof best.items[0], sim_item_compare);
        status = run_items(&sim, best.seed, best.items, best.size, true) ? 0 : 1;
        if (status)
            sim_print_failure(&sim, stdout);
        sim_deinit(&sim);
    } else {
        fprintf(stderr, "not understood: %s", line);
    }
    free(best.items);
    return status;
}
