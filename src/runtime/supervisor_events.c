/* Supervisor events: what the node says, with the texts that the shell holds. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "base/trap_code.h"
#include "runtime/supervisor_state.h"

#define CAUSE_TEXT_BYTES 1024u  /* Why a supervisor gave up; what is beyond is left out. */
#define CAUSE_DETAIL_BYTES 256u /* Of an exit in it; cut. */

/* The child whose exhausted budget ended this supervisor; if that is a supervisor that
 * escalated, its `cause` names the child below. */
static struct supervised_child *
cause_child(const struct supervisor *supervisor)
{
    struct supervisor_child *cause = supervisor->node.cause;
    return cause ? supervised_child_of(cause) : NULL;
}

static bool
was_escalated(const struct supervised_child *child)
{
    return child->node.has_exited && child->node.last_exit.reason == EXIT_ESCALATED;
}

struct refstr *
supervisor_cause_path(const struct supervisor *supervisor)
{
    struct supervised_child *child = cause_child(supervisor);
    if (!child)
        return NULL;
    struct refstr *below = was_escalated(child) ? child_link_cause(&child->link) : NULL;
    return below ? below : child->path;
}

static size_t
first_line_size(const char *text)
{
    size_t size = strcspn(text, "\n");
    return size < CAUSE_DETAIL_BYTES ? size : CAUSE_DETAIL_BYTES;
}

/* "/a: trap, unreachable", or what an escalated supervisor has said. */
static void
put_cause(const struct supervised_child *child, struct buffer *text)
{
    const struct refstr *last = child_link_detail(&child->link);
    struct exit_info exit = child->node.last_exit;
    const char *said = last ? last->text : "";
    const char *detail = exit.reason == EXIT_TRAP ? trap_code_name(exit.code) : said;
    if (was_escalated(child) && *detail)
        buffer_append_text(text, detail);
    else
        buffer_printf(text, "%s: %s%s%.*s", child->path->text, exit_reason_name(exit.reason),
                      *detail ? ", " : "", (int)first_line_size(detail), detail);
}

/* "; budget of /a used up: 3 within 1m" */
static void
put_decision(const struct supervisor *supervisor, const struct supervised_child *child,
             struct buffer *text)
{
    const struct child_policy *policy = child->node.policy;
    const struct node_policy *above = &supervisor->node.policy;
    enum child_decision decision = supervisor_child_decision(&child->node, &supervisor->node);
    char within[QUANTITY_TEXT_BYTES];
    if (decision == DECIDED_BY_RULE)
        buffer_printf(text, "; on-exit of %s: escalate", child->path->text);
    if (decision == DECIDED_BY_BUDGET)
        buffer_printf(text, "; budget of %s used up: %" PRIu32 " within %s", child->path->text,
                      policy->max_restarts, quantity_format_duration(policy->within_us, within));
    if (decision == DECIDED_BY_INTENSITY)
        buffer_printf(text, "; intensity of %s used up: %" PRIu32 " within %s",
                      supervisor->options.path->text, above->max_restarts,
                      quantity_format_duration(above->within_us, within));
}

struct refstr *
supervisor_cause_text(const struct supervisor *supervisor)
{
    const struct supervised_child *child = cause_child(supervisor);
    if (!child)
        return NULL;
    struct buffer text;
    buffer_init(&text, CAUSE_TEXT_BYTES);
    put_cause(child, &text);
    put_decision(supervisor, child, &text);
    struct refstr *copy = text.size > 0 ? refstr_new(text.data, text.size) : NULL;
    buffer_deinit(&text);
    return copy;
}

struct refstr *
supervised_child_cause(const struct supervisor *supervisor, const struct supervised_child *child,
                       enum child_decision decision)
{
    const struct supervisor_child *other =
        supervisor_child_group_cause(&child->node, &supervisor->node);
    switch (decision) {
    case DECIDED_BY_GROUP:
        return other ? container_of(other, struct supervised_child, node)->path : NULL;
    case DECIDED_BY_DEPENDENCY:
        return supervised_dependencies_exited(child);
    case DECIDED_BY_SUPERVISOR:
        return supervisor_cause_path(supervisor);
    case DECIDED_NOTHING:
    case DECIDED_BY_POLICY:
    case DECIDED_BY_RULE:
    case DECIDED_BY_LOAD_ERROR:
    case DECIDED_BY_BUDGET:
    case DECIDED_BY_INTENSITY:
    case DECIDED_BY_RESTART:
    case DECIDED_BY_START:
    case DECIDED_BY_STOP:
    case DECIDED_BY_DELETE:
    case DECIDED_BY_IGNORE:
    case DECIDED_BY_HOST:
    case DECIDED_BY_FORMER:
        break;
    }
    return was_escalated(child) ? child_link_cause(&child->link) : NULL;
}

