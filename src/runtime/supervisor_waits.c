/* Supervisor waits: one timer and one ticket of the supervisor's stand for all of its children.
 *
 * The timer is set at the end of a turn, and only if it must ring earlier than it will: a start
 * timeout that is armed and disarmed with each start costs nothing but a place in the agenda. A
 * ring that comes too early finds nobody due, and the timer is set anew.
 */
#include <assert.h>

#include "base/clock.h"
#include "runtime/supervisor_state.h"

#define TIMERS_PER_RING_MAX 100u /* The rest follows at once, behind what else has come. */

static struct supervised_child *
child_at(struct agenda_place *place)
{
    return container_of(place, struct supervised_child, agenda);
}

static void
wait(struct supervisor *supervisor, struct supervised_child *child, enum agenda_kind kind,
     uint64_t due_us)
{
    assert(child->link.whereabouts == NOWHERE);
    child->link.whereabouts = IN_AGENDA;
    child->agenda = (struct agenda_place){ 0 };
    agenda_add(&supervisor->agenda, kind, &child->agenda, due_us);
}

static void
wait_no_more(struct supervisor *supervisor, struct supervised_child *child)
{
    if (child->link.whereabouts != IN_AGENDA)
        return;
    agenda_remove(&supervisor->agenda, &child->agenda);
    child->link.whereabouts = NOWHERE;
}

void
supervisor_arm(struct supervisor *supervisor, struct supervised_child *child, uint64_t due_us)
{
    wait_no_more(supervisor, child);
    wait(supervisor, child, AGENDA_TIMER, due_us);
}

void
supervisor_end_wait(struct supervisor *supervisor, struct supervised_child *child)
{
    struct start_gate *gate = supervisor->system->start_gate;
    bool for_start =
        child->link.whereabouts == IN_AGENDA && agenda_has(&child->agenda, AGENDA_START);
    uint64_t due_us;

    wait_no_more(supervisor, child);
    if (for_start && !agenda_first(&supervisor->agenda, AGENDA_START, &due_us))
        start_gate_recall(gate, &supervisor->ticket);
}

bool
supervisor_ask_start(struct supervisor *supervisor, struct supervised_child *child, uint64_t due_us)
{
    struct start_gate *gate = supervisor->system->start_gate;
    uint64_t first_us;

    if (agenda_first(&supervisor->agenda, AGENDA_START, &first_us))
        start_gate_hurry(gate, &supervisor->ticket, due_us);
    else if (start_gate_ask(gate, &supervisor->ticket, &child->link.pass, due_us))
        return true;
    wait(supervisor, child, AGENDA_START, due_us);
    supervisor_notify_waiting(supervisor, child);
    return false;
}

void
supervisor_let_in(struct supervisor *supervisor)
{
    struct start_gate *gate = supervisor->system->start_gate;
    struct agenda_place *first;
    uint64_t due_us;

    /* Who withdraws last recalls the ticket, so somebody waits. */
    first = agenda_first(&supervisor->agenda, AGENDA_START, &due_us);
    start_gate_take(gate, &supervisor->ticket, &child_at(first)->link.pass);
    do {
        struct supervised_child *child = child_at(first);
        wait_no_more(supervisor, child);
        supervisor_feed(supervisor,
                        (struct node_event){ .type = NODE_ADMITTED, .child = &child->node });
        first = agenda_first(&supervisor->agenda, AGENDA_START, &due_us);
    } while (first &&
             start_gate_ask(gate, &supervisor->ticket, &child_at(first)->link.pass, due_us));
}

void
supervisor_time_is_up(struct supervisor *supervisor)
{
    uint64_t due_us;

    supervisor->timer_us = UINT64_MAX;
    for (unsigned taken = 0; taken < TIMERS_PER_RING_MAX; taken++) {
        struct agenda_place *first = agenda_first(&supervisor->agenda, AGENDA_TIMER, &due_us);
        if (!first || due_us > clock_now_us())
            return;
        struct supervised_child *child = child_at(first);
        wait_no_more(supervisor, child);
        supervisor_feed(supervisor,
                        (struct node_event){ .type = NODE_TIMER, .child = &child->node });
    }
}

void
supervisor_set_timer(struct supervisor *supervisor)
{
    uint64_t due_us;

    if (!agenda_first(&supervisor->agenda, AGENDA_TIMER, &due_us) || due_us >= supervisor->timer_us)
        return;
    supervisor->timer_us = due_us;
    timer_arm(supervisor->system, &supervisor->timer, due_us);
}
