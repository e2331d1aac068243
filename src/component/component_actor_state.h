/* Component actor, inside: the state that its files share. */
#ifndef COMPONENT_COMPONENT_ACTOR_STATE_H
#define COMPONENT_COMPONENT_ACTOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/refstr.h"
#include "component/component_actor.h"
#include "component/heartbeat_file.h"
#include "component/host_functions.h"
#include "engine/instance.h"
#include "runtime/actor.h"
#include "runtime/message.h"
#include "runtime/timer.h"
#include "supervision/child_policy.h"
#include "policy/health_restart.h"
#include "supervision/exit_info.h"
#include "supervision/health_monitor.h"

/* What the instance is doing; all but ABSENT and IDLE have a call in flight. */
enum phase {
    PHASE_ABSENT,
    PHASE_INSTANTIATING,
    PHASE_INITIALIZING,
    PHASE_METADATA, /* Once in a child's life, after its first initialize. */
    PHASE_IDLE,
    PHASE_HANDLING, /* handle-message; `message` is in hand. */
    PHASE_PROBING,  /* health, between two messages. */
    PHASE_RUNNING,  /* run of a command. */
    PHASE_SHUTTING_DOWN
};

/* Why an instance was interrupted from inside its poll. */
enum cut { CUT_NONE, CUT_KILLED, CUT_CALL_TIMEOUT, CUT_CPU_TIMEOUT };

/* What instances are made of. Its parts borrow from its spec. */
struct component_setup {
    struct component *component; /* NULL: load_error says why. */
    struct refstr *load_error;
    struct component_spec *spec;
    bool is_command;
    uint64_t call_timeout_us; /* DURATION_INFINITE: none. */
    uint64_t cpu_timeout_us;  /* Likewise. */
    struct span *arguments;   /* A command's, argv[0] first. */
    size_t argument_count;
    struct span_pair *environment;
    struct guest_config config; /* What initialize gets. */
};

/* Everything is touched by the actor's turn alone, on whichever worker that is. */
struct component_actor {
    /* Constant after spawn. */
    struct component_host host; /* What host functions see; callbacks find the actor around it. */
    struct actor_system *system;
    struct refstr *path;

    /* Constant while an instance is there. */
    struct component_setup setup;
    struct instance_options options; /* All but the id. */
    struct component_setup *next;    /* Of the next instance, instead of `setup`; or NULL. */

    bool is_set_up; /* The pid is known: timer and options have it. */
    bool has_metadata;
    bool stop_asked; /* This generation has been asked to end. */
    enum phase phase;
    struct instance *instance;

    struct actor_context *context;      /* During a turn. */
    struct message *message;            /* In hand: alive until its call is gone. */
    struct guest_message guest_message; /* Borrows from `message` and `correlation`. */
    char correlation[24];

    struct timer timer; /* The call timeout; armed once a call parks. */
    bool timer_armed;
    bool timer_fired;
    enum cut cut;
    uint64_t call_started_ns;
    uint64_t poll_started_ns;
    uint64_t call_cpu_ns; /* Of the call in flight, up to its last poll. */
    struct component_stats stats;

    struct health_restart_config health;
    struct health_monitor monitor;
    struct timer health_timer; /* Due at monitor.due_us. */
    bool health_timer_fired;
    bool heartbeat;                     /* A command has written a line since the last look. */
    bool probe_answered;                /* The last one; else it failed by its time. */
    struct heartbeat_files *heartbeats; /* Constant. */
    struct heartbeat_watch *watch;      /* Of a heartbeat by a file, while it is waited for. */
};

/* ---- component_setup.c ---- */

struct component_actor_options;
static inline enum mailbox_full
component_mailbox_full(enum on_full on_full)
{
    return on_full == ON_FULL_DROP_OLDEST ? MAILBOX_DROP_OLDEST : MAILBOX_REJECT;
}
/** Fills zeroed memory; false: out of memory, and then it is to be deinited all the same. */
bool component_setup_init(struct component_setup *setup,
                          const struct component_actor_options *options);
