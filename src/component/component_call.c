/* Component call: one call of a guest's export, polled, bounded by two clocks.
 *
 * The wall clock needs a timer only once a call parks; a call that answers within its first
 * poll, as nearly all do, costs two readings of the clock. A guest that computes is asked at
 * each epoch tick: killed, out of cpu time, out of wall time, or others are waiting.
 */
#include "component/component_actor_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"

#define NS_PER_US UINT64_C(1000)

/* Whether the call in flight is one that limits.call-timeout and cpu-timeout bound: starts and
 * stops have their supervisor's timeouts. */
static bool
is_bounded(const struct component_actor *actor)
{
    return actor->phase == PHASE_HANDLING || actor->phase == PHASE_PROBING ||
           actor->phase == PHASE_RUNNING;
}

static bool
is_past(uint64_t spent_ns, uint64_t limit_us)
{
    return limit_us != DURATION_INFINITE && spent_ns / NS_PER_US >= limit_us;
}

void
component_call_begin(struct component_actor *actor, enum phase phase)
{
    actor->phase = phase;
    actor->cut = CUT_NONE;
    actor->call_started_ns = clock_now_ns();
    actor->call_cpu_ns = 0;
    actor->timer_fired = false;
}

void
component_call_on_output(void *host, enum guest_stream stream, const void *bytes, size_t size)
{
    struct component_host *self = host;

    if (stream == GUEST_STDOUT)
        component_health_hear(container_of(self, struct component_actor, host), bytes, size);
    component_output_write(&self->output, stream == GUEST_STDERR ? LOG_STDERR : LOG_STDOUT, bytes,
                           size);
}

size_t
component_call_on_output_room(void *host, enum guest_stream stream)
{
    struct component_host *self = host;

    (void)stream;
    return component_output_room(&self->output, clock_now_us());
}

enum epoch_answer
component_call_on_epoch(void *host)
{
    struct component_actor *actor = container_of(host, struct component_actor, host);
    uint64_t now_ns = clock_now_ns();
    uint64_t cpu_ns = actor->call_cpu_ns + (now_ns - actor->poll_started_ns);

    if (actor_context_is_killed(actor->context))
        actor->cut = CUT_KILLED;
    else if (is_bounded(actor) && is_past(cpu_ns, actor->setup.cpu_timeout_us))
        actor->cut = CUT_CPU_TIMEOUT;
    else if (is_bounded(actor) &&
             is_past(now_ns - actor->call_started_ns, actor->setup.call_timeout_us))
        actor->cut = CUT_CALL_TIMEOUT;
    if (actor->cut != CUT_NONE)
        return EPOCH_INTERRUPT;
    if (component_health_needs_turn(actor, now_ns / NS_PER_US))
        return EPOCH_YIELD;
    return actor_context_should_yield(actor->context) ? EPOCH_YIELD : EPOCH_CONTINUE;
}

static void
arm(struct component_actor *actor)
{
    if (actor->timer_armed || !is_bounded(actor) ||
        actor->setup.call_timeout_us == DURATION_INFINITE)
        return;
    actor->timer_armed = true;
    timer_arm(actor->system, &actor->timer,
              actor->call_started_ns / NS_PER_US + actor->setup.call_timeout_us);
}

bool
component_call_poll(struct component_actor *actor)
{
    /* A call's first poll follows its begin at once: one reading of the clock is enough. */
    actor->poll_started_ns =
        actor->call_cpu_ns == 0 && !actor->timer_armed ? actor->call_started_ns : clock_now_ns();
    actor_context_guest_begin(actor->context);
    enum call_state state = instance_poll(actor->instance);
    actor_context_guest_end(actor->context);

    uint64_t spent_ns = clock_now_ns() - actor->poll_started_ns;
    actor->call_cpu_ns += spent_ns;
    uint64_t cpu_ns = atomic_load_explicit(&actor->stats.cpu_ns, memory_order_relaxed);
    atomic_store_explicit(&actor->stats.cpu_ns, cpu_ns + spent_ns, memory_order_relaxed);
    if (state == CALL_DONE)
        return true;
    arm(actor);
    return false;
}

