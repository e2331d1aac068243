/* Node step: what the transitions of the state table share. Inside src/supervision alone. */
#ifndef SUPERVISION_NODE_STEP_H
#define SUPERVISION_NODE_STEP_H

#include "supervision/supervisor_node.h"

/* One call of supervisor_node_step() or _continue(). */
struct step {
    struct supervisor_node *node;
    const struct node_event *event; /* In a sweep: one made up for the child in turn. */
    struct node_actions *actions;
    uint64_t now_us;
};

/* An entry of the state table: does it all, or answers false and does nothing but ask again
 * for a timer that came early. */
typedef bool transition(struct step *step, struct supervisor_child *child);

/** The entry for the pair, NULL when the event has no place in the state. */
transition *state_table_find(enum child_state state, enum node_event_type type);

/* The most actions that one transition writes, and the end of a step (see supervisor_node.c). */
#define TRANSITION_ACTIONS_MAX 12

/* Whether there is an instance, or one is being made. */
static inline bool
child_state_is_live(enum child_state state)
{
    return state == CHILD_STARTING || state == CHILD_RUNNING || state == CHILD_STOPPING;
}

static inline bool
step_has_room(const struct step *step, size_t actions)
{
    return step->actions->size + actions <= NODE_ACTIONS_MAX;
}

/* child_state.c: changes of a child, with the node's counters. */

/** Appends an action about `child` (NULL: the whole node); the caller has made sure of the room. */
struct node_action *step_act(struct step *step, enum node_action_type type,
                             struct supervisor_child *child);
/** Appends NOTIFY of `event`; generation, state, restarts and budget are the child's of now. */
struct node_action *step_notify(struct step *step, struct supervisor_child *child,
                                enum event_type event, enum child_state from);
/** The same, with the child's last exit. */
struct node_action *step_notify_exit(struct step *step, struct supervisor_child *child,
                                     enum event_type event, enum child_state from);
/** Moves `child` to `state` and says what it was in. Ends its readiness. */
enum child_state child_enter(struct step *step, struct supervisor_child *child,
                             enum child_state state);
/** child_enter() to STOPPED for `cause`. */
enum child_state child_enter_stopped(struct step *step, struct supervisor_child *child,
                                     enum stop_cause cause);
/** Changes why `child`, which is STOPPED, is. */
void child_set_cause(struct step *step, struct supervisor_child *child, enum stop_cause cause);
/** Changes what comes after STOPPING, in which `child` is. */
void child_set_after(struct step *step, struct supervisor_child *child, enum child_after after);
void child_set_ready(struct step *step, struct supervisor_child *child, bool ready);
void child_set_idle(struct step *step, struct supervisor_child *child, bool idle);
/** It counts for the node's auto-shutdown, and is not at rest. */
bool child_is_significant(const struct supervisor_child *child);
/** Empty budget, n = 1 next, no restarts. */
void child_clear_budget(struct supervisor_child *child);
void child_arm(struct step *step, struct supervisor_child *child, uint64_t due_us);
void child_disarm(struct step *step, struct supervisor_child *child);
/** Whether TIMER is the child's; arms again one that came before its time. */
bool child_timer_fired(struct step *step, struct supervisor_child *child);
/** Whether it is deleted where another child would be STOPPED for `cause`: a dynamic temporary
 * one that has ended, or whose supervisor stops. */
bool child_leaves_at_rest(const struct supervisor_child *child, enum stop_cause cause);
/** Takes `child` out of the node; the shell frees it. */
void child_remove(struct step *step, struct supervisor_child *child);
/** KILL, once for an instance; the first reason stays. */
void child_send_kill(struct step *step, struct supervisor_child *child, enum exit_reason reason);
/** DISARM or WITHDRAW, whatever `child` waits for. */
void child_end_wait(struct step *step, struct supervisor_child *child);
/** Asks for a start slot, once all that it depends on is met. */
void child_ask_start(struct step *step, struct supervisor_child *child, uint64_t due_us);

/* child_dependency.c */
/** Tells whether `child` is met now, if that has changed and somebody depends on it: behind the
 * events of a change, so that a start that follows is written after them. */
void child_tell(struct step *step, struct supervisor_child *child);
/** Tells that an instance of `child` has ended, if somebody depends on it. */
void child_tell_exited(struct step *step, struct supervisor_child *child);
/** Registered or restarting, and due: it starts when its dependencies are met. */
void child_await_dependency(struct step *step, struct supervisor_child *child, uint64_t due_us);

/* child_ties.c: stops under one-for-one that wait for dependants. */

/** At STOP_ALL: some sibling that depends on `child` is up; it is marked GROUP_STOP until then. */
bool ties_hold(struct step *step, struct supervisor_child *child);
/** `child` has no instance any more: those that waited for its end may stop. */
void ties_went_down(struct step *step, struct supervisor_child *child);
/** Stops whom nothing holds any more (true), or the buffer is full. */
bool ties_go_on(struct step *step);

/* node_group.c: what siblings do in order. All of it does nothing under one-for-one. */

