/* Children that come and go while their supervisor runs: its limit, its counts, and a crowd of
 * 100,000 of which none is visited to be counted. */
#include "base/clock.h"
#include "pupil.h"

#define CROWD 100000u
#define ASKED 1000u

static enum airs_status
try_to_add(struct stage *stage, struct pupil *pupil, const char *path,
           const struct child_policy *policy)
{
    struct refstr *text = text_of(path);
    struct refstr *above = supervisor_path_of(text);
    struct native_options options = {
        .behaviour = &pupil_behaviour, .state = pupil, .path = text, .supervised = true
    };
    struct supervisor_request request = {
        .verb = REQUEST_ADD, .path = text, .policy = *policy, .is_dynamic = true
    };
    enum airs_status status = native_spawn(stage->system, &options, &request.child, NULL);
    if (status == AIRS_OK) {
        status = supervisor_request_wait(stage->system, registry_find(stage->system, above->text),
                                         &request);
        if (status != AIRS_OK)
            child_discard(stage->system, request.child);
    }
    refstr_unref(above);
    refstr_unref(text);
    return status;
}

static void
count_visit(struct supervisor_request *request, const struct child_view *view)
{
    (void)view;
    ++*(unsigned *)request->user;
}

static struct child_counts
count_of(struct stage *stage, const char *supervisor, unsigned *visits)
{
    struct child_counts counts = { 0 };
    struct supervisor_request request = {
        .verb = REQUEST_COUNT, .counts_out = &counts, .visit = count_visit, .user = visits
    };
    assert_int_equal(
        supervisor_request_wait(stage->system, registry_find(stage->system, supervisor), &request),
        AIRS_OK);
    return counts;
}

static void
a_supervisor_takes_as_many_as_it_may_have(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupils[4] = { 0 };
    struct child_policy policy = quick_policy();
    struct child_policy of_group = child_policy_default(true);
    struct node_policy node = node_policy_default();
    struct refstr *path = text_of("/g");
    node.max_children = 2;
    airs_pid pid;
    open_stage(&stage, 2);
    assert_int_equal(supervisor_actor_spawn(
                         stage.system,
                         &(struct supervisor_options){ .path = path, .policy = &node }, &pid, NULL),
                     AIRS_OK);
    refstr_unref(path);
    assert_int_equal(add(&stage, pid, "/g", &of_group, true), AIRS_OK);
    ask_root(&stage, REQUEST_START_ALL);
    assert_int_equal(try_to_add(&stage, &pupils[0], "/g/a", &policy), AIRS_OK);
    assert_int_equal(try_to_add(&stage, &pupils[1], "/g/b", &policy), AIRS_OK);
    assert_int_equal(try_to_add(&stage, &pupils[2], "/g/c", &policy), AIRS_ELIMIT);
    await_event(stage.recorder, "/g/b", EVENT_STARTED, 1);
    assert_int_equal(ask_of(&stage, REQUEST_DELETE, "/g/a"), AIRS_OK);
    await_event(stage.recorder, "/g/a", EVENT_DELETED, 1);
    assert_int_equal(try_to_add(&stage, &pupils[3], "/g/c", &policy), AIRS_OK);
    unsigned visits = 0;
    assert_int_equal(count_of(&stage, "/g", &visits).children, 2);
    close_stage(&stage);
}

static void
a_temporary_one_leaves_its_path_free_at_its_end(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil stays = { 0 };
    struct pupil jobs[20] = { 0 };
    struct child_policy policy = quick_policy();
    struct child_policy temporary = quick_policy();
    temporary.restart = RESTART_TEMPORARY;
    open_stage(&stage, 2);
    add_pupil(&stage, &stays, "/stays", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(try_to_add(&stage, &jobs[i], "/job", &temporary), AIRS_OK);
        assert_int_equal(try_to_add(&stage, &jobs[i], "/job", &temporary), AIRS_EEXIST);
        await_event(stage.recorder, "/job", EVENT_STARTED, i + 1);
        assert_int_equal(ask_of(&stage, REQUEST_KILL, "/job"), AIRS_OK);
        const struct event *deleted = await_event(stage.recorder, "/job", EVENT_DELETED, i + 1);
        assert_int_equal(deleted->exit.reason, EXIT_KILLED);
    }
    unsigned visits = 0;
    assert_int_equal(count_of(&stage, "/", &visits).children, 1);
    close_stage(&stage);
}

/* ---- Many at once ---- */

#define THREADS 4
#define ROUNDS 250

static atomic_int instances; /* Of the one name. */
static atomic_uint clashes;

static bool
visitor_begin(struct actor_context *context, void *state, uint32_t generation)
{
    (void)context, (void)state, (void)generation;
    if (atomic_fetch_add(&instances, 1) != 0)
        atomic_fetch_add(&clashes, 1);
    return true;
}

