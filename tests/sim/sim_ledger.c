/* Ledger: semantics.md once more, told from the side of the events.
 *
 * Written from the contract and not from the code it checks: a window is counted by looking
 * at every grant, a delay (in sim_check.c) is computed by multiplying n times.
 */
#include <stdlib.h>

#include "sim.h"

#define IN(state) (1u << CHILD_##state)
#define ANY_STATE 0x7fu

/* From where an event may come, and to where it leads (CHILD_STATES: nowhere). */
static const struct {
    unsigned from;
    unsigned to;
} legal[] = {
    [EVENT_REGISTERED] = { IN(STOPPED) | IN(FAILED), CHILD_REGISTERED },
    [EVENT_WAITING] = { IN(RESTARTING) | IN(REGISTERED), CHILD_STATES },
    [EVENT_STARTING] = { IN(REGISTERED) | IN(RESTARTING), CHILD_STARTING },
    [EVENT_STARTED] = { IN(STARTING), CHILD_RUNNING },
    [EVENT_READY] = { IN(RUNNING), CHILD_STATES },
    [EVENT_NOT_READY] = { IN(RUNNING), CHILD_STATES },
    [EVENT_DEGRADED] = { IN(RUNNING), CHILD_STATES },
    [EVENT_HEALTH_FAILED] = { IN(RUNNING), CHILD_STATES },
    [EVENT_EXITED] = { ANY_STATE & ~(IN(STOPPED) | IN(FAILED)), CHILD_STATES },
    [EVENT_RESTART_SCHEDULED] = { ANY_STATE & ~IN(FAILED), CHILD_RESTARTING },
    [EVENT_STOPPING] = { IN(STARTING) | IN(RUNNING), CHILD_STOPPING },
    [EVENT_STOPPED] = { ANY_STATE & ~IN(STOPPED), CHILD_STOPPED },
    [EVENT_FAILED] = { ANY_STATE & ~(IN(STOPPED) | IN(STOPPING) | IN(FAILED)), CHILD_FAILED },
    [EVENT_ESCALATED] = { IN(FAILED), CHILD_STATES },
    [EVENT_DELETED] = { ANY_STATE, CHILD_STATES },
    [EVENT_RESET] = { ANY_STATE, CHILD_STATES },
    [EVENT_RELOADED] = { ANY_STATE, CHILD_STATES },
};

uint64_t
sim_ledger_lived_us(const struct sim_ledger *ledger, uint64_t now_us)
{
    return ledger->lived_us + (ledger->ready ? now_us - ledger->ready_since_us : 0);
}

uint32_t
sim_ledger_used(const struct sim_child *subject, uint64_t lived_us)
{
    uint32_t used = 0;
    for (size_t i = subject->ledger.grants_size; i > subject->ledger.forgotten; i--) {
        if (lived_us - subject->ledger.grants[i - 1] > subject->policy.within_us)
            break;
        used++;
    }
    return used;
}

static void
end_ready(struct sim *sim, struct sim_ledger *ledger)
{
    ledger->lived_us = sim_ledger_lived_us(ledger, sim->now_us);
    ledger->ready = false;
}

static void
clear(struct sim_ledger *ledger)
{
    ledger->grants_size = 0;
    ledger->forgotten = 0;
    ledger->attempt = 0;
}

static void
record_grant(struct sim_ledger *ledger)
{
    if (ledger->grants_size == ledger->grants_capacity) {
        ledger->grants_capacity = ledger->grants_capacity ? 2 * ledger->grants_capacity : 16;
        ledger->grants = realloc(ledger->grants, ledger->grants_capacity * sizeof(uint64_t));
        if (!ledger->grants)
            abort();
    }
    ledger->grants[ledger->grants_size++] = ledger->lived_us;
}

static void
give_credit(struct sim *sim, struct sim_child *subject, enum sim_credit credit, uint64_t delay_us)
{
    struct sim_ledger *ledger = &subject->ledger;
    sim_require(sim, ledger->credit == CREDIT_NONE, "%s: two starts are due", subject->path);
    ledger->credit = credit;
    ledger->given[credit]++;
    ledger->not_before_us =
        delay_us < UINT64_MAX - sim->now_us ? sim->now_us + delay_us : UINT64_MAX;
}

static void
cancel_credit(struct sim_ledger *ledger)
{
    ledger->cancelled += ledger->credit != CREDIT_NONE;
    ledger->credit = CREDIT_NONE;
}

