/* Verbs by hand, stops and kills of native children. */
#include <sched.h>

#include "pupil.h"

static void
verbs_by_hand_answer_and_do_what_they_say(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 1);

    assert_int_equal(ask_root(&stage, REQUEST_START_ALL), AIRS_EALREADY);
    assert_int_equal(ask_of(&stage, REQUEST_START, "/pupil"), AIRS_EALREADY);
    assert_int_equal(ask_of(&stage, REQUEST_START, "/nobody"), AIRS_ENOENT);
    assert_int_equal(add(&stage, pid, "/pupil", &policy, false), AIRS_EEXIST);

    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/pupil"), AIRS_OK);
    const struct event *exited = await_event(stage.recorder, "/pupil", EVENT_EXITED, 1);
    assert_int_equal(exited->exit.reason, EXIT_KILLED);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 2);
    assert_int_equal(view_of(&stage, "/pupil").restarts, 1);

    assert_int_equal(ask_of(&stage, REQUEST_RESTART, "/pupil"), AIRS_OK);
    const struct event *third = await_event(stage.recorder, "/pupil", EVENT_STARTED, 3);
    assert_int_equal(third->generation, 3);
    assert_int_equal(view_of(&stage, "/pupil").restarts, 1); /* Uncounted. */

    assert_int_equal(ask_of(&stage, REQUEST_RESET, "/pupil"), AIRS_OK);
    assert_int_equal(view_of(&stage, "/pupil").restarts, 0);
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/pupil"), AIRS_OK);
    const struct event *stopped = await_event(stage.recorder, "/pupil", EVENT_STOPPED, 1);
    assert_int_equal(stopped->exit.reason, EXIT_SHUTDOWN);
    assert_int_equal(view_of(&stage, "/pupil").stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/pupil"), AIRS_OK);
    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/pupil"), AIRS_ENOTRUNNING);
    assert_int_equal(counter_read(&stage.idles), 0); /* Stopped by request: the tree waits. */

    assert_int_equal(ask_of(&stage, REQUEST_START, "/pupil"), AIRS_OK);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 4);
    close_stage(&stage);
}

static void
a_deleted_child_is_gone_and_its_path_free_again(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupils[3] = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    ask_root(&stage, REQUEST_START_ALL);
    for (unsigned i = 0; i < 3; i++) {
        add_pupil(&stage, &pupils[i], "/pupil", &policy); /* Starts at once: the node runs. */
        await_event(stage.recorder, "/pupil", EVENT_STARTED, i + 1);
        assert_int_equal(ask_of(&stage, REQUEST_DELETE, "/pupil"), AIRS_OK);
        await_event(stage.recorder, "/pupil", EVENT_DELETED, i + 1);
        assert_int_equal(ask_of(&stage, REQUEST_GET, "/pupil"), AIRS_ENOENT);
    }
    close_stage(&stage);
    for (int i = 0; i < 3; i++)
        assert_true(atomic_load(&pupils[i].destroyed));
}