static void
visitor_end(void *state)
{
    (void)state;
    atomic_fetch_sub(&instances, 1);
}

static void
bury(struct actor_context *context, void *state, struct message *message)
{
    (void)context, (void)state;
    message_finish(message, AIRS_EREJECTED, NULL, NULL, 0);
}

static const struct native_behaviour visitor_behaviour = {
    .name = "visitor", .begin = visitor_begin, .handle = bury, .end = visitor_end
};

struct task {
    struct stage *stage;
    pthread_t thread;
    unsigned added, existed, others;
};

static enum airs_status
add_visitor(struct stage *stage, struct refstr *path)
{
    struct supervisor_request request = {
        .verb = REQUEST_ADD, .path = path, .policy = quick_policy(), .is_dynamic = true
    };
    enum airs_status status = native_spawn(stage->system,
                                           &(struct native_options){
                                               .behaviour = &visitor_behaviour,
                                               .path = path,
                                               .supervised = true,
                                           },
                                           &request.child, NULL);
    return status == AIRS_OK ? supervisor_request_wait(stage->system, stage->root, &request)
                             : status;
}

/* Each answer is one of those that are defined. */
static void *
add_and_delete(void *context)
{
    struct task *task = context;
    struct refstr *path = text_of("/x");
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum airs_status status = add_visitor(task->stage, path);
        task->added += status == AIRS_OK;
        task->existed += status == AIRS_EEXIST;
        task->others += status != AIRS_OK && status != AIRS_EEXIST;
        status = ask_of(task->stage, REQUEST_DELETE, "/x");
        task->others += status != AIRS_OK && status != AIRS_ENOENT;
    }
    refstr_unref(path);
    return NULL;
}

/* Bad input: "add and delete of the same child from many threads." */
static void
one_name_is_added_and_deleted_by_many_at_once(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil stays = { 0 };
    struct child_policy policy = quick_policy();
    struct task tasks[THREADS] = { 0 };
    unsigned added = 0, visits = 0;
    open_stage(&stage, 2);
    add_pupil(&stage, &stays, "/stays", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    for (unsigned i = 0; i < THREADS; i++) {
        tasks[i].stage = &stage;
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, add_and_delete, &tasks[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(tasks[i].thread, NULL);
        assert_int_equal(tasks[i].others, 0);
        assert_int_equal(tasks[i].added + tasks[i].existed, ROUNDS);
        added += tasks[i].added;
    }
    assert_true(added > 0);
    await_event(stage.recorder, "/x", EVENT_DELETED, added);
    assert_int_equal(count_events(stage.recorder, "/x", EVENT_DELETED), added);
    assert_int_equal(count_events(stage.recorder, "/x", EVENT_ADDED), added);
    assert_int_equal(count_of(&stage, "/", &visits).children, 1);
    close_stage(&stage);
    assert_int_equal(atomic_load(&instances), 0);
    assert_int_equal(atomic_load(&clashes), 0);
}

/* ---- A crowd ---- */

static const struct native_behaviour idler_behaviour = { .name = "idler", .handle = bury };

static void
add_idler(struct actor_system *system, airs_pid root, unsigned i, const struct child_policy *policy)
{
    char name[32];
    snprintf(name, sizeof name, "/n%u", i);
    struct refstr *text = text_of(name);
    struct supervisor_request request = {
        .verb = REQUEST_ADD, .path = text, .policy = *policy, .is_dynamic = true
    };
    assert_int_equal(native_spawn(system,
                                  &(struct native_options){ .behaviour = &idler_behaviour,
                                                            .path = text,
                                                            .supervised = true },
                                  &request.child, NULL),
                     AIRS_OK);
    assert_int_equal(supervisor_request_wait(system, root, &request), AIRS_OK);
    refstr_unref(text);
}

static enum airs_status
ask_about(struct actor_system *system, airs_pid root, enum request_verb verb, unsigned i,
          unsigned *visits)
{
    char name[32];
    snprintf(name, sizeof name, "/n%u", i);
    struct refstr *text = text_of(name);
    struct supervisor_request request = {
        .verb = verb, .path = text, .visit = count_visit, .user = visits
    };
    enum airs_status status = supervisor_request_wait(system, root, &request);
    refstr_unref(text);
    return status;
}

/* Counters, not scans: 1,000 counts, finds and deletes of 100,000 visit what they are about. */
static void
a_crowd_is_counted_without_a_visit(void **state)
{
    (void)state;
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = 2 });
    struct child_policy policy = quick_policy();
    struct refstr *path = text_of("/");
    unsigned visits = 0;
    airs_pid root;
    assert_int_equal(
        supervisor_actor_spawn(system, &(struct supervisor_options){ .path = path }, &root, NULL),
        AIRS_OK);
    refstr_unref(path);
    assert_int_equal(actor_system_start(system, NULL), AIRS_OK);
    for (unsigned i = 0; i < CROWD; i++)
        add_idler(system, root, i, &policy);

    struct child_counts counts = { 0 };
    struct supervisor_request request = {
        .verb = REQUEST_COUNT, .counts_out = &counts, .visit = count_visit, .user = &visits
    };
    for (unsigned i = 0; i < ASKED; i++)
        assert_int_equal(supervisor_request_wait(system, root, &request), AIRS_OK);
    assert_int_equal(visits, 0);
    assert_int_equal(counts.children, CROWD);
    assert_int_equal(counts.in_state[CHILD_REGISTERED], CROWD);

    for (unsigned i = 0; i < ASKED; i++)
        assert_int_equal(ask_about(system, root, REQUEST_GET, CROWD - 1 - i * 97, &visits),
                         AIRS_OK);
    assert_int_equal(visits, ASKED); /* Each the one it was about. */
    for (unsigned i = 0; i < ASKED; i++)
        assert_int_equal(ask_about(system, root, REQUEST_DELETE, i * 97, &visits), AIRS_OK);
    assert_int_equal(visits, ASKED);
    assert_int_equal(supervisor_request_wait(system, root, &request), AIRS_OK);
    assert_int_equal(counts.children, CROWD - ASKED);
    actor_system_stop(system);
    actor_system_free(system);
}

