/* Simulator: whole trees of supervisor nodes under a virtual clock and a seed.
 *
 * The shell here plays the runtime's part (runtime/supervisor_actor): start gate, timers,
 * instances that start, hang, crash, and end well or badly when asked to, messages between
 * nodes that take their time and cross. It also delivers what a real shell cannot rule out:
 * timers already disarmed and reports of earlier generations.
 *
 * A ledger beside each child is filled from the node's events alone and keeps its own count
 * of states, lived time, grants and n; sim_check.c compares it with the node after each step.
 *
 * A run is made of items: the children of the tree, what happens to them by hand, and how each
 * of their instances lives. Each item makes its choices out of its own stream of numbers, so a
 * run can be repeated with some items left out and the others unchanged; sim_minimize.c leaves
 * out of a failing run what is not needed for its failure.
 *
 * sim.h: what is where · sim_tree.c: random trees and policies · sim_shell.c: actions and
 * the queue · sim_ledger.c: the reference · sim_check.c: invariants · sim_run.c: one run ·
 * sim_script.c: what happens when · sim_item.c: items and their choices · sim_instance.c: what a
 * component does once started · sim_health.c: its probes · sim_minimize.c: minimal traces ·
 * sim_write.c: traces, and manifest and events for tests/e2e/oracle.py.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "supervision/health_monitor.h"
#include "supervision/child_ties.h"
#include "supervision/supervisor_node.h"

#define SIM_EPOCH_US UINT64_C(5000000) /* The virtual clock does not begin at 0. */
#define SIM_LATENCY_US UINT64_C(10)    /* Between a node and its parent, both ways. */
#define SIM_KILL_US UINT64_C(2000)     /* The most that a killed instance takes to be gone. */
#define SIM_PLAIN_US UINT64_C(1000) /* What a life that was left out takes to start, and to stop. */
#define SIM_CHILDREN_MAX 256
#define SIM_LOOK_US UINT64_C(100) /* The most until a dependant hears of its dependency. */
#define SIM_DEPENDENCIES_MAX 3
#define SIM_PATH_SIZE 96
#define SIM_TRACE_LINES 400

struct sim_node;

#define SIM_HAPPENINGS_MAX 400
#define SIM_NOTE_SIZE 160

/* What a run is made of. `key` is a child's, or the happening's; `number` a life's generation,
 * which lives as generation `as` did before others were left out. */
enum sim_item_kind { ITEM_CHILD, ITEM_HAPPENING, ITEM_LIFE };
#define SIM_ITEM_KINDS 3

struct sim_item {
    enum sim_item_kind kind;
    uint32_t key;
    uint32_t number;
    uint32_t as;
};

/* An item that a run came by, and in words what it is. */
struct sim_used {
    struct sim_item item;
    char note[SIM_NOTE_SIZE];
};

/* What a choice is about: each has a stream of numbers of its own. */
enum sim_topic {
    TOPIC_TREE,
    TOPIC_NODE,
    TOPIC_CHILD,
    TOPIC_SCRIPT,
    TOPIC_LIFE,
    TOPIC_STOP,
    TOPIC_KILL,
    TOPIC_PROBE,
    TOPIC_TIMER,
    TOPIC_TICKET,
    TOPIC_DEPENDENCIES,
    TOPIC_LOOK,
    TOPIC_CHANGE
};

/* Where choices come from: a seed, or a fuzzer's bytes until they are used up (then 0). */
struct sim_source {
    uint64_t seed;
    uint64_t stream; /* Of the topic in hand. */
    const uint8_t *bytes;
    size_t size;
    size_t used;
};

enum sim_credit { CREDIT_NONE, CREDIT_FIRST, CREDIT_GRANT, CREDIT_UNCOUNTED };

/* What the events of a child say about it. */
struct sim_ledger {
    bool known; /* Registered. */
    enum child_state state;
    uint32_t generation;
    bool ready;
    uint64_t ready_since_us;
    uint64_t lived_us;
    uint64_t born_lived_us;
    uint64_t *grants; /* Lived times since registered or reset. */
    size_t grants_size, grants_capacity;
    size_t forgotten; /* So many of the first had no room in a budget that was changed. */
    uint32_t attempt;
    bool on_trial;        /* Changed, and not ready or at rest since. */
    bool keeps_timer;     /* Changed: the timer of its state is that of the policy before. */
    uint64_t shutdown_us; /* Of the stop under way. */
    bool taken;      /* Along by a sibling's restart; it has not started or come to rest since. */
    bool in_group;   /* Waits for its turn, or had it and is not ready yet. */
    bool exited;     /* What follows the exit has not been told yet. */
    bool escalates;  /* It failed, and ends its supervisor: that is told next. */
    bool by_request; /* Stopped so. */
    struct exit_info exit;
    enum sim_credit credit; /* The start that is due to it. */
    uint64_t not_before_us; /* Of that start. */
    uint64_t starting_us;   /* When it began to start. */
    uint64_t stopping_us;   /* When it began to stop. */
    bool stops_by_hand;
    uint64_t starts, given[CREDIT_UNCOUNTED + 1], cancelled;
};

