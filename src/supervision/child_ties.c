/* Child ties: see child_ties.h. A supervisor that stops goes from its last child to the first; one
 * whose dependants are up then is marked GROUP_STOP and counts them (`live`). Each that goes down
 * takes one off what it depends on; at none the child moves to node->released, from where it is
 * stopped at the end of the step.
 */
#include "supervision/child_ties.h"

#include <assert.h>

#include "supervision/node_step.h"

void
child_ties_init(struct child_ties *ties, struct supervisor_child *child)
{
    *ties = (struct child_ties){ .child = child };
    list_init(&ties->dependencies);
    list_init(&ties->dependants);
    list_init(&ties->released);
    child->ties = ties;
}

static bool
is_held(const struct supervisor_child *child)
{
    return child->group == GROUP_STOP &&
           (child->state == CHILD_STARTING || child->state == CHILD_RUNNING);
}

/* The stop of its dependency waits for the dependant. */
static bool
is_counted(const struct child_tie *tie)
{
    const struct child_ties *ties =
        tie->dependency->ties; /* None any more of one that is removed. */
    return ties && ties->live > 0 && is_held(tie->dependency) &&
           child_state_is_live(tie->dependant->state);
}

void
child_tie_link(struct child_tie *tie, struct supervisor_child *dependant,
               struct supervisor_child *dependency)
{
    assert(dependant->ties && dependency->ties);
    tie->dependant = dependant;
    tie->dependency = dependency;
    list_push_back(&dependant->ties->dependencies, &tie->of_dependant);
    list_push_back(&dependency->ties->dependants, &tie->of_dependency);
    if (is_counted(tie))
        dependency->ties->live++;
}

static void
let_stop(struct supervisor_node *node, struct supervisor_child *dependency)
{
    struct child_ties *ties = dependency->ties;
    if (is_held(dependency) && ties->live > 0 && --ties->live == 0)
        list_push_back(&node->released, &ties->released);
}

void
child_tie_unlink(struct child_tie *tie)
{
    if (list_is_linked(&tie->of_dependency) && is_counted(tie) && tie->dependency->ties->live > 1)
        tie->dependency->ties->live--;
    list_remove(&tie->of_dependant);
    list_remove(&tie->of_dependency);
}

bool
ties_hold(struct step *step, struct supervisor_child *child)
{
    (void)step;
    if (!child->ties)
        return false;
    child->ties->live = 0;
    list_for_each(link, &child->ties->dependants) {
        struct child_tie *tie = container_of(link, struct child_tie, of_dependency);
        child->ties->live += child_state_is_live(tie->dependant->state);
    }
    return child->ties->live > 0;
}

void
ties_went_down(struct step *step, struct supervisor_child *child)
{
    if (!child->ties || step->node->state != NODE_STOPPING || step_waits(step))
        return;
    list_for_each(link, &child->ties->dependencies)
        let_stop(step->node, container_of(link, struct child_tie, of_dependant)->dependency);
}

/* Ties in a circle, which nobody is to make, hold each other: the last child goes first. */
static void
cut_circle(struct supervisor_node *node)
{
    bool is_stuck = node->state == NODE_STOPPING && node->counts[CHILD_STOPPING] == 0 &&
                    node->counts[CHILD_STARTING] + node->counts[CHILD_RUNNING] > 0;
    if (!is_stuck)
        return;
    for (struct list *link = node->children.previous; link != &node->children;
         link = link->previous) {
        struct supervisor_child *child = container_of(link, struct supervisor_child, siblings);
        if (!is_held(child))
            continue;
        child->ties->live = 0;
        list_push_back(&node->released, &child->ties->released);
        return;
    }
}

bool
ties_go_on(struct step *step)
{
    struct supervisor_node *node = step->node;
    if (list_is_empty(&node->released))
        cut_circle(node);
    while (!list_is_empty(&node->released)) {
        if (!step_has_room(step, TRANSITION_ACTIONS_MAX))
            return false;
        struct list *link = list_pop_front(&node->released);
        struct supervisor_child *child = container_of(link, struct child_ties, released)->child;
        if (!is_held(child))
            continue;
        child_stop_with_node(step, child);
        child_tell(step, child);
    }
    return true;
}
