/* Supervisor step: feeds the node, and performs what the node says, in the node's order.
 *
 * A start slot that is granted at once is fed as the next event, never inside a step.
 */
#include <assert.h>

#include "base/clock.h"
#include "runtime/supervisor_state.h"

/* ---- Actions ---- */

static void
chain_add(struct child_chain *chain, struct supervised_child *child, enum child_whereabouts here)
{
    assert(child->link.whereabouts == NOWHERE);
    child->link.whereabouts = (uint8_t)here;
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
        options->on_idle(options->ctx, idle);
}

/* A root that begins to stop: before what it does about it is seen. */
static void
tell_stopping(struct supervisor *supervisor)
{
    const struct supervisor_options *options = &supervisor->options;
    if (child_generation(supervisor->context) == 0 && options->on_stopping)
        options->on_stopping(options->ctx);
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

/* ---- Steps ---- */

/* `ran`: before the decision that these actions follow from; then, after it. */
static void
perform_all(struct supervisor *supervisor, const struct node_actions *actions, bool *ran)
{
    bool runs = supervisor->node.state == NODE_RUNNING;
    if (*ran && !runs)
        tell_stopping(supervisor);
    *ran = runs;
    for (size_t i = 0; i < actions->size; i++)
        perform(supervisor, &actions->items[i]);
}

static enum node_reply
step(struct supervisor *supervisor, struct node_event *event)
{
    struct node_actions actions;
    event->now_us = clock_now_us();
    bool ran = supervisor->node.state == NODE_RUNNING;
    enum node_result result = supervisor_node_step(&supervisor->node, event, &actions);
    enum node_reply reply = actions.reply;
    perform_all(supervisor, &actions, &ran);
    while (result == NODE_MORE) {
        result = supervisor_node_continue(&supervisor->node, &actions);
        perform_all(supervisor, &actions, &ran);
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
