/* State table: what each event does to a child in each state. One table, checked by eye
 * against semantics.md, "Child states" and "By hand"; the step dispatches through it, and
 * the simulator counts it. An empty place: ignored, and counted.
 */
#include <assert.h>

#include "supervision/node_step.h"

static transition *const state_table[CHILD_STATES][NODE_EVENTS] = {
    [CHILD_REGISTERED] = {
        [NODE_ADD] = child_added,
        [NODE_START_ALL] = child_start_first,
        [NODE_STOP_ALL] = child_stop_wait_all,
        [NODE_KILL_ALL] = child_stop_wait_all,
        [NODE_ADMITTED] = child_admitted,
        [NODE_EXITED] = child_load_failed,
        [NODE_DEPENDENCY_MET] = child_dependency_met,
        [NODE_DEPENDENCY_LOST] = child_dependency_lost,
        [NODE_START] = child_already_due,
        [NODE_STOP] = child_stop_wait,
        [NODE_RESTART] = child_already_due,
        [NODE_KILL] = child_answer_not_running,
        [NODE_RESET] = child_reset,
        [NODE_DELETE] = child_delete,
        [NODE_RESET_ALL] = child_reset,
        [NODE_GROUP] = child_group_wait,
    },
    [CHILD_RESTARTING] = {
        [NODE_START_ALL] = child_start_now,
        [NODE_STOP_ALL] = child_stop_wait_all,
        [NODE_KILL_ALL] = child_stop_wait_all,
        [NODE_ADMITTED] = child_admitted,
        [NODE_EXITED] = child_load_failed,
        [NODE_TIMER] = child_delay_over,
        [NODE_DEPENDENCY_MET] = child_dependency_met,
        [NODE_DEPENDENCY_LOST] = child_dependency_lost,
        [NODE_START] = child_start_now,
        [NODE_STOP] = child_stop_wait,
        [NODE_RESTART] = child_start_now,
        [NODE_KILL] = child_answer_not_running,
        [NODE_RESET] = child_reset,
        [NODE_DELETE] = child_delete,
        [NODE_RESET_ALL] = child_reset,
        [NODE_GROUP] = child_group_wait,
    },
    [CHILD_STARTING] = {
        [NODE_STOP_ALL] = child_stop_all,
        [NODE_KILL_ALL] = child_kill_all,
        [NODE_STARTED] = child_started,
        [NODE_EXITED] = child_exited,
        [NODE_TIMER] = child_timed_out,
        [NODE_DEPENDENCY_MET] = child_note_met,
        [NODE_DEPENDENCY_LOST] = child_note_lost,
        [NODE_DEPENDENCY_EXITED] = child_dependency_exited,
        [NODE_START] = child_answer_running,
        [NODE_STOP] = child_stop,
        [NODE_RESTART] = child_restart,
        [NODE_KILL] = child_kill,
        [NODE_RESET] = child_reset,
        [NODE_DELETE] = child_delete_live,
        [NODE_RESET_ALL] = child_reset,
        [NODE_GROUP] = child_group_live,
    },
    [CHILD_RUNNING] = {
        [NODE_START_ALL] = child_start_subtree,
        [NODE_STOP_ALL] = child_stop_all,
        [NODE_KILL_ALL] = child_kill_all,
        [NODE_READY] = child_became_ready,
        [NODE_NOT_READY] = child_became_unready,
        [NODE_HEALTH_FAILED] = child_health_failed,
        [NODE_DEGRADED] = child_degraded,
        [NODE_EXITED] = child_exited,
        [NODE_IDLE] = child_became_idle,
        [NODE_NOT_IDLE] = child_became_busy,
        [NODE_DEPENDENCY_MET] = child_note_met,
        [NODE_DEPENDENCY_LOST] = child_note_lost,
        [NODE_DEPENDENCY_EXITED] = child_dependency_exited,
        [NODE_START] = child_answer_running,
        [NODE_STOP] = child_stop,
        [NODE_RESTART] = child_restart,
        [NODE_KILL] = child_kill,
        [NODE_RESET] = child_reset,
        [NODE_DELETE] = child_delete_live,
        [NODE_RESET_ALL] = child_reset,
        [NODE_GROUP] = child_group_live,
    },
    [CHILD_STOPPING] = {
        [NODE_STOP_ALL] = child_join_stop_all,
        [NODE_KILL_ALL] = child_kill_all,
        [NODE_STARTED] = child_started_late,
        [NODE_EXITED] = child_ended,
        [NODE_TIMER] = child_timed_out,
        [NODE_DEPENDENCY_MET] = child_note_met,
        [NODE_DEPENDENCY_LOST] = child_note_lost,
        [NODE_START] = child_answer_busy,
        [NODE_STOP] = child_join_stop,
        [NODE_RESTART] = child_answer_busy,
        [NODE_KILL] = child_kill,
        [NODE_RESET] = child_reset,
        [NODE_DELETE] = child_join_delete,
        [NODE_RESET_ALL] = child_reset,
        [NODE_GROUP] = child_group_stopping,
    },
    [CHILD_STOPPED] = {
        [NODE_START_ALL] = child_revive_all,
        [NODE_DEPENDENCY_MET] = child_note_met,
        [NODE_DEPENDENCY_LOST] = child_note_lost,
        [NODE_START] = child_revive,
        [NODE_STOP] = child_stay_stopped,
        [NODE_RESTART] = child_revive,
        [NODE_KILL] = child_answer_not_running,
        [NODE_RESET] = child_reset,
        [NODE_DELETE] = child_delete,
        [NODE_RESET_ALL] = child_reset,
        [NODE_GROUP] = child_group_stopped,
    },
    [CHILD_FAILED] = {
        [NODE_START_ALL] = child_revive_all,
        [NODE_DEPENDENCY_MET] = child_note_met,
        [NODE_DEPENDENCY_LOST] = child_note_lost,
        [NODE_START] = child_revive,
        [NODE_STOP] = child_stop_failed,
        [NODE_RESTART] = child_revive,
        [NODE_KILL] = child_answer_not_running,
        [NODE_RESET] = child_reset_failed,
        [NODE_DELETE] = child_delete,
        [NODE_RESET_ALL] = child_reset_failed,
    },
};

transition *
state_table_find(enum child_state state, enum node_event_type type)
{
    assert(state < CHILD_STATES && type < NODE_EVENTS);
    return state_table[state][type];
}

bool
state_table_has(enum child_state state, enum node_event_type type)
{
    return state_table_find(state, type) != NULL;
}
