/* libairs from outside: only <airs/airs.h>, and real guests. */
#include "unit/daemon/application_world.h"

static void
call(struct world *world, const char *message, uint64_t timeout_us, enum airs_status expected)
{
    assert_int_equal(airs_application_call(world->application, "/echo", message, strlen(message),
                                           timeout_us, on_done, world, NULL),
                     AIRS_OK);
    wait_done(world, expected);
}

static void
on_child(void *context, const struct airs_child *child)
{
    struct world *world = context;
    size_t size = strlen(world->list);
    snprintf(world->list + size, sizeof world->list - size, "%s %s %s\n", child->path, child->kind,
             child->state);
}

/* ---- Tests ---- */

static void
runs_a_tree_and_stops_it(void **state)
{
    struct world *world = *state;
    start(world, "  - { name: sleeper, component: " GUESTS "/sleeper.wasm }\n"
                 "  - name: sub\n"
                 "    children: [{ name: echo, component: " GUESTS "/echo.wasm }]\n");
    wait_for(world, "/sub/echo", "ready", 1);
    wait_for(world, "/sleeper", "ready", 1);
    assert_true(airs_application_is_running(world->application));

    assert_int_equal(
        airs_application_list(world->application, NULL, on_child, on_done, world, NULL), AIRS_OK);
    wait_done(world, AIRS_OK);
    assert_string_equal(world->list, "/sleeper command running\n/sub supervisor running\n"
                                     "/sub/echo actor running\n");
    world->list[0] = '\0';
    assert_int_equal(
        airs_application_get(world->application, "/sub/echo", on_child, on_done, world, NULL),
        AIRS_OK);
    wait_done(world, AIRS_OK);
    assert_string_equal(world->list, "/sub/echo actor running\n");

    airs_application_stop(world->application);
    assert_ends_with(world, 0);
    assert_string_equal(last(world, "/sub/echo", "exited")->reason, "shutdown");
}

static void
ends_by_itself_with_0_when_all_ended_well(void **state)
{
    struct world *world = *state;
    start(world, "  - { name: hello, component: " GUESTS "/hello.wasm, restart: transient }\n");
    assert_ends_with(world, 0);
    assert_string_equal(last(world, "/hello", "stopped")->reason, "normal");
    assert_int_equal(world->lines, 1);
}

static void
ends_by_itself_with_1_when_a_child_failed(void **state)
{
    struct world *world = *state;
    start(world, "  - { name: hello, component: " GUESTS "/hello.wasm, restart: transient }\n"
                 "  - { name: bad, component: " GUESTS "/crasher.wasm, args: [exit, \"7\"],\n"
                 "      max-restarts: 0 }\n");
    assert_ends_with(world, 1);
    assert_string_equal(last(world, "/bad", "failed")->reason, "error");
    assert_string_equal(last(world, "/bad", "failed")->detail, "7");
}

static void
ends_with_1_when_the_root_escalates(void **state)
{
    struct world *world = *state;
    start(world, "  - { name: sleeper, component: " GUESTS "/sleeper.wasm }\n"
                 "  - { name: bad, component: " GUESTS "/crasher.wasm, args: [trap],\n"
                 "      max-restarts: 0, on-exhausted: escalate }\n");
    assert_ends_with(world, 1);
    assert_int_equal(times(world, "/bad", "escalated"), 1);
    assert_string_equal(last(world, "/bad", "exited")->detail, "unreachable");
}

/* Nor once it was asked to stop as well. */
static void
starts_nothing_more_once_the_root_gives_up(void **state)
{
    struct world *world = *state;
    start(world, "  - { name: deaf, component: " GUESTS "/badstop.wasm, config: sleep,\n"
                 "      shutdown: infinity }\n"
                 "  - { name: bad, component: " GUESTS "/crasher.wasm, args: [trap],\n"
                 "      max-restarts: 0, on-exhausted: escalate, depends-on: [/deaf] }\n");
    wait_for(world, "/deaf", "stopping", 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            airs_application_control(world->application, AIRS_START, "/bad", on_done, world, NULL),
            AIRS_EBUSY);
        airs_application_stop(world->application);
    }
    assert_int_equal(
        airs_application_control(world->application, AIRS_KILL, "/deaf", on_done, world, NULL),
        AIRS_OK);
    wait_done(world, AIRS_OK);
    assert_ends_with(world, 1);
}

