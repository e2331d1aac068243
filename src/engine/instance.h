/* Instance: one store made from a component, and the one call that is in flight in it.
 *
 * A call is begun, then polled until it is done; in between it is parked and holds no thread.
 * The waker of the engine says when polling makes sense again. Between two polls nothing
 * touches the instance, and two threads never poll it at once; which thread polls does not
 * matter. After an outcome that ends the instance (see outcome_kind) it can only be freed: a
 * restart is a new instance.
 */
#ifndef ENGINE_INSTANCE_H
#define ENGINE_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#include "base/trap_code.h"
#include "engine/component.h"
#include "engine/guest_types.h"
#include "engine/host_functions.h"

/** Host objects (streams, pollables, …) that one guest may hold; the next one is a trap. */
#define INSTANCE_HANDLES_MAX 1000u
/** Linear memories, core instances and tables of one instance, at most; beyond them it is
 *  out of memory. */
#define INSTANCE_MEMORIES_MAX 16u
#define INSTANCE_CORE_INSTANCES_MAX 100u
#define INSTANCE_TABLES_MAX 100u
/** Bytes of an outcome's text; a longer message or backtrace is cut. */
#define INSTANCE_TEXT_BYTES_MAX 8192u
/** How long a guest whose output has no room waits before it asks again. */
#define INSTANCE_OUTPUT_RETRY_MS 10u

struct instance;

/** What a computing guest does at an epoch tick. */
enum epoch_answer {
    EPOCH_CONTINUE,  /* Go on: ask again at the next tick. */
    EPOCH_YIELD,     /* Park the call and wake it at once, so that others get the thread. */
    EPOCH_INTERRUPT, /* End the instance: OUTCOME_INTERRUPTED. */
};

/** Copied by instance_new(), except what `host` and `functions` point at. */
struct instance_options {
    uint64_t id;                            /* Given to the engine's wake(). */
    void *host;                             /* Given to every function below and in the table. */
    const struct host_functions *functions; /* NULL: nothing is offered. Outlives the instance. */

    const struct span_pair *environment; /* WASI's, UTF-8 without NUL bytes. */
    size_t environment_count;
    const struct span *arguments; /* argv with argv[0]. */
    size_t argument_count;
    uint64_t memory_bytes_max; /* Over all memories; 0: ENGINE_MEMORY_BYTES_DEFAULT. */
    bool stdin_open;           /* stdin has no end until instance_ask_stop(); else it is empty. */

    /* Called with output in pieces as the guest writes it; NULL: thrown away. */
    void (*output)(void *host, enum guest_stream stream, const void *bytes, size_t size);
    /* How many bytes the next output() may have; 0 makes the guest wait and ask again after
     * INSTANCE_OUTPUT_RETRY_MS. NULL: always room. */
    size_t (*output_room)(void *host, enum guest_stream stream);
    /* NULL: always EPOCH_YIELD. */
    enum epoch_answer (*on_epoch)(void *host);
};

/** How a call ended. From OUTCOME_TRAP on the instance has ended with it. */
enum outcome_kind {
    OUTCOME_OK,            /* It returned; of a command's run also exit(0). */
    OUTCOME_ERR,           /* An actor's export returned its err; the actor lives. `text` has it. */
    OUTCOME_TRAP,          /* `trap` and `text`: message and backtrace. */
    OUTCOME_EXIT,          /* exit(`exit_code`); err from a command's run is code 1. */
    OUTCOME_OUT_OF_MEMORY, /* A memory or table went beyond its limit. */
    OUTCOME_INTERRUPTED,   /* on_epoch said so. */
    OUTCOME_LOAD_ERROR,    /* The instance could not be made: `text`. */
};

/** Owned by the instance, good until its next instance_begin_…(), instance_forget_outcome() or its
 * end. */
struct outcome {
    enum outcome_kind kind;
    enum trap_code trap; /* OUTCOME_TRAP */
    int exit_code;       /* OUTCOME_EXIT */
    const char *text;    /* Never NULL; UTF-8, NUL-terminated; "" when there is nothing to say. */
    bool has_reply;      /* handle-message answered `some`. */
    struct span reply;
    enum guest_health health;              /* health */
    const struct guest_metadata *metadata; /* metadata; else NULL */
};

/**
 * Makes a store with its limits and WASI context; no guest code runs.
 *
 * Fails with AIRS_EINVAL when an argument or environment text is not UTF-8 or has a NUL byte, or
 * memory_bytes_max is more than the engine's; AIRS_ENOMEM.
 * Ownership: caller gets *instance_out, which holds a reference to `component`. Thread: any.
 * Blocks: no.
 */
enum airs_status instance_new(struct component *component, const struct instance_options *options,
                              struct instance **instance_out, struct airs_error *error);

/**
 * Cancels the call in flight, if any, and frees the instance; its pool slot is free on return.
 * NULL is allowed. Thread: any, but no poll may be under way.  Blocks: no (10–50 µs).
 */
void instance_free(struct instance *instance);

/*
 * Each begins one call; none may be in flight and the instance must not have ended (asserted).
 * instance_begin_instantiate() comes first, once. Then an actor's exports (asserted: kind), or
 * run of a command, once. Arguments stay the caller's and must stay alive until the call is done
 * or cancelled. No guest code runs before the first poll. Out of memory shows as an outcome.
 */
void instance_begin_instantiate(struct instance *instance);
void instance_begin_initialize(struct instance *instance, const struct guest_config *config);
void instance_begin_handle_message(struct instance *instance, const struct guest_message *message);
void instance_begin_handle_callback(struct instance *instance, const struct guest_message *message);
void instance_begin_metadata(struct instance *instance);
void instance_begin_health(struct instance *instance);
void instance_begin_shutdown(struct instance *instance);
void instance_begin_run(struct instance *instance);

enum call_state {
    CALL_PENDING, /* Parked: wake(id) comes when it can go on, perhaps it came already. */
    CALL_DONE,    /* instance_outcome() says how. */
};

/**
 * Runs the call in flight until it parks or is done.
 * Thread: any, one at a time.  Blocks: while the guest computes; on_epoch bounds that.
 */
enum call_state instance_poll(struct instance *instance);

/** How the last call ended; none may be in flight. Thread: the owner's. */
const struct outcome *instance_outcome(const struct instance *instance);

/** Frees what the last outcome holds: a reply may be as large as the guest's memory. Thread: the
 * owner's. */
void instance_forget_outcome(struct instance *instance);

/** A call is begun and not done. Thread: the owner's. */
bool instance_is_calling(const struct instance *instance);
/** Its last outcome ended it: it can only be freed. Thread: the owner's. */
bool instance_has_ended(const struct instance *instance);

/** Drops the call in flight, wherever it is; the instance can only be freed then. A call that
 *  is not there is fine. Thread: as for poll.  Blocks: no. */
void instance_cancel(struct instance *instance);

/**
 * Asks a command to stop: closes an open stdin and sets airs:command/stop, waking what waits
 * for either. False when the command has neither, so that it cannot be asked.
 * Thread: any while the instance is not being freed.  Blocks: no.
 */
bool instance_ask_stop(struct instance *instance);

/** Bytes of linear memory in use, over all memories. Thread: any.  Blocks: no. */
uint64_t instance_memory_bytes(const struct instance *instance);

#endif
