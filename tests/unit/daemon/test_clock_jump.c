/* A wall clock that is set while an application runs changes nothing: not the times of events,
 * not a delay, not a budget. Here it jumps at each restart, a day forth or two days back.
 */
#include "testing.h"

#include <airs/airs.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest_signals.h"
#include "unit/daemon/temp_dir.h"

#define DAY_S 86400
#define DELAY_US 50000
#define DELAY_LEAST_US 45000 /* Less the jitter of a list. */
#define MAX_RESTARTS 4
#define WAIT_S 60
#define EVENTS_MAX 200

static _Atomic long jumped_s;

int clock_gettime(clockid_t id, struct timespec *time_out);

/* In place of libc's, for the whole program. */
int
clock_gettime(clockid_t id, struct timespec *time_out)
{
    int result = (int)syscall(SYS_clock_gettime, id, time_out);
    if (result == 0 && id == CLOCK_REALTIME)
        time_out->tv_sec += atomic_load(&jumped_s);
    return result;
}

struct world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        uint64_t time_us;
        char event[32];
    } events[EVENTS_MAX]; /* Of the child. */
    size_t size;
    unsigned jumps;
    bool has_failed;
};

static void
on_event(void *context, const struct airs_event *event)
{
    struct world *world = context;
    if (!event->path || strcmp(event->path, "/a") != 0)
        return;
    pthread_mutex_lock(&world->lock);
    assert_true(world->size < EVENTS_MAX);
    world->events[world->size].time_us = event->time_us;
    snprintf(world->events[world->size++].event, sizeof world->events[0].event, "%s", event->event);
    if (strcmp(event->event, "restart-scheduled") == 0)
        atomic_fetch_add(&jumped_s, world->jumps++ % 2 ? -2 * DAY_S : DAY_S);
    world->has_failed |= strcmp(event->event, "failed") == 0;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void
write_manifest(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "name: jump\nchildren:\n"
            "  - { name: a, component: " BINARY_DIR "/guests/crasher.wasm, args: [trap],\n"
            "      backoff: [%dus], max-restarts: %d, within: 1h, on-exhausted: fail }\n"
            "  - { name: keep, component: " BINARY_DIR "/guests/sleeper.wasm }\n",
            DELAY_US, MAX_RESTARTS);
    fclose(file);
}

static void
wait_until_failed(struct world *world)
{
    struct timespec until;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&world->lock);
    while (!world->has_failed)
        assert_int_equal(pthread_cond_timedwait(&world->changed, &world->lock, &until), 0);
    pthread_mutex_unlock(&world->lock);
}

static void
check(const struct world *world)
{
    unsigned grants = 0;
    for (size_t i = 1; i < world->size; i++) {
        uint64_t time_us = world->events[i].time_us, before_us = world->events[i - 1].time_us;
        assert_in_range(time_us - before_us, 0, (uint64_t)WAIT_S * 1000000);
        if (strcmp(world->events[i - 1].event, "restart-scheduled") != 0 ||
            strcmp(world->events[i].event, "starting") != 0)
            continue;
        assert_true(time_us - before_us >= DELAY_LEAST_US);
        grants++;
    }
    assert_int_equal(grants, MAX_RESTARTS);
    assert_int_equal(world->jumps, MAX_RESTARTS);
}

static void
a_wall_clock_that_jumps_changes_no_time_no_delay_and_no_budget(void **state)
{
    (void)state;
    static struct world world;
    struct temp_dir dir;
    char manifest[PATH_MAX];
    struct airs_error error = { 0 };
    struct airs_application *application;
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&world.changed, &monotonic);
    pthread_mutex_init(&world.lock, NULL);
    temp_dir_make(&dir);
    temp_dir_file(&dir, "airs.yaml", manifest);
    write_manifest(manifest);
    struct airs_application_options options = {
        .manifest_path = manifest, .cache_dir = dir.path, .context = &world, .event = on_event
    };
    assert_int_equal(airs_application_load(&options, NULL, NULL, &application, &error), AIRS_OK);
    assert_int_equal(airs_application_start(application, &error), AIRS_OK);
    wait_until_failed(&world);
    check(&world);
    airs_application_free(application);
    temp_dir_remove(&dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wall_clock_that_jumps_changes_no_time_no_delay_and_no_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
