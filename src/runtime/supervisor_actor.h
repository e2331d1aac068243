/* Supervisor actor: the shell around a supervisor node.
 *
 * An actor whose messages are the node's events and whose effects are the node's actions. It
 * decides nothing and never blocks. What others want of it comes as requests, from any
 * thread, in memory of theirs.
 *
 * A supervisor is registered under its path, the root's is "/". Verbs on a child go to the
 * child's supervisor, those on a supervisor's path to that supervisor's parent.
 */
#ifndef RUNTIME_SUPERVISOR_ACTOR_H
#define RUNTIME_SUPERVISOR_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "base/refstr.h"
#include "runtime/mailbox.h"
#include "supervision/child_policy.h"
#include "supervision/supervisor_node.h"

struct actor_system;

struct supervisor_options {
    struct refstr *path;              /* Referenced. "/" for the root. */
    uint64_t seed;                    /* Of its children's jitter. */
    const struct node_policy *policy; /* Copied; NULL: one-for-one, without intensity. */
    /* Grants of an earlier run, as ages, oldest first; borrowed during the call. */
    const uint64_t *intensity_us;
    size_t intensity_size;
    /* Takes the `user` of each child back, once no view can show it any more. NULL: nothing to do.
     * Thread: any. Must not block. */
    void (*user_free)(void *user);
    /* The root's alone; NULL: nobody listens. Called in the supervisor's turn; must not block. */
    void (*on_stopping)(
        void *ctx); /* It begins to stop, asked to or not; told before its events. */
    void (*on_end)(void *ctx, struct exit_info exit); /* All children are down. */
    void (*on_idle)(void *ctx,
                    bool idle); /* Nothing in it can run any more, or something can again. */
    void *ctx;
};

/**
 * Makes a supervisor without children, at rest: a nested one is then added to its parent by
 * REQUEST_ADD like any child (with is_supervisor), the root is started by REQUEST_START_ALL.
 * Fails as actor_spawn(). Thread: any.  Blocks: no.
 */
enum airs_status supervisor_actor_spawn(struct actor_system *system,
                                        const struct supervisor_options *options, airs_pid *pid_out,
                                        struct airs_error *error);

/* What LIST and GET show of a child; valid during the visitor's call. */
struct child_view {
    struct refstr *path;
    airs_pid pid;
    bool is_supervisor;
    enum child_state state;
    enum stop_cause stop_cause; /* STOPPED. */
    bool comes_back;            /* STOPPING to start again. */
    bool ready;
    uint32_t generation;
    uint32_t restarts;
    uint32_t budget_used;
    uint32_t budget_allowed; /* RESTARTS_UNLIMITED. */
    /* Lived time until one more is allowed; DURATION_INFINITE: none used. */
    uint64_t budget_frees_us;
    uint32_t attempt;   /* n: restarts since the last stable run. */
    bool has_uptime;    /* RUNNING. */
    uint64_t uptime_us; /* Since started. */
    bool has_due;
    uint64_t due_us;          /* From now. */
    struct refstr *waits_for; /* NULL: nothing. */
    bool has_exit;
    struct exit_info exit; /* The last one. */
    struct refstr *detail; /* Of the last exit, or NULL. */
    enum child_decision decision;
    bool escalated;       /* Its exit has ended its supervisor. */
    struct refstr *cause; /* The path that this goes back to; NULL: none, or not known any more. */
    uint32_t intensity_allowed; /* Of its supervisor; RESTARTS_UNLIMITED. */
    uint64_t intensity_within_us;
    size_t mailbox;
    uint64_t messages;
    const struct child_policy *policy;
    void *user; /* As given to ADD. */
};

/* How many children a supervisor has; all of it is counted as it changes. */
struct child_counts {
    uint32_t children;
    uint32_t in_state[CHILD_STATES];
    uint32_t ready;
};

