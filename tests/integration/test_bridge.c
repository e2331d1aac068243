/* Bridge: the way from ComponentSupervisor through the wrapper to real children, and back. */
#include "world.h"

static void
without_the_wrappers_events_a_handle_learns_nothing(void **state)
{
    (void)state;
    struct world *world = world_begin_with((struct world_options){ .without_handles = true });

    world_add(world, "/a", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    struct supervision_handle handle = world_handle(world, "/a");
    assert_int_equal(handle.state, CHILD_REGISTERED);
    assert_int_equal(handle.generation, 0);
    assert_int_equal(handle.last_seq, 0);
    supervision_handle_deinit(&handle);
    world_end(world);
}

static void
the_tree_is_listed_in_its_order(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct world_list list;
    static const char *const paths[] = { "/first",       "/web",   "/web/in",
                                         "/web/in/deep", "/web/b", "/last" };

    world_add(world, "/first", (struct world_child){ .guest = "sleeper" });
    world_add(world, "/web", (struct world_child){ 0 });
    world_add(world, "/web/in", (struct world_child){ .parent = "/web" });
    world_add(world, "/last", (struct world_child){ .guest = "sleeper" });
    world_add(world, "/web/in/deep", (struct world_child){ .parent = "/web/in", .guest = "echo" });
    world_add(world, "/web/b", (struct world_child){ .parent = "/web", .guest = "echo" });
    world_start(world);
    for (size_t i = 0; i < 6; i++)
        world_wait_event(world, paths[i], EVENT_READY, 1);
    assert_int_equal(world_list(world, NULL, &list), AIRS_OK);
    assert_int_equal(list.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(list.views[i].path, paths[i]);
        assert_int_equal(list.views[i].state, CHILD_RUNNING);
        assert_true(list.views[i].ready);
        assert_int_equal(list.views[i].is_supervisor, i == 1 || i == 2);
        assert_int_equal(list.views[i].spec == NULL, list.views[i].is_supervisor);
        assert_non_null(list.views[i].config);
    }
    world_end(world);
}

static void
a_child_added_while_the_tree_runs_is_started(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/a", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    world_add(world, "/b", (struct world_child){ .guest = "echo" });
    world_wait_event(world, "/b", EVENT_READY, 1);
    assert_answer(world, "/b", "hello", "hello");
    world_end(world);
}

static void
a_supervisors_path_means_its_subtree(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/web", (struct world_child){ 0 });
    world_add(world, "/web/a", (struct world_child){ .parent = "/web", .guest = "echo" });
    world_add(world, "/web/b", (struct world_child){ .parent = "/web", .guest = "echo" });
    world_add(world, "/other", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/other", EVENT_READY, 1);
    world_wait_event(world, "/web", EVENT_READY, 1);
    assert_int_equal(world_do(world, world_stop, "/web"), AIRS_OK);
    world_wait_event(world, "/web", EVENT_STOPPED, 1);
    assert_int_equal(world_view(world, "/web/a").state, CHILD_STOPPED);
    assert_int_equal(world_view(world, "/web/a").stop_cause, STOPPED_WITH_SUPERVISOR);
    assert_int_equal(world_view(world, "/other").state, CHILD_RUNNING);
    assert_int_equal(world_do(world, component_supervisor_start, "/web"), AIRS_OK);
    world_wait_event(world, "/web/a", EVENT_READY, 2);
    world_wait_event(world, "/web/b", EVENT_READY, 2);
    assert_int_equal(world_do(world, component_supervisor_kill, "/web"), AIRS_OK);
    world_wait_event(world, "/web/a", EVENT_READY, 3);
    assert_int_equal(world_wait_event(world, "/web", EVENT_EXITED, 2).exit.reason, EXIT_KILLED);
    world_end(world);
}

static void
children_beyond_the_pool_wait_for_it_visibly_and_go_on(void **state)
{
    (void)state;
    struct world *world = world_begin_with((struct world_options){ .instances_max = 3 });
    static const char *const paths[] = { "/a", "/b", "/c", "/d", "/e" };

    for (size_t i = 0; i < 5; i++)
        world_add(world, paths[i], (struct world_child){ .guest = "sleeper" });
    world_start(world);
    for (size_t i = 0; i < 3; i++)
        world_wait_event(world, paths[i], EVENT_READY, 1);
    for (size_t i = 3; i < 5; i++) {
        struct event waiting = world_wait_event(world, paths[i], EVENT_WAITING, 0);
        assert_non_null(waiting.waits_for);
        assert_string_equal(waiting.waits_for->text, "pool");
    }
    struct world_list list;
    assert_int_equal(world_list(world, "/d", &list), AIRS_OK);
    assert_int_equal(list.views[0].state, CHILD_REGISTERED);
    assert_string_equal(list.views[0].waits_for, "pool");
    assert_int_equal(world_do(world, world_stop, "/a"), AIRS_OK);
    world_wait_event(world, "/d", EVENT_READY, 1);
    assert_int_equal(world_do(world, world_stop, "/b"), AIRS_OK);
    world_wait_event(world, "/e", EVENT_READY, 1);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_wrappers_events_a_handle_learns_nothing),
        cmocka_unit_test(the_tree_is_listed_in_its_order),
        cmocka_unit_test(a_child_added_while_the_tree_runs_is_started),
        cmocka_unit_test(a_supervisors_path_means_its_subtree),
        cmocka_unit_test(children_beyond_the_pool_wait_for_it_visibly_and_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
