/* Component spawner: a map from file to opened component, or to what is wrong with it. */
#include "component/component_spawner.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "component/component_actor.h"
#include "component/heartbeat_file.h"
#include "engine/component.h"

struct file {
    char *name;
    struct component *component; /* NULL: error says why. */
    struct airs_error error;
};

struct component_spawner {
    struct component_spawner_options options; /* Constant. */
    char *cache_dir;
    struct heartbeat_files *heartbeats;
    pthread_mutex_t lock; /* Guards `files`; what stands in it is constant. */
    struct map files;     /* Name → struct file. */
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

static void
file_free(struct file *file)
{
    if (!file)
        return;
    component_unref(file->component);
    free(file->name);
    free(file);
}

void
component_spawner_free(struct component_spawner *spawner)
{
    if (!spawner)
        return;
    map_for_each(slot, &spawner->files) file_free(slot->value);
    map_deinit(&spawner->files);
    pthread_mutex_destroy(&spawner->lock);
    heartbeat_files_free(spawner->heartbeats);
    free(spawner->cache_dir);
    free(spawner);
}

/* Whoever had it compiled may know more than that it is not in the cache. */
static void
explain(struct component_spawner *spawner, struct file *file)
{
    const char *text = NULL;
    if (spawner->options.load_error)
        text = spawner->options.load_error(spawner->options.context, file->name);
    if (text) {
        file->error = (struct airs_error){ 0 };
        fail(&file->error, AIRS_ELOAD, "%s", text);
    }
}

/* NULL when out of memory. */
static const struct file *
file_open(struct component_spawner *spawner, const char *name)
{
    struct file *file = map_find(&spawner->files, name);
    if (file)
        return file;

    file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->name = strdup(name);
    if (!file->name || !map_set(&spawner->files, file->name, file)) {
        file_free(file);
        return NULL;
    }
    enum airs_status status = component_open(spawner->options.engine, name, spawner->cache_dir,
                                             &file->component, &file->error);
    if (status != AIRS_OK)
        explain(spawner, file);
    return file;
}

/* Why this child cannot run what the file has; NULL: it can. */
static const char *
misfit(const struct file *file, const struct component_spec *spec)
{
    if (!file->component)
        return file->error.message;
    if (component_kind(file->component) == COMPONENT_ACTOR && spec->args_size > 0)
        return "'args' are for commands: this component is an actor";
    if (component_kind(file->component) == COMPONENT_ACTOR && spec->stdin_mode == STDIN_OPEN)
        return "'stdin: open' is for commands: this component is an actor";
    if (component_kind(file->component) == COMPONENT_ACTOR && spec->heartbeat_file)
        return "'heartbeat-file' is for commands: this component is an actor";
    return NULL;
}

enum airs_status
component_spawner_spawn(struct component_spawner *spawner, const char *path,
                        const struct component_spec *spec,
                        const struct health_restart_config *health, airs_pid *pid_out,
                        struct airs_error *error)
{
    assert(spawner && path && spec && pid_out);

    pthread_mutex_lock(&spawner->lock);
    const struct file *file = file_open(spawner, spec->file);
    pthread_mutex_unlock(&spawner->lock);
    if (!file)
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", path);
    const char *wrong = misfit(file, spec);
    return component_actor_spawn(
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
}

void
component_spawner_forget(struct component_spawner *spawner, const char *path)
{
    component_registry_remove(spawner->options.registry, path, NULL);
}
