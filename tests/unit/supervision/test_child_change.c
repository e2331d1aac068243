/* Changes while it runs: another policy, another place, another strategy.
 *
 * Proves "Reload" of semantics.md: policy, health, shutdown, order and strategy change live,
 * budgets stay, and what restarts does so uncounted.
 */
#include "trace.h"

static struct supervisor_child *first, *second, *third;
static struct child_policy plain, other;
static uint64_t ring[16];

static void
change(uint64_t ms, struct supervisor_child *child, const struct child_policy *policy,
       bool restarts, bool on_trial)
{
    trace_step((struct node_event){ .type = NODE_CHANGE,
                                    .now_us = ms * 1000,
                                    .child = child,
                                    .policy = policy,
                                    .grants_us = policy ? ring : NULL,
                                    .restarts = restarts,
                                    .on_trial = on_trial });
}

static void
move(uint64_t ms, struct supervisor_child *child, struct supervisor_child *before)
{
    trace_step((struct node_event){
        .type = NODE_MOVE, .now_us = ms * 1000, .child = child, .before = before });
}

static void
configure(uint64_t ms, enum strategy strategy)
{
    static struct node_policy policy;
    policy = node_policy_default();
    policy.strategy = strategy;
    trace_step(
        (struct node_event){ .type = NODE_CONFIGURE, .now_us = ms * 1000, .node_policy = &policy });
}

/* A running child under the plain policy; `other` is a copy to be changed. */
static struct supervisor_child *
running_child(void)
{
    plain = other = plain_policy();
    return child_in(CHILD_RUNNING, &plain);
}

static void
run_three(enum strategy strategy)
{
    plain = plain_policy();
    node_set(strategy, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_NEVER);
    first = child_add("first", &plain);
    second = child_add("second", &plain);
    third = child_add("third", &plain);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, first);
    at(0, STARTED, second);
    at(0, STARTED, third);
    trace_clear();
}

/* Nothing is left of an order among siblings. */
static bool
group_is_over(void)
{
    bool marked = false;
    list_for_each(link, &node.children)
        marked |= container_of(link, struct supervisor_child, siblings)->group != GROUP_NONE;
    return !marked && !node.stops && !node.turn && node.group_delays == 0 && !node.group_failed;
}

/* ---- Policy ---- */

static void
a_new_policy_touches_nothing_that_runs(void **state)
{
    (void)state;
    struct supervisor_child *worker = running_child();
    other.restart = RESTART_TEMPORARY;
    other.shutdown_us = 1000;
    change(5, worker, &other, false, false);
    assert_trace("");
    assert_events("[   5] worker reloaded\n");
    assert_int_equal(reply, REPLY_OK);
    assert_state(worker, RUNNING);
}

static void
the_next_exit_is_judged_by_the_new_policy(void **state)
{
    (void)state;
    struct supervisor_child *worker = running_child();
    other.restart = RESTART_TEMPORARY;
    change(5, worker, &other, false, false);
    at(6, EXITED, worker, TRAP);
    assert_state(worker, STOPPED);
}

static void
an_armed_delay_keeps_its_time_and_the_next_one_is_new(void **state)
{
    (void)state;
    plain = other = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RESTARTING, &plain); /* 100 ms. */
    other.backoff.initial_us = 7000;
    change(50, worker, &other, false, false);
    assert_trace("");
    at(100, TIMER, worker);
    assert_state(worker, STARTING);
    at(100, STARTED, worker);
    trace_clear();
    at(101, EXITED, worker, TRAP);
    assert_trace("[ 101] arm worker 14ms\n[ 101] node not ready\n"); /* n = 2: it went on. */
}

static void
an_armed_stop_keeps_its_time(void **state)
{
    (void)state;
    plain = other = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STOPPING, &plain); /* 5 s. */
    other.shutdown_us = DURATION_INFINITE;
    change(50, worker, &other, false, false);
    at(60, STARTED, worker); /* It ended a start, if it had been one. */
    assert_trace("");
    at(5000, TIMER, worker);
    assert_trace("[5000] kill worker timeout\n");
}