/* Who made this happen, other than the child itself. */
static struct refstr *
cause_of(const struct supervisor *supervisor, const struct supervised_child *child,
         const struct node_action *action)
{
    if (action->event == EVENT_RELOADED)
        return NULL;
    if (action->event == EVENT_ESCALATED)
        return supervisor_cause_path(supervisor);
    if (action->of_dependency)
        return supervised_dependencies_exited(child);
    if (action->cause)
        return supervised_child_of(action->cause)->path;
    if (action->has_exit && action->exit.reason == EXIT_ESCALATED)
        return child_link_cause(&child->link);
    bool gives_up =
        supervisor->node.end.reason == EXIT_ESCALATED && supervisor->node.state != NODE_RUNNING;
    return gives_up && &child->node != supervisor->node.cause ? supervisor_cause_path(supervisor)
                                                              : NULL;
}

/* A kill has no text of its own; that it was a timeout, the node has said, and of what, the
 * state in which it ended. */
static void
name_timeout(struct supervised_child *child, const struct node_action *action)
{
    if (action->event != EVENT_EXITED || action->exit.reason != EXIT_TIMEOUT ||
        child_link_detail(&child->link))
        return;
    const char *text = action->from == CHILD_STARTING ? "start-timeout" : "stop-timeout";
    struct refstr *detail = refstr_new(text, strlen(text));
    child_link_set_detail(&child->link, detail);
    refstr_unref(detail);
}

/* What is queued outlives an instance that is stopped, and the child's rest only if it went down
 * with its supervisor, or took it down, and that may come back. */
static enum mailbox_gate
gate_of(const struct supervisor *supervisor, const struct supervisor_child *node)
{
    enum mailbox_gate with_supervisor = supervisor->at_rest ? MAILBOX_CLOSED : MAILBOX_HELD;
    switch (node->state) {
    case CHILD_REGISTERED:
    case CHILD_RESTARTING:
    case CHILD_STARTING:
    case CHILD_RUNNING:
        return MAILBOX_OPEN;
    case CHILD_STOPPING:
        return MAILBOX_HELD;
    case CHILD_STOPPED:
        return node->stop_cause == STOPPED_WITH_SUPERVISOR ? with_supervisor : MAILBOX_CLOSED;
    case CHILD_FAILED:
        return node == supervisor->node.cause ? with_supervisor : MAILBOX_CLOSED;
    }
    return MAILBOX_OPEN;
}

/* A supervisor holds mail for its own children. */
static void
bury_below(struct supervisor *supervisor, struct supervised_child *child)
{
    child_link_send(supervisor->system, &child->link,
                    &(struct child_command){ .type = CHILD_BURY });
}

static void
follow_state(struct supervisor *supervisor, struct supervised_child *child)
{
    enum mailbox_gate gate = gate_of(supervisor, &child->node);
    if (gate == child->link.mail)
        return;
    child->link.mail = (uint8_t)gate;
    if (!child->node.is_supervisor)
        mailbox_set_gate(supervisor->system, child->link.child, gate);
    else if (gate == MAILBOX_CLOSED)
        bury_below(supervisor, child);
}

void
supervisor_bury(struct supervisor *supervisor)
{
    supervisor->at_rest = true;
    list_for_each(link, &supervisor->node.children) {
        struct supervised_child *child =
            supervised_child_of(container_of(link, struct supervisor_child, siblings));
        follow_state(supervisor, child);
        /* Below who was at rest before somebody may have been started by hand: registered, it takes
         * mail, and waits. */
        if (child->node.is_supervisor)
            bury_below(supervisor, child);
        else if (child->link.mail == MAILBOX_OPEN)
            mailbox_bury(supervisor->system, child->link.child);
    }
}

