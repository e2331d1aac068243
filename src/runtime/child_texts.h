/* Child texts: what a child tells in words, in memory that is made with the first of them: most
 * children never say anything. */
#ifndef RUNTIME_CHILD_TEXTS_H
#define RUNTIME_CHILD_TEXTS_H

#include "runtime/child_link.h"

struct child_texts {
    _Atomic(struct refstr *) health; /* Exchanged: whoever takes it out owns it. */
    struct refstr *detail;           /* Of the exit under way, as link->exit_code. */
    struct refstr *cause;
    struct refstr *last_detail; /* The supervisor's: of the last exit that it has taken. */
    struct refstr *last_cause;
};

/** NULL: nothing has been told yet. Thread: the child's and the supervisor's. */
struct child_texts *child_texts_of(const struct child_link *link);
/** Made if there is none; either side may be the first. NULL: out of memory. */
struct child_texts *child_texts_make(struct child_link *link);
/** NULL is allowed. */
void child_texts_free(struct child_texts *texts);

#endif
