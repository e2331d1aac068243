/* A supervisor and its native children: they end for real, and are really made anew. */
#include "pupil.h"

#define FAILURES 100u

static void
a_crash_makes_a_new_instance_that_answers_the_queued_mail(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    assert_int_equal(ask_root(&stage, REQUEST_START_ALL), AIRS_OK);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 1);

    struct answer first, held, crash, second, third;
    ask(&stage, pid, "count", &first);
    assert_string_equal(await_answer(&first), "1:1");
    ask(&stage, pid, "hold", &held); /* The crash and what follows are queued behind it. */
    ask(&stage, pid, "crash", &crash);
    ask(&stage, pid, "count", &second);
    ask(&stage, pid, "count", &third);
    atomic_store(&pupil.may_go_on, true);
    assert_string_equal(await_answer(&held), "1:2");
    assert_string_equal(await_answer(&crash), "1:3");
    assert_string_equal(await_answer(&second), "2:1"); /* Generation + 1, its counter fresh. */
    assert_string_equal(await_answer(&third), "2:2");
    assert_int_equal(atomic_load(&pupil.begun), 2);
    assert_int_equal(atomic_load(&pupil.ended), 1);

    const struct event *exited = await_event(stage.recorder, "/pupil", EVENT_EXITED, 1);
    assert_int_equal(exited->generation, 1);
    assert_int_equal(exited->exit.reason, EXIT_TRAP);
    assert_int_equal(exited->exit.code, 9);
    assert_string_equal(exited->detail->text, "unreachable");
    assert_int_equal(exited->from, CHILD_RUNNING);
    assert_int_equal(exited->state, CHILD_RUNNING);
    const struct event *scheduled =
        await_event(stage.recorder, "/pupil", EVENT_RESTART_SCHEDULED, 1);
    assert_int_equal(scheduled->seq, exited->seq + 1);
    assert_int_equal(scheduled->generation, 1);
    assert_int_equal(scheduled->state, CHILD_RESTARTING);
    assert_true(scheduled->has_delay && scheduled->delay_us >= 900);
    assert_int_equal(scheduled->restarts, 1);
    assert_int_equal(scheduled->budget_used, 1);
    assert_int_equal(scheduled->budget_allowed, 3);
    const struct event *started = await_event(stage.recorder, "/pupil", EVENT_STARTED, 2);
    assert_int_equal(started->generation, 2);
    assert_true(started->time_us - scheduled->time_us >= 900);
    await_event(stage.recorder, "/pupil", EVENT_READY, 2);
    close_stage(&stage);
    assert_true(atomic_load(&pupil.destroyed));
}

static void
a_budget_used_up_ends_in_failed_and_closes_the_mailbox(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { .start = START_CRASHING };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    const struct event *failed = await_event(stage.recorder, "/pupil", EVENT_FAILED, 1);
    assert_int_equal(failed->generation, 4);
    assert_int_equal(failed->restarts, 3);
    assert_int_equal(failed->exit.reason, EXIT_TRAP);
    assert_int_equal(atomic_load(&pupil.begun), 4);
    assert_true(counter_reaches(&stage.idles, 1));

    struct answer answer;
    assert_int_equal(ask(&stage, pid, "count", &answer), AIRS_EENDED);
    counter_deinit(&answer.given);
    struct child_view view = view_of(&stage, "/pupil");
    assert_int_equal(view.state, CHILD_FAILED);
    assert_int_equal(view.generation, 4);
    assert_int_equal(view.restarts, 3);
    assert_int_equal(view.budget_used, 3);
    assert_int_equal(view.budget_allowed, 3);
    assert_true(view.has_exit);

    /* By hand it starts with an empty budget. */
    atomic_store(&pupil.start, START_WELL);
    assert_int_equal(ask_of(&stage, REQUEST_START, "/pupil"), AIRS_OK);
    const struct event *ready = await_event(stage.recorder, "/pupil", EVENT_READY, 5);
    assert_int_equal(ready->generation, 5);
    view = view_of(&stage, "/pupil");
    assert_int_equal(view.restarts, 0);
    assert_true(view.has_uptime && view.ready);
    ask(&stage, pid, "count", &answer);
    assert_string_equal(await_answer(&answer), "5:1");
    close_stage(&stage);
}

