/* Child texts: what a child tells in words, in memory that is made with the first of them: most
 * children never say anything. */
#ifndef RUNTIME_CHILD_TEXTS_H
#define RUNTIME_CHILD_TEXTS_H

#include "runtime/child_link.h"

/* A probe that failed. */
struct child_failure {
    struct child_failure *next; /* The one before it; once they are taken, the one after it. */
    uint32_t count;             /* Of those that were not yet taken, with this one. */
    struct refstr *detail;      /* Owned; NULL: none. */
};

struct child_texts {
    _Atomic(struct child_failure *) failures; /* Exchanged: whoever takes them out owns them. */
    struct refstr *detail;                    /* Of the exit under way, as link->exit_code. */
    struct refstr *cause;
    struct refstr *last_detail; /* The supervisor's: of the last exit that it has taken. */
    struct refstr *last_cause;
};

/** NULL: nothing has been told yet. Thread: the child's and the supervisor's. */
struct child_texts *child_texts_of(const struct child_link *link);
/** Made if there is none; either side may be the first. NULL: out of memory. */
struct child_texts *child_texts_make(struct child_link *link);
/** One more to be taken, unless HEALTH_FAILURES_MAX wait already or memory is out. `detail` is
 * referenced. Thread: the child's. */
void child_texts_add_failure(struct child_texts *texts, struct refstr *detail);
/** Those not yet taken, the first of them first; the caller's. Thread: the supervisor's. */
struct child_failure *child_texts_take_failures(struct child_texts *texts);
/** Frees that one; the one after it. */
struct child_failure *child_failure_free_first(struct child_failure *failure);
/** NULL is allowed. */
void child_texts_free(struct child_texts *texts);

#endif
