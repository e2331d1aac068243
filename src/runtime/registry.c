#include "runtime/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "runtime/internal.h"

#define CAPACITY_MIN 16u

void
registry_init(struct registry *registry)
{
    *registry = (struct registry){ 0 };
    pthread_rwlock_init(&registry->lock, NULL);
}

void
registry_deinit(struct registry *registry)
{
    free(registry->entries);
    pthread_rwlock_destroy(&registry->lock);
}

/* The place of `path`, NULL: it is not there; under the lock. Its actor is in *actor_out. */
static struct registry_entry *
find_locked(struct actor_system *system, const char *path, uint32_t hash, struct actor **actor_out)
{
    struct registry *registry = &system->registry;
    if (registry->capacity == 0)
        return NULL;
    size_t mask = registry->capacity - 1;
    for (size_t i = hash >> 2 & mask;; i = (i + 1) & mask) {
        struct registry_entry *entry = &registry->entries[i];
        if (entry->hash == MAP_FREE)
            return NULL;
        if (entry->hash != hash)
            continue;
        *actor_out = actor_in_slot(system, entry->slot);
        if (strcmp((*actor_out)->path->text, path) == 0)
            return entry;
    }
}

/* Of an actor that is registered: it ends no earlier than that does. */
static airs_pid
pid_of(const struct actor *actor)
{
    uint64_t word = atomic_load_explicit(&actor->word, memory_order_relaxed);
    return (word & ~ACTOR_FLAGS) | actor->slot;
}

static void
insert_locked(struct registry *registry, struct registry_entry new_entry)
{
    size_t mask = registry->capacity - 1;
    size_t i = new_entry.hash >> 2 & mask;
    while (registry->entries[i].hash >= MAP_LIVE)
        i = (i + 1) & mask;
    if (registry->entries[i].hash == MAP_FREE)
        registry->used++;
    registry->entries[i] = new_entry;
    registry->size++;
}

/* Room for one more, and at least an eighth free; false: out of memory. */
static bool
make_room_locked(struct registry *registry)
{
    if (registry->used < registry->capacity / 8 * 7)
        return true;
    size_t capacity = CAPACITY_MIN;
    while (capacity / 8 * 7 <= registry->size)
        capacity *= 2;
    struct registry_entry *before = registry->entries;
    size_t before_size = registry->capacity;
    struct registry_entry *entries = calloc(capacity, sizeof *entries);
    if (!entries)
        return false;
    registry->entries = entries;
    registry->capacity = capacity;
    registry->size = 0;
    registry->used = 0;
    for (size_t i = 0; i < before_size; i++)
        if (before[i].hash >= MAP_LIVE)
            insert_locked(registry, before[i]);
    free(before);
    return true;
}

enum airs_status
registry_add(struct actor_system *system, const struct refstr *path, airs_pid pid)
{
    struct registry *registry = &system->registry;
    uint32_t hash = map_hash(path->text);
    struct actor *actor;
    enum airs_status status = AIRS_OK;

    pthread_rwlock_wrlock(&registry->lock);
    if (find_locked(system, path->text, hash, &actor))
        status = AIRS_EEXIST;
    else if (!make_room_locked(registry))
        status = AIRS_ENOMEM;
    else
        insert_locked(registry, (struct registry_entry){ .hash = hash, .slot = (uint32_t)pid });
    pthread_rwlock_unlock(&registry->lock);
    return status;
}

void
registry_remove(struct actor_system *system, const struct refstr *path, airs_pid pid)
{
    struct registry *registry = &system->registry;
    uint32_t hash = map_hash(path->text);
    struct actor *actor;

    pthread_rwlock_wrlock(&registry->lock);
    struct registry_entry *entry = find_locked(system, path->text, hash, &actor);
    if (entry && pid_of(actor) == pid) {
        entry->hash = MAP_REMOVED;
        registry->size--;
    }
    pthread_rwlock_unlock(&registry->lock);
}

void
registry_remove_below(struct actor_system *system, const struct refstr *path)
{
    struct registry *registry = &system->registry;

    pthread_rwlock_wrlock(&registry->lock);
    for (size_t i = 0; i < registry->capacity; i++) {
        struct registry_entry *entry = &registry->entries[i];
        if (entry->hash < MAP_LIVE)
            continue;
        const struct refstr *other = actor_in_slot(system, entry->slot)->path;
        if (other->size <= path->size || other->text[path->size] != '/' ||
            memcmp(other->text, path->text, path->size) != 0)
            continue;
        entry->hash = MAP_REMOVED;
        registry->size--;
    }
    pthread_rwlock_unlock(&registry->lock);
}

airs_pid
registry_find(struct actor_system *system, const char *path)
{
    struct registry *registry = &system->registry;
    uint32_t hash = map_hash(path);
    struct actor *actor;

    pthread_rwlock_rdlock(&registry->lock);
    airs_pid pid = find_locked(system, path, hash, &actor) ? pid_of(actor) : AIRS_PID_NONE;
    pthread_rwlock_unlock(&registry->lock);
    return pid;
}
