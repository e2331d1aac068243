/* What the tests of policy share: a bridge that writes down what it is asked, and a
 * ComponentSupervisor on it.
 */
#ifndef POLICY_TESTING_H
#define POLICY_TESTING_H

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
register_component(struct supervisor_bridge *bridge, const struct bridge_child *child,
                   struct airs_error *error)
{
    struct recorder *recorder = (struct recorder *)bridge;
    char both[128];

    snprintf(both, sizeof both, "%s in %s", child->path, child->parent_path);
    note(bridge, "register", both);
    if (recorder->answer != AIRS_OK)
        return fail(error, recorder->answer, "refused");
    return AIRS_OK;
}

static enum airs_status
attach_component(struct supervisor_bridge *bridge, const char *path, struct airs_error *error)
{
    (void)error;
    note(bridge, "attach", path);
    return ((struct recorder *)bridge)->answer;
}

static void
abandon_component(struct supervisor_bridge *bridge, const char *path)
{
    note(bridge, "abandon", path);
}

static void
count_children(struct supervisor_bridge *bridge, const char *path, struct bridge_counting counting)
{
    note(bridge, "count", path);
    counting.done(counting.context, AIRS_OK, &(struct supervision_counts){ .children = 7 });
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

static void
delete_component(struct supervisor_bridge *bridge, const char *path,
                 struct bridge_completion completion)
{
    answer(bridge, "delete", path, completion);
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
    .attach_component = attach_component,
    .abandon_component = abandon_component,
    .count = count_children,
    .start_component = start_component,
    .stop_component = stop_component,
    .restart_component = restart_component,
    .kill_component = kill_component,
    .reset_component = reset_component,
    .delete_component = delete_component,
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
    return (int)component_supervisor_new(&fixture.recorder.bridge, &fixture.supervisor, NULL);
}

static int
tear_down(void **state)
{
    (void)state;
    component_supervisor_free(fixture.supervisor);
    return 0;
}

static inline void
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

static inline void
happens(const char *path, struct supervision_event event)
{
    event.path = path;
    component_supervisor_on_event(fixture.supervisor, &event);
}

static inline struct supervision_handle
handle_of(const char *path)
{
    struct supervision_handle handle;

    assert_true(component_supervisor_get_handle(fixture.supervisor, path, &handle));
    return handle;
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
