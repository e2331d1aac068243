/* Actor: a scheduled thing with an identity and a mailbox; it outlives the instances in it.
 *
 * An actor runs on one worker at a time, and on any. Its `run` is called when it was woken:
 * by a message, a control message, a timer, or actor_wake(). One call is a turn; a turn takes
 * what is there and returns. Only `run` and `destroy` touch the state, never two at once.
 */
#ifndef RUNTIME_ACTOR_H
#define RUNTIME_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "base/refstr.h"
#include "runtime/actor_system.h"
#include "runtime/mailbox.h"
#include "runtime/message.h"

/* A native actor that handled so many goes to the end of the queue. */
#define MESSAGES_PER_TURN_MAX 100u
#define MAILBOX_MAX_DEFAULT 1024u

enum actor_turn {
    ACTOR_PARK,     /* Nothing left to do: run again when woken. A wake during the turn counts, so
                     * a guest that yielded at an epoch tick parks too: its waker has woken it. */
    ACTOR_YIELD,    /* More to do: to the end of the queue. */
    ACTOR_GIVE_WAY, /* More to do, behind what is urgent: actor_context_should_give_way(). */
    ACTOR_END       /* The actor is over: destroyed, its pid dead, its mail dead letters. */
};

struct actor_context;

struct actor_behaviour {
    const char *name;
    enum actor_turn (*run)(struct actor_context *context);
    /* Frees the state; after the last turn, or in actor_system_stop(). NULL: nothing to free. */
    void (*destroy)(void *state);
};

struct actor_options {
    const struct actor_behaviour *behaviour; /* Outlives the system. */
    void *state;                             /* The actor's from a successful spawn on. */
    struct refstr *path;                     /* Registered under it; NULL: nameless. Referenced. */
    unsigned mailbox_max;                    /* 0: MAILBOX_MAX_DEFAULT. */
    enum mailbox_full on_full;
    bool is_supervisor; /* Always taken before ordinary actors. */
};

/**
 * Makes an actor that is parked; it first runs when woken.
 * Fails with EEXIST (path is registered), ELIMIT (actors_max), ENOMEM; then `state` stays the
 * caller's. Thread: any.  Blocks: no.
 */
enum airs_status actor_spawn(struct actor_system *system, const struct actor_options *options,
                             airs_pid *pid_out, struct airs_error *error);

/**
 * Lets the actor run (again). Of a pid whose actor is over: nothing.
 * Never lost: a wake before, during or after a turn is followed by the beginning of a turn
 * that sees everything the caller wrote before.
 * Thread: any, also inside poll, also a thread of the engine's.  Blocks: no.  Allocates and
 * frees nothing.
 */
void actor_wake(struct actor_system *system, airs_pid pid);

/**
 * Puts `message` into the actor's mailbox and wakes it.
 * OK: the message is the mailbox's. Otherwise the caller keeps it:
 * ENOENT no such actor · EENDED it takes no mail now (stopping, stopped, failed) · ELIMIT full.
 * Thread: any.  Blocks: no.  Allocates: no.
 */
enum airs_status actor_send(struct actor_system *system, airs_pid pid, struct message *message);

/** True while the actor of `pid` is alive: a snapshot. Thread: any. */
bool actor_is_alive(struct actor_system *system, airs_pid pid);

struct actor_metrics {
    size_t mailbox;    /* Messages waiting. */
    uint64_t messages; /* Messages taken so far. */
    uint64_t dropped;  /* By drop-oldest. */
};

/** False, and *metrics_out untouched, when there is no such actor. Thread: any. */
bool actor_metrics(struct actor_system *system, airs_pid pid, struct actor_metrics *metrics_out);

/* ---- Inside run: `context` is valid during the turn, on its thread alone. ---- */

void *actor_context_state(const struct actor_context *context);
airs_pid actor_context_self(const struct actor_context *context);
struct actor_system *actor_context_system(const struct actor_context *context);
unsigned actor_context_worker(const struct actor_context *context);

/** The next control message, in the order they were sent; NULL: none. See mailbox.h. */
struct control *actor_context_take_control(struct actor_context *context);
/** The next ordinary message, now the caller's (message_finish() it); NULL: none. */
struct message *actor_context_take_message(struct actor_context *context);

/**
 * Around every poll of guest code: lets the clock thread tick meanwhile.
 * Costs about 10 ns; may be nested in nothing.
 */
void actor_context_guest_begin(struct actor_context *context);
void actor_context_guest_end(struct actor_context *context);

/**
 * Before anything long: whom this turn has woken waits for this worker, as a rule, and now may
 * be taken by another one. guest_begin does it too. Costs nothing if nobody waits.
 */
void actor_context_share(struct actor_context *context);

/**
 * Whether this turn has woken a supervisor, which waits for this worker. Its turns are short: an
 * actor that gives way before it goes on costs less than another worker that is woken for it.
 */
bool actor_context_should_give_way(const struct actor_context *context);

/**
 * Whether a guest is to give up the worker: its slice is used up, something more urgent waits,
 * or the system stops. Asked by the engine's epoch callback inside a poll, on this thread.
 */
bool actor_context_should_yield(const struct actor_context *context);
/**
 * Whether the supervisor has killed the generation that runs (an atomic flag, set before the
 * KILL command is queued). Asked likewise. False for an actor without a supervisor.
 */
bool actor_context_is_killed(const struct actor_context *context);

#endif
