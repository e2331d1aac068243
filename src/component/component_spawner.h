/* Component spawner: makes component actors. It loads each file once, whatever the number of
 * children that run it, and enters each child in the registry.
 */
#ifndef COMPONENT_COMPONENT_SPAWNER_H
#define COMPONENT_COMPONENT_SPAWNER_H

#include <airs/status.h>
#include <airs/types.h>

#include "component/component_registry.h"
#include "component/component_spec.h"
#include "component/log_sink.h"
#include "policy/supervisor_bridge.h"

struct actor_system;
struct engine;

struct component_spawner_options {
    struct engine *engine;               /* Borrowed, as all of these; outlive the spawner. */
    struct actor_system *system;
    struct component_registry *registry;
    struct log_sink *log_sink;           /* NULL: output of guests is dropped. */
    const char *cache_dir;               /* Of compiled code; copied. */
    /* True: a file that is not in the cache is compiled here, on the caller's thread. False: it
     * was compiled before, by a child process of the daemon; what is missing is a load error. */
    bool compile;
};

struct component_spawner;

enum airs_status component_spawner_new(const struct component_spawner_options *options,
                                       struct component_spawner **spawner_out,
                                       struct airs_error *error);
/** Unloads the components. Every actor that it made is gone: after actor_system_stop(). */
void component_spawner_free(struct component_spawner *spawner);

/**
 * Makes the actor of one child: no instance yet, it waits for its supervisor's START.
 *
 * `spec` is borrowed and outlives the actor. A file that cannot be loaded is no error here:
 * the actor answers its first start with `load-error` and the text.
 * AIRS_EEXIST (path), AIRS_ELIMIT (actors), AIRS_ENOMEM.
 * Thread: one at a time.  Blocks: while the file is loaded (or compiled).
 */
enum airs_status component_spawner_spawn(struct component_spawner *spawner, const char *path,
                                         const struct component_spec *spec, airs_pid *pid_out,
                                         struct airs_error *error);

#endif
