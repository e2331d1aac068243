/* Reload: real components are given another policy, another spec and other code while they run.
 *
 * Each test names the line of docs/semantics.md that it proves.
 */
#include "supervision_testing.h"

#include "runtime/supervisor_actor.h"

/* What /a is to be from now on; lives as long as the world. */
static struct supervisor_config config;
static struct component_spec *spec;

static int
forget_spec(void **state)
{
    (void)state;
    component_spec_unref(spec);
    spec = NULL;
    return 0;
}

/* The next spec of a child; the world's own stays with the actor until its next instance. */
static struct component_spec *
next_spec(struct world *world, struct world_child child)
{
    forget_spec(NULL);
    spec = world_spec(world, &child);
    return spec;
}

static uint32_t
change(struct world *world, const char *path, const struct component_spec *to, bool restarts,
       bool on_trial)
{
    struct airs_error error = { 0 };
    uint32_t generation = 77;
    struct bridge_change what = {
        .config = &config,
        .spec = component_spec_to_child(to),
        .detail = "told",
        .restarts = restarts,
        .on_trial = on_trial,
    };
    enum airs_status status =
        component_supervisor_change(world->handles, path, &what, &generation, &error);
    if (status != AIRS_OK)
        fail_msg("%s: %s", path, error.message);
    return generation;
}

/* Reload: policy changes live; budgets stay. */
static void
another_policy_holds_from_the_next_exit_on_and_the_budget_stays(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 5));
    crash_and_wait(world, "/a");
    config = quick(supervisor_config_permanent(), 1);
    assert_int_equal(change(world, "/a", world->specs[0], false, false), 0);
    assert_answer(world, "/a", "count", "1"); /* The instance of before. */
    struct event told = world_wait_event(world, "/a", EVENT_RELOADED, 2);
    assert_string_equal(told.detail->text, "told");
    struct supervision_view view = world_view(world, "/a");
    assert_int_equal(view.budget_used, 1);
    assert_int_equal(view.budget_allowed, 1);
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_FAILED, 2);
    world_end(world);
}

/* Reload: a changed config restarts that child, uncounted. */
static void
another_spec_makes_a_new_instance_and_keeps_the_mail(void **state)
{
    (void)state;
    struct world *world = begin_echo(quick(supervisor_config_permanent(), 0));
    struct world_answer in_hand, waiting;
    config = quick(supervisor_config_permanent(), 0);
    next_spec(world, (struct world_child){ .guest = "echo", .variable = { "M", "new" } });
    assert_answer(world, "/a", "env M", "(unset)");
    assert_int_equal(world_send(world, "/a", "wait go", &in_hand), AIRS_OK);
    world_wait_mailbox(world, "/a", 0);
    assert_int_equal(world_send(world, "/a", "env M", &waiting), AIRS_OK);
    assert_int_equal(change(world, "/a", spec, true, false), 2);
    world_go(world);
    world_wait_answer(world, &waiting);
    assert_string_equal(in_hand.text, "waited"); /* Asked to end, it ends what is in hand. */
    assert_string_equal(waiting.text, "new");
    assert_answer(world, "/a", "starts", "1");
    struct supervision_view view = world_view(world, "/a");
    assert_int_equal(view.generation, 2);
    assert_int_equal(view.restarts, 0);
    world_end(world);
}

/* Reload: restarts that child; one that waits has its delay. */
static void
what_waits_starts_with_the_new_spec_when_its_delay_is_over(void **state)
{
    (void)state;
    config = delayed(supervisor_config_permanent(), NEVER_BACK_US);
    struct world *world = begin_echo(config);
    end_by(world, "/a", "crash trap");
    world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 1);
    next_spec(world, (struct world_child){ .guest = "echo", .variable = { "M", "new" } });
    assert_int_equal(change(world, "/a", spec, true, true), 0);
    assert_int_equal(world_view(world, "/a").state, CHILD_RESTARTING);
    assert_int_equal(world_do(world, component_supervisor_start, "/a"), AIRS_OK);
    world_wait_event(world, "/a", EVENT_READY, 2);
    assert_answer(world, "/a", "env M", "new");
    world_end(world);
}

