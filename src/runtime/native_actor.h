/* Native actor: an actor whose handler is a C function; alone, or as a supervised child.
 *
 * Supervised, it lives in generations as components do: `begin` makes fresh state, messages
 * are handled while a generation runs, `end` drops it. A crash is native_exit().
 * Handlers must be short: nothing preempts them.
 */
#ifndef RUNTIME_NATIVE_ACTOR_H
#define RUNTIME_NATIVE_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <airs/status.h>
#include <airs/types.h>

#include "runtime/actor.h"
#include "runtime/child_link.h"

struct native_behaviour {
    const char *name;
    /* A generation begins. True: it is up, and `started` is reported; false: it will call
     * native_started() later, or native_exit(). NULL: up at once. Never called for an actor
     * without a supervisor. */
    bool (*begin)(struct actor_context *context, void *state, uint32_t generation);
    /* Handles one message, which is the handler's: message_finish() it. */
    void (*handle)(struct actor_context *context, void *state, struct message *message);
    /* A control message of its own: a timer, CONTROL_USER. NULL: ignored. */
    void (*control)(struct actor_context *context, void *state, struct control *control);
    /* Asked to end. NULL: native_exit() with EXIT_NORMAL at once. */
    void (*stop)(struct actor_context *context, void *state);
    /* The generation is over (exit, kill): drop what belongs to it. NULL: nothing to drop. */
    void (*end)(void *state);
    /* The actor is over. NULL: nothing to free. */
    void (*destroy)(void *state);
};

struct native_options {
    const struct native_behaviour *behaviour; /* Outlives the system. */
    void *state;                              /* The actor's from a successful spawn on. */
    struct refstr *path;                      /* NULL: nameless. Referenced. */
    unsigned mailbox_max;                     /* 0: MAILBOX_MAX_DEFAULT. */
    enum mailbox_full on_full;
    bool supervised; /* Handles mail only while a generation runs. */
};

/** As actor_spawn(). */
enum airs_status native_spawn(struct actor_system *system, const struct native_options *options,
                              airs_pid *pid_out, struct airs_error *error);

/* ---- Inside the handlers above. ---- */

/** The generation is up, where `begin` said false. */
void native_started(struct actor_context *context);
/** In `begin`, which then says false, or before native_started(): the child does not want to run.
 * It is stopped, as ignored, and uncounted. */
void native_ignore(struct actor_context *context);
/** Ends the generation after this handler returns; `detail` is copied, NULL: none. */
void native_exit(struct actor_context *context, struct exit_info exit, const char *detail);

#endif
