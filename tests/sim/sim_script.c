/* Script: what happens to a tree by hand, and when.
 *
 * The n-th happening makes its choices out of its own stream and picks a child by its key, so
 * that it is the same whether or not the ones before it take place.
 */
#include "sim.h"

static bool
is_gone(const struct sim_child *subject)
{
    for (; subject; subject = subject->parent->self)
        if (subject->removed)
            return true;
    return false;
}

static void
say(struct sim *sim, size_t used, enum node_event_type type, const char *path)
{
    sim_write_line(sim, "%s %s", node_event_name(type), path);
    sim_note(sim, used, "%s %s at %.3f ms", node_event_name(type), path,
             (double)sim->now_us / 1000.0);
}

static void
by_hand(struct sim *sim, size_t used, struct sim_child *subject, enum node_event_type verb)
{
    say(sim, used, verb, subject->path);
    sim_step(sim, subject->parent, (struct node_event){ .type = verb, .child = subject->child });
}

/* Reports of an earlier generation, or where there is none: dropped, whatever they say. */
static void
send_stale(struct sim *sim, size_t used, struct sim_child *subject)
{
    static const enum node_event_type reports[] = { NODE_STARTED,   NODE_READY,
                                                    NODE_NOT_READY, NODE_EXITED,
                                                    NODE_NOT_IDLE,  NODE_IDLE,
                                                    NODE_DEGRADED,  NODE_HEALTH_FAILED };
    if (subject->child->generation == 0)
        return;
    uint64_t ignored = subject->parent->node.ignored;
    struct node_event event = { .type =
                                    reports[sim_random(sim, sizeof reports / sizeof reports[0])],
                                .child = subject->child,
                                .exit.reason = EXIT_TRAP };
    event.generation = (uint32_t)sim_random(sim, subject->child->generation);
    sim_note(sim, used, "%s of generation %u of %s at %.3f ms", node_event_name(event.type),
             event.generation, subject->path, (double)sim->now_us / 1000.0);
    sim_step(sim, subject->parent, event);
    sim_require(sim, subject->parent->node.ignored == ignored + 1, "%s: a stale report counted",
                subject->path);
}

/* Code that cannot be loaded is found out while the child waits. */
static void
send_load_error(struct sim *sim, size_t used, struct sim_child *subject)
{
    if (subject->node || subject->instance.alive)
        return;
    say(sim, used, NODE_EXITED, subject->path);
    sim_step(sim, subject->parent,
             (struct node_event){ .type = NODE_EXITED,
                                  .child = subject->child,
                                  .generation = subject->child->generation,
                                  .exit.reason = EXIT_LOAD_ERROR });
}

static void
change_dependencies(struct sim *sim, size_t used, struct sim_child *subject)
{
    sim_write_line(sim, "dependencies of %s", subject->path);
    sim_note(sim, used, "dependencies of %s at %.3f ms", subject->path,
             (double)sim->now_us / 1000.0);
    subject->dependencies.has_changed = true;
    sim_dependencies_change(sim, subject);
}

static void
add_child(struct sim *sim, size_t used, uint32_t key)
{
    uint64_t which = sim_random(sim, sim->node_keys_size + 1);
    struct sim_node *parent = sim->root;
    if (which > 0) {
        struct sim_child *self = sim_child_find(sim, sim->node_keys[which - 1]);
        if (!self || is_gone(self))
            return;
        parent = self->node;
    }
    struct sim_child *subject = sim_child_new(sim, parent, key, false);
    if (!subject)
        return;
    struct node_event event = { .type = NODE_ADD, .child = subject->child };
    bool goes_in_front = sim_chance(sim, 30) && !sim->options.events;
    bool goes_by_place = parent->node.policy.strategy == STRATEGY_PREDICATE;
    if (goes_in_front && !goes_by_place)
        event.before = sim_change_before(sim, parent, subject);
    parent->is_reordered |= event.before != NULL;
    if (!sim->options.events && !goes_by_place)
        sim_change_places(subject, event.before);
    say(sim, used, NODE_ADD, subject->path);
    sim_step(sim, parent, event);
}

static void
whole_root(struct sim *sim, size_t used, enum node_event_type type, bool everything)
{
    say(sim, used, type, "/");
    sim_step(sim, sim->root, (struct node_event){ .type = type, .everything = everything });
}