static void
a_stop_of_a_start_without_end_is_not_ended_by_a_new_policy(void **state)
{
    (void)state;
    plain = plain_policy();
    plain.shutdown_us = DURATION_INFINITE;
    other = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STARTING, &plain);
    at(1, STOP, worker); /* The timer that is armed is that of the start. */
    change(2, worker, &other, false, false);
    trace_clear();
    at(3, STARTED, worker);
    assert_trace("[   3] disarm worker\n");
}

static void
significant_children_are_counted_by_what_they_are_now(void **state)
{
    (void)state;
    node_set(STRATEGY_ONE_FOR_ONE, RESTARTS_UNLIMITED, AUTO_SHUTDOWN_ALL);
    plain = plain_policy();
    plain.restart = RESTART_TRANSIENT;
    other = plain;
    other.significant = true;
    first = child_add("first", &plain);
    at(0, START_ALL, NOBODY);
    at(0, STARTED, first);
    assert_int_equal(node.significant, 0);
    change(1, first, &other, false, false);
    assert_int_equal(node.significant, 1);
    at(2, EXITED, first);
    assert_int_equal(node.significant, 0);
    assert_int_equal(node.state, NODE_STOPPED); /* The last significant one has ended. */
}

static void
without_its_probe_a_child_is_ready_because_it_runs(void **state)
{
    (void)state;
    plain = plain_policy();
    plain.reports_ready = true;
    other = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &plain);
    assert_false(worker->ready);
    change(5, worker, &other, false, false);
    assert_true(worker->ready);
    assert_events("[   5] worker reloaded\n[   5] worker ready\n");
}

static void
with_a_new_probe_a_child_stays_ready_until_it_fails(void **state)
{
    (void)state;
    struct supervisor_child *worker = running_child();
    other.reports_ready = true;
    change(5, worker, &other, false, false);
    assert_true(worker->ready);
    at(6, NOT_READY, worker);
    assert_false(worker->ready);
}

static void
what_has_ended_is_called_what_the_new_policy_calls_it(void **state)
{
    (void)state;
    plain = other = plain_policy();
    plain.restart = RESTART_TEMPORARY;
    other.restart = RESTART_TRANSIENT;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &plain);
    at(1, EXITED, worker);
    assert_int_equal(worker->stop_cause, STOPPED_TEMPORARY);
    change(2, worker, &other, false, false);
    assert_int_equal(worker->stop_cause, STOPPED_ENDED);
    change(3, worker, &plain, true, false);
    assert_int_equal(worker->stop_cause, STOPPED_TEMPORARY);
    assert_int_equal(reply, REPLY_NOT_RUNNING); /* It stays stopped. */
    assert_state(worker, STOPPED);
}

/* ---- Restarts ---- */

static void
a_restart_is_uncounted_and_waits_for_nothing(void **state)
{
    (void)state;
    struct supervisor_child *worker = running_child();
    change(5, worker, NULL, true, false);
    assert_trace("[   5] arm worker 5000ms\n[   5] stop worker\n[   5] node not ready\n");
    at(6, EXITED, worker);
    assert_state(worker, STARTING);
    assert_int_equal(worker->generation, 2);
    assert_int_equal(worker->restarts, 0);
    assert_int_equal(supervisor_child_budget_used(worker, 6000), 0);
}

static void
a_budget_stays_over_a_restart(void **state)
{
    (void)state;
    struct supervisor_child *worker = running_child();
    at(1, EXITED, worker, TRAP);
    at(101, TIMER, worker);
    at(101, STARTED, worker);
    change(102, worker, &other, true, false);
    at(103, EXITED, worker);
    assert_int_equal(worker->restarts, 1);
    assert_int_equal(worker->attempt, 1);
    assert_int_equal(supervisor_child_budget_used(worker, 103000), 1);
}

static void
what_waits_goes_on_waiting(void **state)
{
    (void)state;
    plain = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_RESTARTING, &plain);
    change(5, worker, NULL, true, true);
    assert_trace("");
    assert_int_equal(reply, REPLY_NOT_RUNNING);
    assert_false(worker->on_trial); /* What it starts next is judged as ever. */
    assert_state(worker, RESTARTING);
}

