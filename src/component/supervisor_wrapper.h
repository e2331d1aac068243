/* Supervisor wrapper (SupervisorNodeWrapper): the bridge over the actor runtime.
 *
 * It owns the supervisor actors of one tree, maps paths to them, and turns each verb of the
 * bridge into a request to the supervisor concerned. It feeds the event stream to the
 * ComponentSupervisor's handles; the daemon's own sink takes the same stream from event_log.
 */
#ifndef COMPONENT_SUPERVISOR_WRAPPER_H
#define COMPONENT_SUPERVISOR_WRAPPER_H

#include "component/component_spawner.h"
#include "policy/component_supervisor.h"
#include "policy/supervisor_bridge.h"

struct actor_system;
struct event_log;

struct supervisor_wrapper_options {
    struct actor_system *system;         /* Borrowed, as the next three; outlive the wrapper. */
    struct event_log *events;
    struct component_spawner *spawner;
    const struct supervisor_config *root; /* The application's own: strategy and defaults. */
    uint32_t max_concurrent_starts;      /* 0: 4 × workers. */
    uint32_t instances_max;              /* Engine slots: more starts than these wait for `pool`. */
    uint64_t seed;                       /* Of the children's jitter. */

    /* On a worker; quick, may not block. NULL is allowed. */
    void (*on_end)(void *context, struct exit_info exit); /* The root has ended, once. */
    void (*on_idle)(void *context, bool idle); /* No child can run any more (none was stopped by request); or again it can. */
    void *context;
};

struct supervisor_wrapper;

enum airs_status supervisor_wrapper_new(const struct supervisor_wrapper_options *options,
                                        struct supervisor_wrapper **wrapper_out,
                                        struct airs_error *error);
/** After actor_system_stop(). NULL is allowed. */
void supervisor_wrapper_free(struct supervisor_wrapper *wrapper);

/** The bridge that policy drives. */
struct supervisor_bridge *supervisor_wrapper_bridge(struct supervisor_wrapper *wrapper);

/** From now on every event of the tree reaches `supervisor`'s handles. Before the first child. */
void supervisor_wrapper_attach(struct supervisor_wrapper *wrapper,
                               struct component_supervisor *supervisor);

#endif
