/* Change: what a reload does to a tree that lives: other policies, another order, other strategies.
 * The manifest of a run does not tell of it, so runs that are written for the oracle go without.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static void *
make_room(size_t count, size_t size)
{
    void *room = calloc(count + 1, size);
    if (!room)
        abort();
    return room;
}

/* Grants that have no room in the new budget, or had none in the old one, are forgotten. */
static void
forget_grants(struct sim_ledger *ledger, const struct child_policy *was,
              const struct child_policy *is)
{
    size_t kept = ledger->grants_size - ledger->forgotten;
    size_t old_room = supervisor_child_grants_max(was);
    size_t room = supervisor_child_grants_max(is);
    kept = kept < old_room ? kept : old_room;
    kept = kept < room ? kept : room;
    ledger->forgotten = ledger->grants_size - kept;
}

void
sim_change_policy(struct sim *sim, struct sim_child *subject)
{
    struct child_policy *next = make_room(1, sizeof *next);
    *next = sim_random_policy(sim, subject->node != NULL);
    next->reports_ready = subject->policy.reports_ready;
    next->when_dependency_restarts = subject->policy.when_dependency_restarts;
    if (subject->child->depended_on) /* The shell would tell that its end means something else. */
        next->restart = subject->policy.restart;
    next->significant = next->significant && next->restart != RESTART_PERMANENT;
    uint64_t *ring = make_room(supervisor_child_grants_max(next), sizeof *ring);
    forget_grants(&subject->ledger, &subject->policy, next);
    subject->ledger.keeps_timer = true;
    subject->policy = *next;
    struct node_event event = {
        .type = NODE_CHANGE,
        .child = subject->child,
        .policy = next,
        .grants_us = ring,
        .restarts = !subject->node && sim_chance(sim, 50),
        .on_trial = sim_chance(sim, 50),
    };
    sim_step(sim, subject->parent, event);
    free(subject->changed);
    free(subject->changed_us);
    subject->changed = next;
    subject->changed_us = ring;
}

struct supervisor_child *
sim_change_before(struct sim *sim, const struct sim_node *node, const struct sim_child *subject)
{
    size_t size = supervisor_node_size(&node->node);
    size_t place = sim_random(sim, size + 1);
    list_for_each(link, &node->node.children) {
        struct supervisor_child *child = container_of(link, struct supervisor_child, siblings);
        if (place-- == 0)
            return child == subject->child ? NULL : child;
    }
    return NULL;
}

void
sim_change_places(struct sim_child *subject, const struct supervisor_child *before)
{
    size_t place = 0;
    list_for_each(link, &subject->parent->node.children) {
        struct sim_child *other =
            sim_child_of(container_of(link, struct supervisor_child, siblings));
        if (other->child == before)
            subject->place = place++;
        if (other != subject)
            other->place = place++;
    }
    if (!before)
        subject->place = place;
}

void
sim_change_place(struct sim *sim, struct sim_child *subject)
{
    struct supervisor_child *before = sim_change_before(sim, subject->parent, subject);
    if (subject->parent->node.policy.strategy == STRATEGY_PREDICATE) /* It goes by places. */
        return;
    sim_change_places(subject, before);
    subject->parent->is_reordered = true;
    sim_step(sim, subject->parent,
             (struct node_event){ .type = NODE_MOVE, .child = subject->child, .before = before });
}

/* The same for the intensity: its grants are counted from `grants_us`, the oldest first. */
static void
forget_intensity(struct sim_node *node, uint32_t was, uint32_t is)
{
    size_t old_room = was == RESTARTS_UNLIMITED ? 0 : was;
    size_t room = is == RESTARTS_UNLIMITED ? 0 : is;
    size_t kept = node->grants_size < old_room ? node->grants_size : old_room;
    kept = kept < room ? kept : room;
    if (kept > 0)
        memmove(node->grants_us, node->grants_us + (node->grants_size - kept),
                kept * sizeof *node->grants_us);
    node->grants_size = kept;
}

void
sim_change_node(struct sim *sim, struct sim_node *node)
{
    static const uint32_t intensity[] = { RESTARTS_UNLIMITED, RESTARTS_UNLIMITED, 1, 5, 20 };
    struct node_policy policy = node->node.policy;
    policy.max_restarts = intensity[sim_random(sim, sizeof intensity / sizeof intensity[0])];
    policy.within_us = 1000000;
    if (policy.strategy != STRATEGY_PREDICATE)
        policy.strategy = (enum strategy)sim_random(sim, STRATEGY_PREDICATE);
    if (node->self && sim_chance(sim, 30))
        policy.auto_shutdown = (enum auto_shutdown)sim_random(sim, AUTO_SHUTDOWN_ALL + 1);
    uint32_t room = policy.max_restarts == RESTARTS_UNLIMITED ? 0 : policy.max_restarts;
    uint64_t *ring = make_room(room, sizeof *ring);
    forget_intensity(node, node->node.policy.max_restarts, policy.max_restarts);
    node->is_reconfigured |= policy.strategy != node->node.policy.strategy;
    sim_step(
        sim, node,
        (struct node_event){ .type = NODE_CONFIGURE, .node_policy = &policy, .grants_us = ring });
    free(node->intensity_us);
    node->intensity_us = ring;
}
