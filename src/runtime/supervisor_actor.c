/* Supervisor actor: feeds its node and performs what the node says, in the node's order.
 *
 * Events come out of the control lane: reports of children, fired timers, granted start
 * slots, requests, commands of the supervisor above. Each is one step of the node; a start
 * slot that is granted at once is fed as the next event, never inside a step.
 */
#include "runtime/supervisor_actor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/supervisor_state.h"
#include "supervision/restart_intensity.h"

/* A supervisor that took so many goes to the end of the queue. */
#define CONTROLS_PER_TURN_MAX 100u

/* ---- Actions ---- */

static void
chain_add(struct child_chain *chain, struct supervised_child *child, enum child_whereabouts here)
{
    assert(child->link.whereabouts == NOWHERE);
    child->link.whereabouts = here;
    child->next = NULL;
    if (chain->last)
        chain->last->next = child;
    else
        chain->first = child;
    chain->last = child;
}

static struct supervised_child *
chain_take(struct child_chain *chain)
{
    struct supervised_child *child = chain->first;
    if (!child)
        return NULL;
    chain->first = child->next;
    if (!chain->first)
        chain->last = NULL;
    child->link.whereabouts = NOWHERE;
    return child;
}

static void
chain_drop(struct child_chain *chain, struct supervised_child *child)
{
    struct child_chain others = { 0 };
    struct supervised_child *each;
    while ((each = chain_take(chain)) != NULL)
        if (each != child)
            chain_add(&others, each, IN_ADMITTED);
    *chain = others;
}

static void
ask_start(struct supervisor *supervisor, struct supervised_child *child, uint64_t due_us)
{
    if (child->node.is_supervisor || supervisor_ask_start(supervisor, child, due_us))
        chain_add(&supervisor->admitted, child, IN_ADMITTED);
}

static void
withdraw(struct supervisor *supervisor, struct supervised_child *child)
{
    if (child->link.whereabouts == IN_ADMITTED)
        chain_drop(&supervisor->admitted, child);
    supervisor_end_wait(supervisor, child);
    start_gate_withdraw(supervisor->system->start_gate, &child->link.pass);
}

static void
command(struct supervisor *supervisor, struct supervised_child *child, enum child_command_type type,
        const struct node_action *action)
{
    struct child_command command = {
        .type = type,
        .generation = action->generation,
        .everything = action->everything,
        .reason = action->exit.reason,
    };
    child_link_send(supervisor->system, &child->link, &command);
}

static void
remove_child(struct supervisor *supervisor, struct supervised_child *child, struct list *behind)
{
    supervisor_listings_skip(supervisor, child, behind);
    if (child->link.whereabouts == IN_ADMITTED)
        chain_drop(&supervisor->admitted, child);
    supervised_child_detach(supervisor, child);
    chain_add(&supervisor->removed, child, IN_REMOVED);
}

static void
end(struct supervisor *supervisor, struct exit_info exit)
{
    if (child_generation(supervisor->context) == 0) {
        supervisor_bury(supervisor); /* The root: nobody brings it back. */
        if (supervisor->options.on_end)
            supervisor->options.on_end(supervisor->options.ctx, exit);
        return;
    }
    bool escalated = exit.reason == EXIT_ESCALATED;
    struct refstr *detail = escalated ? supervisor_cause_text(supervisor) : NULL;
    struct refstr *cause = escalated ? supervisor_cause_path(supervisor) : NULL;
    child_report_exited(supervisor->context, exit, detail, cause);
    refstr_unref(detail);
}

static void
tell_idle(struct supervisor *supervisor, bool idle)
{
    const struct supervisor_options *options = &supervisor->options;
    if (child_generation(supervisor->context) != 0)
        child_report_idle(supervisor->context, idle);
    else if (options->on_idle)
        options->on_idle(options->ctx, idle, supervisor->node.counts[CHILD_FAILED] > 0);
}

static void
tell_ready(struct supervisor *supervisor, bool ready)
{
    if (child_generation(supervisor->context) != 0)
        child_report_ready(supervisor->context, ready);
}

