/* Children that come and go while an application runs, through the public API and with real guests. */
#include "unit/daemon/application_world.h"

#define ECHO "  - { name: echo, component: " GUESTS "/echo.wasm }\n"
#define THREADS 4
#define ROUNDS 25

/* ---- Asking ---- */

/* What a change said, in lines. */
struct said {
    char changes[4096];
    char report[4096];
};

static void
append(char *to, size_t size, const char *format, ...)
{
    size_t used = strlen(to);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to + used, size - used, format, arguments);
    va_end(arguments);
}

static void
on_changed(void *context, const char *what, const char *path)
{
    struct said *said = context;
    append(said->changes, sizeof said->changes, "%s %s\n", what, path);
}

static void
on_report(void *context, const char *line)
{
    struct said *said = context;
    append(said->report, sizeof said->report, "%s\n", line);
}

static enum airs_status
add_text(struct world *world, const char *parent, const char *file, const char *text,
         struct said *said, struct airs_error *error)
{
    struct airs_addition addition = {
        .parent = parent, .text = text, .size = strlen(text), .file = file
    };
    *said = (struct said){ "", "" };
    *error = (struct airs_error){ 0 };
    return airs_application_add(world->application, &addition, on_report, on_changed, said, error);
}

static void
add(struct world *world, const char *parent, const char *text, const char *expected)
{
    struct said said;
    struct airs_error error;
    enum airs_status status = add_text(world, parent, NULL, text, &said, &error);
    if (status != AIRS_OK)
        print_error("%s\n%s", error.message, said.report);
    assert_int_equal(status, AIRS_OK);
    assert_string_equal(said.changes, expected);
}

static void
refuse(struct world *world, const char *parent, const char *text, enum airs_status expected,
       const char *words)
{
    struct said said;
    struct airs_error error;
    assert_int_equal(add_text(world, parent, NULL, text, &said, &error), expected);
    if (!strstr(error.message, words))
        print_error("'%s' is not in '%s'\n", words, error.message);
    assert_non_null(strstr(error.message, words));
    assert_string_equal(said.changes, "");
}

static void
scale(struct world *world, const char *path, uint32_t count, const char *expected)
{
    struct said said = { "", "" };
    struct airs_error error = { 0 };
    assert_int_equal(
        airs_application_scale(world->application, path, count, on_changed, &said, &error),
        AIRS_OK);
    assert_string_equal(said.changes, expected);
}

static void
control(struct world *world, enum airs_verb verb, const char *path, enum airs_status expected)
{
    assert_int_equal(airs_application_control(world->application, verb, path, on_done, world, NULL),
                     AIRS_OK);
    wait_done(world, expected);
}

struct counted {
    struct world *world;
    struct airs_counts counts;
};

static void
on_counted(void *context, enum airs_status status, const struct airs_counts *counts)
{
    struct counted *counted = context;
    if (counts)
        counted->counts = *counts;
    on_done(counted->world, status, NULL, NULL, 0);
}

static struct airs_counts
count(struct world *world, const char *path)
{
    struct counted counted = { .world = world };
    assert_int_equal(airs_application_count(world->application, path, on_counted, &counted, NULL),
                     AIRS_OK);
    wait_done(world, AIRS_OK);
    return counted.counts;
}

/* The place of that event among all; the test fails without it. */
static size_t
place_of(struct world *world, const char *path, const char *event)
{
    pthread_mutex_lock(&world->lock);
    size_t place = (size_t)(last_locked(world, path, event) - world->events);
    pthread_mutex_unlock(&world->lock);
    return place;
}

/* ---- Tests ---- */

static void
a_child_is_added_runs_and_is_deleted(void **state)
{
    struct world *world = *state;
    start(world, ECHO);
    add(world, "/", "{ name: x, component: " GUESTS "/echo.wasm }", "added /x\n");
    wait_for(world, "/x", "ready", 1);
    assert_true(place_of(world, "/x", "added") < place_of(world, "/x", "registered"));
    assert_int_equal(
        airs_application_call(world->application, "/x", "hello", 5, WAIT_US, on_done, world, NULL),
        AIRS_OK);
    wait_done(world, AIRS_OK);
    control(world, AIRS_DELETE, "/x", AIRS_OK);
    wait_for(world, "/x", "deleted", 1);
    struct airs_error error = { 0 };
    assert_int_equal(airs_application_find(world->application, "/x", &error), AIRS_FOUND_NOTHING);
    add(world, "/", "{ name: x, component: " GUESTS "/echo.wasm }", "added /x\n");
    wait_for(world, "/x", "ready", 2);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
}

