/* Component registry: who a component is to others: its id, its pid, its cached metadata.
 *
 * The component-id of a child: namespace = application name, name = path without the first
 * `/` and without `#N`, instance = that number or "0". The registry holds no state of
 * supervision; a child is found in it from its spawn to its deletion, running or not.
 * Supervisors are not in it.
 */
#ifndef COMPONENT_COMPONENT_REGISTRY_H
#define COMPONENT_COMPONENT_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "supervision/health_monitor.h"

/* What runs behind an entry, found from the file's exports at load. */
enum component_kind_known { COMPONENT_UNKNOWN, COMPONENT_IS_ACTOR, COMPONENT_IS_COMMAND };

/* What a child consumes; written by its own worker, read by anybody (relaxed). */
struct component_stats {
    _Atomic uint64_t cpu_ns;   /* On a worker, over all generations. */
    _Atomic uint64_t messages; /* handle-message calls that were answered. */
    _Atomic uint64_t
        memory_bytes; /* Of the running instance, as of its last call; 0 without one. */
    _Atomic uint64_t peak_memory_bytes; /* The most that the last instance that ended had. */
    _Atomic uint64_t output_bytes;
    _Atomic enum health_answer health; /* Of the last probe of this generation, else UNKNOWN. */
};

/* An entry, copied out. Strings are owned by the copy. */
struct component_info {
    char *namespace_name;
    char *name;
    char *instance;
    char *path;
    airs_pid pid;
    enum component_kind_known kind;
    char *metadata_name;    /* Of `metadata`; of a command its path. */
    char *metadata_version; /* Empty of a command, and before the first start. */
    uint64_t cpu_us, messages, memory_bytes, output_bytes;
    enum health_answer health; /* The last probe's. */
};

struct component_registry;

/** The most memory that the last instance of `path` which ended had; false: not known.
 * Thread: any.  Allocates: no. */
bool component_registry_peak_memory(struct component_registry *registry, const char *path,
                                    uint64_t *bytes_out);

/** `app_name` is copied. AIRS_ENOMEM. */
enum airs_status component_registry_new(const char *app_name,
                                        struct component_registry **registry_out,
                                        struct airs_error *error);
void component_registry_free(struct component_registry *registry);

/** The application's name. Thread: any. */
const char *component_registry_app(const struct component_registry *registry);

/**
 * Adds an entry; `stats` (may be NULL) lives as long as the entry.
 * AIRS_EEXIST, AIRS_ENOMEM.  Thread: any.
 */
enum airs_status component_registry_add(struct component_registry *registry, const char *path,
                                        airs_pid pid, enum component_kind_known kind,
                                        const struct component_stats *stats,
                                        struct airs_error *error);
/** Forgets the entry of `path` if it was added with `stats` (NULL: whatever is there); none such
 * is ignored. Thread: any. */
void component_registry_remove(struct component_registry *registry, const char *path,
                               const struct component_stats *stats);

/** The child runs something else from now on: its metadata is not known. Thread: any. */
void component_registry_set_kind(struct component_registry *registry, const char *path,
                                 enum component_kind_known kind);

/** Keeps what `metadata` said. Thread: any. */
void component_registry_set_metadata(struct component_registry *registry, const char *path,
                                     const char *name, const char *version);

/** The pid and kind of `path`; false: no component there. Thread: any. */
bool component_registry_find(struct component_registry *registry, const char *path,
                             airs_pid *pid_out, enum component_kind_known *kind_out);
/** The pid of a component-id; false: none. Thread: any. */
bool component_registry_find_id(struct component_registry *registry, const char *namespace_name,
                                const char *name, const char *instance, airs_pid *pid_out);

/** A copy of the entry at `path`; false: none, or out of memory. */
bool component_registry_get(struct component_registry *registry, const char *path,
                            struct component_info *info_out);
bool component_registry_get_id(struct component_registry *registry, const char *namespace_name,
                               const char *name, const char *instance,
                               struct component_info *info_out);
void component_info_deinit(struct component_info *info);

/** Calls `visit` for each entry in the order in which they were added, under the registry's
 * lock: quick, no call back. The info is borrowed; its name and instance are NULL. */
void component_registry_each(struct component_registry *registry,
                             void (*visit)(void *context, const struct component_info *info),
                             void *context);

/* The three parts of a component-id, cut out of a path. */
struct component_id_parts {
    const char *name;
    size_t name_size;
    const char *instance; /* "0" without a `#N`. */
    size_t instance_size;
};

/** Cuts `path`; never fails. */
struct component_id_parts component_id_of_path(const char *path);

#endif