static void
something_at_the_root(struct sim *sim, size_t used)
{
    if (sim->root->node.state == NODE_STOPPED)
        whole_root(sim, used, NODE_START_ALL, sim_chance(sim, 30));
    else if (sim_chance(sim, 25))
        whole_root(sim, used, NODE_RESET_ALL, false);
    else if (sim_chance(sim, 35))
        whole_root(sim, used, NODE_START_ALL, true);
    else
        whole_root(sim, used, sim_chance(sim, 50) ? NODE_STOP_ALL : NODE_KILL_ALL, false);
}

/* Another policy, another place among its siblings, another strategy of its supervisor. */
static void
change_something(struct sim *sim, size_t used, struct sim_child *subject)
{
    if (sim->options.events) /* Its manifest does not tell of it. */
        return;
    uint64_t what = sim_random(sim, 100);
    if (what < 45) {
        say(sim, used, NODE_CHANGE, subject->path);
        sim_change_policy(sim, subject);
    } else if (what < 90) {
        say(sim, used, NODE_MOVE, subject->path);
        sim_change_place(sim, subject);
    } else {
        say(sim, used, NODE_CONFIGURE, subject->path);
        sim_change_node(sim, subject->parent);
    }
}

static void
something_of_a_child(struct sim *sim, size_t used, uint64_t what, struct sim_child *subject)
{
    if (what < 25)
        by_hand(sim, used, subject, NODE_START);
    else if (what < 40)
        change_something(sim, used, subject);
    else if (what < 52)
        by_hand(sim, used, subject, NODE_RESTART);
    else if (what < 64)
        by_hand(sim, used, subject, NODE_STOP);
    else if (what < 76)
        by_hand(sim, used, subject, NODE_KILL);
    else if (what < 85)
        by_hand(sim, used, subject, NODE_RESET);
    else if (what < 90)
        by_hand(sim, used, subject, NODE_DELETE);
    else if (what < 93)
        send_load_error(sim, used, subject);
    else if (what < 98)
        change_dependencies(sim, used, subject);
    else
        send_stale(sim, used, subject);
}

/* One of those of the tree, or added since, whether they are part of this run or not. */
static uint32_t
random_key(struct sim *sim)
{
    uint64_t which = sim_random(sim, sim->keys + sim->added_keys_size);
    return which < sim->keys ? (uint32_t)which : sim->added_keys[which - sim->keys];
}

static void
something_happens(struct sim *sim, uint32_t index)
{
    uint64_t what = sim_random(sim, 100);
    uint32_t key = SIM_CHILDREN_MAX + index;
    if (what >= 5 && what < 8)
        sim->added_keys[sim->added_keys_size++] = key;
    struct sim_child *subject = what < 8 ? NULL : sim_child_find(sim, random_key(sim));
    if (what >= 8 && (!subject || is_gone(subject)))
        return;
    size_t used = sim_take(sim, ITEM_HAPPENING, index, 0);
    if (used == SIM_LEFT_OUT)
        return;
    if (what < 5)
        something_at_the_root(sim, used);
    else if (what < 8)
        add_child(sim, used, key);
    else
        something_of_a_child(sim, used, what, subject);
}

/* Never 0: what is done by hand in one instant is told apart from what a node does in it. */
static uint64_t
random_pause(struct sim *sim)
{
    static const uint64_t pauses[] = { 1, 100, 3000, 3000, 40000, 40000, 400000 };
    return 1 + sim_random(sim, pauses[sim_random(sim, sizeof pauses / sizeof pauses[0])]);
}

void
sim_script_play(struct sim *sim)
{
    uint64_t at_us = sim->now_us;
    sim_turn_to(sim, TOPIC_SCRIPT, SIM_HAPPENINGS_MAX, 0);
    uint32_t happenings = 100 + (uint32_t)sim_random(sim, SIM_HAPPENINGS_MAX - 100);
    for (uint32_t i = 0; i < happenings && !sim_is_cut_off(sim); i++) {
        if (sim_source_is_used_up(sim))
            break;
        sim_turn_to(sim, TOPIC_SCRIPT, i, 0);
        at_us += random_pause(sim);
        sim_pass(sim, at_us);
        sim_turn_to(sim, TOPIC_SCRIPT, i, 1);
        if (!sim->failed)
            something_happens(sim, i);
    }
}

void
sim_start_root(struct sim *sim)
{
    whole_root(sim, SIM_LEFT_OUT, NODE_START_ALL, false);
}

void
sim_stop_root(struct sim *sim)
{
    whole_root(sim, SIM_LEFT_OUT, NODE_STOP_ALL, false);
}
