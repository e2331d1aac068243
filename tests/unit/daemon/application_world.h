/* An application of real guests, seen from outside: only <airs/airs.h>. What the tests of it share. */
#ifndef APPLICATION_WORLD_H
#define APPLICATION_WORLD_H

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
#define EVENTS_MAX 20000

struct seen {
    char path[64];
    char event[32];
    char state[32];
    char reason[32];
    char detail[256];
    uint64_t restarts;
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
    bool (*affects)(void *context, const char *supervisor, const char *failed,
                    const char *candidate); /* Set before load(). */
    char answer[1024];
    char list[4096];
};

static struct temp_dir cache; /* Shared: each guest is compiled once. */

static inline void
copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static inline void
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
    seen->restarts = event->restarts;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static inline void
on_log(void *context, const struct airs_log_line *line)
{
    struct world *world = context;
    (void)line;
    pthread_mutex_lock(&world->lock);
    world->lines++;
    pthread_mutex_unlock(&world->lock);
}

static inline void
on_ended(void *context, int exit_code)
{
    struct world *world = context;
    pthread_mutex_lock(&world->lock);
    world->ended_code = exit_code;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static inline int
set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    pthread_mutex_init(&world.lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&world.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    world.ended_code = -1;
    temp_dir_make(&world.dir);
    temp_dir_file(&world.dir, "airs.yaml", world.manifest);
    *state = &world;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct world *world = *state;
    airs_application_free(world->application);
    pthread_mutex_destroy(&world->lock);
    pthread_cond_destroy(&world->changed);
    temp_dir_remove(&world->dir);
    return 0;
}

static inline int
make_cache(void **state)
{
    (void)state;
    temp_dir_make(&cache);
    return 0;
}

static inline int
remove_cache(void **state)
{
    (void)state;
    temp_dir_remove(&cache);
    return 0;
}

/* Loads the application whose children are `children`, YAML with %s for the guests' directory. */
static inline void
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
        .affects = world->affects,
    };
    if (airs_application_load(&options, NULL, NULL, &world->application, &error) != AIRS_OK) {
        print_error("%s\n", error.message);
        _fail(__FILE__, __LINE__);
    }
}

static inline void
start(struct world *world, const char *children)
{
    struct airs_error error = { 0 };
    load(world, children);
    if (airs_application_start(world->application, &error) != AIRS_OK) {
        print_error("%s\n", error.message);
        _fail(__FILE__, __LINE__);
    }
}

static inline size_t
count_locked(const struct world *world, const char *path, const char *event)
{
    size_t count = 0;
    for (size_t i = 0; i < world->events_count; i++)
        if (strcmp(world->events[i].path, path) == 0 && strcmp(world->events[i].event, event) == 0)
            count++;
    return count;
}

static inline struct timespec
deadline(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += (time_t)(WAIT_US / 1000000);
    return time;
}

static inline void
wait_for(struct world *world, const char *path, const char *event, size_t times)
{
    struct timespec until = deadline();
    pthread_mutex_lock(&world->lock);
    while (count_locked(world, path, event) < times)
        assert_int_equal(pthread_cond_timedwait(&world->changed, &world->lock, &until), 0);
    pthread_mutex_unlock(&world->lock);
}

static inline size_t
times(struct world *world, const char *path, const char *event)
{
    pthread_mutex_lock(&world->lock);
    size_t found = count_locked(world, path, event);
    pthread_mutex_unlock(&world->lock);
    return found;
}

static inline size_t
events_so_far(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    size_t count = world->events_count;
    pthread_mutex_unlock(&world->lock);
    return count;
}

static inline const struct seen *
last_locked(const struct world *world, const char *path, const char *event)
{
    const struct seen *found = NULL;
    for (size_t i = 0; i < world->events_count; i++)
        if (strcmp(world->events[i].path, path) == 0 && strcmp(world->events[i].event, event) == 0)
            found = &world->events[i];
    assert_non_null(found);
    return found;
}

/* It stays where it is, as it is. */
static inline const struct seen *
last(struct world *world, const char *path, const char *event)
{
    pthread_mutex_lock(&world->lock);
    const struct seen *found = last_locked(world, path, event);
    pthread_mutex_unlock(&world->lock);
    return found;
}

static inline void
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

static inline void
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

static inline void
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

#endif