/* By hand: "add of an existing name: exists, with its state." */
static void
a_name_that_exists_is_answered_with_its_state(void **state)
{
    struct world *world = *state;
    start(world, ECHO);
    wait_for(world, "/echo", "ready", 1);
    refuse(world, "/", "{ name: echo, component: " GUESTS "/echo.wasm }", AIRS_EEXIST,
           "'/echo' exists; it is running");
    add(world, "/", "{ name: x, component: " GUESTS "/echo.wasm }", "added /x\n");
    control(world, AIRS_STOP, "/x", AIRS_OK);
    wait_for(world, "/x", "stopped", 1);
    refuse(world, "/", "{ name: x, component: " GUESTS "/echo.wasm }", AIRS_EEXIST,
           "'/x' exists; it is stopped");
}

static void
a_supervisor_comes_with_all_below_it(void **state)
{
    struct world *world = *state;
    start(world, ECHO);
    add(world, "/",
        "name: web\nstrategy: rest-for-one\nchildren:\n"
        "  - { name: a, component: " GUESTS "/echo.wasm }\n"
        "  - name: deep\n"
        "    children: [{ name: b, component: " GUESTS "/sleeper.wasm, count: 2 }]\n",
        "added /web\nadded /web/a\nadded /web/deep\nadded /web/deep/b#1\nadded /web/deep/b#2\n");
    wait_for(world, "/web", "ready", 1);
    /* It was not started before all below it was registered. */
    assert_true(place_of(world, "/web/deep/b#2", "registered") <
                place_of(world, "/web", "starting"));
    assert_true(place_of(world, "/web/a", "ready") < place_of(world, "/web/deep", "starting"));
    control(world, AIRS_KILL, "/web/a", AIRS_OK);
    wait_for(world, "/web/deep/b#1", "started", 2);
    control(world, AIRS_DELETE, "/web", AIRS_OK);
    wait_for(world, "/web", "deleted", 1);
    assert_int_equal(airs_application_find(world->application, "/web/deep/b#1", NULL),
                     AIRS_FOUND_NOTHING);
    assert_int_equal(count(world, "/").children, 1);
}

static void
what_is_wrong_with_a_child_is_reported_and_nothing_is_added(void **state)
{
    struct world *world = *state;
    struct said said;
    struct airs_error error;
    start(world, ECHO);
    assert_int_equal(
        add_text(world, "/", "job.yaml", "name: job\ncomponnent: x.wasm\n", &said, &error),
        AIRS_EINVAL);
    assert_non_null(strstr(said.report, "job.yaml:2:1: unknown key 'componnent'"));
    assert_int_equal(
        add_text(world, "/", NULL, "{ name: job, component: nowhere.wasm }", &said, &error),
        AIRS_EINVAL);
    assert_non_null(strstr(said.report, "component 'nowhere.wasm': no such file"));
    refuse(world, "/ech", "{ name: x, component: " GUESTS "/echo.wasm }", AIRS_ENOENT,
           "did you mean '/echo'");
    refuse(world, "/echo", "{ name: x, component: " GUESTS "/echo.wasm }", AIRS_EINVAL,
           "'/echo' is a component");
    refuse(world, "/", "{ name: x, component: " GUESTS "/echo.wasm, limits: { memory: 65MiB } }",
           AIRS_ELIMIT, "more than 64MiB");
    refuse(world, "/",
           "name: s\nstrategy: predicate\nchildren:\n  - { name: a, component: " GUESTS
           "/echo.wasm }\n",
           AIRS_EINVAL, "'/s' has 'strategy: predicate'");
    assert_int_equal(count(world, "/").children, 1);
}

static void
a_file_that_cannot_be_loaded_is_a_failed_child(void **state)
{
    struct world *world = *state;
    char text[PATH_MAX + 64], file[PATH_MAX];
    start(world, ECHO);
    temp_dir_file(&world->dir, "broken.wasm", file);
    FILE *broken = fopen(file, "w");
    fputs("no wasm", broken);
    fclose(broken);
    snprintf(text, sizeof text, "{ name: x, component: %s }", file);
    add(world, "/", text, "added /x\n");
    wait_for(world, "/x", "failed", 1);
    assert_string_equal(last(world, "/x", "failed")->reason, "load-error");
}

/* Child states: "temporary never, and a dynamic one is deleted at its end." */
static void
a_temporary_one_is_deleted_at_its_end(void **state)
{
    struct world *world = *state;
    start(world, ECHO);
    add(world, "/", "{ name: job, component: " GUESTS "/hello.wasm, restart: temporary }",
        "added /job\n");
    wait_for(world, "/job", "deleted", 1);
    add(world, "/",
        "{ name: job, component: " GUESTS "/crasher.wasm, args: [trap], restart: temporary }",
        "added /job\n");
    wait_for(world, "/job", "deleted", 2);
    assert_string_equal(last(world, "/job", "deleted")->reason, "trap");
    assert_int_equal(count(world, "/").children, 1);
}

