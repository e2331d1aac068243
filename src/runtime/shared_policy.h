/* Shared policy: equal child policies of an actor system are one, counted, with its arrays.
 *
 * Children hold it as the `const struct child_policy *` that they are given; it never moves and
 * never changes. A child whose policy changes gets another one.
 */
#ifndef RUNTIME_SHARED_POLICY_H
#define RUNTIME_SHARED_POLICY_H

#include <pthread.h>
#include <stddef.h>

#include <airs/status.h>

#include "supervision/child_policy.h"

struct shared_policy;

/* All that differ, of one actor system. */
struct shared_policies {
    pthread_mutex_t lock; /* Held for one look-up; guards the rest and all counts. */
    struct shared_policy **buckets;
    size_t buckets_size; /* A power of two, or 0. */
    size_t size;
};

void shared_policies_init(struct shared_policies *policies);
/** Nobody holds one any more. */
void shared_policies_deinit(struct shared_policies *policies);

/**
 * One more reference to the policy that equals `policy`, arrays and all; made if there is none, in
 * memory of its own. NULL: out of memory. Thread: any.
 */
const struct child_policy *shared_policy_ref(struct shared_policies *policies,
                                             const struct child_policy *policy);
/** One less to what shared_policy_ref() gave; the last one frees it. NULL is allowed. Thread: any. */
void shared_policy_unref(const struct child_policy *policy);

/** How many policies there are. Thread: any. */
size_t shared_policies_count(struct shared_policies *policies);

#endif
