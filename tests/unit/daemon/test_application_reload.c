/* Reload through the public API: a manifest that changes under an application of real guests. */
#include "unit/daemon/application_world.h"

#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define ECHO(name, keys) "  - { name: " name ", component: " GUESTS "/echo.wasm" keys " }\n"

static char differences[4096], reported[2048];

static void
on_difference(void *context, const struct airs_difference *difference)
{
    (void)context;
    size_t size = strlen(differences);
    snprintf(differences + size, sizeof differences - size, "%s\n", difference->text);
}

static void
on_report(void *context, const char *line)
{
    (void)context;
    size_t size = strlen(reported);
    snprintf(reported + size, sizeof reported - size, "%s\n", line);
}

static void
write_manifest(const struct world *world, const char *text)
{
    FILE *file = fopen(world->manifest, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static enum airs_status
reload_text(struct world *world, const char *text, bool dry_run, struct airs_error *error)
{
    const struct airs_reload reload = { .dry_run = dry_run,
                                        .differs = on_difference,
                                        .report = on_report };
    differences[0] = reported[0] = '\0';
    write_manifest(world, text);
    return airs_application_reload(world->application, &reload, error);
}

/* Reloads with these children, and compares what is said. */
static void
assert_reloads(struct world *world, const char *children, enum airs_status expected,
               const char *lines)
{
    char text[8192];
    struct airs_error error = { 0 };
    snprintf(text, sizeof text, "name: test\nchildren:\n%s", children);
    enum airs_status status = reload_text(world, text, false, &error);
    if (status != expected)
        print_error("%s\n", error.message);
    assert_int_equal(status, expected);
    assert_string_equal(differences, lines);
}

static void
assert_says(struct world *world, const char *path, const char *message, const char *expected)
{
    assert_int_equal(airs_application_call(world->application, path, message, strlen(message),
                                           WAIT_US, on_done, world, NULL),
                     AIRS_OK);
    wait_done(world, AIRS_OK);
    assert_string_equal(world->answer, expected);
}

/* The component code.wasm, beside the manifest, is a guest's from now on. */
static void
put_code(struct world *world, const char *guest)
{
    char path[PATH_MAX], command[2 * PATH_MAX + 64];
    snprintf(command, sizeof command, "cp %s/%s.wasm %s", GUESTS, guest,
             temp_dir_file(&world->dir, "code.wasm", path));
    assert_int_equal(system(command), 0);
}

/* ---- Tests ---- */

static void
only_what_has_changed_is_touched(void **state)
{
    struct world *world = *state;
    start(world, ECHO("same", "") ECHO("live", "") ECHO("other", "") ECHO("gone", ""));
    static const char *const all[] = { "/same", "/live", "/other", "/gone" };
    for (size_t i = 0; i < 4; i++)
        wait_for(world, all[i], "ready", 1);
    assert_reloads(world,
                   ECHO("same", "") ECHO("live", ", max-restarts: 7")
                       ECHO("other", ", environment: { M: x }") ECHO("new", ""),
                   AIRS_OK,
                   "- /gone\n~ /live live: max-restarts\n~ /other restarts: environment\n+ /new\n");
    wait_for(world, "/other", "ready", 2);
    wait_for(world, "/new", "ready", 1);
    wait_for(world, "/gone", "deleted", 1);
    assert_int_equal(times(world, "/same", "reloaded"), 0);
    assert_int_equal(times(world, "/same", "starting"), 1);
    assert_int_equal(times(world, "/live", "starting"), 1);
    assert_int_equal(times(world, "/other", "exited"), 1);
    assert_string_equal(last(world, "/live", "reloaded")->detail, "live: max-restarts");
    assert_string_equal(last(world, "", "reloaded")->detail,
                        "1 added, 1 deleted, 1 restarted, 1 changed");
    assert_says(world, "/other", "env M", "x");
    assert_reloads(world,
                   ECHO("same", "") ECHO("live", ", max-restarts: 7")
                       ECHO("other", ", environment: { M: x }") ECHO("new", ""),
                   AIRS_OK, "");
}

static void
a_dry_run_says_and_does_nothing(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    start(world, ECHO("a", ""));
    wait_for(world, "/a", "ready", 1);
    size_t events = events_so_far(world);
    assert_int_equal(reload_text(world, "name: test\nchildren:\n" ECHO("b", ""), true, &error),
                     AIRS_OK);
    assert_string_equal(differences, "- /a\n+ /b\n");
    assert_int_equal(events_so_far(world), events);
    assert_says(world, "/a", "count", "1");
}

static void
what_is_wrong_is_said_before_anything_changes(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *text;
        enum airs_status status;
        const char *words;
    } cases[] = {
        { "name: test\nchildren:\n" ECHO("a", ", restrat: no"), AIRS_EINVAL, ":3:" },
        { "name: toast\nchildren:\n" ECHO("a", ""), AIRS_EINVAL, "'toast'" },
        { "name: test\nchildren:\n" ECHO("b", ", limits: { memory: 65MiB }"), AIRS_ELIMIT,
          "65MiB" },
        { "name: test\nchildren:\n" ECHO("b", ", count: 300"), AIRS_ELIMIT, "300 components" },
        { "name: test\nchildren:\n" ECHO("b", ", args: [x]"), AIRS_ELOAD,
          "'args' are for commands" },
        { "name: test\nchildren:\n  - { name: b, component: code.wasm }\n", AIRS_ELOAD,
          "not a WebAssembly file" },
    };
    start(world, ECHO("a", ""));
    wait_for(world, "/a", "ready", 1);
    char path[PATH_MAX];
    FILE *file = fopen(temp_dir_file(&world->dir, "code.wasm", path), "w");
    fputs("this is not wasm", file);
    fclose(file);
    size_t events = events_so_far(world);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct airs_error error = { 0 };
        assert_int_equal(reload_text(world, cases[i].text, false, &error), cases[i].status);
        assert_non_null(strstr(reported, cases[i].words));
        assert_string_equal(differences, "");
    }
    struct airs_error error = { 0 };
    unlink(world->manifest);
    const struct airs_reload reload = { .report = on_report };
    assert_int_equal(airs_application_reload(world->application, &reload, &error), AIRS_ENOENT);
    assert_int_equal(events_so_far(world), events);
}

