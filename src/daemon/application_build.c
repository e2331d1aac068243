/* Building: what an application needs to run, bottom up: engine, actor system, registry and
 * spawner, wrapper, component supervisor; then every child of the manifest in tree order.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "component/component_registry.h"
#include "component/component_spawner.h"
#include "component/supervisor_wrapper.h"
#include "daemon/application_internal.h"
#include "engine/engine.h"
#include "manifest/manifest.h"
#include "runtime/actor.h"
#include "runtime/actor_system.h"
#include "runtime/event_log.h"

void
application_write_event(struct airs_application *application, enum event_type type)
{
    struct event event = { .type = type };
    event_log_write(actor_system_event_log(application->system), &event);
}

void
application_write_reloaded(struct airs_application *application, const char *detail)
{
    struct event event = { .type = EVENT_RELOADED, .detail = refstr_new(detail, strlen(detail)) };
    event_log_write(actor_system_event_log(application->system), &event);
    refstr_unref(event.detail);
}

void
application_write_stopped(struct airs_application *application, struct exit_info exit)
{
    struct event event = { .type = EVENT_APPLICATION_STOPPED };
    if (exit.reason == EXIT_ESCALATED) {
        event.has_exit = true;
        event.exit = exit;
        event.cause = application->escalated;
        event.detail = application->escalated_detail;
    }
    event_log_write(actor_system_event_log(application->system), &event);
}

static void
on_tick(void *context)
{
    struct airs_application *application = context;
    engine_tick(application->engine);
}

static void
on_wake(void *context, uint64_t id)
{
    struct airs_application *application = context;
    actor_wake(application->system, id);
}

static uint64_t
largest_memory(const struct application_tree *tree)
{
    uint64_t bytes = 0;
    for (const struct tree_child *child = tree->root; child; child = tree_next(child))
        if (child->node->spec && child->node->spec->limits.memory_bytes > bytes)
            bytes = child->node->spec->limits.memory_bytes;
    return bytes;
}

static enum airs_status
make_runtime(struct airs_application *application, const struct engine_config *config,
             struct airs_error *error)
{
    const struct manifest *manifest = application->manifest;
    struct actor_system_options options = {
        .workers = application->options.workers,
        .tick = on_tick,
        .tick_ctx = application,
        .max_concurrent_starts = manifest->max_concurrent_starts,
        .instances_max = config->instances_max,
    };
    enum airs_status status = actor_system_new(&options, &application->system, error);
    if (status == AIRS_OK && application->options.last_seq)
        event_log_begin(actor_system_event_log(application->system),
                        application->options.last_seq(application->options.context));
    if (status == AIRS_OK)
        status = engine_new(config, &application->engine, error);
    if (status == AIRS_OK)
        status = component_registry_new(airs_application_name(application), &application->registry,
                                        error);
    return status;
}

static bool
affects(void *context, const char *supervisor, const char *failed, const char *candidate)
{
    const struct airs_application *application = context;
    return application->options.affects(application->options.context, supervisor, failed,
                                        candidate);
}

static enum airs_status
make_supervision(struct airs_application *application, struct airs_error *error)
{
    struct component_spawner_options spawner = {
        .engine = application->engine,
        .system = application->system,
        .registry = application->registry,
        .log_sink = application->options.log ? &application->log_sink : NULL,
        .cache_dir = application->options.cache_dir,
        .load_error = application_load_error,
        .context = application,
    };
    enum airs_status status = component_spawner_new(&spawner, &application->spawner, error);
    if (status != AIRS_OK)
        return status;
    struct supervisor_wrapper_options wrapper = {
        .system = application->system,
        .spawner = application->spawner,
        .seed = clock_now_ns(),
        .memory = application_memory,
        .affects = application->options.affects ? affects : NULL,
        .root_policy = &application->manifest->root->config.node,
        .on_stopping = application_on_stopping,
        .on_end = application_on_end,
        .on_idle = application_on_idle,
        .context = application,
    };
    status = supervisor_wrapper_new(&wrapper, &application->wrapper, error);
    if (status != AIRS_OK)
        return status;
    status = component_supervisor_new(supervisor_wrapper_bridge(application->wrapper),
                                      &application->supervisor, error);
    if (status != AIRS_OK)
        return status;
    supervisor_wrapper_attach(application->wrapper, application->supervisor);
    /* Behind the wrapper's: when others hear that a child was deleted, its path is free. */
    status = event_log_add_sink(actor_system_event_log(application->system), application_on_event,
                                application, error);
    if (status == AIRS_OK && application->options.event_commit)
        event_log_on_commit(actor_system_event_log(application->system),
                            application->options.event_commit, application->options.context);
    return status;
}

/* Puts every child of the tree under supervision, a supervisor before its children. */
static enum airs_status
supervise_all(struct airs_application *application, struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    struct tree_child *child = application->tree.root;
    while (status == AIRS_OK && (child = tree_next(child)) != NULL) {
        if (atomic_load(&application->cancelled))
            return fail(error, AIRS_EBUSY, "cancelled while it was loading");
        status = application_supervise(application, child, false, error);
    }
    return status;
}

/* Waits until every supervisor has taken in its children, so that their `registered` stands
 * before `application-started`: each is asked for its list, behind what it was asked before. */
struct barrier {
    pthread_mutex_t lock;
    pthread_cond_t passed;
    bool is_passed;
};

static void
on_barrier(void *context, enum airs_status status, const struct supervision_view *views,
           size_t count)
{
    struct barrier *barrier = context;
    (void)status;
    (void)views;
    (void)count;
    pthread_mutex_lock(&barrier->lock);
    barrier->is_passed = true;
    pthread_cond_signal(&barrier->passed);
    pthread_mutex_unlock(&barrier->lock);
}

void
application_wait_for_registered(struct airs_application *application)
{
    struct barrier barrier = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    component_supervisor_list(application->supervisor, NULL,
                              (struct bridge_listing){ on_barrier, &barrier });
    pthread_mutex_lock(&barrier.lock);
    while (!barrier.is_passed)
        pthread_cond_wait(&barrier.passed, &barrier.lock);
    pthread_mutex_unlock(&barrier.lock);
}

enum airs_status
application_build(struct airs_application *application, struct airs_error *error)
{
    const struct manifest *manifest = application->manifest;
    application_restore(application);
    application_follow(application);
    struct engine_config config = {
        .instances_max = manifest->max_instances,
        .memory_bytes_max = largest_memory(&application->tree),
        .wake = on_wake,
        .wake_context = application,
    };
    enum airs_status status = application_compile_all(application, &config, error);
    application->instances_max = config.instances_max;
    application->memory_bytes_max = config.memory_bytes_max;
    application->large_code = config.large_code;
    if (status == AIRS_OK)
        status = make_runtime(application, &config, error);
    if (status == AIRS_OK)
        status = make_supervision(application, error);
    if (status == AIRS_OK)
        status = actor_system_start(application->system, error);
    if (status == AIRS_OK)
        status = application_calls_start(application, error);
    if (status == AIRS_OK)
        status = supervise_all(application, error);
    if (status == AIRS_OK)
        application_follow(application);
    return status;
}