/* Reload: limits are an instance's; the mailbox is bounded anew with it. */
static void
another_mailbox_is_that_of_the_next_instance(void **state)
{
    (void)state;
    config = quick(supervisor_config_permanent(), 0);
    struct world *world = begin_echo(config);
    struct world_answer in_hand, one, refused;
    next_spec(world, (struct world_child){ .guest = "echo", .limits = { .mailbox = 1 } });
    change(world, "/a", spec, true, false);
    world_wait_event(world, "/a", EVENT_READY, 2);
    assert_int_equal(world_send(world, "/a", "wait go", &in_hand), AIRS_OK);
    world_wait_mailbox(world, "/a", 0);
    assert_int_equal(world_send(world, "/a", "count", &one), AIRS_OK);
    assert_int_equal(world_send(world, "/a", "count", &refused), AIRS_ELIMIT);
    world_go(world);
    world_wait_answer(world, &one);
    world_end(world);
}

/* On trial: the new instance's failed start is not counted, and starts it again after its delay. */
static void
on_trial_a_start_that_fails_is_not_counted(void **state)
{
    (void)state;
    config = quick(supervisor_config_permanent(), 0); /* One that counts would fail it. */
    struct world *world = begin_echo(config);
    next_spec(world, (struct world_child){ .guest = "initfail", .text = "trap" });
    assert_int_equal(change(world, "/a", spec, true, true), 2);
    struct event again = world_wait_event(world, "/a", EVENT_RESTART_SCHEDULED, 2);
    assert_int_equal(again.restarts, 0);
    world_wait_event(world, "/a", EVENT_FAILED, 3); /* Once alone. */
    world_end(world);
}

