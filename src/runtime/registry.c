#include "runtime/registry.h"

#include "runtime/internal.h"

_Static_assert(sizeof(void *) >= sizeof(airs_pid), "a pid is kept as the map's value");

void
registry_init(struct registry *registry)
{
    pthread_rwlock_init(&registry->lock, NULL);
    map_init(&registry->pids);
}

void
registry_deinit(struct registry *registry)
{
    map_deinit(&registry->pids);
    pthread_rwlock_destroy(&registry->lock);
}

enum airs_status
registry_add(struct registry *registry, const struct refstr *path, airs_pid pid)
{
    enum airs_status status = AIRS_OK;
    pthread_rwlock_wrlock(&registry->lock);
    if (map_find(&registry->pids, path->text))
        status = AIRS_EEXIST;
    else if (!map_set(&registry->pids, path->text, (void *)(uintptr_t)pid))
        status = AIRS_ENOMEM;
    pthread_rwlock_unlock(&registry->lock);
    return status;
}

void
registry_remove(struct registry *registry, const struct refstr *path, airs_pid pid)
{
    pthread_rwlock_wrlock(&registry->lock);
    if ((airs_pid)(uintptr_t)map_find(&registry->pids, path->text) == pid)
        map_remove(&registry->pids, path->text);
    pthread_rwlock_unlock(&registry->lock);
}

airs_pid
registry_get(struct registry *registry, const char *path)
{
    pthread_rwlock_rdlock(&registry->lock);
    airs_pid pid = (airs_pid)(uintptr_t)map_find(&registry->pids, path);
    pthread_rwlock_unlock(&registry->lock);
    return pid;
}

airs_pid
registry_find(struct actor_system *system, const char *path)
{
    return registry_get(&system->registry, path);
}
