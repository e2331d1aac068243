/* Child link: what passes between a supervisor and one child, in memory of both.
 *
 * Each direction is a set of bits. Reports come with one control message that is queued at most
 * once; a child looks at its commands in each turn, so a command needs no more than a wake. So
 * nothing is allocated and nothing overflows. Coalescing is harmless: within a generation the
 * commands have one order (start, stop, kill), and so have the reports (started, ready or
 * not, exited); the next generation begins only after the supervisor has taken `exited`.
 * Probes that failed are each told, so they are a list behind their bit (child_texts.h).
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
#include "runtime/start_gate.h"
#include "supervision/exit_info.h"

struct actor_context;
struct actor_system;
struct child_link;

/* Those that come together are taken in this order: a rest lies before the start that ends it. */
enum child_command_type {
    CHILD_BURY, /* Supervisors alone: at rest, or one above; mail below becomes dead letters. */
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
 * dropped in here. A command wakes the child; it comes in no lane, so each turn begins with a look
 * at it. An actor without a supervisor never gets one.
 */
bool child_take_command(struct actor_context *context, struct child_command *command_out);

/** The generation between START taken and exited reported; 0: no instance. */
uint32_t child_generation(const struct actor_context *context);

/** Whether KILL of the generation that runs was sent; false without one. Thread: the child's. */
bool child_is_killed(const struct child_link *link);

/** The start has been answered. Once per generation. */
void child_report_started(struct actor_context *context);
/** Supervisors, and children whose policy has `reports_ready`; others are ready when started. */
void child_report_ready(struct actor_context *context, bool ready);
/** A probe failed; `detail` (NULL: none) is referenced. Each is told, however late the supervisor
 * comes, as long as no more than HEALTH_FAILURES_MAX wait for it; out of memory it is not. */
void child_report_health_failed(struct actor_context *context, struct refstr *detail);
/** A probe passed, and the child says that it is degraded; told once if the supervisor comes later
 * than the next time. */
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

struct child_failure;

struct child_reports {
    uint32_t generation;
    bool started;
    bool has_ready;
    bool ready;
    bool degraded;
    struct child_failure *failures; /* The caller's, in their order (child_texts.h). */
    bool has_idle;
    bool idle;
    bool exited;
    bool ignored; /* It exited instead of starting, because it did not want to. */
    /* Its texts are child_link_detail() and child_link_cause() from now on. */
    struct exit_info exit;
};

struct child_texts; /* child_texts.h */

/* 100,000 are held: 56 bytes. Where bits share a byte, one thread writes it. */
struct child_link {
    /* In the supervisor's lane. Its tag is the generation, written before START is set, read after
     * it was taken, and not written again before `exited` was taken. */
    struct control report;
    airs_pid child;                      /* Constant. */
    _Atomic(struct child_texts *) texts; /* Exchanged once, for what is there till the end. */

    /* The supervisor's, the child actor's, and of `report` in the lane; the last one frees. */
    atomic_uchar references;
    atomic_uchar commands;    /* Bits of child_command_type; set: supervisor (release), taken: child
                              * (acquire). STOP and KILL of an earlier generation go with START. */
    atomic_uchar reports;     /* Set: child (release), taken: supervisor (acquire). */
    atomic_uchar kill_reason; /* Written before KILL is set. */

    bool start_everything : 1; /* Written and read as the generation. */
    bool is_bare : 1;          /* Constant: of no supervisor, see child_discard(). */

    /* The child's alone, as the next two: between KILL taken and exited reported. */
    bool is_killed;
    unsigned char pending : 7; /* Commands taken together. */
    bool has_instance : 1;     /* Between START taken and exited reported. */

    uint8_t exit_reason; /* Written before `exited` is set, and not again before the next START, */
    int32_t exit_code;   /* as the next two. */
    bool ignored;

    /* The supervisor's alone: its shell's, here because there is room. */
    uint8_t whereabouts; /* enum child_whereabouts */
    uint8_t mail;        /* enum mailbox_gate; of a supervisor: what holds for its children's. */
    struct start_pass pass;
};

/** Two references: one of the supervisor's, one of the child actor's, once it is attached. */
void child_link_init(struct child_link *link, airs_pid child);
/** Gives the child's reference to the actor, whose supervisor is that from now on. ENOENT: gone; EBUSY: it has a supervisor. */
enum airs_status child_link_attach(struct actor_system *system, struct child_link *link,
                                   airs_pid supervisor);
void child_link_ref(struct child_link *link);
void child_link_unref(struct child_link *link);
/** In supervised_child.c: the last reference is gone. Thread: any. */
void supervised_child_free(struct child_link *link);
/** The link of `pid` if `supervisor` is who supervises it; else NULL. */
struct child_link *child_link_find(struct actor_system *system, airs_pid pid, airs_pid supervisor);

void child_link_send(struct actor_system *system, struct child_link *link,
                     const struct child_command *command);
/** Ends the actor `pid`, which no supervisor has taken; out of memory it stays until the system
 * stops. Thread: any.  Blocks: no. */
void child_discard(struct actor_system *system, airs_pid pid);
/** What has come together since the last look. */
struct child_reports child_link_take_reports(struct child_link *link);
/** Of the last exit that was taken; borrowed, NULL: none. */
struct refstr *child_link_detail(const struct child_link *link);
struct refstr *child_link_cause(const struct child_link *link);
/** What the supervisor says in its place; referenced. Out of memory: nothing is said. */
void child_link_set_detail(struct child_link *link, struct refstr *detail);

#endif
