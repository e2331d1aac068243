/* airs_stop.h over the import airs:command/stop. */
#include "airs_stop.h"

#include "gen/stoppable.h"

bool
airs_stop_requested(void)
{
    return airs_command_stop_requested();
}

void
airs_stop_wait(void)
{
    airs_command_stop_own_pollable_t stop = airs_command_stop_subscribe();
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(stop));
    wasi_io_poll_pollable_drop_own(stop);
}
