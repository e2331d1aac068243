/* Supervisor config: what the user wants of one child's supervision. A value.
 *
 * It holds layer 3's own `struct child_policy`, so the way from policy to decision is the
 * identity: nothing is converted, nothing can be lost. The builders take and return the
 * struct by value, so that a config reads as a sentence:
 *
 *     struct supervisor_config config = supervisor_config_with_max_restarts(
 *         supervisor_config_transient(), 5);
 *
 * Lists of delays, rules, success codes and paths are borrowed: they outlive every copy of the
 * config.
 * Thread: every function here, any.  Blocks: no.  Allocates: no.
 */
#ifndef POLICY_SUPERVISOR_CONFIG_H
#define POLICY_SUPERVISOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#include "policy/health_restart.h"
#include "supervision/child_policy.h"
#include "supervision/node_policy.h"

/* A duration of a policy is at most ten years, so that sums of them cannot overflow. */
#define POLICY_DURATION_MAX_US (UINT64_C(87600) * 3600 * 1000000)
/* `within`, `reset-after` and every finite timeout but `shutdown` are at least this. */
#define POLICY_DURATION_MIN_US UINT64_C(1000)
/* The factor of an exponential backoff lies in [1, 1000]. */
#define BACKOFF_FACTOR_MAX 1000.0
/* Delays of a list backoff. */
#define BACKOFF_LIST_MAX 64u
/* Rules of `on-exit`, and ranges of `success-codes`, of one child. */
#define EXIT_RULES_MAX 64u
#define SUCCESS_CODES_MAX 64u
/* An exit code lies in 0 … 255. */
#define EXIT_CODE_MAX 255

struct supervisor_config {
    bool is_supervisor;                  /* The child is a supervisor, not a component. */
    struct child_policy policy;          /* As the node that decides reads it. */
    struct health_restart_config health; /* Of a component; not enabled by default. */
    struct node_policy node;             /* Of a supervisor: over its children. */
    const char *const *depends_on;       /* Paths of children that must be met before it starts. */
    size_t depends_on_size;
};

/** The config of a component with the defaults of semantics.md: permanent, 3 within 60 s. */
struct supervisor_config supervisor_config_default(void);
/** The config of a nested supervisor: as above, with no start timeout and no stop timeout. */
struct supervisor_config supervisor_config_default_supervisor(void);

/** Defaults with that restart policy. */
struct supervisor_config supervisor_config_permanent(void);
struct supervisor_config supervisor_config_transient(void);
struct supervisor_config supervisor_config_temporary(void);

/** Builders: a copy of `config` with one thing changed. They check nothing; validate does. */
struct supervisor_config supervisor_config_with_restart(struct supervisor_config config,
                                                        enum restart_policy restart);
struct supervisor_config supervisor_config_with_max_restarts(struct supervisor_config config,
                                                             uint32_t max_restarts);
struct supervisor_config supervisor_config_with_restart_window(struct supervisor_config config,
                                                               uint64_t within_us);
struct supervisor_config supervisor_config_with_on_exhausted(struct supervisor_config config,
                                                             enum on_exhausted on_exhausted);
struct supervisor_config supervisor_config_with_backoff(struct supervisor_config config,
                                                        struct backoff backoff);
struct supervisor_config supervisor_config_with_shutdown(struct supervisor_config config,
                                                         uint64_t shutdown_us);
struct supervisor_config supervisor_config_with_start_timeout(struct supervisor_config config,
                                                              uint64_t start_timeout_us);
/** Sets `health`, and with it whether the child is ready by its probe. */
struct supervisor_config supervisor_config_with_health(struct supervisor_config config,
                                                       struct health_restart_config health);

/** Starts when the children at `paths`, borrowed, are ready or have ended well. */
struct supervisor_config supervisor_config_with_dependencies(struct supervisor_config config,
                                                             const char *const *paths, size_t size);
struct supervisor_config
supervisor_config_with_when_dependency_restarts(struct supervisor_config config,
                                                enum when_dependency_restarts what);

/** Of a supervisor. Under a group strategy the default of its children's on-exhausted is
 * escalate: supervisor_config_with_on_exhausted() says so for each. */
struct supervisor_config supervisor_config_with_strategy(struct supervisor_config config,
                                                         enum strategy strategy);
struct supervisor_config supervisor_config_with_intensity(struct supervisor_config config,
                                                          uint32_t max_restarts,
                                                          uint64_t within_us);
struct supervisor_config supervisor_config_with_auto_shutdown(struct supervisor_config config,
                                                              enum auto_shutdown auto_shutdown);

/** Backoffs with the other values at their defaults. `list_us` is borrowed. */
struct backoff backoff_immediate(void);
struct backoff backoff_linear(uint64_t initial_us, uint64_t max_us);
struct backoff backoff_exponential(uint64_t initial_us, double factor, uint64_t max_us);
struct backoff backoff_list(const uint64_t *list_us, size_t size);

/** Whether every delay from some n on is 0, so that unlimited restarts would spin. */
bool backoff_can_stay_zero(const struct backoff *backoff);

/**
 * Checks what a manifest or a caller may ask for: each value in its range, and no
 * unlimited restarts where the delay can stay 0. Fails with AIRS_EINVAL and the reason.
 */
enum airs_status supervisor_config_validate(const struct supervisor_config *config,
                                            struct airs_error *error);

/** The names as they stand in manifests and events. Constant. */
const char *restart_policy_name(enum restart_policy restart);
const char *backoff_strategy_name(enum backoff_strategy strategy);
const char *on_exhausted_name(enum on_exhausted on_exhausted);
const char *strategy_name(enum strategy strategy);
const char *exit_action_name(enum exit_action action);

#endif
