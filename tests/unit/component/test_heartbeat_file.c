/* The file of a heartbeat: what is a change, who is told of it, and what a look that hangs does. */
#include "testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "component/heartbeat_file.h"
#include "runtime/actor.h"
#include "runtime/actor_system.h"
#include "unit/daemon/temp_dir.h"

#define HANGING "hanging" /* A path that contains it makes stat() wait. */
#define WAIT_US (UINT64_C(60) * US_PER_S)

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned hanging;

int stat(const char *path, struct stat *about);

/* In place of libc's: a file system that hangs. */
int
stat(const char *path, struct stat *about)
{
    if (strstr(path, HANGING)) {
        atomic_fetch_add(&hanging, 1);
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
    }
    return fstatat(AT_FDCWD, path, about, 0);
}

struct world {
    struct temp_dir dir;
    char path[PATH_MAX];
    struct actor_system *system;
    struct heartbeat_files *files;
};

static int
set_up(void **state)
{
    static struct world world;
    struct airs_error error = { 0 };
    struct actor_system_options options = { .workers = 1 };
    temp_dir_make(&world.dir);
    temp_dir_file(&world.dir, "beat", world.path);
    assert_int_equal(actor_system_new(&options, &world.system, &error), AIRS_OK);
    world.files = heartbeat_files_new(world.system);
    assert_non_null(world.files);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;
    heartbeat_files_free(world->files);
    actor_system_stop(world->system);
    actor_system_free(world->system);
    temp_dir_remove(&world->dir);
    return 0;
}

static void
write_at(const char *path, time_t modified_s)
{
    close(open(path, O_CREAT | O_WRONLY, 0600));
    struct timespec times[2] = { { .tv_sec = modified_s }, { .tv_sec = modified_s } };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static enum heartbeat_look
answer_of(struct heartbeat_watch *watch)
{
    enum heartbeat_look answer = HEARTBEAT_NOTHING;
    uint64_t until_us = clock_now_us() + WAIT_US;
    while (answer == HEARTBEAT_NOTHING && clock_now_us() < until_us) {
        answer = heartbeat_watch_take(watch);
        sched_yield();
    }
    return answer;
}

static enum heartbeat_look
ask(struct heartbeat_watch *watch)
{
    assert_true(heartbeat_watch_ask(watch));
    return answer_of(watch);
}

static void
a_change_is_another_time_whichever_way_the_clock_went(void **state)
{
    struct world *world = *state;
    struct heartbeat_watch *watch = heartbeat_watch_open(world->files, world->path, 0);
    write_at(world->path, 1000);
    assert_int_equal(ask(watch), HEARTBEAT_UNCHANGED); /* As it was found. */
    assert_int_equal(ask(watch), HEARTBEAT_UNCHANGED);
    write_at(world->path, 2000);
    assert_int_equal(ask(watch), HEARTBEAT_CHANGED);
    assert_int_equal(ask(watch), HEARTBEAT_UNCHANGED);
    write_at(world->path, 500); /* The wall clock was set back. */
    assert_int_equal(ask(watch), HEARTBEAT_CHANGED);
    heartbeat_watch_close(watch);
}

static void
a_file_that_is_missing_is_no_sign_and_one_that_comes_is(void **state)
{
    struct world *world = *state;
    struct heartbeat_watch *watch = heartbeat_watch_open(world->files, world->path, 0);
    assert_int_equal(ask(watch), HEARTBEAT_UNCHANGED);
    assert_int_equal(ask(watch), HEARTBEAT_UNCHANGED);
    write_at(world->path, 1000);
    assert_int_equal(ask(watch), HEARTBEAT_CHANGED);
    char other[PATH_MAX];
    write_at(temp_dir_file(&world->dir, "other", other), 1000);
    assert_int_equal(rename(other, world->path), 0); /* The same time, another file. */
    assert_int_equal(ask(watch), HEARTBEAT_CHANGED);
    unlink(world->path);
    assert_int_equal(ask(watch), HEARTBEAT_UNCHANGED);
    heartbeat_watch_close(watch);
}

static void
a_look_that_hangs_holds_up_no_other_file_and_nobody_who_closes(void **state)
{
    struct world *world = *state;
    char path[PATH_MAX];
    struct heartbeat_watch *hangs[HEARTBEAT_THREADS_MAX - 1];
    struct heartbeat_watch *watch = heartbeat_watch_open(world->files, world->path, 0);
    pthread_mutex_lock(&gate);
    atomic_store(&hanging, 0);
    for (unsigned i = 0; i < HEARTBEAT_THREADS_MAX - 1; i++) {
        hangs[i] = heartbeat_watch_open(world->files, temp_dir_file(&world->dir, HANGING, path), 0);
        assert_true(heartbeat_watch_ask(hangs[i]));
        while (atomic_load(&hanging) <= i)
            sched_yield();
        assert_false(heartbeat_watch_ask(hangs[i])); /* It is under way. */
    }
    assert_int_equal(ask(watch), HEARTBEAT_UNCHANGED);
    write_at(world->path, 1000);
    assert_int_equal(ask(watch), HEARTBEAT_CHANGED);
    for (unsigned i = 0; i < HEARTBEAT_THREADS_MAX - 1; i++) {
        assert_int_equal(heartbeat_watch_take(hangs[i]), HEARTBEAT_NOTHING);
        heartbeat_watch_close(hangs[i]);
    }
    pthread_mutex_unlock(&gate);
    heartbeat_watch_close(watch);
}

static void
one_that_waits_in_the_queue_may_be_closed(void **state)
{
    struct world *world = *state;
    char path[PATH_MAX];
    struct heartbeat_watch *hangs[HEARTBEAT_THREADS_MAX + 2];
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < HEARTBEAT_THREADS_MAX + 2; i++) {
        hangs[i] = heartbeat_watch_open(world->files, temp_dir_file(&world->dir, HANGING, path), 0);
        assert_true(heartbeat_watch_ask(hangs[i]));
    }
    for (unsigned i = 0; i < HEARTBEAT_THREADS_MAX + 2; i++)
        heartbeat_watch_close(hangs[i]);
    pthread_mutex_unlock(&gate);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_change_is_another_time_whichever_way_the_clock_went),
        CASE(a_file_that_is_missing_is_no_sign_and_one_that_comes_is),
        CASE(a_look_that_hangs_holds_up_no_other_file_and_nobody_who_closes),
        CASE(one_that_waits_in_the_queue_may_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