static void
perform(struct supervisor *supervisor, const struct node_action *action)
{
    struct actor_system *system = supervisor->system;
    struct supervised_child *child = action->child ? supervised_child_of(action->child) : NULL;

    switch (action->type) {
    case ACTION_ADMIT:
        ask_start(supervisor, child, action->due_us);
        return;
    case ACTION_WITHDRAW:
        withdraw(supervisor, child);
        return;
    case ACTION_START:
        event_log_commit(system->event_log); /* A grant is taken over before its start. */
        command(supervisor, child, CHILD_START, action);
        return;
    case ACTION_START_SUBTREE:
        command(supervisor, child, CHILD_START_SUBTREE, action);
        return;
    case ACTION_SETTLED:
        start_gate_settle(system->start_gate, &child->link.pass);
        return;
    case ACTION_STOP:
        command(supervisor, child, CHILD_STOP, action);
        return;
    case ACTION_KILL:
        command(supervisor, child, CHILD_KILL, action);
        return;
    case ACTION_ARM:
        supervisor_arm(supervisor, child, action->due_us);
        return;
    case ACTION_DISARM:
        supervisor_end_wait(supervisor, child);
        return;
    case ACTION_RESET_CHILD:
        command(supervisor, child, CHILD_RESET, action);
        return;
    case ACTION_NOTIFY:
        supervisor_notify(supervisor, action);
        return;
    case ACTION_REMOVED:
        remove_child(supervisor, child, action->behind);
        return;
    case ACTION_NODE_READY:
        tell_ready(supervisor, true);
        return;
    case ACTION_NODE_NOT_READY:
        tell_ready(supervisor, false);
        return;
    case ACTION_NODE_IDLE:
        tell_idle(supervisor, true);
        return;
    case ACTION_NODE_NOT_IDLE:
        tell_idle(supervisor, false);
        return;
    case ACTION_TELL_DEPENDANTS:
        supervised_dependencies_tell(supervisor, child, action->met, action->exited);
        return;
    case ACTION_ENDED:
        end(supervisor, action->exit);
        return;
    }
}

/* ---- Events ---- */

static void
perform_all(struct supervisor *supervisor, const struct node_actions *actions)
{
    for (size_t i = 0; i < actions->size; i++)
        perform(supervisor, &actions->items[i]);
}

static enum node_reply
step(struct supervisor *supervisor, struct node_event *event)
{
    struct node_actions actions;
    event->now_us = clock_now_us();
    enum node_result result = supervisor_node_step(&supervisor->node, event, &actions);
    enum node_reply reply = actions.reply;
    perform_all(supervisor, &actions);
    while (result == NODE_MORE) {
        result = supervisor_node_continue(&supervisor->node, &actions);
        perform_all(supervisor, &actions);
    }

    struct supervised_child *removed;
    while ((removed = chain_take(&supervisor->removed)) != NULL)
        supervised_child_let_go(supervisor, removed);
    return reply;
}

enum node_reply
supervisor_feed(struct supervisor *supervisor, struct node_event event)
{
    enum node_reply reply = step(supervisor, &event);
    struct supervised_child *child;
    while ((child = chain_take(&supervisor->admitted)) != NULL) {
        struct node_event admitted = { .type = NODE_ADMITTED, .child = &child->node };
        step(supervisor, &admitted);
    }
    return reply;
}

static void
take_exit(struct supervisor *supervisor, struct supervised_child *child,
          struct child_reports *reports, struct node_event *event)
{
    /* The instance is gone already: what the node starts next may have its slot. */
    start_gate_release(supervisor->system->start_gate, &child->link.pass);
    event->type = NODE_EXITED;
    event->exit = reports->exit;
    event->ignored = reports->ignored;
    supervisor_feed(supervisor, *event);
}

