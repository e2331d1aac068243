/* Dependencies: drawn inside a supervisor and across, told and looked at as the runtime does it,
 * and checked from outside.
 *
 * Lifted to siblings, a dependency always stands before its dependant, as a manifest has it, and is no fellow.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define NOBODY "/nobody" /* The path of one that there never is. */

static const struct sim_child *
above(const struct sim_child *subject)
{
    return subject->parent->self;
}

static unsigned
depth_of(const struct sim_child *subject)
{
    unsigned depth = 0;
    while ((subject = above(subject)) != NULL)
        depth++;
    return depth;
}

/* The siblings that both are or lie below; false: one is part of the other. */
static bool
lift(struct sim_child **after, struct sim_child **before)
{
    struct sim_child *one = *after, *other = *before;
    while (depth_of(one) > depth_of(other))
        one = one->parent->self;
    while (depth_of(other) > depth_of(one))
        other = other->parent->self;
    while (one->parent != other->parent) {
        one = one->parent->self;
        other = other->parent->self;
    }
    *after = one;
    *before = other;
    return one != other;
}

static void
give_ties(struct sim_child *subject)
{
    if (!subject->child->ties)
        child_ties_init(&subject->dependencies.ties, subject->child);
}

static void
depend(struct sim_child *subject, struct sim_child *on)
{
    struct sim_dependencies *own = &subject->dependencies;
    struct sim_child *after = subject, *before = on;
    struct child_tie *tie = &own->tie[own->size];
    list_init(&tie->of_dependant);
    list_init(&tie->of_dependency);
    if (on) {
        if (!lift(&after, &before) || before->key >= after->key || /* Whoever was moved. */
            sim_are_fellows(after->child, before->child))
            return;
        give_ties(after);
        give_ties(before);
        child_tie_link(tie, after->child, before->child);
        own->exits[own->size] = on->dependencies.exited;
        if (!on->dependencies.is_told)
            on->dependencies.is_met = supervisor_child_tell(on->child);
        on->dependencies.is_told = true;
    }
    own->on[own->size++] = on;
}

static bool
has_left(const struct sim_child *subject)
{
    for (; subject; subject = above(subject))
        if (subject->removed)
            return true;
    return false;
}

/* Whatever it depended on is let go, and others come in their place. */
static void
draw(struct sim *sim, struct sim_child *subject)
{
    struct sim_dependencies *own = &subject->dependencies;
    for (; own->size > 0; own->size--)
        child_tie_unlink(&own->tie[own->size - 1]);
    if (!sim_chance(sim, 65))
        return;
    uint64_t size = 1 + sim_random(sim, SIM_DEPENDENCIES_MAX);
    for (uint64_t i = 0; i < size; i++) {
        bool is_nobody = sim_chance(sim, 2);
        /* Mostly near: those have lifted siblings in the right order. */
        uint64_t range = sim_chance(sim, 70) ? subject->key : sim->keys;
        struct sim_child *on = sim_child_find(sim, (uint32_t)sim_random(sim, range + 1));
        if (is_nobody)
            depend(subject, NULL);
        else if (on && on != subject && !has_left(on))
            depend(subject, on);
    }
}

void
sim_dependencies_begin(struct sim *sim, struct sim_child *subject)
{
    const char *path;
    sim_turn_to(sim, TOPIC_DEPENDENCIES, subject->key, 0);
    subject->policy.when_dependency_restarts = sim_chance(sim, 40);
    draw(sim, subject);
    subject->child->unmet = sim_dependencies_unmet(subject, &path);
}

void
sim_dependencies_change(struct sim *sim, struct sim_child *subject)
{
    const char *path;
    draw(sim, subject);
    bool unmet = sim_dependencies_unmet(subject, &path);
    if (unmet != subject->child->unmet)
        sim_step(sim, subject->parent,
                 (struct node_event){ .type = unmet ? NODE_DEPENDENCY_LOST : NODE_DEPENDENCY_MET,
                                      .child = subject->child });
}

bool
sim_dependencies_unmet(const struct sim_child *subject, const char **path_out)
{
    const struct sim_dependencies *own = &subject->dependencies;
    for (size_t i = 0; i < own->size; i++) {
        if (own->on[i] && own->on[i]->dependencies.is_met)
            continue;
        *path_out = own->on[i] ? own->on[i]->path : NOBODY;
        return true;
    }
    return false;
}

const char *
sim_dependencies_exited(const struct sim_child *subject)
{
    return subject->dependencies.size > 0 && subject->dependencies.on[0]
               ? subject->dependencies.on[0]->path
               : NOBODY;
}

static bool
depends_on(const struct sim_child *subject, const struct sim_child *on)
{
    for (size_t i = 0; i < subject->dependencies.size; i++)
        if (subject->dependencies.on[i] == on)
            return true;
    return false;
}

static void
tell_watchers(struct sim *sim, struct sim_child *subject, bool met, bool exited)
{
    struct sim_dependencies *own = &subject->dependencies;
    if (own->is_met && !met)
        own->lost_us = sim->now_us;
    own->is_met = met;
    own->exited += exited;
    for (size_t i = 0; i < sim->children_size; i++) {
        struct sim_child *other = sim->children[i];
        if (other->dependencies.look_is_due || !depends_on(other, subject) || has_left(other))
            continue;
        other->dependencies.look_is_due = true;
        sim_turn_to(sim, TOPIC_LOOK, other->key, other->dependencies.looks++);
        sim_send_errand(sim, 1 + sim_random(sim, SIM_LOOK_US), other, ERRAND_LOOK, 0,
                        HEALTH_HEALTHY);
    }
}

