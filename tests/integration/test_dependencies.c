/* Dependencies: real guests that wait for one another, across supervisors, and die.
 *
 * Each test names the line of docs/semantics.md that it proves. */
#include "supervision_testing.h"

static struct supervisor_config
on(struct supervisor_config config, const char *const *paths, size_t size)
{
    return supervisor_config_with_dependencies(config, paths, size);
}

static struct supervisor_config
following(struct supervisor_config config)
{
    return supervisor_config_with_when_dependency_restarts(config, DEPENDENCY_RESTART);
}

static void
add_below(struct world *world, const char *parent, const char *path,
          struct supervisor_config config)
{
    world_add(world, path,
              (struct world_child){ .parent = parent, .guest = "echo", .config = config });
}

static void
add_supervisor(struct world *world, const char *path)
{
    world_add(world, path,
              (struct world_child){ .config = supervisor_config_default_supervisor() });
}

static uint64_t
seq_of(struct world *world, const char *path, enum event_type type, uint32_t generation)
{
    return world_wait_event(world, path, type, generation).seq;
}

static const char *const on_store[] = { "/data/store" };

/* /data/store and /front/web, which depends on it. */
static struct world *
begin_pair(struct supervisor_config store, struct supervisor_config web)
{
    struct world *world = world_begin();
    add_supervisor(world, "/front");
    add_below(world, "/front", "/front/web", on(web, on_store, 1));
    add_supervisor(world, "/data");
    add_below(world, "/data", "/data/store", store);
    world_start(world);
    world_wait_event(world, "/front/web", EVENT_READY, 1);
    return world;
}

/* Strategies: "one-for-one issues starts … without waiting for one another, except along
 * dependencies." */
static void
a_start_waits_for_a_child_of_another_supervisor(void **state)
{
    (void)state;
    static const char *const on_go[] = { "/go" };
    struct world *world = world_begin();
    add_supervisor(world, "/front");
    add_below(world, "/front", "/front/web", on(world_immortal(), on_store, 1));
    add_supervisor(world, "/data");
    add_below(world, "/data", "/data/store", on(world_immortal(), on_go, 1));
    world_start(world);
    assert_string_equal(world_wait_event(world, "/front/web", EVENT_WAITING, 0).waits_for->text,
                        "/data/store");
    add_echo(world, "/go", world_immortal()); /* The store was held back until then. */
    world_wait_event(world, "/front/web", EVENT_READY, 1);
    assert_true(seq_of(world, "/front/web", EVENT_STARTING, 1) >
                seq_of(world, "/data/store", EVENT_READY, 1));
    assert_true(seq_of(world, "/front", EVENT_READY, 1) >
                seq_of(world, "/front/web", EVENT_READY, 1));
    world_end(world);
}

/* Strategies: "While it is stopped or failed, dependants that have not started wait, visibly, and
 * go on by themselves." */
static void
a_dead_dependant_waits_for_a_dependency_that_has_failed(void **state)
{
    (void)state;
    struct world *world = begin_pair(quick(supervisor_config_permanent(), 0), world_immortal());
    end_by(world, "/data/store", "crash trap");
    world_wait_event(world, "/data/store", EVENT_FAILED, 1);
    /* Dependants are told behind the event: the answer comes after that. */
    assert_int_equal(world_view(world, "/data/store").state, CHILD_FAILED);
    assert_answer(world, "/front/web", "count", "1"); /* It is up, and minds nothing. */
    end_by(world, "/front/web", "crash oob");
    world_wait_event(world, "/front/web", EVENT_WAITING, 1);
    struct world_list list;
    assert_int_equal(world_list(world, "/front/web", &list), AIRS_OK);
    assert_string_equal(list.waits[0], "/data/store");

    struct world_answer queued; /* Its mailbox outlives the wait. */
    assert_int_equal(world_send(world, "/front/web", "count", &queued), AIRS_OK);
    assert_int_equal(world_do(world, component_supervisor_start, "/data/store"), AIRS_OK);
    world_wait_answer(world, &queued);
    assert_string_equal(queued.text, "1");
    assert_true(seq_of(world, "/front/web", EVENT_STARTING, 2) >
                seq_of(world, "/data/store", EVENT_READY, 2));
    assert_int_equal(world_view(world, "/front/web").restarts, 1);
    world_end(world);
}

/* Strategies: "`when-dependency-restarts: restart` stops the dependant (`shutdown`, uncounted) when
 * the dependency exits and starts it when it is met again." */
