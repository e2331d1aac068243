#include "runtime/child_link.h"

#include <assert.h>
#include <stdlib.h>

#include "runtime/internal.h"

/* Bits of `commands` are 1 << child_command_type. Those of `reports`: */
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

static unsigned
bit_of(enum child_command_type type)
{
    return 1u << type;
}

/* False: it was meant for a generation that has already exited. */
static bool
begin_command(struct child_link *link, struct child_command *command)
{
    switch (command->type) {
    case CHILD_START:
        assert(link->generation == 0);
        command->generation = link->start_generation;
        command->everything = link->start_everything;
        link->generation = command->generation;
        atomic_store_explicit(&link->report_generation, command->generation, memory_order_relaxed);
        return true;
    case CHILD_STOP:
        command->generation = atomic_load_explicit(&link->stop_generation, memory_order_relaxed);
        return command->generation == link->generation;
    case CHILD_KILL:
        command->generation = atomic_load_explicit(&link->kill_generation, memory_order_relaxed);
        command->reason =
            (enum exit_reason)atomic_load_explicit(&link->kill_reason, memory_order_relaxed);
        return command->generation == link->generation;
    case CHILD_BURY:
    case CHILD_START_SUBTREE:
    case CHILD_RESET:
    case CHILD_RELEASE:
        return true;
    }
    return false;
}

bool
child_take_command(struct actor_context *context, struct child_command *command_out)
{
    struct child_link *link = own_link(context);
    if (!link)
        return false;

    /* Acquire pairs with the release in child_link_send(). */
    link->pending |= atomic_exchange_explicit(&link->commands, 0, memory_order_acquire);
    while (link->pending) {
        struct child_command command = {
            .type = (enum child_command_type)__builtin_ctz(link->pending),
        };
        link->pending &= ~bit_of(command.type);
        if (begin_command(link, &command)) {
            *command_out = command;
            return true;
        }
    }
    return false;
}

uint32_t
child_generation(const struct actor_context *context)
{
    struct child_link *link = own_link(context);
    return link ? link->generation : 0;
}

/* Sets `set` in place of `clear`, and lets the supervisor look. */
static void
report(struct actor_context *context, struct child_link *link, unsigned clear, unsigned set)
{
    unsigned before = atomic_load_explicit(&link->reports, memory_order_relaxed);
    /* Release pairs with the acquire in child_link_take_reports(). */
    while (!atomic_compare_exchange_weak_explicit(&link->reports, &before, (before & ~clear) | set,
                                                  memory_order_release, memory_order_relaxed))
        continue;
    control_send(context->worker->system, link->supervisor, &link->report);
}

void
child_report_started(struct actor_context *context)
{
    struct child_link *link = own_link(context);
    assert(link && link->generation != 0);
    report(context, link, 0, REPORT_STARTED);
}

void
child_report_ready(struct actor_context *context, bool ready)
{
    struct child_link *link = own_link(context);
    assert(link && link->generation != 0);
    report(context, link, REPORT_READY | REPORT_NOT_READY, ready ? REPORT_READY : REPORT_NOT_READY);
}

void
child_report_health_failed(struct actor_context *context, struct refstr *detail)
{
    struct child_link *link = own_link(context);
    assert(link && link->generation != 0);
    refstr_unref(atomic_exchange_explicit(&link->health_detail, refstr_ref(detail),
                                          memory_order_acq_rel));
    report(context, link, 0, REPORT_HEALTH_FAILED);
}

void
child_report_degraded(struct actor_context *context)
{
    struct child_link *link = own_link(context);
    assert(link && link->generation != 0);
    report(context, link, 0, REPORT_DEGRADED);
}

void
child_report_idle(struct actor_context *context, bool idle)
{
    struct child_link *link = own_link(context);
    assert(link && link->generation != 0);
    report(context, link, REPORT_IDLE | REPORT_NOT_IDLE, idle ? REPORT_IDLE : REPORT_NOT_IDLE);
}

static void
report_exited(struct actor_context *context, struct exit_info exit, bool ignored,
              struct refstr *detail, struct refstr *cause)
{
    struct child_link *link = own_link(context);
    assert(link && link->generation != 0);

