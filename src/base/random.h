/* A small seeded generator: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Not for secrets. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/** The next 64 bits; `state` is any seed at first and is advanced. */
static inline uint64_t
random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** A number in [0, limit], as even as a 64-bit product can make it. */
static inline uint64_t
random_up_to(uint64_t *state, uint64_t limit)
{
    uint64_t bits = random_next(state);
    if (limit == UINT64_MAX)
        return bits;
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)bits * (limit + 1)) >> 64);
}

#endif