/* Rules in their order, then load-error, then the restart policy. */
static enum exit_action
action_for(const struct sim_child *subject)
{
    const struct child_policy *policy = &subject->policy;
    struct exit_info exit = subject->ledger.exit;
    for (uint32_t i = 0; i < policy->rules_size; i++) {
        const struct exit_rule *rule = policy->rules + i;
        bool code_fits =
            !rule->has_codes || (rule->codes.first <= exit.code && exit.code <= rule->codes.last);
        if (exit.reason == rule->reason && code_fits)
            return rule->action;
    }
    if (exit.reason == EXIT_LOAD_ERROR)
        return EXIT_DO_FAIL;
    bool asks = policy->restart == RESTART_PERMANENT ||
                (policy->restart == RESTART_TRANSIENT && exit.reason != EXIT_NORMAL &&
                 exit.reason != EXIT_SHUTDOWN);
    return asks ? EXIT_DO_RESTART : EXIT_DO_STOP;
}

static bool
asks_for_restart(const struct sim_child *subject)
{
    return action_for(subject) == EXIT_DO_RESTART;
}

static size_t
intensity_used(const struct sim *sim, const struct sim_node *node)
{
    size_t used = 0;
    for (size_t i = 0; i < node->grants_size; i++)
        used += sim->now_us - node->grants_us[i] <= node->node.policy.within_us;
    return used;
}

static void
count_intensity(struct sim *sim, struct sim_child *subject)
{
    struct sim_node *node = subject->parent;
    if (node->grants_size == node->grants_capacity) {
        node->grants_capacity = 2 * node->grants_capacity + 16;
        node->grants_us = realloc(node->grants_us, node->grants_capacity * sizeof(uint64_t));
        if (!node->grants_us)
            abort();
    }
    node->grants_us[node->grants_size++] = sim->now_us;
    sim_require(sim, intensity_used(sim, node) <= node->node.policy.max_restarts,
                "%s: %zu grants within the intensity of %u", subject->path,
                intensity_used(sim, node), node->node.policy.max_restarts);
}

static void
take_along(struct sim *sim, const struct sim_child *failed)
{
    for (size_t i = 0; i < sim->children_size; i++)
        if (!sim->children[i]->removed && sim_affects(failed, sim->children[i]))
            sim->children[i]->ledger.taken = true;
}

static void
take_grant(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    struct sim_ledger *ledger = &subject->ledger;
    sim_require(sim, asks_for_restart(subject) && !sim->event->ignored, "%s: restarted unasked",
                subject->path);
    sim_require(sim, !ledger->on_trial, "%s: on trial, and counted", subject->path);
    sim->outcomes[OUTCOME_ONE_FOR_ONE + (size_t)subject->parent->node.policy.strategy]++;
    record_grant(ledger);
    count_intensity(sim, subject);
    take_along(sim, subject);
    ledger->taken = false;
    sim->granted = subject;
    ledger->attempt++;
    uint32_t used = sim_ledger_used(subject, ledger->lived_us);
    sim_require(sim, used <= subject->policy.max_restarts, "%s: %u grants of %u in the window",
                subject->path, used, subject->policy.max_restarts);
    sim_check_delay(sim, subject, action->delay_us);
    give_credit(sim, subject, CREDIT_GRANT, action->delay_us);
    sim->restarts++;
}

/* Who fails in a supervisor that runs ends it by a rule, by its own budget, or by the intensity. */
static bool
escalates(const struct sim *sim, const struct sim_child *subject)
{
    bool is_used_up =
        sim_ledger_used(subject, subject->ledger.lived_us) == subject->policy.max_restarts;
    if (!sim->was_running)
        return false;
    if (action_for(subject) != EXIT_DO_RESTART)
        return action_for(subject) == EXIT_DO_ESCALATE;
    return !is_used_up || subject->policy.on_exhausted == ON_EXHAUSTED_ESCALATE;
}

static void
take_failed(struct sim *sim, struct sim_child *subject)
{
    struct sim_ledger *ledger = &subject->ledger;
    cancel_credit(ledger);
    ledger->in_group = false;
    ledger->escalates = escalates(sim, subject);
    if (action_for(subject) == EXIT_DO_FAIL || action_for(subject) == EXIT_DO_ESCALATE)
        return;
    const struct sim_node *node = subject->parent;
    if (node->node.state != NODE_RUNNING &&
        intensity_used(sim, node) == node->node.policy.max_restarts)
        return;
    if (node->node.state != NODE_RUNNING && ledger->exit.reason == EXIT_LOAD_ERROR)
        return;
    sim_require(sim,
                asks_for_restart(subject) &&
                    sim_ledger_used(subject, ledger->lived_us) == subject->policy.max_restarts,
                "%s: given up with %u grants of %u in the window", subject->path,
                sim_ledger_used(subject, ledger->lived_us), subject->policy.max_restarts);
}

