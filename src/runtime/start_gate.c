#include "runtime/start_gate.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/list.h"

struct start_gate {
    struct actor_system *system; /* Constant, as the two limits. */
    unsigned starts_max;
    unsigned instances_max; /* 0: no limit. */

    pthread_mutex_t lock; /* Held while a grant is sent; guards the rest and all tickets. */
    unsigned starting;
    unsigned instances;
    unsigned waiting;
    struct heap queue; /* Waiting tickets by due time. */
};

void
start_ticket_init(struct start_ticket *ticket, airs_pid owner)
{
    *ticket = (struct start_ticket){ .owner = owner };
    control_init(&ticket->control, CONTROL_ADMITTED);
    heap_node_init(&ticket->node);
}

struct start_gate *
start_gate_new(struct actor_system *system, unsigned starts_max, unsigned instances_max)
{
    assert(starts_max > 0);
    struct start_gate *gate = calloc(1, sizeof *gate);
    if (!gate)
        return NULL;
    gate->system = system;
    gate->starts_max = starts_max;
    gate->instances_max = instances_max;
    pthread_mutex_init(&gate->lock, NULL);
    heap_init(&gate->queue);
    return gate;
}

void
start_gate_free(struct start_gate *gate)
{
    if (!gate)
        return;
    assert(gate->starting == 0 && gate->instances == 0 && gate->waiting == 0);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

static bool
has_room_locked(const struct start_gate *gate)
{
    return gate->starting < gate->starts_max &&
           (gate->instances_max == 0 || gate->instances < gate->instances_max);
}

static void
take_places_locked(struct start_gate *gate)
{
    gate->starting++;
    gate->instances++;
}

static void
admit_waiting_locked(struct start_gate *gate)
{
    struct heap_node *first;
    while (has_room_locked(gate) && (first = heap_first(&gate->queue)) != NULL) {
        struct start_ticket *ticket = container_of(first, struct start_ticket, node);
        heap_remove(&gate->queue, first);
        gate->waiting--;
        ticket->is_waiting = false;
        ticket->is_granted = true;
        take_places_locked(gate);
        control_send(gate->system, ticket->owner, &ticket->control);
    }
}

static void
wait_locked(struct start_gate *gate, struct start_ticket *ticket, uint64_t due_us)
{
    if (ticket->is_granted || (ticket->is_waiting && ticket->node.key <= due_us))
        return;
    if (ticket->is_waiting)
        heap_remove(&gate->queue, &ticket->node);
    else
        gate->waiting++;
    ticket->is_waiting = true;
    heap_add(&gate->queue, &ticket->node, due_us);
}

bool
start_gate_ask(struct start_gate *gate, struct start_ticket *ticket, struct start_pass *pass,
               uint64_t due_us)
{
    assert(!pass->is_starting && !pass->has_instance);
    pthread_mutex_lock(&gate->lock);
    bool granted = has_room_locked(gate); /* Then nobody waits: each place is given at once. */
    if (granted)
        take_places_locked(gate);
    else
        wait_locked(gate, ticket, due_us);
    pthread_mutex_unlock(&gate->lock);
    pass->is_starting = granted;
    pass->has_instance = granted;
    return granted;
}

void
start_gate_hurry(struct start_gate *gate, struct start_ticket *ticket, uint64_t due_us)
{
    pthread_mutex_lock(&gate->lock);
    if (ticket->is_waiting)
        wait_locked(gate, ticket, due_us);
    pthread_mutex_unlock(&gate->lock);
}

void
start_gate_take(struct start_gate *gate, struct start_ticket *ticket, struct start_pass *pass)
{
    pthread_mutex_lock(&gate->lock);
    assert(ticket->is_granted);
    ticket->is_granted = false;
    pthread_mutex_unlock(&gate->lock);
    pass->is_starting = true;
    pass->has_instance = true;
}

void
start_gate_recall(struct start_gate *gate, struct start_ticket *ticket)
{
    pthread_mutex_lock(&gate->lock);
    if (ticket->is_waiting) {
        heap_remove(&gate->queue, &ticket->node);
        ticket->is_waiting = false;
        gate->waiting--;
    }
    if (ticket->is_granted) {
        ticket->is_granted = false;
        gate->starting--;
        gate->instances--;
        control_recall(gate->system, ticket->owner, &ticket->control);
        admit_waiting_locked(gate);
    }
    pthread_mutex_unlock(&gate->lock);
}

static void
give_back(struct start_gate *gate, bool start, bool instance)
{
    if (!start && !instance)
        return;
    pthread_mutex_lock(&gate->lock);
    gate->starting -= start;
    gate->instances -= instance;
    admit_waiting_locked(gate);
    pthread_mutex_unlock(&gate->lock);
}

void
start_gate_settle(struct start_gate *gate, struct start_pass *pass)
{
    bool start = pass->is_starting;
    pass->is_starting = false;
    give_back(gate, start, false);
}

void
start_gate_release(struct start_gate *gate, struct start_pass *pass)
{
    bool instance = pass->has_instance;
    pass->has_instance = false;
    give_back(gate, false, instance);
}

void
start_gate_withdraw(struct start_gate *gate, struct start_pass *pass)
{
    struct start_pass held = *pass;
    *pass = (struct start_pass){ 0 };
    give_back(gate, held.is_starting, held.has_instance);
}

struct start_gate_counts
start_gate_counts(struct start_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    struct start_gate_counts counts = {
        .starting = gate->starting,
        .instances = gate->instances,
        .waiting = gate->waiting,
    };
    pthread_mutex_unlock(&gate->lock);
    return counts;
}
