/* World, watched: its parts, what happened in it, and how a test waits for that. */
#ifndef TESTS_INTEGRATION_WORLD_WATCH_H
#define TESTS_INTEGRATION_WORLD_WATCH_H

#include "guest_signals.h"
#include "testing.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/refstr.h"
#include "base/trap_code.h"
#include "component/component_registry.h"
#include "component/component_spawner.h"
#include "component/component_spec.h"
#include "component/supervisor_wrapper.h"
#include "engine/component.h"
#include "engine/engine.h"
#include "policy/component_supervisor.h"
#include "policy/supervisor_config.h"
#include "runtime/actor.h"
#include "runtime/actor_system.h"
#include "runtime/event_log.h"
#include "runtime/message.h"

#define HELPER __attribute__((unused)) static

#define WORLD_DEADLINE_US (UINT64_C(60) * US_PER_S) /* A wait longer than this has failed. */
#define WORLD_EVENTS_MAX 400000
#define WORLD_LINES_MAX 20000
#define WORLD_CHILDREN_MAX 2048
#define WORLD_APP "test"

struct world_options {
    unsigned workers;               /* 0: 2. */
    unsigned instances_max;         /* 0: 64. */
    unsigned max_concurrent_starts; /* 0: the default. */
    bool without_handles;           /* The wrapper feeds no component supervisor. */
    bool keep_no_events;            /* Count only: for tests of a hundred thousand restarts. */
    /* STRATEGY_PREDICATE: whom a restart takes along, by the paths (supervisor_wrapper.h). */
    bool (*affects)(void *context, const char *supervisor, const char *failed,
                    const char *candidate);
};

struct world_line {
    char *path;
    char *text;
    uint32_t generation;
    enum log_stream stream;
    enum log_level level;
    size_t size;
    bool continues;
};

struct world {
    struct world_options options;
    struct engine_config engine_config;
    struct engine *engine;
    struct actor_system *system;
    struct component_registry *registry;
    struct component_spawner *spawner;
    struct supervisor_wrapper *wrapper;
    struct component_supervisor *handles;
    struct log_sink sink; /* Behind it: the world. */
    struct supervisor_config *configs[WORLD_CHILDREN_MAX];
    struct component_spec *specs[WORLD_CHILDREN_MAX];
    size_t children;

    pthread_mutex_t lock; /* Guards all below. */
    pthread_cond_t changed;
    struct event *events;
    size_t events_size;
    struct world_line lines[WORLD_LINES_MAX];
    size_t lines_size;
    uint64_t lines_total;
    bool ended;
    struct exit_info end;
    bool idle;
    bool idle_with_failed;
};

/* One child that is added: what differs from the defaults. */
struct world_child {
    const char *parent; /* NULL: "/". */
    const char *guest;  /* Without ".wasm"; NULL: a supervisor. */
    const char *file;   /* Instead of a guest. */
    const char *text;   /* Its config. */
    const char *args[4];
    const char *variable[2]; /* Name and value of its one variable. */
    struct supervisor_config config;
    struct component_limits limits; /* Zero fields: the defaults. */
    bool stdin_open;
};

/* ---- Watching. ---- */

