/* Component actor: a child that runs wasm. An actor behaviour over engine/instance.h.
 *
 * The actor outlives its instances: mailbox, name, pid and metadata stay when one ends, and
 * a restart makes the next from the pre-linked component.
 */
#ifndef COMPONENT_COMPONENT_ACTOR_H
#define COMPONENT_COMPONENT_ACTOR_H

#include <airs/status.h>
#include <airs/types.h>

#include "base/refstr.h"
#include "component/component_registry.h"
#include "component/component_spec.h"
#include "component/log_sink.h"

struct actor_system;
struct component;

/* A message is handled by at most this many calls in a turn before the actor yields. */
#define COMPONENT_MESSAGES_PER_TURN 100

struct component_actor_options {
    struct actor_system *system;         /* Borrowed, as all of these; outlive the actor. */
    struct component_registry *registry;
    struct log_sink *log_sink;           /* NULL: dropped. */
    struct component *component;         /* NULL: it could not be loaded, see load_error. */
    const char *load_error;              /* Copied. */
    const struct component_spec *spec;
    const char *path;                    /* Copied. */
};

/** Spawns the actor; the registry entry is the caller's. AIRS_ENOMEM, AIRS_ELIMIT, AIRS_EEXIST. */
enum airs_status component_actor_spawn(const struct component_actor_options *options,
                                       airs_pid *pid_out,
                                       const struct component_stats **stats_out,
                                       struct airs_error *error);

#endif
