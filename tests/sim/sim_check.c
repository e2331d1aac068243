/* Invariants: what holds of a node after each whole step, and of everything at the end. */
#include <math.h>

#include "sim.h"

#define FACTOR_SLACK 1e-12L /* A factor like 1.1 has no exact binary form. */

/* The timer is armed exactly in a delay or a timeout. */
static bool
timer_is_due(const struct sim_child *subject)
{
    const struct supervisor_child *child = subject->child;
    const struct child_policy *policy = &subject->policy;
    switch (child->state) {
    case CHILD_RESTARTING:
        return child->wait == WAIT_NOTHING;
    case CHILD_STARTING:
        return !child->kill_sent && policy->start_timeout_us != DURATION_INFINITE;
    case CHILD_STOPPING:
        if (child->kill_sent)
            return false;
        /* Without a limit of the stop, that of a start under way goes on. */
        return policy->shutdown_us != DURATION_INFINITE ||
               (policy->start_timeout_us != DURATION_INFINITE && !subject->instance.started &&
                !subject->node);
    case CHILD_REGISTERED:
    case CHILD_RUNNING:
    case CHILD_STOPPED:
    case CHILD_FAILED:
        return false;
    }
    return false;
}

static uint64_t
after(uint64_t begin_us, uint64_t us)
{
    return us < UINT64_MAX - begin_us ? begin_us + us : UINT64_MAX;
}

/* At the very end of the delay or the timeout, as the ledger knows when that began. */
static uint64_t
timer_ends_us(const struct sim_child *subject)
{
    const struct sim_ledger *ledger = &subject->ledger;
    bool is_stop = subject->child->state == CHILD_STOPPING;
    if (subject->child->state == CHILD_RESTARTING)
        return ledger->not_before_us;
    if (is_stop && subject->policy.shutdown_us != DURATION_INFINITE)
        return after(ledger->stopping_us, subject->policy.shutdown_us);
    return after(ledger->starting_us, subject->policy.start_timeout_us);
}

static void
check_timer(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_child *child = subject->child;
    bool due = timer_is_due(subject);
    if (subject->ledger.keeps_timer)
        due = child->timer_armed;
    sim_require(sim, child->timer_armed == due, "%s: timer %s in %s", subject->path,
                child->timer_armed ? "armed" : "not armed", child_state_name(child->state));
    sim_require(sim, subject->timer_armed == due && (!due || subject->timer_us == child->due_us),
                "%s: the shell's timer differs", subject->path);
    sim_require(sim, !due || subject->ledger.keeps_timer || child->due_us == timer_ends_us(subject),
                "%s: the timer of %s ends %lld us too late", subject->path,
                child_state_name(child->state),
                (long long)(child->due_us - timer_ends_us(subject)));
}

/* The order of siblings is waiting for a stop, a delay or a start that is under way. */
static bool
moves_on(const struct supervisor_node *node)
{
    if (node->stops)
        return node->stops_awaited > 0;
    if (node->group_delays > 0)
        return true;
    return node->turn && node->turn->wait != WAIT_TURN;
}

/* Nor do fellows wait for one another. */
static void
check_fellows(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_node *node = &subject->parent->node;
    const struct supervisor_child *child = subject->child;
    if (node->stops && child->group == GROUP_STOP && child->siblings.next != &node->children) {
        const struct supervisor_child *next =
            container_of(child->siblings.next, struct supervisor_child, siblings);
        sim_require(sim,
                    !next->stop_awaited || !sim_are_fellows(child, next) ||
                        child->state == CHILD_STOPPING,
                    "%s: its stop waits for that of a fellow", subject->path);
    }
    if (node->state != NODE_RUNNING || node->stops || node->group_delays > 0 ||
        child->group != GROUP_START || child->wait != WAIT_TURN)
        return;
    const struct list *link = &child->siblings;
    while (link != &node->turn->siblings && link->previous != &node->children &&
           sim_are_fellows(child, container_of(link->previous, struct supervisor_child, siblings)))
        link = link->previous;
    sim_require(sim, link != &node->turn->siblings, "%s: its start waits for that of a fellow",
                subject->path);
}

