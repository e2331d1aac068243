/* Supervisor wrapper, inside: what its files share. */
#ifndef COMPONENT_SUPERVISOR_WRAPPER_STATE_H
#define COMPONENT_SUPERVISOR_WRAPPER_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "base/refstr.h"
#include "component/supervisor_wrapper.h"
#include "runtime/supervisor_actor.h"

/* A child that was registered. References: the map's, until it is deleted or the wrapper freed;
 * its supervisor's, as long as a view can show it; its children's; and whoever found it. */
struct wrapper_child {
    atomic_uint references;
    struct refstr *path; /* Constant. */
    /* NULL of the root, until it is changed. */
    _Atomic(const struct supervisor_config *) config;
    _Atomic(const struct child_spec *) spec; /* NULL of a supervisor. */
    bool is_supervisor;             /* Constant. */
    bool is_dynamic;                /* Constant, as the next three: see struct bridge_child. */
    bool goes_on;
    void (*release)(void *owner);
    void *owner;
    struct wrapper_child *parent;   /* NULL of the root. Referenced. */
    _Atomic airs_pid pid;           /* 0 until spawned, then constant. */
    atomic_bool is_loose;           /* Its actor is there, and no supervisor has taken it yet. */
    _Atomic enum child_state state; /* As the events have shown last. */
    _Atomic uint32_t generation;    /* Likewise. */
    atomic_size_t order;            /* Place in the tree, as of the last listing. */

    struct list siblings; /* Under the wrapper's lock, as the next. */
    struct list children;
};

struct supervisor_wrapper {
    struct supervisor_bridge bridge;           /* First: the bridge is the wrapper. */
    struct supervisor_wrapper_options options; /* Constant. */
    struct wrapper_child *root;                /* Constant. */
    airs_pid warden;                           /* Constant. */
    _Atomic uint64_t seeds;                    /* Supervisors made so far. */
    struct component_supervisor *handles;      /* Set before the first child; may be NULL. */

    pthread_mutex_t lock; /* Guards all below. */
    struct map children;  /* Path → struct wrapper_child; "/" is the root. */
    struct list stops;    /* struct stop_watch: supervisor_warden.c. */
};

static inline struct supervisor_wrapper *
wrapper_of(struct supervisor_bridge *bridge)
{
    return container_of(bridge, struct supervisor_wrapper, bridge);
}

/** The child at `path`, referenced; NULL: none. */
struct wrapper_child *wrapper_find(struct supervisor_wrapper *wrapper, const char *path);

/** Puts `child` in front of its sibling at `before_path`; NULL, or none such: at the end. Under the
 * lock. */
void wrapper_insert_locked(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                           const char *before_path);

/** One more; `child`. Thread: any. */
struct wrapper_child *wrapper_child_ref(struct wrapper_child *child);
/** NULL is allowed. Thread: any. */
void wrapper_child_unref(struct wrapper_child *child);

/* ---- supervisor_verbs.c ---- */

/** Sends a verb about `child` to its supervisor; NULL: about the whole tree, to the root. */
void wrapper_request(struct supervisor_wrapper *wrapper, enum request_verb verb,
                     struct wrapper_child *child, struct bridge_completion completion);

/** `wanted`, with the owner's predicate, if that is its strategy. */
struct node_policy wrapper_node_policy(struct supervisor_wrapper *wrapper,
                                       const struct node_policy *wanted);

/* ---- supervisor_change.c ---- */

/** The bridge's `change_component` and `move_component`. */
enum airs_status wrapper_change(struct supervisor_bridge *bridge, const char *path,
                                const struct bridge_change *change, uint32_t *generation_out,
                                struct airs_error *error);
enum airs_status wrapper_move(struct supervisor_bridge *bridge, const char *path,
                              const char *before_path, struct airs_error *error);

/** The bridge's `count`. */
void wrapper_count(struct supervisor_bridge *bridge, const char *path,
                   struct bridge_counting counting);

/** What an answer is called: "busy", "already running", …; NULL of AIRS_OK. */
const char *wrapper_status_text(enum airs_status status);

/** The bridge's verbs. */
void wrapper_verb_start(struct supervisor_bridge *bridge, const char *path,
                        struct bridge_completion completion);
void wrapper_verb_stop(struct supervisor_bridge *bridge, const char *path, uint64_t timeout_us,
                       struct bridge_completion completion);
void wrapper_verb_restart(struct supervisor_bridge *bridge, const char *path,
                          struct bridge_completion completion);
void wrapper_verb_kill(struct supervisor_bridge *bridge, const char *path,
                       struct bridge_completion completion);
void wrapper_verb_reset(struct supervisor_bridge *bridge, const char *path,
                        struct bridge_completion completion);
void wrapper_verb_delete(struct supervisor_bridge *bridge, const char *path,
                         struct bridge_completion completion);
void wrapper_verb_start_all(struct supervisor_bridge *bridge, struct bridge_completion completion);
void wrapper_verb_stop_all(struct supervisor_bridge *bridge, uint64_t timeout_us,
                           struct bridge_completion completion);
void wrapper_verb_kill_all(struct supervisor_bridge *bridge, struct bridge_completion completion);

/* ---- supervisor_dependencies.c ---- */

/* Paths as requests take them. */
struct wrapper_paths {
    struct refstr **items;
    size_t size;
};

/** Copies. ENOMEM. */
enum airs_status wrapper_paths_init(struct wrapper_paths *paths, const char *const *texts,
                                    size_t size);
void wrapper_paths_deinit(struct wrapper_paths *paths);
/** `child` depends on `paths`: ties the supervisors above it to the siblings of theirs that those
 * are or lie below. Out of memory: they end without that order. Blocks: until it is taken. */
void wrapper_tie_above(struct supervisor_wrapper *wrapper, const struct wrapper_child *child,
                       const struct wrapper_paths *paths);

/* ---- supervisor_warden.c: stops that are bounded in time. ---- */

enum airs_status wrapper_warden_spawn(struct supervisor_wrapper *wrapper, struct airs_error *error);
/** Kills `child` if it is still stopping after `timeout_us`. Out of memory: it is not watched. */
void wrapper_stop_watch(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                        uint64_t timeout_us);
void wrapper_stop_all(struct supervisor_wrapper *wrapper, uint64_t timeout_us,
                      struct bridge_completion completion);
/** The root has ended: every stop_all is complete. */
void wrapper_stops_complete(struct supervisor_wrapper *wrapper);
void wrapper_stops_free(struct supervisor_wrapper *wrapper);

#endif
