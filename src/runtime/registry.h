/* Registry: path → pid. The way from a pid to its actor is the slot number itself. */
#ifndef RUNTIME_REGISTRY_H
#define RUNTIME_REGISTRY_H

#include <pthread.h>
#include <stdbool.h>

#include <airs/status.h>
#include <airs/types.h>

#include "base/map.h"
#include "base/refstr.h"

struct actor_system;

/**
 * The actor registered under `path`; AIRS_PID_NONE when there is none. It may be over by the
 * time it is used: its pid then names nobody. Thread: any.  Blocks: no.
 */
airs_pid registry_find(struct actor_system *system, const char *path);

struct registry {
    pthread_rwlock_t lock; /* Writers hold it for one insertion; a table's growth is one too. */
    struct map pids;       /* Key: text of the actor's path; value: its pid. */
};

/* ---- The runtime's own: called by actor.c and actor_system.c. ---- */

void registry_init(struct registry *registry);
void registry_deinit(struct registry *registry);
/** EEXIST, ENOMEM. `path` must stay until removed. */
enum airs_status registry_add(struct registry *registry, const struct refstr *path, airs_pid pid);
/** If it is still `pid` that stands there. */
void registry_remove(struct registry *registry, const struct refstr *path, airs_pid pid);
airs_pid registry_get(struct registry *registry, const char *path);

#endif
