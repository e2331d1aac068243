/* Component spawner: makes component actors. It opens each file once, whatever the number of
 * children that run it. Compiling is not its work: a file is opened from the cache.
 */
#ifndef COMPONENT_COMPONENT_SPAWNER_H
#define COMPONENT_COMPONENT_SPAWNER_H

#include <airs/status.h>
#include <airs/types.h>

#include "component/component_registry.h"
#include "component/component_spec.h"
#include "component/log_sink.h"
#include "policy/health_restart.h"

struct actor_system;
struct engine;

struct component_spawner_options {
    struct engine *engine; /* Borrowed, as the next three; outlive the spawner. */
    struct actor_system *system;
    struct component_registry *registry;
    struct log_sink *log_sink; /* NULL: output of guests is dropped. */
    const char *cache_dir;     /* Of compiled code, see component_compile(); copied. */
    /* Why `file` could not be compiled, asked when it cannot be opened; NULL: not known. The
     * text is copied. NULL is allowed. */
    const char *(*load_error)(void *context, const char *file);
    void *context;
};

struct component_spawner;

/** AIRS_ENOMEM. */
enum airs_status component_spawner_new(const struct component_spawner_options *options,
                                       struct component_spawner **spawner_out,
                                       struct airs_error *error);
/** Gives back the components that it opened. Thread: the owner's. NULL is allowed. */
void component_spawner_free(struct component_spawner *spawner);

/**
 * Makes the actor of one child: no instance yet, it waits for its supervisor's START.
 *
 * `spec` is referenced, `health` copied (NULL: no probes). What is wrong with the file is no
 * error here (it is missing, not in the cache, imports what nobody offers, …): the actor answers
 * each start with `load-error` and the text. AIRS_EEXIST (path), AIRS_ELIMIT (actors), AIRS_ENOMEM.
 * Thread: any.  Blocks: while a file is opened for the first time, by whomever.
 */
enum airs_status component_spawner_spawn(struct component_spawner *spawner, const char *path,
                                         const struct component_spec *spec,
                                         const struct health_restart_config *health,
                                         airs_pid *pid_out, struct airs_error *error);

/** The child at `path` has been deleted: others do not find it any more. Thread: any.
 * Blocks: no. */
void component_spawner_forget(struct component_spawner *spawner, const char *path);

#endif