/* What was changed did not get ready: uncounted, with a delay as if it were. */
static void
take_trial(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    struct sim_ledger *ledger = &subject->ledger;
    uint32_t attempt = ledger->attempt;
    ledger->on_trial = false;
    ledger->attempt = attempt > 0 ? attempt : 1;
    sim_check_delay(sim, subject, action->delay_us);
    ledger->attempt = attempt;
    give_credit(sim, subject, CREDIT_UNCOUNTED, action->delay_us);
}

/* A start that is not counted: after a stop, or taken along by a sibling. */
static void
take_uncounted(struct sim *sim, struct sim_child *subject, const struct node_action *action,
               enum child_state from)
{
    bool is_up = from == CHILD_STARTING || from == CHILD_RUNNING;
    if (is_up && subject->ledger.on_trial && !subject->ledger.taken) {
        take_trial(sim, subject, action);
        return;
    }
    sim_require(sim, action->delay_us == 0, "%s: waits for a start that is not counted",
                subject->path);
    sim_require(sim, from == CHILD_STOPPING || subject->ledger.taken,
                "%s: restarted, not counted, and taken along by nobody", subject->path);
    if (from == CHILD_REGISTERED || from == CHILD_RESTARTING)
        cancel_credit(&subject->ledger);
    sim->outcomes[OUTCOME_TAKEN] += subject->ledger.taken;
    give_credit(sim, subject, CREDIT_UNCOUNTED, 0);
}

static void
take_stopped(struct sim *sim, struct sim_child *subject, enum child_state from)
{
    struct sim_ledger *ledger = &subject->ledger;
    bool ignored = sim->event->type == NODE_EXITED && sim->event->ignored;
    sim_require(sim,
                !ignored || from == CHILD_STOPPING || subject->child->stop_cause == STOPPED_IGNORED,
                "%s: ignored its start, and is stopped as something else", subject->path);
    if (!ignored && (from == CHILD_STARTING || from == CHILD_RUNNING)) {
        bool waits = subject->parent->node.policy.strategy != STRATEGY_ONE_FOR_ONE ||
                     subject->parent->is_reconfigured;
        bool is_held = subject->child->ties && !waits; /* By siblings that depend on it. */
        bool in_order = (waits && subject->policy.restart == RESTART_TEMPORARY) ||
                        ((waits || is_held) && subject->parent->node.state != NODE_RUNNING);
        sim_require(sim, in_order || action_for(subject) == EXIT_DO_STOP, "%s: not restarted",
                    subject->path);
        if (!in_order)
            sim_check_auto_shutdown(sim, subject);
    }
    ledger->in_group = false;
    ledger->by_request = subject->child->stop_cause == STOPPED_BY_REQUEST;
    cancel_credit(ledger);
}

/* Where stops wait for one another, no later sibling is still stopping, but by hand. */
static void
take_stopping(struct sim *sim, struct sim_child *subject)
{
    const struct node_event *event = sim->event;
    struct sim_ledger *ledger = &subject->ledger;
    enum strategy strategy = subject->parent->node.policy.strategy;
    end_ready(sim, ledger);
    ledger->stopping_us = sim->now_us;
    ledger->shutdown_us = subject->policy.shutdown_us;
    ledger->stops_by_hand =
        event->child == subject->child &&
        (event->type == NODE_STOP || event->type == NODE_RESTART || event->type == NODE_DELETE ||
         event->type == NODE_CHANGE || event->type == NODE_DEPENDENCY_EXITED);
    bool with_node = subject->parent->node.state == NODE_STOPPING && !ledger->stops_by_hand &&
                     event->type != NODE_KILL_ALL;
    if (with_node)
        sim_check_stop_order(sim, subject);
    if (subject->parent->is_reconfigured)
        return;
    if (with_node && strategy == STRATEGY_ONE_FOR_ONE && !subject->parent->is_reordered)
        sim_dependencies_check_stop(sim, subject);
    if (ledger->stops_by_hand || event->type == NODE_KILL_ALL ||
        (strategy != STRATEGY_ONE_FOR_ALL && strategy != STRATEGY_REST_FOR_ONE))
        return;
    for (size_t i = 0; i < sim->children_size; i++) {
        const struct sim_child *other = sim->children[i];
        sim_require(sim,
                    other->place <= subject->place || other->parent != subject->parent ||
                        other->removed || other->ledger.state != CHILD_STOPPING ||
                        other->ledger.stops_by_hand ||
                        sim_are_fellows(other->child, subject->child),
                    "%s: stops before %s has ended", subject->path, other->path);
    }
}

