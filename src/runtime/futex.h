/* Futex: sleep until a word changes. The word itself orders memory; these calls only wait. */
#ifndef RUNTIME_FUTEX_H
#define RUNTIME_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/** Sleeps while *word is `expected`; may come back early. `deadline_us`: CLOCK_MONOTONIC, UINT64_MAX: none. */
void futex_wait(atomic_uint *word, unsigned expected, uint64_t deadline_us);
/** Wakes one sleeper. */
void futex_wake(atomic_uint *word);

#endif
