/* Start gate: at most so many starts at a time, and so many instances, per application.
 *
 * A ticket lies in the child. Who must wait is let in by due time when a place is free: the
 * grant arrives as control message CONTROL_ADMITTED in the lane of the ticket's owner.
 */
#ifndef RUNTIME_START_GATE_H
#define RUNTIME_START_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include <airs/types.h>

#include "base/heap.h"
#include "runtime/mailbox.h"

#define START_GATE_STARTS_PER_WORKER 4u /* max-concurrent-starts, if nothing else is said. */

struct actor_system;
struct start_gate;

struct start_ticket {
    struct control control; /* CONTROL_ADMITTED, granted after waiting. */
    airs_pid owner;         /* The supervisor; constant after start_ticket_init(). */
    struct heap_node node;  /* The rest under the gate's lock. */
    uint64_t due_us;
    bool is_waiting;
    bool is_starting;  /* Holds one of the concurrent starts. */
    bool has_instance; /* Holds one of the engine's slots. */
};

void start_ticket_init(struct start_ticket *ticket, airs_pid owner);

/** NULL when out of memory. `instances_max` 0: no limit. */
struct start_gate *start_gate_new(struct actor_system *system, unsigned starts_max,
                                  unsigned instances_max);
void start_gate_free(struct start_gate *gate);

/** Asks for both places. True: granted; false: the ticket waits. Thread: the owner's turn. */
bool start_gate_ask(struct start_gate *gate, struct start_ticket *ticket, uint64_t due_us);
/** The start is over, well or not: gives back the place among the starts, if held. */
void start_gate_settle(struct start_gate *gate, struct start_ticket *ticket);
/** The instance is gone: gives back the engine's slot, if held. */
void start_gate_release(struct start_gate *gate, struct start_ticket *ticket);
/** Waits no more, and gives back all that it holds; a grant on its way is recalled. */
void start_gate_withdraw(struct start_gate *gate, struct start_ticket *ticket);

struct start_gate_counts {
    unsigned starting;
    unsigned instances;
    unsigned waiting;
};
/** A snapshot. Thread: any. */
struct start_gate_counts start_gate_counts(struct start_gate *gate);

#endif
