/* Groups on real workers: strategies, a predicate of the user's, intensity, order in a crowd. */
#include "base/random.h"
#include "pupil.h"

static void
add_group(struct stage *stage, const char *path, const struct node_policy *node)
{
    struct child_policy policy = child_policy_default(true);
    policy.backoff = quick_policy().backoff;
    add_node(stage, path, node, &policy);
}

static struct node_policy
node_of(enum strategy strategy)
{
    struct node_policy policy = node_policy_default();
    policy.strategy = strategy;
    return policy;
}

static void
await_ready(struct stage *stage, const char *path)
{
    uint64_t deadline_us = clock_now_us() + PATIENCE_S * US_PER_S;
    while (!view_of(stage, path).ready)
        assert_true(clock_now_us() < deadline_us);
}

static void
every_sibling_gets_a_new_instance_in_order(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil a = { 0 }, b = { 0 }, c = { 0 };
    struct child_policy policy = quick_policy();
    struct node_policy node = node_of(STRATEGY_ONE_FOR_ALL);
    open_stage(&stage, 2);
    add_group(&stage, "/g", &node);
    add_pupil(&stage, &a, "/g/a", &policy);
    add_pupil(&stage, &b, "/g/b", &policy);
    add_pupil(&stage, &c, "/g/c", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/g", EVENT_READY, 1);
    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/g/b"), AIRS_OK);
    await_event(stage.recorder, "/g/c", EVENT_READY, 2); /* The last. */
    await_ready(&stage, "/g"); /* Again; quicker than it can be told it is one and the same word. */

    const struct event *a_stops = await_event(stage.recorder, "/g/a", EVENT_STOPPING, 1);
    assert_true(a_stops->seq > await_event(stage.recorder, "/g/c", EVENT_EXITED, 1)->seq);
    assert_string_equal(a_stops->cause->text, "/g/b");
    assert_true(await_event(stage.recorder, "/g/b", EVENT_STARTING, 2)->seq >
                await_event(stage.recorder, "/g/a", EVENT_READY, 2)->seq);
    assert_true(await_event(stage.recorder, "/g/c", EVENT_STARTING, 2)->seq >
                await_event(stage.recorder, "/g/b", EVENT_READY, 2)->seq);
    assert_int_equal(view_of(&stage, "/g/a").restarts, 0);
    assert_int_equal(view_of(&stage, "/g/b").restarts, 1);
    close_stage(&stage);
}

/* Those of one policy belong together. */
static bool
is_pair(void *ctx, const struct supervisor_child *failed, const struct supervisor_child *candidate)
{
    atomic_uint *asked = ctx;
    atomic_fetch_add(asked, 1);
    return failed->policy->within_us == candidate->policy->within_us;
}

static void
a_predicate_of_the_user_chooses(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil pupils[4] = { 0 };
    struct child_policy first = quick_policy(), second = quick_policy();
    second.within_us++;
    atomic_uint asked = 0;
    struct node_policy node = node_of(STRATEGY_PREDICATE);
    node.affects = is_pair;
    node.ctx = &asked;
    open_stage(&stage, 2);
    add_group(&stage, "/g", &node);
    add_pupil(&stage, &pupils[0], "/g/a", &first);
    add_pupil(&stage, &pupils[1], "/g/b", &first);
    add_pupil(&stage, &pupils[2], "/g/c", &second);
    add_pupil(&stage, &pupils[3], "/g/d", &second);
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/g", EVENT_READY, 1);
    assert_int_equal(ask_of(&stage, REQUEST_KILL, "/g/d"), AIRS_OK);
    await_event(stage.recorder, "/g/d", EVENT_READY, 2); /* The last of the pair. */
    assert_int_equal(view_of(&stage, "/g/a").generation, 1);
    assert_int_equal(view_of(&stage, "/g/b").generation, 1);
    assert_int_equal(view_of(&stage, "/g/c").generation, 2);
    assert_int_equal(view_of(&stage, "/g/d").generation, 2);
    assert_true(atomic_load(&asked) >= 3);
    close_stage(&stage);
}

static void
intensity_used_up_ends_the_supervisor(void **state)
{
    (void)state;
    struct stage stage;
    struct pupil a = { .start = START_CRASHING }, b = { 0 };
    struct child_policy policy = quick_policy();
    policy.max_restarts = 1000;
    struct node_policy node = node_of(STRATEGY_ONE_FOR_ONE);
    node.max_restarts = 5;
    node.within_us = 3600 * US_PER_S;
    open_stage(&stage, 2);
    add_group(&stage, "/g", &node);
    add_pupil(&stage, &a, "/g/a", &policy);
    add_pupil(&stage, &b, "/g/b", &policy);
    ask_root(&stage, REQUEST_START_ALL);
    const struct event *exited = await_event(stage.recorder, "/g", EVENT_EXITED, 1);
    assert_int_equal(exited->exit.reason, EXIT_ESCALATED);
    assert_string_equal(exited->cause->text, "/g/a");
    assert_int_equal(await_event(stage.recorder, "/g/a", EVENT_FAILED, 1)->restarts, 5);
    close_stage(&stage);
}

#define CROWD 60
#define CRASHES 40

/* Crashes from outside at any moment of group restarts; in the end all are ready again. */
static void
a_crowd_survives_crashes_in_the_middle_of_its_restarts(void **state)
{
    (void)state;
    static struct pupil pupils[CROWD];
    struct stage stage;
    struct child_policy policy = quick_policy();
    policy.max_restarts = RESTARTS_MAX;
    memset(pupils, 0, sizeof pupils);
    struct node_policy node = node_of(STRATEGY_REST_FOR_ONE);
    open_stage(&stage, 4);
    add_group(&stage, "/g", &node);
    char path[32];
    for (int i = 0; i < CROWD; i++) {
        snprintf(path, sizeof path, "/g/p%d", i);
        add_pupil(&stage, &pupils[i], path, &policy);
    }
    ask_root(&stage, REQUEST_START_ALL);
    await_event(stage.recorder, "/g", EVENT_READY, 1);
    uint64_t random = 3;
    for (int i = 0; i < CRASHES; i++) {
        snprintf(path, sizeof path, "/g/p%u", (unsigned)random_up_to(&random, CROWD - 1));
        ask_of(&stage, REQUEST_KILL, path); /* Or it is not running just now. */
    }
    await_ready(&stage, "/g");
    assert_int_equal(ask_root(&stage, REQUEST_STOP_ALL), AIRS_OK);
    assert_true(counter_reaches(&stage.ends, 1));
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(atomic_load(&pupils[i].begun), atomic_load(&pupils[i].ended));
    close_stage(&stage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sibling_gets_a_new_instance_in_order),
        cmocka_unit_test(a_predicate_of_the_user_chooses),
        cmocka_unit_test(intensity_used_up_ends_the_supervisor),
        cmocka_unit_test(a_crowd_survives_crashes_in_the_middle_of_its_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
