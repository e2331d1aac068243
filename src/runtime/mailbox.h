/* Mailbox: the two lanes of an actor, ordinary messages and control.
 *
 * Ordinary messages are bounded and keep their order; whether they are accepted, and kept,
 * follows the child's state. The control lane overtakes them, is never full and never allocates: what
 * lies in it is memory of the sender's, in it at most once.
 *
 * The mailbox lives in the actor's slot, and so does its lock: a sender with an old pid finds
 * a lock that is still one, and behind it another owner.
 */
#ifndef RUNTIME_MAILBOX_H
#define RUNTIME_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "base/list.h"

struct message;
struct actor_system;

enum mailbox_full {
    MAILBOX_REJECT,     /* The sender gets ELIMIT and keeps the message. */
    MAILBOX_DROP_OLDEST /* The oldest is dropped and counted; its reply gets ELIMIT. */
};

/* What a control message is; its memory is the struct named here. */
enum control_type {
    CONTROL_REPORT,       /* struct child_link, report:   the child to its supervisor */
    CONTROL_TIMER,        /* struct timer, control:       it has fired */
    CONTROL_ADMITTED,     /* struct start_ticket, control: a start slot was granted */
    CONTROL_DEPENDENCIES, /* struct dependency_inbox, control */
    CONTROL_REQUEST,      /* struct supervisor_request, control */
    CONTROL_USER          /* whatever the actor's owner agreed on with it */
};

struct control {
    struct list link;
    enum control_type type;
    uint32_t tag; /* The sender's own, where else would be padding. */
};

/** Ready to be sent. */
void control_init(struct control *control, enum control_type type);

/**
 * Queues `control` once: while it waits in the lane, sending it again changes nothing. Wakes
 * the actor, ahead of ordinary ones. False when there is no such actor.
 * Ownership: the sender's all the time; it must stay until it was taken or recalled.
 * Thread: any.  Blocks: no.  Allocates: no.
 */
bool control_send(struct actor_system *system, airs_pid pid, struct control *control);

/** The same; true if it was this call that queued it. */
bool control_queue(struct actor_system *system, airs_pid pid, struct control *control);

/** Takes `control` back out of the lane of `pid`; false: it is not there. Thread: any. */
bool control_recall(struct actor_system *system, airs_pid pid, struct control *control);

/* Whether mail passes: follows the child's state (supervisor_events.c). */
enum mailbox_gate {
    MAILBOX_OPEN,
    MAILBOX_HELD,  /* Refused, EENDED; what is queued stays, and nobody takes it out. */
    MAILBOX_CLOSED /* Refused; what is queued becomes dead letters. */
};

/**
 * From now on mail passes as `gate` says. CLOSED: dead letters are counted, each reply answered
 * with EENDED on the calling thread. OPEN wakes an actor for which mail was held.
 * Thread: any.  Blocks: no.
 */
void mailbox_set_gate(struct actor_system *system, airs_pid pid, enum mailbox_gate gate);
/** What is queued now becomes dead letters, as with CLOSED; the gate stays. Thread: any. */
void mailbox_bury(struct actor_system *system, airs_pid pid);

/** What its mailbox holds from now on; what is queued stays. Thread: any.  Blocks: no. */
void actor_set_mailbox(struct actor_system *system, airs_pid pid, size_t size_max,
                       enum mailbox_full on_full);

struct mailbox {
    pthread_mutex_t lock; /* Held for a few instructions; guards everything below. */
    airs_pid owner;       /* 0: closed. */
    struct list controls;
    struct list messages;
    atomic_size_t size;       /* Written under the lock, as has_controls; read by the owner's */
    atomic_bool has_controls; /* turn without it, see mailbox_pop(). */
    size_t size_max;
    enum mailbox_full on_full;
    enum mailbox_gate gate;
    uint64_t taken;
    uint64_t dropped;
};

/* ---- The runtime's own: called by actor.c alone. ---- */

void mailbox_init(struct mailbox *mailbox);   /* Once per slot. */
void mailbox_deinit(struct mailbox *mailbox); /* Once per slot; it is closed. */
void mailbox_open(struct mailbox *mailbox, airs_pid owner, size_t size_max,
                  enum mailbox_full on_full);
/** Closes; the caller owns what was queued: `messages_out`, `controls_out` (initialised lists). */
void mailbox_close(struct mailbox *mailbox, struct list *messages_out, struct list *controls_out);
/** As actor_send(); a message that drop-oldest threw out is handed back in *dropped_out. */
enum airs_status mailbox_push(struct mailbox *mailbox, airs_pid owner, struct message *message,
                              struct message **dropped_out);
struct message *mailbox_pop(struct mailbox *mailbox);
struct control *mailbox_pop_control(struct mailbox *mailbox);

#endif
