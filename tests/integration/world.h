/* A world for integration tests: engine, actor system, bridge and a tree of real components.
 *
 * Everything that happens is watched through the event stream and the log sink; a test waits
 * for what it wants to see, with a deadline, and never sleeps. world_end() stops the tree and
 * asserts that nothing is left in the engine's pool.
 */
#ifndef TESTS_INTEGRATION_WORLD_H
#define TESTS_INTEGRATION_WORLD_H

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

HELPER uint64_t
world_deadline(void)
{
    return clock_now_us() + WORLD_DEADLINE_US;
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
world_count(struct world *world, const char *path, enum event_type type)
{
    size_t count = 0;

    pthread_mutex_lock(&world->lock);
    for (size_t i = 0; i < world->events_size; i++)
        count += world->events[i].type == type && world->events[i].path &&
                 strcmp(world->events[i].path->text, path) == 0;
    pthread_mutex_unlock(&world->lock);
    return count;
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

/* ---- Making and ending. ---- */

HELPER void
world_tick(void *context)
{
    engine_tick(context);
}

HELPER void
world_wake(void *context, uint64_t id)
{
    struct world *world = context;

    actor_wake(world->system, id);
}

HELPER const char *
world_cache(void)
{
    return BINARY_DIR "/test-cache";
}

HELPER struct world *
world_begin_with(struct world_options options)
{
    struct airs_error error = { 0 };
    struct world *world = calloc(1, sizeof *world);
    pthread_condattr_t monotonic;

    world->options = options;
    pthread_mutex_init(&world->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&world->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    world->events = calloc(options.keep_no_events ? 1 : WORLD_EVENTS_MAX, sizeof *world->events);
    world->sink.write = world_on_line;

    unsigned instances = options.instances_max ? options.instances_max : 64;
    world->engine_config = (struct engine_config){
        .instances_max = instances,
        .memory_bytes_max = UINT64_C(64) << 20,
        .wake = world_wake,
        .wake_context = world,
    };
    if (engine_new(&world->engine_config, &world->engine, &error) != AIRS_OK)
        fail_msg("engine: %s", error.message);
    struct actor_system_options system = {
        .workers = options.workers ? options.workers : 2,
        .tick = world_tick,
        .tick_ctx = world->engine,
        .instances_max = instances,
        .max_concurrent_starts = options.max_concurrent_starts,
    };
    assert_int_equal(actor_system_new(&system, &world->system, &error), AIRS_OK);
    assert_int_equal(component_registry_new(WORLD_APP, &world->registry, &error), AIRS_OK);
    struct component_spawner_options spawner = {
        .engine = world->engine,
        .system = world->system,
        .registry = world->registry,
        .log_sink = &world->sink,
        .cache_dir = world_cache(),
    };
    assert_int_equal(component_spawner_new(&spawner, &world->spawner, &error), AIRS_OK);
    struct supervisor_wrapper_options wrapper = {
        .system = world->system,
        .spawner = world->spawner,
        .seed = 1,
        .on_end = world_on_end,
        .on_idle = world_on_idle,
        .context = world,
    };
    assert_int_equal(supervisor_wrapper_new(&wrapper, &world->wrapper, &error), AIRS_OK);
    assert_int_equal(component_supervisor_new(supervisor_wrapper_bridge(world->wrapper),
                                              &world->handles, &error),
                     AIRS_OK);
    if (!options.without_handles)
        supervisor_wrapper_attach(world->wrapper, world->handles);
    assert_int_equal(
        event_log_add_sink(actor_system_event_log(world->system), world_on_event, world, &error),
        AIRS_OK);
    assert_int_equal(actor_system_start(world->system, &error), AIRS_OK);
    return world;
}

HELPER struct world *
world_begin(void)
{
    return world_begin_with((struct world_options){ 0 });
}

/* The path of a built guest; skips the test where there is none. */
HELPER const char *
world_guest(const char *name)
{
    static char path[512];
    const char *directory = getenv("AIRS_GUESTS");

    snprintf(path, sizeof path, "%s/%s.wasm", directory ? directory : BINARY_DIR "/guests", name);
    return path;
}

/* Compiles `file` into the cache that all tests share. */
HELPER enum airs_status
world_compile(struct world *world, const char *file, struct airs_error *error)
{
    return component_compile(&world->engine_config, file, world_cache(), error);
}

HELPER struct component_spec *
world_spec(struct world *world, const struct world_child *child)
{
    struct component_spec *spec = component_spec_new();
    const char *file = child->file ? child->file : world_guest(child->guest);
    struct airs_error error = { 0 };

    if (!child->file && world_compile(world, file, &error) != AIRS_OK)
        fail_msg("compile: %s", error.message);
    assert_int_equal(component_spec_set_file(spec, child->guest ? child->guest : file, file, NULL),
                     AIRS_OK);
    for (size_t i = 0; i < 4 && child->args[i]; i++)
        assert_int_equal(component_spec_add_arg(spec, child->args[i], NULL), AIRS_OK);
    if (child->text)
        assert_int_equal(component_spec_set_config(spec, child->text, NULL), AIRS_OK);
    if (child->variable[0])
        assert_int_equal(
            component_spec_add_variable(spec, child->variable[0], child->variable[1], NULL),
            AIRS_OK);
    spec->stdin_mode = child->stdin_open ? STDIN_OPEN : STDIN_EMPTY;
    if (child->limits.memory_bytes)
        spec->limits.memory_bytes = child->limits.memory_bytes;
    if (child->limits.call_timeout_us)
        spec->limits.call_timeout_us = child->limits.call_timeout_us;
    if (child->limits.cpu_timeout_us)
        spec->limits.cpu_timeout_us = child->limits.cpu_timeout_us;
    if (child->limits.mailbox)
        spec->limits.mailbox = child->limits.mailbox;
    spec->limits.on_full = child->limits.on_full;
    return spec;
}

/* Permanent, restarted at once, as often as it takes. */
HELPER struct supervisor_config
world_immortal(void)
{
    struct supervisor_config config = supervisor_config_permanent();

    config = supervisor_config_with_max_restarts(config, RESTARTS_MAX);
    return supervisor_config_with_backoff(config, backoff_immediate());
}

/* Adds a child; its config's zero is world_immortal(). */
HELPER void
world_add(struct world *world, const char *path, struct world_child child)
{
    struct airs_error error = { 0 };
    bool is_supervisor = !child.guest && !child.file;
    size_t index = world->children++;

    assert_true(index < WORLD_CHILDREN_MAX);
    if (child.config.policy.within_us == 0)
        child.config = is_supervisor ? supervisor_config_default_supervisor() : world_immortal();
    world->configs[index] = malloc(sizeof *world->configs[index]);
    *world->configs[index] = child.config;
    world->specs[index] = is_supervisor ? NULL : world_spec(world, &child);
    enum airs_status status = component_supervisor_supervise(
        world->handles, child.parent ? child.parent : "/", path, world->configs[index],
        is_supervisor ? NULL : component_spec_to_child(world->specs[index]), &error);
    if (status != AIRS_OK)
        fail_msg("%s: %s", path, error.message);
}

/* ---- Asking. ---- */

struct world_answer {
    struct world *world;
    struct reply reply;
    bool done;
    enum airs_status status;
    char text[512];
    size_t size;
};

HELPER void
world_answer_set(struct world_answer *answer, enum airs_status status, const void *bytes,
                 size_t size)
{
    pthread_mutex_lock(&answer->world->lock);
    answer->done = true;
    answer->status = status;
    answer->size = size;
    size_t kept = size < sizeof answer->text - 1 ? size : sizeof answer->text - 1;
    if (kept > 0)
        memcpy(answer->text, bytes, kept);
    answer->text[kept] = '\0';
    pthread_cond_broadcast(&answer->world->changed);
    pthread_mutex_unlock(&answer->world->lock);
}

HELPER void
world_completed(void *context, enum airs_status status, const char *text)
{
    world_answer_set(context, status, text, text ? strlen(text) : 0);
}

typedef void world_verb(struct component_supervisor *, const char *, struct bridge_completion);

/* Asks and waits for the supervisor's answer. */
HELPER enum airs_status
world_do(struct world *world, world_verb *verb, const char *path)
{
    struct world_answer answer = { .world = world };

    verb(world->handles, path, (struct bridge_completion){ world_completed, &answer });
    world_wait_until(world, answer.done);
    return answer.status;
}

/* The verb stop without a bound, in the form of the others. */
HELPER void
world_stop(struct component_supervisor *supervisor, const char *path,
           struct bridge_completion completion)
{
    component_supervisor_stop(supervisor, path, DURATION_INFINITE, completion);
}

HELPER void
world_start(struct world *world)
{
    struct world_answer answer = { .world = world };

    component_supervisor_start_all(world->handles,
                                   (struct bridge_completion){ world_completed, &answer });
    world_wait_until(world, answer.done);
    assert_int_equal(answer.status, AIRS_OK);
}

HELPER struct world_answer
world_stop_all(struct world *world, uint64_t timeout_us)
{
    struct world_answer answer = { .world = world };

    component_supervisor_stop_all(world->handles, timeout_us,
                                  (struct bridge_completion){ world_completed, &answer });
    world_wait_until(world, answer.done);
    return answer;
}

HELPER void
world_replied(struct reply *reply, enum airs_status status, const char *error_text,
              const void *bytes, size_t size)
{
    struct world_answer *answer = container_of(reply, struct world_answer, reply);

    if (error_text)
        world_answer_set(answer, status, error_text, strlen(error_text));
    else
        world_answer_set(answer, status, bytes, size);
}

/* Sends a message whose answer comes into `answer`, which stays until then. */
HELPER enum airs_status
world_send(struct world *world, const char *path, const char *text, struct world_answer *answer)
{
    struct message *message = message_new(text, strlen(text));
    airs_pid pid;

    assert_true(component_registry_find(world->registry, path, &pid, NULL));
    *answer = (struct world_answer){ .world = world, .reply.done = world_replied };
    message->reply = &answer->reply;
    enum airs_status status = actor_send(world->system, pid, message);
    if (status != AIRS_OK)
        message_free(message);
    return status;
}

HELPER void
world_wait_answer(struct world *world, struct world_answer *answer)
{
    world_wait_until(world, answer->done);
}

HELPER struct world_answer
world_call(struct world *world, const char *path, const char *text)
{
    struct world_answer answer;

    assert_int_equal(world_send(world, path, text, &answer), AIRS_OK);
    world_wait_answer(world, &answer);
    return answer;
}

#define assert_answer(world, path, sent, expected)                         \
    do {                                                                   \
        struct world_answer answer_ = world_call((world), (path), (sent)); \
        assert_int_equal(answer_.status, AIRS_OK);                         \
        assert_string_equal(answer_.text, (expected));                     \
    } while (0)

struct world_list {
    struct world_answer answer;
    struct supervision_view views[32];
    char paths[32][64];
    char waits[32][32];
    size_t count;
};

HELPER void
world_listed(void *context, enum airs_status status, const struct supervision_view *views,
             size_t count)
{
    struct world_list *list = context;

    list->count = count;
    for (size_t i = 0; i < count && i < 32; i++) {
        list->views[i] = views[i];
        snprintf(list->paths[i], sizeof list->paths[i], "%s", views[i].path);
        list->views[i].path = list->paths[i];
        snprintf(list->waits[i], sizeof list->waits[i], "%s",
                 views[i].waits_for ? views[i].waits_for : "");
        list->views[i].waits_for = list->waits[i];
        list->views[i].exit_detail = NULL;
    }
    world_answer_set(&list->answer, status, NULL, 0);
}

/* `list` is filled, at most 32 views of it. */
HELPER enum airs_status
world_list(struct world *world, const char *path, struct world_list *list)
{
    *list = (struct world_list){ .answer.world = world };
    component_supervisor_list(world->handles, path, (struct bridge_listing){ world_listed, list });
    world_wait_until(world, list->answer.done);
    return list->answer.status;
}

HELPER struct supervision_view
world_view(struct world *world, const char *path)
{
    struct world_list list;

    assert_int_equal(world_list(world, path, &list), AIRS_OK);
    assert_int_equal(list.count, 1);
    list.views[0].path = NULL;
    list.views[0].waits_for = NULL;
    return list.views[0];
}

/* Waits until at most `count` messages lie in the mailbox of `path`: those before are in hand. */
HELPER void
world_wait_mailbox(struct world *world, const char *path, uint64_t count)
{
    uint64_t deadline_us = world_deadline();

    while (world_view(world, path).mailbox > count)
        assert_true(clock_now_us() < deadline_us);
}

HELPER struct supervision_handle
world_handle(struct world *world, const char *path)
{
    struct supervision_handle handle;

    assert_true(component_supervisor_get_handle(world->handles, path, &handle));
    return handle;
}

/* Stops what runs, frees everything, and asserts that nothing is left behind. */
HELPER void
world_end(struct world *world)
{
    if (!world->ended)
        world_stop_all(world, 20 * US_PER_S);
    struct engine_usage usage;
    engine_usage(world->engine, &usage);
    assert_int_equal(usage.instances, 0);
    assert_int_equal(usage.stacks, 0);
    actor_system_stop(world->system);
    event_log_remove_sink(actor_system_event_log(world->system), world_on_event, world);
    supervisor_wrapper_free(world->wrapper);
    component_supervisor_free(world->handles);
    component_spawner_free(world->spawner);
    component_registry_free(world->registry);
    engine_free(world->engine);
    actor_system_free(world->system);
    for (size_t i = 0; i < world->events_size; i++)
        event_deinit(&world->events[i]);
    free(world->events);
    for (size_t i = 0; i < world->lines_size; i++) {
        free(world->lines[i].path);
        free(world->lines[i].text);
    }
    for (size_t i = 0; i < world->children; i++) {
        component_spec_unref(world->specs[i]);
        free(world->configs[i]);
    }
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->lock);
    free(world);
}

/* `test_x PATTERN` runs the tests whose names match it alone. */
HELPER void
world_filter(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
}

#endif
