/* Reload, swapping: other code for children that run.
 *
 * All children of one file get the new code, one after the other, each on trial: an exit before
 * it is ready starts it again uncounted. The first that does not get ready ends the swap of that
 * file: it and those that had the new code already go back to the old code and the old spec, those
 * that had not keep them. Who does not run gets the new code for its next start and proves nothing.
 *
 * What a child does is seen in its events; a watch is set before it is changed.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "component/component_spawner.h"
#include "daemon/application_reload.h"
#include "runtime/event_log.h"

#define LOOK_US UINT64_C(100000) /* So often it is looked whether the application is stopping. */
#define FILE_NAME_BYTES_MAX 4096
#define WHY_BYTES 128

/* ---- Watching ---- */

/* What the events of one child have said since it was set. */
struct reload_watch {
    const char *path;
    uint32_t starting; /* The last generation of each; 0: none. */
    uint32_t ready;
    uint32_t exited;
    uint64_t starting_us, exited_us; /* Monotonic. */
    bool rests;                      /* Stopped, failed or deleted, and not started since. */
    char why[WHY_BYTES];             /* Of the last exit. */
};

static void
note_exit(struct reload_watch *watch, const struct event *event)
{
    char buffer[EXIT_DETAIL_SIZE];
    const char *text = event->detail ? event->detail->text : NULL;
    const char *detail = application_exit_detail(event->exit, text, buffer);
    watch->exited = event->generation;
    watch->exited_us = event->time_us;
    snprintf(watch->why, sizeof watch->why, "%s%s%s", exit_reason_name(event->exit.reason),
             detail ? ", " : "", detail ? detail : "");
}

static void
note(struct reload_watch *watch, const struct event *event)
{
    bool comes = event->type == EVENT_REGISTERED || event->type == EVENT_STARTING;
    bool rests =
        event->type == EVENT_STOPPED || event->type == EVENT_FAILED || event->type == EVENT_DELETED;
    watch->rests = rests || (watch->rests && !comes);
    if (event->type == EVENT_STARTING) {
        watch->starting = event->generation;
        watch->starting_us = event->time_us;
    }
    if (event->type == EVENT_READY)
        watch->ready = event->generation;
    if (event->type == EVENT_EXITED)
        note_exit(watch, event);
}

void
application_watch_event(struct airs_application *application, const struct event *event)
{
    pthread_mutex_lock(&application->watch_lock);
    struct reload_watch *watch = application->watch;
    if (watch && event->path && strcmp(event->path->text, watch->path) == 0) {
        note(watch, event);
        pthread_cond_broadcast(&application->watch_seen);
    }
    pthread_mutex_unlock(&application->watch_lock);
}

static void
set_watch(struct airs_application *application, struct reload_watch *watch)
{
    pthread_mutex_lock(&application->watch_lock);
    application->watch = watch;
    pthread_mutex_unlock(&application->watch_lock);
}

enum proof { PROOF_NONE, PROOF_READY, PROOF_FAILED };

static enum proof
judge(const struct reload_watch *watch, uint32_t generation)
{
    if (watch->ready >= generation)
        return PROOF_READY;
    if (watch->exited >= generation)
        return PROOF_FAILED;
    return watch->rests ? PROOF_READY : PROOF_NONE; /* Stopped by somebody: nothing is shown. */
}

/* How long new code may take from its start on. */
static uint64_t
allowed_us(const struct supervisor_config *config)
{
    uint64_t us = SWAP_READY_US;
    if (config->policy.start_timeout_us != DURATION_INFINITE)
        us += config->policy.start_timeout_us;
    if (config->health.enabled)
        us += config->health.probe.start_period_us;
    return us;
}

static void
wait_a_while(struct airs_application *application, uint64_t due_us)
{
    struct timespec at = { .tv_sec = (time_t)(due_us / US_PER_S),
                           .tv_nsec = (long)(due_us % US_PER_S * 1000) };
    pthread_cond_timedwait(&application->watch_seen, &application->watch_lock, &at);
}

static bool
is_running(struct airs_application *application)
{
    pthread_mutex_lock(&application->lock);
    bool running = application->phase == APPLICATION_RUNNING;
    pthread_mutex_unlock(&application->lock);
    return running;
}

/* When the watch has to be over, as it stands; 0: not to be said yet. The old instance has its
 * shutdown time, the new one its own from its start on; what it waits for between them (a slot, a
 * dependency that is about to be added) may take as long, and says nothing against its code. */
static uint64_t
end_of(const struct reload_watch *watch, uint32_t generation, uint64_t allowed)
{
    if (watch->starting >= generation)
        return watch->starting_us + allowed;
    return watch->exited > 0 ? watch->exited_us + allowed : 0;
}

static enum proof
judge_late(struct reload_watch *watch, uint32_t generation)
{
    if (watch->starting < generation)
        return PROOF_READY;
    snprintf(watch->why, sizeof watch->why, "not ready in time");
    return PROOF_FAILED;
}

/* Waits until `generation` has shown what it is worth. */
static enum proof
await_proof(struct airs_application *application, struct reload_watch *watch, uint32_t generation,
            const struct supervisor_config *config)
{
    uint64_t allowed = allowed_us(config);
    enum proof proof = PROOF_NONE;
    while (proof == PROOF_NONE && is_running(application)) {
        pthread_mutex_lock(&application->watch_lock);
        uint64_t now_us = clock_now_us();
        uint64_t end_us = end_of(watch, generation, allowed);
        proof = judge(watch, generation);
        if (proof == PROOF_NONE && end_us > 0 && now_us >= end_us)
            proof = judge_late(watch, generation);
        if (proof == PROOF_NONE)
            wait_a_while(application, now_us + LOOK_US);
        pthread_mutex_unlock(&application->watch_lock);
    }
    return proof == PROOF_FAILED ? PROOF_FAILED : PROOF_READY;
}

