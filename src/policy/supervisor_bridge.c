/* Supervisor bridge: what every implementation of it needs. */
#include "policy/supervisor_bridge.h"

const char *
component_supervision_state_name(component_supervision_state state)
{
    return child_state_name(state);
}

void
bridge_complete(struct bridge_completion completion, enum airs_status status, const char *text)
{
    if (completion.done)
        completion.done(completion.context, status, text);
}
