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
 * sim.h: what is where · sim_tree.c: random trees and policies · sim_shell.c: actions and
 * the queue · sim_ledger.c: the reference · sim_check.c: invariants · sim_run.c: what happens
 * when · sim_instance.c: what a component does once started · sim_write.c: traces, and
 * manifest and events for tests/e2e/oracle.py.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "supervision/supervisor_node.h"

#define SIM_EPOCH_US UINT64_C(5000000) /* The virtual clock does not begin at 0. */
#define SIM_LATENCY_US UINT64_C(10)    /* Between a node and its parent, both ways. */
#define SIM_KILL_US UINT64_C(2000)     /* The most that a killed instance takes to be gone. */
#define SIM_CHILDREN_MAX 256
#define SIM_PATH_SIZE 96
#define SIM_TRACE_LINES 400

struct sim_node;

/* Where choices come from: a seed, or a fuzzer's bytes until they are used up (then 0). */
struct sim_source {
    uint64_t seed;
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
    uint32_t attempt;
    bool taken;    /* Along by a sibling's restart; it has not started or come to rest since. */
    bool in_group; /* Waits for its turn, or had it and is not ready yet. */
    bool exited; /* What follows the exit has not been told yet. */
    struct exit_info exit;
    enum sim_credit credit; /* The start that is due to it. */
    uint64_t not_before_us; /* Of that start. */
    uint64_t stopping_us;   /* When it began to stop. */
    bool stops_by_hand;
    uint64_t starts, given[CREDIT_UNCOUNTED + 1], cancelled;
};

struct sim_instance {
    bool alive;
    uint32_t generation;
    bool started;  /* STARTED was delivered. */
    uint32_t plan; /* What is planned under another number has been called off. */
};

enum sim_ticket { TICKET_NONE, TICKET_WAITING, TICKET_GRANTED, TICKET_HELD };

/* How likely, in percent, and how fast the instances of a child do what. */
struct sim_temper {
    unsigned start_fails, start_hangs, load_error, ends_normally, ignores_stop;
    uint64_t start_us, life_us, stop_us;
};

struct sim_child {
    struct supervisor_child *child;
    struct child_policy policy;
    struct sim_temper temper;
    struct sim_node *parent;
    struct sim_node *node; /* A supervisor's own. */
    char path[SIM_PATH_SIZE];
    size_t place; /* In the order of making, which is that of the siblings. */
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
    struct sim_ledger ledger;
};

struct sim_node {
    struct supervisor_node node;
    struct sim_child *self; /* NULL: the root. */
    uint32_t generation;    /* Of `self`, since its START. */
    uint64_t *intensity_us; /* The ring that the node is given. */
    uint64_t *grants_us;    /* Every grant since it started or was reset, by time. */
    size_t grants_size, grants_capacity;
};

struct sim_message {
    uint64_t time_us, order;
    struct sim_node *node;     /* Whose step this is. */
    struct sim_child *subject; /* NULL: the whole node. */
    struct node_event event;
    uint32_t serial; /* Plan, timer or ticket. */
};

struct sim_options {
    bool verbose; /* Print the trace as it grows. */
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
    struct sim_message *queue; /* A heap by time and order. */
    size_t queue_size, queue_capacity;
    unsigned slots_max, slots_used;
    bool failed;
    char failure[512];
    char lines[SIM_TRACE_LINES][192];
    uint64_t lines_written;
    uint64_t seq;
    /* Of the step under way. */
    struct sim_node *stepping;
    const struct node_event *event;
    const struct sim_child *granted; /* Who was granted a restart. */
    /* What is reported. */
    uint64_t steps, restarts;
    uint64_t coverage[CHILD_STATES][NODE_EVENTS];
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

/* Records the first broken invariant. */
#define sim_require(sim, condition, ...)  \
    do {                                  \
        if (!(condition))                 \
            sim_fail((sim), __VA_ARGS__); \
    } while (0)
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* sim_tree.c */
void sim_tree_build(struct sim *sim);
/* A new child of `parent`, not yet in its node; NULL when there are too many. */
struct sim_child *sim_child_new(struct sim *sim, struct sim_node *parent, bool is_supervisor);
struct sim_child *sim_child_of(const struct supervisor_child *child);
/* Whether a restart of `failed` takes `other`, a sibling, along; by the strategy's definition. */
bool sim_affects(const struct sim_child *failed, const struct sim_child *other);

/* sim_shell.c */
void sim_step(struct sim *sim, struct sim_node *node, struct node_event event);
void sim_send(struct sim *sim, uint64_t delay_us, struct sim_node *node, struct sim_child *subject,
              struct node_event event, uint32_t serial);
/* Takes and delivers the earliest message if it is due by `until_us`. */
bool sim_deliver(struct sim *sim, uint64_t until_us);

/* sim_instance.c: what a component's instance does. */
void sim_instance_start(struct sim *sim, struct sim_child *subject, uint32_t generation);
void sim_instance_stop(struct sim *sim, struct sim_child *subject);
void sim_instance_kill(struct sim *sim, struct sim_child *subject);

/* sim_ledger.c: takes an event, checks that it may come now. */
void sim_ledger_take(struct sim *sim, struct sim_child *subject, const struct node_action *action);
uint64_t sim_ledger_lived_us(const struct sim_ledger *ledger, uint64_t now_us);
uint32_t sim_ledger_used(const struct sim_child *subject, uint64_t lived_us);

/* sim_check.c: the invariants of one node, after a whole step, and of all at the end. */
void sim_check_node(struct sim *sim, struct sim_node *node);
/* A start that is asked for in the order of siblings: those before it are done. */
void sim_check_turn(struct sim *sim, const struct sim_child *subject);
void sim_check_end(struct sim *sim);

/* sim_write.c */
void sim_write_line(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_write_action(struct sim *sim, const struct node_action *action);
void sim_write_event(struct sim *sim, const struct sim_child *subject,
                     const struct node_action *action);
void sim_write_waiting(struct sim *sim, const struct sim_child *subject);
void sim_write_application(struct sim *sim, const char *event);
void sim_write_manifest(struct sim *sim);

#endif
