/* Supervisor child: one child as its node sees it, and the words for what it can be in and what can
 * happen to it.
 */
#ifndef SUPERVISION_SUPERVISOR_CHILD_H
#define SUPERVISION_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "supervision/child_policy.h"
#include "supervision/exit_info.h"

/* X(NAME, "name") */
#define CHILD_STATE_LIST(X)     \
    X(REGISTERED, "registered") \
    X(RESTARTING, "restarting") \
    X(STARTING, "starting")     \
    X(RUNNING, "running")       \
    X(STOPPING, "stopping")     \
    X(STOPPED, "stopped")       \
    X(FAILED, "failed")

enum child_state {
#define CHILD_STATE_ENUM(name, text) CHILD_##name,
    CHILD_STATE_LIST(CHILD_STATE_ENUM)
#undef CHILD_STATE_ENUM
};
#define CHILD_STATES 7

/* Why a child is stopped (semantics: Child states). */
enum stop_cause {
    STOPPED_BY_REQUEST,      /* Until a request starts it. */
    STOPPED_WITH_SUPERVISOR, /* Started again when the supervisor is. */
    STOPPED_ENDED,           /* Transient after a normal end. */
    STOPPED_TEMPORARY,       /* Never started again by itself. */
    STOPPED_IGNORED          /* A native child that answered its start with `ignore`. */
};

/* What follows when a stopping child has ended; kept until the next exit of its own. */
enum child_after {
    AFTER_EXIT,       /* Not in STOPPING: it was not being stopped when it ended last. */
    AFTER_STOPPED,    /* By its stop_cause. */
    AFTER_RESTART,    /* Restarted by hand or by a reload: uncounted, without delay. */
    AFTER_GROUP,      /* Stopped for a group restart: uncounted, started in its turn. */
    AFTER_DEPENDENCY, /* Stopped because a dependency exited: uncounted, started when it is met. */
    AFTER_DELETED
};

/** Whether what follows STOPPING is a start. Thread: any. */
bool child_after_starts(enum child_after after);

/* What a registered or restarting child waits for. */
enum child_wait {
    WAIT_NOTHING,   /* Its delay, if `timer_armed`. */
    WAIT_POOL,      /* A place among max-concurrent-starts, or an engine slot. */
    WAIT_TURN,      /* Earlier siblings of its group: to be down, or ready. See node_group.c. */
    WAIT_DEPENDENCY /* What it depends on: to be met. See child_dependency.c. */
};

/* A child's part in what its siblings do in order, under the strategies that wait. */
enum child_group {
    GROUP_NONE,
    GROUP_STOP, /* It runs, and is to stop when those after it, or on it, are down. */
    GROUP_START /* It waits for its turn to start, or had it and is not ready yet. */
};

/* What decided that a child is what it is, or is to be started again. X(NAME, "name"), NULL: no
 * name, nothing has. */
#define CHILD_DECISION_LIST(X)     \
    X(NOTHING, NULL)               \
    X(BY_POLICY, "policy")         \
    X(BY_RULE, "on-exit")          \
    X(BY_LOAD_ERROR, "load-error") \
    X(BY_BUDGET, "budget")         \
    X(BY_INTENSITY, "intensity")   \
    X(BY_GROUP, "group")           \
    X(BY_DEPENDENCY, "dependency") \
    X(BY_RESTART, "restart")       \
    X(BY_START, "start")           \
    X(BY_STOP, "stop")             \
    X(BY_DELETE, "delete")         \
    X(BY_SUPERVISOR, "supervisor") \
    X(BY_IGNORE, "ignored")        \
    X(BY_HOST, "host-lost")        \
    X(BY_FORMER, "former")

enum child_decision {
#define CHILD_DECISION_ENUM(name, text) DECIDED_##name,
    CHILD_DECISION_LIST(CHILD_DECISION_ENUM)
#undef CHILD_DECISION_ENUM
};

/* X(NAME, "name"): every event of interfaces.md; the node notifies of all up to FAILED_. */
#define EVENT_TYPE_LIST(X)                        \
    X(REGISTERED, "registered")                   \
    X(WAITING, "waiting")                         \
    X(STARTING, "starting")                       \
    X(STARTED, "started")                         \
    X(READY, "ready")                             \
    X(NOT_READY, "not-ready")                     \
    X(DEGRADED, "degraded")                       \
    X(HEALTH_FAILED, "health-failed")             \
    X(EXITED, "exited")                           \
    X(RESTART_SCHEDULED, "restart-scheduled")     \
    X(STOPPING, "stopping")                       \
    X(STOPPED, "stopped")                         \
    X(FAILED, "failed")                           \
    X(ESCALATED, "escalated")                     \
    X(ADDED, "added")                             \
    X(DELETED, "deleted")                         \
    X(RESET, "reset")                             \
    X(DENIED, "denied")                           \
    X(DEAD_LETTER, "dead-letter")                 \
    X(RELOADED, "reloaded")                       \
    X(APPLICATION_STARTED, "application-started") \
    X(APPLICATION_STOPPED, "application-stopped")

enum event_type {
#define EVENT_TYPE_ENUM(name, text) EVENT_##name,
    EVENT_TYPE_LIST(EVENT_TYPE_ENUM)
#undef EVENT_TYPE_ENUM
};

const char *child_state_name(enum child_state state);
const char *event_type_name(enum event_type type);
/** NULL of DECIDED_NOTHING. */
const char *child_decision_name(enum child_decision decision);
/** Finds a state by name; false when there is none, and then *state_out is untouched. */
bool child_state_find(const char *name, enum child_state *state_out);
bool event_type_find(const char *name, enum event_type *type_out);

