/* Supervisor actor: its state, shared by the files that make it up. Included by nobody else. */
#ifndef RUNTIME_SUPERVISOR_STATE_H
#define RUNTIME_SUPERVISOR_STATE_H

#include "runtime/agenda.h"
#include "runtime/child_link.h"
#include "runtime/event_log.h"
#include "runtime/internal.h"
#include "runtime/start_gate.h"
#include "runtime/supervisor_actor.h"
#include "runtime/timer.h"

/* Children one after the other, in supervised_child.next. */
struct child_chain {
    struct supervised_child *first, *last;
};

/* Where a child stands in its supervisor, beside its node. */
enum child_whereabouts { NOWHERE, IN_AGENDA, IN_ADMITTED, IN_REMOVED, GONE };

/* Everything here but a child's link and mailbox is touched in the supervisor's turn alone. */
struct supervisor {
    struct actor_system *system; /* Constant, as the next three. */
    airs_pid self;
    struct supervisor_options options;
    struct refstr *path;

    struct supervisor_node node;
    uint64_t *intensity_us;        /* The node's ring of grants, or NULL. */
    struct child_chain admitted;   /* ADMITTED is to be fed. */
    struct child_chain removed;    /* To be freed after the step. */
    struct agenda agenda;          /* What the children wait for. */
    uint32_t children;             /* For which the agenda has room. */
    struct timer timer;            /* Of the first that waits for a time, or earlier; */
    uint64_t timer_us;             /* UINT64_MAX: not armed. */
    struct start_ticket ticket;    /* Of all that wait for a start. */
    struct dependency_inbox inbox; /* Children whose dependencies have changed. */
    struct list untied;   /* Ties to siblings that are not there (supervised_dependencies.c). */
    struct list listings; /* supervisor_request.listing: a LIST that goes on in a later turn. */
    struct refstr *told_detail;    /* Of the failed probe, or the change, being told; borrowed. */
    struct actor_context *context; /* Of the turn under way. */
    bool at_rest; /* It is not coming back by itself: nor are those that stopped with it. */
    uint64_t random;
};

/* A child as its shell sees it; in memory that it shares with the child's actor (link). */
struct supervised_child {
    struct child_link link;
    struct refstr *path;
    uint64_t started_us;
    union {
        struct agenda_place agenda;    /* link.whereabouts: IN_AGENDA. */
        struct supervised_child *next; /* IN_ADMITTED, IN_REMOVED. */
    };
    struct supervisor_child node; /* Last: its ring of grants follows. Its policy is shared, its */
                                  /* `shell` is the user's. */
};

/** CONFIGURE: ENOMEM, and then nothing has changed. */
enum airs_status supervisor_configure(struct supervisor *supervisor,
                                      const struct node_policy *policy);
/** Takes one event, performs all that follows from it. */
enum node_reply supervisor_feed(struct supervisor *supervisor, struct node_event event);

/* supervised_child.c */
enum airs_status supervised_child_add(struct supervisor *supervisor,
                                      const struct supervisor_request *request);
/**
 * CHANGE: gives it the policy that equals that of the request, and room for its grants. ENOMEM, and
 * then nothing has changed.
 */
enum airs_status supervised_child_change(struct supervisor *supervisor,
                                         struct supervised_child *child,
                                         struct supervisor_request *request);
/** NULL: no child of this supervisor has that path. */
struct supervised_child *supervised_child_find(struct supervisor *supervisor,
                                               const struct refstr *path);
/** Ends everything that leads to it, and lets its actor end. Its memory stays for now. */
void supervised_child_detach(struct supervisor *supervisor, struct supervised_child *child);
/** Afterwards its memory is gone, or the actor's alone. */
void supervised_child_let_go(struct supervisor *supervisor, struct supervised_child *child);
struct child_view supervised_child_view(struct supervisor *supervisor,
                                        struct supervised_child *child, uint64_t now_us);

/* supervisor_waits.c: what the supervisor's timer, its ticket and its agenda do for a child. */
void supervisor_arm(struct supervisor *supervisor, struct supervised_child *child, uint64_t due_us);
/** It waits for nothing any more, and has no place among the starts. */
void supervisor_end_wait(struct supervisor *supervisor, struct supervised_child *child);
/** True: a start slot is granted; false: the child waits, and it has been said. */
bool supervisor_ask_start(struct supervisor *supervisor, struct supervised_child *child,
                          uint64_t due_us);