static void
check_waiting(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_child *child = subject->child;
    bool waits = child->state == CHILD_REGISTERED || child->state == CHILD_RESTARTING;
    bool in_gate = subject->ticket == TICKET_WAITING || subject->ticket == TICKET_GRANTED;
    sim_require(sim, in_gate == (waits && child->wait == WAIT_POOL),
                "%s: waits for a slot without having asked, or asked for nothing", subject->path);
    sim_require(sim, (subject->ticket == TICKET_HELD) == child->holds_slot,
                "%s: slot held and not held", subject->path);
    sim_require(sim, waits == (subject->ledger.credit != CREDIT_NONE), "%s: %s with%s a start due",
                subject->path, child_state_name(child->state), waits ? "out" : "");
    /* Nothing waits for ever: in a running node a child that is to start has asked for it. */
    bool in_turn = child->wait == WAIT_TURN && moves_on(&subject->parent->node);
    bool depends = child->wait == WAIT_DEPENDENCY;
    sim_require(sim,
                !waits || child->timer_armed || in_gate || in_turn || depends ||
                    subject->parent->node.state != NODE_RUNNING,
                "%s: %s, and nothing will start it", subject->path, child_state_name(child->state));
}

static void
check_instance(struct sim *sim, const struct sim_child *subject)
{
    enum child_state state = subject->child->state;
    bool should = state == CHILD_STARTING || state == CHILD_RUNNING || state == CHILD_STOPPING;
    sim_require(sim, subject->instance.alive == should, "%s: %s with%s instance", subject->path,
                child_state_name(state), should ? "out" : "");
}

static void
check_ledger(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_child *child = subject->child;
    const struct sim_ledger *ledger = &subject->ledger;
    uint64_t lived_us = sim_ledger_lived_us(ledger, sim->now_us);
    sim_require(sim, child->state == ledger->state, "%s: state changed without event",
                subject->path);
    sim_require(sim, child->generation == ledger->generation, "%s: generation", subject->path);
    sim_require(sim, child->ready == ledger->ready, "%s: readiness", subject->path);
    sim_require(sim, supervisor_child_lived_us(child, sim->now_us) == lived_us, "%s: lived time",
                subject->path);
    sim_require(sim, child->attempt == ledger->attempt, "%s: n is %u, not %u", subject->path,
                child->attempt, ledger->attempt);
    sim_require(sim, child->restarts == ledger->grants_size, "%s: restarts", subject->path);
    if (subject->policy.max_restarts != RESTARTS_UNLIMITED)
        sim_require(sim,
                    supervisor_child_budget_used(child, sim->now_us) ==
                        sim_ledger_used(subject, lived_us),
                    "%s: budget used", subject->path);
    sim_require(sim, !ledger->exited, "%s: exited, and nothing follows", subject->path);
    sim_require(sim, !ledger->escalates, "%s: its supervisor goes on", subject->path);
    sim_require(sim,
                ledger->starts + ledger->cancelled + (ledger->credit != CREDIT_NONE) ==
                    ledger->given[CREDIT_FIRST] + ledger->given[CREDIT_GRANT] +
                        ledger->given[CREDIT_UNCOUNTED],
                "%s: starts are not grants + first starts + uncounted ones", subject->path);
}

struct recount {
    uint32_t counts[CHILD_STATES];
    uint32_t by_request, running_ready, idle, returning, children, significant, delays, awaited;
    const struct supervisor_child *turn;
};

static void
count_child(struct recount *recount, const struct supervisor_child *child)
{
    recount->counts[child->state]++;
    recount->children++;
    recount->by_request += child->state == CHILD_STOPPED && child->stop_cause == STOPPED_BY_REQUEST;
    recount->running_ready += child->ready;
    recount->idle += child->idle;
    recount->returning += child->state == CHILD_STOPPING &&
                          (child->after == AFTER_RESTART || child->after == AFTER_GROUP ||
                           child->after == AFTER_DEPENDENCY);
    recount->significant += child->policy->significant && child->state != CHILD_STOPPED;
    recount->awaited += child->stop_awaited && child->state == CHILD_STOPPING;
    recount->delays += child->group_delay && child->timer_armed;
    if (!recount->turn && child->group == GROUP_START)
        recount->turn = child;
}

