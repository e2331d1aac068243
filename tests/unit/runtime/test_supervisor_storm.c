/* Storms on real workers: children that crash at every start, restarted at once, while all of it
 * is stopped; and one name that many threads add and delete.
 *
 * Events are only counted: there are too many to keep.
 */
#include <assert.h>

#include "pupil.h"

/* ---- A tree without a recorder ---- */

struct storm {
    struct stage stage;
    struct counter starting; /* STARTING events so far. */
};

static void
count_event(void *ctx, const struct event *event)
{
    struct storm *storm = ctx;
    if (event->type == EVENT_STARTING)
        counter_add(&storm->starting, 1);
}

static void
open_storm(struct storm *storm)
{
    *storm = (struct storm){ 0 };
    struct stage *stage = &storm->stage;
    stage->system = new_system(&(struct actor_system_options){ .workers = 4 });
    counter_init(&stage->ends);
    counter_init(&stage->idles);
    counter_init(&storm->starting);
    event_log_add_sink(actor_system_event_log(stage->system), count_event, storm, NULL);
    stage->root = spawn_supervisor(stage, "/");
    assert_int_equal(actor_system_start(stage->system, NULL), AIRS_OK);
}

static void
close_storm(struct storm *storm)
{
    actor_system_stop(storm->stage.system);
    struct start_gate_counts counts =
        start_gate_counts(actor_system_start_gate(storm->stage.system));
    assert_int_equal(counts.starting + counts.instances + counts.waiting, 0);
    assert_int_equal(actor_system_counters(storm->stage.system).actors, 0);
    actor_system_free(storm->stage.system);
    counter_deinit(&storm->stage.ends);
    counter_deinit(&storm->stage.idles);
    counter_deinit(&storm->starting);
}

static void
add_storm_supervisor(struct storm *storm, const char *path, enum strategy strategy)
{
    struct node_policy node = node_policy_default();
    struct child_policy policy = child_policy_default(true);
    node.strategy = strategy;
    add_node(&storm->stage, path, &node, &policy);
}

/* ---- Restarts without end while all stop ---- */

#define LEAVES 240
#define ROUNDS 12

static const struct {
    const char *path;
    enum strategy strategy;
} supervisors[] = {
    { "/a", STRATEGY_ONE_FOR_ONE },
    { "/a/b", STRATEGY_ONE_FOR_ONE },
    { "/a/b/c", STRATEGY_REST_FOR_ONE },
    { "/d", STRATEGY_ONE_FOR_ALL },
};
#define SUPERVISORS (sizeof supervisors / sizeof supervisors[0])

/* Every one of them crashes at every start, and is started again at once, for ever. */
static struct pupil *
add_crashing_children(struct storm *storm)
{
    struct pupil *pupils = calloc(LEAVES, sizeof *pupils);
    struct child_policy policy = quick_policy();
    policy.max_restarts = RESTARTS_UNLIMITED;
    policy.backoff.strategy = BACKOFF_IMMEDIATE;
    for (size_t i = 0; i < SUPERVISORS; i++)
        add_storm_supervisor(storm, supervisors[i].path, supervisors[i].strategy);
    for (size_t i = 0; i < LEAVES; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s/p%zu", supervisors[i % SUPERVISORS].path, i);
        atomic_init(&pupils[i].start, START_CRASHING);
        add_pupil(&storm->stage, &pupils[i], path, &policy);
    }
    return pupils;
}

static void
assert_at_rest(struct storm *storm, struct pupil *pupils)
{
    long starting = counter_read(&storm->starting);
    unsigned begun = 0;
    for (size_t i = 0; i < LEAVES; i++) {
        assert_int_equal(atomic_load(&pupils[i].begun), atomic_load(&pupils[i].ended));
        begun += atomic_load(&pupils[i].begun);
    }
    /* Each supervisor answers, in its turn, after all that was in its lane. */
    for (size_t i = 0; i < SUPERVISORS; i++)
        assert_int_equal(view_of(&storm->stage, supervisors[i].path).state, CHILD_STOPPED);
    for (size_t i = 0; i < LEAVES; i++)
        begun -= atomic_load(&pupils[i].begun);
    assert_int_equal(begun, 0);
    assert_int_equal(counter_read(&storm->starting), starting);
}

static void
a_storm_of_restarts_ends_with_a_stop_and_nothing_starts_afterwards(void **state)
{
    (void)state;
    struct storm storm;
    open_storm(&storm);
    struct pupil *pupils = add_crashing_children(&storm);
    for (long round = 1; round <= ROUNDS; round++) {
        long before = counter_read(&storm.starting);
        assert_int_equal(ask_root(&storm.stage, REQUEST_START_ALL), AIRS_OK);
        assert_true(counter_reaches(&storm.starting, before + 100 * round));
        enum request_verb how = round % 3 == 0 ? REQUEST_KILL_ALL : REQUEST_STOP_ALL;
        assert_int_equal(ask_root(&storm.stage, how), AIRS_OK);
        assert_true(counter_reaches(&storm.stage.ends, round));
        assert_at_rest(&storm, pupils);
    }
    close_storm(&storm);
    free(pupils);
}

/* A nested supervisor that is stopped by hand, again and again, while its parent's other
 * children go on crashing. */
