/* Component supervisor: what it is asked goes to the bridge, and the answer comes back. */
#include "policy_testing.h"

static void
test_supervise_registers_with_bridge(void **state)
{
    (void)state;

    supervise("/a");
    assert_int_equal(component_supervisor_supervise(fixture.supervisor, "/a", "/a/b",
                                                    &fixture.config, NULL, NULL),
                     AIRS_OK);
    assert_string_equal(fixture.recorder.trace, "register /a in /\nregister /a/b in /a\n");
    assert_int_equal(component_supervisor_count(fixture.supervisor), 2);
}

static void
test_start_component_delegates_to_bridge(void **state)
{
    (void)state;

    supervise("/a");
    fixture.recorder.answer = AIRS_EALREADY;
    component_supervisor_start(fixture.supervisor, "/a", (struct bridge_completion){ told, NULL });
    assert_int_equal(fixture.times, 1);
    assert_int_equal(fixture.told, AIRS_EALREADY);
    assert_string_equal(fixture.recorder.trace, "register /a in /\nstart /a\n");
}

static void
test_stop_component_delegates_to_bridge(void **state)
{
    (void)state;

    supervise("/a");
    component_supervisor_stop(fixture.supervisor, "/a", 2500000,
                              (struct bridge_completion){ told, NULL });
    assert_int_equal(fixture.times, 1);
    assert_int_equal(fixture.told, AIRS_OK);
    assert_int_equal(fixture.recorder.timeout_us, 2500000);
    assert_string_equal(fixture.recorder.trace, "register /a in /\nstop /a\n");
}

/* Three layers: "A child's state lives in its node and nowhere else": the answer is the bridge's,
 * not the handle's, which has heard of nothing. */
static void
test_query_state_from_supervisornode(void **state)
{
    (void)state;
    component_supervision_state shown = CHILD_FAILED;

    supervise("/a");
    assert_true(component_supervisor_query_state(fixture.supervisor, "/a", &shown));
    assert_int_equal(shown, CHILD_RESTARTING);
    struct supervision_handle handle = handle_of("/a");
    assert_int_equal(handle.state, CHILD_REGISTERED);
    supervision_handle_deinit(&handle);
    shown = CHILD_FAILED;
    assert_false(component_supervisor_query_state(fixture.supervisor, "/b", &shown));
    assert_int_equal(shown, CHILD_FAILED);
    assert_string_equal(fixture.recorder.trace, "register /a in /\nstate /a\nstate /b\n");
}

static void
the_other_verbs_go_to_the_bridge_and_their_answers_come_back(void **state)
{
    (void)state;
    struct bridge_completion completion = { told, NULL };

    supervise("/a");
    fixture.recorder.answer = AIRS_EBUSY;
    component_supervisor_restart(fixture.supervisor, "/a", completion);
    component_supervisor_kill(fixture.supervisor, "/a", completion);
    component_supervisor_reset(fixture.supervisor, "/a", completion);
    component_supervisor_delete(fixture.supervisor, "/a", completion);
    component_supervisor_start_all(fixture.supervisor, completion);
    component_supervisor_stop_all(fixture.supervisor, 1, completion);
    component_supervisor_kill_all(fixture.supervisor, completion);
    assert_int_equal(fixture.times, 7);
    assert_int_equal(fixture.told, AIRS_EBUSY);
    assert_string_equal(fixture.recorder.trace,
                        "register /a in /\nrestart /a\nkill /a\nreset /a\ndelete /a\n"
                        "start-all /\nstop-all /\nkill-all /\n");
}

static void
a_verb_changes_no_handle_only_events_do(void **state)
{
    (void)state;

    supervise("/a");
    component_supervisor_start(fixture.supervisor, "/a", (struct bridge_completion){ 0 });
    component_supervisor_kill(fixture.supervisor, "/a", (struct bridge_completion){ 0 });
    struct supervision_handle handle = handle_of("/a");
    assert_int_equal(handle.state, CHILD_REGISTERED);
    assert_int_equal(handle.restart_count, 0);
    assert_int_equal(handle.exits_total, 0);
    assert_int_equal(handle.generation, 0);
    supervision_handle_deinit(&handle);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_supervise_registers_with_bridge),
        EACH(test_start_component_delegates_to_bridge),
        EACH(test_stop_component_delegates_to_bridge),
        EACH(test_query_state_from_supervisornode),
        EACH(the_other_verbs_go_to_the_bridge_and_their_answers_come_back),
        EACH(a_verb_changes_no_handle_only_events_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
