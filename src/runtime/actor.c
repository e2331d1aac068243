/* Actor: spawn, wake, send, end. The life of the state word is drawn in worker.c. */
#include "runtime/actor.h"

#include <assert.h>

#include "runtime/child_link.h"
#include "runtime/internal.h"

struct actor *
actor_at(struct actor_system *system, airs_pid pid)
{
    return pid >> 32 == 0 ? NULL : actor_in_slot(system, (uint32_t)pid);
}

struct actor *
actor_in_slot(struct actor_system *system, uint32_t slot)
{
    if (slot / ACTOR_CHUNK >= system->table.chunks_max)
        return NULL;
    /* Acquire pairs with the release in actor_table_take(). */
    struct actor *chunk =
        atomic_load_explicit(&system->table.chunks[slot / ACTOR_CHUNK], memory_order_acquire);
    return chunk ? &chunk[slot % ACTOR_CHUNK] : NULL;
}

/* ---- Waking ---- */

enum wake_result { WAKE_NOBODY, WAKE_SCHEDULED, WAKE_QUEUED, WAKE_RUNNING };

static enum wake_result
wake(struct actor_system *system, struct actor *actor, airs_pid pid)
{
    uint64_t word = atomic_load_explicit(&actor->word, memory_order_relaxed);
    uint64_t woken;
    do {
        /* Both are final for this pid, so nothing later could be missed by not writing. */
        if (word >> 32 != pid >> 32 || word & ACTOR_DEAD)
            return WAKE_NOBODY;
        /* Written even if nothing changes: the release must reach the turn that takes it. */
        woken = word | (word & (ACTOR_QUEUED | ACTOR_RUNNING) ? ACTOR_WOKEN : ACTOR_QUEUED);
    } while (!atomic_compare_exchange_weak_explicit(&actor->word, &word, woken,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if (word & ACTOR_RUNNING)
        return WAKE_RUNNING;
    if (word & ACTOR_QUEUED)
        return WAKE_QUEUED;
    worker_schedule(system, actor);
    return WAKE_SCHEDULED;
}

void
actor_wake(struct actor_system *system, airs_pid pid)
{
    struct actor *actor = actor_at(system, pid);
    if (actor)
        wake(system, actor, pid);
}

void
actor_wake_urgent(struct actor_system *system, airs_pid pid)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return;
    /* Of a slot that has changed hands meanwhile: its new actor runs early once. */
    atomic_store(&actor->urgent, true);
    if (wake(system, actor, pid) == WAKE_QUEUED)
        run_queue_promote(actor);
}

bool
actor_is_alive(struct actor_system *system, airs_pid pid)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return false;
    uint64_t word = atomic_load_explicit(&actor->word, memory_order_acquire);
    return word >> 32 == pid >> 32 && !(word & ACTOR_DEAD);
}

/* ---- Spawn and end ---- */

/* The slot is this thread's alone, until the last line lets wakes in. */
static airs_pid
begin(struct actor *actor, const struct actor_options *options)
{
    uint64_t word = atomic_load_explicit(&actor->word, memory_order_relaxed);
    assert(word & ACTOR_DEAD);
    uint64_t generation = (word & ~ACTOR_FLAGS) + (UINT64_C(1) << 32);
    airs_pid pid = generation | actor->slot;

    actor->behaviour = options->behaviour;
    actor->state = options->state;
    actor->path = refstr_ref(options->path);
    actor->is_supervisor = options->is_supervisor;
    atomic_store_explicit(&actor->link, NULL, memory_order_relaxed);
    atomic_store_explicit(&actor->urgent, false, memory_order_relaxed);
    mailbox_open(&actor->mailbox, pid,
                 options->mailbox_max ? options->mailbox_max : MAILBOX_MAX_DEFAULT,
                 options->on_full);
    /* Release pairs with the acquire of the worker that runs its first turn. */
    atomic_store_explicit(&actor->word, generation, memory_order_release);
    return pid;
}

/* A spawn that failed: nobody knows the pid, so nothing is queued and nobody wakes. */
static void
take_back(struct actor_system *system, struct actor *actor)
{
    actor->state = NULL;
    actor->behaviour = NULL;
    atomic_fetch_or(&actor->word, ACTOR_DEAD);
    actor_finish(system, actor);
}

enum airs_status
actor_spawn(struct actor_system *system, const struct actor_options *options, airs_pid *pid_out,
            struct airs_error *error)
{
    assert(options->behaviour && options->behaviour->run);

    struct actor *actor = actor_table_take(&system->table);
    if (!actor)
        return fail(error, AIRS_ELIMIT, "no room for another actor: %u are there",
                    system->options.actors_max);
    airs_pid pid = begin(actor, options);
    if (options->path) {
        enum airs_status status = registry_add(system, options->path, pid);
        if (status != AIRS_OK) {
            take_back(system, actor);
            return fail(error, status, "%s: %s", options->path->text, airs_status_text(status));
        }
    }
    *pid_out = pid;
    return AIRS_OK;
}