void
component_call_end(struct component_actor *actor)
{
    if (actor->timer_armed)
        timer_disarm(actor->system, &actor->timer);
    actor->timer_armed = false;
    actor->timer_fired = false;
}

struct refstr *
component_detail(const char *text)
{
    return text && *text ? refstr_new(text, strlen(text)) : NULL;
}

static struct exit_info
exit_of_cut(const struct component_actor *actor, struct refstr **detail_out)
{
    switch (actor->cut) {
    case CUT_KILLED:
        return (struct exit_info){ EXIT_KILLED, 0 };
    case CUT_CALL_TIMEOUT:
        *detail_out = component_detail("call-timeout");
        return (struct exit_info){ EXIT_TIMEOUT, 0 };
    case CUT_CPU_TIMEOUT:
        *detail_out = component_detail("cpu-timeout");
        return (struct exit_info){ EXIT_TIMEOUT, 0 };
    case CUT_NONE:
        break;
    }
    *detail_out = component_detail("interrupted");
    return (struct exit_info){ EXIT_TRAP, TRAP_INTERRUPT };
}

/* A detail for an end whose outcome has no text of its own. */
static struct refstr *
detail_of_memory(const struct component_actor *actor, const char *text)
{
    char limit[64];

    if (*text)
        return component_detail(text);
    snprintf(limit, sizeof limit, "memory limit of %" PRIu64 " bytes reached",
             actor->setup.spec->limits.memory_bytes);
    return component_detail(limit);
}

struct exit_info
component_call_exit(const struct component_actor *actor, const struct outcome *outcome,
                    struct refstr **detail_out)
{
    *detail_out = NULL;
    switch (outcome->kind) {
    case OUTCOME_OK:
        return (struct exit_info){ EXIT_NORMAL, 0 };
    case OUTCOME_ERR:
        *detail_out = component_detail(outcome->text);
        return (struct exit_info){ EXIT_ERROR, -1 };
    case OUTCOME_TRAP:
        *detail_out = component_detail(outcome->text);
        return (struct exit_info){ EXIT_TRAP, (int32_t)outcome->trap };
    case OUTCOME_EXIT:
        *detail_out = component_detail(outcome->text);
        if (outcome->exit_code == 0)
            return (struct exit_info){ EXIT_NORMAL, 0 };
        return (struct exit_info){ EXIT_ERROR, outcome->exit_code };
    case OUTCOME_OUT_OF_MEMORY:
        *detail_out = detail_of_memory(actor, outcome->text);
        return (struct exit_info){ EXIT_OUT_OF_MEMORY, 0 };
    case OUTCOME_INTERRUPTED:
        return exit_of_cut(actor, detail_out);
    case OUTCOME_LOAD_ERROR:
        *detail_out = component_detail(outcome->text);
        return (struct exit_info){ EXIT_LOAD_ERROR, 0 };
    }
    return (struct exit_info){ EXIT_TRAP, TRAP_UNKNOWN };
}

static struct span
span_of(const struct refstr *string)
{
    return string ? (struct span){ string->text, string->size } : (struct span){ "", 0 };
}

static struct guest_id
id_of(const struct component_ref *ref)
{
    return (struct guest_id){ span_of(ref->namespace_name), span_of(ref->name),
                              span_of(ref->instance) };
}

void
component_call_set_message(struct component_actor *actor, const struct message *message)
{
    struct guest_message *out = &actor->guest_message;

    out->sender = id_of(&message->sender);
    out->payload = (struct span){ message->size > 0 ? message->payload : "", message->size };
    out->correlation_id = (struct span){ NULL, 0 };
    if (message->has_correlation_id) {
        int length = snprintf(actor->correlation, sizeof actor->correlation, "%" PRIu64,
                              message->correlation_id);
        out->correlation_id = (struct span){ actor->correlation, (size_t)length };
    }
    out->has_reply_to = message->has_reply_to;
    if (message->has_reply_to)
        out->reply_to = id_of(&message->reply_to);
    out->timestamp.seconds = message->timestamp_ms / 1000;
    out->timestamp.nanoseconds = (uint32_t)(message->timestamp_ms % 1000) * 1000000;
    out->content_type =
        message->content_type ? span_of(message->content_type) : (struct span){ NULL, 0 };
}
