/* Members of a `count` that come and go, and who depends on them, through the public API. */
#include "unit/daemon/application_world.h"

#define THREADS 4
#define ROUNDS 12
#define BACK "  - { name: back, component: " GUESTS "/echo.wasm, count: 2 }\n"
#define WEB "  - { name: web, component: " GUESTS "/echo.wasm, depends-on: [/back] }\n"

static enum airs_status
scale(struct world *world, const char *path, uint32_t count, struct airs_error *error)
{
    *error = (struct airs_error){ 0 };
    return airs_application_scale(world->application, path, count, NULL, NULL, error);
}

static void
scale_to(struct world *world, const char *path, uint32_t count)
{
    struct airs_error error;
    if (scale(world, path, count, &error) != AIRS_OK)
        fail_msg("%s", error.message);
}

static void
add(struct world *world, const char *text)
{
    struct airs_error error = { 0 };
    struct airs_addition addition = { .parent = "/", .text = text, .size = strlen(text) };
    if (airs_application_add(world->application, &addition, NULL, NULL, NULL, &error) != AIRS_OK)
        fail_msg("%s", error.message);
}

struct shown {
    struct world *world;
    char depends_on[512];
};

static void
on_child(void *context, const struct airs_child *child)
{
    struct shown *shown = context;
    copy(shown->depends_on, sizeof shown->depends_on, child->depends_on);
}

static void
on_shown(void *context, enum airs_status status, const char *text, const void *bytes, size_t size)
{
    struct shown *shown = context;
    on_done(shown->world, status, text, bytes, size);
}

static void
assert_depends_on(struct world *world, const char *path, const char *expected)
{
    struct shown shown = { .world = world };
    assert_int_equal(
        airs_application_get(world->application, path, on_child, on_shown, &shown, NULL), AIRS_OK);
    wait_done(world, AIRS_OK);
    assert_string_equal(shown.depends_on, expected);
}

static void
who_depends_on_a_name_depends_on_the_members_that_there_are(void **state)
{
    struct world *world = *state;
    start(world, BACK WEB);
    wait_for(world, "/web", "ready", 1);
    assert_depends_on(world, "/web", "/back#1 /back#2");
    scale_to(world, "/back", 3);
    assert_depends_on(world, "/web", "/back#1 /back#2 /back#3");
    assert_int_equal(
        airs_application_control(world->application, AIRS_DELETE, "/back#2", on_done, world, NULL),
        AIRS_OK);
    wait_done(world, AIRS_OK);
    wait_for(world, "/web", "reloaded", 2);
    assert_depends_on(world, "/web", "/back#1 /back#3");
    scale_to(world, "/back", 1);
    assert_depends_on(world, "/web", "/back#1");
    scale_to(world, "/back", 0);
    assert_depends_on(world, "/web", "");
    assert_string_equal(last(world, "/web", "reloaded")->detail, "live: depends-on");
    wait_for(world, "/back#1", "deleted", 1);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
}

static void
a_count_is_deleted_with_its_name(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    start(world, BACK WEB);
    wait_for(world, "/web", "ready", 1);
    assert_int_equal(airs_application_find(world->application, "/back", NULL), AIRS_FOUND_TEMPLATE);
    assert_int_equal(
        airs_application_delete_template(world->application, "/web", NULL, NULL, &error),
        AIRS_EINVAL);
    assert_int_equal(
        airs_application_delete_template(world->application, "/back", NULL, NULL, NULL), AIRS_OK);
    assert_int_equal(airs_application_find(world->application, "/back", NULL), AIRS_FOUND_NOTHING);
    assert_depends_on(world, "/web", "/back");
    assert_int_equal(
        airs_application_delete_template(world->application, "/back", NULL, NULL, NULL),
        AIRS_ENOENT);
    wait_for(world, "/back#1", "deleted", 1);
    wait_for(world, "/back#2", "deleted", 1);
    add(world, "{ name: back, component: " GUESTS "/echo.wasm, count: 1 }");
    assert_depends_on(world, "/web", "/back#1");
}

