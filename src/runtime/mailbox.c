#include "runtime/mailbox.h"

#include <assert.h>

#include "runtime/internal.h"
#include "runtime/message.h"

void
control_init(struct control *control, enum control_type type)
{
    list_init(&control->link);
    control->type = type;
}

void
mailbox_init(struct mailbox *mailbox)
{
    *mailbox = (struct mailbox){ 0 };
    pthread_mutex_init(&mailbox->lock, NULL);
    list_init(&mailbox->controls);
    list_init(&mailbox->messages);
}

void
mailbox_deinit(struct mailbox *mailbox)
{
    assert(mailbox->owner == AIRS_PID_NONE);
    pthread_mutex_destroy(&mailbox->lock);
}

void
mailbox_open(struct mailbox *mailbox, airs_pid owner, size_t size_max, enum mailbox_full on_full)
{
    pthread_mutex_lock(&mailbox->lock);
    assert(mailbox->owner == AIRS_PID_NONE && owner != AIRS_PID_NONE && size_max > 0);
    assert(list_is_empty(&mailbox->controls) && list_is_empty(&mailbox->messages));
    mailbox->owner = owner;
    mailbox->size_max = size_max;
    mailbox->on_full = on_full;
    mailbox->gate = MAILBOX_OPEN;
    mailbox->taken = 0;
    mailbox->dropped = 0;
    pthread_mutex_unlock(&mailbox->lock);
}

static void
set_size_locked(struct mailbox *mailbox, size_t size)
{
    atomic_store_explicit(&mailbox->size, size, memory_order_relaxed);
}

static void
set_has_controls_locked(struct mailbox *mailbox)
{
    atomic_store_explicit(&mailbox->has_controls, !list_is_empty(&mailbox->controls),
                          memory_order_relaxed);
}

void
mailbox_close(struct mailbox *mailbox, struct list *messages_out, struct list *controls_out)
{
    pthread_mutex_lock(&mailbox->lock);
    mailbox->owner = AIRS_PID_NONE;
    mailbox->gate = MAILBOX_CLOSED;
    list_append_all(messages_out, &mailbox->messages);
    list_append_all(controls_out, &mailbox->controls);
    set_size_locked(mailbox, 0);
    set_has_controls_locked(mailbox);
    pthread_mutex_unlock(&mailbox->lock);
}

/* ---- Ordinary messages ---- */

static struct message *
pop_locked(struct mailbox *mailbox)
{
    struct list *link = list_pop_front(&mailbox->messages);
    if (!link)
        return NULL;
    set_size_locked(mailbox, mailbox->size - 1);
    return container_of(link, struct message, link);
}

static enum airs_status
make_room_locked(struct mailbox *mailbox, struct message **dropped_out)
{
    if (mailbox->size < mailbox->size_max)
        return AIRS_OK;
    switch (mailbox->on_full) {
    case MAILBOX_REJECT:
        return AIRS_ELIMIT;
    case MAILBOX_DROP_OLDEST:
        *dropped_out = pop_locked(mailbox);
        mailbox->dropped++;
        return AIRS_OK;
    }
    return AIRS_EINVAL;
}

enum airs_status
mailbox_push(struct mailbox *mailbox, airs_pid owner, struct message *message,
             struct message **dropped_out)
{
    enum airs_status status = AIRS_ENOENT;
    pthread_mutex_lock(&mailbox->lock);
    if (mailbox->owner == owner)
        status =
            mailbox->gate == MAILBOX_OPEN ? make_room_locked(mailbox, dropped_out) : AIRS_EENDED;
    if (status == AIRS_OK) {
        list_push_back(&mailbox->messages, &message->link);
        set_size_locked(mailbox, mailbox->size + 1);
    }
    pthread_mutex_unlock(&mailbox->lock);
    return status;
}

