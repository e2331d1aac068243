/* Supervised dependencies: what a supervisor keeps of a child that depends on others or that
 * others depend on, and what the table of dependencies brings it.
 *
 * The node is fed the difference between the table and what it heard last. What the order of stops
 * follows stands in supervised_ties.c.
 */
#include <stdlib.h>

#include "runtime/dependencies.h"
#include "runtime/supervised_bonds.h"

/* ---- What a child depends on ---- */

static void
look(struct supervisor *supervisor, struct supervised_child *child,
     struct dependency_look *look_out)
{
    *look_out = dependant_look(supervisor->system->dependencies, bonds_of(child)->dependant);
    bonds_of(child)->unmet = look_out->unmet;
}

/* Puts `dependant`, of `paths`, in the place of what was there. False: out of memory; ties, which
 * order stops alone, may then be missing. */
static bool
put_dependant(struct supervisor *supervisor, struct supervised_child *child,
              struct dependant *dependant, struct refstr *const *paths, size_t size)
{
    bool enough = true;
    dependant_free(supervisor->system->dependencies, bonds_of(child)->dependant);
    bonds_of(child)->dependant = dependant;
    bonds_of(child)->unmet = NULL;
    ties_drop_own(bonds_of(child));
    for (size_t i = 0; i < size; i++)
        enough &= ties_add_own(supervisor, child, paths[i]);
    return enough;
}

/* What holds of its dependencies now, with the next event about them to follow. */
static enum airs_status
depend(struct supervisor *supervisor, struct supervised_child *child, struct refstr *const *paths,
       size_t size, bool *unmet_out)
{
    struct dependant *dependant = NULL;
    struct dependency_look now = { 0 };
    if (size == 0 && !bonds_of(child)) {
        *unmet_out = false;
        return AIRS_OK;
    }
    if (!bonds_get(child))
        return AIRS_ENOMEM;
    if (size > 0) {
        dependant = dependant_new(supervisor->system->dependencies, &supervisor->inbox,
                                  supervisor->self, child, paths, size);
        if (!dependant)
            return AIRS_ENOMEM;
    }
    bool enough = put_dependant(supervisor, child, dependant, paths, size);
    if (dependant)
        look(supervisor, child, &now);
    *unmet_out = now.unmet != NULL;
    return enough ? AIRS_OK : AIRS_ENOMEM;
}

/* Somebody depends on the child: from now on the table is told. False: out of memory. */
static bool
tell_from_now_on(struct supervisor *supervisor, struct supervised_child *child)
{
    struct dependencies *table = supervisor->system->dependencies;
    struct dependency *entry = dependency_hold(table, child->path);
    if (!entry)
        return true;
    if (!bonds_get(child)) {
        dependency_release(table, entry);
        return false;
    }
    bonds_of(child)->entry = entry;
    dependency_tell(table, entry, supervisor_child_tell(&child->node), false);
    return true;
}

enum airs_status
supervised_dependencies_begin(struct supervisor *supervisor, struct supervised_child *child,
                              struct refstr *const *paths, size_t size)
{
    bool unmet;
    enum airs_status status = depend(supervisor, child, paths, size, &unmet);
    if (status != AIRS_OK)
        return status;
    child->node.unmet = unmet;
    bool enough = ties_take_untied(supervisor, child) && tell_from_now_on(supervisor, child);
    return enough ? AIRS_OK : AIRS_ENOMEM;
}

void
supervised_dependencies_end(struct supervisor *supervisor, struct supervised_child *child)
{
    struct dependencies *table = supervisor->system->dependencies;
    struct child_bonds *bonds = bonds_of(child);
    if (!bonds)
        return;
    child->node.ties = NULL;
    child->node.depended_on = false;
    ties_end(supervisor, bonds);
    dependant_free(table, bonds->dependant);
    if (bonds->entry)
        dependency_release(table, bonds->entry);
    refstr_unref(bonds->exited);
    free(bonds);
}

static void
feed_unmet(struct supervisor *supervisor, struct supervised_child *child, bool unmet)
{
    if (unmet != child->node.unmet)
        supervisor_feed(supervisor, (struct node_event){ .type = unmet ? NODE_DEPENDENCY_LOST
                                                                       : NODE_DEPENDENCY_MET,
                                                         .child = &child->node });
}

enum airs_status
supervised_child_set_dependencies(struct supervisor *supervisor, struct supervised_child *child,
                                  struct refstr *const *paths, size_t size)
{
    bool unmet = child->node.unmet;
    enum airs_status status = depend(supervisor, child, paths, size, &unmet);
    feed_unmet(supervisor, child, unmet);
    return status;
}

/* ---- What the table brings ---- */

static void
follow_exit(struct supervisor *supervisor, struct supervised_child *child, struct refstr *exited)
{
    enum child_state state = child->node.state;
    if (state == CHILD_STARTING || state == CHILD_RUNNING) {
        refstr_unref(bonds_of(child)->exited);
        bonds_of(child)->exited = refstr_ref(exited);
    }
    supervisor_feed(supervisor,
                    (struct node_event){ .type = NODE_DEPENDENCY_EXITED, .child = &child->node });
}

static void
look_again(struct supervisor *supervisor, struct supervised_child *child)
{
    struct refstr *before = bonds_of(child)->unmet;
    struct dependency_look now;
    look(supervisor, child, &now);
    if (now.exited && child->node.policy->when_dependency_restarts == DEPENDENCY_RESTART)
        follow_exit(supervisor, child, now.exited);
    bool waits = child->node.unmet && child->node.wait == WAIT_DEPENDENCY;
    feed_unmet(supervisor, child, now.unmet != NULL);
    if (waits && now.unmet && now.unmet != before) /* It is met, and the next one is not. */
        supervisor_notify_waiting(supervisor, child);
}

void
supervised_dependencies_take(struct supervisor *supervisor)
{
    struct dependencies *table = supervisor->system->dependencies;
    struct dependant *dependant;
    struct refstr *path;
    while ((dependant = dependency_inbox_take_changed(table, &supervisor->inbox)) != NULL)
        look_again(supervisor, dependant->owner);
    while ((path = dependency_inbox_take_asked(table, &supervisor->inbox)) != NULL) {
        struct supervised_child *child = supervised_child_find(supervisor, path);
        /* Out of memory here: it is never met, visibly; adding it anew helps. */
        if (child)
            tell_from_now_on(supervisor, child);
        refstr_unref(path);
    }
}

void
supervised_dependencies_tell(struct supervisor *supervisor, struct supervised_child *child,
                             bool met, bool exited)
{
    if (bonds_of(child) && bonds_of(child)->entry)
        dependency_tell(supervisor->system->dependencies, bonds_of(child)->entry, met, exited);
}

struct refstr *
supervised_dependencies_unmet(const struct supervised_child *child)
{
    return bonds_of(child) ? bonds_of(child)->unmet : NULL;
}

struct refstr *
supervised_dependencies_exited(const struct supervised_child *child)
{
    return bonds_of(child) ? bonds_of(child)->exited : NULL;
}
