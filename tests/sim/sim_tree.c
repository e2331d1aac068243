/* Random trees: supervisors up to five deep, policies of every kind, tempers of every kind. */
#include <stdlib.h>

#include "sim.h"

#define CHOOSE(sim, values) (values)[sim_random((sim), sizeof(values) / sizeof(values)[0])]

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)

static const uint64_t delay_list[] = { 0, 5 * MS, 20 * MS, 100 * MS };

static struct backoff
random_backoff(struct sim *sim, uint64_t within_us)
{
    static const uint64_t initial[] = { 0, 1 * MS, 10 * MS, 100 * MS };
    static const double factor[] = { 1.0, 1.1, 1.5, 2.0 };
    static const uint64_t limit[] = { 5 * MS, 500 * MS, 30 * SECOND };
    static const unsigned jitter[] = { 0, 0, 10, 20, 50, 100 };
    const uint64_t reset[] = { within_us, within_us, 10 * MS, 500 * MS, DURATION_INFINITE };
    struct backoff backoff = {
        .strategy = (enum backoff_strategy)sim_random(sim, BACKOFF_LIST + 1),
        .initial_us = CHOOSE(sim, initial),
        .factor = CHOOSE(sim, factor),
        .max_us = CHOOSE(sim, limit),
        .jitter = CHOOSE(sim, jitter) / 100.0,
        .jitter_upward = sim_chance(sim, 30),
        .reset_after_us = CHOOSE(sim, reset),
    };
    if (backoff.strategy == BACKOFF_LIST) { /* A manifest gives it the default spread and reset. */
        backoff.jitter = BACKOFF_JITTER_DEFAULT;
        backoff.jitter_upward = false;
        backoff.reset_after_us = within_us;
        backoff.list_us = delay_list;
        backoff.list_size = 1 + sim_random(sim, sizeof delay_list / sizeof delay_list[0]);
    }
    return backoff;
}

static const struct code_range success_codes[] = { { 2, 2 }, { 40, 49 } };
static const struct exit_rule rules[][2] = {
    { { EXIT_TRAP, false, { 0, 0 }, EXIT_DO_FAIL },
      { EXIT_NORMAL, false, { 0, 0 }, EXIT_DO_RESTART } },
    { { EXIT_ERROR, true, { 1, 1 }, EXIT_DO_STOP },
      { EXIT_ERROR, false, { 0, 0 }, EXIT_DO_RESTART } },
    { { EXIT_LOAD_ERROR, false, { 0, 0 }, EXIT_DO_RESTART },
      { EXIT_TRAP, true, { 3, 5 }, EXIT_DO_ESCALATE } },
    { { EXIT_TIMEOUT, false, { 0, 0 }, EXIT_DO_STOP },
      { EXIT_ERROR, true, { 3, 42 }, EXIT_DO_FAIL } },
};

static void
random_rules(struct sim *sim, struct child_policy *policy)
{
    if (sim_chance(sim, 15)) {
        policy->rules = CHOOSE(sim, rules);
        policy->rules_size = 2;
    }
    if (sim_chance(sim, 20)) {
        policy->success = success_codes;
        policy->success_size = 2;
    }
}

struct child_policy
sim_random_policy(struct sim *sim, bool is_supervisor)
{
    static const enum restart_policy restart[] = { RESTART_PERMANENT, RESTART_PERMANENT,
                                                   RESTART_PERMANENT, RESTART_TRANSIENT,
                                                   RESTART_TRANSIENT, RESTART_TEMPORARY };
    static const uint32_t max_restarts[] = { 0, 1, 2, 3, 5, 10, 50, RESTARTS_UNLIMITED };
    static const uint64_t within[] = { 50 * MS, 300 * MS, 2 * SECOND, 60 * SECOND };
    static const uint64_t shutdown[] = { 0, 1 * MS, 20 * MS, 300 * MS, DURATION_INFINITE };
    static const uint64_t start_timeout[] = { 5 * MS, 50 * MS, 10 * SECOND, DURATION_INFINITE };
    uint64_t within_us = CHOOSE(sim, within);
    struct child_policy policy = {
        .restart = CHOOSE(sim, restart),
        .max_restarts = CHOOSE(sim, max_restarts),
        .within_us = within_us,
        .on_exhausted = sim_chance(sim, 20) ? ON_EXHAUSTED_ESCALATE : ON_EXHAUSTED_FAIL,
        .backoff = random_backoff(sim, within_us),
        .shutdown_us = CHOOSE(sim, shutdown),
        .start_timeout_us = is_supervisor ? DURATION_INFINITE : CHOOSE(sim, start_timeout),
    };
    if (is_supervisor && sim_chance(sim, 50))
        policy.shutdown_us = DURATION_INFINITE;
    policy.significant = policy.restart != RESTART_PERMANENT && sim_chance(sim, 30);
    random_rules(sim, &policy);
    return policy;
}

