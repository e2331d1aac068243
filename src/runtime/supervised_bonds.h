/* Supervised bonds: what a supervisor keeps of a child that depends on others or that others depend
 * on. Inside supervised_dependencies.c and supervised_ties.c alone; thread: the supervisor's turn.
 */
#ifndef RUNTIME_SUPERVISED_BONDS_H
#define RUNTIME_SUPERVISED_BONDS_H

#include "runtime/supervisor_state.h"
#include "supervision/child_ties.h"

struct dependant;
struct dependency;

/* Of a child that has to do with dependencies at all. */
struct child_bonds {
    struct child_ties ties;
    struct dependant *dependant; /* NULL: depends on nothing. */
    struct dependency *entry;    /* NULL: nobody depends on it. */
    struct refstr *unmet;        /* The first path that is not met; the dependant's. */
    struct refstr *exited;       /* For which it was stopped last. */
    struct list siblings;        /* struct sibling_tie: to those that it depends on. */
};

/** NULL: it has nothing to do with dependencies. */
static inline struct child_bonds *
bonds_of(const struct supervised_child *child)
{
    struct child_ties *ties = child->node.ties;
    return ties ? container_of(ties, struct child_bonds, ties) : NULL;
}

/* ---- supervised_ties.c ---- */

/** Those of `child`, made if need be. NULL: out of memory. */
struct child_bonds *bonds_get(struct supervised_child *child);
/** `child`, which has bonds, depends on `dependency`: ties it to the sibling that this is or lies
 * below, if there is one. False: out of memory. */
bool ties_add_own(struct supervisor *supervisor, struct supervised_child *child,
                  const struct refstr *dependency);
/** It depends on nothing any more; what lies below it may. */
void ties_drop_own(struct child_bonds *bonds);
/** `child` is there now: ties to it those that waited for its path. False: out of memory. */
bool ties_take_untied(struct supervisor *supervisor, struct supervised_child *child);
/** The child of `bonds` is gone: its own ties go, and those to it wait for its path. */
void ties_end(struct supervisor *supervisor, struct child_bonds *bonds);

#endif
