/* Dependencies on real workers: within a supervisor and across; there before and after the
 * dependant; met, lost, deleted and added anew; the order of stops; a crowd that goes up and down. */
#include "pupil.h"

#define CROWD 40u

static enum airs_status
ask_with(struct stage *stage, struct supervisor_request *request, const char *path,
         const char *const *paths, size_t size)
{
    struct refstr *text = text_of(path);
    struct refstr *above = supervisor_path_of(text);
    struct refstr *dependencies[CROWD];
    for (size_t i = 0; i < size; i++)
        dependencies[i] = text_of(paths[i]);
    request->path = text;
    request->dependencies = dependencies;
    request->dependencies_size = size;
    enum airs_status status =
        supervisor_request_wait(stage->system, registry_find(stage->system, above->text), request);
    for (size_t i = 0; i < size; i++)
        refstr_unref(dependencies[i]);
    refstr_unref(above);
    refstr_unref(text);
    return status;
}

static airs_pid
add_dependant(struct stage *stage, struct pupil *pupil, const char *path,
              const struct child_policy *policy, const char *const *paths, size_t size)
{
    struct refstr *text = text_of(path);
    struct native_options options = {
        .behaviour = &pupil_behaviour, .state = pupil, .path = text, .supervised = true
    };
    struct supervisor_request request = { .verb = REQUEST_ADD, .policy = *policy };
    assert_int_equal(native_spawn(stage->system, &options, &request.child, NULL), AIRS_OK);
    assert_int_equal(ask_with(stage, &request, path, paths, size), AIRS_OK);
    refstr_unref(text);
    return request.child;
}

static void
tell(struct stage *stage, airs_pid pid, const char *text)
{
    struct answer answer;
    assert_int_equal(ask(stage, pid, text, &answer), AIRS_OK);
    await_answer(&answer);
}

/* The n-th `waiting` of `path`, for `waits_for`. */
static void
await_waiting(struct stage *stage, const char *path, unsigned n, const char *waits_for)
{
    const struct event *event = await_event(stage->recorder, path, EVENT_WAITING, n);
    assert_string_equal(event->waits_for->text, waits_for);
}

static void
a_start_waits_until_a_dependency_in_another_supervisor_is_ready(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil store = { 0 }, web = { 0 };
    struct child_policy policy = quick_policy(), probed = quick_policy();
    struct child_policy above = child_policy_default(true);
    const char *on[] = { "/data/store" };
    probed.reports_ready = true;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/front", &above);
    add_dependant(&stage, &web, "/front/web", &policy, on, 1); /* Before what it depends on. */
    add_supervisor(&stage, "/data", &above);
    airs_pid store_pid = add_pupil(&stage, &store, "/data/store", &probed);
    ask_root(&stage, REQUEST_START_ALL);
    await_waiting(&stage, "/front/web", 1, "/data/store");
    await_event(stage.recorder, "/data/store", EVENT_STARTED, 1);
    assert_string_equal(view_of(&stage, "/front/web").waits_for->text, "/data/store");
    assert_int_equal(count_events(stage.recorder, "/front/web", EVENT_STARTING), 0);

    tell(&stage, store_pid, "ready");
    assert_true(await_event(stage.recorder, "/front/web", EVENT_STARTED, 1)->seq >
                await_event(stage.recorder, "/data/store", EVENT_READY, 1)->seq);
    tell(&stage, store_pid, "unready"); /* It is up, and does not mind. */
    assert_int_equal(view_of(&stage, "/front/web").state, CHILD_RUNNING);
    close_stage(&stage);
}