struct sim_instance {
    bool alive;
    uint32_t generation;
    bool started;  /* STARTED was delivered. */
    uint32_t plan; /* What is planned under another number has been called off. */
    bool is_plain; /* Left out of the run: it starts, and does nothing wrong. */
    size_t used;   /* Its place among the items of this run; meaningful unless is_plain. */
    uint32_t as;   /* Whose choices it makes. */
};

/* What else must have come about, in all. The grants are in the order of the strategies.
 * X(NAME, "name") */
#define SIM_OUTCOME_LIST(X)                               \
    X(ONE_FOR_ONE, "granted under one-for-one")           \
    X(ONE_FOR_ALL, "granted under one-for-all")           \
    X(REST_FOR_ONE, "granted under rest-for-one")         \
    X(PREDICATE, "granted under a predicate")             \
    X(TAKEN, "taken along by a sibling")                  \
    X(SHORTER, "delay shortened by jitter")               \
    X(LONGER, "delay lengthened by jitter")               \
    X(POOL, "waited for a place")                         \
    X(TURN, "waited for its turn")                        \
    X(DEPENDENCY, "waited for a dependency")              \
    X(FOLLOWED, "stopped with a dependency")              \
    X(ESCALATED, "escalated")                             \
    X(AUTO_SHUTDOWN, "supervisor ended by auto-shutdown") \
    X(IGNORED, "start answered with ignore")

enum sim_outcome {
#define SIM_OUTCOME_ENUM(name, text) OUTCOME_##name,
    SIM_OUTCOME_LIST(SIM_OUTCOME_ENUM)
#undef SIM_OUTCOME_ENUM
};
#define SIM_OUTCOMES 14

/* What probes came to, in all. X(NAME, "name") */
#define SIM_PROBE_LIST(X)                \
    X(PASSED, "passed")                  \
    X(DEGRADED, "degraded")              \
    X(UNKNOWN, "unknown")                \
    X(UNHEALTHY, "unhealthy")            \
    X(HUNG, "hung")                      \
    X(LATE_PASS, "late, passed")         \
    X(LATE_OTHER, "late, and failed")    \
    X(UNCOUNTED, "in the start period")  \
    X(BEAT, "heartbeat")                 \
    X(NO_BEAT, "no heartbeat")           \
    X(NOT_READY, "readiness taken")      \
    X(SILENT, "beyond its last failure") \
    X(ENDED, "ended as unhealthy")

enum sim_probe {
#define SIM_PROBE_ENUM(name, text) PROBE_##name,
    SIM_PROBE_LIST(SIM_PROBE_ENUM)
#undef SIM_PROBE_ENUM
};
#define SIM_PROBES 13

/* The probes of an instance: the monitor, and beside it what semantics.md expects of it. */
struct sim_health {
    struct health_monitor monitor;
    uint32_t timer_serial;
    uint32_t asked;   /* Probes, or lines, of this instance. */
    bool is_in_hand;  /* A probe is called and has not answered. */
    bool has_failed;  /* That one, already. */
    bool has_passed;  /* One of this instance. */
    bool is_degraded; /* By the last word. */
    bool ready;
    uint32_t failures; /* In a row, counted. */
    uint64_t started_us;
    uint64_t begun_us;
    uint64_t next_us; /* When it is probed again, or fails. */
};

enum sim_ticket { TICKET_NONE, TICKET_WAITING, TICKET_GRANTED, TICKET_HELD };

/* How likely, in percent, and how fast the instances of a child do what. */
struct sim_temper {
    unsigned start_fails, start_hangs, load_error, ends_normally, ignores_stop;
    unsigned ignores_start; /* A native child's answer. */
    unsigned probe_fails, probe_hangs;
    uint64_t start_us, life_us, stop_us;
};