void
sim_dependencies_tell(struct sim *sim, struct sim_child *subject, const struct node_action *action)
{
    sim_require(sim, subject->dependencies.is_told, "%s tells nobody", subject->path);
    sim_require(sim, action->exited || action->met != subject->dependencies.is_met,
                "%s tells what it told before", subject->path);
    tell_watchers(sim, subject, action->met, action->exited);
}

void
sim_dependencies_end(struct sim *sim, struct sim_child *subject)
{
    for (size_t i = 0; i < sim->children_size; i++) {
        struct sim_child *other = sim->children[i];
        for (size_t k = 0; k < other->dependencies.size; k++) {
            struct child_tie *tie = &other->dependencies.tie[k];
            if (other->dependencies.on[k] &&
                (tie->dependant == subject->child || tie->dependency == subject->child))
                child_tie_unlink(tie);
        }
        if (has_left(other) && other->dependencies.is_met)
            tell_watchers(sim, other, false, false);
    }
}

static void
feed(struct sim *sim, struct sim_child *subject, enum node_event_type type)
{
    sim_write_line(sim, "%s %s", node_event_name(type), subject->path);
    sim_step(sim, subject->parent, (struct node_event){ .type = type, .child = subject->child });
}

/* An instance of a dependency has ended: who follows it, and is up, stops. */
static void
feed_exit(struct sim *sim, struct sim_child *subject)
{
    const struct supervisor_child *child = subject->child;
    bool is_up = child->state == CHILD_STARTING || child->state == CHILD_RUNNING;
    bool follows = is_up && child->policy->when_dependency_restarts == DEPENDENCY_RESTART &&
                   subject->parent->node.state == NODE_RUNNING && child->group != GROUP_STOP &&
                   !child->kill_sent;
    enum child_state state = child->state;
    uint32_t restarts = child->restarts, attempt = child->attempt;
    feed(sim, subject, NODE_DEPENDENCY_EXITED);
    sim_require(sim, child->state == (follows ? CHILD_STOPPING : state),
                "%s: %s when a dependency exits", subject->path, child_state_name(child->state));
    sim_require(sim, child->restarts == restarts && child->attempt == attempt,
                "%s: following a dependency counts", subject->path);
}

void
sim_dependencies_look(struct sim *sim, struct sim_child *subject)
{
    struct sim_dependencies *own = &subject->dependencies;
    const char *path;
    bool exited = false;
    own->look_is_due = false;
    if (has_left(subject))
        return;
    own->looks_now = true;
    for (size_t i = 0; i < own->size; i++) {
        if (!own->on[i])
            continue;
        exited |= own->exits[i] != own->on[i]->dependencies.exited;
        own->exits[i] = own->on[i]->dependencies.exited;
    }
    if (exited)
        feed_exit(sim, subject);
    bool unmet = sim_dependencies_unmet(subject, &path);
    if (!sim->failed && unmet != subject->child->unmet)
        feed(sim, subject, unmet ? NODE_DEPENDENCY_LOST : NODE_DEPENDENCY_MET);
    own->looks_now = false;
}

/* ---- What holds ---- */

/* Ready, or a child that is not permanent and has ended by itself, as normal. */
static bool
should_be_met(const struct sim_child *subject)
{
    const struct sim_ledger *ledger = &subject->ledger;
    enum stop_cause cause = subject->child->stop_cause;
    return ledger->ready ||
           (ledger->state == CHILD_STOPPED && subject->policy.restart != RESTART_PERMANENT &&
            ledger->starts > 0 && ledger->exit.reason == EXIT_NORMAL &&
            (cause == STOPPED_ENDED || cause == STOPPED_TEMPORARY));
}

void
sim_dependencies_check(struct sim *sim, const struct sim_child *subject)
{
    const struct supervisor_child *child = subject->child;
    const char *path = "";
    if (subject->dependencies.is_told && !has_left(subject))
        sim_require(sim, subject->dependencies.is_met == should_be_met(subject),
                    "%s: dependants think it is %smet", subject->path,
                    subject->dependencies.is_met ? "" : "not ");
    if (child->wait != WAIT_DEPENDENCY)
        return;
    sim_require(sim, child->unmet, "%s waits for nothing", subject->path);
    sim_require(sim,
                sim_dependencies_unmet(subject, &path) || subject->dependencies.look_is_due ||
                    subject->dependencies.looks_now,
                "%s waits for dependencies that are met", subject->path);
}

void
sim_dependencies_check_start(struct sim *sim, const struct sim_child *subject)
{
    const struct sim_dependencies *own = &subject->dependencies;
    sim_require(sim, !subject->child->unmet, "%s starts without a dependency", subject->path);
    for (size_t i = 0; i < own->size; i++) {
        const struct sim_dependencies *on = own->on[i] ? &own->on[i]->dependencies : NULL;
        sim_require(sim, on, "%s starts without one that never was", subject->path);
        if (on)
            sim_require(sim, on->is_met || sim->now_us - on->lost_us <= SIM_LOOK_US,
                        "%s starts, and %s is not met", subject->path, own->on[i]->path);
    }
}

void
sim_dependencies_check_stop(struct sim *sim, const struct sim_child *subject)
{
    if (!subject->child->ties)
        return;
    list_for_each(link, &subject->child->ties->dependants) {
        const struct child_tie *tie = container_of(link, struct child_tie, of_dependency);
        const struct sim_child *other = sim_child_of(tie->dependant);
        enum child_state state = other->ledger.state;
        sim_require(sim,
                    state != CHILD_STARTING && state != CHILD_RUNNING && state != CHILD_STOPPING,
                    "%s stops before %s, which depends on it, is down", subject->path, other->path);
    }
}