static void
take_starting(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    struct sim_ledger *ledger = &subject->ledger;
    sim_dependencies_check_start(sim, subject);
    sim_require(sim, ledger->credit != CREDIT_NONE, "%s: started unasked", subject->path);
    sim_require(sim, sim->now_us >= ledger->not_before_us, "%s: started before its delay",
                subject->path);
    sim_require(sim, action->generation == ledger->generation + 1, "%s: generation %u after %u",
                subject->path, action->generation, ledger->generation);
    ledger->credit = CREDIT_NONE;
    ledger->generation++;
    ledger->starting_us = sim->now_us;
    ledger->born_lived_us = ledger->lived_us;
    ledger->starts++;
}

/* By its probe, if it has one; a supervisor when its children are. */
static void
check_ready(struct sim *sim, const struct sim_child *subject)
{
    bool by_report = subject->node || subject->policy.reports_ready;
    sim_require(sim, sim->event->type == (by_report ? NODE_READY : NODE_STARTED),
                "%s: ready without having said so", subject->path);
}

static void
take_exited(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    struct sim_ledger *ledger = &subject->ledger;
    end_ready(sim, ledger);
    cancel_credit(ledger); /* Of one that could not be loaded when it was due. */
    ledger->exited = true;
    ledger->exit = action->exit;
    if (ledger->lived_us - ledger->born_lived_us >= subject->policy.backoff.reset_after_us)
        ledger->attempt = 0;
    sim_require(sim, ledger->state != CHILD_STOPPING || action->exit.reason != EXIT_NORMAL,
                "%s: asked to stop, and normal", subject->path);
    for (uint32_t i = 0; i < subject->policy.success_size; i++)
        sim_require(sim,
                    action->exit.reason != EXIT_ERROR ||
                        action->exit.code < subject->policy.success[i].first ||
                        action->exit.code > subject->policy.success[i].last,
                    "%s: a success code is an error", subject->path);
    sim_require(sim, action->exit.reason != EXIT_KILLED || subject->kill_asked,
                "%s: killed by nobody", subject->path);
    uint64_t shutdown_us = ledger->shutdown_us;
    if (ledger->state == CHILD_STOPPING && !subject->node && shutdown_us != DURATION_INFINITE)
        sim_require(sim, sim->now_us - ledger->stopping_us <= shutdown_us + SIM_KILL_US,
                    "%s: its stop took too long", subject->path);
}

/* What was stopped by request stays so until a request starts it. */
static void
check_request(struct sim *sim, const struct sim_child *subject, unsigned to)
{
    const struct node_event *event = sim->event;
    bool by_hand = event->type == NODE_START || event->type == NODE_RESTART ||
                   (event->type == NODE_START_ALL && event->everything);
    sim_require(sim,
                subject->ledger.state != CHILD_STOPPED || !subject->ledger.by_request || by_hand ||
                    to == CHILD_STATES || to == CHILD_STOPPED,
                "%s: started, though it was stopped by request", subject->path);
}