static void
a_circle_with_what_was_added_by_hand_is_wrong(void **state)
{
    struct world *world = *state;
#define SUPERVISOR "  - { name: s, children: [{ name: a, component: " GUESTS "/echo.wasm }] }\n"
    static const char late[] =
        "{ name: late, component: " GUESTS "/echo.wasm, depends-on: [/web] }";
    const struct airs_addition addition = { .parent = "/s", .text = late, .size = sizeof late - 1 };
    struct airs_error error = { 0 };
    start(world, ECHO("web", "") SUPERVISOR);
    assert_int_equal(airs_application_add(world->application, &addition, NULL, NULL, NULL, &error),
                     AIRS_OK);
    wait_for(world, "/s/late", "ready", 1);
    assert_reloads(world, ECHO("web", ", depends-on: [/s]") SUPERVISOR, AIRS_EINVAL, "");
    assert_non_null(strstr(reported, "a cycle of dependencies: "));
    assert_int_equal(times(world, "/web", "reloaded"), 0);
}

static void
members_that_were_scaled_up_change_and_go_with_their_entry(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    start(world, ECHO("many", ", count: 1") ECHO("other", ""));
    assert_int_equal(airs_application_scale(world->application, "/many", 2, NULL, NULL, &error),
                     AIRS_OK);
    wait_for(world, "/many#1", "ready", 1);
    wait_for(world, "/many#2", "ready", 1);
    assert_reloads(world, ECHO("many", ", count: 1, environment: { M: x }") ECHO("other", ""),
                   AIRS_OK, "~ /many#1 restarts: environment\n~ /many#2 restarts: environment\n");
    wait_for(world, "/many#2", "ready", 2);
    assert_says(world, "/many#2", "env M", "x");
    assert_reloads(world, ECHO("other", ""), AIRS_OK, "- /many#1\n- /many#2\n");
    wait_for(world, "/many#2", "deleted", 1);
}