HELPER void
world_on_event(void *context, const struct event *event)
{
    struct world *world = context;

    pthread_mutex_lock(&world->lock);
    if (!world->options.keep_no_events) {
        assert(world->events_size < WORLD_EVENTS_MAX);
        world->events[world->events_size++] = event_copy(event);
    }
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

HELPER void
world_on_line(struct log_sink *sink, const struct log_line *line)
{
    struct world *world = container_of(sink, struct world, sink);

    pthread_mutex_lock(&world->lock);
    world->lines_total++;
    if (world->lines_size < WORLD_LINES_MAX)
        world->lines[world->lines_size++] = (struct world_line){
            .path = strdup(line->path),
            .text = strndup(line->text, line->size),
            .generation = line->generation,
            .stream = line->stream,
            .level = line->level,
            .size = line->size,
            .continues = line->continues,
        };
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

HELPER void
world_on_end(void *context, struct exit_info exit)
{
    struct world *world = context;

    pthread_mutex_lock(&world->lock);
    world->ended = true;
    world->end = exit;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

HELPER void
world_on_idle(void *context, bool idle, bool any_failed)
{
    struct world *world = context;

    pthread_mutex_lock(&world->lock);
    world->idle = idle;
    world->idle_with_failed = any_failed;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

/* Waits, under the lock, for the next change; false when the deadline is past. */
HELPER bool
world_wait_change(struct world *world, uint64_t deadline_us)
{
    struct timespec until = { (time_t)(deadline_us / US_PER_S),
                              (long)(deadline_us % US_PER_S) * 1000 };

    return pthread_cond_timedwait(&world->changed, &world->lock, &until) == 0;
}

/* AIRS_TEST_SECONDS: less patience, where a test is meant to fail (scripts/mutants). */
HELPER uint64_t
world_deadline(void)
{
    const char *seconds = getenv("AIRS_TEST_SECONDS");
    return clock_now_us() + (seconds ? strtoull(seconds, NULL, 10) * US_PER_S : WORLD_DEADLINE_US);
}

/* `condition`, which may read world's watched members, becomes true before the deadline. */
#define world_wait_until(world, condition)                                     \
    do {                                                                       \
        uint64_t deadline_ = world_deadline();                                 \
        bool met_;                                                             \
        pthread_mutex_lock(&(world)->lock);                                    \
        while (!(met_ = (condition)) && world_wait_change((world), deadline_)) \
            continue;                                                          \
        pthread_mutex_unlock(&(world)->lock);                                  \
        if (!met_)                                                             \
            world_print(world);                                                \
        assert_true(met_ &&#condition);                                        \
    } while (0)

/* What happened so far, for a test that failed. */
HELPER void
world_print(struct world *world)
{
    size_t from = world->events_size > 60 ? world->events_size - 60 : 0;

    for (size_t i = from; i < world->events_size; i++) {
        const struct event *event = &world->events[i];
        fprintf(stderr, "%6llu %-20s g%u %-18s %s %s\n", (unsigned long long)event->seq,
                event->path ? event->path->text : "-", event->generation,
                event_type_name(event->type),
                event->has_exit ? exit_reason_name(event->exit.reason) : "",
                event->detail ? event->detail->text : "");
    }
    for (size_t i = world->lines_size > 20 ? world->lines_size - 20 : 0; i < world->lines_size; i++)
        fprintf(stderr, "       %s: %s\n", world->lines[i].path, world->lines[i].text);
}

/* The event of that type (generation 0: any) after the first `from` ones, or NULL. Locked. */
HELPER const struct event *
world_find_locked(struct world *world, const char *path, enum event_type type, uint32_t generation,
                  size_t from)
{
    for (size_t i = from; i < world->events_size; i++) {
        const struct event *event = &world->events[i];
        if (event->type == type && event->path && strcmp(event->path->text, path) == 0 &&
            (generation == 0 || event->generation == generation))
            return event;
    }
    return NULL;
}

/* Waits for that event; the result stays valid until world_end(). */
HELPER struct event
world_wait_event(struct world *world, const char *path, enum event_type type, uint32_t generation)
{
    const struct event *event = NULL;
    struct event copy;

    world_wait_until(world, (event = world_find_locked(world, path, type, generation, 0)) != NULL);
    pthread_mutex_lock(&world->lock);
    copy = *world_find_locked(world, path, type, generation, 0);
    pthread_mutex_unlock(&world->lock);
    return copy;
}

HELPER size_t
world_count_locked(struct world *world, const char *path, enum event_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < world->events_size; i++)
        count += world->events[i].type == type && world->events[i].path &&
                 strcmp(world->events[i].path->text, path) == 0;
    return count;
}

HELPER size_t
world_count(struct world *world, const char *path, enum event_type type)
{
    pthread_mutex_lock(&world->lock);
    size_t count = world_count_locked(world, path, type);
    pthread_mutex_unlock(&world->lock);
    return count;
}

/* Waits until there are that many events of the kind. */
HELPER void
world_wait_count(struct world *world, const char *path, enum event_type type, size_t count)
{
    world_wait_until(world, world_count_locked(world, path, type) >= count);
}

/* Lets go on what waits for /go: an echo's "wait go", a sick one's "until-go". */
HELPER void
world_go(struct world *world)
{
    assert_int_equal(component_registry_add(world->registry, "/go", AIRS_PID_NONE,
                                            COMPONENT_UNKNOWN, NULL, NULL),
                     AIRS_OK);
}

HELPER const struct world_line *
world_line_locked(struct world *world, const char *path, const char *part, uint32_t generation)
{
    for (size_t i = 0; i < world->lines_size; i++)
        if (strcmp(world->lines[i].path, path) == 0 && strstr(world->lines[i].text, part) &&
            (generation == 0 || world->lines[i].generation == generation))
            return &world->lines[i];
    return NULL;
}

/* Waits for a line of that child which contains `part`. */
HELPER const struct world_line *
world_wait_line(struct world *world, const char *path, const char *part, uint32_t generation)
{
    const struct world_line *line = NULL;

    world_wait_until(world, (line = world_line_locked(world, path, part, generation)) != NULL);
    return line;
}

#endif
