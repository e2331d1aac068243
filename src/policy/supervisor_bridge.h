/* Supervisor bridge: the one interface through which policy reaches the actor runtime.
 *
 * One bridge serves a whole tree. A child is a path, a `struct supervisor_config` and an
 * opaque `struct child_spec`; registering it names its parent. The bridge executes and
 * reports; who is restarted, and when, is decided behind it and told only by events.
 *
 * The verbs ask a supervisor and never wait for it: each takes a completion, which is
 * called exactly once with the supervisor's answer. What then happens to the child arrives
 * as events. component/supervisor_wrapper implements the bridge over the actor runtime.
 */
#ifndef POLICY_SUPERVISOR_BRIDGE_H
#define POLICY_SUPERVISOR_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#include "supervision/child_policy.h"
#include "supervision/exit_info.h"
#include "supervision/supervisor_node.h"

struct supervisor_config;
struct child_spec; /* Layer 2's: what to run. Policy only hands it on. */
struct supervisor_bridge;

/* The states that supervision shows are the node's own: nothing is converted. */
typedef enum child_state component_supervision_state;

/* Called once, on a worker or on the calling thread; must be quick and may not block.
 * `text` explains a status other than AIRS_OK; valid during the call alone. */
struct bridge_completion {
    void (*done)(void *context, enum airs_status status, const char *text); /* NULL: nobody asks. */
    void *context;
};

/* One child as its supervisor sees it, at one moment of its turn. */
struct supervision_view {
    const char *path;
    const struct supervisor_config *config;
    const struct child_spec *spec; /* NULL of a supervisor. */
    bool is_supervisor;
    enum child_state state;
    enum stop_cause stop_cause; /* Meaningful in CHILD_STOPPED. */
    bool comes_back;            /* It is being stopped to start again. */
    bool ready;
    uint32_t generation;
    uint32_t restarts; /* Grants since registered or reset. */
    uint32_t budget_used;
    uint32_t budget_allowed; /* RESTARTS_UNLIMITED: no budget. */
    /* Lived time until one more is allowed; DURATION_INFINITE: none used. */
    uint64_t budget_frees_us;
    uint32_t attempt;   /* n: restarts since the last stable run. */
    uint64_t uptime_us; /* Since its instance runs; 0 without one. */
    bool has_due;
    uint64_t due_us;       /* From now until its timer: a delay, a start or a stop timeout. */
    const char *waits_for; /* "pool", or NULL. */
    bool has_exit;
    struct exit_info exit;        /* The last one. */
    const char *exit_detail;      /* NULL without. */
    enum child_decision decision; /* What made it so (supervision/supervisor_child.h). */
    bool escalated;               /* Its exit has ended its supervisor. */
    const char *cause; /* The path that this goes back to; NULL: none, or not known any more. */
    uint32_t intensity_allowed; /* Of its supervisor over all children; RESTARTS_UNLIMITED: none. */
    uint64_t intensity_within_us;
    uint64_t mailbox;  /* Messages that wait. */
    uint64_t messages; /* Messages taken since registered. */
};

/* Called once, on a worker or on the calling thread. `views` are in tree order, a supervisor
 * before its children, and valid during the call alone. AIRS_ENOENT: no such path. */
struct bridge_listing {
    void (*done)(void *context, enum airs_status status, const struct supervision_view *views,
                 size_t count);
    void *context;
};

/* A child to register. Texts are copied. */
struct bridge_child {
    const char *parent_path; /* "/" is the root. */
    const char *path;
    const char *before_path; /* The sibling in front of which it goes; NULL, or gone: the end. */
    const struct supervisor_config *config; /* Borrowed, as `spec`, until `release`; without it */
    const struct child_spec *spec;          /* they outlive the bridge. NULL: a supervisor. */
    bool is_dynamic; /* Added while the tree runs: it remembers nothing of an earlier run, unless
                      * `goes_on`; a temporary one is deleted at its end. */
    bool goes_on;
    bool is_apart; /* A supervisor whose parent is not told of it before attach_component. */
    /* NULL allowed. Called exactly once: when it could not be registered, or when the child has been
     * deleted and no view shows it any more, or with the bridge. Thread: any. Must not block. */
    void (*release)(void *owner);
    void *owner;
};

/* What is to be different of a child that is there. */
struct bridge_change {
    const struct supervisor_config *config; /* From now on, as if it had been registered with it. */
    const struct child_spec *spec;          /* Likewise; NULL of a supervisor. */
    const char *detail; /* What changes, for its event; NULL: nothing is said. */
    bool is_same;       /* Both say what those before said: nothing else is to be done. */
    /* A component: its next instance is made of `spec`, and of what its file has now; the one
     * that runs is stopped, uncounted, and a failed child is started. */
    bool restarts;
    bool on_trial; /* With `restarts`: if that instance ends before it is ready, that is not counted
                    * either. */
};

/* What a supervisor has counted of its children, at one moment of its turn. */
struct supervision_counts {
    uint32_t children;
    uint32_t in_state[CHILD_STATES];
    uint32_t ready; /* Of those that run. */
};

