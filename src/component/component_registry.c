/* Component registry: a map from path to entry, and the order in which entries came.
 *
 * A component-id is a path in other words, so there is one map, by path without its first `/`: the
 * name of an id without a number is a key of it as it stands. One lock, held for a look-up; nothing on a message's way from the
 * daemon waits for more than that.
 */
#include "component/component_registry.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/list.h"
#include "base/map.h"

/* The longest key by which a numbered id is looked up; a longer one is not found. */
#define ID_KEY_BYTES_MAX 1200

struct entry {
    struct list link;
    const struct component_stats *stats; /* NULL: none. */
    char *metadata_name;                 /* NULL: not known yet. */
    char *metadata_version;
    airs_pid pid; /* Beside the path: what a look-up reads. */
    enum component_kind_known kind;
    char path[];
};

struct component_registry {
    char *app; /* Constant. */

    pthread_mutex_t lock; /* Guards all below. */
    struct map entries;   /* key_of() the path → struct entry. */
    struct list order;
};

static const char *
key_of(const char *path)
{
    return path[0] == '/' ? path + 1 : path;
}

struct component_id_parts
component_id_of_path(const char *path)
{
    const char *name = key_of(path);
    const char *hash = strrchr(name, '#');

    if (!hash)
        return (struct component_id_parts){ name, strlen(name), "0", 1 };
    return (struct component_id_parts){ name, (size_t)(hash - name), hash + 1, strlen(hash + 1) };
}

static void
entry_free(struct entry *entry)
{
    if (!entry)
        return;
    free(entry->metadata_name);
    free(entry->metadata_version);
    free(entry);
}

enum airs_status
component_registry_new(const char *app_name, struct component_registry **registry_out,
                       struct airs_error *error)
{
    assert(app_name && registry_out);

    struct component_registry *registry = calloc(1, sizeof *registry);
    char *app = strdup(app_name);
    if (!registry || !app) {
        free(registry);
        free(app);
        return fail(error, AIRS_ENOMEM, "component registry: out of memory");
    }
    registry->app = app;
    map_init(&registry->entries);
    list_init(&registry->order);
    pthread_mutex_init(&registry->lock, NULL);
    *registry_out = registry;
    return AIRS_OK;
}

void
component_registry_free(struct component_registry *registry)
{
    if (!registry)
        return;
    list_for_each(link, &registry->order)
        entry_free(container_of(link, struct entry, link));
    map_deinit(&registry->entries);
    pthread_mutex_destroy(&registry->lock);
    free(registry->app);
    free(registry);
}

const char *
component_registry_app(const struct component_registry *registry)
{
    return registry->app;
}

enum airs_status
component_registry_add(struct component_registry *registry, const char *path, airs_pid pid,
                       enum component_kind_known kind, const struct component_stats *stats,
                       struct airs_error *error)
{
    assert(registry && path);

    size_t path_bytes = strlen(path) + 1;
    struct entry *entry = calloc(1, sizeof *entry + path_bytes);
    enum airs_status status = AIRS_OK;
    if (!entry)
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", path);
    memcpy(entry->path, path, path_bytes);
    entry->pid = pid;
    entry->kind = kind;
    entry->stats = stats;

    pthread_mutex_lock(&registry->lock);
    if (map_find(&registry->entries, key_of(path)))
        status = fail(error, AIRS_EEXIST, "component '%s': exists", path);
    else if (!map_set(&registry->entries, key_of(entry->path), entry))
        status = fail(error, AIRS_ENOMEM, "component '%s': out of memory", path);
    else
        list_push_back(&registry->order, &entry->link);
    pthread_mutex_unlock(&registry->lock);
    if (status != AIRS_OK)
        entry_free(entry);
    return status;
}

void
component_registry_remove(struct component_registry *registry, const char *path,
                          const struct component_stats *stats)
{
    pthread_mutex_lock(&registry->lock);
    struct entry *entry = map_find(&registry->entries, key_of(path));
    if (entry && stats && entry->stats != stats)
        entry = NULL; /* Another child has that name by now. */
    if (entry) {
        map_remove(&registry->entries, key_of(path));
        list_remove(&entry->link);
    }
    pthread_mutex_unlock(&registry->lock);
    entry_free(entry);
}

void
component_registry_set_kind(struct component_registry *registry, const char *path,
                            enum component_kind_known kind)
{
    pthread_mutex_lock(&registry->lock);
    struct entry *entry = map_find(&registry->entries, key_of(path));
    char *name = entry ? entry->metadata_name : NULL;
    char *version = entry ? entry->metadata_version : NULL;
    if (entry) {
        entry->kind = kind;
        entry->metadata_name = entry->metadata_version = NULL;
    }
    pthread_mutex_unlock(&registry->lock);
    free(name);
    free(version);
}

void
component_registry_set_metadata(struct component_registry *registry, const char *path,
                                const char *name, const char *version)
{
    char *name_copy = strdup(name);
    char *version_copy = strdup(version);

    pthread_mutex_lock(&registry->lock);
    struct entry *entry = map_find(&registry->entries, key_of(path));
    if (entry && name_copy && version_copy) {
        char *old_name = entry->metadata_name;
        char *old_version = entry->metadata_version;
        entry->metadata_name = name_copy;
        entry->metadata_version = version_copy;
        name_copy = old_name;
        version_copy = old_version;
    }
    pthread_mutex_unlock(&registry->lock);
    free(name_copy);
    free(version_copy);
}

