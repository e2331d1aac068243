#include "runtime/child_link.h"

#include <assert.h>
#include <stdlib.h>

#include "runtime/child_texts.h"
#include "runtime/internal.h"

#define COMMANDS_ALL 0x7fu /* Bits 1 << child_command_type. */

/* Bits of `reports`: */
enum report {
    REPORT_STARTED = 1 << 0,
    REPORT_READY = 1 << 1,
    REPORT_NOT_READY = 1 << 2,
    REPORT_IDLE = 1 << 3,
    REPORT_NOT_IDLE = 1 << 4,
    REPORT_EXITED = 1 << 5,
    REPORT_HEALTH_FAILED = 1 << 6,
    REPORT_DEGRADED = 1 << 7
};

/* ---- The child's side ---- */

static struct child_link *
own_link(const struct actor_context *context)
{
    return atomic_load_explicit(&context->actor->link, memory_order_acquire);
}

_Static_assert(CHILD_RELEASE < 7, "a bit of `pending` for each command");

static unsigned
bit_of(enum child_command_type type)
{
    return 1u << type;
}

static void
begin_command(struct child_link *link, struct child_command *command)
{
    switch (command->type) {
    case CHILD_START:
        assert(!link->has_instance);
        link->has_instance = true;
        link->is_killed = false;
        command->everything = link->start_everything;
        break;
    case CHILD_KILL:
        link->is_killed = true;
        command->reason =
            (enum exit_reason)atomic_load_explicit(&link->kill_reason, memory_order_relaxed);
        break;
    case CHILD_BURY:
    case CHILD_STOP:
    case CHILD_START_SUBTREE:
    case CHILD_RESET:
    case CHILD_RELEASE:
        break;
    }
    command->generation = link->has_instance ? link->report.tag : 0;
}

/* What has been sent since the last look joins what is pending. */
static void
take_commands(struct child_link *link)
{
    if (atomic_load_explicit(&link->commands, memory_order_relaxed) == 0)
        return;
    /* Acquire pairs with the release in set_commands(). */
    unsigned taken = atomic_exchange_explicit(&link->commands, 0, memory_order_acquire);
    /* Those that found no instance any more: none can be meant by them but the one that is gone. */
    if (!link->has_instance && !(taken & bit_of(CHILD_START)))
        taken &= ~(bit_of(CHILD_STOP) | bit_of(CHILD_KILL));
    link->pending = (unsigned char)((link->pending | taken) & COMMANDS_ALL);
}

bool
child_take_command(struct actor_context *context, struct child_command *command_out)
{
    struct child_link *link = own_link(context);
    if (!link)
        return false;

    take_commands(link);
    if (!link->pending)
        return false;
    struct child_command command = {
        .type = (enum child_command_type)__builtin_ctz(link->pending),
    };
    link->pending = (unsigned char)(link->pending & ~bit_of(command.type) & COMMANDS_ALL);
    begin_command(link, &command);
    *command_out = command;
    return true;
}

bool
child_is_killed(const struct child_link *link)
{
    if (!link->has_instance)
        return false;
    /* Acquire pairs with the release in set_commands(). */
    unsigned commands = atomic_load_explicit(&link->commands, memory_order_acquire);
    return link->is_killed || ((commands | link->pending) & bit_of(CHILD_KILL));
}

uint32_t
child_generation(const struct actor_context *context)
{
    struct child_link *link = own_link(context);
    return link && link->has_instance ? link->report.tag : 0;
}

/* Sets `set` in place of `clear`, and lets the supervisor look. */
static void
report(struct actor_context *context, struct child_link *link, unsigned clear, unsigned set)
{
    unsigned char before = atomic_load_explicit(&link->reports, memory_order_relaxed);
    unsigned char after;
    do
        after = (unsigned char)((before & ~clear) | set);
    /* Release pairs with the acquire in child_link_take_reports(). */
    while (!atomic_compare_exchange_weak_explicit(&link->reports, &before, after,
                                                  memory_order_release, memory_order_relaxed));
    /* What lies in the lane has a reference of its own: the supervisor may have seen the bits above
     * and let go of the child before it comes to that. */
    child_link_ref(link);
    if (!control_queue(context->worker->system, context->actor->supervisor, &link->report))
        child_link_unref(link);
}

