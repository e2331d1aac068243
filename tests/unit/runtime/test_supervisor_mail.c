/* Mail of children that stop: answered by the next instance if there is one, else dead letters.
 *
 * A pupil that holds a message lets mail queue up behind it; then it is stopped in one way or
 * another, and let go.
 */
#include "pupil.h"

#define QUEUED 3

struct queue {
    airs_pid pid;
    struct pupil *pupil;
    struct answer held;
    struct answer queued[QUEUED];
};

static struct child_policy
patient_policy(void)
{
    struct child_policy policy = quick_policy();
    policy.shutdown_us = DURATION_INFINITE;
    return policy;
}

static void
add_group(struct stage *stage, const char *path, enum strategy strategy)
{
    struct node_policy node = node_policy_default();
    struct child_policy policy = child_policy_default(true);
    node.strategy = strategy;
    policy.backoff = quick_policy().backoff;
    add_node(stage, path, &node, &policy);
}

/* The pupil has a message in hand, and mail behind it. */
static void
fill(struct stage *stage, struct queue *queue, struct pupil *pupil, airs_pid pid)
{
    queue->pid = pid;
    queue->pupil = pupil;
    assert_int_equal(ask(stage, pid, "hold", &queue->held), AIRS_OK);
    while (!atomic_load(&pupil->holds))
        sched_yield();
    for (int i = 0; i < QUEUED; i++)
        assert_int_equal(ask(stage, pid, "count", &queue->queued[i]), AIRS_OK);
}

/* It is stopping: what is new is refused, what is queued waits. Then the message in hand ends. */
static void
let_go(struct stage *stage, struct queue *queue)
{
    struct answer late;
    assert_int_equal(ask(stage, queue->pid, "count", &late), AIRS_EENDED);
    counter_deinit(&late.given);
    for (int i = 0; i < QUEUED; i++)
        assert_int_equal(counter_read(&queue->queued[i].given), 0);
    atomic_store(&queue->pupil->may_go_on, true);
    assert_string_equal(await_answer(&queue->held), "1:1");
}

static void
assert_answered(struct queue *queue, unsigned generation)
{
    for (unsigned i = 0; i < QUEUED; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "%u:%u", generation, i + 1);
        assert_string_equal(await_answer(&queue->queued[i]), expected);
    }
}

static void
assert_buried(struct queue *queue)
{
    for (int i = 0; i < QUEUED; i++) {
        assert_true(counter_reaches(&queue->queued[i].given, 1));
        assert_int_equal(queue->queued[i].status, AIRS_EENDED);
        counter_deinit(&queue->queued[i].given);
    }
}

static uint64_t
dead_letters(struct stage *stage)
{
    return actor_system_counters(stage->system).dead_letters;
}

/* ---- Stopped in order to come back ---- */

