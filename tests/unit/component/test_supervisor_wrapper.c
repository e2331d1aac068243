/* Supervisor wrapper: creation, policies that arrive unchanged, and paths that find their child.
 *
 * The tree is of supervisors alone (no engine): a kill ends one as `killed`, and its parent does
 * what the policy says.
 */
#include "testing.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "component/supervisor_wrapper.h"
#include "policy/supervisor_config.h"
#include "unit/runtime/supervisor_testing.h"

#define CHILDREN_MAX 300

struct rig {
    struct actor_system *system;
    struct supervisor_wrapper *wrapper;
    struct supervisor_bridge *bridge;
    struct recorder *recorder;
    struct supervisor_config configs[CHILDREN_MAX];
    size_t children;
    struct idle_watch {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool idle, any_failed; /* What the root said last. */
    } idle_watch;
};

static void
note_root_idle(void *context, bool idle, bool any_failed)
{
    struct idle_watch *watch = context;

    pthread_mutex_lock(&watch->lock);
    watch->idle = idle;
    watch->any_failed = any_failed;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

static void
rig_open(struct rig *rig)
{
    *rig = (struct rig){ .system = new_system(&(struct actor_system_options){ .workers = 2 }) };
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    rig->recorder = new_recorder();
    pthread_mutex_init(&rig->idle_watch.lock, NULL);
    pthread_cond_init(&rig->idle_watch.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    struct supervisor_wrapper_options options = {
        .system = rig->system, .seed = 1, .on_idle = note_root_idle, .context = &rig->idle_watch
    };
    assert_int_equal(supervisor_wrapper_new(&options, &rig->wrapper, NULL), AIRS_OK);
    /* Behind the wrapper's own sink: what a test has seen, the bridge knows. */
    event_log_add_sink(actor_system_event_log(rig->system), record, rig->recorder, NULL);
    rig->bridge = supervisor_wrapper_bridge(rig->wrapper);
    assert_int_equal(actor_system_start(rig->system, NULL), AIRS_OK);
}

struct waited {
    struct counter times;
    enum airs_status status;
};

static void
waited_for(void *context, enum airs_status status, const char *text)
{
    struct waited *waited = context;

    (void)text;
    waited->status = status;
    counter_add(&waited->times, 1);
}

/* The answer to one verb of the bridge, by `CALL(..., completion)`. */
#define ANSWER_OF(verb, ...)                                                        \
    __extension__({                                                                 \
        struct waited waited_ = { .status = AIRS_EFAILED };                         \
        counter_init(&waited_.times);                                               \
        rig->bridge->ops->verb(rig->bridge, ##__VA_ARGS__,                          \
                               (struct bridge_completion){ waited_for, &waited_ }); \
        assert_true(counter_reaches(&waited_.times, 1));                            \
        counter_deinit(&waited_.times);                                             \
        waited_.status;                                                             \
    })

static void
rig_close(struct rig *rig)
{
    ANSWER_OF(stop_all, 10 * US_PER_S);
    actor_system_stop(rig->system);
    event_log_remove_sink(actor_system_event_log(rig->system), record, rig->recorder);
    supervisor_wrapper_free(rig->wrapper);
    actor_system_free(rig->system);
    free_recorder(rig->recorder);
    pthread_mutex_destroy(&rig->idle_watch.lock);
    pthread_cond_destroy(&rig->idle_watch.changed);
}

static void
add(struct rig *rig, const char *parent, const char *path, struct supervisor_config config)
{
    assert_true(rig->children < CHILDREN_MAX);
    rig->configs[rig->children] = config;
    struct bridge_child child = { .parent_path = parent,
                                  .path = path,
                                  .config = &rig->configs[rig->children++] };
    assert_int_equal(rig->bridge->ops->register_component(rig->bridge, &child, NULL), AIRS_OK);
}

static struct supervisor_config
config_of(enum restart_policy restart)
{
    struct backoff backoff = backoff_linear(7000, 7000);

    backoff.jitter = 0;
    return supervisor_config_with_backoff(
        supervisor_config_with_restart(supervisor_config_default_supervisor(), restart), backoff);
}

static struct supervision_view seen[CHILDREN_MAX];
static size_t seen_count;

static void
listed(void *context, enum airs_status status, const struct supervision_view *views, size_t count)
{
    struct waited *waited = context;

    seen_count = count;
    for (size_t i = 0; i < count && i < CHILDREN_MAX; i++)
        seen[i] = views[i];
    waited->status = status;
    counter_add(&waited->times, 1);
}

static enum airs_status
list_of(struct rig *rig, const char *path)
{
    struct waited waited = { .status = AIRS_EFAILED };

    counter_init(&waited.times);
    rig->bridge->ops->list(rig->bridge, path, (struct bridge_listing){ listed, &waited });
    assert_true(counter_reaches(&waited.times, 1));
    counter_deinit(&waited.times);
    return waited.status;
}

/* ---- Creation. ---- */

static void
test_wrapper_creation(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    component_supervision_state shown;

    rig_open(rig);
    assert_int_equal(list_of(rig, NULL), AIRS_OK);
    assert_int_equal(seen_count, 0);
    assert_false(rig->bridge->ops->get_component_state(rig->bridge, "/a", &shown));
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    rig_close(rig);
}

static void
test_wrapper_creation_of_a_second_root_is_refused(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    struct supervisor_wrapper *second = NULL;

    rig_open(rig);
    struct supervisor_wrapper_options options = { .system = rig->system, .seed = 1 };
    assert_int_equal(supervisor_wrapper_new(&options, &second, NULL), AIRS_EEXIST);
    assert_null(second);
    add(rig, "/", "/s", config_of(RESTART_PERMANENT)); /* The first one serves as before. */
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    await_event(rig->recorder, "/s", EVENT_READY, 1);
    rig_close(rig);
}

/* ---- Conversion: what layer 1 says is what layer 3 does. ---- */

/* Restart: "`permanent` always, `transient` after an abnormal exit, `temporary` never". */
static void
test_restart_policy_conversion(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    static const struct {
        const char *path;
        enum restart_policy restart;
        const char *name;
        enum event_type then;
    } cases[] = {
        { "/permanent", RESTART_PERMANENT, "permanent", EVENT_RESTART_SCHEDULED },
        { "/transient", RESTART_TRANSIENT, "transient", EVENT_RESTART_SCHEDULED },
        { "/temporary", RESTART_TEMPORARY, "temporary", EVENT_STOPPED },
    };

    rig_open(rig);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(restart_policy_name(cases[i].restart), cases[i].name);
        add(rig, "/", cases[i].path, config_of(cases[i].restart));
        assert_int_equal(rig->configs[i].policy.restart, cases[i].restart);
    }
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    for (size_t i = 0; i < 3; i++) {
        await_event(rig->recorder, cases[i].path, EVENT_READY, 1);
        assert_int_equal(ANSWER_OF(kill_component, cases[i].path), AIRS_OK);
        assert_int_equal(await_event(rig->recorder, cases[i].path, EVENT_EXITED, 1)->exit.reason,
                         EXIT_KILLED);
        await_event(rig->recorder, cases[i].path, cases[i].then, 1);
    }
    await_event(rig->recorder, "/permanent", EVENT_READY, 2);
    await_event(rig->recorder, "/transient", EVENT_READY, 2);
    assert_int_equal(count_events(rig->recorder, "/temporary", EVENT_STARTING), 1);
    rig_close(rig);
}

/* Restart: "granted if fewer than `max-restarts` earlier grants". */
static void
test_restart_budget_conversion(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;

    rig_open(rig);
    add(rig, "/", "/s", supervisor_config_with_max_restarts(config_of(RESTART_PERMANENT), 2));
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    for (unsigned n = 1; n <= 3; n++) {
        await_event(rig->recorder, "/s", EVENT_READY, n);
        assert_int_equal(ANSWER_OF(kill_component, "/s"), AIRS_OK);
    }
    const struct event *failed = await_event(rig->recorder, "/s", EVENT_FAILED, 1);
    assert_int_equal(failed->restarts, 2);
    assert_int_equal(list_of(rig, "/s"), AIRS_OK);
    assert_int_equal(seen[0].budget_allowed, 2);
    assert_int_equal(seen[0].budget_used, 2);
    rig_close(rig);
}

/* Restart: "`linear` n·initial …, saturating at `max`". */
static void
test_restart_backoff_conversion(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    struct backoff backoff = backoff_linear(4000, 6000);

    backoff.jitter = 0;
    rig_open(rig);
    add(rig, "/", "/s", supervisor_config_with_backoff(config_of(RESTART_PERMANENT), backoff));
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    for (unsigned n = 1; n <= 2; n++) {
        await_event(rig->recorder, "/s", EVENT_READY, n);
        assert_int_equal(ANSWER_OF(kill_component, "/s"), AIRS_OK);
        const struct event *event = await_event(rig->recorder, "/s", EVENT_RESTART_SCHEDULED, n);
        assert_int_equal(event->delay_us, n == 1 ? 4000 : 6000);
        assert_int_equal(event->restarts, n);
    }
    assert_int_equal(list_of(rig, "/s"), AIRS_OK);
    assert_int_equal(seen[0].attempt, 2);
    rig_close(rig);
}

/* ---- Mapping: a path and its child. ---- */

static void
test_mapping_finds_each_child_by_its_path(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    component_supervision_state shown;
    char path[32];

    rig_open(rig);
    for (unsigned i = 0; i < 250; i++) {
        snprintf(path, sizeof path, "/s%u", i);
        add(rig, "/", path, config_of(RESTART_PERMANENT));
    }
    assert_int_equal(list_of(rig, NULL), AIRS_OK);
    assert_int_equal(seen_count, 250);
    for (unsigned i = 0; i < 250; i++) {
        snprintf(path, sizeof path, "/s%u", i);
        assert_true(rig->bridge->ops->get_component_state(rig->bridge, path, &shown));
        assert_int_equal(shown, CHILD_REGISTERED);
        assert_int_equal(list_of(rig, path), AIRS_OK);
        assert_int_equal(seen_count, 1);
        assert_ptr_equal(seen[0].config, &rig->configs[i]);
    }
    assert_false(rig->bridge->ops->get_component_state(rig->bridge, "/s250", &shown));
    assert_false(rig->bridge->ops->get_component_state(rig->bridge, "/s", &shown));
    rig_close(rig);
}

/* By hand: "add of an existing name: \"exists\"". */
static void
test_mapping_takes_a_path_once(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    struct supervisor_config config = config_of(RESTART_TEMPORARY);

    rig_open(rig);
    add(rig, "/", "/s", config_of(RESTART_PERMANENT));
    struct bridge_child again = { .parent_path = "/", .path = "/s", .config = &config };
    assert_int_equal(rig->bridge->ops->register_component(rig->bridge, &again, NULL), AIRS_EEXIST);
    assert_int_equal(list_of(rig, "/s"), AIRS_OK);
    assert_ptr_equal(seen[0].config, &rig->configs[0]);
    struct bridge_child orphan = { .parent_path = "/none", .path = "/none/s", .config = &config };
    assert_int_equal(rig->bridge->ops->register_component(rig->bridge, &orphan, NULL), AIRS_ENOENT);
    assert_int_equal(list_of(rig, "/none/s"), AIRS_ENOENT);
    rig_close(rig);
}

/* Three layers: "Stopping a component keeps it listed." */
static void
test_mapping_outlives_instances(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    component_supervision_state shown;

    rig_open(rig);
    add(rig, "/", "/s", config_of(RESTART_PERMANENT));
    add(rig, "/s", "/s/inner", config_of(RESTART_PERMANENT));
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    await_event(rig->recorder, "/s/inner", EVENT_READY, 1);
    assert_int_equal(ANSWER_OF(kill_component, "/s"), AIRS_OK);
    await_event(rig->recorder, "/s/inner", EVENT_READY, 2);
    assert_int_equal(list_of(rig, "/s/inner"), AIRS_OK);
    assert_int_equal(seen[0].generation, 2);
    assert_ptr_equal(seen[0].config, &rig->configs[1]);
    assert_int_equal(ANSWER_OF(stop_component, "/s", DURATION_INFINITE), AIRS_OK);
    await_event(rig->recorder, "/s", EVENT_STOPPED, 1);
    assert_true(rig->bridge->ops->get_component_state(rig->bridge, "/s", &shown));
    assert_int_equal(shown, CHILD_STOPPED);
    assert_int_equal(ANSWER_OF(start_component, "/s"), AIRS_OK);
    await_event(rig->recorder, "/s/inner", EVENT_READY, 3);
    rig_close(rig);
}

/* ---- Idle: whether a child is failed, however deep. ---- */

/* A child that comes makes the root busy and then idle again, which it says with what it knows. */
static void
assert_idle_with_failed(struct rig *rig, const char *new_path, bool any_failed)
{
    struct idle_watch *watch = &rig->idle_watch;
    struct timespec until = patience_end();

    add(rig, "/", new_path, config_of(RESTART_PERMANENT));
    pthread_mutex_lock(&watch->lock);
    while (!(watch->idle && watch->any_failed == any_failed))
        if (pthread_cond_timedwait(&watch->changed, &watch->lock, &until) != 0)
            break;
    assert_true(watch->idle);
    assert_int_equal(watch->any_failed, any_failed);
    pthread_mutex_unlock(&watch->lock);
}

static void
fail_inner(struct rig *rig, unsigned nth)
{
    assert_int_equal(ANSWER_OF(kill_component, "/s/inner"), AIRS_OK);
    await_event(rig->recorder, "/s/inner", EVENT_FAILED, nth);
}

static void
test_idle_counts_who_is_failed(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    struct supervisor_config breaks =
        supervisor_config_with_max_restarts(config_of(RESTART_PERMANENT), 0);

    rig_open(rig);
    add(rig, "/", "/s", config_of(RESTART_PERMANENT));
    add(rig, "/s", "/s/inner", breaks);
    add(rig, "/s", "/s/other", breaks);
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    await_event(rig->recorder, "/s/inner", EVENT_READY, 1);
    await_event(rig->recorder, "/s/other", EVENT_READY, 1);
    assert_idle_with_failed(rig, "/a", false);
    fail_inner(rig, 1);
    assert_idle_with_failed(rig, "/b", true);
    assert_int_equal(ANSWER_OF(start_component, "/s/inner"), AIRS_OK); /* It is no more. */
    await_event(rig->recorder, "/s/inner", EVENT_READY, 2);
    assert_idle_with_failed(rig, "/c", false);
    fail_inner(rig, 2);
    assert_int_equal(ANSWER_OF(kill_component, "/s/other"), AIRS_OK);
    await_event(rig->recorder, "/s/other", EVENT_FAILED, 1);
    assert_int_equal(ANSWER_OF(delete_component, "/s/inner"), AIRS_OK);
    await_event(rig->recorder, "/s/inner", EVENT_DELETED, 1);
    assert_idle_with_failed(rig, "/d", true); /* One of two is left. */
    assert_int_equal(ANSWER_OF(delete_component, "/s"), AIRS_OK);
    await_event(rig->recorder, "/s", EVENT_DELETED, 1);
    assert_idle_with_failed(rig, "/e", false); /* It went with its supervisor. */
    rig_close(rig);
}

/* ---- Ties: a supervisor stops when those are down that depend on what is below it. ---- */

static struct supervisor_config
depending_on(const char *const *path)
{
    struct supervisor_config config = config_of(RESTART_PERMANENT);

    config.depends_on = path;
    config.depends_on_size = path ? 1 : 0;
    return config;
}

/* Ends the tree; whether "/b" was asked to stop only when "/a" was down, or with it. */
static bool
b_waits_for_a(struct rig *rig)
{
    assert_int_equal(ANSWER_OF(stop_all, 10 * US_PER_S), AIRS_OK);
    uint64_t asked = await_event(rig->recorder, "/b", EVENT_STOPPING, 1)->seq;
    uint64_t a_down = await_event(rig->recorder, "/a", EVENT_STOPPED, 1)->seq;
    return asked > a_down;
}

static const char *const B_INNER[] = { "/b/y" };

static void
open_tied(struct rig *rig)
{
    rig_open(rig);
    add(rig, "/", "/b", config_of(RESTART_PERMANENT));
    add(rig, "/b", "/b/y", config_of(RESTART_PERMANENT));
    add(rig, "/", "/a", config_of(RESTART_PERMANENT));
    add(rig, "/a", "/a/x", depending_on(B_INNER));
    add(rig, "/a", "/a/w", config_of(RESTART_PERMANENT));
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    await_event(rig->recorder, "/a/x", EVENT_READY, 1);
}

static void
delete_child(struct rig *rig, const char *path)
{
    assert_int_equal(ANSWER_OF(delete_component, path), AIRS_OK);
    await_event(rig->recorder, path, EVENT_DELETED, 1);
}

static void
change_dependency(struct rig *rig, const char *path, const char *const *to)
{
    rig->configs[rig->children] = depending_on(to);
    struct bridge_change change = { .config = &rig->configs[rig->children++] };
    assert_int_equal(rig->bridge->ops->change_component(rig->bridge, path, &change, NULL, NULL),
                     AIRS_OK);
}

static void
test_tie_orders_the_stops_of_supervisors(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;

    open_tied(rig);
    assert_true(b_waits_for_a(rig));
    rig_close(rig);
}

static void
test_tie_goes_with_its_dependant(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;

    open_tied(rig);
    delete_child(rig, "/a/x");
    assert_false(b_waits_for_a(rig));
    rig_close(rig);
}

static void
test_tie_goes_with_its_dependency(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;

    open_tied(rig);
    change_dependency(rig, "/a/x", NULL);
    assert_false(b_waits_for_a(rig));
    rig_close(rig);
}

static void
test_tie_stays_while_one_depends(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;

    open_tied(rig);
    change_dependency(rig, "/a/w", B_INNER);
    delete_child(rig, "/a/x");
    assert_true(b_waits_for_a(rig));
    rig_close(rig);
}

static void
test_tie_that_was_turned_round_holds_as_it_is_now(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;
    static const char *const a_inner[] = { "/a/w" };

    open_tied(rig);
    change_dependency(rig, "/a/x", NULL);
    change_dependency(rig, "/b/y", a_inner);
    assert_int_equal(ANSWER_OF(stop_all, 10 * US_PER_S), AIRS_OK);
    assert_true(await_event(rig->recorder, "/a", EVENT_STOPPING, 1)->seq >
                await_event(rig->recorder, "/b", EVENT_STOPPED, 1)->seq);
    rig_close(rig);
}

static void
test_tie_comes_with_a_supervisor_that_is_attached(void **state)
{
    (void)state;
    struct rig opened, *rig = &opened;

    rig_open(rig);
    add(rig, "/", "/b", config_of(RESTART_PERMANENT));
    add(rig, "/b", "/b/y", config_of(RESTART_PERMANENT));
    assert_int_equal(ANSWER_OF(start_all), AIRS_OK);
    rig->configs[rig->children] = config_of(RESTART_PERMANENT);
    struct bridge_child apart = { .parent_path = "/",
                                  .path = "/a",
                                  .config = &rig->configs[rig->children++],
                                  .is_apart = true,
                                  .is_dynamic = true };
    assert_int_equal(rig->bridge->ops->register_component(rig->bridge, &apart, NULL), AIRS_OK);
    add(rig, "/a", "/a/x", depending_on(B_INNER));
    assert_int_equal(rig->bridge->ops->attach_component(rig->bridge, "/a", NULL), AIRS_OK);
    await_event(rig->recorder, "/a", EVENT_READY, 1);
    assert_true(b_waits_for_a(rig));
    rig_close(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapper_creation),
        cmocka_unit_test(test_wrapper_creation_of_a_second_root_is_refused),
        cmocka_unit_test(test_restart_policy_conversion),
        cmocka_unit_test(test_restart_budget_conversion),
        cmocka_unit_test(test_restart_backoff_conversion),
        cmocka_unit_test(test_mapping_finds_each_child_by_its_path),
        cmocka_unit_test(test_mapping_takes_a_path_once),
        cmocka_unit_test(test_mapping_outlives_instances),
        cmocka_unit_test(test_idle_counts_who_is_failed),
        cmocka_unit_test(test_tie_orders_the_stops_of_supervisors),
        cmocka_unit_test(test_tie_goes_with_its_dependant),
        cmocka_unit_test(test_tie_goes_with_its_dependency),
        cmocka_unit_test(test_tie_stays_while_one_depends),
        cmocka_unit_test(test_tie_that_was_turned_round_holds_as_it_is_now),
        cmocka_unit_test(test_tie_comes_with_a_supervisor_that_is_attached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
