/* Supervised dependencies: what a supervisor keeps of a child that depends on others or that
 * others depend on, and what the table of dependencies brings it.
 *
 * The node is fed the difference between the table and what it heard last. Siblings are tied for
 * the order of their stops by path: a tie whose sibling is not there (yet, or any more) waits in
 * supervisor->untied.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dependencies.h"
#include "runtime/supervisor_state.h"
#include "supervision/child_ties.h"

/* Of a child that has to do with dependencies at all. */
struct child_bonds {
    struct child_ties ties;
    struct dependant *dependant; /* NULL: depends on nothing. */
    struct dependency *entry;    /* NULL: nobody depends on it. */
    struct refstr *unmet;        /* The first path that is not met; the dependant's. */
    struct refstr *exited;       /* For which it was stopped last. */
    struct list siblings;        /* struct sibling_tie: to those that it depends on. */
};

struct sibling_tie {
    struct child_tie tie; /* Linked, or in supervisor->untied by the next. */
    struct list untied;
    struct list link; /* In child_bonds.siblings. */
    struct supervised_child *dependant;
    struct refstr *path; /* Of the sibling. */
    bool is_lifted;      /* Of something below: stays when its own dependencies change. */
};

/* NULL: it has nothing to do with dependencies. */
static struct child_bonds *
bonds_of(const struct supervised_child *child)
{
    struct child_ties *ties = child->node.ties;
    return ties ? container_of(ties, struct child_bonds, ties) : NULL;
}

static struct child_bonds *
get_bonds(struct supervised_child *child)
{
    if (child->node.ties)
        return bonds_of(child);
    struct child_bonds *bonds = calloc(1, sizeof *bonds);
    if (!bonds)
        return NULL;
    child_ties_init(&bonds->ties, &child->node);
    list_init(&bonds->siblings);
    return bonds;
}

/* ---- Ties to siblings ---- */

/* False: out of memory. */
static bool
tie(struct supervisor *supervisor, struct sibling_tie *sibling)
{
    struct supervised_child *other = supervised_child_find(supervisor, sibling->path);
    if (!other) {
        list_push_back(&supervisor->untied, &sibling->untied);
        return true;
    }
    if (!get_bonds(other))
        return false;
    child_tie_link(&sibling->tie, &sibling->dependant->node, &other->node);
    return true;
}

static void
free_tie(struct sibling_tie *sibling)
{
    child_tie_unlink(&sibling->tie);
    list_remove(&sibling->untied);
    list_remove(&sibling->link);
    refstr_unref(sibling->path);
    free(sibling);
}

static struct sibling_tie *
find_tie(const struct child_bonds *bonds, const char *path, size_t size)
{
    list_for_each(link, &bonds->siblings)
    {
        struct sibling_tie *sibling = container_of(link, struct sibling_tie, link);
        if (sibling->path->size == size && memcmp(sibling->path->text, path, size) == 0)
            return sibling;
    }
    return NULL;
}

/* The sibling that is or holds `dependency`: so many bytes of it; 0: none of this supervisor's. */
static size_t
sibling_size(const struct supervisor *supervisor, const struct refstr *dependency)
{
    size_t above = supervisor->path->size == 1 ? 0 : supervisor->path->size;
    if (strncmp(dependency->text, supervisor->path->text, above) != 0 ||
        dependency->text[above] != '/')
        return 0;
    return above + 1 + strcspn(dependency->text + above + 1, "/");
}

/* False: out of memory. */
static bool
add_tie(struct supervisor *supervisor, struct supervised_child *child,
        const struct refstr *dependency, bool is_lifted)
{
    size_t size = sibling_size(supervisor, dependency);
    bool is_itself = size == child->path->size &&
                     memcmp(dependency->text, child->path->text, size) == 0;
    if (size == 0 || is_itself)
        return true;
    struct sibling_tie *sibling = find_tie(bonds_of(child), dependency->text, size);
    if (sibling) {
        sibling->is_lifted |= is_lifted;
        return true;
    }
    sibling = calloc(1, sizeof *sibling);
    if (!sibling)
        return false;
    list_init(&sibling->tie.of_dependant);
    list_init(&sibling->tie.of_dependency);
    list_init(&sibling->untied);
    list_push_back(&bonds_of(child)->siblings, &sibling->link);
    sibling->dependant = child;
    sibling->is_lifted = is_lifted;
    sibling->path = refstr_new(dependency->text, size);
    if (sibling->path && tie(supervisor, sibling))
        return true;
    free_tie(sibling);
    return false;
}

enum airs_status
supervised_child_tie(struct supervisor *supervisor, struct supervised_child *child,
                     const struct refstr *dependency)
{
    return get_bonds(child) && add_tie(supervisor, child, dependency, true) ? AIRS_OK
                                                                            : AIRS_ENOMEM;
}

/* Those that wait for a sibling of the child's path. False: out of memory. */
static bool
take_untied(struct supervisor *supervisor, struct supervised_child *child)
{
    list_for_each(link, &supervisor->untied)
    {
        struct sibling_tie *sibling = container_of(link, struct sibling_tie, untied);
        if (strcmp(sibling->path->text, child->path->text) != 0)
            continue;
        if (!get_bonds(child))
            return false;
        list_remove(link);
        child_tie_link(&sibling->tie, &sibling->dependant->node, &child->node);
    }
    return true;
}

static void
untie_dependants(struct supervisor *supervisor, struct child_bonds *bonds)
{
    list_for_each(link, &bonds->ties.dependants)
    {
        struct child_tie *of = container_of(link, struct child_tie, of_dependency);
        struct sibling_tie *sibling = container_of(of, struct sibling_tie, tie);
        child_tie_unlink(of);
        list_push_back(&supervisor->untied, &sibling->untied);
    }
}

/* ---- What a child depends on ---- */

static void
look(struct supervisor *supervisor, struct supervised_child *child, struct dependency_look *look_out)
{
    *look_out = dependant_look(supervisor->system->dependencies, bonds_of(child)->dependant);
    bonds_of(child)->unmet = look_out->unmet;
}

static void
free_own_ties(struct child_bonds *bonds)
{
    list_for_each(link, &bonds->siblings)
    {
        struct sibling_tie *sibling = container_of(link, struct sibling_tie, link);
        if (!sibling->is_lifted)
            free_tie(sibling);
    }
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
    free_own_ties(bonds_of(child));
    for (size_t i = 0; i < size; i++)
        enough &= add_tie(supervisor, child, paths[i], false);
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
    if (!get_bonds(child))
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
    if (!get_bonds(child)) {
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
    bool enough = take_untied(supervisor, child) && tell_from_now_on(supervisor, child);
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
    child->node.ties = NULL;
    child->node.depended_on = false;
    untie_dependants(supervisor, bonds);
    list_for_each(link, &bonds->siblings) free_tie(container_of(link, struct sibling_tie, link));
    list_remove(&bonds->ties.released);
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
    supervisor_feed(supervisor, (struct node_event){ .type = NODE_DEPENDENCY_EXITED,
                                                     .child = &child->node });
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
