/* Registry: path → pid. The way from a pid to its actor is the slot number itself.
 *
 * An entry is eight bytes, a hash and a slot: the path and the generation stand in the actor there,
 * for as long as it is registered.
 */
#ifndef RUNTIME_REGISTRY_H
#define RUNTIME_REGISTRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "base/refstr.h"

struct actor_system;

/**
 * The actor registered under `path`; AIRS_PID_NONE when there is none. It may be over by the
 * time it is used: its pid then names nobody. Thread: any.  Blocks: no.
 */
airs_pid registry_find(struct actor_system *system, const char *path);

struct registry_entry {
    uint32_t hash; /* map_hash(), or MAP_FREE, MAP_REMOVED. */
    uint32_t slot;
};

struct registry {
    pthread_rwlock_t lock; /* Writers hold it for one insertion; a table's growth is one too. */
    struct registry_entry *entries; /* Open addressing, linear probing. */
    size_t capacity;                /* A power of two, or 0. */
    size_t size;
    size_t used; /* Entries, and places of removed ones. */
};

/* ---- The runtime's own: called by actor.c and actor_system.c. ---- */

void registry_init(struct registry *registry);
void registry_deinit(struct registry *registry);
/** EEXIST, ENOMEM. `pid` is an actor with `path`, which has both until it is removed. */
enum airs_status registry_add(struct actor_system *system, const struct refstr *path, airs_pid pid);
/** If it is still `pid` that stands there. */
void registry_remove(struct actor_system *system, const struct refstr *path, airs_pid pid);
/** All whose path lies below `path`. Costs O(entries). */
void registry_remove_below(struct actor_system *system, const struct refstr *path);

#endif