static struct sim_temper
random_temper(struct sim *sim)
{
    static const unsigned seldom[] = { 0, 0, 10, 60 };
    static const unsigned load_error[] = { 0, 0, 0, 5 };
    static const unsigned often[] = { 0, 20, 50, 100 };
    static const unsigned ignores[] = { 0, 0, 0, 0, 15 };
    static const uint64_t fast[] = { 1 * MS, 5 * MS, 40 * MS };
    static const uint64_t life[] = { 2 * MS, 100 * MS, 2 * SECOND };
    static const uint64_t stop[] = { 1 * MS, 10 * MS, 100 * MS };
    return (struct sim_temper){
        .start_fails = CHOOSE(sim, seldom),
        .start_hangs = CHOOSE(sim, seldom) / 3,
        .load_error = CHOOSE(sim, load_error),
        .ignores_start = CHOOSE(sim, ignores),
        .ends_normally = CHOOSE(sim, often),
        .ignores_stop = CHOOSE(sim, seldom),
        .start_us = CHOOSE(sim, fast),
        .life_us = CHOOSE(sim, life),
        .stop_us = CHOOSE(sim, stop),
    };
}

/* Neighbours in pairs: the one strategy whose groups do not contain one another. */
static bool
affects_pair(void *ctx, const struct supervisor_child *failed,
             const struct supervisor_child *candidate)
{
    (void)ctx;
    return sim_child_of(failed)->place / 2 == sim_child_of(candidate)->place / 2;
}

static uint32_t
template_of(const struct sim_child *subject)
{
    return subject->key / subject->parent->template_size;
}

bool
sim_are_fellows(const struct supervisor_child *one, const struct supervisor_child *other)
{
    return template_of(sim_child_of(one)) == template_of(sim_child_of(other));
}

bool
sim_affects(const struct sim_child *failed, const struct sim_child *other)
{
    if (failed == other || failed->parent != other->parent)
        return false;
    switch (failed->parent->node.policy.strategy) {
    case STRATEGY_ONE_FOR_ONE:
        return false;
    case STRATEGY_ONE_FOR_ALL:
        return true;
    case STRATEGY_REST_FOR_ONE:
        return other->place > failed->place && !sim_are_fellows(failed->child, other->child);
    case STRATEGY_PREDICATE:
        return affects_pair(NULL, failed->child, other->child);
    }
    return false;
}

static void
configure(struct sim *sim, struct sim_node *node)
{
    static const enum strategy strategies[] = { STRATEGY_ONE_FOR_ONE, STRATEGY_ONE_FOR_ALL,
                                                STRATEGY_REST_FOR_ONE, STRATEGY_PREDICATE };
    static const uint32_t intensity[] = {
        RESTARTS_UNLIMITED, RESTARTS_UNLIMITED, RESTARTS_UNLIMITED, 0, 2, 5, 20
    };
    static const uint64_t within[] = { 50 * MS, 2 * SECOND, 60 * SECOND };
    struct node_policy policy = {
        .strategy = sim_chance(sim, 60) ? CHOOSE(sim, strategies) : STRATEGY_ONE_FOR_ONE,
        .affects = affects_pair,
        .max_restarts = CHOOSE(sim, intensity),
        .within_us = CHOOSE(sim, within),
        .auto_shutdown = sim_chance(sim, 35) && node->self
                             ? (enum auto_shutdown)(1 + sim_random(sim, 2))
                             : AUTO_SHUTDOWN_NEVER,
    };
    if (policy.max_restarts != RESTARTS_UNLIMITED) {
        node->intensity_us = calloc(policy.max_restarts + 1, sizeof *node->intensity_us);
        if (!node->intensity_us)
            abort();
    }
    supervisor_node_configure(&node->node, &policy, node->intensity_us);
}

static struct sim_node *
node_new(struct sim *sim, struct sim_child *self)
{
    struct sim_node *node = calloc(1, sizeof *node);
    if (!node)
        abort();
    supervisor_node_init(&node->node);
    node->self = self;
    sim_turn_to(sim, TOPIC_NODE, self ? self->key : UINT32_MAX, 0);
    configure(sim, node);
    node->template_size = sim_chance(sim, 30) ? 2 + (unsigned)sim_random(sim, 3) : 1;
    node->node.are_fellows = sim_are_fellows;
    sim->nodes[sim->nodes_size++] = node;
    return node;
}

struct sim_child *
sim_child_of(const struct supervisor_child *child)
{
    return child->shell;
}

struct sim_child *
sim_child_find(const struct sim *sim, uint32_t key)
{
    for (size_t i = 0; i < sim->children_size; i++)
        if (sim->children[i]->key == key)
            return sim->children[i];
    return NULL;
}

static void
note_child(struct sim *sim, size_t used, const struct sim_child *subject)
{
    static const char *const restarts[] = { "permanent", "transient", "temporary" };
    const struct child_policy *policy = &subject->policy;
    sim_note(sim, used, "%s, %s, ", subject->path, restarts[policy->restart]);
    if (policy->max_restarts == RESTARTS_UNLIMITED)
        sim_note(sim, used, "unlimited");
    else
        sim_note(sim, used, "%u within %.0f ms", policy->max_restarts,
                 (double)policy->within_us / 1000.0);
    if (subject->has_health)
        sim_note(sim, used, ", %s each %.0f ms, %u failures",
                 subject->is_heartbeat ? "heartbeat" : "probe",
                 (double)subject->health_policy.interval_us / 1000.0,
                 subject->health_policy.failures);
}

