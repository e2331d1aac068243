/* Application: from a manifest to a running tree and back.
 *
 * Start goes bottom up: compiled code, engine, actor system, registry and spawner, wrapper,
 * component supervisor; then every child of the manifest is put under supervision in tree
 * order, and the root is started. The root's end comes on a worker, inside the root's last
 * turn: it writes `application-stopped` and tells; everything is freed later by somebody
 * else's thread, in reverse order.
 */
#include <airs/airs.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/app_dirs.h"
#include "base/buffer.h"
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

const char *
airs_version(void)
{
    return AIRS_VERSION;
}

const char *
airs_engine_version(void)
{
    return engine_version();
}

const char *
airs_application_name(const struct airs_application *application)
{
    return application->name;
}

/* ---- Load ---- */

void
application_give_report(const struct manifest_report *manifest_report, airs_report report,
                        void *context)
{
    struct buffer text;
    buffer_init(&text, 0);
    if (report && manifest_report_write_text(manifest_report, &text))
        for (char *line = text.data, *rest = NULL; (line = strtok_r(line, "\n", &rest)) != NULL;
             line = NULL)
            report(context, line);
    buffer_deinit(&text);
}

static enum airs_status
copy_options(struct airs_application *application, const struct airs_application_options *options,
             struct airs_error *error)
{
    char cache[PATH_MAX];
    application->options = *options;
    application->options.manifest_path = strdup(options->manifest_path);
    application->options.cache_dir = NULL;
    if (!options->cache_dir) {
        enum airs_status status = app_dirs_cache(cache, sizeof cache, error);
        if (status != AIRS_OK)
            return status;
    }
    application->options.cache_dir = strdup(options->cache_dir ? options->cache_dir : cache);
    if (!application->options.manifest_path || !application->options.cache_dir)
        return fail(error, AIRS_ENOMEM, "out of memory");
    return AIRS_OK;
}

static struct airs_application *
application_alloc(void)
{
    struct airs_application *application = calloc(1, sizeof *application);
    if (!application)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&application->ended, &monotonic);
    pthread_cond_init(&application->watch_seen, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&application->lock, NULL);
    pthread_mutex_init(&application->change_lock, NULL);
    pthread_mutex_init(&application->watch_lock, NULL);
    list_init(&application->calls);
    list_init(&application->retired);
    map_init(&application->unloadable);
    return application;
}

enum airs_status
application_check_strategy(struct airs_application *application, const struct manifest_node *node,
                           struct airs_error *error)
{
    if (node->config.node.strategy != STRATEGY_PREDICATE || application->options.affects)
        return AIRS_OK;
    return fail(error, AIRS_EINVAL,
                "'%s' has 'strategy: predicate', which a program gives that embeds airs",
                node->path);
}

static enum airs_status
check_strategies(struct airs_application *application, airs_report report, void *context,
                 struct airs_error *error)
{
    struct airs_error reason = { 0 };
    const struct manifest *manifest = application->manifest;
    const struct manifest_node *node = manifest->root;
    while (node && application_check_strategy(application, node, &reason) == AIRS_OK)
        node = manifest_next(node);
    if (!node)
        return AIRS_OK;
    fail(error, AIRS_EINVAL, "%s:%u: %s", manifest->file, node->line, reason.message);
    char line[PATH_MAX + sizeof reason.message];
    snprintf(line, sizeof line, "%s:%u: %s", manifest->file, node->line, reason.message);
    if (report)
        report(context, line);
    return AIRS_EINVAL;
}

enum airs_status
airs_application_load(const struct airs_application_options *options, airs_report report,
                      void *report_context, struct airs_application **application_out,
                      struct airs_error *error)
{
    assert(options && options->manifest_path && application_out);