static void
abandon_controls(struct list *controls)
{
    struct list *link;
    while ((link = list_pop_front(controls)) != NULL) {
        struct control *control = container_of(link, struct control, link);
        if (control->type == CONTROL_REQUEST)
            supervisor_request_abandon(control);
        else if (control->type == CONTROL_REPORT)
            child_link_unref(container_of(control, struct child_link, report));
    }
}

void
actor_finish(struct actor_system *system, struct actor *actor)
{
    airs_pid pid = actor->mailbox.owner;
    struct list messages;
    struct list controls;
    list_init(&messages);
    list_init(&controls);

    if (actor->path)
        registry_remove(system, actor->path, pid);
    mailbox_close(&actor->mailbox, &messages, &controls);
    messages_bury(system, &messages);
    abandon_controls(&controls);
    if (actor->behaviour && actor->behaviour->destroy)
        actor->behaviour->destroy(actor->state);

    struct child_link *link = atomic_exchange(&actor->link, NULL);
    if (link)
        child_link_unref(link);
    refstr_unref(actor->path);
    actor->path = NULL;
    actor_table_give_back(&system->table, actor);
}

/* ---- Mail ---- */

enum airs_status
actor_send(struct actor_system *system, airs_pid pid, struct message *message)
{
    struct actor *actor = actor_at(system, pid);
    struct message *dropped = NULL;
    enum airs_status status =
        actor ? mailbox_push(&actor->mailbox, pid, message, &dropped) : AIRS_ENOENT;
    if (dropped) {
        atomic_fetch_add_explicit(&system->dead_letters, 1, memory_order_relaxed);
        message_finish(dropped, AIRS_ELIMIT, "dropped from a full mailbox", NULL, 0);
    }
    if (status == AIRS_OK)
        wake(system, actor, pid);
    else
        atomic_fetch_add_explicit(&system->refused, 1, memory_order_relaxed);
    return status;
}

bool
actor_metrics(struct actor_system *system, airs_pid pid, struct actor_metrics *metrics_out)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return false;

    pthread_mutex_lock(&actor->mailbox.lock);
    bool is_there = actor->mailbox.owner == pid;
    if (is_there)
        *metrics_out = (struct actor_metrics){
            .mailbox = actor->mailbox.size,
            .messages = actor->mailbox.taken,
            .dropped = actor->mailbox.dropped,
        };
    pthread_mutex_unlock(&actor->mailbox.lock);
    return is_there;
}

/* ---- Inside run ---- */

void *
actor_context_state(const struct actor_context *context)
{
    return context->actor->state;
}

airs_pid
actor_context_self(const struct actor_context *context)
{
    return context->self;
}

struct actor_system *
actor_context_system(const struct actor_context *context)
{
    return context->worker->system;
}

unsigned
actor_context_worker(const struct actor_context *context)
{
    return context->worker->index;
}

struct control *
actor_context_take_control(struct actor_context *context)
{
    return mailbox_pop_control(&context->actor->mailbox);
}

struct message *
actor_context_take_message(struct actor_context *context)
{
    return mailbox_pop(&context->actor->mailbox);
}

void
actor_context_guest_begin(struct actor_context *context)
{
    struct worker *worker = context->worker;
    struct clock_thread *clock = &worker->system->clock;
    uint64_t begins = atomic_load_explicit(&worker->guest_begins, memory_order_relaxed);
    assert(!(begins & 1));
    worker_share_next(worker);

    /* seq_cst, as the read of ticker_parked: pairs with park_ticker() in clock_thread.c. */
    atomic_store(&worker->guest_begins, begins + 1);
    if (atomic_load(&clock->ticker_parked) && atomic_exchange(&clock->ticker_parked, false))
        clock_thread_nudge(clock);
}

void
actor_context_share(struct actor_context *context)
{
    worker_share_next(context->worker);
}

bool
actor_context_should_give_way(const struct actor_context *context)
{
    const struct actor *next = context->worker->next;
    return next && next->is_supervisor;
}

void
actor_context_guest_end(struct actor_context *context)
{
    struct worker *worker = context->worker;
    uint64_t begins = atomic_load_explicit(&worker->guest_begins, memory_order_relaxed);
    assert(begins & 1);
    atomic_store_explicit(&worker->guest_begins, begins + 1, memory_order_release);
}

bool
actor_context_should_yield(const struct actor_context *context)
{
    const struct worker *worker = context->worker;
    return atomic_load_explicit(&worker->system->clock.ticks, memory_order_relaxed) !=
               worker->slice_tick ||
           atomic_load_explicit(&worker->queue.urgent, memory_order_relaxed) > 0 ||
           atomic_load_explicit(&worker->system->stopping, memory_order_relaxed);
}

bool
actor_context_is_killed(const struct actor_context *context)
{
    struct child_link *link = atomic_load_explicit(&context->actor->link, memory_order_acquire);
    return link && child_is_killed(link);
}
