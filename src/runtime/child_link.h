/* Child link: what passes between a supervisor and one child, in memory of both.
 *
 * Each direction is a set of bits and one control message that is queued at most once, so
 * nothing is allocated and nothing overflows. Coalescing is harmless: within a generation the
 * commands have one order (start, stop, kill), and so have the reports (started, ready or
 * not, exited); the next generation begins only after the supervisor has taken `exited`.
 *
 * The life of a child actor, turn by turn:
 *     while (child_take_command(context, &command)) switch (command.type) …
 *         START    make an instance; when it is up: child_report_started()
 *         STOP     ask it to end;   when it is gone: child_report_exited()
 *         KILL     end it now;      when it is gone: child_report_exited() with EXIT_KILLED
 *         RELEASE  return ACTOR_END
 * An instance that ends by itself is reported likewise. Exactly one exited per START.
 */
#ifndef RUNTIME_CHILD_LINK_H
#define RUNTIME_CHILD_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "base/refstr.h"
#include "runtime/mailbox.h"
#include "supervision/exit_info.h"

struct actor_context;
struct actor_system;

/* Those that come together are taken in this order: a rest lies before the start that ends it. */
enum child_command_type {
    CHILD_BURY, /* Supervisors alone: at rest; mail held below becomes dead letters. */
    CHILD_START,
    CHILD_START_SUBTREE, /* Supervisors alone: start what does not run below, by request stopped or not. */
    CHILD_RESET,         /* Supervisors alone: empty budgets in the whole subtree. */
    CHILD_STOP,
    CHILD_KILL,
    CHILD_RELEASE /* The child was deleted; never while an instance lives. */
};

struct child_command {
    enum child_command_type type;
    uint32_t generation;     /* START, STOP, KILL. */
    bool everything;         /* START of a supervisor: its children stopped by request too. */
    enum exit_reason reason; /* KILL of a supervisor: what its children's kill is called. */
};

/* ---- The child's side: in its turn. ---- */

/**
 * The next command; false: none. A STOP or KILL of a generation that has already exited is
 * dropped in here. The caller need not look at the control lane for them: a CONTROL_COMMAND
 * taken from it says only that a look is worth while.
 * An actor without a supervisor never gets one.
 */
bool child_take_command(struct actor_context *context, struct child_command *command_out);

/** The generation between START taken and exited reported; 0: no instance. */
uint32_t child_generation(const struct actor_context *context);

/** The start has been answered. Once per generation. */
void child_report_started(struct actor_context *context);
/** Supervisors, and children whose policy has `reports_ready`; others are ready when started. */
void child_report_ready(struct actor_context *context, bool ready);
/** A probe failed; `detail` (NULL: none) is referenced. Of several that the supervisor has not yet
 * taken, the last one's stays. */
void child_report_health_failed(struct actor_context *context, struct refstr *detail);
/** A probe passed, and the child says that it is degraded. */
void child_report_degraded(struct actor_context *context);
/** Supervisors: whether nothing in it can run any more. */
void child_report_idle(struct actor_context *context, bool idle);
/**
 * The instance is gone, all of it: the engine's slot may be used again. The bare truth;
 * EXIT_KILLED when it was ended by KILL. `detail` (NULL: none) and `cause` (the path in an
 * escalation, else NULL) are referenced.
 */
void child_report_exited(struct actor_context *context, struct exit_info exit,
                         struct refstr *detail, struct refstr *cause);
/** The same, in place of `started`: the child does not want to run. */
void child_report_ignored(struct actor_context *context);

/* ---- The supervisor's side: in its turn. ---- */

struct child_reports {
    uint32_t generation;
    bool started;
    bool has_ready;
    bool ready;
    bool health_failed;
    bool degraded;
    struct refstr *health_detail; /* The caller's reference; NULL without. */
    bool has_idle;
    bool idle;
    bool exited;
    bool ignored; /* It exited instead of starting, because it did not want to. */
    struct exit_info exit;
    struct refstr *detail; /* The caller's reference. */
    struct refstr *cause;  /* The caller's reference. */
};

struct child_link {
    struct control report;  /* In the supervisor's lane. */
    struct control command; /* In the child's lane. */
    airs_pid supervisor;    /* Constant. */
    airs_pid child;         /* Constant. */
    atomic_uint references; /* The supervisor's and the child actor's; last one frees. */
    void (*free)(struct child_link *link); /* Constant. */

    atomic_uint commands;        /* Bits of child_command_type; set: supervisor (release),
                                  * taken: child (acquire). */
    atomic_uint stop_generation; /* Written before STOP is set; relaxed, as kill_reason. */
    atomic_uint kill_generation; /* Before KILL; also read inside polls, by
                                  * actor_context_is_killed(). */
    atomic_uint kill_reason;
    uint32_t start_generation; /* Written before START is set, read after it was taken, */
    bool start_everything;     /* and not written again before `exited` was taken. */

    uint32_t generation; /* The child's alone: child_generation(). */
    unsigned pending;    /* The child's alone: commands taken together. */

    atomic_uint reports;           /* Set: child (release), taken: supervisor (acquire). */
    atomic_uint report_generation; /* Written when START is taken; relaxed. */
    _Atomic(struct refstr *) health_detail; /* Exchanged: whoever takes it out owns it. */
    struct exit_info exit;         /* Written before `exited` is set, and not again before the */
    struct refstr *detail;         /* next START. */
    struct refstr *cause;
    bool ignored;
};

/** Two references: one of the supervisor's, one of the child actor's, once it is attached. */
void child_link_init(struct child_link *link, airs_pid supervisor, airs_pid child,
                     void (*free)(struct child_link *link));
/** Gives the child's reference to the actor. ENOENT: gone; EBUSY: it has a supervisor. */
enum airs_status child_link_attach(struct actor_system *system, struct child_link *link);
void child_link_ref(struct child_link *link);
void child_link_unref(struct child_link *link);
/** The link of `pid` if `supervisor` is who supervises it; else NULL. */
struct child_link *child_link_find(struct actor_system *system, airs_pid pid, airs_pid supervisor);

void child_link_send(struct actor_system *system, struct child_link *link,
                     const struct child_command *command);
/** Ends the actor `pid`, which no supervisor has taken; out of memory it stays until the system
 * stops. Thread: any.  Blocks: no. */
void child_discard(struct actor_system *system, airs_pid pid);
/** What has come together since the last look. */
struct child_reports child_link_take_reports(struct child_link *link);

#endif
