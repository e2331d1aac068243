/* Changes of children that live: their policies, their order, the node's own policy. */
#include <sched.h>

#include "base/clock.h"
#include "pupil.h"

#define LISTED 2000u /* More than one turn of a supervisor lists. */

/* ---- Requests ---- */

static enum airs_status
ask_with(struct stage *stage, const char *path, struct supervisor_request *request)
{
    struct refstr *text = text_of(path);
    struct refstr *above = supervisor_path_of(text);
    request->path = text;
    enum airs_status status =
        supervisor_request_wait(stage->system, registry_find(stage->system, above->text), request);
    refstr_unref(above);
    refstr_unref(text);
    return status;
}

static enum airs_status
change(struct stage *stage, const char *path, const struct child_policy *policy, bool restarts)
{
    struct supervisor_request request = { .verb = REQUEST_CHANGE,
                                          .policy = *policy,
                                          .restarts = restarts };
    return ask_with(stage, path, &request);
}

static enum airs_status
move(struct stage *stage, const char *path, const char *before)
{
    struct refstr *text = before ? text_of(before) : NULL;
    struct supervisor_request request = { .verb = REQUEST_MOVE, .before = text };
    enum airs_status status = ask_with(stage, path, &request);
    if (text)
        refstr_unref(text);
    return status;
}

static enum airs_status
configure(struct stage *stage, const struct node_policy *policy)
{
    struct supervisor_request request = { .verb = REQUEST_CONFIGURE, .node_policy = policy };
    return supervisor_request_wait(stage->system, stage->root, &request);
}

static void
append_name(struct supervisor_request *request, const struct child_view *view)
{
    strcat(request->user, view->path->text);
}

static const char *
listed(struct stage *stage)
{
    static char names[256];
    names[0] = '\0';
    struct supervisor_request request = { .verb = REQUEST_LIST,
                                          .visit = append_name,
                                          .user = names };
    assert_int_equal(supervisor_request_wait(stage->system, stage->root, &request), AIRS_OK);
    return names;
}

static void
crash(struct stage *stage, airs_pid pid)
{
    struct answer answer;
    assert_int_equal(ask(stage, pid, "crash", &answer), AIRS_OK);
    assert_true(counter_reaches(&answer.given, 1));
    counter_deinit(&answer.given);
}

/* ---- Tests ---- */

static void
another_policy_holds_from_the_next_exit_on_and_the_budget_stays(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    airs_pid pid = add_pupil(&stage, &pupil, "/pupil", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 1);
    crash(&stage, pid);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 2);

    policy.max_restarts = 20; /* Needs another ring. */
    assert_int_equal(change(&stage, "/pupil", &policy, false), AIRS_OK);
    struct child_view view = view_of(&stage, "/pupil");
    assert_int_equal(view.budget_used, 1);
    assert_int_equal(view.budget_allowed, 20);
    assert_int_equal(view.generation, 2);
    for (unsigned n = 3; n <= 8; n++) {
        crash(&stage, pid);
        await_event(stage.recorder, "/pupil", EVENT_STARTED, n);
    }
    policy.max_restarts = 2;
    assert_int_equal(change(&stage, "/pupil", &policy, false), AIRS_OK);
    assert_int_equal(view_of(&stage, "/pupil").budget_used, 2); /* Those that fit. */
    crash(&stage, pid);
    const struct event *failed = await_event(stage.recorder, "/pupil", EVENT_FAILED, 1);
    assert_int_equal(failed->generation, 8);
    assert_int_equal(count_events(stage.recorder, "/pupil", EVENT_RELOADED), 2);
    close_stage(&stage);
}

static void
a_change_that_restarts_is_a_new_instance_that_no_budget_pays_for(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupil = { 0 };
    struct child_policy policy = quick_policy();
    policy.max_restarts = 0;
    open_stage(&stage, 2);
    add_pupil(&stage, &pupil, "/pupil", &policy);
    assert_int_equal(change(&stage, "/pupil", &policy, true),
                     AIRS_ENOTRUNNING); /* Done all the same. */
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/pupil", EVENT_STARTED, 1);

    for (unsigned n = 2; n <= 4; n++) {
        struct supervisor_request request = { .verb = REQUEST_CHANGE,
                                              .policy = policy,
                                              .restarts = true };
        assert_int_equal(ask_with(&stage, "/pupil", &request), AIRS_OK);
        assert_int_equal(request.generation, n);
        assert_int_equal(await_event(stage.recorder, "/pupil", EVENT_STARTED, n)->generation, n);
    }
    assert_int_equal(view_of(&stage, "/pupil").restarts, 0);
    assert_int_equal(view_of(&stage, "/pupil").budget_used, 0);

    assert_int_equal(ask_of(&stage, REQUEST_STOP, "/pupil"), AIRS_OK);
    await_event(stage.recorder, "/pupil", EVENT_STOPPED, 1);
    assert_int_equal(change(&stage, "/pupil", &policy, true), AIRS_ENOTRUNNING);
    assert_int_equal(view_of(&stage, "/pupil").state, CHILD_STOPPED);
    assert_int_equal(change(&stage, "/nobody", &policy, true), AIRS_ENOENT);
    close_stage(&stage);
}

