/* Node policy: what a supervisor's owner wants of it as a whole. Constant, and set before its
 * node takes a step.
 *
 * A strategy is a predicate affects(failed, candidate); which siblings are taken along by a
 * restart is all it says. Order and execution are the node's (node_group.c).
 */
#ifndef SUPERVISION_NODE_POLICY_H
#define SUPERVISION_NODE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "supervision/child_policy.h"

struct supervisor_child;

enum strategy {
    STRATEGY_ONE_FOR_ONE,
    STRATEGY_ONE_FOR_ALL,
    STRATEGY_REST_FOR_ONE,
    STRATEGY_PREDICATE /* `affects` of the user's. */
};

/* Whose end ends the supervisor: any significant child's, or that of the last one. */
enum auto_shutdown { AUTO_SHUTDOWN_NEVER, AUTO_SHUTDOWN_ANY, AUTO_SHUTDOWN_ALL };

struct node_policy {
    enum strategy strategy;
    /* STRATEGY_PREDICATE: whether a restart of `failed` takes `candidate`, another child of the
     * same node, along. Called in a step: quick, the same answer each time, calls nobody. */
    bool (*affects)(void *ctx, const struct supervisor_child *failed,
                    const struct supervisor_child *candidate);
    void *ctx;
    enum auto_shutdown auto_shutdown;
    /* Intensity: grants over all children in plain time. RESTARTS_UNLIMITED: no limit. */
    uint32_t max_restarts;
    uint64_t within_us;
    /* At most so many, however they came; 0: no limit. The shell's to keep. */
    uint32_t max_children;
};

/** One-for-one, without intensity and auto-shutdown. Thread: any. */
struct node_policy node_policy_default(void);

/** Whether starts wait for one another, and stops: all strategies but one-for-one. */
static inline bool
node_policy_waits(const struct node_policy *policy)
{
    return policy->strategy != STRATEGY_ONE_FOR_ONE;
}

#endif
