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
grant_locked(struct start_gate *gate, struct start_ticket *ticket)
{
    assert(!ticket->is_starting && !ticket->has_instance);
    ticket->is_starting = true;
    ticket->has_instance = true;
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
        ticket->is_waiting = false;
        gate->waiting--;
        grant_locked(gate, ticket);
        control_send(gate->system, ticket->owner, &ticket->control);
    }
}

bool
start_gate_ask(struct start_gate *gate, struct start_ticket *ticket, uint64_t due_us)
{
    pthread_mutex_lock(&gate->lock);
    assert(!ticket->is_waiting);
    bool granted = has_room_locked(gate); /* Then nobody waits: each place is given at once. */
    if (granted) {
        grant_locked(gate, ticket);
    } else {
        ticket->due_us = due_us;
        ticket->is_waiting = true;
        gate->waiting++;
        heap_add(&gate->queue, &ticket->node, due_us);
    }
    pthread_mutex_unlock(&gate->lock);
    return granted;
}

static void
settle_locked(struct start_gate *gate, struct start_ticket *ticket)
{
    if (ticket->is_starting)
        gate->starting--;
    ticket->is_starting = false;
}

static void
release_locked(struct start_gate *gate, struct start_ticket *ticket)
{
    if (ticket->has_instance)
        gate->instances--;
    ticket->has_instance = false;
}

void
start_gate_settle(struct start_gate *gate, struct start_ticket *ticket)
{
    pthread_mutex_lock(&gate->lock);
    settle_locked(gate, ticket);
    admit_waiting_locked(gate);
    pthread_mutex_unlock(&gate->lock);
}

void
start_gate_release(struct start_gate *gate, struct start_ticket *ticket)
{
    pthread_mutex_lock(&gate->lock);
    release_locked(gate, ticket);
    admit_waiting_locked(gate);
    pthread_mutex_unlock(&gate->lock);
}

void
start_gate_withdraw(struct start_gate *gate, struct start_ticket *ticket)
{
    pthread_mutex_lock(&gate->lock);
    if (ticket->is_waiting) {
        heap_remove(&gate->queue, &ticket->node);
        ticket->is_waiting = false;
        gate->waiting--;
    }
    settle_locked(gate, ticket);
    release_locked(gate, ticket);
    control_recall(gate->system, ticket->owner, &ticket->control);
    admit_waiting_locked(gate);
    pthread_mutex_unlock(&gate->lock);
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
