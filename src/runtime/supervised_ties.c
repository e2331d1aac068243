/* Supervised ties: which siblings' stops wait for one another, because one of them, or something
 * below it, depends on the other or on something below that.
 *
 * Siblings are tied by path: a tie whose sibling is not there (yet, or any more) waits in
 * supervisor->untied. It goes with the last that wants it: the child's own dependency, or one of
 * those below.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/supervised_bonds.h"

struct sibling_tie {
    struct child_tie tie; /* Linked, or in supervisor->untied by the next. */
    struct list untied;
    struct list link; /* In child_bonds.siblings. */
    struct supervised_child *dependant;
    struct refstr *path; /* Of the sibling. */
    bool is_own;         /* Of a dependency of the child itself. */
    uint32_t lifted;     /* Of so many below it. */
};

struct child_bonds *
bonds_get(struct supervised_child *child)
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
    if (!bonds_get(other))
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

/* Nobody's any more. */
static void
free_if_unused(struct sibling_tie *sibling)
{
    if (!sibling->is_own && sibling->lifted == 0)
        free_tie(sibling);
}

static struct sibling_tie *
find_tie(const struct child_bonds *bonds, const char *path, size_t size)
{
    list_for_each(link, &bonds->siblings) {
        struct sibling_tie *sibling = container_of(link, struct sibling_tie, link);
        if (sibling->path->size == size && memcmp(sibling->path->text, path, size) == 0)
            return sibling;
    }
    return NULL;
}

/* The sibling of `child` that is or holds `dependency`: so many bytes of it; 0: none. */
static size_t
sibling_size(const struct supervisor *supervisor, const struct supervised_child *child,
             const struct refstr *dependency)
{
    size_t above = supervisor->path->size == 1 ? 0 : supervisor->path->size;
    if (strncmp(dependency->text, supervisor->path->text, above) != 0 ||
        dependency->text[above] != '/')
        return 0;
    size_t size = above + 1 + strcspn(dependency->text + above + 1, "/");
    bool is_itself =
        size == child->path->size && memcmp(dependency->text, child->path->text, size) == 0;
    return is_itself ? 0 : size;
}

/* The tie of `child` to the sibling that is or holds `dependency`, made if need be. NULL: there is
 * none to make (*status_out OK), or no memory. */
static struct sibling_tie *
get_tie(struct supervisor *supervisor, struct supervised_child *child,
        const struct refstr *dependency, enum airs_status *status_out)
{
    size_t size = sibling_size(supervisor, child, dependency);
    *status_out = AIRS_OK;
    if (size == 0)
        return NULL;
    struct sibling_tie *sibling = find_tie(bonds_of(child), dependency->text, size);
    if (sibling)
        return sibling;
    *status_out = AIRS_ENOMEM;
    sibling = calloc(1, sizeof *sibling);
    if (!sibling)
        return NULL;
    list_init(&sibling->tie.of_dependant);
    list_init(&sibling->tie.of_dependency);
    list_init(&sibling->untied);
    list_push_back(&bonds_of(child)->siblings, &sibling->link);
    sibling->dependant = child;
    sibling->path = refstr_new(dependency->text, size);
    if (sibling->path && tie(supervisor, sibling)) {
        *status_out = AIRS_OK;
        return sibling;
    }
    free_tie(sibling);
    return NULL;
}

bool
ties_add_own(struct supervisor *supervisor, struct supervised_child *child,
             const struct refstr *dependency)
{
    enum airs_status status;
    struct sibling_tie *sibling = get_tie(supervisor, child, dependency, &status);
    if (sibling)
        sibling->is_own = true;
    return status == AIRS_OK;
}

void
ties_drop_own(struct child_bonds *bonds)
{
    list_for_each(link, &bonds->siblings) {
        struct sibling_tie *sibling = container_of(link, struct sibling_tie, link);
        sibling->is_own = false;
        free_if_unused(sibling);
    }
}

enum airs_status
supervised_child_tie(struct supervisor *supervisor, struct supervised_child *child,
                     const struct refstr *dependency)
{
    enum airs_status status;
    if (!bonds_get(child))
        return AIRS_ENOMEM;
    struct sibling_tie *sibling = get_tie(supervisor, child, dependency, &status);
    if (sibling)
        sibling->lifted++;
    return status;
}

void
supervised_child_untie(struct supervisor *supervisor, struct supervised_child *child,
                       const struct refstr *dependency)
{
    size_t size = sibling_size(supervisor, child, dependency);
    struct sibling_tie *sibling =
        bonds_of(child) ? find_tie(bonds_of(child), dependency->text, size) : NULL;
    if (!sibling || sibling->lifted == 0)
        return;
    sibling->lifted--;
    free_if_unused(sibling);
}

bool
ties_take_untied(struct supervisor *supervisor, struct supervised_child *child)
{
    list_for_each(link, &supervisor->untied) {
        struct sibling_tie *sibling = container_of(link, struct sibling_tie, untied);
        if (strcmp(sibling->path->text, child->path->text) != 0)
            continue;
        if (!bonds_get(child))
            return false;
        list_remove(link);
        child_tie_link(&sibling->tie, &sibling->dependant->node, &child->node);
    }
    return true;
}

void
ties_end(struct supervisor *supervisor, struct child_bonds *bonds)
{
    list_for_each(link, &bonds->ties.dependants) {
        struct child_tie *of = container_of(link, struct child_tie, of_dependency);
        struct sibling_tie *sibling = container_of(of, struct sibling_tie, tie);
        child_tie_unlink(of);
        list_push_back(&supervisor->untied, &sibling->untied);
    }
    list_for_each(link, &bonds->siblings)
        free_tie(container_of(link, struct sibling_tie, link));
    list_remove(&bonds->ties.released);
}