void
child_report_started(struct actor_context *context)
{
    struct child_link *link = own_link(context);
    assert(link && link->has_instance);
    report(context, link, 0, REPORT_STARTED);
}

void
child_report_ready(struct actor_context *context, bool ready)
{
    struct child_link *link = own_link(context);
    assert(link && link->has_instance);
    report(context, link, REPORT_READY | REPORT_NOT_READY, ready ? REPORT_READY : REPORT_NOT_READY);
}

void
child_report_health_failed(struct actor_context *context, struct refstr *detail)
{
    struct child_link *link = own_link(context);
    assert(link && link->has_instance);
    struct child_texts *texts = child_texts_make(link);
    if (texts)
        child_texts_add_failure(texts, detail);
    report(context, link, 0, REPORT_HEALTH_FAILED);
}

void
child_report_degraded(struct actor_context *context)
{
    struct child_link *link = own_link(context);
    assert(link && link->has_instance);
    report(context, link, 0, REPORT_DEGRADED);
}

void
child_report_idle(struct actor_context *context, bool idle)
{
    struct child_link *link = own_link(context);
    assert(link && link->has_instance);
    report(context, link, REPORT_IDLE | REPORT_NOT_IDLE, idle ? REPORT_IDLE : REPORT_NOT_IDLE);
}

static void
report_exited(struct actor_context *context, struct exit_info exit, bool ignored,
              struct refstr *detail, struct refstr *cause)
{
    struct child_link *link = own_link(context);
    assert(link && link->has_instance);

    link->has_instance = false;
    link->is_killed = false;
    link->pending =
        (unsigned char)(link->pending & ~(bit_of(CHILD_STOP) | bit_of(CHILD_KILL)) & COMMANDS_ALL);
    link->ignored = ignored;
    link->exit_reason = (uint8_t)exit.reason;
    link->exit_code = exit.code;
    struct child_texts *texts = detail || cause ? child_texts_make(link) : NULL;
    if (texts) {
        texts->detail = refstr_ref(detail);
        texts->cause = refstr_ref(cause);
    }
    report(context, link, 0, REPORT_EXITED);
}

void
child_report_exited(struct actor_context *context, struct exit_info exit, struct refstr *detail,
                    struct refstr *cause)
{
    report_exited(context, exit, false, detail, cause);
}

void
child_report_ignored(struct actor_context *context)
{
    report_exited(context, (struct exit_info){ .reason = EXIT_NORMAL }, true, NULL, NULL);
}

/* ---- The supervisor's side ---- */

void
child_link_init(struct child_link *link, airs_pid child)
{
    *link = (struct child_link){ .child = child };
    control_init(&link->report, CONTROL_REPORT);
    atomic_init(&link->references, 1);
}

enum airs_status
child_link_attach(struct actor_system *system, struct child_link *link, airs_pid supervisor)
{
    struct actor *actor = actor_at(system, link->child);
    if (!actor)
        return AIRS_ENOENT;

    /* Under the mailbox's lock: an actor that ends closes its mailbox before it lets go of
     * its link, so either it is still alive here, or nothing is attached. */
    enum airs_status status = AIRS_OK;
    pthread_mutex_lock(&actor->mailbox.lock);
    if (actor->mailbox.owner != link->child)
        status = AIRS_ENOENT;
    else if (atomic_load_explicit(&actor->link, memory_order_relaxed))
        status = AIRS_EBUSY;
    else {
        child_link_ref(link);
        actor->supervisor = supervisor;
        atomic_store_explicit(&actor->link, link, memory_order_release);
    }
    pthread_mutex_unlock(&actor->mailbox.lock);
    return status;
}

struct child_link *
child_link_find(struct actor_system *system, airs_pid pid, airs_pid supervisor)
{
    struct actor *actor = actor_at(system, pid);
    if (!actor)
        return NULL;

    pthread_mutex_lock(&actor->mailbox.lock);
    struct child_link *link = NULL;
    if (actor->mailbox.owner == pid)
        link = atomic_load_explicit(&actor->link, memory_order_relaxed);
    if (link && actor->supervisor != supervisor)
        link = NULL;
    pthread_mutex_unlock(&actor->mailbox.lock);
    return link;
}

