/* Restart backoff: the formula of semantics.md, "Restart".
 *
 * A power is taken by squaring in double precision, so that n = 4,000,000,000 costs 32
 * steps and the result depends on no libm. Decimal factors like 1.2 have no exact double;
 * ROUNDING_SLACK lifts a product that should be whole, and came out a hair below, over it
 * before it is rounded down.
 */
#include "supervision/restart_backoff.h"

#include <assert.h>

#include "base/random.h"

#define ROUNDING_SLACK 1e-13

static uint64_t
round_down(double value, uint64_t limit)
{
    value += value * ROUNDING_SLACK;
    return value < (double)limit ? (uint64_t)value : limit;
}

/* factor^exponent; infinity when it is too large for a double. */
static double
power(double factor, uint32_t exponent)
{
    double result = 1.0;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result *= factor;
        factor *= factor;
    }
    return result;
}

static uint64_t
saturating_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t
restart_backoff_base_us(const struct backoff *backoff, uint32_t n)
{
    assert(n > 0);

    switch (backoff->strategy) {
    case BACKOFF_IMMEDIATE:
        return 0;
    case BACKOFF_LINEAR:
        return backoff->initial_us > backoff->max_us / n ? backoff->max_us
                                                         : backoff->initial_us * n;
    case BACKOFF_EXPONENTIAL:
        if (backoff->initial_us == 0) /* 0 · infinity is no number. */
            return 0;
        return round_down((double)backoff->initial_us * power(backoff->factor, n - 1),
                          backoff->max_us);
    case BACKOFF_LIST:
        assert(backoff->list_size > 0);
        return backoff->list_us[n <= backoff->list_size ? n - 1 : backoff->list_size - 1];
    }
    return 0;
}

uint64_t
restart_backoff_delay_us(const struct backoff *backoff, uint32_t n, uint64_t *random)
{
    uint64_t base = restart_backoff_base_us(backoff, n);
    uint64_t spread = round_down((double)base * backoff->jitter, UINT64_MAX);
    if (spread == 0)
        return base;

    uint64_t low = base;
    if (!backoff->jitter_upward)
        low -= spread < base ? spread : base;
    uint64_t high = saturating_add(base, spread);
    return low + random_up_to(random, high - low);
}