bool
component_registry_find(struct component_registry *registry, const char *path, airs_pid *pid_out,
                        enum component_kind_known *kind_out)
{
    pthread_mutex_lock(&registry->lock);
    const struct entry *entry = map_find(&registry->entries, key_of(path));
    if (entry && pid_out)
        *pid_out = entry->pid;
    if (entry && kind_out)
        *kind_out = entry->kind;
    pthread_mutex_unlock(&registry->lock);
    return entry != NULL;
}

/* The key that an id stands for: its name as it is, or with its number in `buffer`; NULL when it is
 * nobody's. */
static const char *
key_of_id(const struct component_registry *registry, const char *namespace_name, const char *name,
          const char *instance, char *buffer)
{
    if (strcmp(namespace_name, registry->app) != 0 || name[0] == '/' || strchr(name, '#'))
        return NULL;
    if (instance[0] == '0' && instance[1] == '\0')
        return name;
    int length = snprintf(buffer, ID_KEY_BYTES_MAX, "%s#%s", name, instance);
    return length > 0 && length < ID_KEY_BYTES_MAX ? buffer : NULL;
}

bool
component_registry_find_id(struct component_registry *registry, const char *namespace_name,
                           const char *name, const char *instance, airs_pid *pid_out)
{
    char buffer[ID_KEY_BYTES_MAX];
    const char *key = key_of_id(registry, namespace_name, name, instance, buffer);

    return key && component_registry_find(registry, key, pid_out, NULL);
}

/* Everything but the parts of the id, which need memory; strings are borrowed. */
static struct component_info
info_of(const struct component_registry *registry, const struct entry *entry)
{
    struct component_info info = {
        .namespace_name = registry->app,
        .path = (char *)(uintptr_t)entry->path,
        .pid = entry->pid,
        .kind = entry->kind,
        .metadata_name =
            entry->metadata_name ? entry->metadata_name : (char *)(uintptr_t)entry->path,
        .metadata_version = entry->metadata_version ? entry->metadata_version : (char *)"",
        .health = HEALTH_UNKNOWN,
    };
    if (entry->stats) {
        info.health = atomic_load_explicit(&entry->stats->health, memory_order_relaxed);
        info.cpu_us = atomic_load_explicit(&entry->stats->cpu_ns, memory_order_relaxed) / 1000;
        info.messages = atomic_load_explicit(&entry->stats->messages, memory_order_relaxed);
        info.memory_bytes = atomic_load_explicit(&entry->stats->memory_bytes, memory_order_relaxed);
        info.output_bytes = atomic_load_explicit(&entry->stats->output_bytes, memory_order_relaxed);
    }
    return info;
}

static bool
info_copy(const struct component_registry *registry, const struct entry *entry,
          struct component_info *info_out)
{
    struct component_info info = info_of(registry, entry);
    struct component_id_parts parts = component_id_of_path(entry->path);

    info.namespace_name = strdup(info.namespace_name);
    info.name = strndup(parts.name, parts.name_size);
    info.instance = strndup(parts.instance, parts.instance_size);
    info.path = strdup(info.path);
    info.metadata_name = strdup(info.metadata_name);
    info.metadata_version = strdup(info.metadata_version);
    if (!info.namespace_name || !info.name || !info.instance || !info.path || !info.metadata_name ||
        !info.metadata_version) {
        component_info_deinit(&info);
        return false;
    }
    *info_out = info;
    return true;
}

bool
component_registry_get(struct component_registry *registry, const char *path,
                       struct component_info *info_out)
{
    pthread_mutex_lock(&registry->lock);
    const struct entry *entry = map_find(&registry->entries, key_of(path));
    bool found = entry && info_copy(registry, entry, info_out);
    pthread_mutex_unlock(&registry->lock);
    return found;
}

bool
component_registry_get_id(struct component_registry *registry, const char *namespace_name,
                          const char *name, const char *instance, struct component_info *info_out)
{
    char buffer[ID_KEY_BYTES_MAX];
    const char *key = key_of_id(registry, namespace_name, name, instance, buffer);

    return key && component_registry_get(registry, key, info_out);
}

bool
component_registry_peak_memory(struct component_registry *registry, const char *path,
                               uint64_t *bytes_out)
{
    pthread_mutex_lock(&registry->lock);
    const struct entry *entry = map_find(&registry->entries, key_of(path));
    bool found = entry && entry->stats;
    if (found)
        *bytes_out = atomic_load_explicit(&entry->stats->peak_memory_bytes, memory_order_relaxed);
    pthread_mutex_unlock(&registry->lock);
    return found && *bytes_out > 0;
}

void
component_info_deinit(struct component_info *info)
{
    free(info->namespace_name);
    free(info->name);
    free(info->instance);
    free(info->path);
    free(info->metadata_name);
    free(info->metadata_version);
    *info = (struct component_info){ 0 };
}

void
component_registry_each(struct component_registry *registry,
                        void (*visit)(void *context, const struct component_info *info),
                        void *context)
{
    pthread_mutex_lock(&registry->lock);
    list_for_each(link, &registry->order) {
        struct component_info info = info_of(registry, container_of(link, struct entry, link));
        visit(context, &info);
    }
    pthread_mutex_unlock(&registry->lock);
}
