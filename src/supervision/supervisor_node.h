/* Supervisor node: the restart decision of one supervisor, as a pure step function.
 *
 * supervisor_node_step() takes one event with its time and writes the actions that follow
 * into the caller's buffer. It reads no clock, takes no lock, allocates nothing and calls
 * nobody. The shell (runtime/supervisor_actor) performs the actions, in their order, and
 * feeds what comes of them back as events. The same code runs in the daemon, in the
 * simulator under a virtual clock, and in the fuzzer.
 *
 * A child's state lives here and nowhere else.
 */
#ifndef SUPERVISION_SUPERVISOR_NODE_H
#define SUPERVISION_SUPERVISOR_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "supervision/node_policy.h"
#include "supervision/supervisor_child.h"

enum node_state { NODE_STOPPED, NODE_RUNNING, NODE_STOPPING };

/* What one step does to all children, one after the other. */
enum node_sweep { SWEEP_NONE, SWEEP_START, SWEEP_STOP, SWEEP_KILL, SWEEP_RESET, SWEEP_GROUP };

#define NODE_EVENTS 28 /* Checked against NODE_EVENT_LIST. */

struct supervisor_node {
    struct list children; /* In their one order: start order, and reversed stop order. */
    struct node_policy policy;
    /* Set by the shell, constant; NULL: no two are. Members of one template, which stand beside one
     * another: neither starts or stops of one wait for the other, nor does rest-for-one take it. */
    bool (*are_fellows)(const struct supervisor_child *one, const struct supervisor_child *other);
    enum node_state state;
    struct supervisor_child *cause; /* The child whose exhausted budget ends the node; else NULL. */
    struct exit_info end;           /* With what it will end, or has ended. */
    uint32_t counts[CHILD_STATES];
    uint32_t by_request;       /* Children STOPPED by request. */
    uint32_t running_ready;    /* Children RUNNING and ready. */
    uint32_t significant;      /* Significant children that are not STOPPED. */
    uint32_t idle_supervisors; /* Supervisor children that reported idle. */
    bool reported_ready;
    bool reported_idle;
    uint32_t returning;            /* Children STOPPING that start again afterwards. */
    enum node_sweep sweep;         /* What the step under way does to every child. */
    enum exit_reason sweep_reason; /* SWEEP_KILL: as in the KILL action. */
    bool sweep_everything;         /* SWEEP_START */
    struct list *cursor;           /* The sweep's next child; where a step with MORE goes on. */
    uint64_t sweep_us;             /* The time of the step under way. */
    /* The order of a group (node_group.c); NULL and 0 under one-for-one. */
    struct supervisor_child *group_failed; /* Whose exit the last group restart followed. */
    struct supervisor_child *group_cause;  /* That, or who took it along before. */
    bool group_passed; /* SWEEP_GROUP has come past group_failed: what follows stands before it. */
    bool group_inside; /* … and has found that it is part of the group of group_cause. */
    bool stops_in_order;           /* STOPPING: whether stops wait for one another. */
    struct list *stops;            /* The next to look at, going back; NULL: no stops. */
    uint32_t stops_awaited;        /* Children with stop_awaited. */
    struct supervisor_child *turn; /* The first in GROUP_START; its fellows start with it. */
    bool turn_asked;               /* All of those that wait for their turn have got it. */
    uint32_t group_delays;         /* Children with group_delay. */
    struct list released; /* One-for-one: child_ties.released, whose dependants are down. */
    uint64_t *grants_us;  /* Intensity: a ring as of a child's budget. */
    uint32_t grants_size, grants_next;
    bool intensity_resumes; /* Restored: the first start keeps its grants. */
    uint64_t ignored;       /* Pairs of state and event that the table has no entry for. */
    uint64_t coverage[CHILD_STATES][NODE_EVENTS]; /* Times each pair was taken. */
};

