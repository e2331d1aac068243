/* Supervised spawning: a component becomes an actor, a registered name and a supervised child in
 * one call, or none of them.
 *
 * Each test names the line of docs/semantics.md that it proves. */
#include "supervision_testing.h"

/* The tree runs, with an echo at /a. */
static struct world *
begin_running(void)
{
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 3));

    world_add(world, "/s", (struct world_child){ 0 });
    world_wait_event(world, "/s", EVENT_READY, 1);
    return world;
}

static enum airs_status
spawn(struct world *world, const char *parent, const char *path, struct airs_error *error)
{
    return component_supervisor_supervise(world->handles, parent, path, world->configs[0],
                                          component_spec_to_child(world->specs[0]), error);
}

/* Child states: "nothing left to wait for → `starting`", where the tree runs already; Words:
 * "child: an actor or a supervisor, as its supervisor sees it". */
static void
a_spawned_component_is_found_supervised_and_started(void **state)
{
    (void)state;
    struct world *world = begin_running();
    enum component_kind_known kind;
    airs_pid pid;

    assert_int_equal(spawn(world, "/s", "/s/new", NULL), AIRS_OK);
    assert_true(component_registry_find(world->registry, "/s/new", &pid, NULL));
    assert_true(component_supervisor_has(world->handles, "/s/new"));
    world_wait_event(world, "/s/new", EVENT_READY, 1);
    assert_true(component_registry_find(world->registry, "/s/new", &pid, &kind));
    assert_int_equal(kind, COMPONENT_IS_ACTOR);
    assert_answer(world, "/s/new", "self", WORLD_APP ":s/new:0");
    assert_restarts(world, "/s/new", "crash trap");
    world_end(world);
}

/* By hand: "add of an existing name: \"exists\"": what is refused leaves no actor, no name and no
 * handle behind, and the next one of that name is like any. */
static void
a_spawn_that_is_refused_leaves_nothing_behind(void **state)
{
    (void)state;
    struct world *world = begin_running();
    size_t actors = actor_system_counters(world->system).actors;
    size_t handles = component_supervisor_count(world->handles);
    struct airs_error error = { 0 };

    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(spawn(world, "/", "/a", &error), AIRS_EEXIST);
        assert_int_equal(spawn(world, "/nobody", "/nobody/b", &error), AIRS_ENOENT);
        assert_int_equal(spawn(world, "/a", "/a/b", &error), AIRS_EINVAL);
    }
    assert_false(component_registry_find(world->registry, "/nobody/b", NULL, NULL));
    assert_false(component_supervisor_has(world->handles, "/a/b"));
    assert_int_equal(component_supervisor_count(world->handles), handles);
    uint64_t deadline_us = world_deadline(); /* An actor that was made for it may still end. */
    while (actor_system_counters(world->system).actors != actors)
        assert_true(clock_now_us() < deadline_us);
    assert_int_equal(spawn(world, "/s", "/s/b", NULL), AIRS_OK);
    world_wait_event(world, "/s/b", EVENT_READY, 1);
    assert_restarts(world, "/s/b", "crash oob");
    assert_int_equal(world_view(world, "/a").generation, 1);
    world_end(world);
}

/* Exits: "what is wrong inside a file, or missing later, is that child's `load-error`": it is
 * spawned, listed and failed; who stands beside it is spawned as ever. */
static void
a_component_that_cannot_be_loaded_is_a_failed_child(void **state)
{
    (void)state;
    struct world *world = begin_running();

    world_add(world, "/s/gone",
              (struct world_child){ .parent = "/s", .file = "/nowhere/at/all.wasm" });
    assert_int_equal(spawn(world, "/s", "/s/b", NULL), AIRS_OK);
    struct event failed = world_wait_event(world, "/s/gone", EVENT_FAILED, 0);
    assert_int_equal(failed.exit.reason, EXIT_LOAD_ERROR);
    assert_int_equal(world_view(world, "/s/gone").state, CHILD_FAILED);
    world_wait_event(world, "/s/b", EVENT_READY, 1);
    assert_restarts(world, "/s/b", "crash exit 3");
    world_end(world);
}

/* Restart: "A restart makes a new instance from pre-linked code": many of one file die and come
 * back, each with a memory of its own. */
static void
many_of_one_file_have_instances_of_their_own(void **state)
{
    (void)state;
    struct world *world = begin_running();
    char path[16];

    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "/s/n%u", i);
        assert_int_equal(spawn(world, "/s", path, NULL), AIRS_OK);
    }
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "/s/n%u", i);
        world_wait_event(world, path, EVENT_READY, 1);
        for (unsigned n = 0; n < i % 3; n++)
            world_call(world, path, "count");
    }
    for (unsigned i = 0; i < 40; i += 2) {
        snprintf(path, sizeof path, "/s/n%u", i);
        crash_and_wait(world, path);
    }
    for (unsigned i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "/s/n%u", i);
        unsigned before = i % 2 == 0 ? 0 : i % 3;
        assert_int_equal(atoi(world_call(world, path, "count").text), before + 1);
        assert_int_equal(world_view(world, path).generation, 2 - i % 2);
    }
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spawned_component_is_found_supervised_and_started),
        cmocka_unit_test(a_spawn_that_is_refused_leaves_nothing_behind),
        cmocka_unit_test(a_component_that_cannot_be_loaded_is_a_failed_child),
        cmocka_unit_test(many_of_one_file_have_instances_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
