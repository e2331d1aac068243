/* Component health: the monitor of one child, between its actor's turns and its supervisor.
 *
 * An actor is asked by its export `health`, between two messages. A command cannot be asked:
 * each line that it writes to stdout is a heartbeat, or each change of a file. That is looked at
 * (heartbeat_file.h) a few times per interval, so that a pass is soon known, and once more when
 * the interval is over, before it fails: a change in each interval always passes. What the monitor says is done here; that
 * a child is unhealthy ends it in component_life.c, and what follows is its node's to decide.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "component/component_actor_state.h"
#include "runtime/child_link.h"

#define HEARTBEAT_LOOKS_PER_INTERVAL 4u

_Static_assert((int)GUEST_HEALTHY == (int)HEALTH_HEALTHY &&
                   (int)GUEST_DEGRADED == (int)HEALTH_DEGRADED &&
                   (int)GUEST_UNHEALTHY == (int)HEALTH_UNHEALTHY &&
                   (int)GUEST_HEALTH_UNKNOWN == (int)HEALTH_UNKNOWN,
               "a guest's answer is passed on as it is");

/* Why the last probe failed. */
static const char *
failure_text(const struct component_actor *actor, char text[QUANTITY_TEXT_BYTES + 32])
{
    const struct health_monitor *monitor = &actor->monitor;
    char time[QUANTITY_TEXT_BYTES];

    if (actor->setup.is_command)
        snprintf(text, QUANTITY_TEXT_BYTES + 32,
                 actor->watch ? "heartbeat-file unchanged for %s" : "no line on stdout for %s",
                 quantity_format_duration(monitor->policy.interval_us, time));
    else if (actor->probe_answered)
        return "unhealthy";
    else
        snprintf(text, QUANTITY_TEXT_BYTES + 32, "no answer within %s",
                 quantity_format_duration(monitor->policy.timeout_us, time));
    return text;
}

struct refstr *
component_health_detail(const struct component_actor *actor)
{
    char text[128], why[QUANTITY_TEXT_BYTES + 32];

    snprintf(text, sizeof text, "%" PRIu32 " of %" PRIu32 ": %s", actor->monitor.failures_in_a_row,
             actor->monitor.policy.failures, failure_text(actor, why));
    return component_detail(text);
}

/* When to look at what the monitor waits for. */
static uint64_t
next_look_us(const struct component_actor *actor)
{
    uint64_t due_us = actor->monitor.due_us;
    if (!actor->watch)
        return due_us;
    uint64_t early_us =
        clock_now_us() + actor->monitor.policy.interval_us / HEARTBEAT_LOOKS_PER_INTERVAL;
    return early_us < due_us ? early_us : due_us;
}

static bool
follow(struct component_actor *actor, struct health_outcome outcome)
{
    atomic_store_explicit(&actor->stats.health, actor->monitor.last, memory_order_relaxed);
    if (outcome.arm)
        timer_arm(actor->system, &actor->health_timer, next_look_us(actor));
    else
        timer_disarm(actor->system, &actor->health_timer);
    if (outcome.failed) {
        struct refstr *detail = component_health_detail(actor);
        child_report_health_failed(actor->context, detail);
        refstr_unref(detail);
    }
    if (outcome.has_ready)
        child_report_ready(actor->context, outcome.ready);
    if (outcome.degraded)
        child_report_degraded(actor->context);
    return outcome.end;
}

/* Out of memory: it is told by its lines. */
static void
open_watch(struct component_actor *actor)
{
    const char *path = actor->setup.spec->heartbeat_path;
    if (!actor->setup.is_command || !path || !actor->heartbeats)
        return;
    actor->watch =
        heartbeat_watch_open(actor->heartbeats, path, actor_context_self(actor->context));
    if (actor->watch)
        heartbeat_watch_ask(actor->watch); /* What it is before the first sign. */
}

void
component_health_start(struct component_actor *actor)
{
    actor->health_timer_fired = false;
    actor->heartbeat = false;
    if (!actor->health.enabled)
        return;
    open_watch(actor);
    follow(actor, health_monitor_start(&actor->monitor, &actor->health.probe,
                                       actor->setup.is_command, clock_now_us()));
}