/* What a child depends on, and what was told of it. */
struct sim_dependencies {
    struct sim_child *on[SIM_DEPENDENCIES_MAX]; /* NULL: of one that there never is. */
    uint32_t exits[SIM_DEPENDENCIES_MAX];       /* Of each, as seen last. */
    struct child_tie tie[SIM_DEPENDENCIES_MAX];
    size_t size;
    bool look_is_due; /* A message is on its way. */
    bool looks_now;
    bool has_changed; /* While it ran: no manifest tells of it. */
    uint32_t looks;
    struct child_ties ties;
    bool is_told; /* Of this child, from when somebody depended on it. */
    bool is_met;
    uint64_t lost_us;
    uint32_t exited;
};

struct sim_child {
    struct supervisor_child *child;
    struct child_policy policy;
    struct child_policy *changed; /* `policy`, as the node was given it. */
    uint64_t *changed_us;         /* The ring that went with it; NULL: that of before any change. */
    struct sim_temper temper;
    struct sim_node *parent;
    struct sim_node *node; /* A supervisor's own. */
    char path[SIM_PATH_SIZE];
    uint32_t key; /* In the order of making, whoever was left out. */
    size_t place; /* The same, which is the order of the siblings. */
    bool has_health, is_heartbeat;
    struct health_policy health_policy;
    struct sim_health health;
    bool removed;
    bool kill_asked; /* By hand, of the current instance. */
    struct sim_instance instance;
    bool timer_armed;
    uint64_t timer_us;
    uint32_t timer_serial;
    enum sim_ticket ticket;
    uint32_t ticket_serial;
    uint64_t ticket_us, ticket_order;
    bool ticket_waited;
    struct sim_dependencies dependencies;
    struct sim_ledger ledger;
};

struct sim_node {
    struct supervisor_node node;
    struct sim_child *self; /* NULL: the root. */
    uint32_t generation;    /* Of `self`, since its START. */
    uint64_t *intensity_us; /* The ring that the node is given. */
    unsigned template_size; /* Of its children, by their keys; 1: none are fellows. */
    bool is_reordered;    /* By hand, whatever depends on what: a manifest's order respects that. */
    bool is_reconfigured; /* Its strategy was another: an order that began is finished. */
    uint64_t *grants_us;  /* Every grant since it started or was reset, by time. */
    size_t grants_size, grants_capacity;
};

/* What a message is: a step of its node, or something of the subject's probes. */
enum sim_errand {
    ERRAND_STEP,
    ERRAND_LOOK,
    ERRAND_HEALTH_START,
    ERRAND_HEALTH_TIMER,
    ERRAND_PROBE,
    ERRAND_ANSWER,
    ERRAND_LINE
};

struct sim_message {
    uint64_t time_us, order;
    enum sim_errand errand;
    struct sim_node *node;     /* Whose step this is. */
    struct sim_child *subject; /* NULL: the whole node. */
    struct node_event event;
    uint32_t serial; /* Plan, timer or ticket; of ANSWER and LINE: of which probe. */
    uint32_t plan;   /* Of an errand. */
    enum health_answer answer;
};

struct sim_options {
    bool verbose;    /* Print the trace as it grows. */
    bool notes;      /* Say of each item what it is. */
    bool is_reduced; /* Nothing but the `keep_size` items at `keep`, which are sorted. */
    const struct sim_item *keep;
    size_t keep_size;
    FILE *events; /* JSON lines, if any. */
    FILE *manifest;
};

struct sim {
    struct sim_source source;
    struct sim_options options;
    uint64_t now_us, order;
    struct sim_node *root;
    struct sim_node *nodes[SIM_CHILDREN_MAX];
    size_t nodes_size;
    struct sim_child *children[SIM_CHILDREN_MAX]; /* In the order of their making. */
    size_t children_size;
    uint32_t keys;       /* Children of the tree so far, those left out included. */
    size_t tree_size;    /* Children of the tree, those left out not counted. */
    unsigned tree_depth; /* Supervisors one below the other, the root not counted. */
    uint32_t node_keys[SIM_CHILDREN_MAX]; /* Which of them are supervisors. */
    size_t node_keys_size;
    uint32_t added_keys[SIM_HAPPENINGS_MAX]; /* Those that the script adds. */
    size_t added_keys_size;
    struct sim_used *used;
    size_t used_size, used_capacity;
    struct sim_message *queue; /* A heap by time and order. */
    size_t queue_size, queue_capacity;
    unsigned slots_max, slots_used;
    bool failed;
    char failure[512];
    const char *failure_kind; /* Its format: the same for the same invariant. */
    char lines[SIM_TRACE_LINES][192];
    uint64_t lines_written;
    uint64_t seq;
    /* Of the step under way. */
    struct sim_node *stepping;
    const struct node_event *event;
    const struct sim_child *granted; /* Who was granted a restart. */
    bool was_running;                /* The node, before it. */
    size_t last_start, last_stop;    /* Places, of those that it started or stopped as a whole. */
    /* What is reported. */
    uint64_t steps, restarts;
    uint64_t outcomes[SIM_OUTCOMES];
    uint64_t coverage[CHILD_STATES][NODE_EVENTS];
    uint64_t probes[SIM_PROBES];
};