/* Strategies: "dynamic permanent and transient children come back, temporary ones do not." */
static void
those_that_stay_come_back_with_their_supervisor(void **state)
{
    struct world *world = *state;
    start(world, ECHO "  - name: web\n"
                      "    children: [{ name: a, component: " GUESTS "/sleeper.wasm }]\n");
    add(world, "/web", "{ name: p, component: " GUESTS "/sleeper.wasm }", "added /web/p\n");
    add(world, "/web", "{ name: t, component: " GUESTS "/sleeper.wasm, restart: transient }",
        "added /web/t\n");
    add(world, "/web", "{ name: j, component: " GUESTS "/sleeper.wasm, restart: temporary }",
        "added /web/j\n");
    wait_for(world, "/web/p", "started", 1);
    wait_for(world, "/web/t", "started", 1);
    wait_for(world, "/web/j", "started", 1);
    control(world, AIRS_RESTART, "/web", AIRS_OK);
    wait_for(world, "/web/p", "started", 2);
    wait_for(world, "/web/t", "started", 2);
    wait_for(world, "/web/j", "deleted", 1);
    assert_int_equal(count(world, "/web").children, 3);
}

static void
a_template_is_scaled_up_and_down_by_its_highest_numbers(void **state)
{
    struct world *world = *state;
    start(world, ECHO "  - { name: back, component: " GUESTS "/sleeper.wasm, count: 2 }\n");
    scale(world, "/back", 4, "added /back#3\nadded /back#4\n");
    wait_for(world, "/back#1", "started", 1);
    wait_for(world, "/back#4", "started", 1);
    scale(world, "/back", 4, "");
    scale(world, "/back", 1, "deleted /back#4\ndeleted /back#3\ndeleted /back#2\n");
    wait_for(world, "/back#2", "deleted", 1);
    wait_for(world, "/back#3", "deleted", 1);
    wait_for(world, "/back#4", "deleted", 1);
    assert_int_equal(times(world, "/back#1", "stopping"), 0);
    scale(world, "/back", 0, "deleted /back#1\n");
    wait_for(world, "/back#1", "deleted", 1);
    scale(world, "/back", 1, "added /back#1\n");
    wait_for(world, "/back#1", "started", 2);
    struct airs_error error = { 0 };
    assert_int_equal(airs_application_scale(world->application, "/echo", 2, NULL, NULL, &error),
                     AIRS_EINVAL);
    assert_int_equal(airs_application_scale(world->application, "/bakc", 2, NULL, NULL, NULL),
                     AIRS_ENOENT);
    assert_int_equal(
        airs_application_scale(world->application, "/back", UINT32_MAX, NULL, NULL, NULL),
        AIRS_EINVAL);
}

static void
a_member_that_was_deleted_by_hand_leaves_a_gap(void **state)
{
    struct world *world = *state;
    start(world, ECHO "  - { name: back, component: " GUESTS "/sleeper.wasm, count: 3 }\n");
    wait_for(world, "/back#2", "started", 1);
    control(world, AIRS_DELETE, "/back#2", AIRS_OK);
    wait_for(world, "/back#2", "deleted", 1);
    scale(world, "/back", 3, "added /back#4\n");
    refuse(world, "/", "{ name: back, component: " GUESTS "/sleeper.wasm }", AIRS_EEXIST,
           "'/back' exists: it has a count, and 3 children");
}

/* `max-children` counts all children of that supervisor, however they came. */
static void
a_supervisor_has_at_most_max_children(void **state)
{
    struct world *world = *state;
    start(world,
          ECHO "  - name: web\n    max-children: 3\n"
               "    children: [{ name: a, component: " GUESTS "/sleeper.wasm, count: 2 }]\n");
    scale(world, "/web/a", 3, "added /web/a#3\n");
    refuse(world, "/web", "{ name: x, component: " GUESTS "/sleeper.wasm }", AIRS_ELIMIT,
           "'/web' has 3 children, and its 'max-children' is 3");
    struct airs_error error = { 0 };
    assert_int_equal(airs_application_scale(world->application, "/web/a", 4, NULL, NULL, &error),
                     AIRS_ELIMIT);
    assert_int_equal(count(world, "/web").children, 3);
    scale(world, "/web/a", 2, "deleted /web/a#3\n");
    wait_for(world, "/web/a#3", "deleted", 1);
    add(world, "/web", "{ name: x, component: " GUESTS "/sleeper.wasm }", "added /web/x\n");
    wait_for(world, "/web/a#1", "started", 1);
    wait_for(world, "/web/a#2", "started", 1);
    wait_for(world, "/web/x", "started", 1);
    struct airs_counts counts = count(world, "/web");
    assert_int_equal(counts.children, 3);
    assert_int_equal(counts.running, 3);
}

