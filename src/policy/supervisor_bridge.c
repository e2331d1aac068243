/* Supervisor bridge: the answers of a supervisor in the words of policy. */
#include "policy/supervisor_bridge.h"

#include <assert.h>

const char *
component_supervision_state_name(component_supervision_state state)
{
    return child_state_name(state);
}

enum airs_status
bridge_status_of_reply(enum node_reply reply, const char **text_out)
{
    assert(text_out);

    switch (reply) {
    case REPLY_OK:
        *text_out = NULL;
        return AIRS_OK;
    case REPLY_ALREADY_RUNNING:
        *text_out = "already running";
        return AIRS_EALREADY;
    case REPLY_BUSY:
        *text_out = "busy";
        return AIRS_EBUSY;
    case REPLY_NOT_RUNNING:
        *text_out = "not running";
        return AIRS_ENOTRUNNING;
    }
    assert(false && "a reply that is none");
    return AIRS_EINVAL;
}

void
bridge_complete(struct bridge_completion completion, enum airs_status status, const char *text)
{
    if (completion.done)
        completion.done(completion.context, status, text);
}