/* Runs one simulation from `source`; false when an invariant broke: sim->failure says which,
 * and sim->lines how it came to it. Ends with sim_deinit() in any case. */
bool sim_run(struct sim *sim, struct sim_source source, struct sim_options options);
void sim_deinit(struct sim *sim);
/* Prints failure and trace. */
void sim_print_failure(const struct sim *sim, FILE *file);

/* Choices: in [0, limit), and true in `percent` of the cases. */
uint64_t sim_random(struct sim *sim, uint64_t limit);
bool sim_chance(struct sim *sim, unsigned percent);
bool sim_source_is_used_up(const struct sim *sim);
/* The time goes on to `until_us`, or nothing more can happen. */
void sim_pass(struct sim *sim, uint64_t until_us);
bool sim_is_cut_off(const struct sim *sim);

/* sim_item.c */

/* The choices that follow are about this. */
void sim_turn_to(struct sim *sim, enum sim_topic topic, uint64_t key, uint64_t number);
#define SIM_LEFT_OUT SIZE_MAX
/* Takes an item into the run: its place in sim->used, or SIM_LEFT_OUT. */
size_t sim_take(struct sim *sim, enum sim_item_kind kind, uint32_t key, uint32_t number);
/* Adds to what is said of it, if notes are wanted. */
void sim_note(struct sim *sim, size_t used, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int sim_item_compare(const void *a, const void *b);

/* sim_script.c */
void sim_start_root(struct sim *sim);
void sim_stop_root(struct sim *sim);
/* All that happens by hand while the tree lives. */
void sim_script_play(struct sim *sim);

/* sim_tree.c, for changes */
struct child_policy sim_random_policy(struct sim *sim, bool is_supervisor);

/* sim_change.c: what a reload does. */
void sim_change_policy(struct sim *sim, struct sim_child *subject);
void sim_change_place(struct sim *sim, struct sim_child *subject);
void sim_change_node(struct sim *sim, struct sim_node *node);
/* Numbers the siblings of `subject`, which is about to stand in front of `before`. */
void sim_change_places(struct sim_child *subject, const struct supervisor_child *before);
/* Another child of the node; NULL: none, or the end. */
struct supervisor_child *sim_change_before(struct sim *sim, const struct sim_node *node,
                                           const struct sim_child *subject);

/* sim_minimize.c */

/* Makes a failing run smaller while it fails in the same way, and prints what is left, with its
 * trace; into `file`, too, unless NULL, for sim_replay(). */
void sim_minimize(const struct sim *failed, FILE *file);
/* Repeats what sim_minimize() wrote; 0: it holds, 1: it fails, 2: not understood. */
int sim_replay(FILE *file);

/* Records the first broken invariant. */
#define sim_require(sim, condition, ...)  \
    do {                                  \
        if (!(condition))                 \
            sim_fail((sim), __VA_ARGS__); \
    } while (0)
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* sim_tree.c */
void sim_tree_build(struct sim *sim);
/* A new child of `parent`, not yet in its node; NULL when there are too many, or it is left out. */
struct sim_child *sim_child_new(struct sim *sim, struct sim_node *parent, uint32_t key,
                                bool is_supervisor);
/* NULL: left out, or not made yet. */
struct sim_child *sim_child_find(const struct sim *sim, uint32_t key);
struct sim_child *sim_child_of(const struct supervisor_child *child);
/* Whether a restart of `failed` takes `other`, a sibling, along; by the strategy's definition. */
bool sim_affects(const struct sim_child *failed, const struct sim_child *other);
/* Whether both are members of one template of their node. */
bool sim_are_fellows(const struct supervisor_child *one, const struct supervisor_child *other);

/* sim_shell.c */
void sim_step(struct sim *sim, struct sim_node *node, struct node_event event);
void sim_send(struct sim *sim, uint64_t delay_us, struct sim_node *node, struct sim_child *subject,
              struct node_event event, uint32_t serial);
/* The same for an errand of `subject`, under its plan of now. */
void sim_send_errand(struct sim *sim, uint64_t delay_us, struct sim_child *subject,
                     enum sim_errand errand, uint32_t serial, enum health_answer answer);
/* Takes and delivers the earliest message if it is due by `until_us`. */
bool sim_deliver(struct sim *sim, uint64_t until_us);

/* sim_instance.c: what a component's instance does. */
void sim_instance_start(struct sim *sim, struct sim_child *subject, uint32_t generation);
void sim_instance_stop(struct sim *sim, struct sim_child *subject);
void sim_instance_kill(struct sim *sim, struct sim_child *subject);

/* What its supervisor is told. */
void sim_instance_report(struct sim *sim, struct sim_child *subject, uint64_t delay_us,
                         struct node_event event);
/* In [50, 50 + 2 · us): around `us`. */
uint64_t sim_about(struct sim *sim, uint64_t us);

/* sim_health.c: its probes, by the real monitor. */
void sim_health_policy(struct sim *sim, struct sim_child *subject);
void sim_health_take(struct sim *sim, struct sim_child *subject, const struct sim_message *message);
/* It ends, or is asked to: nothing of its probes may follow. */
void sim_health_end(struct sim_child *subject);

/* sim_ledger.c: takes an event, checks that it may come now. */
void sim_ledger_take(struct sim *sim, struct sim_child *subject, const struct node_action *action);
uint64_t sim_ledger_lived_us(const struct sim_ledger *ledger, uint64_t now_us);
uint32_t sim_ledger_used(const struct sim_child *subject, uint64_t lived_us);

/* sim_check.c: the invariants of one node, after a whole step, and of all at the end. */
void sim_check_node(struct sim *sim, struct sim_node *node);
/* Under one-for-one a start, and a stop, of all goes in order, or in reverse, within one step. */
void sim_check_start_order(struct sim *sim, const struct sim_child *subject);
void sim_check_stop_order(struct sim *sim, const struct sim_child *subject);
/* A start that is asked for in the order of siblings: those before it are done. */
void sim_check_turn(struct sim *sim, const struct sim_child *subject);
void sim_check_end(struct sim *sim);
/* The delay before the restart that was granted, or before one on trial, is what the formula says. */
void sim_check_delay(struct sim *sim, const struct sim_child *subject, uint64_t delay_us);
/* `subject` has ended by itself: its supervisor ends if it is to, and not otherwise. */
void sim_check_auto_shutdown(struct sim *sim, const struct sim_child *subject);

/* sim_dependency.c */

/* What `subject`, not yet in its node, depends on. */
void sim_dependencies_begin(struct sim *sim, struct sim_child *subject);
/* It depends on others from now on. */
void sim_dependencies_change(struct sim *sim, struct sim_child *subject);
void sim_dependencies_tell(struct sim *sim, struct sim_child *subject,
                           const struct node_action *action);
/* It has left its node, and all below it with it. */
void sim_dependencies_end(struct sim *sim, struct sim_child *subject);
/* A look at the table is due. */
void sim_dependencies_look(struct sim *sim, struct sim_child *subject);
/* The first that is not met; `path_out` is its path. False: all are. */
bool sim_dependencies_unmet(const struct sim_child *subject, const char **path_out);
/* The one whose exit `subject` follows. */
const char *sim_dependencies_exited(const struct sim_child *subject);
void sim_dependencies_check(struct sim *sim, const struct sim_child *subject);
/* It is about to start: all is met, as far as it can know. */
void sim_dependencies_check_start(struct sim *sim, const struct sim_child *subject);
/* It is asked to stop, with its node, under one-for-one. */
void sim_dependencies_check_stop(struct sim *sim, const struct sim_child *subject);

/* sim_write.c */
void sim_write_line(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_write_action(struct sim *sim, const struct node_action *action);
void sim_write_event(struct sim *sim, const struct sim_child *subject,
                     const struct node_action *action);
void sim_write_waiting(struct sim *sim, const struct sim_child *subject);
void sim_write_application(struct sim *sim, const char *event);
void sim_write_manifest(struct sim *sim);

#endif
