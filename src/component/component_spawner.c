/* Component spawner: a map from file to opened component, or to what is wrong with it.
 *
 * A file that is replaced on disk stays what it was when it was opened, until somebody opens it
 * anew and puts that in its place. Children hold the component that they were given.
 */
#include "component/component_spawner.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "component/component_actor.h"
#include "component/heartbeat_file.h"
#include "engine/component.h"

struct component_file {
    atomic_uint references; /* The last component_file_unref() (acq_rel) pairs with all others. */

    /* Constant once opened. */
    char *name;
    struct component *component; /* NULL: error says why. */
    struct airs_error error;
    bool has_print; /* Of contents that could not be opened. */
    struct component_print print;
};

struct component_spawner {
    struct component_spawner_options options; /* Constant. */
    char *cache_dir;
    struct heartbeat_files *heartbeats;
    pthread_mutex_t lock; /* Guards `files`. */
    struct map files; /* Name → struct component_file, referenced; its key is the file's name. */
};

enum airs_status
component_spawner_new(const struct component_spawner_options *options,
                      struct component_spawner **spawner_out, struct airs_error *error)
{
    assert(options && options->engine && options->system && options->registry);
    assert(options->cache_dir && spawner_out);

    struct component_spawner *spawner = calloc(1, sizeof *spawner);
    char *cache_dir = strdup(options->cache_dir);
    struct heartbeat_files *heartbeats = heartbeat_files_new(options->system);
    if (!spawner || !cache_dir || !heartbeats) {
        free(spawner);
        free(cache_dir);
        heartbeat_files_free(heartbeats);
        return fail(error, AIRS_ENOMEM, "component spawner: out of memory");
    }
    spawner->options = *options;
    spawner->options.cache_dir = cache_dir;
    spawner->cache_dir = cache_dir;
    spawner->heartbeats = heartbeats;
    map_init(&spawner->files);
    pthread_mutex_init(&spawner->lock, NULL);
    *spawner_out = spawner;
    return AIRS_OK;
}

void
component_spawner_free(struct component_spawner *spawner)
{
    if (!spawner)
        return;
    map_for_each(slot, &spawner->files)
        component_file_unref(slot->value);
    map_deinit(&spawner->files);
    pthread_mutex_destroy(&spawner->lock);
    heartbeat_files_free(spawner->heartbeats);
    free(spawner->cache_dir);
    free(spawner);
}

/* ---- Files ---- */

static struct component_file *
file_ref(struct component_file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

void
component_file_unref(struct component_file *file)
{
    if (!file || atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) != 1)
        return;
    component_unref(file->component);
    free(file->name);
    free(file);
}

const char *
component_file_error(const struct component_file *file)
{
    return file->component ? NULL : file->error.message;
}

/* Whoever had it compiled may know more than that it is not in the cache. */
static void
explain(struct component_spawner *spawner, struct component_file *file)
{
    const char *text = NULL;
    file->has_print = component_print(file->name, &file->print, NULL) == AIRS_OK;
    if (spawner->options.load_error)
        text = spawner->options.load_error(spawner->options.context, file->name);
    if (text) {
        file->error = (struct airs_error){ 0 };
        fail(&file->error, AIRS_ELOAD, "%s", text);
    }
}

enum airs_status
component_spawner_open(struct component_spawner *spawner, const char *name,
                       struct component_file **file_out, struct airs_error *error)
{
    struct component_file *file = calloc(1, sizeof *file);
    if (file) {
        atomic_init(&file->references, 1);
        file->name = strdup(name);
    }
    if (!file || !file->name) {
        component_file_unref(file);
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", name);
    }
    if (component_open(spawner->options.engine, name, spawner->cache_dir, &file->component,
                       &file->error) != AIRS_OK)
        explain(spawner, file);
    *file_out = file;
    return AIRS_OK;
}

/* What children of that name are given, referenced; opened if nobody has; NULL: out of memory.
 * Whoever opens it holds up others: each file is opened once. */