/* Called once, on a worker or on the calling thread. AIRS_ENOENT: no such path; AIRS_EINVAL: no
 * supervisor; then `counts` is NULL. */
struct bridge_counting {
    void (*done)(void *context, enum airs_status status, const struct supervision_counts *counts);
    void *context;
};

struct supervisor_bridge_ops {
    /* Adds a child at the end of its parent's order. When the parent runs already, the child is
     * started.
     * AIRS_EEXIST, AIRS_ENOENT (parent), AIRS_EINVAL (parent is no supervisor), AIRS_ELIMIT (its
     * max_children, or the actors of the system), AIRS_ENOMEM, AIRS_EENDED. A component that cannot
     * be loaded is no error here: its start says so. Thread: any but a worker, once these run.
     * Blocks: until the parent has taken the child, so its event `registered` is written when this
     * returns. */
    enum airs_status (*register_component)(struct supervisor_bridge *bridge,
                                           const struct bridge_child *child,
                                           struct airs_error *error);
    /* Gives a supervisor that was registered apart to its parent, with all that was registered
     * below it meanwhile: so it never runs without them. Fails, threads and blocks as
     * register_component; then it is still apart. */
    enum airs_status (*attach_component)(struct supervisor_bridge *bridge, const char *path,
                                         struct airs_error *error);
    /* Forgets a supervisor that is apart, and all below it, without events. Thread: any.
     * Blocks: no. */
    void (*abandon_component)(struct supervisor_bridge *bridge, const char *path);

    /* Changes a child, or the root ("/"). What was borrowed before is not shown by a listing any more
     * that begins after the return. *generation_out (NULL allowed): that of the instance which is made
     * for it; 0: none is, the next one will be, whenever it comes.
     * AIRS_ENOENT, AIRS_ENOMEM, AIRS_EENDED; some of it may then have changed. Thread: any but a
     * worker.  Blocks: until child and supervisors have taken it. */
    enum airs_status (*change_component)(struct supervisor_bridge *bridge, const char *path,
                                         const struct bridge_change *change,
                                         uint32_t *generation_out, struct airs_error *error);
    /* Moves a child in front of its sibling at `before_path`; NULL: to the end of their order. As
     * change_component. */
    enum airs_status (*move_component)(struct supervisor_bridge *bridge, const char *path,
                                       const char *before_path, struct airs_error *error);

    /* The verbs by hand (semantics: By hand). AIRS_OK: taken · AIRS_ENOENT · AIRS_EBUSY:
     * stopping · AIRS_EALREADY: starting or running (start) · AIRS_ENOTRUNNING (kill) ·
     * AIRS_ENOMEM. A supervisor's path means its subtree. */
    void (*start_component)(struct supervisor_bridge *bridge, const char *path,
                            struct bridge_completion completion);
    /* `timeout_us` of wall time bounds the stop beside the child's own shutdown time: at its
     * end the child is killed. DURATION_INFINITE: its own time alone. */
    void (*stop_component)(struct supervisor_bridge *bridge, const char *path, uint64_t timeout_us,
                           struct bridge_completion completion);
    void (*restart_component)(struct supervisor_bridge *bridge, const char *path,
                              struct bridge_completion completion);
    void (*kill_component)(struct supervisor_bridge *bridge, const char *path,
                           struct bridge_completion completion);
    void (*reset_component)(struct supervisor_bridge *bridge, const char *path,
                            struct bridge_completion completion);
    /* Stops it first, with all below it; `deleted` is its last event, and its path is free then. */
    void (*delete_component)(struct supervisor_bridge *bridge, const char *path,
                             struct bridge_completion completion);

    /* The state that the events have shown last; false: no such path. Any thread, at once. */
    bool (*get_component_state)(struct supervisor_bridge *bridge, const char *path,
                                component_supervision_state *state_out);

    /* Starts the root: every child. Completes when the root has taken it. */
    void (*start_all)(struct supervisor_bridge *bridge, struct bridge_completion completion);
    /* Stops every child, each within its own shutdown time; past `timeout_us` the rest is
     * killed and named in `text`. Completes when nothing is left: AIRS_OK, or AIRS_ETIMEDOUT
     * when some had to be killed. */
    void (*stop_all)(struct supervisor_bridge *bridge, uint64_t timeout_us,
                     struct bridge_completion completion);
    /* Ends every child now; joins a stop_all under way. Completes when it is taken. */
    void (*kill_all)(struct supervisor_bridge *bridge, struct bridge_completion completion);

    /* How many children the supervisor at `path` has. */
    void (*count)(struct supervisor_bridge *bridge, const char *path,
                  struct bridge_counting counting);

    /* The child at `path` alone; NULL: all of the tree. */
    void (*list)(struct supervisor_bridge *bridge, const char *path, struct bridge_listing listing);
};

struct supervisor_bridge {
    const struct supervisor_bridge_ops *ops;
};

/** The name of a state as it stands in events. Thread: any. */
const char *component_supervision_state_name(component_supervision_state state);

/** Calls `completion.done`, if there is one. */
void bridge_complete(struct bridge_completion completion, enum airs_status status,
                     const char *text);

#endif
