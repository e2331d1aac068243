/* Component supervisor: verbs go to the bridge, handles are filled from events alone. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "policy/component_supervisor.h"
#include "policy/supervisor_config.h"

/* A bridge that writes down what it is asked, and answers at once. */
struct recorder {
    struct supervisor_bridge bridge;
    char trace[512];
    uint64_t timeout_us; /* Of the last stop. */
    enum airs_status answer;
};

static void
note(struct supervisor_bridge *bridge, const char *verb, const char *path)
{
    struct recorder *recorder = (struct recorder *)bridge;
    size_t used = strlen(recorder->trace);

    snprintf(recorder->trace + used, sizeof recorder->trace - used, "%s %s\n", verb, path);
}

static enum airs_status
register_component(struct supervisor_bridge *bridge, const char *parent_path, const char *path,
                   const struct supervisor_config *config, const struct child_spec *spec,
                   struct airs_error *error)
{
    struct recorder *recorder = (struct recorder *)bridge;
    char both[128];

    (void)config, (void)spec;
    snprintf(both, sizeof both, "%s in %s", path, parent_path);
    note(bridge, "register", both);
    if (recorder->answer != AIRS_OK)
        return fail(error, recorder->answer, "refused");
    return AIRS_OK;
}

static void
answer(struct supervisor_bridge *bridge, const char *verb, const char *path,
       struct bridge_completion completion)
{
    note(bridge, verb, path);
    bridge_complete(completion, ((struct recorder *)bridge)->answer, NULL);
}

static void
start_component(struct supervisor_bridge *bridge, const char *path,
                struct bridge_completion completion)
{
    answer(bridge, "start", path, completion);
}

static void
stop_component(struct supervisor_bridge *bridge, const char *path, uint64_t timeout_us,
               struct bridge_completion completion)
{
    ((struct recorder *)bridge)->timeout_us = timeout_us;
    answer(bridge, "stop", path, completion);
}

static void
restart_component(struct supervisor_bridge *bridge, const char *path,
                  struct bridge_completion completion)
{
    answer(bridge, "restart", path, completion);
}

static void
kill_component(struct supervisor_bridge *bridge, const char *path,
               struct bridge_completion completion)
{
    answer(bridge, "kill", path, completion);
}

static void
reset_component(struct supervisor_bridge *bridge, const char *path,
                struct bridge_completion completion)
{
    answer(bridge, "reset", path, completion);
}

static bool
get_component_state(struct supervisor_bridge *bridge, const char *path,
                    component_supervision_state *state_out)
{
    note(bridge, "state", path);
    if (strcmp(path, "/a") != 0)
        return false;
    *state_out = CHILD_RESTARTING;
    return true;
}

static void
start_all(struct supervisor_bridge *bridge, struct bridge_completion completion)
{
    answer(bridge, "start-all", "/", completion);
}

static void
stop_all(struct supervisor_bridge *bridge, uint64_t timeout_us, struct bridge_completion completion)
{
    (void)timeout_us;
    answer(bridge, "stop-all", "/", completion);
}

static void
kill_all(struct supervisor_bridge *bridge, struct bridge_completion completion)
{
    answer(bridge, "kill-all", "/", completion);
}

static void
list(struct supervisor_bridge *bridge, const char *path, struct bridge_listing listing)
{
    note(bridge, "list", path ? path : "all");
    listing.done(listing.context, AIRS_OK, NULL, 0);
}

static const struct supervisor_bridge_ops recorder_ops = {
    .register_component = register_component,
    .start_component = start_component,
    .stop_component = stop_component,
    .restart_component = restart_component,
    .kill_component = kill_component,
    .reset_component = reset_component,
    .get_component_state = get_component_state,
    .start_all = start_all,
    .stop_all = stop_all,
    .kill_all = kill_all,
    .list = list,
};

struct fixture {
    struct recorder recorder;
    struct component_supervisor *supervisor;
    struct supervisor_config config;
    enum airs_status told;
    unsigned times;
};

static struct fixture fixture;

static int
set_up(void **state)
{
    fixture = (struct fixture){ .recorder.bridge.ops = &recorder_ops };
    fixture.config = supervisor_config_default();
    *state = &fixture;
    return component_supervisor_new(&fixture.recorder.bridge, &fixture.supervisor, NULL);
}

static int
tear_down(void **state)
{
    (void)state;
    component_supervisor_free(fixture.supervisor);
    return 0;
}

static void
told(void *context, enum airs_status status, const char *text)
{
    (void)context, (void)text;
    fixture.told = status;
    fixture.times++;
}

static void
supervise(const char *path)
{
    assert_int_equal(
        component_supervisor_supervise(fixture.supervisor, "/", path, &fixture.config, NULL, NULL),
        AIRS_OK);
}

static void
happens(const char *path, struct supervision_event event)
{
    event.path = path;
    component_supervisor_on_event(fixture.supervisor, &event);
}

static struct supervision_handle
handle_of(const char *path)
{
    struct supervision_handle handle;

    assert_true(component_supervisor_get_handle(fixture.supervisor, path, &handle));
    return handle;
}

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
    component_supervisor_start_all(fixture.supervisor, completion);
    component_supervisor_stop_all(fixture.supervisor, 1, completion);
    component_supervisor_kill_all(fixture.supervisor, completion);
    assert_int_equal(fixture.times, 6);
    assert_int_equal(fixture.told, AIRS_EBUSY);
    assert_string_equal(fixture.recorder.trace, "register /a in /\nrestart /a\nkill /a\nreset /a\n"
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

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

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
        EACH(a_crash_and_its_restart_stand_in_the_handle),
        EACH(the_history_keeps_the_newest_exits_oldest_first),
        EACH(a_name_can_be_supervised_once),
        EACH(a_child_that_the_bridge_refuses_leaves_no_handle),
        EACH(events_of_strangers_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