static struct component_file *
file_get(struct component_spawner *spawner, const char *name)
{
    pthread_mutex_lock(&spawner->lock);
    struct component_file *file = map_find(&spawner->files, name);
    if (!file && component_spawner_open(spawner, name, &file, NULL) == AIRS_OK &&
        !map_set(&spawner->files, file->name, file)) {
        component_file_unref(file);
        file = NULL;
    }
    if (file)
        file_ref(file);
    pthread_mutex_unlock(&spawner->lock);
    return file;
}

struct component_file *
component_spawner_get(struct component_spawner *spawner, const char *name)
{
    pthread_mutex_lock(&spawner->lock);
    struct component_file *file = map_find(&spawner->files, name);
    if (file)
        file_ref(file);
    pthread_mutex_unlock(&spawner->lock);
    return file;
}

void
component_spawner_put(struct component_spawner *spawner, struct component_file *file)
{
    pthread_mutex_lock(&spawner->lock);
    struct component_file *before = map_remove(&spawner->files, file->name);
    bool done = map_set(&spawner->files, file->name, file_ref(file));
    pthread_mutex_unlock(&spawner->lock);
    if (!done) /* Out of memory: it is opened when it is asked for. */
        component_file_unref(file);
    component_file_unref(before);
}

enum airs_status
component_file_is_current(const struct component_file *file, bool *current_out,
                          struct airs_error *error)
{
    struct component_print print;

    if (file->component)
        return component_is_current(file->component, file->name, current_out, error);
    enum airs_status status = component_print(file->name, &print, error);
    if (status == AIRS_OK)
        *current_out = file->has_print && memcmp(&print, &file->print, sizeof print) == 0;
    return status;
}

/* ---- Children ---- */

const char *
component_file_misfit(const struct component_file *file, const struct component_spec *spec)
{
    if (!file->component)
        return NULL;
    if (component_kind(file->component) == COMPONENT_ACTOR && spec->args_size > 0)
        return "'args' are for commands: this component is an actor";
    if (component_kind(file->component) == COMPONENT_ACTOR && spec->stdin_mode == STDIN_OPEN)
        return "'stdin: open' is for commands: this component is an actor";
    if (component_kind(file->component) == COMPONENT_ACTOR && spec->heartbeat_file)
        return "'heartbeat-file' is for commands: this component is an actor";
    return NULL;
}

/* Why this child cannot run what the file has; NULL: it can. */
static const char *
misfit(const struct component_file *file, const struct component_spec *spec)
{
    const char *error = component_file_error(file);
    return error ? error : component_file_misfit(file, spec);
}

enum airs_status
component_spawner_spawn(struct component_spawner *spawner, const char *path,
                        const struct component_spec *spec,
                        const struct health_restart_config *health, airs_pid *pid_out,
                        struct airs_error *error)
{
    assert(spawner && path && spec && pid_out);

    struct component_file *file = file_get(spawner, spec->file);
    if (!file)
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", path);
    const char *wrong = misfit(file, spec);
    enum airs_status status = component_actor_spawn(
        &(struct component_actor_options){
            .system = spawner->options.system,
            .registry = spawner->options.registry,
            .log_sink = spawner->options.log_sink,
            .component = wrong ? NULL : file->component,
            .load_error = wrong,
            .spec = spec,
            .health = health,
            .heartbeats = spawner->heartbeats,
            .path = path,
        },
        pid_out, error);
    component_file_unref(file);
    return status;
}

enum airs_status
component_spawner_change(struct component_spawner *spawner, const char *path, airs_pid pid,
                         const struct component_spec *spec,
                         const struct health_restart_config *health, struct airs_error *error)
{
    struct component_file *file = spec ? file_get(spawner, spec->file) : NULL;
    if (spec && !file)
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", path);
    const char *wrong = spec ? misfit(file, spec) : NULL;
    enum airs_status status =
        component_actor_change(pid,
                               &(struct component_actor_options){
                                   .system = spawner->options.system,
                                   .component = spec && !wrong ? file->component : NULL,
                                   .load_error = wrong,
                                   .spec = spec,
                                   .health = health,
                                   .path = path,
                               },
                               error);
    component_file_unref(file);
    return status;
}

void
component_spawner_forget(struct component_spawner *spawner, const char *path)
{
    component_registry_remove(spawner->options.registry, path, NULL);
}
