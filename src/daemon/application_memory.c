/* Application memory: what the last run left, from texts to what a supervisor node goes on from. */
#include <limits.h>
#include <string.h>

#include "component/supervisor_wrapper.h"
#include "daemon/application_internal.h"

#define PATH_BYTES_MAX 4096 /* A longer path cannot be; its child begins fresh. */

static bool
is_text(const char *text, const char *other)
{
    return text && strcmp(text, other) == 0;
}

static bool
has_instance(enum child_state state)
{
    return state == CHILD_STARTING || state == CHILD_RUNNING || state == CHILD_STOPPING;
}

static enum stop_cause
cause_of(const char *stopped)
{
    if (is_text(stopped, "request"))
        return STOPPED_BY_REQUEST;
    if (is_text(stopped, "ended"))
        return STOPPED_ENDED;
    if (is_text(stopped, "temporary"))
        return STOPPED_TEMPORARY;
    if (is_text(stopped, "ignored"))
        return STOPPED_IGNORED;
    return STOPPED_WITH_SUPERVISOR;
}

/* A supervisor ran when the run ended, or was being brought back by one that ended so early
 * that it did not. */
static bool
ran(const struct airs_memory *memory)
{
    enum child_state state;
    if (!child_state_find(memory->state, &state))
        return false;
    if (state == CHILD_RESTARTING)
        return is_text(memory->exit_reason, "host-lost");
    return has_instance(state) && !(state == CHILD_STOPPING && is_text(memory->stopped, "request"));
}

/* The supervisors above `path` ran: what is below goes on. */
static bool
was_under_way(const struct airs_application *application, const char *path)
{
    char above[PATH_BYTES_MAX];
    if (strlen(path) >= sizeof above)
        return false;
    strcpy(above, path);
    for (char *slash; (slash = strrchr(above, '/')) != above;) {
        struct airs_memory memory;
        *slash = '\0';
        if (!application->options.memory(application->options.context, above, &memory) ||
            !ran(&memory))
            return false;
    }
    return true;
}

static void
fill(struct child_memory *child, const struct airs_memory *memory)
{
    enum exit_reason reason;
    child->restarts = (uint32_t)memory->restarts;
    child->attempt = (uint32_t)memory->attempt;
    child->lived_us = memory->lived_us;
    child->born_lived_us = memory->born_lived_us;
    child->delay_us = memory->delay_us;
    child->stop_cause = cause_of(memory->stopped);
    child->comes_back = is_text(memory->stopped, "restart");
    child->grants_us = memory->grants_us;
    child->grants_size = memory->grants_count;
    if (ran(memory)) {
        child->intensity_us = memory->intensity_us;
        child->intensity_size = memory->intensity_count;
    }
    child->has_exit = memory->exit_reason && exit_reason_find(memory->exit_reason, &reason);
    if (!child->has_exit || has_instance(child->state))
        return; /* The exit that follows is another one. */
    child->exit = (struct exit_info){ .reason = reason, .code = memory->exit_code };
    child->exit_detail = memory->exit_detail;
}

bool
application_memory(void *context, const char *path, struct child_memory *memory_out)
{
    struct airs_application *application = context;
    struct airs_memory memory;
    enum child_state state;
    if (airs_application_is_running(application)) /* What comes in now begins. */
        return false;
    if (!application->options.memory ||
        !application->options.memory(application->options.context, path, &memory))
        return false;
    if (strcmp(path, "/") == 0) {
        *memory_out = (struct child_memory){ .intensity_us = memory.intensity_us,
                                             .intensity_size = memory.intensity_count };
        return true;
    }
    if (!child_state_find(memory.state, &state))
        return false;

    struct child_memory child = { .state = state, .generation = (uint32_t)memory.generation };
    child.is_fresh = !was_under_way(application, path);
    bool rests = state == CHILD_STOPPED || state == CHILD_FAILED;
    if (child.is_fresh && !rests)
        child.state = CHILD_REGISTERED;
    else
        fill(&child, &memory);
    *memory_out = child;
    return true;
}
