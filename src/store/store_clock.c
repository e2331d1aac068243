/* Store, clock: how far the run is, in a file beside the journal: what a run lived or waited behind its
 * last mark counts as not lived, not waited.
 */
#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/checksum.h"
#include "store/store_inside.h"

/* In the file "clock": how far the run was when it was last written. */
struct clock_mark {
    uint64_t run;
    uint64_t time_us;
    uint32_t checksum; /* Of the two above. */
    uint32_t reserved;
};

static uint32_t
mark_checksum(const struct clock_mark *mark)
{
    return checksum_add(0, mark, offsetof(struct clock_mark, checksum));
}

void
store_write_clock(struct store *store)
{
    if (store->clock_fd < 0 || !atomic_load(&store->is_active))
        return;
    struct clock_mark mark = {
        .run = store->run,
        .time_us = atomic_load(&store->time_us) + clock_now_us() - atomic_load(&store->at_us),
    };
    mark.checksum = mark_checksum(&mark);
    (void)!pwrite(store->clock_fd, &mark, sizeof mark, 0);
}

uint64_t
store_read_clock(const struct store *store, uint64_t run, uint64_t time_us)
{
    struct clock_mark mark;
    if (store->clock_fd < 0 || pread(store->clock_fd, &mark, sizeof mark, 0) != sizeof mark ||
        mark.checksum != mark_checksum(&mark) || mark.run != run)
        return time_us;
    return mark.time_us > time_us ? mark.time_us : time_us;
}
