#include "runtime/child_texts.h"

#include <stdlib.h>

#include "supervision/health_policy.h"

struct child_texts *
child_texts_of(const struct child_link *link)
{
    /* Acquire pairs with the release in child_texts_make(). */
    return atomic_load_explicit(&link->texts, memory_order_acquire);
}

struct child_texts *
child_texts_make(struct child_link *link)
{
    struct child_texts *there = child_texts_of(link);
    if (there)
        return there;
    struct child_texts *made = calloc(1, sizeof *made);
    if (!made || atomic_compare_exchange_strong_explicit(
                     &link->texts, &there, made, memory_order_acq_rel, memory_order_acquire))
        return made;
    free(made);
    return there;
}

/* They are taken out to be looked at, since the supervisor may free what it has taken. If it finds
 * none meanwhile, it finds them with the report that follows. */
void
child_texts_add_failure(struct child_texts *texts, struct refstr *detail)
{
    struct child_failure *earlier =
        atomic_exchange_explicit(&texts->failures, NULL, memory_order_acquire);
    struct child_failure *failure = NULL;
    if (!earlier || earlier->count < HEALTH_FAILURES_MAX)
        failure = malloc(sizeof *failure);
    if (failure)
        *failure = (struct child_failure){ .next = earlier,
                                           .count = earlier ? earlier->count + 1 : 1,
                                           .detail = refstr_ref(detail) };
    /* Release pairs with the acquire in child_texts_take_failures(). */
    atomic_store_explicit(&texts->failures, failure ? failure : earlier, memory_order_release);
}

struct child_failure *
child_texts_take_failures(struct child_texts *texts)
{
    struct child_failure *last =
        atomic_exchange_explicit(&texts->failures, NULL, memory_order_acquire);
    struct child_failure *first = NULL;
    while (last) {
        struct child_failure *earlier = last->next;
        last->next = first;
        first = last;
        last = earlier;
    }
    return first;
}

struct child_failure *
child_failure_free_first(struct child_failure *failure)
{
    struct child_failure *next = failure->next;
    refstr_unref(failure->detail);
    free(failure);
    return next;
}

void
child_texts_free(struct child_texts *texts)
{
    if (!texts)
        return;
    struct child_failure *failure = atomic_load_explicit(&texts->failures, memory_order_relaxed);
    while (failure)
        failure = child_failure_free_first(failure);
    refstr_unref(texts->detail);
    refstr_unref(texts->cause);
    refstr_unref(texts->last_detail);
    refstr_unref(texts->last_cause);
    free(texts);
}

struct refstr *
child_link_detail(const struct child_link *link)
{
    struct child_texts *texts = child_texts_of(link);
    return texts ? texts->last_detail : NULL;
}

struct refstr *
child_link_cause(const struct child_link *link)
{
    struct child_texts *texts = child_texts_of(link);
    return texts ? texts->last_cause : NULL;
}

void
child_link_set_detail(struct child_link *link, struct refstr *detail)
{
    struct child_texts *texts = child_texts_make(link);
    if (!texts)
        return;
    refstr_unref(texts->last_detail);
    texts->last_detail = refstr_ref(detail);
}
