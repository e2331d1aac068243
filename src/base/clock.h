/* Clocks. Only shells ask for the time; the supervision core takes it as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define US_PER_MS UINT64_C(1000)
#define US_PER_S UINT64_C(1000000)

/** Microseconds of CLOCK_MONOTONIC, rounded down. Thread: any.  Blocks: no. */
uint64_t clock_now_us(void);
/** Nanoseconds of CLOCK_MONOTONIC, for measuring. Thread: any.  Blocks: no. */
uint64_t clock_now_ns(void);
/** Microseconds since 1970 of CLOCK_REALTIME. Thread: any.  Blocks: no. */
uint64_t clock_wall_us(void);

#endif