    struct manifest_report manifest_report;
    manifest_report_init(&manifest_report);
    enum airs_status status;
    struct airs_application *application = application_alloc();
    if (!application) {
        status = fail(error, AIRS_ENOMEM, "out of memory");
        goto out;
    }
    status = copy_options(application, options, error);
    if (status != AIRS_OK)
        goto out;
    status = manifest_load(options->manifest_path, &application->manifest, &manifest_report, error);
    if (status != AIRS_OK) {
        application_give_report(&manifest_report, report, report_context);
        goto out;
    }
    status = check_strategies(application, report, report_context, error);
    if (status == AIRS_OK)
        status = tree_init(&application->tree, application->manifest, error);
    if (status != AIRS_OK)
        goto out;
    application->name = strdup(application->manifest->root->name);
    if (!application->name) {
        status = fail(error, AIRS_ENOMEM, "out of memory");
        goto out;
    }
    *application_out = application;
    application = NULL;
out:
    airs_application_free(application);
    manifest_report_deinit(&manifest_report);
    return status;
}

/* ---- Start ---- */

static bool
set_phase(struct airs_application *application, enum application_phase from,
          enum application_phase to)
{
    pthread_mutex_lock(&application->lock);
    bool done = application->phase == from;
    if (done)
        application->phase = to;
    pthread_mutex_unlock(&application->lock);
    return done;
}

enum airs_status
airs_application_start(struct airs_application *application, struct airs_error *error)
{
    assert(application);

    if (!set_phase(application, APPLICATION_LOADED, APPLICATION_STARTING))
        return fail(error, AIRS_EALREADY, "this application was started already");
    application->wall_offset_us = clock_wall_us() - clock_now_us();
    application_log_sink_init(application);
    enum airs_status status = application_build(application, error);
    if (status != AIRS_OK) {
        set_phase(application, APPLICATION_STARTING, APPLICATION_LOADED);
        return status;
    }
    /* Under the lock: whoever has seen the event finds the application running. */
    pthread_mutex_lock(&application->lock);
    application_wait_for_registered(application);
    application_write_event(application, EVENT_APPLICATION_STARTED);
    application->phase = APPLICATION_RUNNING;
    pthread_mutex_unlock(&application->lock);
    component_supervisor_start_all(application->supervisor, (struct bridge_completion){ 0 });
    return AIRS_OK;
}

void
airs_application_cancel(struct airs_application *application)
{
    atomic_store(&application->cancelled, true);
}

/* ---- Stop ---- */

/* Nothing can run any more and nobody stopped it: the application ends by itself. */
void
application_on_idle(void *context, bool idle, bool any_failed)
{
    struct airs_application *application = context;
    pthread_mutex_lock(&application->lock);
    application->was_idle = idle;
    application->idle_failed = any_failed;
    bool ends = idle && application->phase == APPLICATION_RUNNING && !application->holds_idle;
    if (ends) {
        application->phase = APPLICATION_STOPPING;
        application->exit_code = any_failed ? 1 : 0;
    }
    pthread_mutex_unlock(&application->lock);
    if (ends)
        component_supervisor_stop_all(application->supervisor, DURATION_INFINITE,
                                      (struct bridge_completion){ 0 });
}

/* Of a root that gives up nothing is to be started any more. */
void
application_on_stopping(void *context)
{
    set_phase(context, APPLICATION_RUNNING, APPLICATION_STOPPING);
}

void
application_on_end(void *context, struct exit_info exit)
{
    struct airs_application *application = context;
    pthread_mutex_lock(&application->lock);
    if (application->stop_requested)
        application->exit_code = 0;
    else if (!exit_is_normal(exit))
        application->exit_code = 1;
    int exit_code = application->exit_code;
    pthread_mutex_unlock(&application->lock);

    application_write_stopped(application, exit);

    pthread_mutex_lock(&application->lock);
    application->phase = APPLICATION_ENDED;
    pthread_cond_broadcast(&application->ended);
    pthread_mutex_unlock(&application->lock);
    if (application->options.ended)
        application->options.ended(application->options.context, exit_code);
}

enum application_phase
application_phase(const struct airs_application *application)
{
    struct airs_application *locked = (struct airs_application *)(uintptr_t)application;
    pthread_mutex_lock(&locked->lock);
    enum application_phase phase = application->phase;
    pthread_mutex_unlock(&locked->lock);
    return phase;
}

bool
airs_application_is_running(const struct airs_application *application)
{
    enum application_phase phase = application_phase(application);
    return phase == APPLICATION_RUNNING || phase == APPLICATION_STOPPING;
}