static void
a_stop_in_the_middle_of_a_storm_ends_for_its_subtree_alone(void **state)
{
    (void)state;
    struct storm storm;
    open_storm(&storm);
    struct pupil *pupils = add_crashing_children(&storm);
    assert_int_equal(ask_root(&storm.stage, REQUEST_START_ALL), AIRS_OK);
    for (int round = 0; round < ROUNDS; round++) {
        assert_true(counter_reaches(&storm.starting, counter_read(&storm.starting) + 500));
        assert_int_equal(ask_of(&storm.stage, REQUEST_STOP, "/a/b"), AIRS_OK);
        uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
        while (view_of(&storm.stage, "/a/b").state != CHILD_STOPPED)
            assert_true(clock_now_us() < deadline_us);
        unsigned begun = atomic_load(&pupils[1].begun);
        assert_int_equal(begun, atomic_load(&pupils[1].ended));
        assert_true(counter_reaches(&storm.starting, counter_read(&storm.starting) + 500));
        assert_int_equal(atomic_load(&pupils[1].begun), begun);
        assert_int_equal(ask_of(&storm.stage, REQUEST_START, "/a/b"), AIRS_OK);
    }
    assert_int_equal(ask_root(&storm.stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&storm.stage.ends, 1));
    close_storm(&storm);
    free(pupils);
}

/* ---- One name, many threads ---- */

#define CONTESTANTS 4
#define TURNS 200
#define PUPILS (CONTESTANTS * (TURNS + CONTESTANTS + 1))

struct contest {
    struct storm storm;
    struct pupil pupils[PUPILS];
    atomic_uint used; /* Pupils that may have been spawned. */
    atomic_uint added, deleted, wrong;
};

/* False: the name was taken, and the pupil is nobody's still. */
static bool
try_to_add(struct contest *contest, struct refstr *path, struct pupil *pupil)
{
    struct actor_system *system = contest->storm.stage.system;
    struct child_policy policy = quick_policy();
    struct native_options options = {
        .behaviour = &pupil_behaviour,
        .state = pupil,
        .path = path,
        .supervised = true,
    };
    struct supervisor_request request = { .verb = REQUEST_ADD, .path = path, .policy = policy };
    enum airs_status status = native_spawn(system, &options, &request.child, NULL);
    if (status != AIRS_OK) {
        atomic_fetch_add(&contest->wrong, status != AIRS_EEXIST);
        return false;
    }
    /* The name is this thread's: nobody else can add it now. */
    status = supervisor_request_wait(system, registry_find(system, "/s"), &request);
    atomic_fetch_add(status == AIRS_OK ? &contest->added : &contest->wrong, 1);
    return true;
}

static struct pupil *
next_pupil(struct contest *contest)
{
    unsigned used = atomic_fetch_add(&contest->used, 1);
    assert(used < PUPILS);
    return &contest->pupils[used];
}

static void *
add_and_delete(void *argument)
{
    struct contest *contest = argument;
    struct actor_system *system = contest->storm.stage.system;
    struct refstr *path = text_of("/s/x");
    struct pupil *pupil = next_pupil(contest);
    /* Turns may all fall into the time in which one that was deleted still ends: then on. */
    for (unsigned i = 0; i < TURNS || atomic_load(&contest->added) <= CONTESTANTS; i++) {
        if (try_to_add(contest, path, pupil))
            pupil = next_pupil(contest);
        struct supervisor_request request = { .verb = REQUEST_DELETE, .path = path };
        enum airs_status status =
            supervisor_request_wait(system, registry_find(system, "/s"), &request);
        atomic_fetch_add(&contest->deleted, status == AIRS_OK);
        atomic_fetch_add(&contest->wrong, status != AIRS_OK && status != AIRS_ENOENT);
    }
    atomic_store(&pupil->destroyed, true); /* It was never an actor's. */
    refstr_unref(path);
    return NULL;
}

static void
many_threads_add_and_delete_the_same_child(void **state)
{
    (void)state;
    struct contest *contest = calloc(1, sizeof *contest);
    pthread_t threads[CONTESTANTS];
    open_storm(&contest->storm);
    add_storm_supervisor(&contest->storm, "/s", STRATEGY_ONE_FOR_ALL);
    assert_int_equal(ask_root(&contest->storm.stage, REQUEST_START_ALL), AIRS_OK);
    for (int i = 0; i < CONTESTANTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_and_delete, contest), 0);
    for (int i = 0; i < CONTESTANTS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ask_root(&contest->storm.stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&contest->storm.stage.ends, 1));
    close_storm(&contest->storm);

    assert_int_equal(atomic_load(&contest->wrong), 0);
    assert_true(atomic_load(&contest->added) > CONTESTANTS);
    assert_true(atomic_load(&contest->deleted) >= atomic_load(&contest->added));
    for (unsigned i = 0; i < atomic_load(&contest->used); i++) {
        struct pupil *pupil = &contest->pupils[i];
        assert_true(atomic_load(&pupil->destroyed));
        assert_int_equal(atomic_load(&pupil->begun), atomic_load(&pupil->ended));
    }
    free(contest);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_of_restarts_ends_with_a_stop_and_nothing_starts_afterwards),
        cmocka_unit_test(a_stop_in_the_middle_of_a_storm_ends_for_its_subtree_alone),
        cmocka_unit_test(many_threads_add_and_delete_the_same_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