/** A start or stop of siblings in order is under way. */
bool group_is_busy(const struct supervisor_node *node);
/** Whether starts and stops of the node's children wait for one another: by its strategy, or
 * because an order that began under an earlier one is not over. */
static inline bool
step_waits(const struct step *step)
{
    const struct supervisor_node *node = step->node;
    if (node->state == NODE_STOPPING) /* As it began. */
        return node->stops_in_order;
    return node_policy_waits(&node->policy) || group_is_busy(node);
}
/** The exit of `failed`, which was granted a restart, takes siblings along: the sweep follows in
 * the same step. */
void group_begin(struct step *step, struct supervisor_child *failed);
/** REGISTERED or RESTARTING without delay: it starts when those before it are ready. */
void group_await_turn(struct step *step, struct supervisor_child *child);
/** GROUP_START, without delay: its turn has not come yet, or is looked at next. */
void group_wait_turn(struct step *step, struct supervisor_child *child, uint64_t due_us);
/** Its part in the order is over: ready, at rest, or taken out by hand. */
void group_leave(struct step *step, struct supervisor_child *child);
/** Takes everything out of the order that leads to `child`, which is about to be removed. */
void group_forget(struct step *step, struct supervisor_child *child);
/** The children that are marked GROUP_STOP stop, the last one first. */
void group_begin_stops(struct supervisor_node *node);
/** A sweep has put children into GROUP_START. */
void group_find_turn(struct supervisor_node *node);
/** `child` (NULL: nobody) is the first in GROUP_START. */
void group_set_turn(struct supervisor_node *node, struct supervisor_child *child);
/** `child` is not STOPPING any more. */
void group_stop_ended(struct supervisor_node *node, struct supervisor_child *child);
/** Goes on with stops and starts as far as it can now (true), or the buffer is full. */
bool group_go_on(struct step *step);
/** The order of the children has changed. */
void group_reorder(struct supervisor_node *node);
/** Whether the sweep of a group restart takes `child` along. */
bool group_takes(const struct step *step, struct supervisor_child *child);

transition child_group_wait, child_group_live, child_group_stopping, child_group_stopped;

/* child_stop.c */
/** STOP_ALL for a child that runs, now. */
void child_stop_with_node(struct step *step, struct supervisor_child *child);
/** Stops a child that runs for a group restart. */
void child_stop_for_group(struct step *step, struct supervisor_child *child);
/** Stops a child that runs until its dependencies are met again. */
void child_stop_for_dependency(struct step *step, struct supervisor_child *child);

/* supervisor_node.c */
/** Looks the step's event up for `child` and takes the entry; counts what was done. */
bool node_take_transition(struct step *step, struct supervisor_child *child);

/* node_sweep.c */
/** START_ALL, STOP_ALL and KILL_ALL; false: the event has no place here. */
bool node_start_all(struct step *step);
bool node_stop_all(struct step *step);
bool node_kill_all(struct step *step);
/** STOP_ALL or KILL_ALL from inside: the sweep follows in the same step. */
void node_begin_stop(struct step *step, enum node_sweep sweep, enum exit_reason kill_reason);
/** The sweep follows in the same step. */
void node_begin_sweep(struct step *step, enum node_sweep sweep);
/** Goes on with the sweep until it is over (true) or the buffer is full. */
bool node_go_on_sweeping(struct step *step);

/* child_restore.c */

/** After NODE_ADD: the child is in the state that was restored; false: none was. */
bool child_go_on(struct step *step, struct supervisor_child *child);
/** RESTARTING, restored: the supervisor runs now, what is left of the delay begins. */
void child_resume(struct step *step, struct supervisor_child *child);

/* child_change.c */
/** CHANGE, MOVE and CONFIGURE: what changes the node itself, before the child's entry is taken. */
void node_change_policy(struct step *step, struct supervisor_child *child);
void node_move(struct step *step, struct supervisor_child *child);
bool node_configure(struct step *step);
/** Puts `child`, which is in no list, in front of `before`; NULL: at the end. */
void node_insert(struct supervisor_node *node, struct supervisor_child *child,
                 struct supervisor_child *before);

transition child_change_due, child_change_live, child_change_stopped, child_change_failed;
transition child_moved;

/* child_start.c */
transition child_added, child_start_first, child_admitted, child_delay_over, child_start_now;
transition child_already_due, child_started, child_started_late, child_became_ready;
transition child_became_unready, child_health_failed, child_degraded, child_became_idle;
transition child_became_busy, child_answer_running;
transition child_start_subtree, child_answer_busy, child_revive, child_revive_all;

/* child_dependency.c */
transition child_dependency_met, child_dependency_lost, child_note_met, child_note_lost;
transition child_dependency_exited;

/* child_exit.c */
transition child_exited, child_load_failed, child_ended;

/* child_stop.c */
transition child_stop_wait, child_stop_wait_all, child_stop, child_stop_all, child_restart;
transition child_delete_live, child_delete, child_join_stop, child_join_stop_all;
transition child_join_delete, child_stay_stopped, child_stop_failed, child_kill, child_kill_all;
transition child_answer_not_running, child_timed_out, child_reset, child_reset_failed;

#endif