void component_setup_deinit(struct component_setup *setup);
/** Takes what is in `setup` (deinited by the actor) for its next instances; there is none now. */
void component_setup_adopt(struct component_actor *actor, struct component_setup *setup);
enum component_kind_known component_setup_kind(const struct component_setup *setup);

/* ---- component_change.c ---- */

/** The control is that of a change: takes it. */
void component_change_take(struct component_actor *actor, struct control *control);
/** No instance is there, and one is about to be made: of what was changed meanwhile. */
void component_change_apply(struct component_actor *actor);

/* ---- component_turn.c ---- */

/** One turn of the actor. */
enum actor_turn component_turn_run(struct actor_context *context);

/* ---- component_life.c ---- */

/** Begins instance `generation`, or reports that it cannot be; there is none now. */
void component_life_start(struct component_actor *actor, uint32_t generation);
/** Asks the instance that is there to end; it may be gone on return. */
void component_life_stop(struct component_actor *actor);
/** The call in flight is done: what follows from its outcome. */
void component_life_call_done(struct component_actor *actor);
/** The instance is idle: calls its probe, or has it handle `message`, which is taken. */
void component_life_begin_probe(struct component_actor *actor);
void component_life_begin_message(struct component_actor *actor, struct message *message);
/** Drops the instance and the message in hand, and reports the exit. `detail`: the caller's
 * reference, taken; NULL is allowed. */
void component_life_finish(struct component_actor *actor, struct exit_info exit,
                           struct refstr *detail);
/** The same, because of its health. */
void component_life_finish_unhealthy(struct component_actor *actor);
/** The actor is over: drops its instance and the message in hand, and reports to nobody. */
void component_life_abandon(struct component_actor *actor);

/* ---- component_health.c ---- */

/* A true of these: the child is to be ended as unhealthy, with component_health_detail(). */

/** The child has been reported as started: it is probed from now on, if it is to be. */
void component_health_start(struct component_actor *actor);
/** The instance is gone, or asked to end. */
void component_health_stop(struct component_actor *actor);
/** What is wanted of probes has changed; holds at once. */
void component_health_change(struct component_actor *actor,
                             const struct health_restart_config *health);
/** Whether the probe is to be called now. */
bool component_health_wants_probe(const struct component_actor *actor);
/** The probe is being called. */
void component_health_begun(struct component_actor *actor);
/** The probe has answered. */
bool component_health_answered(struct component_actor *actor, enum guest_health answer);
/** Takes heartbeats and a fired timer, if there are any. */
bool component_health_look(struct component_actor *actor);
/** Inside a poll: a command has written to stdout. */
void component_health_hear(struct component_actor *actor, const void *bytes, size_t size);
/** Inside a poll: whether the turn is to end so that component_health_look() has its chance. */
bool component_health_needs_turn(const struct component_actor *actor, uint64_t now_us);
/** What the last failure was, "2 of 3: unhealthy"; a reference, or NULL. */
struct refstr *component_health_detail(const struct component_actor *actor);

/* ---- component_call.c ---- */

/** Before each instance_begin_…(): the call's clocks start. */
void component_call_begin(struct component_actor *actor, enum phase phase);
/** Polls the call in flight once; true when it is done. Arms the call timeout when it parks. */
bool component_call_poll(struct component_actor *actor);
/** The call is over or cancelled: its timer stands still. */
void component_call_end(struct component_actor *actor);
/** The instance's callbacks, inside a poll; `host` is &actor->host. On epoch: at each tick of a
 * computing guest. */
enum epoch_answer component_call_on_epoch(void *host);
void component_call_on_output(void *host, enum guest_stream stream, const void *bytes, size_t size);
size_t component_call_on_output_room(void *host, enum guest_stream stream);
/** How the instance ended, for an outcome that ended it; *detail_out gets one reference or NULL. */
struct exit_info component_call_exit(const struct component_actor *actor,
                                     const struct outcome *outcome, struct refstr **detail_out);
/** `message` in the engine's words, in actor->guest_message. */
void component_call_set_message(struct component_actor *actor, const struct message *message);

/** `text` as a detail; NULL for "" and when out of memory. */
struct refstr *component_detail(const char *text);

#endif
