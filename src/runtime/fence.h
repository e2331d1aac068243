/* The full fence between a store here and a load of what another thread stores. */
#ifndef RUNTIME_FENCE_H
#define RUNTIME_FENCE_H

#include <stdatomic.h>

/* TSan does not follow fences, and GCC says so. Nothing is published by this one: it only
 * orders flags that say "look again"; all data goes through locks and acquire/release. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void
fence_seq_cst(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
