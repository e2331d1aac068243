/* Child ties: siblings of which one depends on the other, itself or for something below.
 *
 * When their supervisor ends under one-for-one, which waits for nothing else, the dependency is
 * asked to stop only when the dependant is down. (The group strategies have one order for all
 * stops; a kill waits for nobody.) What has a tie is the shell's memory; the node follows it.
 */
#ifndef SUPERVISION_CHILD_TIES_H
#define SUPERVISION_CHILD_TIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct supervisor_child;

/* Of one child; supervisor_child.ties. */
struct child_ties {
    struct supervisor_child *child;
    struct list dependencies; /* child_tie.of_dependant */
    struct list dependants;   /* child_tie.of_dependency */
    struct list released;     /* In the node's list of those that may stop now, or in none. */
    uint32_t live;            /* While its stop waits: ties to dependants that are up. */
};

struct child_tie {
    struct list of_dependant, of_dependency;
    struct supervisor_child *dependant, *dependency; /* Of the same node. */
};

/** Gives them to `child`, before its ADD or between two steps. */
void child_ties_init(struct child_ties *ties, struct supervisor_child *child);

/** Both have ties. Between two steps; a stop that has not been asked for yet waits for it, too. */
void child_tie_link(struct child_tie *tie, struct supervisor_child *dependant,
                    struct supervisor_child *dependency);
/** Between two steps, also of a child that was just removed. A stop that waits for it alone is asked
 * for when nothing else is stopping. */
void child_tie_unlink(struct child_tie *tie);

#endif
