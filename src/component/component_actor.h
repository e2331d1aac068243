/* Component actor: a child that runs wasm. An actor behaviour over engine/instance.h.
 *
 * The actor outlives its instances: mailbox, name, pid and metadata stay when one ends, and
 * a restart makes the next from the pre-linked component.
 */
#ifndef COMPONENT_COMPONENT_ACTOR_H
#define COMPONENT_COMPONENT_ACTOR_H

#include <airs/status.h>
#include <airs/types.h>

#include "component/component_registry.h"
#include "component/component_spec.h"
#include "component/log_sink.h"
#include "policy/health_restart.h"

struct actor_system;
struct component;
struct heartbeat_files;

/* Messages that one component handles before others of its worker get their turn. */
#define COMPONENT_MESSAGES_PER_TURN 100

struct component_actor_options {
    struct actor_system *system;                /* Borrowed, as the next two; outlive the actor. */
    struct component_registry *registry;        /* The actor enters itself and leaves at its end. */
    struct log_sink *log_sink;                  /* NULL: output is dropped. */
    struct component *component;                /* Referenced. NULL: it could not be loaded. */
    const char *load_error;                     /* Why; copied. */
    const struct component_spec *spec;          /* Referenced. */
    const struct health_restart_config *health; /* Copied. NULL: not enabled. */
    struct heartbeat_files *heartbeats;         /* Borrowed; NULL: no file is a heartbeat. */
    const char *path;                           /* Copied. */
};

/**
 * Spawns the actor, without an instance: it waits for its supervisor's START. One that could
 * not be loaded answers each start with EXIT_LOAD_ERROR.
 * AIRS_ENOMEM, AIRS_ELIMIT, AIRS_EEXIST.  Thread: any.  Blocks: no.
 */
enum airs_status component_actor_spawn(const struct component_actor_options *options,
                                       airs_pid *pid_out, struct airs_error *error);

/**
 * Gives a live actor another spec with its component (or load_error), for its next instances, and
 * other probes, at once; `spec` or `health` NULL: stays as it is. Of the options `system`, `path`
 * and these are read. AIRS_ENOMEM, and then nothing has changed; AIRS_EENDED: the actor is gone.
 * Thread: any but a worker.  Blocks: until the actor has taken it in its turn.
 */
enum airs_status component_actor_change(airs_pid pid, const struct component_actor_options *options,
                                        struct airs_error *error);

#endif
