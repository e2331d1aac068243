/* Names: the enums of supervision as events, rules and `ps --json` spell them. */
#include <string.h>

#include "supervision/exit_info.h"
#include "supervision/supervisor_node.h"

static const char *const exit_reason_names[] = {
#define EXIT_REASON_NAME(name, text) [EXIT_##name] = text,
    EXIT_REASON_LIST(EXIT_REASON_NAME)
#undef EXIT_REASON_NAME
};

static const char *const child_state_names[] = {
#define CHILD_STATE_NAME(name, text) [CHILD_##name] = text,
    CHILD_STATE_LIST(CHILD_STATE_NAME)
#undef CHILD_STATE_NAME
};

static const char *const event_type_names[] = {
#define EVENT_TYPE_NAME(name, text) [EVENT_##name] = text,
    EVENT_TYPE_LIST(EVENT_TYPE_NAME)
#undef EVENT_TYPE_NAME
};

static const char *const node_event_names[] = {
#define NODE_EVENT_NAME(name) [NODE_##name] = #name,
    NODE_EVENT_LIST(NODE_EVENT_NAME)
#undef NODE_EVENT_NAME
};

static const char *const node_action_names[] = {
#define NODE_ACTION_NAME(name) [ACTION_##name] = #name,
    NODE_ACTION_LIST(NODE_ACTION_NAME)
#undef NODE_ACTION_NAME
};

static const char *const child_decision_names[] = {
#define CHILD_DECISION_NAME(name, text) [DECIDED_##name] = text,
    CHILD_DECISION_LIST(CHILD_DECISION_NAME)
#undef CHILD_DECISION_NAME
};

#define SIZE_OF(names) (sizeof(names) / sizeof(names)[0])

static const char *
name_at(const char *const *names, size_t size, size_t index)
{
    return index < size ? names[index] : "?";
}

static bool
find_name(const char *const *names, size_t size, const char *name, size_t *index_out)
{
    for (size_t i = 0; i < size; i++) {
        if (strcmp(names[i], name) == 0) {
            *index_out = i;
            return true;
        }
    }
    return false;
}

const char *
child_decision_name(enum child_decision decision)
{
    return name_at(child_decision_names, SIZE_OF(child_decision_names), decision);
}

const char *
exit_reason_name(enum exit_reason reason)
{
    return name_at(exit_reason_names, SIZE_OF(exit_reason_names), reason);
}

bool
exit_reason_find(const char *name, enum exit_reason *reason_out)
{
    size_t index;
    if (!find_name(exit_reason_names, SIZE_OF(exit_reason_names), name, &index))
        return false;
    *reason_out = (enum exit_reason)index;
    return true;
}

const char *
child_state_name(enum child_state state)
{
    return name_at(child_state_names, SIZE_OF(child_state_names), state);
}

bool
child_state_find(const char *name, enum child_state *state_out)
{
    size_t index;
    if (!find_name(child_state_names, SIZE_OF(child_state_names), name, &index))
        return false;
    *state_out = (enum child_state)index;
    return true;
}

const char *
event_type_name(enum event_type type)
{
    return name_at(event_type_names, SIZE_OF(event_type_names), type);
}

bool
event_type_find(const char *name, enum event_type *type_out)
{
    size_t index;
    if (!find_name(event_type_names, SIZE_OF(event_type_names), name, &index))
        return false;
    *type_out = (enum event_type)index;
    return true;
}

const char *
node_event_name(enum node_event_type type)
{
    return name_at(node_event_names, SIZE_OF(node_event_names), type);
}

const char *
node_action_name(enum node_action_type type)
{
    return name_at(node_action_names, SIZE_OF(node_action_names), type);
}