static void
what_a_child_tells_of_its_health_becomes_events_in_order(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    policy.reports_ready = true;
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 1);
    assert_false(view_of(&stage, "/pupil").ready);

    static const char *const words[] = { "ready", "ill", "unready", "half" };
    static const enum event_type types[] = { EVENT_READY, EVENT_HEALTH_FAILED, EVENT_NOT_READY,
                                             EVENT_DEGRADED };
    uint64_t seq = 0;
    for (size_t i = 0; i < 4; i++) {
        struct answer answer;
        ask(&stage, pid, words[i], &answer);
        await_answer(&answer);
        const struct event *event = await_event(stage.recorder, "/pupil", types[i], 1);
        assert_true(event->seq > seq);
        assert_int_equal(event->state, CHILD_RUNNING);
        seq = event->seq;
    }
    assert_string_equal(await_event(stage.recorder, "/pupil", EVENT_HEALTH_FAILED, 1)->detail->text,
                        "failure 2");
    close_stage(&stage);
}

/* However late the supervisor comes: telling of the first one it is held up. */
static void
each_failure_is_told_in_its_order(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/pupil", EVENT_READY, 1);

    pthread_mutex_lock(&stage.recorder->lock);
    for (unsigned i = 0; i < FAILURES; i++) {
        struct answer answer;
        ask(&stage, pid, "ill", &answer);
        await_answer(&answer);
    }
    pthread_mutex_unlock(&stage.recorder->lock);
    for (unsigned i = 1; i <= FAILURES; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "failure %u", i);
        assert_string_equal(
            await_event(stage.recorder, "/pupil", EVENT_HEALTH_FAILED, i)->detail->text, expected);
    }
    struct answer crash;
    ask(&stage, pid, "crash", &crash);
    await_answer(&crash);
    await_event(stage.recorder, "/pupil", EVENT_READY, 2);
    close_stage(&stage);
}

static void
a_failed_start_uses_the_same_budget(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { .start = START_FAILING };
    struct child_policy policy = quick_policy();
    policy.max_restarts = 2;
    open_stage(&stage, 1);
    add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    const struct event *failed = await_event(stage.recorder, "/pupil", EVENT_FAILED, 1);
    assert_int_equal(failed->exit.reason, EXIT_ERROR);
    assert_int_equal(failed->exit.code, -1);
    assert_string_equal(failed->detail->text, "no start today");
    assert_int_equal(failed->from, CHILD_STARTING);
    assert_int_equal(count_events(stage.recorder, "/pupil", EVENT_STARTING), 3);
    assert_int_equal(count_events(stage.recorder, "/pupil", EVENT_STARTED), 0);
    close_stage(&stage);
}

static void
a_start_out_of_time_is_killed_and_counts(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { .start = START_NEVER };
    struct child_policy policy = quick_policy();
    policy.max_restarts = 2;
    policy.start_timeout_us = 3000;
    open_stage(&stage, 2);
    add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    const struct event *failed = await_event(stage.recorder, "/pupil", EVENT_FAILED, 1);
    assert_int_equal(failed->exit.reason, EXIT_TIMEOUT);
    assert_string_equal(failed->detail->text, "start-timeout");
    assert_int_equal(atomic_load(&pupil.begun), 3);
    assert_int_equal(atomic_load(&pupil.ended), 3);
    close_stage(&stage);
}