/* What can happen to a node. X(NAME); `child` is NULL where it concerns the whole node.
 *
 * ADD: `child` joins in front of `before` (NULL: at the end of the order), REGISTERED; it is started
 *   at once if the node runs.
 * START_ALL: the node starts (again), with empty budgets: every child but those stopped by
 *   request and temporary ones that ended. `everything`: those too, and also on a node that runs.
 * STOP_ALL: the node is asked to end: children stop in reverse order, each within its own time.
 * KILL_ALL: the same, at once; joins a STOP_ALL under way. `exit.reason` is that of the KILL
 *   action that asked for it.
 * ADMITTED: the start slot that ADMIT asked for is granted.
 * STARTED, READY, NOT_READY, HEALTH_FAILED, DEGRADED, EXITED, IDLE, NOT_IDLE: reports of
 *   `generation`. A component is ready when started, unless its policy says that it reports it;
 *   a supervisor says READY. HEALTH_FAILED and DEGRADED are passed on. EXITED: the instance is
 *   gone, or its start failed, `exit` says why. IDLE: a supervisor in which nothing can run any more.
 * DEPENDENCY_MET, DEPENDENCY_LOST: all that the child depends on is met; or no longer is.
 * DEPENDENCY_EXITED: an instance of one of them has ended, whether or not another is up already.
 * TIMER: the child's timer, armed for `due_us`, has fired. One that comes early is armed again.
 * START … DELETE: by hand (semantics.md); the answer is in actions->reply. A child started in a
 *   node that is down waits, REGISTERED, for START_ALL.
 * RESET_ALL: RESET of each child, and an empty intensity.
 * CHANGE: `child` gets `policy` (NULL: keeps its own) and the ring `grants_us` for it; what it waits
 *   for now goes on, what is decided next follows the new one; grants that fit stay. With `restarts`
 *   what runs is stopped and started again, uncounted, and what is failed is started as by hand;
 *   for another child the reply is NOT_RUNNING. `on_trial`: see struct supervisor_child.
 * MOVE: `child` moves in front of `before` (NULL: to the end of the order).
 * CONFIGURE: the node gets `node_policy` and the ring `grants_us` for its intensity. Siblings that
 *   are in an order (node_group.c) finish it; the next exit is judged by the new strategy.
 * GROUP: made by the node itself, for each sibling that a group restart takes along.
 */
#define NODE_EVENT_LIST(X) \
    X(ADD)                 \
    X(START_ALL)           \
    X(STOP_ALL)            \
    X(KILL_ALL)            \
    X(ADMITTED)            \
    X(STARTED)             \
    X(READY)               \
    X(NOT_READY)           \
    X(HEALTH_FAILED)       \
    X(DEGRADED)            \
    X(EXITED)              \
    X(TIMER)               \
    X(IDLE)                \
    X(NOT_IDLE)            \
    X(DEPENDENCY_MET)      \
    X(DEPENDENCY_LOST)     \
    X(DEPENDENCY_EXITED)   \
    X(START)               \
    X(STOP)                \
    X(RESTART)             \
    X(KILL)                \
    X(RESET)               \
    X(DELETE)              \
    X(RESET_ALL)           \
    X(CHANGE)              \
    X(MOVE)                \
    X(CONFIGURE)           \
    X(GROUP)

enum node_event_type {
#define NODE_EVENT_ENUM(name) NODE_##name,
    NODE_EVENT_LIST(NODE_EVENT_ENUM)
#undef NODE_EVENT_ENUM
};
_Static_assert(NODE_GROUP + 1 == NODE_EVENTS, "NODE_EVENTS follows the list");

/** The constant name of `type`: "ADD". */
const char *node_event_name(enum node_event_type type);

struct node_event {
    enum node_event_type type;
    uint64_t now_us; /* Never smaller than that of the event before. */
    struct supervisor_child *child;
    /* STARTED … EXITED, IDLE, NOT_IDLE: of any but the current one is dropped. */
    uint32_t generation;
    struct exit_info exit; /* EXITED; KILL_ALL: the reason alone, `killed` for none. */
    bool ignored;          /* EXITED: it answered its start with `ignore`; `exit` is NORMAL. */
    bool everything;       /* START_ALL: also children stopped by request, with empty budgets. */
    struct supervisor_child *before;   /* ADD, MOVE: another child of the node; NULL: the end. */
    const struct child_policy *policy; /* CHANGE: outlives the child, or its next change. */
    const struct node_policy *node_policy; /* CONFIGURE: copied. */
    /* CHANGE: room for supervisor_child_grants_max(policy) times, CONFIGURE: for max_restarts; NULL of
     * none. The ring before is the caller's again. */
    uint64_t *grants_us;
    bool restarts; /* CHANGE */
    bool on_trial; /* CHANGE that `restarts`: an exit before it is ready starts it again. */
};

/* What the answer to a verb is. */
enum node_reply {
    REPLY_OK,
    REPLY_ALREADY_RUNNING,
    REPLY_BUSY,       /* stopping */
    REPLY_NOT_RUNNING /* kill of a child without an instance */
};

/* What the shell is to do. X(NAME)
 *
 * ADMIT: ask for a start slot, by `due_us`; ADMITTED is the answer, for a supervisor at once.
 * WITHDRAW: forget the asking for a slot, or give back one not used.
 * START: begin instance `generation`; `everything` for a supervisor that was started by hand.
 * START_SUBTREE: a supervisor child that runs, started by hand: START_ALL with `everything` to
 *   its node, unless that has ended meanwhile.
 * SETTLED: the start is over, running or ended: give back the place among concurrent starts.
 * STOP: ask the instance to end.
 * KILL: end the instance now; `exit.reason` says why: killed, timeout or shutdown. A
 *   supervisor's node is handed it with KILL_ALL.
 * ARM: set the child's one timer to `due_us`. DISARM: it is not to fire any more.
 * RESET_CHILD: a supervisor child: RESET_ALL to its node.
 * NOTIFY: write the event `event` with the fields below.
 * REMOVED: the child has left the node; free it after this step and its actions.
 * NODE_READY, NODE_NOT_READY, NODE_IDLE, NODE_NOT_IDLE: what the node reports to its parent.
 *   Ready: no child is registered, restarting, starting, stopping to start again, or running
 *   and not ready. Idle: every child is stopped, failed or an idle supervisor, and none was
 *   stopped by request.
 * TELL_DEPENDANTS: of a child that others depend on: whether it is `met` now has changed; with
 *   `exited`: an instance of it has ended.
 * ENDED: all children are down; `exit` is how the node ends.
 */