static void
what_is_failed_starts_as_by_hand(void **state)
{
    (void)state;
    plain = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_FAILED, &plain);
    change(5, worker, NULL, false, false);
    assert_state(worker, FAILED);
    change(6, worker, NULL, true, false);
    assert_state(worker, STARTING);
    assert_int_equal(reply, REPLY_OK);
}

static void
what_was_stopped_by_request_stays_stopped(void **state)
{
    (void)state;
    plain = plain_policy();
    struct supervisor_child *worker = child_in(CHILD_STOPPED, &plain);
    change(5, worker, NULL, true, false);
    assert_state(worker, STOPPED);
    assert_int_equal(worker->stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(reply, REPLY_NOT_RUNNING);
}

static void
on_trial_an_exit_before_it_is_ready_does_not_count(void **state)
{
    (void)state;
    plain = plain_policy();
    plain.max_restarts = 0; /* Any exit that counts fails it. */
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &plain);
    change(5, worker, NULL, true, true);
    at(6, EXITED, worker);
    trace_clear();
    at(7, EXITED, worker, TRAP);
    assert_state(worker, RESTARTING);
    assert_trace("[   7] disarm worker\n[   7] arm worker 100ms\n");
    assert_int_equal(worker->restarts, 0);
    at(107, TIMER, worker);
    at(108, EXITED, worker, TRAP); /* Once alone. */
    assert_state(worker, FAILED);
}

static void
a_trial_ends_when_it_is_ready(void **state)
{
    (void)state;
    struct supervisor_child *worker = running_child();
    change(5, worker, NULL, true, true);
    at(6, EXITED, worker);
    at(7, STARTED, worker);
    at(8, EXITED, worker, TRAP);
    assert_int_equal(worker->restarts, 1);
}

static void
a_trial_ends_when_it_is_stopped(void **state)
{
    (void)state;
    plain = plain_policy();
    plain.max_restarts = 0;
    struct supervisor_child *worker = child_in(CHILD_RUNNING, &plain);
    change(5, worker, NULL, true, true);
    at(5, STOP, worker);
    at(6, EXITED, worker);
    assert_state(worker, STOPPED);
    at(7, START, worker);
    at(8, EXITED, worker, TRAP);
    assert_state(worker, FAILED);
}

static void
a_member_that_is_about_to_stop_with_its_group_is_not_stopped_twice(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ALL);
    at(1, EXITED, first, TRAP); /* third is asked to stop, second waits for that. */
    assert_trace("[   1] arm first 100ms\n[   1] arm third 5000ms\n[   1] stop third\n"
                 "[   1] node not ready\n");
    change(2, second, NULL, true, true);
    assert_int_equal(reply, REPLY_NOT_RUNNING);
    assert_trace("");
    at(3, EXITED, third);
    assert_trace("[   3] disarm third\n[   3] arm second 5000ms\n[   3] stop second\n");
}

/* ---- Order ---- */

static void
a_child_goes_in_front_of_another(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ONE);
    move(1, third, first);
    assert_trace("");
    assert_ptr_equal(node.children.next, &third->siblings);
    at(2, STOP_ALL, NOBODY);
    assert_trace("[   2] node not ready\n"
                 "[   2] arm second 5000ms\n[   2] stop second\n"
                 "[   2] arm first 5000ms\n[   2] stop first\n"
                 "[   2] arm third 5000ms\n[   2] stop third\n");
    move(3, third, NULL);
    assert_ptr_equal(node.children.previous, &third->siblings);
}

static void
a_new_child_goes_in_front_of_another(void **state)
{
    (void)state;
    run_three(STRATEGY_REST_FOR_ONE);
    struct supervisor_child *new = child_new("new", &plain, false);
    trace_step(
        (struct node_event){ .type = NODE_ADD, .now_us = 1000, .child = new, .before = second });
    at(1, STARTED, new);
    assert_ptr_equal(new->siblings.next, &second->siblings);
    trace_clear();
    at(2, EXITED, new, TRAP); /* Takes those after it along, first not. */
    at(3, EXITED, third);
    at(4, EXITED, second);
    assert_state(first, RUNNING);
    assert_state(second, RESTARTING);
    assert_state(third, RESTARTING);
}

