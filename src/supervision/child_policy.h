/* Child policy: what a child's owner wants of its supervision. Constant, shared by equal children.
 *
 * Times are microseconds. Layer 1 (policy/supervisor_config) fills it with these same
 * types, so the conversion between the layers is the identity.
 */
#ifndef SUPERVISION_CHILD_POLICY_H
#define SUPERVISION_CHILD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervision/exit_info.h"

enum restart_policy { RESTART_PERMANENT, RESTART_TRANSIENT, RESTART_TEMPORARY };

/* What a rule makes of an exit. Restart goes through the budgets like any other. */
enum exit_action { EXIT_DO_RESTART, EXIT_DO_STOP, EXIT_DO_FAIL, EXIT_DO_ESCALATE };

enum on_exhausted { ON_EXHAUSTED_FAIL, ON_EXHAUSTED_ESCALATE };

enum backoff_strategy { BACKOFF_IMMEDIATE, BACKOFF_LINEAR, BACKOFF_EXPONENTIAL, BACKOFF_LIST };

/* What a child that runs does when a dependency exits. */
enum when_dependency_restarts { DEPENDENCY_LEAVE, DEPENDENCY_RESTART };

#define RESTARTS_UNLIMITED UINT32_MAX
#define RESTARTS_MAX 1000000u        /* The most that max_restarts may be, if not unlimited. */
#define DURATION_INFINITE UINT64_MAX /* No timeout; never reset. */

#define BACKOFF_INITIAL_US_DEFAULT UINT64_C(100000)
#define BACKOFF_FACTOR_DEFAULT 1.5
#define BACKOFF_MAX_US_DEFAULT UINT64_C(30000000)
#define BACKOFF_JITTER_DEFAULT 0.1
#define MAX_RESTARTS_DEFAULT 3u
#define WITHIN_US_DEFAULT UINT64_C(60000000)
#define SHUTDOWN_US_DEFAULT UINT64_C(5000000)
#define START_TIMEOUT_US_DEFAULT UINT64_C(10000000)

/* The delay before restart n (from 1) since the last stable run; see restart_backoff.h. */
struct backoff {
    enum backoff_strategy strategy;
    uint64_t initial_us;
    double factor;           /* Exponential alone; at least 1. */
    uint64_t max_us;         /* Linear and exponential saturate here, before jitter. */
    const uint64_t *list_us; /* BACKOFF_LIST: at least one, the last one repeats; not owned. */
    size_t list_size;
    double jitter; /* 0.1 is 10 %: [0.9 d, 1.1 d], or with jitter_upward [d, 1.1 d]. */
    bool jitter_upward;
    uint64_t reset_after_us; /* A run that long, on the lived clock, sets n back to 0. */
};

struct code_range {
    int32_t first, last; /* Both belong to it. */
};

/* An exit of `reason` and, with `has_codes`, of a code (exit or trap) in `codes`. */
struct exit_rule {
    enum exit_reason reason;
    bool has_codes;
    struct code_range codes;
    enum exit_action action;
};

struct child_policy {
    enum restart_policy restart;
    uint32_t max_restarts; /* Grants allowed in `within_us` of lived time; RESTARTS_UNLIMITED. */
    uint64_t within_us;
    enum on_exhausted on_exhausted;
    struct backoff backoff;
    uint64_t shutdown_us;      /* 0: kill at once; DURATION_INFINITE: wait for ever. */
    uint64_t start_timeout_us; /* DURATION_INFINITE: none. */
    bool reports_ready;        /* A component: ready when it says READY, not when started. */
    bool significant;          /* Its end by itself counts for the node's auto_shutdown. */
    enum when_dependency_restarts when_dependency_restarts;
    const struct exit_rule *rules; /* The first that matches decides, before `restart`. */
    uint32_t rules_size;           /* Not owned, as `success`: */
    uint32_t success_size;
    const struct code_range *success; /* Exit codes that are a normal end. */
};

/** The defaults (semantics: Restart, Stopping); a supervisor's shutdown and start timeout are
 * infinite. Thread: any. */
struct child_policy child_policy_default(bool is_supervisor);

/** What the policy calls `exit`: an exit code of `success` is normal. Thread: any. */
struct exit_info child_policy_exit(const struct child_policy *policy, struct exit_info exit);

/** The rule for `exit`, or NULL. Costs O(rules). Thread: any. */
const struct exit_rule *child_policy_rule(const struct child_policy *policy, struct exit_info exit);

#endif