struct refstr *
supervisor_waits_for(const struct supervisor *supervisor, const struct supervised_child *child,
                     enum child_wait wait)
{
    switch (wait) {
    case WAIT_NOTHING:
        return NULL;
    case WAIT_POOL:
        return supervisor->system->text_pool;
    case WAIT_TURN:
        return supervisor->system->text_turn;
    case WAIT_DEPENDENCY:
        return supervised_dependencies_unmet(child);
    }
    return NULL;
}

static struct event
event_of(const struct supervisor *supervisor, const struct supervised_child *child, uint64_t now_us)
{
    return (struct event){
        .time_us = now_us,
        .path = child->path,
        .generation = child->node.generation,
        .has_state = true,
        .from = child->node.state,
        .state = child->node.state,
        .has_budget = true,
        .restarts = child->node.restarts,
        .budget_allowed = child->node.policy->max_restarts,
        .intensity_allowed = supervisor->node.policy.max_restarts,
        .ready = child->node.ready,
        .attempt = child->node.attempt,
        .lived_us = supervisor_child_lived_us(&child->node, now_us),
        .born_lived_us = child->node.born_lived_us,
    };
}

/* What the event says of the instance, and of what follows. */
static void
note_instance(struct supervised_child *child, struct event *event)
{
    if (event->type == EVENT_STARTING)
        child->started_us = 0;
    if (event->type == EVENT_STARTED)
        child->started_us = event->time_us;
    if (event->type == EVENT_EXITED && child->started_us > 0) {
        event->has_uptime = true;
        event->uptime_us = event->time_us - child->started_us;
    }
    event->has_stop_cause = event->state == CHILD_STOPPED || event->state == CHILD_STOPPING;
    event->stop_cause = child->node.stop_cause;
    event->comes_back = event->state == CHILD_STOPPING && child_after_starts(child->node.after);
}

void
supervisor_notify(struct supervisor *supervisor, const struct node_action *action)
{
    struct supervised_child *child = supervised_child_of(action->child);
    if (action->has_exit)
        name_timeout(child, action);

    struct event event = event_of(supervisor, child, action->at_us);
    event.type = action->event;
    event.generation = action->generation;
    event.from = action->from;
    event.state = action->state;
    event.has_exit = action->has_exit;
    event.exit = action->exit;
    event.detail = action->has_exit ? child_link_detail(&child->link) : NULL;
    if (action->event == EVENT_HEALTH_FAILED || action->event == EVENT_RELOADED)
        event.detail = supervisor->told_detail;
    struct refstr *why =
        action->event == EVENT_ESCALATED ? supervisor_cause_text(supervisor) : NULL;
    if (action->event == EVENT_ESCALATED)
        event.detail = why;
    event.has_delay = action->has_delay;
    event.delay_us = action->delay_us;
    event.restarts = action->restarts;
    event.budget_used = action->budget_used;
    event.cause = cause_of(supervisor, child, action);
    event.waits_for = supervisor_waits_for(supervisor, child, action->wait);
    if (action->event == EVENT_DELETED) /* Whoever hears of it may use the path again, */
        registry_remove(supervisor->system, child->path, child->link.child);
    if (action->event == EVENT_DELETED && child->node.is_supervisor) /* and those below it. */
        registry_remove_below(supervisor->system, child->path);
    event.ready = action->ready;
    event.attempt = action->attempt;
    event.lived_us = action->lived_us;
    event.born_lived_us = action->born_lived_us;
    note_instance(child, &event);
    follow_state(supervisor, child); /* Whoever hears of it finds the mailbox as it says. */
    event_log_append(supervisor->system->event_log, &event);
    refstr_unref(why);
}

void
supervisor_notify_waiting(struct supervisor *supervisor, struct supervised_child *child)
{
    uint64_t now_us = clock_now_us();
    struct event event = event_of(supervisor, child, now_us);
    event.type = EVENT_WAITING;
    event.budget_used = supervisor_child_budget_used(&child->node, now_us);
    event.waits_for = supervisor_waits_for(supervisor, child, child->node.wait);
    event_log_append(supervisor->system->event_log, &event);
}