/* Reload: a component's file with other contents is other code; whoever has the old one keeps it. */
static void
a_file_that_is_opened_anew_is_other_code_for_those_who_are_given_it(void **state)
{
    (void)state;
    char file[] = BINARY_DIR "/reload-XXXXXX.wasm", command[1200];
    int descriptor = mkstemps(file, 5);
    assert_true(descriptor >= 0);
    close(descriptor);
    struct airs_error error = { 0 };
    struct world *world = world_begin();
    struct component_file *before, *after;
    bool current = false;
    config = quick(supervisor_config_permanent(), 3);

    snprintf(command, sizeof command, "cp %s %s", world_guest("echo"), file);
    assert_int_equal(system(command), 0);
    assert_int_equal(world_compile(world, file, &error), AIRS_OK);
    world_add(world, "/a", (struct world_child){ .file = file, .config = config, .text = "hello" });
    world_add(world, "/b", (struct world_child){ .file = file, .config = config, .text = "hello" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    world_wait_event(world, "/b", EVENT_READY, 1);
    before = component_spawner_get(world->spawner, file);
    assert_int_equal(component_file_is_current(before, &current, &error), AIRS_OK);
    assert_true(current);

    snprintf(command, sizeof command, "cp %s %s", world_guest("initfail"), file);
    assert_int_equal(system(command), 0);
    assert_int_equal(component_file_is_current(before, &current, &error), AIRS_OK);
    assert_false(current);
    assert_int_equal(world_compile(world, file, &error), AIRS_OK);
    assert_int_equal(component_spawner_open(world->spawner, file, &after, &error), AIRS_OK);
    assert_null(component_file_error(after));
    component_spawner_put(world->spawner, after);
    assert_int_equal(change(world, "/a", world->specs[0], true, true), 2);
    world_wait_event(world, "/a", EVENT_READY, 2);
    assert_answer(world, "/a", "x", "hello"); /* initfail's answer: its config. */
    crash_and_wait(world, "/b");
    assert_answer(world, "/b", "x", "x"); /* echo, still. */

    component_spawner_put(world->spawner, before);
    assert_int_equal(change(world, "/a", world->specs[0], true, false), 3);
    world_wait_event(world, "/a", EVENT_READY, 3);
    assert_answer(world, "/a", "x", "x");
    component_file_unref(before);
    component_file_unref(after);
    unlink(file);
    world_end(world);
}

/* An actor becomes a command: what others know of it follows. */
static void
a_component_of_another_kind_takes_its_place(void **state)
{
    (void)state;
    config = quick(supervisor_config_permanent(), 0);
    struct world *world = begin_echo(config);
    struct component_info info;
    next_spec(world, (struct world_child){ .guest = "sleeper" });
    change(world, "/a", spec, true, false);
    world_wait_event(world, "/a", EVENT_READY, 2);
    assert_true(component_registry_get(world->registry, "/a", &info));
    assert_int_equal(info.kind, COMPONENT_IS_COMMAND);
    component_info_deinit(&info);
    world_end(world);
}

/* Health: readiness and liveness of a child that runs, from now on. */
static void
probes_begin_and_end_while_it_runs(void **state)
{
    (void)state;
    struct world *world = world_begin();
    struct health_restart_config health = health_restart_config_default();
    health.probe.interval_us = 100 * MS;
    health.probe.failures = HEALTH_FAILURES_MAX;
    config = quick(supervisor_config_permanent(), 0);
    world_add(world, "/a",
              (struct world_child){ .guest = "sick", .config = config, .text = "unhealthy" });
    world_start(world);
    world_wait_event(world, "/a", EVENT_READY, 1);
    static struct supervisor_config probed;
    struct supervisor_config plain = config;
    config = probed = supervisor_config_with_health(plain, health);
    struct bridge_change what = { .config = &probed,
                                  .spec = component_spec_to_child(world->specs[0]) };
    assert_int_equal(component_supervisor_change(world->handles, "/a", &what, NULL, NULL), AIRS_OK);
    world_wait_event(world, "/a", EVENT_NOT_READY, 1);
    config = plain;
    change(world, "/a", world->specs[0], false, false);
    assert_true(world_view(world, "/a").ready);
    assert_int_equal(world_count(world, "/a", EVENT_EXITED), 0);
    world_end(world);
}

/* Reload: strategy changes live. */
static void
another_strategy_holds_from_the_next_exit_on(void **state)
{
    (void)state;
    static struct supervisor_config group;
    struct world *world = world_begin();
    group = supervisor_config_with_strategy(supervisor_config_default_supervisor(),
                                            STRATEGY_ONE_FOR_ALL);
    world_add(world, "/w", (struct world_child){ 0 });
    config = quick(supervisor_config_permanent(), 3);
    world_add(world, "/w/a",
              (struct world_child){ .guest = "echo", .parent = "/w", .config = config });
    world_add(world, "/w/b",
              (struct world_child){ .guest = "echo", .parent = "/w", .config = config });
    world_start(world);
    world_wait_event(world, "/w/b", EVENT_READY, 1);
    struct bridge_change what = { .config = &group };
    assert_int_equal(component_supervisor_change(world->handles, "/w", &what, NULL, NULL), AIRS_OK);
    end_by(world, "/w/a", "crash trap");
    world_wait_event(world, "/w/b", EVENT_READY, 2);
    assert_int_equal(world_view(world, "/w").generation, 1);
    world_end(world);
}

/* Reload: order changes live. */
static void
another_order_is_that_of_the_list_and_of_the_stop(void **state)
{
    (void)state;
    struct world *world = world_begin();
    config = quick(supervisor_config_permanent(), 3);
    add_echo(world, "/a", config);
    add_echo(world, "/b", config);
    world_start(world);
    world_wait_event(world, "/b", EVENT_READY, 1);
    assert_int_equal(component_supervisor_move(world->handles, "/b", "/a", NULL), AIRS_OK);
    assert_int_equal(component_supervisor_move(world->handles, "/b", "/gone", NULL), AIRS_ENOENT);
    struct world_list list;
    world_list(world, NULL, &list);
    assert_string_equal(list.views[0].path, "/b");
    assert_int_equal(world_stop_all(world, DURATION_INFINITE).status, AIRS_OK);
    struct event a = world_wait_event(world, "/a", EVENT_STOPPING, 1);
    struct event b = world_wait_event(world, "/b", EVENT_STOPPING, 1);
    assert_true(a.seq < b.seq);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_policy_holds_from_the_next_exit_on_and_the_budget_stays),
        cmocka_unit_test_teardown(another_spec_makes_a_new_instance_and_keeps_the_mail,
                                  forget_spec),
        cmocka_unit_test_teardown(what_waits_starts_with_the_new_spec_when_its_delay_is_over,
                                  forget_spec),
        cmocka_unit_test_teardown(another_mailbox_is_that_of_the_next_instance, forget_spec),
        cmocka_unit_test_teardown(on_trial_a_start_that_fails_is_not_counted, forget_spec),
        cmocka_unit_test(a_file_that_is_opened_anew_is_other_code_for_those_who_are_given_it),
        cmocka_unit_test_teardown(a_component_of_another_kind_takes_its_place, forget_spec),
        cmocka_unit_test(probes_begin_and_end_while_it_runs),
        cmocka_unit_test(another_strategy_holds_from_the_next_exit_on),
        cmocka_unit_test(another_order_is_that_of_the_list_and_of_the_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
