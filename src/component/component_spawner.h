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

/**
 * Gives the child at `path` another spec, with what its file has in this spawner, for its next
 * instances, and other probes at once; NULL: as it is. As component_actor_change(). Blocks also
 * while a file is opened for the first time.
 */
enum airs_status component_spawner_change(struct component_spawner *spawner, const char *path,
                                          airs_pid pid, const struct component_spec *spec,
                                          const struct health_restart_config *health,
                                          struct airs_error *error);

/* A file as it was when it was opened, or what was wrong with it. Counted. */
struct component_file;

/** Opens what stands in the file `name` now, apart from what children are given. AIRS_ENOMEM; what
 * is wrong with the file is no error here. Thread: any.  Blocks: for the file. */
enum airs_status component_spawner_open(struct component_spawner *spawner, const char *name,
                                        struct component_file **file_out, struct airs_error *error);
/** What children of the file `name` are given, referenced; NULL: nobody has asked for it yet. */
struct component_file *component_spawner_get(struct component_spawner *spawner, const char *name);
/** From now on children of that name are given `file`, referenced, instead. Thread: any. */
void component_spawner_put(struct component_spawner *spawner, struct component_file *file);
/** NULL is allowed. Thread: any. */
void component_file_unref(struct component_file *file);
/** Why no child can run it, as long as it; NULL: they can. Thread: any. */
const char *component_file_error(const struct component_file *file);
/** Why a child of `spec` cannot run what is in the file, although others could; NULL: it can, or nobody
 * can. A constant. Thread: any. */
const char *component_file_misfit(const struct component_file *file,
                                  const struct component_spec *spec);
/** Whether the contents on disk still are those that were opened. Fails when they cannot be read.
 * Thread: any.  Blocks: reads and hashes the file. */
enum airs_status component_file_is_current(const struct component_file *file, bool *current_out,
                                           struct airs_error *error);

/** The child at `path` has been deleted: others do not find it any more. Thread: any.
 * Blocks: no. */
void component_spawner_forget(struct component_spawner *spawner, const char *path);

#endif