struct message *
mailbox_pop(struct mailbox *mailbox)
{
    /* Unlocked: whoever pushed has woken the actor afterwards, so a turn that sees that wake
     * sees the size; a push not seen yet brings another turn. */
    if (atomic_load_explicit(&mailbox->size, memory_order_relaxed) == 0)
        return NULL;

    pthread_mutex_lock(&mailbox->lock);
    struct message *message = mailbox->gate == MAILBOX_OPEN ? pop_locked(mailbox) : NULL;
    if (message)
        mailbox->taken++;
    pthread_mutex_unlock(&mailbox->lock);
    return message;
}

void
actor_set_mailbox(struct actor_system *system, airs_pid pid, size_t size_max,
                  enum mailbox_full on_full)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return;
    pthread_mutex_lock(&actor->mailbox.lock);
    if (actor->mailbox.owner == pid) {
        actor->mailbox.size_max = size_max;
        actor->mailbox.on_full = on_full;
    }
    pthread_mutex_unlock(&actor->mailbox.lock);
}

static void
take_all_locked(struct mailbox *mailbox, struct list *messages)
{
    list_append_all(messages, &mailbox->messages);
    set_size_locked(mailbox, 0);
}

void
mailbox_set_gate(struct actor_system *system, airs_pid pid, enum mailbox_gate gate)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return;

    struct list dead;
    bool was_held = false;
    list_init(&dead);
    pthread_mutex_lock(&actor->mailbox.lock);
    if (actor->mailbox.owner == pid) {
        was_held = gate == MAILBOX_OPEN && actor->mailbox.size > 0;
        actor->mailbox.gate = gate;
        if (gate == MAILBOX_CLOSED)
            take_all_locked(&actor->mailbox, &dead);
    }
    pthread_mutex_unlock(&actor->mailbox.lock);
    messages_bury(system, &dead);
    if (was_held)
        actor_wake(system, pid);
}

void
mailbox_bury(struct actor_system *system, airs_pid pid)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return;

    struct list dead;
    list_init(&dead);
    pthread_mutex_lock(&actor->mailbox.lock);
    if (actor->mailbox.owner == pid)
        take_all_locked(&actor->mailbox, &dead);
    pthread_mutex_unlock(&actor->mailbox.lock);
    messages_bury(system, &dead);
}

/* ---- Control messages ---- */

/* False: no such actor. */
static bool
queue(struct actor_system *system, airs_pid pid, struct control *control, bool *queued_out)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return false;

    pthread_mutex_lock(&actor->mailbox.lock);
    bool is_there = actor->mailbox.owner == pid;
    *queued_out = is_there && !list_is_linked(&control->link);
    if (*queued_out) {
        list_push_back(&actor->mailbox.controls, &control->link);
        set_has_controls_locked(&actor->mailbox);
    }
    pthread_mutex_unlock(&actor->mailbox.lock);
    if (is_there)
        actor_wake_urgent(system, pid);
    return is_there;
}

bool
control_send(struct actor_system *system, airs_pid pid, struct control *control)
{
    bool queued = false;
    return queue(system, pid, control, &queued);
}

bool
control_queue(struct actor_system *system, airs_pid pid, struct control *control)
{
    bool queued = false;
    queue(system, pid, control, &queued);
    return queued;
}

bool
control_recall(struct actor_system *system, airs_pid pid, struct control *control)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return false;

    pthread_mutex_lock(&actor->mailbox.lock);
    bool was_there = actor->mailbox.owner == pid && list_is_linked(&control->link);
    if (was_there) {
        list_remove(&control->link);
        set_has_controls_locked(&actor->mailbox);
    }
    pthread_mutex_unlock(&actor->mailbox.lock);
    return was_there;
}

struct control *
mailbox_pop_control(struct mailbox *mailbox)
{
    /* Unlocked, for the same reason as in mailbox_pop(). */
    if (!atomic_load_explicit(&mailbox->has_controls, memory_order_relaxed))
        return NULL;

    pthread_mutex_lock(&mailbox->lock);
    struct list *link = list_pop_front(&mailbox->controls);
    set_has_controls_locked(mailbox);
    pthread_mutex_unlock(&mailbox->lock);
    return link ? container_of(link, struct control, link) : NULL;
}