void
child_link_ref(struct child_link *link)
{
    atomic_fetch_add_explicit(&link->references, 1, memory_order_relaxed);
}

void
child_link_unref(struct child_link *link)
{
    /* acq_rel: the last one sees all that the others did to the memory. */
    unsigned before = atomic_fetch_sub_explicit(&link->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    child_texts_free(child_texts_of(link));
    if (link->is_bare)
        free(link);
    else
        supervised_child_free(link);
}

static void
set_commands(struct child_link *link, unsigned clear, unsigned set)
{
    unsigned char before = atomic_load_explicit(&link->commands, memory_order_relaxed);
    unsigned char after;
    do
        after = (unsigned char)((before & ~clear) | set);
    /* Release pairs with the acquire in take_commands() and child_is_killed(). */
    while (!atomic_compare_exchange_weak_explicit(&link->commands, &before, after,
                                                  memory_order_release, memory_order_relaxed));
}

void
child_link_send(struct actor_system *system, struct child_link *link,
                const struct child_command *command)
{
    unsigned stale = 0;
    switch (command->type) {
    case CHILD_START:
        link->report.tag = command->generation;
        link->start_everything = command->everything;
        /* What was meant for the generation before is not for this one. */
        stale = bit_of(CHILD_STOP) | bit_of(CHILD_KILL) | bit_of(CHILD_START_SUBTREE);
        break;
    case CHILD_KILL:
        atomic_store_explicit(&link->kill_reason, (unsigned char)command->reason,
                              memory_order_relaxed);
        break;
    case CHILD_BURY:
    case CHILD_STOP:
    case CHILD_START_SUBTREE:
    case CHILD_RESET:
    case CHILD_RELEASE:
        break;
    }
    set_commands(link, stale, bit_of(command->type));
    actor_wake_urgent(system, link->child);
}

void
child_discard(struct actor_system *system, airs_pid pid)
{
    struct child_link *link = calloc(1, sizeof *link);
    if (!link)
        return;
    child_link_init(link, pid);
    link->is_bare = true;
    if (child_link_attach(system, link, AIRS_PID_NONE) == AIRS_OK) {
        struct refstr *path = actor_at(system, pid)->path; /* Only the RELEASE ends it. */
        if (path)
            registry_remove(system, path, pid);
        child_link_send(system, link, &(struct child_command){ .type = CHILD_RELEASE });
    }
    child_link_unref(link);
}

struct child_reports
child_link_take_reports(struct child_link *link)
{
    /* Acquire pairs with the release in report(). */
    unsigned bits = atomic_exchange_explicit(&link->reports, 0, memory_order_acquire);
    struct child_reports reports = {
        .generation = link->report.tag, /* No later one has begun before `exited`. */
        .started = bits & REPORT_STARTED,
        .has_ready = bits & (REPORT_READY | REPORT_NOT_READY),
        .ready = bits & REPORT_READY,
        .degraded = bits & REPORT_DEGRADED,
        .has_idle = bits & (REPORT_IDLE | REPORT_NOT_IDLE),
        .idle = bits & REPORT_IDLE,
        .exited = bits & REPORT_EXITED,
    };
    struct child_texts *texts = child_texts_of(link);
    if ((bits & REPORT_HEALTH_FAILED) && texts) /* Not without: `started` comes before them. */
        reports.failures = child_texts_take_failures(texts);
    if (!reports.exited)
        return reports;
    reports.exit = (struct exit_info){ .reason = (enum exit_reason)link->exit_reason,
                                       .code = link->exit_code };
    reports.ignored = link->ignored;
    if (texts) {
        refstr_unref(texts->last_detail);
        refstr_unref(texts->last_cause);
        texts->last_detail = texts->detail;
        texts->last_cause = texts->cause;
        texts->detail = NULL;
        texts->cause = NULL;
    }
    return reports;
}
