/* Dependencies: one table for the whole system of who is depended on, whether it is met, and who
 * wants to know.
 *
 * A child that depends on others has a `dependant`, with a watch on the entry of each; entries are
 * found by path, and are there before the child of that path and after it. The supervisor of a
 * child that has an entry tells what becomes of it. Whoever watches is put into the inbox of his
 * own supervisor, whose one control message is sent; in its turn that looks at the table and
 * compares. So what comes together is looked at once, and telling allocates nothing.
 *
 * One lock, held for a few instructions for each watch.
 */
#ifndef RUNTIME_DEPENDENCIES_H
#define RUNTIME_DEPENDENCIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "base/list.h"
#include "base/refstr.h"
#include "runtime/mailbox.h"

struct actor_system;
struct dependencies;
struct dependency; /* An entry. */

/* Of one supervisor, in its memory. */
struct dependency_inbox {
    struct control control; /* CONTROL_DEPENDENCIES: something is in one of the lists. */
    struct list changed;    /* struct dependant. Under the table's lock, as the next. */
    struct list asked;      /* struct dependency: children that are depended on from now on. */
};

/* One path that a dependant watches. */
struct dependency_watch {
    struct list link; /* In its entry. */
    struct dependency *dependency;
    struct dependant *dependant;
    uint32_t exits; /* As seen last; the supervisor's turn alone. */
};

struct dependant {
    struct dependency_inbox *inbox; /* Constant, as the next two. */
    airs_pid supervisor;
    void *owner;         /* The supervisor's own. */
    struct list changed; /* In the inbox, or in none. */
    size_t size;
    struct dependency_watch watches[];
};

/* What a look finds; texts are borrowed as long as the dependant is not freed. */
struct dependency_look {
    struct refstr *unmet;  /* The first path that is not met; NULL: all are. */
    struct refstr *exited; /* One of which an instance has ended since the last look, or NULL. */
};

/** NULL: out of memory. */
struct dependencies *dependencies_new(struct actor_system *system);
/** When every dependant is freed and every entry released. NULL is allowed. */
void dependencies_free(struct dependencies *table);

/** Before the supervisor's actor is spawned. */
void dependency_inbox_init(struct dependency_inbox *inbox);
/** When that takes no control messages any more, and its dependants are freed. */
void dependency_inbox_close(struct dependencies *table, struct dependency_inbox *inbox);

/** The next dependant whose look is worth while; NULL: none. In the supervisor's turn. */
struct dependant *dependency_inbox_take_changed(struct dependencies *table,
                                                struct dependency_inbox *inbox);
/** The next path of a child that is depended on from now on, the caller's reference; NULL: none. */
struct refstr *dependency_inbox_take_asked(struct dependencies *table,
                                           struct dependency_inbox *inbox);

/** Watches `paths` (referenced, `size` of them) from now on. NULL: out of memory. */
struct dependant *dependant_new(struct dependencies *table, struct dependency_inbox *inbox,
                                airs_pid supervisor, void *owner, struct refstr *const *paths,
                                size_t size);
/** NULL is allowed. */
void dependant_free(struct dependencies *table, struct dependant *dependant);
struct dependency_look dependant_look(struct dependencies *table, struct dependant *dependant);

/** The entry of `path`, which from now on is told of until it is released; NULL: nobody depends
 * on that path, or somebody tells already. In the turn of the child's supervisor, as the next. */
struct dependency *dependency_hold(struct dependencies *table, const struct refstr *path);
/** Whether it is met, and with `exited` that an instance has ended. Allocates: no. */
void dependency_tell(struct dependencies *table, struct dependency *dependency, bool met,
                     bool exited);
/** The child is gone: not met. */
void dependency_release(struct dependencies *table, struct dependency *dependency);

#endif
