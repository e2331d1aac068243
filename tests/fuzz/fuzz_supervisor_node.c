/* Fuzz: event scripts against the supervisor node, under the simulator's shell and invariants.
 *
 * Each two bytes are one choice of the simulator (tests/sim/sim.h): the shape of the tree and
 * its policies first, then what its instances do and what happens to them, and when. A broken
 * invariant prints its trace and aborts. A fuzz target is one program out of one source, so
 * the simulator's parts are included.
 */
#include <stdlib.h>

#include "../sim/sim_change.c"
#include "../sim/sim_check.c"
#include "../sim/sim_dependency.c"
#include "../sim/sim_health.c"
#include "../sim/sim_instance.c"
#include "../sim/sim_item.c"
#include "../sim/sim_ledger.c"
#include "../sim/sim_run.c"
#include "../sim/sim_script.c"
#include "../sim/sim_shell.c"
#include "../sim/sim_tree.c"
#include "../sim/sim_write.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sim sim;
    static const uint8_t nothing[1];
    struct sim_source source = { .bytes = data ? data : nothing, .size = size };
    if (!sim_run(&sim, source, (struct sim_options){ .verbose = false })) {
        sim_print_failure(&sim, stderr);
        abort();
    }
    sim_deinit(&sim);
    return 0;
}
