/* Component supervisor: what the user asked for, and the record of what happened.
 *
 * Every start, stop and restart of the program passes through here to the bridge. For each
 * child it keeps a SupervisionHandle: restarts, a bounded history of exits, the last state.
 * A handle is filled from events alone (component_supervisor_on_event) and feeds no
 * decision; without the events of the bridge it stays as it was registered.
 *
 * Thread: every function from any thread. One lock, held for a few instructions and never
 * across a call of the bridge.
 */
#ifndef POLICY_COMPONENT_SUPERVISOR_H
#define POLICY_COMPONENT_SUPERVISOR_H

#include "base/refstr.h"
#include "policy/supervisor_bridge.h"

/* Exits that a handle remembers; an older one is overwritten. */
#define SUPERVISION_HISTORY_MAX 16

/* One exit of a child. */
struct supervision_record {
    uint64_t time_us; /* Monotonic. */
    uint64_t seq;
    uint32_t generation;
    struct exit_info exit;
    struct refstr *detail; /* NULL without; one reference. */
    bool restarted;        /* A restart was granted. */
    uint64_t delay_us;     /* Of that restart. */
};

/* What the events have said of one child. */
struct supervision_handle {
    struct refstr *path;
    enum child_state state; /* As of the last event. */
    bool ready;
    uint32_t generation;
    uint32_t restart_count;   /* Grants since registered or reset. */
    uint64_t exits_total;     /* Also those that the history has forgotten. */
    uint64_t started_us;      /* Of the last `started`; 0: never. */
    uint64_t last_restart_us; /* Of the last `restart-scheduled`; 0: never. */
    uint64_t last_seq;
    size_t history_size; /* At most SUPERVISION_HISTORY_MAX. */
    struct supervision_record history[SUPERVISION_HISTORY_MAX]; /* Oldest first, in a copy. */
};

/* An event of the tree, as far as a handle takes it in. Borrowed during the call. */
struct supervision_event {
    uint64_t seq;
    uint64_t time_us;
    const char *path;
    enum event_type type;
    enum child_state state;
    uint32_t generation;
    uint32_t restarts;
    bool has_exit;
    struct exit_info exit;
    struct refstr *detail;
    uint64_t delay_us;
};

struct component_supervisor;

/** Ownership: `bridge` is borrowed and outlives it. AIRS_ENOMEM. */
enum airs_status component_supervisor_new(struct supervisor_bridge *bridge,
                                          struct component_supervisor **supervisor_out,
                                          struct airs_error *error);
/** Frees the handles. No event and no call may be under way. NULL is allowed. */
void component_supervisor_free(struct component_supervisor *supervisor);

/**
 * Puts a child under supervision: a handle here, a child of `parent_path` there.
 *
 * Arguments and errors as register_component of the bridge; on failure no handle stays.
 */
enum airs_status component_supervisor_supervise(struct component_supervisor *supervisor,
                                                const char *parent_path, const char *path,
                                                const struct supervisor_config *config,
                                                const struct child_spec *spec,
                                                struct airs_error *error);

/** The same with all that a bridge can be told of a child. Thread, blocks: as there. */
enum airs_status component_supervisor_supervise_child(struct component_supervisor *supervisor,
                                                      const struct bridge_child *child,
                                                      struct airs_error *error);
/** A supervisor that was put under supervision apart: as in supervisor_bridge.h. */
enum airs_status component_supervisor_attach(struct component_supervisor *supervisor,
                                             const char *path, struct airs_error *error);
void component_supervisor_abandon(struct component_supervisor *supervisor, const char *path);

/** Changes and moves: as in supervisor_bridge.h. */
enum airs_status component_supervisor_change(struct component_supervisor *supervisor,
                                             const char *path, const struct bridge_change *change,
                                             uint32_t *generation_out, struct airs_error *error);
enum airs_status component_supervisor_move(struct component_supervisor *supervisor,
                                           const char *path, const char *before_path,
                                           struct airs_error *error);

/** The verbs: as in supervisor_bridge.h. Thread: any.  Blocks: no. */
void component_supervisor_start(struct component_supervisor *supervisor, const char *path,
                                struct bridge_completion completion);
void component_supervisor_stop(struct component_supervisor *supervisor, const char *path,
                               uint64_t timeout_us, struct bridge_completion completion);
void component_supervisor_restart(struct component_supervisor *supervisor, const char *path,
                                  struct bridge_completion completion);
void component_supervisor_kill(struct component_supervisor *supervisor, const char *path,
                               struct bridge_completion completion);
void component_supervisor_reset(struct component_supervisor *supervisor, const char *path,
                                struct bridge_completion completion);
/** Its handle is gone with its event `deleted`; `config` and `spec` stay the caller's. */
void component_supervisor_delete(struct component_supervisor *supervisor, const char *path,
                                 struct bridge_completion completion);
void component_supervisor_start_all(struct component_supervisor *supervisor,
                                    struct bridge_completion completion);
void component_supervisor_stop_all(struct component_supervisor *supervisor, uint64_t timeout_us,
                                   struct bridge_completion completion);
void component_supervisor_kill_all(struct component_supervisor *supervisor,
                                   struct bridge_completion completion);
void component_supervisor_count_children(struct component_supervisor *supervisor, const char *path,
                                         struct bridge_counting counting);
void component_supervisor_list(struct component_supervisor *supervisor, const char *path,
                               struct bridge_listing listing);

/** The state that the child's node has shown last; false: no such path. Thread: any.
 * Blocks: no. */
bool component_supervisor_query_state(struct component_supervisor *supervisor, const char *path,
                                      component_supervision_state *state_out);

/** Takes in one event; an unknown path is ignored. Thread: any, events in their order.
 * Allocates: at the first exit of a child; without memory its exits are counted, and forgotten. */
void component_supervisor_on_event(struct component_supervisor *supervisor,
                                   const struct supervision_event *event);

/** Copies the handle of `path`, for supervision_handle_deinit(); false: no such path, or no memory. */
bool component_supervisor_get_handle(struct component_supervisor *supervisor, const char *path,
                                     struct supervision_handle *handle_out);
void supervision_handle_deinit(struct supervision_handle *handle);

/** Whether `path` is under supervision. Thread: any.  Blocks: no. */
bool component_supervisor_has(struct component_supervisor *supervisor, const char *path);

/** Children under supervision. */
size_t component_supervisor_count(struct component_supervisor *supervisor);

#endif
