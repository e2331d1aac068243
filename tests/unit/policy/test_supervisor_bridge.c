/* Supervisor bridge: its design (who implements it, how it answers) and the states it shows. */
#include "testing.h"

#include <string.h>

#include "policy/component_supervisor.h"
#include "policy/supervisor_bridge.h"
#include "policy/supervisor_config.h"

struct told {
    unsigned times;
    enum airs_status status;
    const char *text;
};

static void
tell(void *context, enum airs_status status, const char *text)
{
    struct told *told = context;

    told->times++;
    told->status = status;
    told->text = text;
}

/* Three layers: "Layer 1 uses layer 3's enums, so conversions are the identity." */
static void
test_supervision_state_mapping(void **state)
{
    (void)state;
    static const struct {
        enum child_state node;
        const char *name;
    } states[] = {
        { CHILD_REGISTERED, "registered" }, { CHILD_STARTING, "starting" },
        { CHILD_RUNNING, "running" },       { CHILD_RESTARTING, "restarting" },
        { CHILD_STOPPING, "stopping" },     { CHILD_STOPPED, "stopped" },
        { CHILD_FAILED, "failed" },
    };

    assert_int_equal(sizeof states / sizeof states[0], CHILD_STATES);
    for (size_t i = 0; i < CHILD_STATES; i++) {
        component_supervision_state shown = states[i].node;
        assert_int_equal(shown, states[i].node);
        assert_string_equal(component_supervision_state_name(shown), states[i].name);
    }
}

/* Child states: the table's names; each leads back to its state, and no other does. */
static void
test_supervision_state_names_lead_back(void **state)
{
    (void)state;
    enum child_state found = CHILD_FAILED;

    for (int i = 0; i < CHILD_STATES; i++) {
        component_supervision_state shown = (component_supervision_state)i;
        assert_true(child_state_find(component_supervision_state_name(shown), &found));
        assert_int_equal(found, shown);
    }
    found = CHILD_FAILED;
    assert_false(child_state_find("crashed", &found));
    assert_int_equal(found, CHILD_FAILED);
}

/* A bridge of somebody else's: "It calls the runtime only through the interface
 * SupervisorNodeBridge", so any implementation will do. */
struct other_bridge {
    struct supervisor_bridge bridge;
    struct bridge_completion kept;
};

static void
keep_start_all(struct supervisor_bridge *bridge, struct bridge_completion completion)
{
    ((struct other_bridge *)bridge)->kept = completion;
}

static void
test_bridge_can_be_implemented_by_another_runtime(void **state)
{
    (void)state;
    static const struct supervisor_bridge_ops ops = { .start_all = keep_start_all };
    struct other_bridge other = { .bridge.ops = &ops };
    struct component_supervisor *supervisor;
    struct told told = { 0 };

    assert_int_equal(component_supervisor_new(&other.bridge, &supervisor, NULL), AIRS_OK);
    component_supervisor_start_all(supervisor, (struct bridge_completion){ tell, &told });
    assert_int_equal(told.times, 0); /* The verb came back; the answer may come later. */
    bridge_complete(other.kept, AIRS_EBUSY, "later");
    assert_int_equal(told.times, 1);
    assert_int_equal(told.status, AIRS_EBUSY);
    assert_string_equal(told.text, "later");
    component_supervisor_free(supervisor);
}

/* Each completion is called once, and nobody has to ask for one. */
static void
test_bridge_completion_is_called_once_or_not_wanted(void **state)
{
    (void)state;
    struct told told = { 0 };

    bridge_complete((struct bridge_completion){ 0 }, AIRS_OK, NULL);
    bridge_complete((struct bridge_completion){ tell, &told }, AIRS_OK, NULL);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.status, AIRS_OK);
    assert_null(told.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supervision_state_mapping),
        cmocka_unit_test(test_supervision_state_names_lead_back),
        cmocka_unit_test(test_bridge_can_be_implemented_by_another_runtime),
        cmocka_unit_test(test_bridge_completion_is_called_once_or_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
