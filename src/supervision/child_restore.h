/* Child restore: a child goes on where an earlier run of the program left it.
 *
 * The memory is put into the child before NODE_ADD, and takes effect with it: the child's
 * first event is `registered` as always, the next ones say what became of it. What had an
 * instance has lost it (`host-lost`) and starts again uncounted with its supervisor; a delay
 * goes on with what is left of it; stopped and failed stay.
 */
#ifndef SUPERVISION_CHILD_RESTORE_H
#define SUPERVISION_CHILD_RESTORE_H

#include "supervision/supervisor_node.h"

/* Durations alone, never a moment. */
struct child_memory {
    enum child_state state;     /* Registered: nothing but the generation. */
    enum stop_cause stop_cause; /* STOPPED, and STOPPING for what comes after. */
    bool comes_back;            /* STOPPING to start again. */
    bool is_fresh; /* Its supervisor starts anew: what rests is started with it, as ever. */
    uint32_t generation;
    uint32_t restarts;
    uint32_t attempt;
    uint64_t lived_us;
    uint64_t born_lived_us;
    uint64_t delay_us; /* RESTARTING: what is left. */
    bool has_exit;
    struct exit_info exit;
    const char *exit_detail;   /* The shell's; NULL: none. */
    const uint64_t *grants_us; /* Lived time of the last grants, oldest first. */
    size_t grants_size;
    /* A supervisor: the ages of the grants over its children, oldest first
     * (restart_intensity_restore); the shell's. */
    const uint64_t *intensity_us;
    size_t intensity_size;
};

/** Before NODE_ADD, with the policy set: copies what `memory` says. Thread: any. */
void child_restore(struct supervisor_child *child, const struct child_memory *memory);

#endif
