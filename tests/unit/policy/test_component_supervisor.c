/* Component supervisor: its handles are filled from events alone. */
#include "policy_testing.h"

static void
a_deleted_child_and_all_below_it_have_no_handle_any_more(void **state)
{
    (void)state;

    supervise("/a");
    supervise("/a/b");
    supervise("/ab");
    happens("/a", (struct supervision_event){ .seq = 1, .type = EVENT_DELETED });
    assert_true(component_supervisor_has(fixture.supervisor, "/ab"));
    assert_int_equal(component_supervisor_has(fixture.supervisor, "/a"), false);
    supervise("/a");
    assert_true(component_supervisor_has(fixture.supervisor, "/a"));
}

static void
a_crash_and_its_restart_stand_in_the_handle(void **state)
{
    (void)state;
    struct refstr *detail = refstr_new("wasm trap", 9);

    supervise("/a");
    happens("/a", (struct supervision_event){ .seq = 1,
                                              .type = EVENT_STARTED,
                                              .time_us = 10,
                                              .state = CHILD_RUNNING,
                                              .generation = 1 });
    happens("/a", (struct supervision_event){
                      .seq = 2, .type = EVENT_READY, .state = CHILD_RUNNING, .generation = 1 });
    struct supervision_handle handle = handle_of("/a");
    assert_true(handle.ready);
    supervision_handle_deinit(&handle);

    happens("/a", (struct supervision_event){ .seq = 3,
                                              .type = EVENT_EXITED,
                                              .time_us = 20,
                                              .state = CHILD_RUNNING,
                                              .generation = 1,
                                              .has_exit = true,
                                              .detail = detail,
                                              .exit = { EXIT_TRAP, 9 } });
    happens("/a", (struct supervision_event){ .seq = 4,
                                              .type = EVENT_RESTART_SCHEDULED,
                                              .time_us = 21,
                                              .state = CHILD_RESTARTING,
                                              .generation = 1,
                                              .restarts = 1,
                                              .delay_us = 500 });
    handle = handle_of("/a");
    refstr_unref(detail);
    assert_int_equal(handle.state, CHILD_RESTARTING);
    assert_false(handle.ready);
    assert_int_equal(handle.restart_count, 1);
    assert_int_equal(handle.started_us, 10);
    assert_int_equal(handle.last_restart_us, 21);
    assert_int_equal(handle.last_seq, 4);
    assert_int_equal(handle.history_size, 1);
    assert_int_equal(handle.history[0].exit.reason, EXIT_TRAP);
    assert_int_equal(handle.history[0].exit.code, 9);
    assert_string_equal(handle.history[0].detail->text, "wasm trap");
    assert_true(handle.history[0].restarted);
    assert_int_equal(handle.history[0].delay_us, 500);
    supervision_handle_deinit(&handle);
}

static void
the_history_keeps_the_newest_exits_oldest_first(void **state)
{
    (void)state;
    struct refstr *detail = refstr_new("again", 5);

    supervise("/a");
    for (uint32_t i = 1; i <= SUPERVISION_HISTORY_MAX + 5; i++)
        happens("/a", (struct supervision_event){ .seq = i,
                                                  .type = EVENT_EXITED,
                                                  .generation = i,
                                                  .state = CHILD_RUNNING,
                                                  .has_exit = true,
                                                  .detail = detail,
                                                  .exit = { EXIT_ERROR, 1 } });
    struct supervision_handle handle = handle_of("/a");
    assert_int_equal(handle.exits_total, SUPERVISION_HISTORY_MAX + 5);
    assert_int_equal(handle.history_size, SUPERVISION_HISTORY_MAX);
    for (uint32_t i = 0; i < SUPERVISION_HISTORY_MAX; i++)
        assert_int_equal(handle.history[i].generation, i + 6);
    assert_int_equal(detail->references, 1 + 2 * SUPERVISION_HISTORY_MAX);
    supervision_handle_deinit(&handle);
    refstr_unref(detail);
}

static void
a_name_can_be_supervised_once(void **state)
{
    (void)state;
    struct airs_error error = { 0 };

    supervise("/a");
    assert_int_equal(component_supervisor_supervise(fixture.supervisor, "/", "/a", &fixture.config,
                                                    NULL, &error),
                     AIRS_EEXIST);
    assert_non_null(strstr(error.message, "/a"));
    assert_int_equal(component_supervisor_count(fixture.supervisor), 1);
}

static void
a_child_that_the_bridge_refuses_leaves_no_handle(void **state)
{
    (void)state;
    struct supervision_handle handle;

    fixture.recorder.answer = AIRS_ELIMIT;
    assert_int_equal(
        component_supervisor_supervise(fixture.supervisor, "/", "/a", &fixture.config, NULL, NULL),
        AIRS_ELIMIT);
    assert_int_equal(component_supervisor_count(fixture.supervisor), 0);
    assert_false(component_supervisor_get_handle(fixture.supervisor, "/a", &handle));
}

static void
events_of_strangers_are_ignored(void **state)
{
    (void)state;

    supervise("/a");
    happens("/b", (struct supervision_event){ .type = EVENT_STARTED, .state = CHILD_RUNNING });
    happens(NULL, (struct supervision_event){ .type = EVENT_APPLICATION_STARTED });
    struct supervision_handle handle = handle_of("/a");
    assert_int_equal(handle.state, CHILD_REGISTERED);
    supervision_handle_deinit(&handle);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_deleted_child_and_all_below_it_have_no_handle_any_more),
        EACH(a_crash_and_its_restart_stand_in_the_handle),
        EACH(the_history_keeps_the_newest_exits_oldest_first),
        EACH(a_name_can_be_supervised_once),
        EACH(a_child_that_the_bridge_refuses_leaves_no_handle),
        EACH(events_of_strangers_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
