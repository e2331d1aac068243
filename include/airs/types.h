/* Types that the public headers share. */
#ifndef AIRS_TYPES_H
#define AIRS_TYPES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The identity of an actor: its slot in the low 32 bits, the slot's generation in the high
 * 32. A pid is never given out twice, so one that outlives its actor names nobody.
 */
typedef uint64_t airs_pid;

#define AIRS_PID_NONE ((airs_pid)0)

#ifdef __cplusplus
}
#endif
#endif