static void
a_follower_gets_a_new_instance_with_its_dependency(void **state)
{
    (void)state;
    struct world *world =
        begin_pair(world_immortal(), following(quick(supervisor_config_permanent(), 0)));
    assert_answer(world, "/front/web", "count", "1");
    assert_answer(world, "/front/web", "count", "2");
    end_by(world, "/data/store", "crash trap");
    world_wait_event(world, "/front/web", EVENT_READY, 2);
    assert_answer(world, "/front/web", "count", "1"); /* The guest's own memory is new. */

    struct event stopping = world_wait_event(world, "/front/web", EVENT_STOPPING, 1);
    assert_string_equal(stopping.cause->text, "/data/store");
    assert_int_equal(world_wait_event(world, "/front/web", EVENT_EXITED, 1).exit.reason,
                     EXIT_SHUTDOWN);
    assert_true(seq_of(world, "/front/web", EVENT_STARTING, 2) >
                seq_of(world, "/data/store", EVENT_READY, 2));
    struct supervision_view view = world_view(world, "/front/web");
    assert_int_equal(view.restarts, 0);
    assert_int_equal(view.attempt, 0);
    world_end(world);
}

/* … "default `leave`." */
static void
left_alone_the_instance_outlives_its_dependency(void **state)
{
    (void)state;
    struct world *world = begin_pair(world_immortal(), world_immortal());
    assert_answer(world, "/front/web", "count", "1");
    crash_and_wait(world, "/data/store");
    assert_answer(world, "/front/web", "count", "2");
    assert_int_equal(world_view(world, "/front/web").generation, 1);
    world_end(world);
}

/* Strategies: "A dependency is met when ready, or, for a transient or temporary child, once it
 * ended `normal`." */
static void
what_ended_as_normal_is_met_and_what_crashed_is_not(void **state)
{
    (void)state;
    static const char *const on_job[] = { "/job" };
    struct world *world = world_begin();
    world_add(world, "/job",
              (struct world_child){ .guest = "crasher",
                                    .args = { "return" },
                                    .config = supervisor_config_transient() });
    add_echo(world, "/after", on(world_immortal(), on_job, 1));
    world_start(world);
    world_wait_event(world, "/job", EVENT_STOPPED, 1);
    world_wait_event(world, "/after", EVENT_READY, 1);
    crash_and_wait(world, "/after"); /* The job is over, and met. */
    world_end(world);
}

/* Strategies: "issues … stops in order without waiting for one another, except along
 * dependencies", "lifted to the common ancestor". */
static void
a_supervisor_is_stopped_when_those_that_need_what_is_below_are_down(void **state)
{
    (void)state;
    struct world *world = begin_pair(world_immortal(), world_immortal());
    struct world_answer slow; /* web's stop takes a while. */
    assert_int_equal(world_send(world, "/front/web", "sleep 50", &slow), AIRS_OK);
    world_wait_mailbox(world, "/front/web", 0);
    assert_int_equal(world_stop_all(world, DURATION_INFINITE).status, AIRS_OK);
    assert_true(seq_of(world, "/data", EVENT_STOPPING, 1) >
                seq_of(world, "/front", EVENT_STOPPED, 1));
    assert_true(seq_of(world, "/data/store", EVENT_STOPPING, 1) >
                seq_of(world, "/front/web", EVENT_STOPPED, 1));
    world_end(world);
}

/* By hand: "kill"; Exits: a subtree that is killed waits for nobody. */
static void
a_killed_subtree_waits_for_no_dependant(void **state)
{
    (void)state;
    struct world *world = begin_pair(world_immortal(), world_immortal());
    assert_int_equal(world_do(world, component_supervisor_kill, "/data"), AIRS_OK);
    world_wait_event(world, "/data", EVENT_READY, 2);
    assert_int_equal(world_view(world, "/front/web").generation, 1);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_waits_for_a_child_of_another_supervisor),
        cmocka_unit_test(a_dead_dependant_waits_for_a_dependency_that_has_failed),
        cmocka_unit_test(a_follower_gets_a_new_instance_with_its_dependency),
        cmocka_unit_test(left_alone_the_instance_outlives_its_dependency),
        cmocka_unit_test(what_ended_as_normal_is_met_and_what_crashed_is_not),
        cmocka_unit_test(a_supervisor_is_stopped_when_those_that_need_what_is_below_are_down),
        cmocka_unit_test(a_killed_subtree_waits_for_no_dependant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
