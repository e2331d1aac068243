#include "runtime/child_texts.h"

#include <stdlib.h>

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
    if (!made || atomic_compare_exchange_strong_explicit(&link->texts, &there, made,
                                                         memory_order_acq_rel,
                                                         memory_order_acquire))
        return made;
    free(made);
    return there;
}

void
child_texts_free(struct child_texts *texts)
{
    if (!texts)
        return;
    refstr_unref(atomic_load_explicit(&texts->health, memory_order_relaxed));
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