static void
transient_and_temporary_children_end_as_their_policies_say(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil transient = { 0 }, temporary = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    policy.restart = RESTART_TRANSIENT;
    airs_pid first = add_pupil(&stage, &transient, "/transient", &policy);
    policy.restart = RESTART_TEMPORARY;
    airs_pid second = add_pupil(&stage, &temporary, "/temporary", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/transient", EVENT_STARTED, 1);
    await_event(stage.recorder, "/temporary", EVENT_STARTED, 1);

    struct answer answer;
    ask(&stage, first, "fail", &answer);
    await_answer(&answer);
    await_event(stage.recorder, "/transient", EVENT_STARTED, 2);
    ask(&stage, first, "return", &answer);
    await_answer(&answer);
    const struct event *stopped = await_event(stage.recorder, "/transient", EVENT_STOPPED, 1);
    assert_int_equal(stopped->exit.reason, EXIT_NORMAL);
    assert_int_equal(view_of(&stage, "/transient").stop_cause, STOPPED_ENDED);

    ask(&stage, second, "crash", &answer);
    await_answer(&answer);
    await_event(stage.recorder, "/temporary", EVENT_STOPPED, 1);
    assert_int_equal(view_of(&stage, "/temporary").stop_cause, STOPPED_TEMPORARY);
    assert_true(counter_reaches(&stage.idles, 1));
    close_stage(&stage);
}

static void
starts_beyond_the_gate_wait_visibly(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil first = { .start = START_NEVER }, second = { 0 };
    struct child_policy policy = quick_policy();
    open_stage_with(&stage, &(struct actor_system_options){
                                .workers = 2,
                                .max_concurrent_starts = 1,
                            });
    add_pupil(&stage, &first, "/first", &policy);
    add_pupil(&stage, &second, "/second", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/first", EVENT_STARTING, 1);
    const struct event *waiting = await_event(stage.recorder, "/second", EVENT_WAITING, 1);
    assert_string_equal(waiting->waits_for->text, "pool");
    assert_int_equal(waiting->state, CHILD_REGISTERED);
    assert_string_equal(view_of(&stage, "/second").waits_for->text, "pool");

    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/first"), AIRS_OK); /* Its start is over. */
    await_event(stage.recorder, "/second", EVENT_STARTED, 1);
    assert_null(view_of(&stage, "/second").waits_for);
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/first"), AIRS_OK);
    close_stage(&stage);
}

static void
an_instance_beyond_the_slots_waits_for_one_to_end(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil first = { 0 }, second = { 0 };
    struct child_policy policy = quick_policy();
    open_stage_with(&stage, &(struct actor_system_options){ .workers = 2, .instances_max = 1 });
    add_pupil(&stage, &first, "/first", &policy);
    add_pupil(&stage, &second, "/second", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/first", EVENT_STARTED, 1);
    await_event(stage.recorder, "/second", EVENT_WAITING, 1);
    assert_int_equal(view_of(&stage, "/second").state, CHILD_REGISTERED);
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/first"), AIRS_OK);
    await_event(stage.recorder, "/second", EVENT_STARTED, 1);
    assert_int_equal(ask_of(&stage, REQUEST_START, "/first"), AIRS_OK);
    await_event(stage.recorder, "/first", EVENT_WAITING, 1);
    /* It is stopped while it waits: the wait is withdrawn. */
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/first"), AIRS_OK);
    assert_int_equal(start_gate_counts(actor_system_start_gate(stage.system)).waiting, 0);
    close_stage(&stage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_makes_a_new_instance_that_answers_the_queued_mail),
        cmocka_unit_test(a_budget_used_up_ends_in_failed_and_closes_the_mailbox),
        cmocka_unit_test(what_a_child_tells_of_its_health_becomes_events_in_order),
        cmocka_unit_test(each_failure_is_told_in_its_order),
        cmocka_unit_test(a_failed_start_uses_the_same_budget),
        cmocka_unit_test(a_start_out_of_time_is_killed_and_counts),
        cmocka_unit_test(transient_and_temporary_children_end_as_their_policies_say),
        cmocka_unit_test(starts_beyond_the_gate_wait_visibly),
        cmocka_unit_test(an_instance_beyond_the_slots_waits_for_one_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