/* Marks the stop as somebody's wish; false when there is nothing to stop. */
static bool
request_stop(struct airs_application *application)
{
    pthread_mutex_lock(&application->lock);
    bool running =
        application->phase == APPLICATION_RUNNING || application->phase == APPLICATION_STOPPING;
    /* An application that was ending by itself keeps its exit code. */
    if (application->phase == APPLICATION_RUNNING) {
        application->phase = APPLICATION_STOPPING;
        application->stop_requested = true;
    }
    pthread_mutex_unlock(&application->lock);
    return running;
}

void
airs_application_stop(struct airs_application *application)
{
    if (request_stop(application))
        component_supervisor_stop_all(application->supervisor, DURATION_INFINITE,
                                      (struct bridge_completion){ 0 });
}

void
airs_application_kill(struct airs_application *application)
{
    if (request_stop(application))
        component_supervisor_kill_all(application->supervisor, (struct bridge_completion){ 0 });
}

static struct timespec
time_at(uint64_t at_us)
{
    return (struct timespec){
        .tv_sec = (time_t)(at_us / US_PER_S),
        .tv_nsec = (long)(at_us % US_PER_S * 1000),
    };
}

enum airs_status
airs_application_wait(struct airs_application *application, uint64_t timeout_us, int *exit_code_out)
{
    assert(application && exit_code_out);

    uint64_t now_us = clock_now_us();
    bool for_ever = timeout_us >= AIRS_NONE - now_us;
    struct timespec deadline = time_at(for_ever ? 0 : now_us + timeout_us);
    enum airs_status status = AIRS_OK;

    pthread_mutex_lock(&application->lock);
    if (application->phase == APPLICATION_LOADED)
        status = AIRS_ENOTRUNNING;
    while (status == AIRS_OK && application->phase != APPLICATION_ENDED) {
        if (for_ever)
            pthread_cond_wait(&application->ended, &application->lock);
        else if (pthread_cond_timedwait(&application->ended, &application->lock, &deadline) ==
                 ETIMEDOUT)
            status = AIRS_ETIMEDOUT;
    }
    if (status == AIRS_OK)
        *exit_code_out = application->exit_code;
    pthread_mutex_unlock(&application->lock);
    return status;
}

void
airs_application_free(struct airs_application *application)
{
    if (!application)
        return;
    application_follow_end(application);
    if (application->system)
        actor_system_stop(application->system);
    component_supervisor_free(application->supervisor);
    supervisor_wrapper_free(application->wrapper);
    application_calls_free(application);
    component_spawner_free(application->spawner);
    component_registry_free(application->registry);
    engine_free(application->engine);
    actor_system_free(application->system);
    refstr_unref(application->escalated);
    refstr_unref(application->escalated_detail);
    application_load_errors_free(application);
    tree_deinit(&application->tree);
    application_retired_free(application);
    manifest_free(application->manifest);
    free(application->name);
    pthread_mutex_destroy(&application->change_lock);
    pthread_mutex_destroy(&application->watch_lock);
    pthread_cond_destroy(&application->watch_seen);
    pthread_mutex_destroy(&application->lock);
    pthread_cond_destroy(&application->ended);
    free((char *)(uintptr_t)application->options.manifest_path);
    free((char *)(uintptr_t)application->options.cache_dir);
    free(application);
}

/* ---- For the other files ---- */

uint64_t
airs_application_last_seq(const struct airs_application *application)
{
    return airs_application_is_running(application)
               ? event_log_last(actor_system_event_log(application->system))
               : 0;
}

enum airs_status
application_check_running(struct airs_application *application, struct airs_error *error)
{
    if (airs_application_is_running(application))
        return AIRS_OK;
    return fail(error, AIRS_ENOTRUNNING, "application '%s' is not running",
                airs_application_name(application));
}

enum airs_status
application_check_not_stopping(struct airs_application *application, struct airs_error *error)
{
    if (application_phase(application) == APPLICATION_STOPPING)
        return fail(error, AIRS_EBUSY, "the application is stopping");
    return application_check_running(application, error);
}
