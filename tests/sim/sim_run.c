/* One run: a tree is started, things happen to it for a while, and it is stopped. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim.h"

#define STEPS_MAX 40000                /* A run that boils over is cut off and stopped. */
#define ENDING_US UINT64_C(3600000000) /* Nothing takes longer to stop. */

static uint64_t
source_next(struct sim *sim)
{
    struct sim_source *source = &sim->source;
    if (!source->bytes)
        return random_next(&source->seed);
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

static bool
is_gone(const struct sim_child *subject)
{
    for (; subject; subject = subject->parent->self)
        if (subject->removed)
            return true;
    return false;
}

static void
by_hand(struct sim *sim, struct sim_child *subject, enum node_event_type verb)
{
    sim_write_line(sim, "%s %s", node_event_name(verb), subject->path);
    sim_step(sim, subject->parent, (struct node_event){ .type = verb, .child = subject->child });
}

/* Reports of an earlier generation, or where there is none: dropped, whatever they say. */
static void
send_stale(struct sim *sim, struct sim_child *subject)
{
    static const enum node_event_type reports[] = { NODE_STARTED, NODE_READY,    NODE_NOT_READY,
                                                    NODE_EXITED,  NODE_NOT_IDLE, NODE_IDLE,
                                                    NODE_DEGRADED, NODE_HEALTH_FAILED };
    if (subject->child->generation == 0)
        return;
    uint64_t ignored = subject->parent->node.ignored;
    sim_step(
        sim, subject->parent,
        (struct node_event){ .type = reports[sim_random(sim, sizeof reports / sizeof reports[0])],
                             .child = subject->child,
                             .generation = (uint32_t)sim_random(sim, subject->child->generation),
                             .exit.reason = EXIT_TRAP });
    sim_require(sim, subject->parent->node.ignored == ignored + 1, "%s: a stale report counted",
                subject->path);
}

/* Code that cannot be loaded is found out while the child waits. */
static void
send_load_error(struct sim *sim, struct sim_child *subject)
{
    if (subject->node || subject->instance.alive)
        return;
    sim_step(sim, subject->parent,
             (struct node_event){ .type = NODE_EXITED,
                                  .child = subject->child,
                                  .generation = subject->child->generation,
                                  .exit.reason = EXIT_LOAD_ERROR });
}

static void
add_child(struct sim *sim)
{
    struct sim_node *parent = sim->nodes[sim_random(sim, sim->nodes_size)];
    if (is_gone(parent->self))
        return;
    struct sim_child *subject = sim_child_new(sim, parent, false);
    if (subject)
        sim_step(sim, parent, (struct node_event){ .type = NODE_ADD, .child = subject->child });
}

static void
whole_root(struct sim *sim, enum node_event_type type, bool everything)
{
    sim_write_line(sim, "%s /", node_event_name(type));
    sim_step(sim, sim->root, (struct node_event){ .type = type, .everything = everything });
}

static void
something_at_the_root(struct sim *sim)
{
    if (sim->root->node.state == NODE_STOPPED)
        whole_root(sim, NODE_START_ALL, sim_chance(sim, 30));
    else if (sim_chance(sim, 25))
        whole_root(sim, NODE_RESET_ALL, false);
    else if (sim_chance(sim, 35))
        whole_root(sim, NODE_START_ALL, true);
    else
        whole_root(sim, sim_chance(sim, 50) ? NODE_STOP_ALL : NODE_KILL_ALL, false);
}

static void
something_happens(struct sim *sim)
{
    uint64_t what = sim_random(sim, 100);
    if (what < 5) {
        something_at_the_root(sim);
        return;
    }
    if (what < 8) {
        add_child(sim);
        return;
    }
    struct sim_child *subject = sim->children[sim_random(sim, sim->children_size)];
    if (is_gone(subject))
        return;
    if (what < 40)
        by_hand(sim, subject, NODE_START);
    else if (what < 52)
        by_hand(sim, subject, NODE_RESTART);
    else if (what < 64)
        by_hand(sim, subject, NODE_STOP);
    else if (what < 76)
        by_hand(sim, subject, NODE_KILL);
    else if (what < 85)
        by_hand(sim, subject, NODE_RESET);
    else if (what < 89)
        by_hand(sim, subject, NODE_DELETE);
    else if (what < 93)
        send_load_error(sim, subject);
    else
        send_stale(sim, subject);
}

/* Never 0: what is done by hand in one instant is told apart from what a node does in it. */
static uint64_t
random_pause(struct sim *sim)
{
    static const uint64_t pauses[] = { 1, 100, 3000, 3000, 40000, 40000, 400000 };
    return 1 + sim_random(sim, pauses[sim_random(sim, sizeof pauses / sizeof pauses[0])]);
}

static void
pass(struct sim *sim, uint64_t pause_us)
{
    uint64_t until_us = sim->now_us + pause_us;
    while (sim->steps < STEPS_MAX && sim_deliver(sim, until_us))
        ;
    if (sim->steps < STEPS_MAX) /* Else there may be messages of before. */
        sim->now_us = until_us;
}

static void
live(struct sim *sim)
{
    uint64_t happenings = 100 + sim_random(sim, 300);
    for (uint64_t i = 0; i < happenings && !sim->failed && sim->steps < STEPS_MAX; i++) {
        if (sim_source_is_used_up(sim))
            break;
        pass(sim, random_pause(sim));
        if (!sim->failed)
            something_happens(sim);
    }
}

/* Every stop ends. */
static void
end(struct sim *sim)
{
    pass(sim, 1);
    uint64_t until_us = sim->now_us + ENDING_US;
    uint64_t steps_max = sim->steps + STEPS_MAX;
    if (sim->root->node.state == NODE_RUNNING && !sim->failed)
        whole_root(sim, NODE_STOP_ALL, false);
    while (sim->steps < steps_max && sim_deliver(sim, until_us))
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
        whole_root(sim, NODE_START_ALL, false);
    sim_write_application(sim, "application-started");
    live(sim);
    end(sim);
    sim_write_application(sim, "application-stopped");
    sim_write_manifest(sim);
    add_coverage(sim);
    sim->source.seed = source.seed;
    return !sim->failed;
}

void
sim_deinit(struct sim *sim)
{
    for (size_t i = 0; i < sim->children_size; i++) {
        free(sim->children[i]->ledger.grants);
        free(sim->children[i]->child);
        free(sim->children[i]);
    }
    for (size_t i = 0; i < sim->nodes_size; i++) {
        free(sim->nodes[i]->intensity_us);
        free(sim->nodes[i]->grants_us);
        free(sim->nodes[i]);
    }
    free(sim->queue);
}
