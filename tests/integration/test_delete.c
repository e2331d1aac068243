/* Delete and add by hand: children that come and go while everything else runs on. */
#include "world.h"

static struct world_child
echo_child(void)
{
    return (struct world_child){ .guest = "echo", .config = world_immortal() };
}

/* "delete: stops first" */
static void
a_running_child_is_stopped_and_then_forgotten(void **state)
{
    (void)state;
    struct world *world = world_begin();
    world_add(world, "/a", echo_child());
    world_add(world, "/b", echo_child());
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    world_wait_event(world, "/b", EVENT_READY, 1);

    assert_int_equal(world_do(world, component_supervisor_delete, "/a"), AIRS_OK);
    struct event deleted = world_wait_event(world, "/a", EVENT_DELETED, 1);
    struct event exited = world_wait_event(world, "/a", EVENT_EXITED, 1);
    assert_int_equal(exited.exit.reason, EXIT_SHUTDOWN);
    assert_true(exited.seq < deleted.seq);
    world_wait_until(world, !component_supervisor_has(world->handles, "/a"));
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_ENOENT);
    assert_false(component_registry_find(world->registry, "/a", NULL, NULL));
    struct world_list list;
    assert_int_equal(world_list(world, NULL, &list), AIRS_OK);
    assert_int_equal(list.count, 1);
    assert_int_equal(component_supervisor_count(world->handles), 1);
    assert_answer(world, "/b", "count", "1");
    world_end(world);
}

/* A child waiting for its restart has no instance: deleted at once, its timer with it. */
static void
a_child_in_its_delay_is_deleted_at_once(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct world_child child = echo_child();
    uint64_t hour_us = UINT64_C(3600) * US_PER_S;
    child.config = supervisor_config_with_backoff(child.config, backoff_linear(hour_us, hour_us));
    world_add(world, "/a", child);
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    world_call(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1);
    assert_int_equal(world_do(world, component_supervisor_delete, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_DELETED, 1);
    world_end(world);
}

/* The name is free with the event: a new child begins with generation 1 and an empty budget. */
static void
a_deleted_name_can_be_used_again(void **state)
{
    (void)state;
    struct world *world = world_begin();
    world_add(world, "/a", echo_child());
    world_start(world);
    for (unsigned i = 0; i < 20; i++) {
        struct world_answer answer;
        uint64_t deadline_us = world_deadline();
        while (!component_registry_find(world->registry, "/a", NULL, NULL))
            assert_true(clock_now_us() < deadline_us);
        do
            answer = world_call(world, "/a", "count");
        while (answer.status != AIRS_OK);
        assert_string_equal(answer.text, "1");
        assert_int_equal(world_view(world, "/a").generation, 1);
        world_call(world, "/a", "crash trap");
        assert_int_equal(world_do(world, component_supervisor_delete, "/a"), AIRS_OK);
        world_wait_until(world, !component_supervisor_has(world->handles, "/a"));
        world_add(world, "/a", echo_child());
    }
    world_end(world);
}

/* By hand: "add of an existing name: \"exists\", with its state". */
static void
a_name_that_exists_is_refused(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct airs_error error = { 0 };
    world_add(world, "/a", echo_child());
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    assert_int_equal(component_supervisor_supervise(world->handles, "/", "/a", world->configs[0],
                                                    component_spec_to_child(world->specs[0]),
                                                    &error),
                     AIRS_EEXIST);
    assert_non_null(strstr(error.message, "exists"));
    assert_answer(world, "/a", "count", "1");
    world_end(world);
}

/* "A supervisor's path means its subtree" */
static void
a_supervisor_is_deleted_with_all_below_it(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct world_child below = echo_child();
    world_add(world, "/s", (struct world_child){ 0 });
    below.parent = "/s";
    world_add(world, "/s/a", below);
    world_add(world, "/s/b", below);
    world_add(world, "/c", echo_child());
    world_start(world);
    world_wait_event(world, "/s", EVENT_READY, 1);
    assert_int_equal(world_do(world, component_supervisor_delete, "/s"), AIRS_OK);
    world_wait_event(world, "/s", EVENT_DELETED, 1);
    world_wait_until(world, component_supervisor_count(world->handles) == 1);
    assert_int_equal(world_wait_event(world, "/s/a", EVENT_EXITED, 1).exit.reason, EXIT_SHUTDOWN);
    assert_int_equal(world_do(world, component_supervisor_start, "/s/a"), AIRS_ENOENT);
    world_end(world);
}

#define THREADS 4
#define ROUNDS 150

struct contest {
    struct world *world;
    atomic_uint added, deleted, refused;
};

static void *
add_and_delete(void *context)
{
    struct contest *contest = context;
    struct world *world = contest->world;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct airs_error error = { 0 };
        enum airs_status status =
            component_supervisor_supervise(world->handles, "/", "/a", world->configs[0],
                                           component_spec_to_child(world->specs[0]), &error);
        if (status == AIRS_OK)
            atomic_fetch_add(&contest->added, 1);
        else if (status == AIRS_EEXIST)
            atomic_fetch_add(&contest->refused, 1);
        else
            fail_msg("add: %s", error.message);
        status = world_do(world, component_supervisor_delete, "/a");
        if (status == AIRS_OK)
            atomic_fetch_add(&contest->deleted, 1);
        else if (status != AIRS_ENOENT)
            fail_msg("delete: %s", airs_status_text(status));
    }
    return NULL;
}

/* Every answer is one of the defined ones, and as many are deleted as were added. */
static void
many_threads_add_and_delete_the_same_child(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct contest contest = { .world = world };
    pthread_t threads[THREADS];

    world_add(world, "/a", echo_child());
    world_add(world, "/b", echo_child());
    world_start(world);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_and_delete, &contest), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    world_wait_until(world, !component_supervisor_has(world->handles, "/a"));
    world_wait_count(world, "/a", EVENT_DELETED, 1 + atomic_load(&contest.added));
    size_t deleted = world_count(world, "/a", EVENT_DELETED);
    assert_int_equal(deleted, 1 + atomic_load(&contest.added));
    assert_int_equal(atomic_load(&contest.added) + atomic_load(&contest.refused), THREADS * ROUNDS);
    assert_true(atomic_load(&contest.deleted) >= deleted);
    assert_answer(world, "/b", "count", "1");
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_child_is_stopped_and_then_forgotten),
        cmocka_unit_test(a_child_in_its_delay_is_deleted_at_once),
        cmocka_unit_test(a_deleted_name_can_be_used_again),
        cmocka_unit_test(a_name_that_exists_is_refused),
        cmocka_unit_test(a_supervisor_is_deleted_with_all_below_it),
        cmocka_unit_test(many_threads_add_and_delete_the_same_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