static void
a_group_restart_keeps_the_mail_of_those_it_stops(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil a = { 0 }, b = { 0 };
    struct child_policy policy = patient_policy();
    struct queue queue;
    open_stage(&stage, 2);
    add_group(&stage, "/g", STRATEGY_ONE_FOR_ALL);
    airs_pid pid = add_pupil(&stage, &a, "/g/a", &policy);
    add_pupil(&stage, &b, "/g/b", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/g", EVENT_READY, 1);
    fill(&stage, &queue, &a, pid);
    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/g/b"), AIRS_OK);
    await_event(stage.recorder, "/g/a", EVENT_STOPPING, 1);
    let_go(&stage, &queue);
    assert_answered(&queue, 2);
    assert_int_equal(dead_letters(&stage), 0);
    close_stage(&stage);
}

static void
a_restart_by_hand_keeps_the_mail(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = patient_policy();
    struct queue queue;
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    fill(&stage, &queue, &pupil, pid);
    assert_int_equal(ask_of(&stage, REQUEST_RESTART, "/pupil"), AIRS_OK);
    let_go(&stage, &queue);
    assert_answered(&queue, 2);
    assert_int_equal(dead_letters(&stage), 0);
    close_stage(&stage);
}

/* Once others are in the hands of both workers, the pupil's turn, in which it looked for more mail,
 * is over. */
static void
see_its_turn_end(struct stage *stage, struct pupil others[2], const airs_pid pids[2])
{
    struct answer held[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask(stage, pids[i], "hold", &held[i]), AIRS_OK);
    for (int i = 0; i < 2; i++)
        while (!atomic_load(&others[i].holds))
            sched_yield();
    for (int i = 0; i < 2; i++)
        atomic_store(&others[i].may_go_on, true);
    for (int i = 0; i < 2; i++)
        await_answer(&held[i]);
}

/* Asked to stop, a stubborn one goes on with nothing: its queue is the next instance's. */
static void
who_is_asked_to_stop_is_handed_no_more_mail(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { .stubborn = true }, others[2] = { 0 };
    struct child_policy policy = patient_policy();
    struct queue queue;
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    airs_pid pids[2] = { add_pupil(&stage, &others[0], "/x", &policy),
                         add_pupil(&stage, &others[1], "/y", &policy) };
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/y", EVENT_READY, 1);
    fill(&stage, &queue, &pupil, pid);
    assert_int_equal(ask_of(&stage, REQUEST_RESTART, "/pupil"), AIRS_OK);
    let_go(&stage, &queue);
    see_its_turn_end(&stage, others, pids);
    assert_int_equal(view_of(&stage, "/pupil").mailbox, QUEUED);
    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/pupil"), AIRS_OK);
    assert_answered(&queue, 2);
    close_stage(&stage);
}

/* /top/sub/b uses its budget up: /top/sub ends, and with it, two levels down, everything comes
 * back with its mail, also that of the child that gave up. */
static void
a_restarted_supervisor_keeps_the_mail_of_its_children(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil a = { 0 }, b = { 0 };
    struct child_policy policy = patient_policy(), fragile = patient_policy();
    struct queue queue;
    struct answer last[2];
    fragile.max_restarts = 0;
    fragile.on_exhausted = ON_EXHAUSTED_ESCALATE;
    open_stage(&stage, 2);
    add_group(&stage, "/top", STRATEGY_ONE_FOR_ONE);
    add_group(&stage, "/top/sub", STRATEGY_ONE_FOR_ONE);
    add_group(&stage, "/top/sub/inner", STRATEGY_ONE_FOR_ONE);
    airs_pid pid = add_pupil(&stage, &a, "/top/sub/inner/a", &policy);
    airs_pid fragile_pid = add_pupil(&stage, &b, "/top/sub/b", &fragile);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/top", EVENT_READY, 1);
    fill(&stage, &queue, &a, pid);
    struct answer crash, held;
    assert_int_equal(ask(&stage, fragile_pid, "hold", &held), AIRS_OK);
    assert_int_equal(ask(&stage, fragile_pid, "crash", &crash), AIRS_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask(&stage, fragile_pid, "count", &last[i]), AIRS_OK);
    atomic_store(&b.may_go_on, true);
    await_event(stage.recorder, "/top/sub/inner/a", EVENT_STOPPING, 1);
    let_go(&stage, &queue);
    assert_answered(&queue, 2);
    assert_string_equal(await_answer(&last[0]), "2:1");
    assert_string_equal(await_answer(&last[1]), "2:2");
    await_answer(&held);
    await_answer(&crash);
    assert_int_equal(dead_letters(&stage), 0);
    close_stage(&stage);
}

/* ---- Stopped to stay ---- */

static void
a_supervisor_stopped_by_hand_buries_the_mail_of_its_subtree(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = patient_policy();
    struct queue queue;
    struct answer fresh;
    open_stage(&stage, 2);
    add_group(&stage, "/top", STRATEGY_ONE_FOR_ONE);
    add_group(&stage, "/top/sub", STRATEGY_ONE_FOR_ALL);
    airs_pid pid = add_pupil(&stage, &pupil, "/top/sub/a", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/top", EVENT_READY, 1);
    fill(&stage, &queue, &pupil, pid);
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/top"), AIRS_OK);
    await_event(stage.recorder, "/top/sub/a", EVENT_STOPPING, 1);
    let_go(&stage, &queue);
    assert_buried(&queue);
    assert_int_equal(dead_letters(&stage), QUEUED);

    /* Its next start begins with what comes from then on. */
    await_event(stage.recorder, "/top", EVENT_STOPPED, 1);
    assert_int_equal(ask_of(&stage, REQUEST_START, "/top"), AIRS_OK);
    await_event(stage.recorder, "/top/sub/a", EVENT_READY, 2);
    assert_int_equal(ask(&stage, pid, "count", &fresh), AIRS_OK);
    assert_string_equal(await_answer(&fresh), "2:1");
    close_stage(&stage);
}

/* A supervisor that gives up for good takes the mail below it along, and only then. */
static void
a_supervisor_that_fails_buries_the_mail_of_its_subtree(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil a = { 0 }, b = { 0 };
    struct child_policy policy = patient_policy(), fragile = patient_policy(),
                        above = child_policy_default(true);
    struct queue queue;
    fragile.max_restarts = 0;
    fragile.on_exhausted = ON_EXHAUSTED_ESCALATE;
    above.max_restarts = 0;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/top", &above);
    add_group(&stage, "/top/sub", STRATEGY_ONE_FOR_ONE);
    airs_pid pid = add_pupil(&stage, &a, "/top/sub/a", &policy);
    airs_pid fragile_pid = add_pupil(&stage, &b, "/top/b", &fragile);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/top", EVENT_READY, 1);
    fill(&stage, &queue, &a, pid);
    struct answer crash;
    assert_int_equal(ask(&stage, fragile_pid, "crash", &crash), AIRS_OK);
    await_answer(&crash);
    await_event(stage.recorder, "/top/sub/a", EVENT_STOPPING, 1);
    let_go(&stage, &queue);
    await_event(stage.recorder, "/top", EVENT_FAILED, 1);
    assert_buried(&queue);
    assert_int_equal(dead_letters(&stage), QUEUED);
    close_stage(&stage);
}

static void
the_end_of_all_buries_what_was_queued(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = patient_policy();
    struct queue queue;
    open_stage(&stage, 2);
    add_group(&stage, "/sub", STRATEGY_ONE_FOR_ONE);
    airs_pid pid = add_pupil(&stage, &pupil, "/sub/a", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/sub", EVENT_READY, 1);
    fill(&stage, &queue, &pupil, pid);
    assert_int_equal(ask_root(&stage, REQUEST_STOP_ALL), AIRS_OK);
    await_event(stage.recorder, "/sub/a", EVENT_STOPPING, 1);
    let_go(&stage, &queue);
    assert_true(counter_reaches(&stage.ends, 1));
    assert_buried(&queue);
    assert_int_equal(dead_letters(&stage), QUEUED);
    close_stage(&stage);
}

/* Started by hand while all above it is down, it waits, registered, and takes mail. */
static void
the_end_of_all_buries_what_waits_for_a_start(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    struct answer answer;
    open_stage(&stage, 2);
    add_group(&stage, "/top", STRATEGY_ONE_FOR_ONE);
    add_group(&stage, "/top/sub", STRATEGY_ONE_FOR_ONE);
    airs_pid pid = add_pupil(&stage, &pupil, "/top/sub/a", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/top", EVENT_READY, 1);
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/top"), AIRS_OK);
    await_event(stage.recorder, "/top", EVENT_STOPPED, 1);
    assert_int_equal(ask_of(&stage, REQUEST_START, "/top/sub/a"), AIRS_OK);
    await_event(stage.recorder, "/top/sub/a", EVENT_REGISTERED, 2);
    assert_int_equal(ask(&stage, pid, "count", &answer), AIRS_OK);
    assert_int_equal(ask_root(&stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&stage.ends, 1));
    assert_true(counter_reaches(&answer.given, 1));
    assert_int_equal(answer.status, AIRS_EENDED);
    counter_deinit(&answer.given);
    assert_int_equal(dead_letters(&stage), 1);
    close_stage(&stage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_restart_keeps_the_mail_of_those_it_stops),
        cmocka_unit_test(a_restart_by_hand_keeps_the_mail),
        cmocka_unit_test(who_is_asked_to_stop_is_handed_no_more_mail),
        cmocka_unit_test(a_restarted_supervisor_keeps_the_mail_of_its_children),
        cmocka_unit_test(a_supervisor_stopped_by_hand_buries_the_mail_of_its_subtree),
        cmocka_unit_test(a_supervisor_that_fails_buries_the_mail_of_its_subtree),
        cmocka_unit_test(the_end_of_all_buries_what_was_queued),
        cmocka_unit_test(the_end_of_all_buries_what_waits_for_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
