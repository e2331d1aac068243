/* Message: an envelope with a payload, on its way from one actor to another. */
#ifndef RUNTIME_MESSAGE_H
#define RUNTIME_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#include "base/list.h"
#include "base/refstr.h"

struct actor_system;

/* Who speaks, as guests see it. Each member is referenced; NULL reads as "". */
struct component_ref {
    struct refstr *namespace_name;
    struct refstr *name;
    struct refstr *instance;
};

/** Gives the references back; all members are NULL afterwards. */
void component_ref_deinit(struct component_ref *ref);

/* Where the answer to a request goes. Owned by the requester, who keeps it until `done`. */
struct reply {
    /* Called exactly once for each message that was accepted by actor_send(), on a worker or
     * whichever thread ends the message; must not block. OK: `bytes` is the response (NULL
     * for none), borrowed. Otherwise `error_text` may say more (NULL for none):
     * EREJECTED the handler answered with an error · EENDED the target ended before it
     * answered · ENOENT no such target · ELIMIT dropped from a full mailbox · ETIMEDOUT. */
    void (*done)(struct reply *reply, enum airs_status status, const char *error_text,
                 const void *bytes, size_t size);
};

struct message {
    struct list link; /* The mailbox's. */
    struct component_ref sender;
    void *payload; /* malloc()ed, the message's own; NULL if size is 0. */
    size_t size;
    uint64_t correlation_id; /* Meaningful if has_correlation_id. */
    bool has_correlation_id;
    bool has_reply_to;
    struct component_ref reply_to;
    uint64_t timestamp_ms;       /* Since 1970. */
    struct refstr *content_type; /* Referenced; NULL: none. */
    struct reply *reply;         /* NULL: nobody waits. */
};

/** A zeroed message with a copy of `payload`; NULL when out of memory. */
struct message *message_new(const void *payload, size_t size);

/** Frees a message that was never sent or was given back by actor_send(): answers nobody. */
void message_free(struct message *message);

/** Answers `message->reply`, if any, and frees the message. Thread: any. */
void message_finish(struct message *message, enum airs_status status, const char *error_text,
                    const void *bytes, size_t size);

/** Messages that nobody will handle: counted, and finished with EENDED. The runtime's own. */
void messages_bury(struct actor_system *system, struct list *messages);

#endif