static void
who_moves_to_the_end_of_a_group_that_stops_is_stopped_all_the_same(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ALL);
    at(1, EXITED, second, TRAP); /* third stops, then first. */
    move(2, first, NULL);
    trace_clear();
    at(3, EXITED, third);
    assert_trace("[   3] disarm third\n[   3] arm first 5000ms\n[   3] stop first\n");
    at(4, EXITED, first);
    at(101, TIMER, second);
    assert_state(second, STARTING);
    at(102, STARTED, second);
    at(103, STARTED, third);
    assert_state(first, STARTING); /* In the new order: the last. */
}

static void
who_moves_to_the_front_of_a_group_that_starts_gets_its_turn(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ALL);
    at(1, EXITED, first, TRAP);
    at(2, EXITED, third);
    at(3, EXITED, second);
    at(101, TIMER, first);
    assert_state(first, STARTING);
    move(102, third, first);
    assert_state(third, STARTING);
    at(103, STARTED, first);
    at(104, STARTED, third);
    assert_state(second, STARTING);
    at(105, STARTED, second);
    assert_true(node.reported_ready);
}

static void
who_is_added_into_a_group_that_starts_gets_its_turn(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ALL);
    at(1, EXITED, first, TRAP);
    at(2, EXITED, third);
    at(3, EXITED, second);
    at(101, TIMER, first);
    struct supervisor_child *new = child_new("new", &plain, false);
    trace_step(
        (struct node_event){ .type = NODE_ADD, .now_us = 102000, .child = new, .before = first });
    at(103, STARTED, first);
    at(104, STARTED, new);
    at(105, STARTED, second);
    at(106, STARTED, third);
    assert_true(node.reported_ready);
}

/* ---- Strategy ---- */

static void
the_next_exit_follows_the_new_strategy(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ONE);
    configure(1, STRATEGY_REST_FOR_ONE);
    assert_trace("");
    at(2, EXITED, second, TRAP);
    assert_state(third, STOPPING);
    assert_state(first, RUNNING);
}

static void
a_group_restart_goes_on_when_the_strategy_becomes_one_for_one(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ALL);
    at(1, EXITED, first, TRAP);
    configure(2, STRATEGY_ONE_FOR_ONE);
    at(3, EXITED, third);
    assert_state(second, STOPPING); /* In their order, still. */
    at(4, EXITED, second);
    at(101, TIMER, first);
    at(102, STARTED, first);
    assert_state(second, STARTING);
    assert_state(third, RESTARTING);
    at(103, STARTED, second);
    at(104, STARTED, third);
    assert_true(node.reported_ready);
    assert_true(group_is_over());
    at(105, EXITED, first, TRAP);
    assert_state(second, RUNNING);
    assert_state(third, RUNNING);
}

static void
a_member_that_fails_after_the_change_takes_nobody_along(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ALL);
    at(1, EXITED, first, TRAP);
    at(2, EXITED, third);
    at(3, EXITED, second);
    at(101, TIMER, first);
    configure(102, STRATEGY_ONE_FOR_ONE);
    at(103, EXITED, first, TRAP); /* n = 2: 200 ms. The others keep waiting for it. */
    assert_state(first, RESTARTING);
    assert_state(second, RESTARTING);
    at(303, TIMER, first);
    at(304, STARTED, first);
    at(305, STARTED, second);
    at(306, STARTED, third);
    assert_true(node.reported_ready);
    assert_true(group_is_over());
}