static void
ends_with_0_when_asked_also_with_failed_children(void **state)
{
    struct world *world = *state;
    start(world, "  - { name: sleeper, component: " GUESTS "/sleeper.wasm }\n"
                 "  - { name: bad, component: " GUESTS "/crasher.wasm, args: [trap],\n"
                 "      max-restarts: 0 }\n");
    wait_for(world, "/bad", "failed", 1);
    airs_application_stop(world->application);
    assert_ends_with(world, 0);
}

static void
runs_the_rest_when_one_component_cannot_be_compiled(void **state)
{
    struct world *world = *state;
    char path[PATH_MAX];
    FILE *file = fopen(temp_dir_file(&world->dir, "junk.wasm", path), "w");
    fputs("this is not wasm", file);
    fclose(file);
    start(world, "  - { name: junk, component: junk.wasm }\n"
                 "  - { name: sleeper, component: " GUESTS "/sleeper.wasm }\n");
    wait_for(world, "/junk", "failed", 1);
    wait_for(world, "/sleeper", "ready", 1);
    assert_string_equal(last(world, "/junk", "failed")->reason, "load-error");
    assert_non_null(strstr(last(world, "/junk", "failed")->detail, "not a WebAssembly file"));
    airs_application_kill(world->application);
    assert_ends_with(world, 0);
}

#define ECHO                                                                                \
    "  - { name: echo, component: " GUESTS "/echo.wasm, backoff: [0s], max-restarts: 9 }\n" \
    "  - { name: sleeper, component: " GUESTS "/sleeper.wasm }\n"

static void
answers_calls(void **state)
{
    struct world *world = *state;
    start(world, ECHO);
    wait_for(world, "/echo", "ready", 1);
    call(world, "hello there", WAIT_US, AIRS_OK);
    assert_string_equal(world->answer, "hello there");
    call(world, "sender", WAIT_US, AIRS_OK);
    assert_non_null(strstr(world->answer, "airs:control"));
    call(world, "err no way", WAIT_US, AIRS_EREJECTED);
    assert_non_null(strstr(world->answer, "no way"));
    call(world, "crash trap", WAIT_US, AIRS_EENDED);
    wait_for(world, "/echo", "ready", 2);
    call(world, "starts", WAIT_US, AIRS_OK);
    assert_string_equal(world->answer, "1");
}

static void
gives_up_calls_at_their_deadline(void **state)
{
    struct world *world = *state;
    start(world, ECHO);
    wait_for(world, "/echo", "ready", 1);
    call(world, "sleep 2000", 20000, AIRS_ETIMEDOUT);
    call(world, "hello", 0, AIRS_ETIMEDOUT);
    /* The late answers reach nobody, and the next call its own. */
    call(world, "again", WAIT_US, AIRS_OK);
    assert_string_equal(world->answer, "again");
}

static void
refuses_messages_that_nobody_can_take(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    static char large[AIRS_CALL_BYTES_MAX + 1];
    start(world, ECHO);
    wait_for(world, "/echo", "ready", 1);
    struct airs_application *application = world->application;
    assert_int_equal(airs_application_send(application, "/ecko", "x", 1, &error), AIRS_ENOENT);
    assert_non_null(strstr(error.message, "'/echo'"));
    assert_int_equal(airs_application_send(application, "/sleeper", "x", 1, NULL), AIRS_EINVAL);
    assert_int_equal(airs_application_send(application, "/", "x", 1, NULL), AIRS_EINVAL);
    assert_int_equal(airs_application_send(application, "/echo", large, sizeof large, NULL),
                     AIRS_ELIMIT);
    assert_int_equal(airs_application_send(application, "/echo", "x", 1, NULL), AIRS_OK);
    assert_int_equal(airs_application_send(application, "/echo", NULL, 0, NULL), AIRS_OK);
}