static void
check_counters(struct sim *sim, const struct supervisor_node *node, const struct recount *recount)
{
    for (int i = 0; i < CHILD_STATES; i++)
        sim_require(sim, node->counts[i] == recount->counts[i], "counter of %s",
                    child_state_name((enum child_state)i));
    sim_require(
        sim,
        node->by_request == recount->by_request && node->running_ready == recount->running_ready &&
            node->idle_supervisors == recount->idle && node->returning == recount->returning &&
            node->significant == recount->significant && node->group_delays == recount->delays &&
            node->stops_awaited == recount->awaited,
        "a counter differs from its recount");
}

static void
check_whole(struct sim *sim, const struct supervisor_node *node, const struct recount *recount)
{
    const uint32_t *counts = recount->counts;
    uint32_t alive = counts[CHILD_STARTING] + counts[CHILD_RUNNING] + counts[CHILD_STOPPING];
    uint32_t due = counts[CHILD_REGISTERED] + counts[CHILD_RESTARTING];
    switch (node->state) {
    case NODE_STOPPED:
        sim_require(sim, alive == 0 && counts[CHILD_RESTARTING] == 0, "a stopped node lives");
        sim_require(sim, !node->turn && !node->stops && !recount->turn,
                    "a stopped node is in the middle of something");
        break;
    case NODE_STOPPING:
        sim_require(sim,
                    alive > 0 &&
                        (alive == counts[CHILD_STOPPING] ||
                         (node->stops_in_order ? moves_on(node) : counts[CHILD_STOPPING] > 0)),
                    "a stopping node has ended, or starts something");
        break;
    case NODE_RUNNING:
        sim_require(sim, node->stops || node->turn == recount->turn, "whose turn it is");
        sim_require(sim,
                    node->reported_ready ==
                        (due == 0 && counts[CHILD_STARTING] == 0 && recount->returning == 0 &&
                         counts[CHILD_RUNNING] == recount->running_ready),
                    "readiness of the node");
        sim_require(
            sim,
            node->reported_idle ==
                (recount->by_request == 0 &&
                 counts[CHILD_STOPPED] + counts[CHILD_FAILED] + recount->idle == recount->children),
            "idleness of the node");
        break;
    }
}

/* A group restart takes along all that it affects: none of them goes on as if nothing were. */
static void
check_group(struct sim *sim, const struct sim_child *failed)
{
    for (size_t i = 0; i < sim->children_size; i++) {
        const struct sim_child *other = sim->children[i];
        if (other->removed || !sim_affects(failed, other))
            continue;
        enum child_state state = other->child->state;
        bool is_alive = state == CHILD_STARTING || state == CHILD_RUNNING;
        const struct supervisor_child *turn = other->parent->node.turn;
        sim_require(sim, !is_alive || other->child->group == GROUP_STOP,
                    "%s goes on while %s restarts", other->path, failed->path);
        sim_require(sim,
                    state != CHILD_RESTARTING || other->child->wait == WAIT_TURN ||
                        (turn && sim_are_fellows(turn, other->child)),
                    "%s: its delay or its start is not dropped", other->path);
        sim_require(sim, state != CHILD_REGISTERED, "%s is left out of a group", other->path);
    }
}

void
sim_check_turn(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_node *node = &subject->parent->node;
    if (subject->child->group != GROUP_START)
        return;
    sim_require(sim, !node->stops && node->group_delays == 0,
                "%s: starts before the stops are over", subject->path);
    for (size_t i = 0; i < sim->children_size; i++) {
        const struct sim_child *other = sim->children[i];
        if (other->parent != subject->parent || other->removed || other == subject)
            continue;
        sim_require(sim, other->child->group != GROUP_STOP, "%s starts before %s is down",
                    subject->path, other->path);
        sim_require(sim,
                    other->place > subject->place || other->child->group != GROUP_START ||
                        sim_are_fellows(other->child, subject->child),
                    "%s starts before %s is ready", subject->path, other->path);
    }
}

void
sim_check_start_order(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_node *node = &subject->parent->node;
    if (sim->event->type != NODE_START_ALL || node->policy.strategy != STRATEGY_ONE_FOR_ONE)
        return;
    sim_require(sim, sim->last_start == SIZE_MAX || subject->place > sim->last_start,
                "%s: started after a later sibling", subject->path);
    sim->last_start = subject->place;
}