struct child_ties;
struct supervisor_node;

/* One child. The shell allocates supervisor_child_size(policy) zeroed bytes, calls
 * supervisor_child_init(), sets the first group of fields, and adds it. The rest is the node's;
 * anybody else only reads, on the thread that steps. 100,000 of these are held: 96 bytes, and 8 for
 * each grant of the budget behind them. */
struct supervisor_child {
    /* Set by the shell before NODE_ADD; constant, but for what NODE_CHANGE changes. */
    const struct child_policy *policy; /* Outlives the child. */
    void *shell;                       /* The shell's own. */
    struct child_ties *ties; /* Siblings that depend on it or that it depends on; NULL: none. */
    uint16_t random;         /* Seed of its jitter. */
    bool is_supervisor : 1;  /* Takes no start slot; reports readiness and idleness. */
    bool is_dynamic : 1;     /* Added by hand: a temporary one is deleted at its end. */

    /* The node's. */
    bool ready : 1;
    bool timer_armed : 1; /* At due_us: a delay, a start timeout or a stop timeout, by state. */
    bool has_exited : 1;
    bool idle : 1;       /* A supervisor child that reported it. */
    bool holds_slot : 1; /* Its place among concurrent starts, until SETTLED. */
    bool kill_sent : 1;  /* KILL is out; its exit has not come yet. */
    bool resumes : 1; /* Restored: its supervisor's start changes nothing, or waits what is left. */
    bool everything : 1;   /* A supervisor: its next START takes along those stopped by request. */
    bool group_taken : 1;  /* A sibling's restart has taken it along. */
    bool group_delay : 1;  /* Its delay is armed, and its group waits for it. */
    bool grants_moved : 1; /* See restart_budget.h. */
    bool on_trial : 1;     /* Changed: its next exit before it is ready does not count. */
    bool start_timer : 1;  /* The armed timer is that of its start, in STOPPING too. */
    bool unmet : 1;        /* What it depends on is not met. Before ADD the shell says so. */
    bool depended_on : 1;  /* Its changes are told (TELL_DEPENDANTS). */
    bool told_met : 1;     /* What was told last. */
    bool stop_awaited : 1; /* Those before it, but its fellows, stop when it has ended. */
    enum child_state state : 3;
    enum stop_cause stop_cause : 3; /* In STOPPED, and in STOPPING for what comes after. */
    enum child_wait wait : 2;       /* Meaningful in REGISTERED and RESTARTING. */
    enum child_after after : 3;     /* What follows STOPPING, or what followed it. */
    enum child_group group : 2;
    enum child_state restored : 3;    /* Until NODE_ADD: where an earlier run left it. */
    enum exit_reason kill_reason : 4; /* While kill_sent: what its exit `killed` will be called. */
    struct list siblings;
    uint32_t generation;    /* Of the current or last start attempt; 0 before the first. */
    uint32_t restarts;      /* Grants since registered or reset. */
    uint32_t attempt;       /* n: restarts since the last stable run. */
    uint32_t grants_taken;  /* See restart_budget.h. */
    uint64_t due_us;        /* When a wait or a timeout ends, or ended. */
    uint64_t lived_us;      /* Lived time up to the end of the last ready span; while `ready`, */
                            /* less the time at which that began. */
    uint64_t born_lived_us; /* Lived time when the current generation began. */
    struct exit_info last_exit; /* Meaningful if has_exited. */
};

/** How many grants such a child remembers. Thread: any. */
uint32_t supervisor_child_grants_max(const struct child_policy *policy);

/** Bytes of a child with this policy, with the ring of its grants. Thread: any. */
size_t supervisor_child_size(const struct child_policy *policy);

/** Sets the policy of zeroed memory of that size. Thread: any. */
void supervisor_child_init(struct supervisor_child *child, const struct child_policy *policy);

/**
 * From now on the changes of `child`, which is in a node, are told. Whether it is met now: it is
 * ready, or has ended for good as `normal`. Thread: the stepping one.
 */
bool supervisor_child_tell(struct supervisor_child *child);

/** Lived time of `child`: how long its generations were ready, in all. Thread: the stepping one. */
uint64_t supervisor_child_lived_us(const struct supervisor_child *child, uint64_t now_us);

/** Lived time until the oldest grant in the window of `child` leaves it; DURATION_INFINITE: none
 * is in it. Thread: the stepping one. */
uint64_t supervisor_child_budget_frees_us(const struct supervisor_child *child, uint64_t now_us);

/** Grants of `child` in its window at `now_us`: the used part of its budget. */
uint32_t supervisor_child_budget_used(const struct supervisor_child *child, uint64_t now_us);

/**
 * What decided about the last exit of `child`, or about its stop; for what runs or is to run, what
 * starts it again. Worked out from its policy of now: where nothing of that fits what was decided,
 * DECIDED_BY_FORMER. Costs O(rules). Thread: the stepping one of `node`, the child's.
 */
enum child_decision supervisor_child_decision(const struct supervisor_child *child,
                                              const struct supervisor_node *node);

/** The sibling whose exit takes `child` along in the group restart under way; NULL: none does.
 * Thread: the stepping one. */
const struct supervisor_child *supervisor_child_group_cause(const struct supervisor_child *child,
                                                            const struct supervisor_node *node);

/** Where a change of policy has put the grants; NULL: they lie where they were. Thread: the
 * stepping one, and any once the child has left its node. */
uint64_t *supervisor_child_moved_grants(const struct supervisor_child *child);

#endif