enum request_verb {
    REQUEST_ADD,   /* `child`, `policy`, `is_supervisor`, `is_dynamic`, `dependencies`, `user` */
    REQUEST_START, /* `path` names the child, in these too … */
    REQUEST_STOP,
    REQUEST_RESTART,
    REQUEST_KILL,
    REQUEST_RESET,
    REQUEST_DELETE,
    REQUEST_CHANGE, /* … with `policy`, `restarts`, `on_trial` */
    REQUEST_MOVE,   /* … with `before` */
    REQUEST_GET,    /* … with `visit` */
    /* Something below the child depends on what is or lies below siblings (`dependencies`): at the
     * end of its supervisor, under one-for-one, it stops before them. Each TIE is taken back by an
     * UNTIE of the same dependency. */
    REQUEST_TIE,
    REQUEST_UNTIE,
    /* `visit` is called for each child, in start order; where they are many in several turns, between
     * which children come and go, and other requests are answered. */
    REQUEST_LIST,
    REQUEST_COUNT,     /* `counts_out`; visits nobody */
    REQUEST_CONFIGURE, /* `node_policy`: of the supervisor itself */
    REQUEST_START_ALL, /* the root alone, as the next two */
    REQUEST_STOP_ALL,
    REQUEST_KILL_ALL
};

struct supervisor_request {
    struct control control; /* The runtime's, as the next two. */
    struct list listing;
    struct list *next; /* LIST: the child with which it goes on; NULL: the first. */

    /* Set by the requester, who owns the request and keeps it until `done`. */
    enum request_verb verb;
    struct refstr *path;        /* Of the child; borrowed until done. */
    airs_pid child;             /* ADD: spawned already, with its path. */
    bool is_supervisor;         /* ADD */
    bool is_dynamic;            /* ADD: by hand, while it runs; a temporary one goes at its end. */
    struct child_policy policy; /* ADD, CHANGE; copied, its delay list too. */
    /* ADD, MOVE: the sibling in front of which it goes; NULL: the end. Borrowed. */
    struct refstr *before;
    bool sets_dependencies; /* CHANGE: to `dependencies`; without, they stay. */
    bool restarts;          /* CHANGE: as of NODE_CHANGE, like the next. */
    bool on_trial;
    struct refstr *detail;                 /* CHANGE: of its event; NULL: none. Borrowed. */
    const struct node_policy *node_policy; /* CONFIGURE; copied. */
    struct refstr *const *dependencies;    /* ADD: paths that it depends on; TIE, UNTIE. */
    size_t dependencies_size;              /* Borrowed until done. */
    const struct child_memory *memory; /* ADD: goes on from it (child_restore.h); NULL: begins. */
    void *user;                        /* ADD: shown in views. Answered with OK: see user_free. */
    bool everything;                   /* START_ALL: also what was stopped by request. */
    void (*visit)(struct supervisor_request *request, const struct child_view *view);
    struct child_counts *counts_out; /* COUNT: the requester's. */
    /* Called once, in the supervisor's turn or in actor_system_stop(); must not block. The
     * request is then the requester's again, who may free it in there. */
    void (*done)(struct supervisor_request *request);
    void *ctx; /* The requester's. */

    /* The answer. OK · EALREADY (already running) · EBUSY (stopping) · ENOTRUNNING (kill; CHANGE
     * that restarts: it is done, and there was nothing to restart) · ENOENT (no such child, or no
     * such `before`) · EEXIST, ELIMIT (max_children) (ADD) · ENOMEM (ADD, CHANGE, CONFIGURE) · EENDED
     * (the supervisor is over). START, STOP … are answered when they have begun; what comes of them
     * are events. */
    enum airs_status status;
    uint32_t generation; /* CHANGE that restarts, OK: that of the instance to come. */
};

/**
 * Sends a request. False when there is no such supervisor: `done` is then not called.
 * Thread: any.  Blocks: no.  Allocates: no.
 */
bool supervisor_request_send(struct actor_system *system, airs_pid supervisor,
                             struct supervisor_request *request);

/**
 * Sends it and waits for the answer, which is returned; ENOENT without such a supervisor.
 * `done` is overwritten. Thread: any but a worker.  Blocks: until answered.
 */
enum airs_status supervisor_request_wait(struct actor_system *system, airs_pid supervisor,
                                         struct supervisor_request *request);

/** The path of a child of a supervisor actor's node, in the step of that node alone. */
const struct refstr *supervisor_child_path(const struct supervisor_child *child);

/** The path of the supervisor above `path`: "/web" of "/web/front", "/" of "/web". */
struct refstr *supervisor_path_of(const struct refstr *path); /* NULL: out of memory. */

#endif