/* ---- A predicate of the program's own ---- */

/* Those whose names begin alike belong together. */
static bool
begins_alike(void *context, const char *supervisor, const char *failed, const char *candidate)
{
    (void)context;
    size_t size = strlen(supervisor);
    return failed[size + 1] == candidate[size + 1];
}

static void
a_predicate_of_the_programs_says_who_is_taken_along(void **state)
{
    struct world *world = *state;
    world->affects = begins_alike;
    start(world, ECHO "  - name: web\n    strategy: predicate\n    children:\n"
                      "      - { name: a1, component: " GUESTS "/echo.wasm }\n"
                      "      - { name: b1, component: " GUESTS "/echo.wasm }\n"
                      "      - { name: a2, component: " GUESTS "/echo.wasm }\n");
    wait_for(world, "/web", "ready", 1);
    control(world, AIRS_KILL, "/web/a1", AIRS_OK);
    wait_for(world, "/web/a1", "ready", 2);
    wait_for(world, "/web/a2", "ready", 2); /* The last of them. */
    assert_int_equal(times(world, "/web/b1", "stopping"), 0);
    assert_int_equal(times(world, "/web/b1", "started"), 1);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
}

static void
a_predicate_that_nobody_gives_is_refused(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    FILE *file = fopen(world->manifest, "w");
    fputs("name: test\nstrategy: predicate\nchildren:\n" ECHO, file);
    fclose(file);
    struct airs_application_options options = { .manifest_path = world->manifest,
                                                .cache_dir = cache.path };
    struct airs_application *application = NULL;
    assert_int_equal(airs_application_load(&options, NULL, NULL, &application, &error),
                     AIRS_EINVAL);
    assert_non_null(strstr(error.message, "airs.yaml:1: '/' has 'strategy: predicate'"));
}

/* ---- Many at once ---- */

struct task {
    struct world *world;
    pthread_t thread;
    unsigned added, existed, deleted, others;
};

static void
ignore_done(void *context, enum airs_status status, const char *text, const void *bytes,
            size_t size)
{
    (void)context, (void)status, (void)text, (void)bytes, (void)size;
}

/* Adds the one name and deletes it; each answer is one of those that are defined. */
static void *
add_and_delete(void *context)
{
    struct task *task = context;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct said said;
        struct airs_error error;
        enum airs_status status = add_text(
            task->world, "/", NULL, "{ name: x, component: " GUESTS "/echo.wasm }", &said, &error);
        task->added += status == AIRS_OK;
        task->existed += status == AIRS_EEXIST;
        task->others += status != AIRS_OK && status != AIRS_EEXIST;
        status = airs_application_control(task->world->application, AIRS_DELETE, "/x", ignore_done,
                                          task, NULL);
        task->deleted += status == AIRS_OK;
        task->others += status != AIRS_OK && status != AIRS_ENOENT;
    }
    return NULL;
}

/* Bad input: "add and delete of the same child from many threads." */
static void
the_same_name_is_added_and_deleted_by_many_at_once(void **state)
{
    struct world *world = *state;
    struct task tasks[THREADS] = { 0 };
    unsigned added = 0;
    start(world, ECHO);
    for (unsigned i = 0; i < THREADS; i++) {
        tasks[i].world = world;
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, add_and_delete, &tasks[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(tasks[i].thread, NULL);
        assert_int_equal(tasks[i].others, 0);
        assert_int_equal(tasks[i].added + tasks[i].existed, ROUNDS);
        added += tasks[i].added;
    }
    assert_true(added > 0);
    wait_for(world, "/x", "deleted", added); /* Each that came has gone, and none twice. */
    assert_int_equal(times(world, "/x", "added"), added);
    assert_int_equal(times(world, "/x", "deleted"), added);
    assert_int_equal(count(world, "/").children, 1);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_child_is_added_runs_and_is_deleted),
        ONE(a_name_that_exists_is_answered_with_its_state),
        ONE(a_supervisor_comes_with_all_below_it),
        ONE(what_is_wrong_with_a_child_is_reported_and_nothing_is_added),
        ONE(a_file_that_cannot_be_loaded_is_a_failed_child),
        ONE(a_temporary_one_is_deleted_at_its_end),
        ONE(those_that_stay_come_back_with_their_supervisor),
        ONE(a_template_is_scaled_up_and_down_by_its_highest_numbers),
        ONE(a_member_that_was_deleted_by_hand_leaves_a_gap),
        ONE(a_supervisor_has_at_most_max_children),
        ONE(a_predicate_of_the_programs_says_who_is_taken_along),
        ONE(a_predicate_that_nobody_gives_is_refused),
        ONE(the_same_name_is_added_and_deleted_by_many_at_once),
    };
    return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