static void
a_stop_in_a_group_restart_after_the_change_stops_all(void **state)
{
    (void)state;
    run_three(STRATEGY_ONE_FOR_ALL);
    at(1, EXITED, first, TRAP);
    configure(2, STRATEGY_ONE_FOR_ONE);
    at(3, STOP_ALL, NOBODY);
    assert_state(third, STOPPING);
    assert_state(second, RUNNING); /* Its turn has not come. */
    at(4, EXITED, third);
    assert_state(second, STOPPING);
    at(5, EXITED, second);
    assert_int_equal(node.state, NODE_STOPPED);
    assert_state(first, STOPPED);
    at(6, START_ALL, NOBODY);
    assert_state(first, STARTING);
    assert_state(third, STARTING); /* One for one: nobody waits. */
}

static void
a_larger_group_takes_over_when_the_strategy_changes_in_between(void **state)
{
    (void)state;
    run_three(STRATEGY_REST_FOR_ONE);
    at(1, EXITED, second, TRAP);
    configure(2, STRATEGY_ONE_FOR_ALL);
    at(3, EXITED, first, TRAP);
    at(4, EXITED, third);
    at(103, TIMER, first);
    at(104, STARTED, first);
    at(105, STARTED, second);
    at(106, STARTED, third);
    assert_true(node.reported_ready);
    assert_true(group_is_over());
}

static void
an_intensity_keeps_the_grants_that_fit(void **state)
{
    (void)state;
    static uint64_t one_us[1];
    struct node_policy policy = node_policy_default();
    node_set(STRATEGY_ONE_FOR_ONE, 3, AUTO_SHUTDOWN_NEVER);
    plain = plain_policy();
    plain.backoff.strategy = BACKOFF_IMMEDIATE;
    first = child_add("first", &plain);
    at(0, START_ALL, NOBODY);
    at(1, EXITED, first, TRAP);
    at(2, EXITED, first, TRAP);
    policy.max_restarts = 1;
    policy.within_us = 1000000;
    trace_step((struct node_event){
        .type = NODE_CONFIGURE, .now_us = 3000, .node_policy = &policy, .grants_us = one_us });
    assert_int_equal(one_us[0], 2000);
    at(4, EXITED, first, TRAP);
    assert_int_equal(node.end.reason, EXIT_ESCALATED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        a_test(a_new_policy_touches_nothing_that_runs),
        a_test(the_next_exit_is_judged_by_the_new_policy),
        a_test(an_armed_delay_keeps_its_time_and_the_next_one_is_new),
        a_test(an_armed_stop_keeps_its_time),
        a_test(a_stop_of_a_start_without_end_is_not_ended_by_a_new_policy),
        a_test(significant_children_are_counted_by_what_they_are_now),
        a_test(without_its_probe_a_child_is_ready_because_it_runs),
        a_test(with_a_new_probe_a_child_stays_ready_until_it_fails),
        a_test(what_has_ended_is_called_what_the_new_policy_calls_it),
        a_test(a_restart_is_uncounted_and_waits_for_nothing),
        a_test(a_budget_stays_over_a_restart),
        a_test(what_waits_goes_on_waiting),
        a_test(what_is_failed_starts_as_by_hand),
        a_test(what_was_stopped_by_request_stays_stopped),
        a_test(on_trial_an_exit_before_it_is_ready_does_not_count),
        a_test(a_trial_ends_when_it_is_ready),
        a_test(a_trial_ends_when_it_is_stopped),
        a_test(a_member_that_is_about_to_stop_with_its_group_is_not_stopped_twice),
        a_test(a_child_goes_in_front_of_another),
        a_test(a_new_child_goes_in_front_of_another),
        a_test(who_moves_to_the_end_of_a_group_that_stops_is_stopped_all_the_same),
        a_test(who_moves_to_the_front_of_a_group_that_starts_gets_its_turn),
        a_test(who_is_added_into_a_group_that_starts_gets_its_turn),
        a_test(the_next_exit_follows_the_new_strategy),
        a_test(a_group_restart_goes_on_when_the_strategy_becomes_one_for_one),
        a_test(a_member_that_fails_after_the_change_takes_nobody_along),
        a_test(a_stop_in_a_group_restart_after_the_change_stops_all),
        a_test(a_larger_group_takes_over_when_the_strategy_changes_in_between),
        a_test(an_intensity_keeps_the_grants_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
