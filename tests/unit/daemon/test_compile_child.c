/* The compiler's process, with a script in its place. */
#include "testing.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/compile_child.h"
#include "unit/daemon/temp_dir.h"

struct world {
    struct temp_dir dir;
    char program[PATH_MAX];
    struct compile_child child;
    struct airs_error error;
};

static int
set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    temp_dir_make(&world.dir);
    assert_int_equal(compile_child_init(&world.child, NULL), AIRS_OK);
    world.child.program = temp_dir_file(&world.dir, "compiler", world.program);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;
    compile_child_deinit(&world->child);
    temp_dir_remove(&world->dir);
    return 0;
}

static enum airs_status
run(struct world *world, const char *script)
{
    FILE *file = fopen(world->program, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    assert_int_equal(chmod(world->program, 0700), 0);
    return compile_child_run(&world->child, "a.wasm", "/cache", "settings", &world->error);
}

static void
is_told_what_to_compile(void **state)
{
    struct world *world = *state;
    assert_int_equal(run(world, "[ \"$1 $2 $3 $4 $5\" = "
                                "\"compile-component a.wasm /cache settings $PPID\" ]"),
                     AIRS_OK);
}

static void
passes_on_why_it_failed(void **state)
{
    struct world *world = *state;
    char script[64];
    snprintf(script, sizeof script, "printf '%cnot wasm'; exit 1", 'A' + AIRS_ELOAD);
    assert_int_equal(run(world, script), AIRS_ELOAD);
    assert_string_equal(world->error.message, "not wasm");
}

static void
names_the_signal_of_a_crash(void **state)
{
    struct world *world = *state;
    assert_int_equal(run(world, "echo one; echo 'memory allocation failed'; kill -ABRT $$"),
                     AIRS_ELOAD);
    assert_string_equal(world->error.message,
                        "a.wasm: the compiler crashed (Aborted): memory allocation failed");
}

static void
names_an_exit_code_without_words(void **state)
{
    struct world *world = *state;
    assert_int_equal(run(world, "exit 3"), AIRS_ELOAD);
    assert_string_equal(world->error.message, "a.wasm: the compiler failed (exit code 3)");
}

static void
ends_one_that_takes_too_long(void **state)
{
    struct world *world = *state;
    world->child.seconds_max = 1;
    uint64_t start_us = clock_now_us();
    assert_int_equal(run(world, "exec sleep 60"), AIRS_ETIMEDOUT);
    assert_true(clock_now_us() - start_us < 30 * US_PER_S);
}

static void *
cancel(void *context)
{
    compile_child_cancel(context);
    return NULL;
}

static void
ends_when_cancelled_and_starts_no_more(void **state)
{
    struct world *world = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel, &world->child), 0);
    assert_int_equal(run(world, "exec sleep 60"), AIRS_EBUSY);
    pthread_join(thread, NULL);
    assert_int_equal(run(world, "exec sleep 60"), AIRS_EBUSY);
}

static void
bounds_what_it_may_say(void **state)
{
    struct world *world = *state;
    assert_int_equal(run(world, "head -c 1000000 /dev/zero | tr '\\0' x; exit 1"), AIRS_ELOAD);
}

static void
runs_with_no_signal_blocked(void **state)
{
    struct world *world = *state;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    enum airs_status status = run(world, "exec grep -q 'SigBlk:.0*$' /proc/self/status");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(status, AIRS_OK);
}

static void
says_when_there_is_no_compiler(void **state)
{
    struct world *world = *state;
    assert_int_equal(compile_child_run(&world->child, "a.wasm", "/cache", "s", &world->error),
                     AIRS_EIO);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(is_told_what_to_compile),        CASE(passes_on_why_it_failed),
        CASE(names_the_signal_of_a_crash),    CASE(names_an_exit_code_without_words),
        CASE(ends_one_that_takes_too_long),   CASE(ends_when_cancelled_and_starts_no_more),
        CASE(bounds_what_it_may_say),         CASE(runs_with_no_signal_blocked),
        CASE(says_when_there_is_no_compiler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