static void
take_reports(struct supervisor *supervisor, struct supervised_child *child)
{
    struct child_reports reports = child_link_take_reports(&child->link);
    struct node_event event = { .child = &child->node, .generation = reports.generation };

    if (reports.started) {
        event.type = NODE_STARTED;
        supervisor_feed(supervisor, event);
    }
    if (reports.health_failed) {
        event.type = NODE_HEALTH_FAILED;
        supervisor->told_detail = reports.health_detail;
        supervisor_feed(supervisor, event);
        supervisor->told_detail = NULL;
        refstr_unref(reports.health_detail);
    }
    if (reports.has_ready) {
        event.type = reports.ready ? NODE_READY : NODE_NOT_READY;
        supervisor_feed(supervisor, event);
    }
    if (reports.degraded) {
        event.type = NODE_DEGRADED;
        supervisor_feed(supervisor, event);
    }
    if (reports.has_idle) {
        event.type = reports.idle ? NODE_IDLE : NODE_NOT_IDLE;
        supervisor_feed(supervisor, event);
    }
    if (reports.exited) /* Last: the child may leave the node with it. */
        take_exit(supervisor, child, &reports, &event);
}

static void
obey(struct supervisor *supervisor, const struct child_command *command)
{
    struct node_event event = { .everything = command->everything };
    switch (command->type) {
    case CHILD_BURY:
        supervisor_bury(supervisor);
        return;
    case CHILD_START:
        supervisor->at_rest = false;
        child_report_started(supervisor->context); /* Its children are registered. */
        event.type = NODE_START_ALL;
        break;
    case CHILD_START_SUBTREE:
        if (supervisor->node.state != NODE_RUNNING)
            return; /* It ended meanwhile; its parent will hear of it. */
        event.type = NODE_START_ALL;
        event.everything = true;
        break;
    case CHILD_RESET:
        event.type = NODE_RESET_ALL;
        break;
    case CHILD_STOP:
        event.type = NODE_STOP_ALL;
        break;
    case CHILD_KILL:
        event.type = NODE_KILL_ALL;
        event.exit.reason = command->reason;
        break;
    case CHILD_RELEASE:
        return;
    }
    supervisor_feed(supervisor, event);
}

/* False: it was deleted. */
static bool
obey_all(struct supervisor *supervisor)
{
    struct child_command command;
    while (child_take_command(supervisor->context, &command)) {
        if (command.type == CHILD_RELEASE)
            return false;
        obey(supervisor, &command);
    }
    return true;
}

static void
take_control(struct supervisor *supervisor, struct control *control)
{
    struct supervised_child *child;
    switch (control->type) {
    case CONTROL_REPORT:
        child = container_of(control, struct supervised_child, link.report);
        if (child->link.whereabouts != GONE)
            take_reports(supervisor, child);
        child_link_unref(&child->link);
        return;
    case CONTROL_TIMER:
        supervisor_time_is_up(supervisor);
        return;
    case CONTROL_ADMITTED:
        supervisor_let_in(supervisor);
        return;
    case CONTROL_DEPENDENCIES:
        supervised_dependencies_take(supervisor);
        return;
    case CONTROL_REQUEST:
        supervisor_answer(supervisor, container_of(control, struct supervisor_request, control));
        return;
    case CONTROL_USER:
        return;
    }
}

static void
set_self(struct supervisor *supervisor, airs_pid self)
{
    supervisor->self = self;
    timer_init(&supervisor->timer, self);
    supervisor->timer_us = UINT64_MAX;
    start_ticket_init(&supervisor->ticket, self);
}

static enum actor_turn
take_controls(struct supervisor *supervisor)
{
    for (unsigned taken = 0; taken < CONTROLS_PER_TURN_MAX; taken++) {
        if (!obey_all(supervisor))
            return ACTOR_END;
        struct control *control = actor_context_take_control(supervisor->context);
        if (!control)
            return ACTOR_PARK;
        take_control(supervisor, control);
    }
    return ACTOR_YIELD;
}

static enum actor_turn
supervisor_run(struct actor_context *context)
{
    struct supervisor *supervisor = actor_context_state(context);
    supervisor->context = context;
    if (supervisor->self == AIRS_PID_NONE)
        set_self(supervisor, actor_context_self(context));
    struct event_log *event_log = supervisor->system->event_log;

    enum actor_turn turn = take_controls(supervisor);
    supervisor_set_timer(supervisor);
    event_log_commit(event_log);
    return turn;
}

/* ---- Its own life ---- */

