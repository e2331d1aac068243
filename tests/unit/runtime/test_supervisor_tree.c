/* Trees of supervisors: readiness, escalation, stops from above, storms, and the end of all. */
#include <sched.h>

#include "base/random.h"
#include "pupil.h"

static struct child_policy
quick_supervisor_policy(void)
{
    struct child_policy policy = child_policy_default(true);
    policy.backoff = quick_policy().backoff;
    policy.within_us = quick_policy().within_us;
    return policy;
}

static void
a_supervisor_is_ready_when_its_children_are(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil front = { 0 }, back = { .start = START_NEVER };
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    open_stage(&stage, 2);
    add_supervisor(&stage, "/web", &above);
    add_pupil(&stage, &front, "/web/front", &policy);
    add_pupil(&stage, &back, "/web/back", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web/front", EVENT_READY, 1);
    await_event(stage.recorder, "/web/back", EVENT_STARTING, 1);
    struct child_view web = view_of(&stage, "/web");
    assert_int_equal(web.state, CHILD_RUNNING);
    assert_true(web.is_supervisor);
    assert_false(web.ready);

    atomic_store(&back.start, START_WELL);
    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/web/back"), AIRS_OK);
    await_event(stage.recorder, "/web/back", EVENT_READY, 1);
    const struct event *ready = await_event(stage.recorder, "/web", EVENT_READY, 1);
    assert_true(ready->seq > await_event(stage.recorder, "/web", EVENT_STARTED, 1)->seq);

    /* A child that restarts makes it not ready meanwhile. */
    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/web/front"), AIRS_OK);
    await_event(stage.recorder, "/web/front", EVENT_READY, 2);
    await_event(stage.recorder, "/web", EVENT_READY, 1);
    close_stage(&stage);
}

/* /web/front crashes at each start until /web gives up, and so does the root in the end. */
static void
an_escalation_restarts_the_subtree_then_ends_the_root(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil front = { .start = START_CRASHING }, back = { 0 }, other = { 0 };
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    policy.max_restarts = 1;
    policy.on_exhausted = ON_EXHAUSTED_ESCALATE;
    above.max_restarts = 2;
    above.on_exhausted = ON_EXHAUSTED_ESCALATE;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/web", &above);
    add_pupil(&stage, &back, "/web/back", &policy);
    add_pupil(&stage, &front, "/web/front", &policy);
    policy.on_exhausted = ON_EXHAUSTED_FAIL;
    add_pupil(&stage, &other, "/other", &policy);
    ask_root(&stage, REQUEST_START_ALL);

    const struct event *escalated = await_event(stage.recorder, "/web/front", EVENT_ESCALATED, 1);
    assert_string_equal(escalated->cause->text, "/web/front");
    assert_int_equal(escalated->exit.reason, EXIT_TRAP);
    const struct event *exited = await_event(stage.recorder, "/web", EVENT_EXITED, 1);
    assert_int_equal(exited->exit.reason, EXIT_ESCALATED);
    assert_string_equal(exited->cause->text, "/web/front");
    assert_string_equal(exited->detail->text, "/web/front: trap, unreachable; budget of /web/front"
                                              " used up: 1 within 1h");
    assert_string_equal(escalated->detail->text, exited->detail->text);
    const struct event *again = await_event(stage.recorder, "/web", EVENT_STARTED, 2);
    assert_int_equal(again->generation, 2);
    /* Its children come with it, with empty budgets, in their next generations. */
    const struct event *starting = await_event(stage.recorder, "/web", EVENT_STARTING, 2);
    assert_true(await_event(stage.recorder, "/web/back", EVENT_STARTING, 2)->seq > starting->seq);
    const struct event *front_again = await_event(stage.recorder, "/web/front", EVENT_STARTING, 3);
    assert_int_equal(front_again->generation, 3);
    assert_int_equal(front_again->restarts, 0);

    assert_true(counter_reaches(&stage.ends, 1));
    assert_int_equal(stage.end.reason, EXIT_ESCALATED);
    assert_int_equal(count_events(stage.recorder, "/web", EVENT_STARTED), 3);
    assert_int_equal(count_events(stage.recorder, "/web/front", EVENT_STARTED), 6);
    const struct event *other_stopped = await_event(stage.recorder, "/other", EVENT_STOPPED, 1);
    assert_string_equal(other_stopped->cause->text, "/web/front");
    assert_int_equal(atomic_load(&other.begun), atomic_load(&other.ended));
    assert_int_equal(atomic_load(&back.begun), atomic_load(&back.ended));
    close_stage(&stage);
}

static void
a_subtree_is_stopped_started_killed_and_reset_as_one(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil front = { 0 }, back = { 0 };
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    open_stage(&stage, 2);
    add_supervisor(&stage, "/web", &above);
    add_supervisor(&stage, "/web/deep", &above);
    add_pupil(&stage, &front, "/web/front", &policy);
    add_pupil(&stage, &back, "/web/deep/back", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web", EVENT_READY, 1);

    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/web"), AIRS_OK);
    await_event(stage.recorder, "/web", EVENT_STOPPED, 1);
    assert_int_equal(view_of(&stage, "/web").stop_cause, STOPPED_BY_REQUEST);
    assert_int_equal(view_of(&stage, "/web/deep/back").stop_cause, STOPPED_WITH_SUPERVISOR);
    assert_int_equal(ask_of(&stage, REQUEST_START, "/web"), AIRS_OK);
    await_event(stage.recorder, "/web/deep/back", EVENT_READY, 2);
    await_event(stage.recorder, "/web/front", EVENT_READY, 2);
    await_event(stage.recorder, "/web", EVENT_READY, 2);

    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/web"), AIRS_OK);
    const struct event *killed = await_event(stage.recorder, "/web", EVENT_EXITED, 2);
    assert_int_equal(killed->exit.reason, EXIT_KILLED);
    assert_int_equal(await_event(stage.recorder, "/web/deep/back", EVENT_EXITED, 2)->exit.reason,
                     EXIT_KILLED);
    await_event(stage.recorder, "/web/deep/back", EVENT_READY, 3);
    await_event(stage.recorder, "/web", EVENT_READY, 3);
    assert_int_equal(view_of(&stage, "/web").restarts, 1); /* One exit at its parent. */
    assert_int_equal(view_of(&stage, "/web/front").restarts, 0);

    assert_int_equal(ask_of(&stage, REQUEST_RESET, "/web"), AIRS_OK);
    await_event(stage.recorder, "/web/deep/back", EVENT_RESET, 1);
    assert_int_equal(view_of(&stage, "/web").restarts, 0);

    assert_int_equal(ask_of(&stage, REQUEST_DELETE, "/web"), AIRS_OK);
    await_event(stage.recorder, "/web", EVENT_DELETED, 1);
    assert_true(counter_reaches(&stage.idles, 1));
    close_stage(&stage);
    assert_true(atomic_load(&front.destroyed) && atomic_load(&back.destroyed));
}

struct names_left {
    struct actor_system *system;
    atomic_bool heard;
    airs_pid itself, below, deep_below, beside;
};

static void
look_names_up(void *ctx, const struct event *event)
{
    struct names_left *names = ctx;
    if (event->type != EVENT_DELETED || strcmp(event->path->text, "/web") != 0)
        return;
    names->itself = registry_find(names->system, "/web");
    names->below = registry_find(names->system, "/web/front");
    names->deep_below = registry_find(names->system, "/web/deep/back");
    names->beside = registry_find(names->system, "/website");
    atomic_store(&names->heard, true);
}

static void
who_hears_of_a_deleted_supervisor_may_use_every_name_below_it(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil front = { 0 }, back = { 0 }, beside = { 0 };
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    open_stage(&stage, 2);
    struct names_left names = { .system = stage.system };
    assert_int_equal(
        event_log_add_sink(actor_system_event_log(stage.system), look_names_up, &names, NULL),
        AIRS_OK);
    add_supervisor(&stage, "/web", &above);
    add_pupil(&stage, &front, "/web/front", &policy);
    add_supervisor(&stage, "/web/deep", &above);
    add_pupil(&stage, &back, "/web/deep/back", &policy);
    add_pupil(&stage, &beside, "/website", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web", EVENT_READY, 1);
    assert_int_equal(ask_of(&stage, REQUEST_DELETE, "/web"), AIRS_OK);
    await_event(stage.recorder, "/web", EVENT_DELETED, 1);
    while (!atomic_load(&names.heard))
        sched_yield();
    assert_int_equal(names.itself, AIRS_PID_NONE);
    assert_int_equal(names.below, AIRS_PID_NONE);
    assert_int_equal(names.deep_below, AIRS_PID_NONE);
    assert_int_not_equal(names.beside, AIRS_PID_NONE);
    close_stage(&stage);
}

static void
a_supervisor_out_of_time_has_its_subtree_killed(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil back = { .stubborn = true };
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    policy.shutdown_us = DURATION_INFINITE;
    above.shutdown_us = 5000;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/web", &above);
    add_pupil(&stage, &back, "/web/back", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web/back", EVENT_STARTED, 1);
    ask_root(&stage, REQUEST_STOP_ALL);
    assert_true(counter_reaches(&stage.ends, 1));
    assert_int_equal(await_event(stage.recorder, "/web/back", EVENT_EXITED, 1)->exit.reason,
                     EXIT_TIMEOUT);
    assert_int_equal(await_event(stage.recorder, "/web", EVENT_EXITED, 1)->exit.reason,
                     EXIT_TIMEOUT);
    assert_int_equal(atomic_load(&back.ended), 1);
    close_stage(&stage);
}

static void
the_tree_is_idle_when_nothing_in_it_can_run_any_more(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    policy.restart = RESTART_TRANSIENT;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/web", &above);
    airs_pid pid = add_pupil(&stage, &pupil, "/web/job", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web", EVENT_READY, 1);
    assert_int_equal(counter_read(&stage.idles), 0);
    struct answer answer;
    ask(&stage, pid, "return", &answer);
    await_answer(&answer);
    assert_true(counter_reaches(&stage.idles, 1));
    assert_int_equal(view_of(&stage, "/web").state, CHILD_RUNNING);
    close_stage(&stage);
}

/* ---- Storms ---- */

#define CHILDREN 40
#define CRASHES_EACH 50

static void
a_storm_of_crashes_restarts_each_child_as_often_as_it_crashed(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil *pupils = calloc(CHILDREN, sizeof *pupils);
    airs_pid pids[CHILDREN];
    char paths[CHILDREN][32];
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    policy.max_restarts = RESTARTS_MAX / 1000;
    policy.backoff.initial_us = policy.backoff.max_us = 50;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/a", &above);
    add_supervisor(&stage, "/b", &above);
    for (int i = 0; i < CHILDREN; i++) {
        snprintf(paths[i], sizeof paths[i], "/%c/child%d", i % 2 ? 'a' : 'b', i);
        pids[i] = add_pupil(&stage, &pupils[i], paths[i], &policy);
    }
    ask_root(&stage, REQUEST_START_ALL);
    for (int round = 0; round < CRASHES_EACH; round++)
        for (int i = 0; i < CHILDREN; i++) /* Accepted in every state that there is here. */
            send_text(stage.system, pids[i], "crash");
    for (int i = 0; i < CHILDREN; i++) {
        const struct event *last =
            await_event(stage.recorder, paths[i], EVENT_READY, CRASHES_EACH + 1);
        assert_int_equal(last->generation, CRASHES_EACH + 1);
        assert_int_equal(last->restarts, CRASHES_EACH);
        assert_int_equal(atomic_load(&pupils[i].begun), CRASHES_EACH + 1);
        assert_int_equal(atomic_load(&pupils[i].ended), CRASHES_EACH);
    }
    close_stage(&stage);
    free(pupils);
}

struct bully {
    struct stage *stage;
    airs_pid *pids;
    uint64_t seed;
    atomic_bool *stop;
};

/* Verbs and mail at random: none of it may be lost, hang, or break anything. */
static void *
bully_children(void *argument)
{
    static const enum request_verb verbs[] = {
        REQUEST_START, REQUEST_STOP,  REQUEST_RESTART, REQUEST_KILL,
        REQUEST_RESET, REQUEST_START, REQUEST_GET,
    };
    struct bully *bully = argument;
    while (!atomic_load(bully->stop)) {
        uint64_t child = random_up_to(&bully->seed, 7);
        uint64_t what = random_up_to(&bully->seed, 9);
        char path[32];
        snprintf(path, sizeof path, "/a/child%u", (unsigned)child);
        struct message *message = message_of(what == 7 ? "crash" : "return");
        if (what < 7) {
            struct refstr *text = text_of(path);
            struct child_view view;
            struct supervisor_request request = {
                .verb = verbs[what],
                .path = text,
                .user = &view,
                .visit = copy_view,
            };
            enum airs_status status = supervisor_request_wait(
                bully->stage->system, registry_find(bully->stage->system, "/a"), &request);
            assert_int_not_equal(status, AIRS_ENOENT);
            refstr_unref(text);
        } else if (actor_send(bully->stage->system, bully->pids[child], message) == AIRS_OK) {
            continue;
        }
        message_free(message);
    }
    return NULL;
}

static void
a_tree_under_random_verbs_still_stops_and_starts(void **state)
{
    (void)state;
    enum { BULLIES = 3, VICTIMS = 8 };
    struct stage stage;
    struct pupil pupils[VICTIMS] = { 0 };
    airs_pid pids[VICTIMS];
    struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
    policy.max_restarts = 1000;
    policy.backoff.initial_us = policy.backoff.max_us = 200;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/a", &above);
    for (int i = 0; i < VICTIMS; i++) {
        char path[32];
        snprintf(path, sizeof path, "/a/child%d", i);
        pids[i] = add_pupil(&stage, &pupils[i], path, &policy);
    }
    ask_root(&stage, REQUEST_START_ALL);

    atomic_bool stop = false;
    pthread_t threads[BULLIES];
    struct bully bullies[BULLIES];
    for (int i = 0; i < BULLIES; i++) {
        bullies[i] = (struct bully){ &stage, pids, (uint64_t)i, &stop };
        pthread_create(&threads[i], NULL, bully_children, &bullies[i]);
    }
    await_event(stage.recorder, "/a/child3", EVENT_STARTED, 40);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(ask_of(&stage, REQUEST_RESTART, "/a"), AIRS_OK);
        await_event(stage.recorder, "/a", EVENT_STARTED, i + 1);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < BULLIES; i++)
        pthread_join(threads[i], NULL);

    ask_root(&stage, REQUEST_STOP_ALL);
    assert_true(counter_reaches(&stage.ends, 1));
    for (int i = 0; i < VICTIMS; i++)
        assert_int_equal(atomic_load(&pupils[i].begun), atomic_load(&pupils[i].ended));
    close_stage(&stage);
}

/* ---- The end of all ---- */

static void
count_done(struct supervisor_request *request)
{
    counter_add(request->ctx, 1);
}

static void
a_system_that_stops_with_everything_in_flight_leaves_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 10, REQUESTS = 50 };
    for (int round = 0; round < ROUNDS; round++) {
        struct stage stage;
        struct pupil pupils[6] = {
            { 0 }, { .start = START_CRASHING }, { .start = START_NEVER },
            { 0 }, { .start = START_FAILING },  { .stubborn = true },
        };
        struct child_policy policy = quick_policy(), above = quick_supervisor_policy();
        policy.max_restarts = 1000;
        policy.backoff.initial_us = policy.backoff.max_us = 50;
        policy.start_timeout_us = 500;
        open_stage_with(&stage, &(struct actor_system_options){
                                    .workers = 2,
                                    .max_concurrent_starts = 2,
                                    .instances_max = 4,
                                });
        add_supervisor(&stage, "/a", &above);
        airs_pid pids[6];
        for (int i = 0; i < 6; i++) {
            char path[32];
            snprintf(path, sizeof path, "/a/child%d", i);
            pids[i] = add_pupil(&stage, &pupils[i], path, &policy);
        }
        ask_root(&stage, REQUEST_START_ALL);
        await_event(stage.recorder, "/a/child1", EVENT_EXITED, (unsigned)round * 3 + 1);

        struct refstr *path = text_of("/a/child0");
        struct counter done;
        counter_init(&done);
        struct supervisor_request requests[REQUESTS];
        long sent = 0;
        for (int i = 0; i < REQUESTS; i++) {
            requests[i] = (struct supervisor_request){
                .verb = i % 2 ? REQUEST_RESTART : REQUEST_KILL,
                .path = path,
                .done = count_done,
                .ctx = &done,
            };
            sent += supervisor_request_send(stage.system, registry_find(stage.system, "/a"),
                                            &requests[i]);
            struct message *message = message_of("crash");
            if (actor_send(stage.system, pids[i % 6], message) != AIRS_OK)
                message_free(message);
        }
        if (round % 2)
            ask_root(&stage, REQUEST_STOP_ALL);
        close_stage(&stage);
        assert_int_equal(counter_read(&done), sent); /* Each answered, once. */
        counter_deinit(&done);
        refstr_unref(path);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_supervisor_is_ready_when_its_children_are),
        cmocka_unit_test(an_escalation_restarts_the_subtree_then_ends_the_root),
        cmocka_unit_test(a_subtree_is_stopped_started_killed_and_reset_as_one),
        cmocka_unit_test(who_hears_of_a_deleted_supervisor_may_use_every_name_below_it),
        cmocka_unit_test(a_supervisor_out_of_time_has_its_subtree_killed),
        cmocka_unit_test(the_tree_is_idle_when_nothing_in_it_can_run_any_more),
        cmocka_unit_test(a_storm_of_crashes_restarts_each_child_as_often_as_it_crashed),
        cmocka_unit_test(a_tree_under_random_verbs_still_stops_and_starts),
        cmocka_unit_test(a_system_that_stops_with_everything_in_flight_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