static void
new_code_is_swapped_in_and_waited_for(void **state)
{
    struct world *world = *state;
    static const char one[] = "  - { name: a, component: code.wasm, config: hello }\n";
    put_code(world, "echo");
    start(world, one);
    wait_for(world, "/a", "ready", 1);
    put_code(world, "initfail");
    assert_reloads(world, one, AIRS_OK, "~ /a restarts: component file changed\n");
    assert_int_equal(times(world, "/a", "ready"), 2); /* It was waited for. */
    assert_says(world, "/a", "x", "hello");
}

static void
new_code_that_does_not_get_ready_is_rolled_back_and_does_not_count(void **state)
{
    struct world *world = *state;
    static const char two[] =
        "  - { name: a, component: code.wasm, config: ok, max-restarts: 0 }\n"
        "  - { name: b, component: code.wasm, config: trap, max-restarts: 2 }\n";
    put_code(world, "echo");
    start(world, two);
    wait_for(world, "/a", "ready", 1);
    wait_for(world, "/b", "ready", 1);
    put_code(world, "initfail");
    static const char said[] =
        "~ /a restarts: component file changed\n~ /b restarts: component file changed\n"
        "! /a: rolled back, as /b\n"
        "! /b: its new code did not get ready (trap, unreachable); the old one is back\n";
    assert_reloads(world, two, AIRS_EFAILED, said);
    wait_for(world, "/a", "ready", 3);
    wait_for(world, "/b", "ready", 2);
    assert_int_equal(last(world, "/b", "ready")->restarts, 0);
    assert_says(world, "/a", "x", "x"); /* echo's answer. */
    assert_says(world, "/b", "x", "x");
    assert_non_null(strstr(last(world, "", "reloaded")->detail, "rolled back"));
    assert_reloads(world, two, AIRS_EFAILED, said); /* It is tried again. */
}

static void
an_application_whose_children_all_change_does_not_end(void **state)
{
    struct world *world = *state;
    start(world, ECHO("a", "") ECHO("b", ""));
    wait_for(world, "/b", "ready", 1);
    assert_reloads(world,
                   "  - { name: a, children: [{ name: x, component: " GUESTS "/echo.wasm }] }\n",
                   AIRS_OK, "- /b\n- /a\n+ /a\n+ /a/x\n");
    wait_for(world, "/a/x", "ready", 1);
    assert_true(airs_application_is_running(world->application));
    assert_int_equal(world->ended_code, -1);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
    struct airs_error error = { 0 };
    const struct airs_reload reload = { 0 };
    assert_int_equal(airs_application_reload(world->application, &reload, &error),
                     AIRS_ENOTRUNNING);
}

static void
an_application_that_is_stopping_is_busy(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    const struct airs_reload reload = { 0 };
    start(world, "  - { name: a, component: " GUESTS
                 "/badstop.wasm, config: sleep, shutdown: infinity }\n");
    wait_for(world, "/a", "ready", 1);
    airs_application_stop(world->application);
    assert_int_equal(airs_application_reload(world->application, &reload, &error), AIRS_EBUSY);
    airs_application_kill(world->application); /* It has all the time. */
    assert_ends_with(world, 0);
}