#define NODE_ACTION_LIST(X) \
    X(ADMIT)                \
    X(WITHDRAW)             \
    X(START)                \
    X(START_SUBTREE)        \
    X(SETTLED)              \
    X(STOP)                 \
    X(KILL)                 \
    X(ARM)                  \
    X(DISARM)               \
    X(RESET_CHILD)          \
    X(NOTIFY)               \
    X(REMOVED)              \
    X(NODE_READY)           \
    X(NODE_NOT_READY)       \
    X(NODE_IDLE)            \
    X(NODE_NOT_IDLE)        \
    X(TELL_DEPENDANTS)      \
    X(ENDED)

enum node_action_type {
#define NODE_ACTION_ENUM(name) ACTION_##name,
    NODE_ACTION_LIST(NODE_ACTION_ENUM)
#undef NODE_ACTION_ENUM
};

/** The constant name of `type`: "ADMIT". */
const char *node_action_name(enum node_action_type type);

struct node_action {
    enum node_action_type type;
    struct supervisor_child *child;
    uint32_t generation;
    uint64_t at_us;  /* Of the step; the time of the event that NOTIFY writes. */
    uint64_t due_us; /* ARM; ADMIT: when it became due. */
    bool everything; /* START */
    bool met;        /* TELL_DEPENDANTS, as the next. */
    bool exited;
    /* NOTIFY alone; `generation`, `from`, `state` as interfaces.md says of each event. */
    enum event_type event;
    enum child_state from;
    enum child_state state;
    bool has_exit;
    struct exit_info exit; /* NOTIFY with has_exit, KILL, and ENDED. */
    bool has_delay;
    uint64_t delay_us;    /* RESTART_SCHEDULED: what is waited, after jitter. WAITING: 0, below. */
    enum child_wait wait; /* WAITING, RESTART_SCHEDULED: what it waits for beside the delay. */
    struct supervisor_child *cause; /* Whose exit made this happen, if not the child's own. */
    struct list *behind;            /* REMOVED: what stood behind the child. */
    bool of_dependency;             /* A dependency's exit made it happen; the shell knows whose. */
    uint32_t restarts;              /* Grants since registered or reset. */
    uint32_t budget_used;           /* Grants in the window; not counted for `unlimited`. */
    bool ready; /* These four are what a later run goes on from (child_restore.h). */
    uint32_t attempt;
    uint64_t lived_us;
    uint64_t born_lived_us;
};

/* NOTIFY of WAITING is written by the node in three cases: a start by hand cut a delay short (from
 * = state = RESTARTING, delay_us 0), and `wait` is WAIT_TURN or WAIT_DEPENDENCY. What a child waits
 * for at the start gate the shell knows, and writes itself. */

#define NODE_ACTIONS_MAX 32 /* A step with more to say answers NODE_MORE. */

struct node_actions {
    size_t size;
    struct node_action items[NODE_ACTIONS_MAX];
    enum node_reply reply; /* Of a verb. */
};

enum node_result { NODE_DONE, NODE_MORE };

/** An empty, stopped node; one-for-one, without intensity. */
void supervisor_node_init(struct supervisor_node *node);

/**
 * Sets the policy of a node that has taken no step. `grants_us`: room for policy->max_restarts
 * times, the caller's, who keeps it as long as the node; NULL where that is unlimited.
 */
void supervisor_node_configure(struct supervisor_node *node, const struct node_policy *policy,
                               uint64_t *grants_us);

/**
 * Takes one event; fills `actions` (emptied first) with what is to be done, in order.
 *
 * NODE_MORE: the buffer was full; perform the actions and call supervisor_node_continue()
 * until it says NODE_DONE, before any other event. An event that has no place in the state table is
 * ignored and counted in node->ignored.
 * Thread: one at a time for a node.  Blocks: no.  Allocates: no.
 */
enum node_result supervisor_node_step(struct supervisor_node *node, const struct node_event *event,
                                      struct node_actions *actions);
enum node_result supervisor_node_continue(struct supervisor_node *node,
                                          struct node_actions *actions);

/** Children of `node`, in whatever state. Thread: the stepping one. */
uint32_t supervisor_node_size(const struct supervisor_node *node);

/** Whether the state table has an entry for the pair. Thread: any. */
bool state_table_has(enum child_state state, enum node_event_type type);

#endif