/* ---- A listing that goes on ---- */

#define LISTED 5000u

struct listing {
    struct supervisor_request request;
    struct stage_of_crowd {
        struct actor_system *system;
        airs_pid root;
        struct supervisor_request remove[3]; /* Asked for in the first visit. */
        struct refstr *paths[3];
    } crowd;
    unsigned visits;
    atomic_uint removed_at; /* Visits so far when the last of them was answered. */
    atomic_bool done;
};

static void
on_removed(struct supervisor_request *request)
{
    struct listing *listing = request->ctx;
    atomic_store(&listing->removed_at, listing->visits);
}

static void
on_listed(struct supervisor_request *request)
{
    atomic_store(&container_of(request, struct listing, request)->done, true);
}

/* In the first visit it asks for the end of three: the first, the one with which the listing will go
 * on, and the one behind that. */
static void
visit_and_remove(struct supervisor_request *request, const struct child_view *view)
{
    (void)view;
    struct listing *listing = container_of(request, struct listing, request);
    for (unsigned i = 0; i < 3 && listing->visits == 0; i++)
        assert_true(supervisor_request_send(listing->crowd.system, listing->crowd.root,
                                            &listing->crowd.remove[i]));
    listing->visits++;
}

static void
a_long_listing_lets_others_in_and_outlives_deletions(void **state)
{
    (void)state;
    static struct listing listing;
    static const char *const names[3] = { "/n0", "/n500", "/n501" };
    struct actor_system *system = new_system(&(struct actor_system_options){ .workers = 1 });
    struct child_policy policy = quick_policy();
    struct refstr *path = text_of("/");
    airs_pid root;
    assert_int_equal(
        supervisor_actor_spawn(system, &(struct supervisor_options){ .path = path }, &root, NULL),
        AIRS_OK);
    refstr_unref(path);
    assert_int_equal(actor_system_start(system, NULL), AIRS_OK);
    for (unsigned i = 0; i < LISTED; i++)
        add_idler(system, root, i, &policy);

    listing = (struct listing){ .crowd = { .system = system, .root = root } };
    for (unsigned i = 0; i < 3; i++) {
        listing.crowd.paths[i] = text_of(names[i]);
        listing.crowd.remove[i] = (struct supervisor_request){ .verb = REQUEST_DELETE,
                                                               .path = listing.crowd.paths[i],
                                                               .done = on_removed,
                                                               .ctx = &listing };
    }
    listing.request = (struct supervisor_request){ .verb = REQUEST_LIST,
                                                   .visit = visit_and_remove,
                                                   .done = on_listed };
    assert_true(supervisor_request_send(system, root, &listing.request));
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    while (!atomic_load(&listing.done) && clock_now_us() < deadline_us)
        sched_yield();
    assert_true(atomic_load(&listing.done));
    assert_int_equal(atomic_load(&listing.removed_at), 500); /* After one turn of it. */
    assert_int_equal(listing.visits, LISTED - 2);            /* The first was visited before. */
    actor_system_stop(system);
    actor_system_free(system);
    for (unsigned i = 0; i < 3; i++)
        refstr_unref(listing.crowd.paths[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_supervisor_takes_as_many_as_it_may_have),
        cmocka_unit_test(a_temporary_one_leaves_its_path_free_at_its_end),
        cmocka_unit_test(one_name_is_added_and_deleted_by_many_at_once),
        cmocka_unit_test(a_crowd_is_counted_without_a_visit),
        cmocka_unit_test(a_long_listing_lets_others_in_and_outlives_deletions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
