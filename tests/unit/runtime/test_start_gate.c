/* The start gate by itself: two limits, an order by due time, and nothing lost. */
#include "runtime_testing.h"

#include "runtime/start_gate.h"

struct gatekeeper {
    struct actor_system *system;
    struct start_gate *gate;
    airs_pid owner;
    struct start_ticket tickets[4]; /* Each of a supervisor with one child. */
    struct start_pass passes[4];
};

static enum actor_turn
park(struct actor_context *context)
{
    (void)context;
    return ACTOR_PARK;
}

static const struct actor_behaviour owner_behaviour = { .name = "owner", .run = park };

/* The system is never started: grants stay in the owner's lane, where they can be counted. */
static void
open_gate(struct gatekeeper *keeper, unsigned starts_max, unsigned instances_max)
{
    keeper->system = new_system(&(struct actor_system_options){
        .workers = 1,
        .max_concurrent_starts = starts_max,
        .instances_max = instances_max,
    });
    keeper->gate = actor_system_start_gate(keeper->system);
    keeper->owner = spawn(keeper->system, &owner_behaviour, keeper);
    for (int i = 0; i < 4; i++) {
        start_ticket_init(&keeper->tickets[i], keeper->owner);
        keeper->passes[i] = (struct start_pass){ 0 };
    }
}

static bool
ask(struct gatekeeper *keeper, int who, uint64_t due_us)
{
    return start_gate_ask(keeper->gate, &keeper->tickets[who], &keeper->passes[who], due_us);
}

/* As the supervisor does when CONTROL_ADMITTED has come; false: it has not. */
static bool
take(struct gatekeeper *keeper, int who)
{
    struct start_ticket *ticket = &keeper->tickets[who];
    if (!list_is_linked(&ticket->control.link))
        return false;
    control_recall(keeper->system, keeper->owner, &ticket->control);
    start_gate_take(keeper->gate, ticket, &keeper->passes[who]);
    return true;
}

static void
close_gate(struct gatekeeper *keeper)
{
    for (int i = 0; i < 4; i++) {
        start_gate_recall(keeper->gate, &keeper->tickets[i]);
        start_gate_withdraw(keeper->gate, &keeper->passes[i]);
    }
    struct start_gate_counts counts = start_gate_counts(keeper->gate);
    assert_int_equal(counts.starting + counts.instances + counts.waiting, 0);
    actor_system_free(keeper->system);
}

static void
who_waits_is_let_in_by_due_time(void **state)
{
    (void)state;
    struct gatekeeper keeper;
    open_gate(&keeper, 1, 0);
    assert_true(ask(&keeper, 0, 50));
    assert_false(ask(&keeper, 1, 30));
    assert_false(ask(&keeper, 2, 10));
    assert_false(ask(&keeper, 3, 20));
    start_gate_settle(keeper.gate, &keeper.passes[0]);
    assert_false(take(&keeper, 1) || take(&keeper, 3));
    assert_true(take(&keeper, 2));
    start_gate_settle(keeper.gate, &keeper.passes[2]);
    assert_true(take(&keeper, 3));
    start_gate_settle(keeper.gate, &keeper.passes[3]);
    assert_true(take(&keeper, 1));
    assert_int_equal(start_gate_counts(keeper.gate).instances, 4);
    close_gate(&keeper);
}

static void
an_instance_keeps_its_slot_until_it_is_released(void **state)
{
    (void)state;
    struct gatekeeper keeper;
    open_gate(&keeper, 4, 2);
    assert_true(ask(&keeper, 0, 1));
    assert_true(ask(&keeper, 1, 2));
    assert_false(ask(&keeper, 2, 3));
    start_gate_settle(keeper.gate, &keeper.passes[0]);
    assert_false(take(&keeper, 2));
    start_gate_release(keeper.gate, &keeper.passes[0]);
    assert_true(take(&keeper, 2));
    start_gate_release(keeper.gate, &keeper.passes[0]); /* Nothing held: nothing given back. */
    assert_int_equal(start_gate_counts(keeper.gate).instances, 2);
    close_gate(&keeper);
}

static void
a_withdrawn_wait_or_grant_makes_room_for_the_next(void **state)
{
    (void)state;
    struct gatekeeper keeper;
    open_gate(&keeper, 1, 0);
    assert_true(ask(&keeper, 0, 1));
    assert_false(ask(&keeper, 1, 2));
    assert_false(ask(&keeper, 2, 3));
    start_gate_recall(keeper.gate, &keeper.tickets[1]); /* While it waits. */
    start_gate_settle(keeper.gate, &keeper.passes[0]);
    assert_false(take(&keeper, 1));
    assert_false(ask(&keeper, 3, 4));
    start_gate_recall(keeper.gate, &keeper.tickets[2]); /* Granted, and the grant is on its way. */
    assert_false(take(&keeper, 2));
    assert_true(take(&keeper, 3));
    close_gate(&keeper);
}

static void
a_ticket_is_let_in_by_the_earliest_time_it_was_asked_for(void **state)
{
    (void)state;
    struct gatekeeper keeper;
    open_gate(&keeper, 1, 0);
    assert_true(ask(&keeper, 0, 1));
    assert_false(ask(&keeper, 1, 20));
    assert_false(ask(&keeper, 2, 30));
    start_gate_hurry(keeper.gate, &keeper.tickets[2], 40); /* Later: changes nothing. */
    start_gate_hurry(keeper.gate, &keeper.tickets[2], 10);
    assert_int_equal(start_gate_counts(keeper.gate).waiting, 2);
    start_gate_settle(keeper.gate, &keeper.passes[0]);
    assert_false(take(&keeper, 1));
    assert_true(take(&keeper, 2));
    close_gate(&keeper);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_is_let_in_by_due_time),
        cmocka_unit_test(an_instance_keeps_its_slot_until_it_is_released),
        cmocka_unit_test(a_withdrawn_wait_or_grant_makes_room_for_the_next),
        cmocka_unit_test(a_ticket_is_let_in_by_the_earliest_time_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
