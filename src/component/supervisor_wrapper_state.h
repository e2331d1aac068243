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
#include "runtime/event_log.h"
#include "runtime/supervisor_actor.h"

/* Paths as requests take them. */
struct wrapper_paths {
    struct refstr **items;
    size_t size;
};

/* A child that was registered. References: the map's, until it is deleted or the wrapper freed;
 * its supervisor's, as long as a view can show it; its children's; and whoever found it. */
struct wrapper_child {
    atomic_uint references;
    struct refstr *path; /* Constant. */
    /* NULL of the root, until it is changed. */
    _Atomic(const struct supervisor_config *) config;
    _Atomic(const struct child_spec *) spec; /* NULL of a supervisor. */
    bool is_supervisor;                      /* Constant. */
    bool is_dynamic; /* Constant, as the next three: see struct bridge_child. */
    bool goes_on;
    void (*release)(void *owner);
    void *owner;
    struct wrapper_child *parent;   /* NULL of the root. Referenced. */
    _Atomic airs_pid pid;           /* 0 until spawned, then constant. */
    atomic_bool is_loose;           /* Its actor is there, and no supervisor has taken it yet. */
    _Atomic enum child_state state; /* As the events have shown last. */
    _Atomic uint32_t generation;    /* Likewise. */
    atomic_size_t order;            /* Place in the tree, as of the last listing. */

    struct list siblings; /* Under the wrapper's lock, as the next two. */
    struct list children;
    struct wrapper_paths tied; /* For which supervisors above it are tied: supervisor_ties.c. */
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
    size_t failed;        /* Of those, in CHILD_FAILED. */
    struct list stops;    /* struct stop_watch: supervisor_warden.c. */
};

static inline struct supervisor_wrapper *
wrapper_of(struct supervisor_bridge *bridge)
{
    return container_of(bridge, struct supervisor_wrapper, bridge);
}

/* ---- supervisor_tree.c ---- */

/** Of a path, with one reference, in no map. `config` and `spec` (NULL: a supervisor) are borrowed
 * as long as the child. NULL: out of memory. */
struct wrapper_child *wrapper_child_new(const char *path, const struct supervisor_config *config,
                                        const struct child_spec *spec);
/** One more; `child`. Thread: any. */
struct wrapper_child *wrapper_child_ref(struct wrapper_child *child);
/** NULL is allowed. Thread: any. */
void wrapper_child_unref(struct wrapper_child *child);
/** wrapper_child_unref() of a supervisor's `user`. */
void wrapper_child_release(void *child);

/** The child at `path`, referenced; NULL: none. */
struct wrapper_child *wrapper_find(struct supervisor_wrapper *wrapper, const char *path);
/** The child at the path of `event`, which now has the state that the event shows; referenced;
 * NULL: none. */
struct wrapper_child *wrapper_note_event(struct supervisor_wrapper *wrapper,
                                         const struct event *event);
/** Whether a child of the tree is failed, as the events have shown. O(1). */
bool wrapper_any_failed(struct supervisor_wrapper *wrapper);

/** Puts `child` into the map and under its parent, in front of its sibling at `before_path` as the
 * next. EEXIST, ENOENT, EINVAL (the parent is no supervisor), ENOMEM. */
enum airs_status wrapper_enter(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                               const char *parent_path, const char *before_path,
                               struct airs_error *error);
/** Puts `child` in front of its sibling at `before_path`; NULL, or none such: at the end. Under the
 * lock. */
void wrapper_insert_locked(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                           const char *before_path);
/** The sibling behind `child`, if one is there and has a supervisor yet; referenced, or NULL. */
struct wrapper_child *wrapper_next_sibling(struct supervisor_wrapper *wrapper,
                                           struct wrapper_child *child);
/** Takes `child` and all below it out of the tree, if it is in there. */
void wrapper_forget(struct supervisor_wrapper *wrapper, struct wrapper_child *child);
/** Ends the actor of `child`, if no supervisor has taken it meanwhile. */
void wrapper_discard_loose(struct supervisor_wrapper *wrapper, struct wrapper_child *child);

/* ---- supervisor_register.c ---- */

/** What an earlier run left of `path`; false, and all 0: nothing. */
bool wrapper_remember(struct supervisor_wrapper *wrapper, const char *path,
                      struct child_memory *memory_out);
/** The bridge's `register_component`, `attach_component` and `abandon_component`. */
enum airs_status wrapper_register(struct supervisor_bridge *bridge,
                                  const struct bridge_child *given, struct airs_error *error);
enum airs_status wrapper_attach(struct supervisor_bridge *bridge, const char *path,
                                struct airs_error *error);
void wrapper_abandon(struct supervisor_bridge *bridge, const char *path);

/* ---- supervisor_strategy.c ---- */

/** `wanted`, with the owner's predicate, if that is its strategy. */
struct node_policy wrapper_node_policy(struct supervisor_wrapper *wrapper,
                                       const struct node_policy *wanted);

/* ---- supervisor_verbs.c ---- */

/** Sends a verb about `child` to its supervisor; NULL: about the whole tree, to the root. */
void wrapper_request(struct supervisor_wrapper *wrapper, enum request_verb verb,
                     struct wrapper_child *child, struct bridge_completion completion);

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

/* ---- supervisor_change.c ---- */

/** The bridge's `change_component` and `move_component`. */
enum airs_status wrapper_change(struct supervisor_bridge *bridge, const char *path,
                                const struct bridge_change *change, uint32_t *generation_out,
                                struct airs_error *error);
enum airs_status wrapper_move(struct supervisor_bridge *bridge, const char *path,
                              const char *before_path, struct airs_error *error);

/* ---- supervisor_paths.c ---- */

/** Copies. ENOMEM. */
enum airs_status wrapper_paths_init(struct wrapper_paths *paths, const char *const *texts,
                                    size_t size);
void wrapper_paths_deinit(struct wrapper_paths *paths);

/* ---- supervisor_ties.c ---- */

/** `child` depends on `paths`, which are taken, and no more on what it did: ties the supervisors above
 * it to the siblings of theirs that those are or lie below, until it depends on something else or is
 * gone. Out of memory: they end without that order. Blocks: until it is taken. */
void wrapper_tie_above(struct supervisor_wrapper *wrapper, struct wrapper_child *child,
                       struct wrapper_paths *paths);
/** `child` has lost its place: takes back its ties. Blocks: no. */
void wrapper_untie_above(struct supervisor_wrapper *wrapper, struct wrapper_child *child);
/** `child` has just been attached: ties it for all that lies below. Blocks: until it is taken. */
void wrapper_tie_attached(struct supervisor_wrapper *wrapper, struct wrapper_child *child);

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
