#include "runtime/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/internal.h"

void
component_ref_deinit(struct component_ref *ref)
{
    refstr_unref(ref->namespace_name);
    refstr_unref(ref->name);
    refstr_unref(ref->instance);
    *ref = (struct component_ref){ 0 };
}

struct message *
message_new(const void *payload, size_t size)
{
    struct message *message = calloc(1, sizeof *message);
    if (!message)
        return NULL;
    list_init(&message->link);
    if (size == 0)
        return message;

    message->payload = malloc(size);
    if (!message->payload) {
        free(message);
        return NULL;
    }
    memcpy(message->payload, payload, size);
    message->size = size;
    return message;
}

void
message_free(struct message *message)
{
    if (!message)
        return;
    assert(!list_is_linked(&message->link));
    component_ref_deinit(&message->sender);
    component_ref_deinit(&message->reply_to);
    refstr_unref(message->content_type);
    free(message->payload);
    free(message);
}

void
message_finish(struct message *message, enum airs_status status, const char *error_text,
               const void *bytes, size_t size)
{
    struct reply *reply = message->reply;
    message->reply = NULL;
    if (reply)
        reply->done(reply, status, error_text, bytes, size);
    message_free(message);
}

void
messages_bury(struct actor_system *system, struct list *messages)
{
    struct list *link;
    while ((link = list_pop_front(messages)) != NULL) {
        atomic_fetch_add_explicit(&system->dead_letters, 1, memory_order_relaxed);
        message_finish(container_of(link, struct message, link), AIRS_EENDED,
                       "the target ended before it handled the message", NULL, 0);
    }
}