    link->generation = 0;
    link->ignored = ignored;
    link->pending &= ~(bit_of(CHILD_STOP) | bit_of(CHILD_KILL));
    link->exit = exit;
    link->detail = refstr_ref(detail);
    link->cause = refstr_ref(cause);
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
child_link_init(struct child_link *link, airs_pid supervisor, airs_pid child,
                void (*free)(struct child_link *link))
{
    *link = (struct child_link){ .supervisor = supervisor, .child = child, .free = free };
    control_init(&link->report, CONTROL_REPORT);
    control_init(&link->command, CONTROL_COMMAND);
    atomic_init(&link->references, 1);
}

enum airs_status
child_link_attach(struct actor_system *system, struct child_link *link)
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
    if (link && link->supervisor != supervisor)
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
    refstr_unref(atomic_load_explicit(&link->health_detail, memory_order_relaxed));
    refstr_unref(link->detail);
    refstr_unref(link->cause);
    link->free(link);
}

static void
set_commands(struct child_link *link, unsigned clear, unsigned set)
{
    unsigned before = atomic_load_explicit(&link->commands, memory_order_relaxed);
    /* Release pairs with the acquire in child_take_command(). */
    while (!atomic_compare_exchange_weak_explicit(&link->commands, &before, (before & ~clear) | set,
                                                  memory_order_release, memory_order_relaxed))
        continue;
}

void
child_link_send(struct actor_system *system, struct child_link *link,
                const struct child_command *command)
{
    unsigned stale = 0;
    switch (command->type) {
    case CHILD_START:
        link->start_generation = command->generation;
        link->start_everything = command->everything;
        /* What was meant for the generation before is not for this one. */
        stale = bit_of(CHILD_STOP) | bit_of(CHILD_KILL) | bit_of(CHILD_START_SUBTREE);
        break;
    case CHILD_STOP:
        atomic_store_explicit(&link->stop_generation, command->generation, memory_order_relaxed);
        break;
    case CHILD_KILL:
        atomic_store_explicit(&link->kill_reason, (unsigned)command->reason, memory_order_relaxed);
        /* Release pairs with the acquire in actor_context_is_killed(). */
        atomic_store_explicit(&link->kill_generation, command->generation, memory_order_release);
        break;
    case CHILD_BURY:
    case CHILD_START_SUBTREE:
    case CHILD_RESET:
    case CHILD_RELEASE:
        break;
    }
    set_commands(link, stale, bit_of(command->type));
    control_send(system, link->child, &link->command);
}

static void
free_bare_link(struct child_link *link)
{
    free(link);
}

void
child_discard(struct actor_system *system, airs_pid pid)
{
    struct child_link *link = calloc(1, sizeof *link);
    if (!link)
        return;
    child_link_init(link, 0, pid, free_bare_link);
    if (child_link_attach(system, link) == AIRS_OK) {
        struct refstr *path = actor_at(system, pid)->path; /* Only the RELEASE ends it. */
        if (path)
            registry_remove(&system->registry, path, pid);
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
        .generation = atomic_load_explicit(&link->report_generation, memory_order_relaxed),
        .started = bits & REPORT_STARTED,
        .has_ready = bits & (REPORT_READY | REPORT_NOT_READY),
        .ready = bits & REPORT_READY,
        .health_failed = bits & REPORT_HEALTH_FAILED,
        .degraded = bits & REPORT_DEGRADED,
        .has_idle = bits & (REPORT_IDLE | REPORT_NOT_IDLE),
        .idle = bits & REPORT_IDLE,
        .exited = bits & REPORT_EXITED,
    };
    if (reports.health_failed)
        reports.health_detail =
            atomic_exchange_explicit(&link->health_detail, NULL, memory_order_acq_rel);
    if (!reports.exited)
        return reports;
    reports.exit = link->exit;
    reports.ignored = link->ignored;
    reports.detail = link->detail;
    reports.cause = link->cause;
    link->detail = NULL;
    link->cause = NULL;
    return reports;
}