/** CONTROL_TIMER, CONTROL_ADMITTED. */
void supervisor_time_is_up(struct supervisor *supervisor);
void supervisor_let_in(struct supervisor *supervisor);
/** At the end of each turn: the timer stands at the first time that a child waits for. */
void supervisor_set_timer(struct supervisor *supervisor);

/* supervised_ties.c */
/** Something below `child` depends on `dependency`, which is or lies below a sibling. ENOMEM. */
enum airs_status supervised_child_tie(struct supervisor *supervisor, struct supervised_child *child,
                                      const struct refstr *dependency);
/** It does no more: once for each supervised_child_tie(). */
void supervised_child_untie(struct supervisor *supervisor, struct supervised_child *child,
                            const struct refstr *dependency);

/* supervised_dependencies.c */
/** What `child`, not yet in the node, depends on (referenced), and who depends on it. ENOMEM. */
enum airs_status supervised_dependencies_begin(struct supervisor *supervisor,
                                               struct supervised_child *child,
                                               struct refstr *const *paths, size_t size);
/** The child has left the node, or never entered it. */
void supervised_dependencies_end(struct supervisor *supervisor, struct supervised_child *child);
/**
 * Depends on `paths` (referenced, `size` of them) from now on, in place of what it depended on: a
 * child that waits goes on, or waits; one that is up minds nothing. ENOMEM: nothing has changed, or
 * the order of stops alone is lost. Thread: the supervisor's turn, not inside a step.
 */
enum airs_status supervised_child_set_dependencies(struct supervisor *supervisor,
                                                   struct supervised_child *child,
                                                   struct refstr *const *paths, size_t size);
/** CONTROL_DEPENDENCIES. */
void supervised_dependencies_take(struct supervisor *supervisor);
/** TELL_DEPENDANTS. */
void supervised_dependencies_tell(struct supervisor *supervisor, struct supervised_child *child,
                                  bool met, bool exited);
/** The first path that it waits for, or would; borrowed, NULL: none. */
struct refstr *supervised_dependencies_unmet(const struct supervised_child *child);
/** The dependency whose exit it follows; borrowed. */
struct refstr *supervised_dependencies_exited(const struct supervised_child *child);

/* supervisor_events.c */
/** NOTIFY: writes the event, and lets the child's mail follow its state. */
void supervisor_notify(struct supervisor *supervisor, const struct node_action *action);
/** The supervisor has come to rest: mail that was held for its return becomes dead letters. */
void supervisor_bury(struct supervisor *supervisor);
/** What `child` waits for has changed: the start gate, or the next dependency. */
void supervisor_notify_waiting(struct supervisor *supervisor, struct supervised_child *child);
/** The path that `decision`, its supervisor_child_decision(), goes back to, or its exit as `escalated`;
 * borrowed, NULL: none, or it is not known any more. */
struct refstr *supervised_child_cause(const struct supervisor *supervisor,
                                      const struct supervised_child *child,
                                      enum child_decision decision);
/** What a child waits for, as events and views say it; borrowed, NULL: nothing. */
struct refstr *supervisor_waits_for(const struct supervisor *supervisor,
                                    const struct supervised_child *child, enum child_wait wait);
/** Of an escalation: the path of the child that caused it (borrowed) and a text (owned). */
struct refstr *supervisor_cause_path(const struct supervisor *supervisor);
struct refstr *supervisor_cause_text(const struct supervisor *supervisor);

/* supervisor_request.c */
enum airs_status supervisor_request_status(enum node_reply reply);
void supervisor_answer(struct supervisor *supervisor, struct supervisor_request *request);
/** `child` has left the node: listings that were to go on with it go on with what stood behind. */
void supervisor_listings_skip(struct supervisor *supervisor, const struct supervised_child *child,
                              struct list *behind);

static inline struct supervised_child *
supervised_child_of(struct supervisor_child *node)
{
    return container_of(node, struct supervised_child, node);
}

#endif