static void
free_supervisor(struct supervisor *supervisor)
{
    refstr_unref(supervisor->path);
    agenda_deinit(&supervisor->agenda);
    free(supervisor->intensity_us);
    free(supervisor);
}

static void
supervisor_destroy(void *state)
{
    struct supervisor *supervisor = state;
    list_for_each(link, &supervisor->node.children)
    {
        struct supervisor_child *node = container_of(link, struct supervisor_child, siblings);
        struct supervised_child *child = supervised_child_of(node);
        list_remove(link);
        supervised_child_detach(supervisor, child);
        supervised_child_let_go(supervisor, child);
    }
    timer_disarm(supervisor->system, &supervisor->timer);
    start_gate_recall(supervisor->system->start_gate, &supervisor->ticket);
    dependency_inbox_close(supervisor->system->dependencies, &supervisor->inbox);
    free_supervisor(supervisor);
}

static const struct actor_behaviour supervisor_behaviour = {
    .name = "supervisor",
    .run = supervisor_run,
    .destroy = supervisor_destroy,
};

struct dependency_inbox *
supervisor_inbox_of(const struct actor *actor)
{
    if (actor->behaviour != &supervisor_behaviour)
        return NULL;
    struct supervisor *supervisor = actor->state;
    return &supervisor->inbox;
}

static bool
configure(struct supervisor *supervisor, const struct supervisor_options *options)
{
    const struct node_policy *policy = options->policy;
    uint32_t max_restarts = policy->max_restarts;
    if (max_restarts != RESTARTS_UNLIMITED && max_restarts > 0) {
        supervisor->intensity_us = calloc(max_restarts, sizeof *supervisor->intensity_us);
        if (!supervisor->intensity_us)
            return false;
    }
    supervisor->options.policy = NULL; /* The node's copies are the ones that hold. */
    supervisor->options.intensity_us = NULL;
    supervisor_node_configure(&supervisor->node, policy, supervisor->intensity_us);
    restart_intensity_restore(&supervisor->node, clock_now_us(), options->intensity_us,
                              options->intensity_size);
    return true;
}

enum airs_status
supervisor_configure(struct supervisor *supervisor, const struct node_policy *policy)
{
    uint32_t capacity = policy->max_restarts == RESTARTS_UNLIMITED ? 0 : policy->max_restarts;
    uint64_t *grants_us = capacity > 0 ? calloc(capacity, sizeof *grants_us) : NULL;
    uint64_t *before_us = supervisor->intensity_us;
    if (capacity > 0 && !grants_us)
        return AIRS_ENOMEM;
    supervisor->intensity_us = grants_us;
    struct node_event event = {
        .type = NODE_CONFIGURE, .node_policy = policy, .grants_us = grants_us
    };
    supervisor_feed(supervisor, event);
    free(before_us);
    return AIRS_OK;
}

enum airs_status
supervisor_actor_spawn(struct actor_system *system, const struct supervisor_options *options,
                       airs_pid *pid_out, struct airs_error *error)
{
    assert(options->path);

    struct supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor)
        return fail(error, AIRS_ENOMEM, "supervisor '%s': out of memory", options->path->text);
    supervisor->system = system;
    supervisor->options = *options;
    supervisor->path = refstr_ref(options->path);
    supervisor->random = options->seed;
    supervisor_node_init(&supervisor->node);
    agenda_init(&supervisor->agenda);
    set_self(supervisor, AIRS_PID_NONE);
    list_init(&supervisor->listings);
    list_init(&supervisor->untied);
    dependency_inbox_init(&supervisor->inbox);
    if (options->policy && !configure(supervisor, options)) {
        free_supervisor(supervisor);
        return fail(error, AIRS_ENOMEM, "supervisor '%s': out of memory", options->path->text);
    }

    struct actor_options actor = {
        .behaviour = &supervisor_behaviour,
        .state = supervisor,
        .path = options->path,
        .is_supervisor = true,
    };
    enum airs_status status = actor_spawn(system, &actor, pid_out, error);
    if (status != AIRS_OK) {
        free_supervisor(supervisor);
        return status;
    }
    mailbox_set_gate(system, *pid_out, MAILBOX_CLOSED); /* It takes requests, not mail. */
    return AIRS_OK;
}
