/* Start gate: at most so many starts at a time, and so many instances, per application.
 *
 * What a child holds is its pass. A supervisor whose children must wait has one ticket for all of
 * them, which is let in by due time when a place is free: the grant arrives as control message
 * CONTROL_ADMITTED in its lane, for the child that it then gives it to.
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

/* Of a child; its supervisor's alone. */
struct start_pass {
    bool is_starting : 1;  /* Holds one of the concurrent starts. */
    bool has_instance : 1; /* Holds one of the engine's slots. */
};

struct start_ticket {
    struct control control; /* CONTROL_ADMITTED, granted after waiting. */
    airs_pid owner;         /* The supervisor; constant after start_ticket_init(). */
    struct heap_node node;  /* The rest under the gate's lock. */
    bool is_waiting;
    bool is_granted; /* Holds both places until they are taken or given back. */
};

void start_ticket_init(struct start_ticket *ticket, airs_pid owner);

/** NULL when out of memory. `instances_max` 0: no limit. */
struct start_gate *start_gate_new(struct actor_system *system, unsigned starts_max,
                                  unsigned instances_max);
void start_gate_free(struct start_gate *gate);

/* All of these in the owner's turn. */

/** Asks for both places. True: `pass` has them; false: the ticket waits, from the earliest time on
 * for which it was asked, or has a grant on its way. */
bool start_gate_ask(struct start_gate *gate, struct start_ticket *ticket, struct start_pass *pass,
                    uint64_t due_us);
/** A child more waits behind the ticket, which waits already: it is let in by the earlier time. */
void start_gate_hurry(struct start_gate *gate, struct start_ticket *ticket, uint64_t due_us);
/** CONTROL_ADMITTED has come: its places go to `pass`. */
void start_gate_take(struct start_gate *gate, struct start_ticket *ticket, struct start_pass *pass);
/** Nobody waits behind the ticket any more: a grant on its way is recalled and given back. */
void start_gate_recall(struct start_gate *gate, struct start_ticket *ticket);
/** The start is over, well or not: gives back the place among the starts, if held. */
void start_gate_settle(struct start_gate *gate, struct start_pass *pass);
/** The instance is gone: gives back the engine's slot, if held. */
void start_gate_release(struct start_gate *gate, struct start_pass *pass);
/** Gives back all that it holds. */
void start_gate_withdraw(struct start_gate *gate, struct start_pass *pass);

struct start_gate_counts {
    unsigned starting;
    unsigned instances;
    unsigned waiting; /* Supervisors. */
};
/** A snapshot. Thread: any. */
struct start_gate_counts start_gate_counts(struct start_gate *gate);

#endif