static void
what_was_deleted_by_hand_comes_back(void **state)
{
    struct world *world = *state;
    start(world, ECHO("a", "") ECHO("b", ""));
    wait_for(world, "/a", "ready", 1);
    assert_int_equal(
        airs_application_control(world->application, AIRS_DELETE, "/a", on_done, world, NULL),
        AIRS_OK);
    wait_done(world, AIRS_OK);
    wait_for(world, "/a", "deleted", 1);
    assert_reloads(world, ECHO("a", "") ECHO("b", ""), AIRS_OK, "+ /a\n");
    wait_for(world, "/a", "ready", 2);
}

/* ---- Many at once ---- */

static atomic_bool over;

struct count_of_lists {
    struct world *world;
    atomic_uint begun, ended;
};

static void
on_child(void *context, const struct airs_child *child)
{
    (void)context;
    assert(strlen(child->path) > 0 && strlen(child->restart) > 0 && child->within_us > 0);
}

static void
on_listed(void *context, enum airs_status status, const char *text, const void *bytes, size_t size)
{
    struct count_of_lists *lists = context;
    (void)status;
    (void)text;
    (void)bytes;
    (void)size;
    atomic_fetch_add(&lists->ended, 1);
}

static void *
list_all_the_time(void *context)
{
    struct count_of_lists *lists = context;
    while (!atomic_load(&over)) {
        if (atomic_load(&lists->begun) - atomic_load(&lists->ended) > 8) {
            sched_yield();
            continue;
        }
        atomic_fetch_add(&lists->begun, 1);
        if (airs_application_list(lists->world->application, NULL, on_child, on_listed, lists,
                                  NULL) != AIRS_OK)
            atomic_fetch_add(&lists->ended, 1);
        airs_application_find(lists->world->application, "/w/x", NULL);
    }
    return NULL;
}

/* What a listing shows lives until it ends, whichever manifest it came from. */
static void
listings_and_reloads_do_not_disturb_one_another(void **state)
{
    struct world *world = *state;
    static const char even[] =
        ECHO("a", ", max-restarts: 4") "  - { name: w, children: [{ name: x, component: " GUESTS
                                       "/echo.wasm }, { name: y, component: " GUESTS
                                       "/echo.wasm }] }\n";
    static const char odd[] =
        "  - { name: w, strategy: one-for-all, children: [{ name: y, component: " GUESTS
        "/echo.wasm }, { name: x, component: " GUESTS
        "/echo.wasm, shutdown: 1s }] }\n" ECHO("a", ", within: 30s") ECHO("b", "");
    struct count_of_lists lists = { .world = world };
    pthread_t thread;
    start(world, even);
    wait_for(world, "/w/y", "ready", 1);
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&thread, NULL, list_all_the_time, &lists), 0);
    for (int i = 0; i < 30; i++) {
        char text[4096];
        struct airs_error error = { 0 };
        snprintf(text, sizeof text, "name: test\nchildren:\n%s", i % 2 ? even : odd);
        if (reload_text(world, text, false, &error) != AIRS_OK)
            print_error("%s\n%s", error.message, differences);
        assert_int_equal(error.status, AIRS_OK);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    assert_int_equal(times(world, "/a", "starting"), 1);
    assert_int_equal(times(world, "/w/x", "starting"), 1);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
    assert_int_equal(atomic_load(&lists.begun), atomic_load(&lists.ended));
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(only_what_has_changed_is_touched),
        ONE(a_dry_run_says_and_does_nothing),
        ONE(what_is_wrong_is_said_before_anything_changes),
        ONE(a_circle_with_what_was_added_by_hand_is_wrong),
        ONE(members_that_were_scaled_up_change_and_go_with_their_entry),
        ONE(new_code_is_swapped_in_and_waited_for),
        ONE(new_code_that_does_not_get_ready_is_rolled_back_and_does_not_count),
        ONE(an_application_whose_children_all_change_does_not_end),
        ONE(an_application_that_is_stopping_is_busy),
        ONE(what_was_deleted_by_hand_comes_back),
        ONE(listings_and_reloads_do_not_disturb_one_another),
    };
    return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