static void
a_new_instance_waits_for_a_dependency_that_was_stopped(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil store = { 0 }, web = { 0 };
    struct child_policy policy = quick_policy();
    const char *on[] = { "/store" };
    open_stage(&stage, 2);
    add_pupil(&stage, &store, "/store", &policy);
    airs_pid web_pid = add_dependant(&stage, &web, "/web", &policy, on, 1);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web", EVENT_READY, 1);
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/store"), AIRS_OK);
    await_event(stage.recorder, "/store", EVENT_STOPPED, 1);
    tell(&stage, web_pid, "crash");
    await_waiting(&stage, "/web", 2, "/store");
    assert_int_equal(ask_of(&stage, REQUEST_START, "/web"), AIRS_OK); /* It waits on. */
    assert_int_equal(ask_of(&stage, REQUEST_START, "/store"), AIRS_OK);
    await_event(stage.recorder, "/web", EVENT_READY, 2);
    assert_int_equal(web.generation, 2);
    assert_int_equal(view_of(&stage, "/web").restarts, 1);
    close_stage(&stage);
}

static void
a_follower_restarts_uncounted_with_its_dependency(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil store = { 0 }, web = { 0 };
    struct child_policy policy = quick_policy(), follows = quick_policy();
    struct child_policy above = child_policy_default(true);
    const char *on[] = { "/data/store" };
    follows.when_dependency_restarts = DEPENDENCY_RESTART;
    open_stage(&stage, 2);
    add_supervisor(&stage, "/data", &above);
    airs_pid store_pid = add_pupil(&stage, &store, "/data/store", &policy);
    add_dependant(&stage, &web, "/web", &follows, on, 1);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web", EVENT_READY, 1);
    for (unsigned i = 1; i <= 3; i++) {
        tell(&stage, store_pid, "crash");
        await_event(stage.recorder, "/web", EVENT_READY, i + 1);
        const struct event *stopping = await_event(stage.recorder, "/web", EVENT_STOPPING, i);
        assert_string_equal(stopping->cause->text, "/data/store");
        const struct event *scheduled =
            await_event(stage.recorder, "/web", EVENT_RESTART_SCHEDULED, i);
        assert_string_equal(scheduled->cause->text, "/data/store");
        assert_int_equal(await_event(stage.recorder, "/web", EVENT_EXITED, i)->exit.reason,
                         EXIT_SHUTDOWN);
        assert_true(await_event(stage.recorder, "/web", EVENT_STARTING, i + 1)->seq >
                    await_event(stage.recorder, "/data/store", EVENT_READY, i + 1)->seq);
    }
    struct child_view view = view_of(&stage, "/web");
    assert_int_equal(view.restarts, 0);
    assert_int_equal(view.attempt, 0);
    assert_int_equal(view.budget_used, 0);
    assert_int_equal(atomic_load(&web.begun), 4);
    close_stage(&stage);
}

static void
a_job_that_ended_as_normal_is_met(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil job = { 0 }, web = { 0 };
    struct child_policy policy = quick_policy(), once = quick_policy();
    const char *on[] = { "/job" };
    once.restart = RESTART_TRANSIENT;
    once.reports_ready = true; /* It never is: only its end meets anybody. */
    open_stage(&stage, 2);
    airs_pid job_pid = add_pupil(&stage, &job, "/job", &once);
    add_dependant(&stage, &web, "/web", &policy, on, 1);
    ask_root(&stage, REQUEST_START_ALL);
    await_waiting(&stage, "/web", 1, "/job");
    await_event(stage.recorder, "/job", EVENT_STARTED, 1);
    tell(&stage, job_pid, "fail"); /* Once more. */
    await_event(stage.recorder, "/job", EVENT_STARTED, 2);
    assert_int_equal(count_events(stage.recorder, "/web", EVENT_STARTING), 0);
    tell(&stage, job_pid, "return");
    assert_true(await_event(stage.recorder, "/web", EVENT_READY, 1)->seq >
                await_event(stage.recorder, "/job", EVENT_STOPPED, 1)->seq);
    close_stage(&stage);
}

