#include "runtime/futex.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

void
futex_wait(atomic_uint *word, unsigned expected, uint64_t deadline_us)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_us / US_PER_S),
        .tv_nsec = (long)(deadline_us % US_PER_S * 1000),
    };
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
            deadline_us == UINT64_MAX ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

void
futex_wake(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
