/* Restart budget: the grants of one child in a window that slides on its lived time.
 *
 * The ring lies behind the child, in slots that supervisor_child_size() makes room for, at least
 * one; after a change of policy the first of them says where it is (grants_moved). `grants_taken`
 * counts the grants; past twice the ring's size it goes on from once, so that it says both how many
 * are in the ring and where the next one goes.
 *
 * The last max_restarts grants stand in the child's ring by their lived time, so they are
 * sorted, and one more is allowed exactly if the oldest of a full ring has left the window.
 * The window is closed: a grant that is `within` old still counts, so that a child that
 * never lives has max_restarts restarts whatever `within` is.
 */
#ifndef SUPERVISION_RESTART_BUDGET_H
#define SUPERVISION_RESTART_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervision/supervisor_node.h"

/** Fewer than max_restarts grants lie in the window that ends at `lived_us`. Costs O(1). */
bool restart_budget_has_room(const struct supervisor_child *child, uint64_t lived_us);

/** Grants in that window; 0 for RESTARTS_UNLIMITED. Costs O(log max_restarts). */
uint32_t restart_budget_used(const struct supervisor_child *child, uint64_t lived_us);

/** Lived time after `lived_us` at which the oldest grant in that window leaves it;
 * DURATION_INFINITE without one. */
uint64_t restart_budget_frees_us(const struct supervisor_child *child, uint64_t lived_us);

/** Records a grant at `lived_us`, not before any earlier one. There must be room. */
void restart_budget_take(struct supervisor_child *child, uint64_t lived_us);

/** Gives the child `policy` and the ring `grants_us`; the newest grants that fit stay. */
void restart_budget_move(struct supervisor_child *child, const struct child_policy *policy,
                         uint64_t *grants_us);
/** Fills the ring with the newest that fit of `size` times, the oldest first. */
void restart_budget_restore(struct supervisor_child *child, const uint64_t *grants_us, size_t size);

/** Forgets all grants. */
void restart_budget_clear(struct supervisor_child *child);

#endif