/* ---- Swapping ---- */

bool
reload_is_swap(const struct reload *reload, const struct manifest_change *change)
{
    if (!change->restarts)
        return false;
    const struct component_spec *was = change->was->spec, *is = change->is->spec;
    const struct reload_file *file = reload_file_of(reload, change->is);
    return strcmp(was->file, is->file) != 0 || (file && file->before);
}

/* It has code that works, and would lose it. */
static bool
has_to_prove(struct airs_application *application, const char *path)
{
    component_supervision_state state;
    return component_supervisor_query_state(application->supervisor, path, &state) &&
           (state == CHILD_RUNNING || state == CHILD_STARTING);
}

/* False: the new code has failed to get ready, for the reason in `why`. */
static bool
swap_one(struct reload *reload, const struct manifest_change *change, char *why, size_t size)
{
    struct airs_application *application = reload->application;
    struct reload_watch watch = { .path = change->path };
    struct bridge_change what = {
        .config = &change->is->config,
        .spec = component_spec_to_child(change->is->spec),
        .restarts = true,
        .on_trial = has_to_prove(application, change->path),
    };
    uint32_t generation = 0;
    set_watch(application, &watch);
    bool changed = reload_change(reload, change, &what, &generation);
    enum proof proof = PROOF_READY;
    if (changed && generation > 0 && what.on_trial)
        proof = await_proof(application, &watch, generation, what.config);
    set_watch(application, NULL);
    snprintf(why, size, "%s", watch.why);
    return proof == PROOF_READY;
}

/* ---- Going back ---- */

/* The new manifest's child keeps what it has; the next reload finds the difference again. */
static void
keep_spec(struct reload *reload, const struct manifest_change *change)
{
    (void)reload;
    struct manifest_node *is = change->is->parent->children[change->is->index];
    component_spec_unref(is->spec);
    is->spec = component_spec_ref(change->was->spec);
}

static void
go_back(struct reload *reload, const struct manifest_change *change, bool restarts)
{
    struct airs_application *application = reload->application;
    component_supervision_state state;
    keep_spec(reload, change);
    struct bridge_change what = {
        .config = &change->is->config,
        .spec = component_spec_to_child(change->is->spec),
        .detail = restarts ? "rolled back to its old code" : "keeps its old code",
        .restarts = restarts,
    };
    reload_change(reload, change, &what, NULL);
    /* Its trial has ended with a delay, which is not waited for. */
    if (restarts &&
        component_supervisor_query_state(application->supervisor, change->path, &state) &&
        state == CHILD_RESTARTING)
        component_supervisor_restart(application->supervisor, change->path,
                                     (struct bridge_completion){ 0 });
}

static bool
is_of_file(const struct reload *reload, const struct manifest_change *change, const char *file)
{
    return change->kind == MANIFEST_CHANGED && reload_is_swap(reload, change) &&
           strcmp(change->is->spec->file, file) == 0;
}

static void
roll_back(struct reload *reload, size_t first, size_t failed, const char *name, const char *why)
{
    const struct manifest_diff *diff = &reload->diff;
    const struct reload_file *file = map_find(&reload->files, name);
    if (file && file->before)
        component_spawner_put(reload->application->spawner, file->before);
    if (reload->trouble[0] == '\0')
        snprintf(reload->trouble, sizeof reload->trouble,
                 "rolled back: the new code of %s did not get ready (%s)",
                 diff->changes[failed].path, why);
    for (size_t i = first; i < diff->size; i++) {
        const struct manifest_change *change = &diff->changes[i];
        if (!is_of_file(reload, change, name))
            continue;
        bool had_it = i <= failed;
        if (i == failed)
            reload_tell(reload, "rolled-back", change->path,
                        "! %s: its new code did not get ready (%s); the old one is back",
                        change->path, why);
        else
            reload_tell(reload, "rolled-back", change->path, "! %s: %s, as %s", change->path,
                        had_it ? "rolled back" : "keeps its old code", diff->changes[failed].path);
        go_back(reload, change, had_it);
        reload->rolled_back++;
        reload->restarted--;
    }
}

void
reload_swap_file(struct reload *reload, size_t first)
{
    const struct manifest_diff *diff = &reload->diff;
    char why[WHY_BYTES];
    char name[FILE_NAME_BYTES_MAX];
    struct reload_file *file = reload_file_of(reload, diff->changes[first].is);
    snprintf(name, sizeof name, "%s", diff->changes[first].is->spec->file);
    for (size_t i = 0; i < first; i++)
        if (is_of_file(reload, &diff->changes[i], name))
            return; /* Done, with that one. */
    if (file) {
        file->is_done = true;
        component_spawner_put(reload->application->spawner, file->after);
    }
    for (size_t i = first; i < diff->size; i++) {
        if (!is_of_file(reload, &diff->changes[i], name) ||
            swap_one(reload, &diff->changes[i], why, sizeof why))
            continue;
        roll_back(reload, first, i, name, why);
        return;
    }
}
