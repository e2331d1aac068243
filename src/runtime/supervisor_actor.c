/* Supervisor actor: its turns and its life.
 *
 * What comes out of the control lane becomes events of the node: reports of children, fired timers,
 * granted start slots, requests, commands of the supervisor above. Each is one step
 * (supervisor_step.c).
 */
#include "runtime/supervisor_actor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/child_texts.h"
#include "runtime/supervisor_state.h"
#include "supervision/restart_intensity.h"

/* A supervisor that took so many goes to the end of the queue. */
#define CONTROLS_PER_TURN_MAX 100u

/* ---- Events ---- */

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
    for (struct child_failure *failure = reports.failures; failure;
         failure = child_failure_free_first(failure)) {
        event.type = NODE_HEALTH_FAILED;
        supervisor->told_detail = failure->detail;
        supervisor_feed(supervisor, event);
    }
    supervisor->told_detail = NULL;
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
    list_for_each(link, &supervisor->node.children) {
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
    struct node_event event = { .type = NODE_CONFIGURE,
                                .node_policy = policy,
                                .grants_us = grants_us };
    supervisor_feed(supervisor, event);
    free(before_us);
    return AIRS_OK;
}

/* Up to the '#' that is followed by the number of a member, which nothing else has in its name. */
static size_t
template_size(const char *path)
{
    const char *number = strrchr(path, '#');
    return number && !strchr(number, '/') ? (size_t)(number - path) : 0;
}

static bool
are_of_one_template(const struct supervisor_child *one, const struct supervisor_child *other)
{
    const char *path = supervisor_child_path(one)->text;
    size_t size = template_size(path);
    return size > 0 && strncmp(path, supervisor_child_path(other)->text, size + 1) == 0;
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
    supervisor->node.are_fellows = are_of_one_template;
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
