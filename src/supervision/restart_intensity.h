/* Restart intensity: the grants of one node in a window of plain time.
 *
 * The last max_restarts grants stand in a ring of the shell's, by their time, so one more is
 * allowed exactly if the oldest of a full ring has left the window, which is closed as that of
 * a child's budget (restart_budget.h). Without intensity nothing is kept.
 */
#ifndef SUPERVISION_RESTART_INTENSITY_H
#define SUPERVISION_RESTART_INTENSITY_H

#include "supervision/supervisor_node.h"

/** Fewer than max_restarts grants lie in the window that ends at `now_us`. Costs O(1). */
bool restart_intensity_has_room(const struct supervisor_node *node, uint64_t now_us);

/** Records a grant at `now_us`, not before any earlier one. There must be room. */
void restart_intensity_take(struct supervisor_node *node, uint64_t now_us);

/** Grants of an earlier run, by their age at `now_us`, the oldest first: the node's first start
 * keeps them, unless it is one by hand. After supervisor_node_configure(). */
void restart_intensity_restore(struct supervisor_node *node, uint64_t now_us,
                               const uint64_t *ages_us, size_t size);

/** Forgets all grants. */
void restart_intensity_clear(struct supervisor_node *node);

/** Gives the node `policy` and the ring `grants_us`; the newest grants that fit stay. */
void restart_intensity_move(struct supervisor_node *node, const struct node_policy *policy,
                            uint64_t *grants_us);

#endif
