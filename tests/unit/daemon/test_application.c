/* libairs from outside: only <airs/airs.h>, and real guests. */
#include "testing.h"

#include <airs/airs.h>

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>

#include "guest_signals.h"
#include "unit/daemon/temp_dir.h"

#define GUESTS BINARY_DIR "/guests"
#define WAIT_US UINT64_C(60000000) /* Nothing here takes so long. */
#define EVENTS_MAX 500

struct seen {
    char path[64];
    char event[32];
    char state[32];
    char reason[32];
    char detail[256];
};

struct world {
    struct temp_dir dir;
    char manifest[PATH_MAX];
    struct airs_application *application;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct seen events[EVENTS_MAX]; /* That of seq n at n − 1. */
    size_t events_count;
    size_t lines;
    int ended_code; /* −1: not yet. */
    enum airs_status done_status;
    bool done;
    char answer[1024];
    char list[4096];
};

static struct temp_dir cache; /* Shared: each guest is compiled once. */

static void
copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void
on_event(void *context, const struct airs_event *event)
{
    struct world *world = context;
    pthread_mutex_lock(&world->lock);
    assert(event->seq == world->events_count + 1);
    assert(world->events_count < EVENTS_MAX);
    struct seen *seen = &world->events[world->events_count++];
    copy(seen->path, sizeof seen->path, event->path);
    copy(seen->event, sizeof seen->event, event->event);
    copy(seen->state, sizeof seen->state, event->state);
    copy(seen->reason, sizeof seen->reason, event->reason);
    copy(seen->detail, sizeof seen->detail, event->detail);
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void
on_log(void *context, const struct airs_log_line *line)
{
    struct world *world = context;
    (void)line;
    pthread_mutex_lock(&world->lock);
    world->lines++;
    pthread_mutex_unlock(&world->lock);
}

static void
on_ended(void *context, int exit_code)
{
    struct world *world = context;
    pthread_mutex_lock(&world->lock);
    world->ended_code = exit_code;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static int
set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    pthread_mutex_init(&world.lock, NULL);
    pthread_cond_init(&world.changed, NULL);
    world.ended_code = -1;
    temp_dir_make(&world.dir);
    temp_dir_file(&world.dir, "airs.yaml", world.manifest);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;
    airs_application_free(world->application);
    pthread_mutex_destroy(&world->lock);
    pthread_cond_destroy(&world->changed);
    temp_dir_remove(&world->dir);
    return 0;
}

static int
make_cache(void **state)
{
    (void)state;
    temp_dir_make(&cache);
    return 0;
}

static int
remove_cache(void **state)
{
    (void)state;
    temp_dir_remove(&cache);
    return 0;
}

/* Loads the application whose children are `children`, YAML with %s for the guests' directory. */
static void
load(struct world *world, const char *children)
{
    struct airs_error error = { 0 };
    FILE *file = fopen(world->manifest, "w");
    assert_non_null(file);
    fprintf(file, "name: test\nchildren:\n%s", children);
    fclose(file);
    struct airs_application_options options = {
        .manifest_path = world->manifest,
        .cache_dir = cache.path,
        .workers = 2,
        .context = world,
        .event = on_event,
        .log = on_log,
        .ended = on_ended,
    };
    if (airs_application_load(&options, NULL, NULL, &world->application, &error) != AIRS_OK) {
        print_error("%s\n", error.message);
        _fail(__FILE__, __LINE__);
    }
}

static void
start(struct world *world, const char *children)
{
    struct airs_error error = { 0 };
    load(world, children);
    if (airs_application_start(world->application, &error) != AIRS_OK) {
        print_error("%s\n", error.message);
        _fail(__FILE__, __LINE__);
    }
}

static size_t
count_locked(const struct world *world, const char *path, const char *event)
{
    size_t count = 0;
    for (size_t i = 0; i < world->events_count; i++)
        if (strcmp(world->events[i].path, path) == 0 && strcmp(world->events[i].event, event) == 0)
            count++;
    return count;
}

static struct timespec
deadline(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += (time_t)(WAIT_US / 1000000);
    return time;
}

static void
wait_for(struct world *world, const char *path, const char *event, size_t times)
{
    struct timespec until = deadline();
    pthread_mutex_lock(&world->lock);
    while (count_locked(world, path, event) < times)
        assert_int_equal(pthread_cond_timedwait(&world->changed, &world->lock, &until), 0);
    pthread_mutex_unlock(&world->lock);
}

static const struct seen *
last(const struct world *world, const char *path, const char *event)
{
    const struct seen *found = NULL;
    for (size_t i = 0; i < world->events_count; i++)
        if (strcmp(world->events[i].path, path) == 0 && strcmp(world->events[i].event, event) == 0)
            found = &world->events[i];
    assert_non_null(found);
    return found;
}

static void
assert_ends_with(struct world *world, int expected)
{
    int exit_code = -1;
    assert_int_equal(airs_application_wait(world->application, WAIT_US, &exit_code), AIRS_OK);
    assert_int_equal(exit_code, expected);
    struct timespec until = deadline();
    pthread_mutex_lock(&world->lock);
    while (world->ended_code < 0)
        assert_int_equal(pthread_cond_timedwait(&world->changed, &world->lock, &until), 0);
    assert_int_equal(world->ended_code, expected);
    assert_string_equal(world->events[world->events_count - 1].event, "application-stopped");
    pthread_mutex_unlock(&world->lock);
    assert_false(airs_application_is_running(world->application));
}

/* ---- Answers ---- */

static void
on_done(void *context, enum airs_status status, const char *text, const void *bytes, size_t size)
{
    struct world *world = context;
    pthread_mutex_lock(&world->lock);
    assert(!world->done);
    world->done = true;
    world->done_status = status;
    if (bytes)
        snprintf(world->answer, sizeof world->answer, "%.*s", (int)size, (const char *)bytes);
    else
        copy(world->answer, sizeof world->answer, text);
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void
wait_done(struct world *world, enum airs_status expected)
{
    struct timespec until = deadline();
    pthread_mutex_lock(&world->lock);
    while (!world->done)
        assert_int_equal(pthread_cond_timedwait(&world->changed, &world->lock, &until), 0);
    assert_int_equal(world->done_status, expected);
    world->done = false;
    pthread_mutex_unlock(&world->lock);
}

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
    assert_int_equal(count_locked(world, "/bad", "escalated"), 1);
    assert_string_equal(last(world, "/bad", "exited")->detail, "unreachable");
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
    assert_int_equal(airs_application_call(world->application, "/echo", "sleep 5000", 10, WAIT_US,
                                           on_done, world, NULL),
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