static void
make_policy(struct sim *sim, struct sim_child *subject, bool is_supervisor)
{
    sim_turn_to(sim, TOPIC_CHILD, subject->key, 0);
    subject->policy = sim_random_policy(sim, is_supervisor);
    subject->temper = random_temper(sim);
    sim_turn_to(sim, TOPIC_CHILD, subject->key, 1);
    if (!is_supervisor)
        sim_health_policy(sim, subject);
}

struct sim_child *
sim_child_new(struct sim *sim, struct sim_node *parent, uint32_t key, bool is_supervisor)
{
    size_t used;
    if (sim->children_size == SIM_CHILDREN_MAX ||
        (used = sim_take(sim, ITEM_CHILD, key, 0)) == SIM_LEFT_OUT)
        return NULL;
    struct sim_child *subject = calloc(1, sizeof *subject);
    if (!subject)
        abort();
    subject->key = key;
    subject->place = key;
    subject->parent = parent;
    make_policy(sim, subject, is_supervisor);
    if (is_supervisor)
        subject->node = node_new(sim, subject);
    const char *above = parent->self ? parent->self->path : "";
    if (parent->template_size > 1)
        snprintf(subject->path, sizeof subject->path, "%.80s/t%u#%u", above, template_of(subject),
                 key);
    else
        snprintf(subject->path, sizeof subject->path, "%.80s/%c%u", above,
                 is_supervisor ? 's' : 'c', key);
    note_child(sim, used, subject);

    struct supervisor_child *child = calloc(1, supervisor_child_size(&subject->policy));
    if (!child)
        abort();
    supervisor_child_init(child, &subject->policy);
    child->shell = subject;
    child->is_supervisor = is_supervisor;
    sim_turn_to(sim, TOPIC_CHILD, key, 2);
    child->random = (uint16_t)sim_random(sim, UINT16_MAX);
    subject->child = child;
    sim->children[sim->children_size++] = subject;
    sim_dependencies_begin(sim, subject);
    subject->changed = malloc(sizeof *subject->changed);
    if (!subject->changed)
        abort();
    *subject->changed = subject->policy;
    child->policy = subject->changed;
    return subject;
}

/* What will be below it is numbered even if it is left out: `parent` is then NULL. */
static void
add(struct sim *sim, struct sim_node *parent, uint32_t key, bool is_supervisor)
{
    struct sim_child *subject = parent ? sim_child_new(sim, parent, key, is_supervisor) : NULL;
    if (subject)
        sim_step(sim, parent, (struct node_event){ .type = NODE_ADD, .child = subject->child });
    if (is_supervisor)
        sim->node_keys[sim->node_keys_size++] = key;
}

/* Children first, then what is below each supervisor: the order of a manifest's levels. */
static void
fill(struct sim *sim, struct sim_node *parent, unsigned depth, unsigned children)
{
    size_t first = sim->node_keys_size;
    for (unsigned i = 0; i < children && sim->keys < SIM_CHILDREN_MAX; i++) {
        uint32_t key = sim->keys++;
        sim_turn_to(sim, TOPIC_TREE, key, 0);
        add(sim, parent, key, depth < 5 && sim_chance(sim, 30));
    }
    size_t end = sim->node_keys_size;
    for (size_t i = first; i < end; i++) {
        const struct sim_child *self = sim_child_find(sim, sim->node_keys[i]);
        sim_turn_to(sim, TOPIC_TREE, sim->node_keys[i], 1);
        if (sim->keys < 60)
            fill(sim, self ? self->node : NULL, depth + 1, 1 + (unsigned)sim_random(sim, 4));
    }
}

static void
measure(struct sim *sim)
{
    sim->tree_size = sim->children_size;
    for (size_t i = 0; i < sim->nodes_size; i++) {
        unsigned depth = 0;
        for (const struct sim_child *self = sim->nodes[i]->self; self; self = self->parent->self)
            depth++;
        sim->tree_depth = depth > sim->tree_depth ? depth : sim->tree_depth;
    }
}

void
sim_tree_build(struct sim *sim)
{
    sim_turn_to(sim, TOPIC_TREE, UINT32_MAX, 0);
    sim->slots_max = 1 + (unsigned)sim_random(sim, 6);
    bool is_wide = sim_chance(sim, 3);
    unsigned children = 1 + (unsigned)sim_random(sim, is_wide ? 200 : 7);
    sim->root = node_new(sim, NULL);
    fill(sim, sim->root, is_wide ? 5 : 0, children);
    measure(sim);
    for (size_t i = 0; i < sim->children_size && !sim->failed; i++) {
        sim_turn_to(sim, TOPIC_DEPENDENCIES, sim->children[i]->key, 1);
        sim_dependencies_change(sim, sim->children[i]);
    }
}
