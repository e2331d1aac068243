/* One run: a tree is started, things happen to it for a while, and it is stopped. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim.h"

#define STEPS_MAX 40000                /* A run that boils over is cut off and stopped; … */
#define STEPS_BYTES_MAX 4000           /* … a fuzzer is to try others. */
#define ENDING_US UINT64_C(3600000000) /* Nothing takes longer to stop. */

static uint64_t
source_next(struct sim *sim)
{
    struct sim_source *source = &sim->source;
    if (!source->bytes)
        return random_next(&source->stream);
    /* Two bytes a choice: no limit asked for by the simulator is above 65,535 in its effect. */
    uint64_t high = source->used < source->size ? source->bytes[source->used++] : 0;
    uint64_t low = source->used < source->size ? source->bytes[source->used++] : 0;
    return (high << 56) | (low << 48);
}

uint64_t
sim_random(struct sim *sim, uint64_t limit)
{
    if (limit <= 1)
        return 0;
    uint64_t bits = source_next(sim);
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)bits * limit) >> 64);
}

bool
sim_chance(struct sim *sim, unsigned percent)
{
    return sim_random(sim, 100) >= 100 - percent; /* Bytes used up: no. */
}

bool
sim_source_is_used_up(const struct sim *sim)
{
    return sim->source.bytes && sim->source.used >= sim->source.size;
}

static uint64_t
steps_max(const struct sim *sim)
{
    return sim->source.bytes ? STEPS_BYTES_MAX : STEPS_MAX;
}

bool
sim_is_cut_off(const struct sim *sim)
{
    return sim->failed || sim->steps >= steps_max(sim);
}

void
sim_pass(struct sim *sim, uint64_t until_us)
{
    while (sim->steps < steps_max(sim) && sim_deliver(sim, until_us))
        ;
    if (sim->steps < steps_max(sim) &&
        sim->now_us < until_us) /* Else there may be messages of before. */
        sim->now_us = until_us;
}

/* Every stop ends. */
static void
end(struct sim *sim)
{
    sim_pass(sim, sim->now_us + 1);
    uint64_t until_us = sim->now_us + ENDING_US;
    uint64_t last_step = sim->steps + STEPS_MAX;
    if (sim->root->node.state == NODE_RUNNING && !sim->failed)
        sim_stop_root(sim);
    while (sim->steps < last_step && sim_deliver(sim, until_us))
        ;
    if (!sim->failed)
        sim_check_end(sim);
}

static void
add_coverage(struct sim *sim)
{
    for (size_t i = 0; i < sim->nodes_size; i++)
        for (int state = 0; state < CHILD_STATES; state++)
            for (int type = 0; type < NODE_EVENTS; type++)
                sim->coverage[state][type] += sim->nodes[i]->node.coverage[state][type];
}

bool
sim_run(struct sim *sim, struct sim_source source, struct sim_options options)
{
    memset(sim, 0, sizeof *sim);
    sim->source = source;
    sim->options = options;
    sim->now_us = SIM_EPOCH_US;
    sim_tree_build(sim);
    if (!sim->failed)
        sim_start_root(sim);
    sim_write_application(sim, "application-started");
    sim_script_play(sim);
    end(sim);
    sim_write_application(sim, "application-stopped");
    sim_write_manifest(sim);
    add_coverage(sim);
    return !sim->failed;
}

void
sim_deinit(struct sim *sim)
{
    for (size_t i = 0; i < sim->children_size; i++) {
        free(sim->children[i]->ledger.grants);
        free(sim->children[i]->child);
        free(sim->children[i]->changed);
        free(sim->children[i]->changed_us);
        free(sim->children[i]);
    }
    for (size_t i = 0; i < sim->nodes_size; i++) {
        free(sim->nodes[i]->intensity_us);
        free(sim->nodes[i]->grants_us);
        free(sim->nodes[i]);
    }
    free(sim->queue);
    free(sim->used);
}
