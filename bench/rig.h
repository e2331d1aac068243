/* Rig: what a benchmark of whole components stands on, without a daemon.
 *
 * Everything is on: bridge, handles, registry, event stream. Events and replies are taken by
 * the benchmark's own hooks, which run on the workers. Whatever fails ends the program.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/list.h"
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

#define RIG_SPECS_MAX 4
#define RIG_CACHE BINARY_DIR "/bench-cache"
#define RIG_MAILBOX 100000u
#define RIG_WAIT_US (UINT64_C(120) * US_PER_S) /* A wait longer than this has failed. */

struct rig {
    struct engine_config engine_config;
    struct engine *engine;
    struct actor_system *system;
    struct component_registry *registry;
    struct component_spawner *spawner;
    struct supervisor_wrapper *wrapper;
    struct component_supervisor *handles;
    struct supervisor_config config; /* Of every child: permanent, immediate, unlimited. */
    struct component_spec *specs[RIG_SPECS_MAX];
    size_t specs_size;
    _Atomic uint64_t ended;
};

static inline void
rig_check(enum airs_status status, const struct airs_error *error)
{
    if (status == AIRS_OK)
        return;
    fprintf(stderr, "bench: %s\n", error->message);
    exit(2);
}

static inline void
rig_tick(void *context)
{
    engine_tick(context);
}

static inline void
rig_wake(void *context, uint64_t id)
{
    actor_wake(((struct rig *)context)->system, id);
}

static inline void
rig_on_end(void *context, struct exit_info exit)
{
    (void)exit;
    atomic_store(&((struct rig *)context)->ended, 1);
}

/* Waits without disturbing the workers much: until *counter is at least `value`. */
static inline void
rig_wait(const _Atomic uint64_t *counter, uint64_t value)
{
    uint64_t until_us = clock_now_us() + RIG_WAIT_US;
    struct timespec pause = { 0, 200000 };

    while (atomic_load(counter) < value) {
        if (clock_now_us() > until_us) {
            fprintf(stderr, "bench: waited in vain\n");
            exit(2);
        }
        nanosleep(&pause, NULL);
    }
}

static inline void
rig_begin(struct rig *rig, unsigned workers, unsigned instances_max, event_sink sink, void *context)
{
    struct airs_error error = { 0 };

    *rig = (struct rig){ 0 };
    rig->engine_config = (struct engine_config){
        .instances_max = instances_max,
        .memory_bytes_max = UINT64_C(64) << 20,
        .wake = rig_wake,
        .wake_context = rig,
    };
    rig_check(engine_new(&rig->engine_config, &rig->engine, &error), &error);
    rig_check(actor_system_new(&(struct actor_system_options){ .workers = workers,
                                                               .tick = rig_tick,
                                                               .tick_ctx = rig->engine,
                                                               .instances_max = instances_max },
                               &rig->system, &error),
              &error);
    rig_check(component_registry_new("bench", &rig->registry, &error), &error);
    rig_check(component_spawner_new(&(struct component_spawner_options){ .engine = rig->engine,
                                                                         .system = rig->system,
                                                                         .registry = rig->registry,
                                                                         .cache_dir = RIG_CACHE },
                                    &rig->spawner, &error),
              &error);
    rig_check(supervisor_wrapper_new(&(struct supervisor_wrapper_options){ .system = rig->system,
                                                                           .spawner = rig->spawner,
                                                                           .seed = 1,
                                                                           .on_end = rig_on_end,
                                                                           .context = rig },
                                     &rig->wrapper, &error),
              &error);
    rig_check(
        component_supervisor_new(supervisor_wrapper_bridge(rig->wrapper), &rig->handles, &error),
        &error);
    supervisor_wrapper_attach(rig->wrapper, rig->handles);
    if (sink)
        rig_check(event_log_add_sink(actor_system_event_log(rig->system), sink, context, &error),
                  &error);
    rig->config = supervisor_config_with_backoff(
        supervisor_config_with_max_restarts(supervisor_config_permanent(), RESTARTS_UNLIMITED),
        backoff_immediate());
    rig_check(actor_system_start(rig->system, &error), &error);
}

static inline void
rig_end(struct rig *rig)
{
    component_supervisor_kill_all(rig->handles, (struct bridge_completion){ 0 });
    rig_wait(&rig->ended, 1);
    actor_system_stop(rig->system);
    supervisor_wrapper_free(rig->wrapper);
    component_supervisor_free(rig->handles);
    component_spawner_free(rig->spawner);
    component_registry_free(rig->registry);
    engine_free(rig->engine);
    actor_system_free(rig->system);
    for (size_t i = 0; i < rig->specs_size; i++)
        component_spec_unref(rig->specs[i]);
}

static inline const char *
rig_guests(void)
{
    const char *directory = getenv("AIRS_GUESTS");

    return directory ? directory : BINARY_DIR "/guests";
}

static inline struct component_spec *
rig_spec(struct rig *rig, const char *guest)
{
    struct airs_error error = { 0 };
    char file[4096];

    for (size_t i = 0; i < rig->specs_size; i++)
        if (strcmp(rig->specs[i]->component, guest) == 0)
            return rig->specs[i];
    if (rig->specs_size == RIG_SPECS_MAX)
        abort();
    struct component_spec *spec = component_spec_new();
    snprintf(file, sizeof file, "%s/%s.wasm", rig_guests(), guest);
    rig_check(component_compile(&rig->engine_config, file, RIG_CACHE, &error), &error);
    rig_check(component_spec_set_file(spec, guest, file, &error), &error);
    spec->limits.mailbox = RIG_MAILBOX;
    return rig->specs[rig->specs_size++] = spec;
}

/* A child at `path` that runs that guest. */
static inline void
rig_add(struct rig *rig, const char *path, const char *guest)
{
    struct airs_error error = { 0 };

    rig_check(component_supervisor_supervise(rig->handles, "/", path, &rig->config,
                                             component_spec_to_child(rig_spec(rig, guest)), &error),
              &error);
}

static inline void
rig_start(struct rig *rig)
{
    component_supervisor_start_all(rig->handles, (struct bridge_completion){ 0 });
}

static inline airs_pid
rig_pid(struct rig *rig, const char *path)
{
    airs_pid pid = AIRS_PID_NONE;

    component_registry_find(rig->registry, path, &pid, NULL);
    return pid;
}

/* Sends `text`; `reply` may be NULL. */
static inline void
rig_send(struct rig *rig, airs_pid pid, const char *text, struct reply *reply)
{
    struct message *message = message_new(text, strlen(text));

    message->reply = reply;
    if (actor_send(rig->system, pid, message) != AIRS_OK) {
        fprintf(stderr, "bench: a message was refused\n");
        exit(2);
    }
}

/* Prints one line; false, and says MISS, when `value` is beyond `limit`. */
static inline bool
rig_judge(const char *what, double value, const char *sign, double limit)
{
    bool met = sign[0] == '<' ? value <= limit : value >= limit;

    printf("%-60s %10.2f %s %.2f  %s\n", what, value, sign, limit, met ? "ok" : "MISS");
    fflush(stdout);
    return met;
}

#endif
