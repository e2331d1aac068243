#include "runtime/native_actor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct native {
    const struct native_behaviour *behaviour;
    void *state;
    bool supervised;
    bool is_up;       /* Handles mail: its generation has started, or it needs none. */
    bool is_over;     /* ACTOR_END after this handler. */
    bool is_ignoring; /* The generation ends after this handler, and never wanted to start. */
    bool is_exiting;  /* The generation ends after this handler, with: */
    struct exit_info exit;
    struct refstr *detail;
};

static struct native *
native_of(const struct actor_context *context)
{
    return actor_context_state(context);
}

/* ---- Called by handlers ---- */

void
native_started(struct actor_context *context)
{
    struct native *native = native_of(context);
    assert(native->supervised && !native->is_up);
    native->is_up = true;
    child_report_started(context);
}

void
native_exit(struct actor_context *context, struct exit_info exit, const char *detail)
{
    struct native *native = native_of(context);
    assert(native->supervised);
    if (native->is_exiting)
        return;
    native->is_exiting = true;
    native->exit = exit;
    native->detail = detail ? refstr_new(detail, strlen(detail)) : NULL;
}

void
native_ignore(struct actor_context *context)
{
    struct native *native = native_of(context);
    assert(native->supervised && !native->is_up && !native->is_exiting);
    native->is_ignoring = true;
    native->is_exiting = true;
}

/* ---- One turn ---- */

/* What the handler that has just returned wants. */
static void
finish_generation(struct actor_context *context, struct native *native)
{
    if (!native->is_exiting)
        return;
    struct refstr *detail = native->detail;
    native->is_exiting = false;
    native->is_up = false;
    native->detail = NULL;
    if (native->behaviour->end)
        native->behaviour->end(native->state);
    if (native->is_ignoring)
        child_report_ignored(context);
    else
        child_report_exited(context, native->exit, detail, NULL);
    native->is_ignoring = false;
    refstr_unref(detail);
}

static void
begin_generation(struct actor_context *context, struct native *native, uint32_t generation)
{
    bool is_up =
        !native->behaviour->begin || native->behaviour->begin(context, native->state, generation);
    if (is_up && !native->is_exiting)
        native_started(context);
}

static void
obey(struct actor_context *context, struct native *native, const struct child_command *command)
{
    switch (command->type) {
    case CHILD_START:
        begin_generation(context, native, command->generation);
        return;
    case CHILD_STOP:
        if (native->behaviour->stop)
            native->behaviour->stop(context, native->state);
        else
            native_exit(context, (struct exit_info){ .reason = EXIT_NORMAL }, NULL);
        return;
    case CHILD_KILL:
        native_exit(context, (struct exit_info){ .reason = EXIT_KILLED }, NULL);
        return;
    case CHILD_RELEASE:
        native->is_over = true;
        return;
    case CHILD_BURY:
    case CHILD_START_SUBTREE:
    case CHILD_RESET:
        return;
    }
}

static void
obey_all(struct actor_context *context, struct native *native)
{
    struct child_command command;
    while (!native->is_over && child_take_command(context, &command)) {
        obey(context, native, &command);
        finish_generation(context, native);
    }
}

static void
take_controls(struct actor_context *context, struct native *native)
{
    struct control *control;
    obey_all(context, native);
    while (!native->is_over && (control = actor_context_take_control(context)) != NULL) {
        if (native->behaviour->control)
            native->behaviour->control(context, native->state, control);
        finish_generation(context, native);
        obey_all(context, native);
    }
}

static enum actor_turn
native_run(struct actor_context *context)
{
    struct native *native = native_of(context);

    for (unsigned handled = 0; handled < MESSAGES_PER_TURN_MAX; handled++) {
        take_controls(context, native); /* They overtake. */
        if (native->is_over)
            return ACTOR_END;
        struct message *message = native->is_up ? actor_context_take_message(context) : NULL;
        if (!message)
            return ACTOR_PARK;
        actor_context_share(context); /* Whom it has woken need not wait for the next handler. */
        native->behaviour->handle(context, native->state, message);
        finish_generation(context, native);
    }
    return native->is_over ? ACTOR_END : ACTOR_YIELD;
}

static void
native_destroy(void *state)
{
    struct native *native = state;
    if (native->behaviour->destroy)
        native->behaviour->destroy(native->state);
    free(native);
}

static const struct actor_behaviour native_actor_behaviour = {
    .name = "native",
    .run = native_run,
    .destroy = native_destroy,
};

enum airs_status
native_spawn(struct actor_system *system, const struct native_options *options, airs_pid *pid_out,
             struct airs_error *error)
{
    assert(options->behaviour && options->behaviour->handle);

    struct native *native = calloc(1, sizeof *native);
    if (!native)
        return fail(error, AIRS_ENOMEM, "native actor: out of memory");
    native->behaviour = options->behaviour;
    native->state = options->state;
    native->supervised = options->supervised;
    native->is_up = !options->supervised;
    struct actor_options actor = {
        .behaviour = &native_actor_behaviour,
        .state = native,
        .path = options->path,
        .mailbox_max = options->mailbox_max,
        .on_full = options->on_full,
    };
    enum airs_status status = actor_spawn(system, &actor, pid_out, error);
    if (status != AIRS_OK)
        free(native);
    return status;
}
