/* A world for integration tests: engine, actor system, bridge and a tree of real components.
 *
 * Everything that happens is watched through the event stream and the log sink; a test waits
 * for what it wants to see, with a deadline, and never sleeps. world_end() stops the tree and
 * asserts that nothing is left in the engine's pool.
 */
#ifndef TESTS_INTEGRATION_WORLD_H
#define TESTS_INTEGRATION_WORLD_H

#include "world_watch.h"

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
        .affects = options.affects,
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

/* A start and a stop that have the default's time have as long as a test waits: the machine may be
 * busy, and what a test is about it sets itself. */
HELPER void
world_be_patient(struct child_policy *policy)
{
    if (policy->start_timeout_us == START_TIMEOUT_US_DEFAULT)
        policy->start_timeout_us = WORLD_DEADLINE_US;
    if (policy->shutdown_us == SHUTDOWN_US_DEFAULT)
        policy->shutdown_us = WORLD_DEADLINE_US;
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
    world_be_patient(&world->configs[index]->policy);
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
        world_stop_all(world, 5 * US_PER_S); /* Kills what is deaf. */
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

#endif