static void
control(struct world *world, enum airs_verb verb, const char *path, enum airs_status expected)
{
    assert_int_equal(airs_application_control(world->application, verb, path, on_done, world, NULL),
                     AIRS_OK);
    wait_done(world, expected);
}

static void
takes_verbs_by_hand(void **state)
{
    struct world *world = *state;
    start(world, ECHO);
    wait_for(world, "/sleeper", "ready", 1);
    control(world, AIRS_START, "/sleeper", AIRS_EALREADY);
    control(world, AIRS_KILL, "/sleeper", AIRS_OK);
    wait_for(world, "/sleeper", "ready", 2);
    assert_string_equal(last(world, "/sleeper", "exited")->reason, "killed");
    control(world, AIRS_STOP, "/sleeper", AIRS_OK);
    wait_for(world, "/sleeper", "stopped", 1);
    control(world, AIRS_KILL, "/sleeper", AIRS_ENOTRUNNING);
    control(world, AIRS_START, "/sleeper", AIRS_OK);
    wait_for(world, "/sleeper", "ready", 3);
    control(world, AIRS_RESTART, "/sleeper", AIRS_OK);
    wait_for(world, "/sleeper", "ready", 4);
    control(world, AIRS_RESET, "/sleeper", AIRS_OK);
    assert_int_equal(
        airs_application_control(world->application, AIRS_STOP, "/nobody", on_done, world, NULL),
        AIRS_ENOENT);
}

static void
can_be_cancelled_before_it_runs(void **state)
{
    struct world *world = *state;
    int exit_code;
    load(world, ECHO);
    airs_application_cancel(world->application);
    assert_int_equal(airs_application_start(world->application, NULL), AIRS_EBUSY);
    assert_int_equal(airs_application_wait(world->application, 0, &exit_code), AIRS_ENOTRUNNING);
    assert_int_equal(world->events_count, 0);
}

static void
is_freed_while_it_runs(void **state)
{
    struct world *world = *state;
    start(world, "  - { name: spinner, component: " GUESTS "/spinner.wasm, count: 3 }\n" ECHO);
    wait_for(world, "/echo", "ready", 1);
    assert_int_equal(airs_application_call(world->application, "/echo", "sleep 86400000", 14,
                                           WAIT_US, on_done, world, NULL),
                     AIRS_OK);
    airs_application_free(world->application);
    world->application = NULL;
    wait_done(world, AIRS_EENDED);
}

static void
says_what_is_wrong_with_a_manifest(void **state)
{
    struct world *world = *state;
    struct airs_error error = { 0 };
    struct airs_application_options options = { .manifest_path = world->manifest };
    assert_int_equal(airs_application_load(&options, NULL, NULL, &world->application, &error),
                     AIRS_ENOENT);
    FILE *file = fopen(world->manifest, "w");
    fputs("name: test\nchildren:\n  - { name: a, component: gone.wasm }\n", file);
    fclose(file);
    error = (struct airs_error){ 0 };
    assert_int_not_equal(airs_application_load(&options, NULL, NULL, &world->application, &error),
                         AIRS_OK);
    assert_non_null(strstr(error.message, "airs.yaml:3:"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(runs_a_tree_and_stops_it),
        CASE(ends_by_itself_with_0_when_all_ended_well),
        CASE(ends_by_itself_with_1_when_a_child_failed),
        CASE(ends_with_1_when_the_root_escalates),
        CASE(starts_nothing_more_once_the_root_gives_up),
        CASE(ends_with_0_when_asked_also_with_failed_children),
        CASE(runs_the_rest_when_one_component_cannot_be_compiled),
        CASE(answers_calls),
        CASE(gives_up_calls_at_their_deadline),
        CASE(refuses_messages_that_nobody_can_take),
        CASE(takes_verbs_by_hand),
        CASE(can_be_cancelled_before_it_runs),
        CASE(is_freed_while_it_runs),
        CASE(says_what_is_wrong_with_a_manifest),
    };
    return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