static bool
is_probed_now(const struct component_actor *actor)
{
    bool is_up = actor->phase == PHASE_IDLE || actor->phase == PHASE_HANDLING ||
                 actor->phase == PHASE_PROBING || actor->phase == PHASE_RUNNING;
    return is_up && !actor->stop_asked;
}

/* It ran without probes, and is ready. */
static void
begin_probing(struct component_actor *actor)
{
    component_health_start(actor);
    actor->monitor.ready = true;
    if (actor->phase == PHASE_PROBING) /* One of before is in flight. */
        component_health_begun(actor);
}

void
component_health_change(struct component_actor *actor, const struct health_restart_config *health)
{
    bool was_probed = actor->monitor.phase != HEALTH_OFF;

    actor->health = *health;
    if (!is_probed_now(actor))
        return;
    if (was_probed && health->enabled)
        follow(actor, health_monitor_change(&actor->monitor, &health->probe, clock_now_us()));
    else if (was_probed)
        component_health_stop(actor);
    else
        begin_probing(actor);
}

void
component_health_stop(struct component_actor *actor)
{
    if (actor->monitor.phase != HEALTH_OFF)
        timer_disarm(actor->system, &actor->health_timer);
    health_monitor_stop(&actor->monitor);
    heartbeat_watch_close(actor->watch);
    actor->watch = NULL;
    actor->health_timer_fired = false;
    atomic_store_explicit(&actor->stats.health, HEALTH_UNKNOWN, memory_order_relaxed);
}

bool
component_health_wants_probe(const struct component_actor *actor)
{
    return actor->monitor.phase == HEALTH_WANTED;
}

void
component_health_begun(struct component_actor *actor)
{
    actor->probe_answered = false;
    follow(actor, health_monitor_begun(&actor->monitor, clock_now_us()));
}

bool
component_health_answered(struct component_actor *actor, enum guest_health answer)
{
    actor->probe_answered = true;
    if (actor->monitor.phase == HEALTH_OFF) /* Asked to stop meanwhile. */
        return false;
    return follow(actor, health_monitor_answered(&actor->monitor, (enum health_answer)answer,
                                                 clock_now_us()));
}

/* Between two looks it waits for the answer of the one that was asked for; a look that hangs until
 * the next one is due is a sign that stayed away. */
static bool
look_at_file(struct component_actor *actor, uint64_t now_us)
{
    struct health_monitor *monitor = &actor->monitor;
    switch (heartbeat_watch_take(actor->watch)) {
    case HEARTBEAT_CHANGED:
        actor->health_timer_fired = false;
        return follow(actor, health_monitor_answered(monitor, HEALTH_HEALTHY, now_us));
    case HEARTBEAT_UNCHANGED:
        return follow(actor, health_monitor_tick(monitor, now_us));
    case HEARTBEAT_NOTHING:
        break;
    }
    if (!actor->health_timer_fired)
        return false;
    actor->health_timer_fired = false;
    if (!heartbeat_watch_ask(actor->watch))
        return follow(actor, health_monitor_tick(monitor, now_us));
    uint64_t patience_us = monitor->policy.interval_us;
    timer_arm(actor->system, &actor->health_timer, now_us + patience_us);
    return false;
}

bool
component_health_look(struct component_actor *actor)
{
    if (actor->monitor.phase == HEALTH_OFF)
        return false;
    uint64_t now_us = clock_now_us();
    if (actor->watch)
        return look_at_file(actor, now_us);
    if (actor->heartbeat) {
        actor->heartbeat = false;
        follow(actor, health_monitor_answered(&actor->monitor, HEALTH_HEALTHY, now_us));
    }
    if (!actor->health_timer_fired)
        return false;
    actor->health_timer_fired = false;
    return follow(actor, health_monitor_tick(&actor->monitor, now_us));
}

void
component_health_hear(struct component_actor *actor, const void *bytes, size_t size)
{
    bool is_told_by_lines = actor->setup.is_command && !actor->watch;
    if (is_told_by_lines && actor->monitor.phase != HEALTH_OFF && memchr(bytes, '\n', size))
        actor->heartbeat = true;
}

bool
component_health_needs_turn(const struct component_actor *actor, uint64_t now_us)
{
    return actor->heartbeat || health_monitor_is_due(&actor->monitor, now_us);
}