void
sim_check_stop_order(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_node *node = &subject->parent->node;
    if (!sim->was_running || node->state == NODE_RUNNING ||
        node->policy.strategy != STRATEGY_ONE_FOR_ONE)
        return;
    sim_require(sim, subject->place < sim->last_stop, "%s: stopped after an earlier sibling",
                subject->path);
    sim->last_stop = subject->place;
}

/* ---- What an event says ---- */

static long double
base_delay(const struct backoff *backoff, uint32_t n)
{
    long double delay = (long double)backoff->initial_us;
    switch (backoff->strategy) {
    case BACKOFF_IMMEDIATE:
        return 0;
    case BACKOFF_LINEAR:
        delay *= n;
        break;
    case BACKOFF_EXPONENTIAL:
        for (uint32_t i = 1; i < n && delay <= (long double)backoff->max_us && i < 2000; i++)
            delay *= (long double)backoff->factor;
        break;
    case BACKOFF_LIST:
        return (long double)
            backoff->list_us[n < backoff->list_size ? n - 1 : backoff->list_size - 1];
    }
    return fminl(delay, (long double)backoff->max_us);
}

void
sim_check_delay(struct sim *sim, const struct sim_child *subject, uint64_t delay_us)
{
    const struct backoff *backoff = &subject->policy.backoff;
    long double base = base_delay(backoff, subject->ledger.attempt);
    long double spread = base * (long double)backoff->jitter;
    long double low = floorl(backoff->jitter_upward ? base : base - spread);
    long double high = (base + spread) * (1 + FACTOR_SLACK);
    bool fits = (long double)delay_us >= low && (long double)delay_us <= high;
    if (spread <= 0) /* Exactly: rounded down. */
        fits = delay_us == (uint64_t)(base * (1 + FACTOR_SLACK));
    sim_require(sim, fits, "%s: delay %llu us before restart n = %u", subject->path,
                (unsigned long long)delay_us, subject->ledger.attempt);
    sim->outcomes[OUTCOME_SHORTER] += (long double)delay_us < floorl(base);
    sim->outcomes[OUTCOME_LONGER] += (long double)delay_us > base;
}

/* Its end by itself may have to end the supervisor. */
void
sim_check_auto_shutdown(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_node *node = &subject->parent->node;
    if (!subject->policy.significant || node->policy.auto_shutdown == AUTO_SHUTDOWN_NEVER)
        return;
    bool others = false;
    for (size_t i = 0; i < sim->children_size; i++) {
        const struct sim_child *other = sim->children[i];
        others |= other->parent == subject->parent && !other->removed &&
                  other->policy.significant && other != subject &&
                  other->ledger.state != CHILD_STOPPED;
    }
    sim_require(sim,
                !sim->was_running || node->state == NODE_RUNNING ||
                    node->policy.auto_shutdown == AUTO_SHUTDOWN_ANY || !others,
                "%s: its end ends the supervisor before others", subject->path);
    sim_require(sim,
                node->state != NODE_RUNNING ||
                    (node->policy.auto_shutdown == AUTO_SHUTDOWN_ALL && others),
                "%s: significant, ended, and its supervisor goes on", subject->path);
}

/* ---- All of it ---- */

void
sim_check_node(struct sim *sim, struct sim_node *node)
{
    struct recount recount = { 0 };
    list_for_each(link, &node->node.children) {
        struct supervisor_child *child = container_of(link, struct supervisor_child, siblings);
        const struct sim_child *subject = sim_child_of(child);
        count_child(&recount, child);
        check_timer(sim, subject);
        check_waiting(sim, subject);
        check_fellows(sim, subject);
        check_instance(sim, subject);
        sim_dependencies_check(sim, subject);
        check_ledger(sim, subject);
        if (sim->failed)
            return;
    }
    check_counters(sim, &node->node, &recount);
    check_whole(sim, &node->node, &recount);
    if (sim->granted)
        check_group(sim, sim->granted);
}

void
sim_check_end(struct sim *sim)
{
    sim_require(sim, sim->root->node.state == NODE_STOPPED, "the root did not end");
    sim_require(sim, sim->slots_used == 0, "%u start slots are lost", sim->slots_used);
    for (size_t i = 0; i < sim->children_size; i++) {
        const struct sim_child *subject = sim->children[i];
        sim_require(sim, !subject->instance.alive, "%s: an orphan", subject->path);
        sim_require(sim, !subject->timer_armed, "%s: a timer is left", subject->path);
    }
}