static void
one_dependency_after_the_other_is_named(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil first = { 0 }, second = { 0 }, web = { 0 };
    struct child_policy policy = quick_policy(), probed = quick_policy();
    const char *on[] = { "/first", "/second", "/third" };
    probed.reports_ready = true;
    open_stage(&stage, 2);
    airs_pid first_pid = add_pupil(&stage, &first, "/first", &probed);
    airs_pid second_pid = add_pupil(&stage, &second, "/second", &probed);
    add_dependant(&stage, &web, "/web", &policy, on, 3);
    ask_root(&stage, REQUEST_START_ALL);
    await_waiting(&stage, "/web", 1, "/first");
    tell(&stage, first_pid, "ready");
    await_waiting(&stage, "/web", 2, "/second");
    tell(&stage, second_pid, "ready");
    await_waiting(&stage, "/web", 3, "/third"); /* There is none. */
    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/web"), AIRS_OK);
    assert_int_equal(view_of(&stage, "/web").state, CHILD_STOPPED);
    close_stage(&stage);
}

static void
a_dependency_deleted_is_lost_and_added_anew_is_met(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil store = { 0 }, again = { 0 }, web = { 0 };
    struct child_policy policy = quick_policy();
    const char *on[] = { "/store" };
    open_stage(&stage, 2);
    add_pupil(&stage, &store, "/store", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/store", EVENT_READY, 1);
    airs_pid web_pid = add_dependant(&stage, &web, "/web", &policy, on, 1); /* To one that is up. */
    await_event(stage.recorder, "/web", EVENT_READY, 1);
    assert_int_equal(ask_of(&stage, REQUEST_DELETE, "/store"), AIRS_OK);
    await_event(stage.recorder, "/store", EVENT_DELETED, 1);
    tell(&stage, web_pid, "crash");
    await_event(stage.recorder, "/web", EVENT_WAITING, 2);
    add_pupil(&stage, &again, "/store", &policy);
    await_event(stage.recorder, "/web", EVENT_READY, 2);
    close_stage(&stage);
}

/* The old subtree may still be on its way out when the new one is there. */
static void
a_supervisor_made_anew_tells_of_its_children(void **state)
{
    (void)state;
    struct stage stage;
    static struct pupil stores[20];
    struct pupil web = { 0 };
    struct child_policy policy = quick_policy(), above = child_policy_default(true);
    const char *on[] = { "/data/store" };
    memset(stores, 0, sizeof stores);
    policy.when_dependency_restarts = DEPENDENCY_RESTART;
    open_stage(&stage, 4);
    add_dependant(&stage, &web, "/web", &policy, on, 1);
    ask_root(&stage, REQUEST_START_ALL);
    for (unsigned i = 0; i < 20; i++) {
        add_supervisor(&stage, "/data", &above);
        add_pupil(&stage, &stores[i], "/data/store", &policy);
        await_event(stage.recorder, "/web", EVENT_READY, i + 1);
        assert_int_equal(ask_of(&stage, REQUEST_DELETE, "/data"), AIRS_OK);
        await_event(stage.recorder, "/data", EVENT_DELETED, i + 1);
        await_event(stage.recorder, "/web", EVENT_RESTART_SCHEDULED, i + 1);
    }
    close_stage(&stage);
}

static void
dependants_stop_before_what_they_depend_on(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil store = { 0 }, web = { 0 }, deep = { 0 };
    struct child_policy policy = quick_policy(), above = child_policy_default(true);
    const char *on[] = { "/store" };
    open_stage(&stage, 2);
    add_pupil(&stage, &store, "/store", &policy);
    add_dependant(&stage, &web, "/web", &policy, on, 1);
    add_supervisor(&stage, "/tree", &above);
    add_dependant(&stage, &deep, "/tree/deep", &policy, on, 1);
    struct supervisor_request tie = { .verb = REQUEST_TIE };
    assert_int_equal(ask_with(&stage, &tie, "/tree", on, 1), AIRS_OK);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/web", EVENT_READY, 1);
    await_event(stage.recorder, "/tree", EVENT_READY, 1);
    ask_root(&stage, REQUEST_STOP_ALL);
    assert_true(counter_reaches(&stage.ends, 1));
    uint64_t stopping = await_event(stage.recorder, "/store", EVENT_STOPPING, 1)->seq;
    assert_true(stopping > await_event(stage.recorder, "/web", EVENT_STOPPED, 1)->seq);
    assert_true(stopping > await_event(stage.recorder, "/tree", EVENT_STOPPED, 1)->seq);
    close_stage(&stage);
}

/* Each depends on all before it; the first one crashes again and again while others are stopped,
 * started, deleted and added. */
static void
a_crowd_comes_up_in_order_and_comes_up_again(void **state)
{
    (void)state;
    struct stage stage;
    static struct pupil pupils[CROWD], late[8];
    static char names[CROWD][16];
    const char *paths[CROWD];
    struct child_policy policy = quick_policy(), above = child_policy_default(true);
    policy.when_dependency_restarts = DEPENDENCY_RESTART;
    policy.max_restarts = 100;
    memset(pupils, 0, sizeof pupils);
    memset(late, 0, sizeof late);
    open_stage(&stage, 4);
    add_supervisor(&stage, "/a", &above);
    add_supervisor(&stage, "/b", &above);
    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(names[i], sizeof names[i], "/%c/%u", i % 2 ? 'a' : 'b', i);
        paths[i] = names[i];
        add_dependant(&stage, &pupils[i], paths[i], &policy, paths, i);
    }
    ask_root(&stage, REQUEST_START_ALL);
    for (unsigned i = 1; i < CROWD; i++)
        assert_true(await_event(stage.recorder, paths[i], EVENT_STARTING, 1)->seq >
                    await_event(stage.recorder, paths[i - 1], EVENT_READY, 1)->seq);
    await_event(stage.recorder, paths[CROWD - 1], EVENT_READY, 1);
    for (unsigned i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "/a/late%u", i);
        assert_int_equal(ask_of(&stage, REQUEST_KILL, paths[0]), AIRS_OK);
        add_dependant(&stage, &late[i], name, &policy, paths, CROWD);
        await_event(stage.recorder, paths[0], EVENT_READY, i + 2);
        if (i % 2)
            assert_int_equal(ask_of(&stage, REQUEST_DELETE, name), AIRS_OK);
    }
    for (unsigned i = 0; i < CROWD; i++)
        for (unsigned wait_us = 0; !view_of(&stage, paths[i]).ready; wait_us++)
            assert_true(wait_us < 10000000 && sched_yield() == 0);
    assert_int_equal(view_of(&stage, paths[CROWD - 1]).restarts, 0);
    ask_root(&stage, REQUEST_STOP_ALL);
    assert_true(counter_reaches(&stage.ends, 1));
    close_stage(&stage);
}

