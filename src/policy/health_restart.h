/* Health restart: what the user wants done about a child that is alive and not well. A value.
 *
 * It holds layer 3's own `struct health_policy`: nothing is converted. A child has none
 * (supervisor_config_default()) until it is given one; a HealthRestartConfig by itself is
 * enabled.
 */
#ifndef POLICY_HEALTH_RESTART_H
#define POLICY_HEALTH_RESTART_H

#include <stdbool.h>

#include <airs/status.h>

#include "supervision/health_policy.h"

struct health_restart_config {
    bool enabled;
    struct health_policy probe; /* As the monitor reads it; meaningful if enabled. */
};

/** Enabled, every 5 s, 3 failures. Thread: any. */
struct health_restart_config health_restart_config_default(void);
/** Not enabled, with the default's other values. Thread: any. */
struct health_restart_config health_restart_config_off(void);

/** Whether a child with it is ready by its probe, and not by having been started. */
bool health_restart_gates_ready(const struct health_restart_config *config);

/** Whether both ask for the same; what is not enabled is all the same. Thread: any. */
bool health_restart_equals(const struct health_restart_config *a,
                           const struct health_restart_config *b);

/** Checks each value's range; AIRS_EINVAL with the reason. Thread: any. */
enum airs_status health_restart_config_validate(const struct health_restart_config *config,
                                                struct airs_error *error);

#endif
