/* Restart backoff: how long a restart waits. Pure arithmetic, in microseconds rounded down. */
#ifndef SUPERVISION_RESTART_BACKOFF_H
#define SUPERVISION_RESTART_BACKOFF_H

#include <stdint.h>

#include "supervision/child_policy.h"

/**
 * The delay before restart `n` (from 1) without jitter: immediate 0 · linear n·initial ·
 * exponential initial·factor^(n−1), both saturating at max_us · a list, whose last value
 * repeats. No n, factor or initial overflows. Thread: any.
 */
uint64_t restart_backoff_base_us(const struct backoff *backoff, uint32_t n);

/**
 * The same with jitter drawn from the generator `random` (base/random.h), which is advanced
 * when there is something to draw: [d − jitter·d, d + jitter·d], or from d on with
 * jitter_upward; also beyond max_us. Thread: the owner of `random`.
 */
uint64_t restart_backoff_delay_us(const struct backoff *backoff, uint32_t n, uint64_t *random);

#endif