static void
another_strategy_takes_the_siblings_along(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupils[2] = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    airs_pid first = add_pupil(&stage, &pupils[0], "/first", &policy);
    add_pupil(&stage, &pupils[1], "/second", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/second", EVENT_STARTED, 1);
    await_event(stage.recorder, "/first", EVENT_STARTED, 1);
    crash(&stage, first);
    await_event(stage.recorder, "/first", EVENT_STARTED, 2);
    assert_int_equal(view_of(&stage, "/second").generation, 1);

    struct node_policy node = node_policy_default();
    node.strategy = STRATEGY_ONE_FOR_ALL;
    assert_int_equal(configure(&stage, &node), AIRS_OK);
    crash(&stage, first);
    await_event(stage.recorder, "/first", EVENT_STARTED, 3);
    assert_int_equal(await_event(stage.recorder, "/second", EVENT_STARTED, 2)->generation, 2);
    close_stage(&stage);
}

static void
a_moved_child_is_listed_and_stopped_where_it_stands_now(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupils[3] = { 0 };
    struct child_policy policy = quick_policy();
    open_stage(&stage, 2);
    add_pupil(&stage, &pupils[0], "/a", &policy);
    add_pupil(&stage, &pupils[1], "/b", &policy);
    add_pupil(&stage, &pupils[2], "/c", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/c", EVENT_STARTED, 1);

    assert_int_equal(move(&stage, "/c", "/a"), AIRS_OK);
    assert_int_equal(move(&stage, "/a", NULL), AIRS_OK);
    assert_string_equal(listed(&stage), "/c/b/a");
    assert_int_equal(move(&stage, "/a", "/a"), AIRS_ENOENT);
    assert_int_equal(move(&stage, "/a", "/nobody"), AIRS_ENOENT);
    assert_string_equal(listed(&stage), "/c/b/a");

    assert_int_equal(ask_root(&stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&stage.ends, 1));
    const struct event *a = await_event(stage.recorder, "/a", EVENT_STOPPING, 1);
    const struct event *b = await_event(stage.recorder, "/b", EVENT_STOPPING, 1);
    const struct event *c = await_event(stage.recorder, "/c", EVENT_STOPPING, 1);
    assert_true(a->seq < b->seq && b->seq < c->seq);
    close_stage(&stage);
}

/* ---- A listing that goes on in later turns ---- */

struct listing {
    struct supervisor_request request, move;
    struct actor_system *system;
    airs_pid root;
    unsigned visits;
    bool in_order;
    atomic_bool done;
};

/* The last one is asked to the front in the first visit: between two turns of the listing. */
static void
visit_and_move(struct supervisor_request *request, const struct child_view *view)
{
    struct listing *listing = container_of(request, struct listing, request);
    char name[16];
    snprintf(name, sizeof name, "/n%u", listing->visits);
    if (listing->visits == 0)
        assert_true(supervisor_request_send(listing->system, listing->root, &listing->move));
    listing->in_order = listing->in_order && strcmp(view->path->text, name) == 0;
    listing->visits++;
}

static void
on_listed(struct supervisor_request *request)
{
    atomic_store(&container_of(request, struct listing, request)->done, true);
}

static void
on_moved(struct supervisor_request *request)
{
    (void)request;
}

static void
a_listing_sees_everyone_once_while_children_move(void **state)
{
    (void)state;
    struct stage stage;
    static struct pupil pupils[LISTED];
    static struct listing listing;
    struct child_policy policy = quick_policy();
    char name[16];
    open_stage(&stage, 1);
    for (unsigned i = 0; i < LISTED; i++) {
        snprintf(name, sizeof name, "/n%u", i);
        add_pupil(&stage, &pupils[i], name, &policy);
    }
    struct refstr *last = text_of(name), *first = text_of("/n0");
    listing = (struct listing){ .system = stage.system, .root = stage.root, .in_order = true };
    listing.request = (struct supervisor_request){ .verb = REQUEST_LIST,
                                                   .visit = visit_and_move,
                                                   .done = on_listed };
    listing.move = (struct supervisor_request){
        .verb = REQUEST_MOVE, .path = last, .before = first, .done = on_moved
    };
    assert_true(supervisor_request_send(stage.system, stage.root, &listing.request));
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    while (!atomic_load(&listing.done) && clock_now_us() < deadline_us)
        sched_yield();
    assert_true(atomic_load(&listing.done));
    assert_int_equal(listing.visits, LISTED);
    assert_true(listing.in_order);
    close_stage(&stage);
    refstr_unref(last);
    refstr_unref(first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_policy_holds_from_the_next_exit_on_and_the_budget_stays),
        cmocka_unit_test(a_change_that_restarts_is_a_new_instance_that_no_budget_pays_for),
        cmocka_unit_test(another_strategy_takes_the_siblings_along),
        cmocka_unit_test(a_moved_child_is_listed_and_stopped_where_it_stands_now),
        cmocka_unit_test(a_listing_sees_everyone_once_while_children_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
