/* Child policy: the defaults of semantics.md, "Restart" and "Stopping". */
#include "supervision/child_policy.h"

struct child_policy
child_policy_default(bool is_supervisor)
{
    return (struct child_policy){
        .restart = RESTART_PERMANENT,
        .max_restarts = MAX_RESTARTS_DEFAULT,
        .within_us = WITHIN_US_DEFAULT,
        .on_exhausted = ON_EXHAUSTED_FAIL,
        .backoff =
            {
                .strategy = BACKOFF_EXPONENTIAL,
                .initial_us = BACKOFF_INITIAL_US_DEFAULT,
                .factor = BACKOFF_FACTOR_DEFAULT,
                .max_us = BACKOFF_MAX_US_DEFAULT,
                .jitter = BACKOFF_JITTER_DEFAULT,
                .reset_after_us = WITHIN_US_DEFAULT,
            },
        .shutdown_us = is_supervisor ? DURATION_INFINITE : SHUTDOWN_US_DEFAULT,
        .start_timeout_us = is_supervisor ? DURATION_INFINITE : START_TIMEOUT_US_DEFAULT,
    };
}
