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
#include "supervision/child_restore.h"

struct actor_system;

struct supervisor_wrapper_options {
    struct actor_system *system;           /* Borrowed, as the spawner; outlives the wrapper. */
    struct component_spawner *spawner;     /* NULL: a tree of supervisors alone. */
    uint64_t seed;                         /* Of the children's jitter. */
    const struct node_policy *root_policy; /* Copied; NULL: one-for-one, without intensity. */

    /* What an earlier run left of the child at `path` (of "/" the intensity alone), borrowed until
     * the next call; false: nothing. In supervisor_wrapper_new and register_component; NULL: every
     * child begins. */
    bool (*memory)(void *context, const char *path, struct child_memory *memory_out);

    /* STRATEGY_PREDICATE, of every supervisor: whether a restart of `failed` takes `candidate`
     * along, by their paths. On a worker, in a decision. NULL: none has that strategy. */
    bool (*affects)(void *context, const char *supervisor, const char *failed,
                    const char *candidate);

    /* On a worker; quick, may not block. NULL is allowed. */
    void (*on_stopping)(void *context); /* The root begins to stop, asked to or by itself. */
    void (*on_end)(void *context, struct exit_info exit); /* The root has ended. */
    /* Nothing can run any more and none was stopped by request; or again it can. `any_failed`:
     * some child of the tree is failed, as the events have shown. */
    void (*on_idle)(void *context, bool idle, bool any_failed);
    void *context;
};

struct supervisor_wrapper;

/** A root without children, at rest, registered as "/". AIRS_ENOMEM, AIRS_EEXIST (another root). */
enum airs_status supervisor_wrapper_new(const struct supervisor_wrapper_options *options,
                                        struct supervisor_wrapper **wrapper_out,
                                        struct airs_error *error);
/** After actor_system_stop() and before actor_system_free(). NULL is allowed. */
void supervisor_wrapper_free(struct supervisor_wrapper *wrapper);

/** The bridge that policy drives. */
struct supervisor_bridge *supervisor_wrapper_bridge(struct supervisor_wrapper *wrapper);

/** From now on every event of the tree reaches `supervisor`'s handles. Before the first child. */
void supervisor_wrapper_attach(struct supervisor_wrapper *wrapper,
                               struct component_supervisor *supervisor);

#endif