/* 11 that depend on 100,000. */
static void
more_dependencies_than_a_manifest_can_have_are_refused(void **state)
{
    struct world *world = *state;
    struct airs_error error;
    start(world, BACK "  - { name: web, component: " GUESTS "/sleeper.wasm, count: 11, "
                      "depends-on: [/back] }\n");
    assert_int_equal(scale(world, "/back", 100000, &error), AIRS_ELIMIT);
    assert_non_null(strstr(error.message, "more than 1000000 dependencies"));
    assert_depends_on(world, "/web#11", "/back#1 /back#2");
}

/* /web depends on the name, whose members are to depend on /web. */
static void
a_circle_through_a_name_that_comes_back_is_refused(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    static const char text[] =
        "{ name: back, component: " GUESTS "/echo.wasm, count: 1, depends-on: [/web] }";
    struct airs_addition addition = { .parent = "/", .text = text, .size = strlen(text) };
    start(world, BACK WEB);
    assert_int_equal(
        airs_application_delete_template(world->application, "/back", NULL, NULL, NULL), AIRS_OK);
    wait_for(world, "/back#1", "deleted", 1);
    wait_for(world, "/back#2", "deleted", 1);
    assert_int_equal(airs_application_add(world->application, &addition, NULL, NULL, NULL, &error),
                     AIRS_EINVAL);
    assert_non_null(strstr(error.message, "a cycle of dependencies: "));
}

/* ---- Many at once ---- */

struct task {
    struct world *world;
    pthread_t thread;
    unsigned number;
    unsigned others; /* Answers that nobody has said would come. */
};

static void
ignore_done(void *context, enum airs_status status, const char *text, const void *bytes,
            size_t size)
{
    (void)context, (void)status, (void)text, (void)bytes, (void)size;
}

static enum airs_status
add_back(struct airs_application *application)
{
    const char *text = "{ name: back, component: " GUESTS "/echo.wasm, count: 2 }";
    struct airs_addition addition = { .parent = "/", .text = text, .size = strlen(text) };
    return airs_application_add(application, &addition, NULL, NULL, NULL, NULL);
}

static void *
come_and_go(void *context)
{
    struct task *task = context;
    struct airs_application *application = task->world->application;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct airs_error error = { 0 };
        enum airs_status status = airs_application_scale(
            application, "/back", (i + task->number) % 5, NULL, NULL, &error);
        task->others += status != AIRS_OK && status != AIRS_ENOENT;
        status =
            airs_application_control(application, AIRS_DELETE, "/back#2", ignore_done, NULL, NULL);
        task->others += status != AIRS_OK && status != AIRS_ENOENT;
        if (task->number == 0 && i % 4 == 3)
            airs_application_delete_template(application, "/back", NULL, NULL, NULL);
        status = add_back(application);
        task->others += status != AIRS_OK && status != AIRS_EEXIST;
    }
    return NULL;
}

static void
members_come_and_go_by_many_at_once(void **state)
{
    struct world *world = *state;
    struct task tasks[THREADS] = { 0 };
    start(world, BACK WEB);
    for (unsigned i = 0; i < THREADS; i++) {
        tasks[i] = (struct task){ .world = world, .number = i };
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, come_and_go, &tasks[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(tasks[i].thread, NULL);
        assert_int_equal(tasks[i].others, 0);
    }
    /* The last to delete it may have found the old members still going. */
    while (airs_application_find(world->application, "/back", NULL) != AIRS_FOUND_TEMPLATE)
        add_back(world->application);
    scale_to(world, "/back", 1);
    char only[32] = "";
    struct shown shown = { .world = world };
    assert_int_equal(
        airs_application_get(world->application, "/web", on_child, on_shown, &shown, NULL),
        AIRS_OK);
    wait_done(world, AIRS_OK);
    assert_int_equal(sscanf(shown.depends_on, "%31s", only), 1);
    assert_string_equal(shown.depends_on, only);
    assert_int_equal(airs_application_find(world->application, only, NULL), AIRS_FOUND_COMPONENT);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(who_depends_on_a_name_depends_on_the_members_that_there_are),
        ONE(a_count_is_deleted_with_its_name),
        ONE(more_dependencies_than_a_manifest_can_have_are_refused),
        ONE(a_circle_through_a_name_that_comes_back_is_refused),
        ONE(members_come_and_go_by_many_at_once),
    };
    return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