static void
a_stop_asks_in_reverse_order_and_kills_who_takes_too_long(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupils[3] = { { 0 }, { .stubborn = true }, { 0 } };
    struct child_policy policy = quick_policy();
    policy.shutdown_us = 5000;
    open_stage(&stage, 2);
    add_pupil(&stage, &pupils[0], "/a", &policy);
    add_pupil(&stage, &pupils[1], "/b", &policy);
    add_pupil(&stage, &pupils[2], "/c", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    const struct event *a = await_event(stage.recorder, "/a", EVENT_STARTING, 1);
    const struct event *b = await_event(stage.recorder, "/b", EVENT_STARTING, 1);
    const struct event *c = await_event(stage.recorder, "/c", EVENT_STARTING, 1);
    assert_true(a->seq < b->seq && b->seq < c->seq);
    await_event(stage.recorder, "/b", EVENT_STARTED, 1);
    await_event(stage.recorder, "/c", EVENT_STARTED, 1);

    assert_int_equal(ask_root(&stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&stage.ends, 1));
    assert_int_equal(stage.end.reason, EXIT_SHUTDOWN);
    a = await_event(stage.recorder, "/a", EVENT_STOPPING, 1);
    b = await_event(stage.recorder, "/b", EVENT_STOPPING, 1);
    c = await_event(stage.recorder, "/c", EVENT_STOPPING, 1);
    assert_true(c->seq < b->seq && b->seq < a->seq);
    const struct event *exited = await_event(stage.recorder, "/b", EVENT_EXITED, 1);
    assert_int_equal(exited->exit.reason, EXIT_TIMEOUT);
    assert_string_equal(exited->detail->text, "stop-timeout");
    assert_true(exited->time_us - b->time_us >= 5000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(atomic_load(&pupils[i].begun), atomic_load(&pupils[i].ended));
    assert_int_equal(ask_root(&stage, REQUEST_STOP_ALL), AIRS_ENOTRUNNING);

    /* Started again, everything is there again. */
    assert_int_equal(ask_root(&stage, REQUEST_START_ALL), AIRS_OK);
    assert_int_equal(await_event(stage.recorder, "/c", EVENT_STARTED, 2)->generation, 2);
    assert_int_equal(ask_root(&stage, REQUEST_KILL_ALL), AIRS_OK);
    assert_true(counter_reaches(&stage.ends, 2));
    close_stage(&stage);
}

static void
mail_to_a_stopped_child_is_refused_and_what_was_queued_answered(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    struct answer before, held, queued, late;
    assert_int_equal(ask(&stage, pid, "count", &before), AIRS_OK); /* Registered: accepted. */
    ask_root(&stage, REQUEST_START_ALL);
    assert_string_equal(await_answer(&before), "1:1");

    assert_int_equal(ask(&stage, pid, "hold", &held), AIRS_OK);
    assert_int_equal(ask(&stage, pid, "count", &queued), AIRS_OK);
    while (!atomic_load(&pupil.holds))
        sched_yield();
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/pupil"), AIRS_OK);
    assert_int_equal(ask(&stage, pid, "count", &late), AIRS_EENDED);
    counter_deinit(&late.given);
    atomic_store(&pupil.may_go_on, true);
    assert_string_equal(await_answer(&held), "1:2"); /* The message in hand is finished. */
    await_event(stage.recorder, "/pupil", EVENT_STOPPED, 1);
    assert_true(counter_reaches(&queued.given, 1));
    assert_int_equal(queued.status, AIRS_EENDED);
    counter_deinit(&queued.given);
    assert_int_equal(actor_system_counters(stage.system).dead_letters, 1);
    close_stage(&stage);
}

/* ---- A child with a run of its own, that computes as a guest does ---- */

struct computing {
    bool is_up;
    atomic_bool saw_kill;
};

static enum actor_turn
compute_for_ever(struct actor_context *context)
{
    struct computing *computing = actor_context_state(context);
    struct child_command command;
    while (actor_context_take_control(context))
        continue;
    while (child_take_command(context, &command)) {
        if (command.type == CHILD_RELEASE)
            return ACTOR_END;
        if (command.type == CHILD_START) {
            computing->is_up = true;
            child_report_started(context);
        }
        if (command.type == CHILD_KILL) {
            computing->is_up = false;
            child_report_exited(context, (struct exit_info){ EXIT_KILLED, 0 }, NULL, NULL);
        }
    }
    if (!computing->is_up)
        return ACTOR_PARK;

    actor_context_guest_begin(context);
    while (!actor_context_should_yield(context) && !actor_context_is_killed(context))
        continue;
    if (actor_context_is_killed(context))
        atomic_store(&computing->saw_kill, true);
    actor_wake(actor_context_system(context), actor_context_self(context));
    actor_context_guest_end(context);
    return ACTOR_PARK;
}

static const struct actor_behaviour computing_behaviour = {
    .name = "computing",
    .run = compute_for_ever,
};

static void
a_kill_reaches_children_that_compute_without_end(void **state)
{
    (void)state;
    enum { CHILDREN = 5 };
    struct stage stage;
    struct computing children[CHILDREN] = { 0 };
    struct child_policy policy = quick_policy();
    policy.max_restarts = 1000;
    open_stage(&stage, 2);
    for (int i = 0; i < CHILDREN; i++) {
        char path[32];
        snprintf(path, sizeof path, "/child%d", i);
        struct refstr *text = text_of(path);
        struct actor_options options = {
            .behaviour = &computing_behaviour,
            .state = &children[i],
            .path = text,
        };
        airs_pid pid;
        assert_int_equal(actor_spawn(stage.system, &options, &pid, NULL), AIRS_OK);
        assert_int_equal(add(&stage, pid, path, &policy, false), AIRS_OK);
        refstr_unref(text);
    }
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/child2", EVENT_STARTED, 1);
    await_event(stage.recorder, "/child4", EVENT_STARTED, 1);
    for (unsigned i = 1; i <= 20; i++) {
        assert_int_equal(ask_of(&stage, REQUEST_KILL, "/child2"), AIRS_OK);
        const struct event *exited = await_event(stage.recorder, "/child2", EVENT_EXITED, i);
        assert_int_equal(exited->exit.reason, EXIT_KILLED);
        await_event(stage.recorder, "/child2", EVENT_STARTED, i + 1);
    }
    close_stage(&stage); /* All of them computing. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_by_hand_answer_and_do_what_they_say),
        cmocka_unit_test(a_deleted_child_is_gone_and_its_path_free_again),
        cmocka_unit_test(a_stop_asks_in_reverse_order_and_kills_who_takes_too_long),
        cmocka_unit_test(mail_to_a_stopped_child_is_refused_and_what_was_queued_answered),
        cmocka_unit_test(a_kill_reaches_children_that_compute_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