static void
check_order(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    struct sim_ledger *ledger = &subject->ledger;
    const char *event = event_type_name(action->event);
    if (!ledger->known) {
        sim_require(sim, action->event == EVENT_REGISTERED, "%s: %s at first", subject->path,
                    event);
        ledger->known = true;
        ledger->state = CHILD_REGISTERED;
        return;
    }
    sim_require(sim, action->from == ledger->state, "%s: %s from %s, but it is %s", subject->path,
                event, child_state_name(action->from), child_state_name(ledger->state));
    sim_require(sim, legal[action->event].from & (1u << ledger->state), "%s: %s in %s",
                subject->path, event, child_state_name(ledger->state));
    if (ledger->exited) {
        sim_require(sim,
                    action->event == EVENT_RESTART_SCHEDULED || action->event == EVENT_STOPPED ||
                        action->event == EVENT_FAILED || action->event == EVENT_DELETED,
                    "%s: %s after exited", subject->path, event);
        ledger->exited = false;
    }
    sim_require(sim, !ledger->escalates || action->event == EVENT_ESCALATED,
                "%s: %s where its supervisor ends", subject->path, event);
    sim_require(sim, ledger->escalates || action->event != EVENT_ESCALATED,
                "%s: its supervisor ends unasked", subject->path);
    ledger->escalates = false;
    unsigned to = legal[action->event].to;
    check_request(sim, subject, to);
    if (to == CHILD_STARTING || to == CHILD_STOPPED || to == CHILD_FAILED)
        ledger->taken = false;
    if (to == CHILD_STOPPED || to == CHILD_FAILED || action->event == EVENT_READY)
        ledger->on_trial = false;
    if (to != CHILD_STATES) {
        ledger->state = (enum child_state)to;
        if (ledger->state != CHILD_STOPPING) /* Without a limit, that of its start goes on. */
            ledger->keeps_timer = false;
    }
    sim_require(sim, action->state == ledger->state, "%s: %s leads to %s", subject->path, event,
                child_state_name(action->state));
}

/* By hand, with its supervisor or with a group: nothing else cuts a delay short. */
static void
cut_short(struct sim *sim, struct sim_child *subject)
{
    enum node_event_type type = sim->event->type;
    bool by_hand = type == NODE_START || type == NODE_RESTART || type == NODE_START_ALL;
    sim_require(sim, by_hand || subject->ledger.taken, "%s: its delay is cut short by %s",
                subject->path, node_event_name(type));
    subject->ledger.not_before_us = sim->now_us;
}

void
sim_ledger_take(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    struct sim_ledger *ledger = &subject->ledger;
    enum child_state from = ledger->state;
    if (action->event != EVENT_EXITED)
        check_order(sim, subject, action);
    else
        sim_require(sim, legal[EVENT_EXITED].from & (1u << from), "%s: exited in %s", subject->path,
                    child_state_name(from));

    sim_require(sim,
                !action->cause || subject->parent->is_reconfigured ||
                    subject->parent->is_reordered ||
                    sim_affects(sim_child_of(action->cause), subject),
                "%s: %s because of a child that does not affect it", subject->path,
                event_type_name(action->event));
    switch ((unsigned)action->event) {
    case EVENT_REGISTERED:
        clear(ledger);
        give_credit(sim, subject, CREDIT_FIRST, 0);
        break;
    case EVENT_WAITING: /* By hand or by a sibling the delay was cut short, or it is over. */
        if (action->has_delay)
            cut_short(sim, subject);
        sim->outcomes[OUTCOME_TURN] += action->wait == WAIT_TURN;
        sim->outcomes[OUTCOME_DEPENDENCY] += action->wait == WAIT_DEPENDENCY;
        sim_require(sim, sim->now_us >= ledger->not_before_us, "%s: waits for its turn too early",
                    subject->path);
        ledger->in_group = action->wait == WAIT_TURN || (ledger->in_group && !action->has_delay);
        break;
    case EVENT_STARTING:
        take_starting(sim, subject, action);
        break;
    case EVENT_READY:
        check_ready(sim, subject);
        ledger->ready = true;
        ledger->ready_since_us = sim->now_us;
        ledger->in_group = false;
        break;
    case EVENT_NOT_READY:
        end_ready(sim, ledger);
        break;
    case EVENT_EXITED:
        take_exited(sim, subject, action);
        break;
    case EVENT_RESTART_SCHEDULED:
        if (action->restarts == ledger->grants_size)
            take_uncounted(sim, subject, action, from);
        else
            take_grant(sim, subject, action);
        ledger->in_group = action->wait == WAIT_TURN;
        break;
    case EVENT_STOPPING:
        sim->outcomes[OUTCOME_FOLLOWED] += sim->event->type == NODE_DEPENDENCY_EXITED;
        if (sim->event->type == NODE_CHANGE) /* The last change says. */
            ledger->on_trial = sim->event->on_trial;
        take_stopping(sim, subject);
        break;
    case EVENT_STOPPED:
        take_stopped(sim, subject, from);
        break;
    case EVENT_FAILED:
        take_failed(sim, subject);
        break;
    case EVENT_ESCALATED:
        sim->outcomes[OUTCOME_ESCALATED]++;
        break;
    case EVENT_DELETED:
        ledger->in_group = false;
        cancel_credit(ledger);
        break;
    case EVENT_RESET:
        clear(ledger);
        break;
    default:
        break;
    }
}