static void
the_system_stops_under_those_who_wait(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil web = { 0 }, store = { 0 };
    struct child_policy policy = quick_policy(), above = child_policy_default(true);
    const char *on[] = { "/data/store", "/none/at/all" };
    open_stage(&stage, 2);
    add_dependant(&stage, &web, "/web", &policy, on, 2);
    add_supervisor(&stage, "/data", &above);
    add_pupil(&stage, &store, "/data/store", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_waiting(&stage, "/web", 1, "/data/store");
    close_stage(&stage);
    assert_true(atomic_load(&web.destroyed));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_waits_until_a_dependency_in_another_supervisor_is_ready),
        cmocka_unit_test(a_new_instance_waits_for_a_dependency_that_was_stopped),
        cmocka_unit_test(a_follower_restarts_uncounted_with_its_dependency),
        cmocka_unit_test(a_job_that_ended_as_normal_is_met),
        cmocka_unit_test(one_dependency_after_the_other_is_named),
        cmocka_unit_test(a_dependency_deleted_is_lost_and_added_anew_is_met),
        cmocka_unit_test(a_supervisor_made_anew_tells_of_its_children),
        cmocka_unit_test(dependants_stop_before_what_they_depend_on),
        cmocka_unit_test(a_crowd_comes_up_in_order_and_comes_up_again),
        cmocka_unit_test(the_system_stops_under_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
