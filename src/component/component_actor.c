/* Component actor: the life of a child that runs wasm, turn by turn.
 *
 * A turn first obeys its supervisor (start, stop, kill), then drives the one call that may be
 * in flight, then takes messages. An instance ends in one place, finish(): it is freed, its
 * output flushed, the message in hand answered, and only then is the exit reported, so that
 * whoever hears of it may use the engine's slot. Nothing here waits: what cannot go on parks.
 */
#include "component/component_actor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "component/component_actor_state.h"
#include "engine/component.h"
#include "runtime/child_link.h"

/* ---- What the engine calls back, inside a poll. ---- */

static void
on_output(void *host, enum guest_stream stream, const void *bytes, size_t size)
{
    struct component_host *self = host;

    component_output_write(&self->output, stream == GUEST_STDERR ? LOG_STDERR : LOG_STDOUT, bytes,
                           size);
}

static size_t
on_output_room(void *host, enum guest_stream stream)
{
    struct component_host *self = host;

    (void)stream;
    return component_output_room(&self->output, clock_now_us());
}

/* ---- The end of an instance. ---- */

static void
note_memory(struct component_actor *actor)
{
    uint64_t bytes = actor->instance ? instance_memory_bytes(actor->instance) : 0;

    atomic_store_explicit(&actor->stats.memory_bytes, bytes, memory_order_relaxed);
}

static void
drop_instance(struct component_actor *actor)
{
    component_call_end(actor);
    instance_free(actor->instance);
    actor->instance = NULL;
    actor->phase = PHASE_ABSENT;
    component_output_flush(&actor->host.output);
}

/* The message's memory was borrowed by the call, which is gone. */
static void
end_message(struct component_actor *actor, const char *why)
{
    struct message *message = actor->message;

    actor->message = NULL;
    if (message)
        message_finish(message, AIRS_EENDED, why, NULL, 0);
}

/* `detail`: the caller's reference, taken. */
static void
finish(struct component_actor *actor, struct exit_info exit, struct refstr *detail)
{
    drop_instance(actor);
    end_message(actor, "the target ended while it handled the message");
    child_report_exited(actor->context, exit, detail, NULL);
    refstr_unref(detail);
}

static void
finish_as(struct component_actor *actor, enum exit_reason reason)
{
    finish(actor, (struct exit_info){ reason, 0 }, NULL);
}

static void
finish_by_outcome(struct component_actor *actor, const struct outcome *outcome)
{
    struct refstr *detail;
    struct exit_info exit = component_call_exit(actor, outcome, &detail);

    finish(actor, exit, detail);
}

/* ---- Start. ---- */

static void
start(struct component_actor *actor, uint32_t generation)
{
    assert(actor->phase == PHASE_ABSENT);

    struct airs_error error = { 0 };
    actor->stop_asked = false;
    actor->host.output.generation = generation;
    if (!actor->component) {
        child_report_exited(actor->context, (struct exit_info){ EXIT_LOAD_ERROR, 0 },
                            actor->load_error, NULL);
        return;
    }
    enum airs_status status =
        instance_new(actor->component, &actor->options, &actor->instance, &error);
    if (status != AIRS_OK) {
        enum exit_reason reason = status == AIRS_ENOMEM ? EXIT_OUT_OF_MEMORY : EXIT_LOAD_ERROR;
        finish(actor, (struct exit_info){ reason, 0 }, component_detail(error.message));
        return;
    }
    component_call_begin(actor, PHASE_INSTANTIATING);
    instance_begin_instantiate(actor->instance);
}

static void
begin_shutdown(struct component_actor *actor)
{
    component_call_begin(actor, PHASE_SHUTTING_DOWN);
    instance_begin_shutdown(actor->instance);
}

static void
become_idle(struct component_actor *actor)
{
    actor->phase = PHASE_IDLE;
    if (actor->stop_asked)
        begin_shutdown(actor);
}

static void
started(struct component_actor *actor)
{
    if (!actor->stop_asked)
        child_report_started(actor->context);
    become_idle(actor);
}

static void
instantiated(struct component_actor *actor)
{
    if (!actor->is_command) {
        component_call_begin(actor, PHASE_INITIALIZING);
        instance_begin_initialize(actor->instance, &actor->config);
        return;
    }
    child_report_started(actor->context);
    component_call_begin(actor, PHASE_RUNNING);
    instance_begin_run(actor->instance);
}

static void
initialized(struct component_actor *actor)
{
    if (actor->has_metadata || actor->stop_asked) {
        started(actor);
        return;
    }
    component_call_begin(actor, PHASE_METADATA);
    instance_begin_metadata(actor->instance);
}

static void
described(struct component_actor *actor, const struct guest_metadata *metadata)
{
    if (metadata)
        component_registry_set_metadata(actor->host.registry, actor->path->text, metadata->name,
                                        metadata->version);
    actor->has_metadata = true;
    started(actor);
}

/* ---- Messages. ---- */

static void
begin_message(struct component_actor *actor, struct message *message)
{
    actor->message = message;
    component_call_set_message(actor, message);
    component_call_begin(actor, PHASE_HANDLING);
    instance_begin_handle_message(actor->instance, &actor->guest_message);
}

/* The answer's bytes are the instance's until its next call; the requester copies them. */
static void
handled(struct component_actor *actor, const struct outcome *outcome)
{
    struct message *message = actor->message;
    uint64_t count = atomic_load_explicit(&actor->stats.messages, memory_order_relaxed);

    atomic_store_explicit(&actor->stats.messages, count + 1, memory_order_relaxed);
    actor->message = NULL;
    if (outcome->kind == OUTCOME_ERR)
        message_finish(message, AIRS_EREJECTED, outcome->text, NULL, 0);
    else if (outcome->has_reply)
        message_finish(message, AIRS_OK, NULL, outcome->reply.data, outcome->reply.size);
    else
        message_finish(message, AIRS_OK, NULL, NULL, 0);
    become_idle(actor);
}

/* `err` from shutdown is recorded: the instance has ended normally all the same. */
static void
shut_down(struct component_actor *actor, const struct outcome *outcome)
{
    struct refstr *detail = outcome->kind == OUTCOME_ERR ? component_detail(outcome->text) : NULL;

    finish(actor, (struct exit_info){ EXIT_NORMAL, 0 }, detail);
}

/* ---- What follows a call. ---- */

static void
call_returned(struct component_actor *actor, const struct outcome *outcome)
{
    switch (actor->phase) {
    case PHASE_INSTANTIATING:
        instantiated(actor);
        break;
    case PHASE_INITIALIZING:
        if (outcome->kind == OUTCOME_ERR)
            finish_by_outcome(actor, outcome);
        else
            initialized(actor);
        break;
    case PHASE_METADATA:
        described(actor, outcome->metadata);
        break;
    case PHASE_HANDLING:
        handled(actor, outcome);
        break;
    case PHASE_RUNNING:
        finish_by_outcome(actor, outcome);
        break;
    case PHASE_SHUTTING_DOWN:
        shut_down(actor, outcome);
        break;
    case PHASE_ABSENT:
    case PHASE_IDLE:
        assert(!"no call was in flight");
    }
}

static void
call_done(struct component_actor *actor)
{
    const struct outcome *outcome = instance_outcome(actor->instance);

    component_call_end(actor);
    if (instance_has_ended(actor->instance))
        finish_by_outcome(actor, outcome);
    else
        call_returned(actor, outcome);
}

/* ---- What the supervisor asks. ---- */

static void
stop_command(struct component_actor *actor)
{
    if (actor->phase != PHASE_RUNNING || !instance_ask_stop(actor->instance))
        finish_as(actor, EXIT_SHUTDOWN);
}

static void
stop(struct component_actor *actor)
{
    actor->stop_asked = true;
    if (actor->is_command)
        stop_command(actor);
    else if (actor->phase == PHASE_IDLE)
        begin_shutdown(actor);
}

/* False: the actor is over. */
static bool
obey(struct component_actor *actor, const struct child_command *command)
{
    switch (command->type) {
    case CHILD_START:
        start(actor, command->generation);
        break;
    case CHILD_STOP:
        if (actor->phase != PHASE_ABSENT)
            stop(actor);
        break;
    case CHILD_KILL:
        if (actor->phase != PHASE_ABSENT)
            finish_as(actor, EXIT_KILLED);
        break;
    case CHILD_RESET:
    case CHILD_START_SUBTREE:
        break; /* For supervisors. */
    case CHILD_RELEASE:
        return false;
    }
    return true;
}

static void
set_up(struct component_actor *actor)
{
    airs_pid self = actor_context_self(actor->context);

    actor->is_set_up = true;
    actor->options.id = self;
    timer_init(&actor->timer, self);
}

static bool
take_controls(struct component_actor *actor)
{
    struct child_command command;
    struct control *control;

    while ((control = actor_context_take_control(actor->context)) != NULL)
        if (control == &actor->timer.control)
            actor->timer_fired = true;
    while (child_take_command(actor->context, &command))
        if (!obey(actor, &command))
            return false;
    if (actor->timer_fired && actor->timer_armed)
        finish(actor, (struct exit_info){ EXIT_TIMEOUT, 0 }, component_detail("call-timeout"));
    return true;
}

/* A command has no export that could take one. */
static void
refuse_messages(struct component_actor *actor)
{
    struct message *message;

    while ((message = actor_context_take_message(actor->context)) != NULL)
        message_finish(message, AIRS_EREJECTED, "a command takes no messages", NULL, 0);
}

/* Drives calls and messages until the instance parks, is gone, or has had its share. */
static enum actor_turn
proceed(struct component_actor *actor)
{
    for (unsigned handled_now = 0;;) {
        switch (actor->phase) {
        case PHASE_ABSENT:
            return ACTOR_PARK;
        case PHASE_INSTANTIATING:
        case PHASE_INITIALIZING:
        case PHASE_METADATA:
        case PHASE_HANDLING:
        case PHASE_RUNNING:
        case PHASE_SHUTTING_DOWN:
            if (!component_call_poll(actor))
                return ACTOR_PARK;
            call_done(actor);
            break;
        case PHASE_IDLE:
            if (handled_now == COMPONENT_MESSAGES_PER_TURN ||
                (handled_now > 0 && actor_context_should_yield(actor->context)))
                return ACTOR_YIELD;
            struct message *message = actor_context_take_message(actor->context);
            if (!message)
                return ACTOR_PARK;
            handled_now++;
            begin_message(actor, message);
            break;
        }
    }
}

static enum actor_turn
run(struct actor_context *context)
{
    struct component_actor *actor = actor_context_state(context);

    actor->context = context;
    if (!actor->is_set_up)
        set_up(actor);
    if (!take_controls(actor))
        return ACTOR_END;
    if (actor->is_command)
        refuse_messages(actor);
    enum actor_turn turn = proceed(actor);
    note_memory(actor);
    actor->context = NULL;
    return turn;
}

/* ---- Making and freeing. ---- */

static void
free_state(struct component_actor *actor)
{
    component_unref(actor->component);
    component_spec_unref(actor->spec);
    refstr_unref(actor->load_error);
    refstr_unref(actor->path);
    component_output_deinit(&actor->host.output);
    free(actor->arguments);
    free(actor->environment);
    free(actor);
}

static void
destroy(void *state)
{
    struct component_actor *actor = state;

    component_registry_remove(actor->host.registry, actor->path->text);
    if (actor->instance)
        drop_instance(actor);
    end_message(actor, "the target is gone");
    free_state(actor);
}

static const struct actor_behaviour component_behaviour = {
    .name = "component",
    .run = run,
    .destroy = destroy,
};

static struct span
span_of_text(const char *text)
{
    return (struct span){ text, strlen(text) };
}

static uint64_t
timeout_of(uint64_t set_us, bool is_command, uint64_t actor_default_us)
{
    if (set_us != 0)
        return set_us;
    return is_command ? DURATION_INFINITE : actor_default_us;
}

/* What every instance of this child is given: borrowed from its spec. */
static bool
prepare_inputs(struct component_actor *actor)
{
    const struct component_spec *spec = actor->spec;
    const char *slash = strrchr(spec->component, '/');

    actor->argument_count = 1 + spec->args_size;
    actor->arguments = calloc(actor->argument_count, sizeof *actor->arguments);
    actor->environment = calloc(spec->environment_size + 1, sizeof *actor->environment);
    if (!actor->arguments || !actor->environment)
        return false;
    actor->arguments[0] = span_of_text(slash ? slash + 1 : spec->component);
    for (size_t i = 0; i < spec->args_size; i++)
        actor->arguments[1 + i] = span_of_text(spec->args[i]);
    for (size_t i = 0; i < spec->environment_size; i++)
        actor->environment[i] = (struct span_pair){ span_of_text(spec->environment[i].name),
                                                    span_of_text(spec->environment[i].value) };
    actor->config = (struct guest_config){
        .environment = actor->environment,
        .environment_count = spec->environment_size,
        .config_data = spec->config ? span_of_text(spec->config) : (struct span){ NULL, 0 },
        .memory_bytes_max = spec->limits.memory_bytes,
        .execution_time_max_ms = actor->call_timeout_us == DURATION_INFINITE
                                     ? UINT64_MAX
                                     : actor->call_timeout_us / US_PER_MS,
    };
    return true;
}

static void
prepare_options(struct component_actor *actor)
{
    actor->options = (struct instance_options){
        .host = &actor->host,
        .functions = &component_host_functions,
        .environment = actor->environment,
        .environment_count = actor->spec->environment_size,
        .arguments = actor->arguments,
        .argument_count = actor->argument_count,
        .memory_bytes_max = actor->spec->limits.memory_bytes,
        .stdin_open = actor->spec->stdin_mode == STDIN_OPEN,
        .output = on_output,
        .output_room = on_output_room,
        .on_epoch = component_call_on_epoch,
    };
}

static struct component_actor *
make_state(const struct component_actor_options *options)
{
    struct component_actor *actor = calloc(1, sizeof *actor);
    struct refstr *path = refstr_new(options->path, strlen(options->path));
    if (!actor || !path) {
        free(actor);
        refstr_unref(path);
        return NULL;
    }
    actor->system = options->system;
    actor->path = path;
    actor->host.registry = options->registry;
    actor->host.path = path->text;
    component_output_init(&actor->host.output, options->log_sink, path->text);
    actor->spec = component_spec_ref((struct component_spec *)(uintptr_t)options->spec);
    actor->load_error = component_detail(options->load_error);
    if (options->component) {
        actor->component = component_ref(options->component);
        actor->is_command = component_kind(options->component) == COMPONENT_COMMAND;
    }
    actor->call_timeout_us = timeout_of(actor->spec->limits.call_timeout_us, actor->is_command,
                                        COMPONENT_CALL_TIMEOUT_DEFAULT_US);
    actor->cpu_timeout_us = timeout_of(actor->spec->limits.cpu_timeout_us, actor->is_command,
                                       COMPONENT_CPU_TIMEOUT_DEFAULT_US);
    if (!prepare_inputs(actor)) {
        free_state(actor);
        return NULL;
    }
    prepare_options(actor);
    return actor;
}

static enum component_kind_known
kind_of(const struct component_actor *actor)
{
    if (!actor->component)
        return COMPONENT_UNKNOWN;
    return actor->is_command ? COMPONENT_IS_COMMAND : COMPONENT_IS_ACTOR;
}

enum airs_status
component_actor_spawn(const struct component_actor_options *options, airs_pid *pid_out,
                      struct airs_error *error)
{
    assert(options && options->system && options->registry && options->spec && options->path);

    struct component_actor *actor = make_state(options);
    if (!actor)
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", options->path);
    struct refstr *path = refstr_ref(actor->path);
    const struct component_limits *limits = &actor->spec->limits;
    struct actor_options actor_options = {
        .behaviour = &component_behaviour,
        .state = actor,
        .path = path,
        .mailbox_max = limits->mailbox,
        .on_full = limits->on_full == ON_FULL_DROP_OLDEST ? MAILBOX_DROP_OLDEST : MAILBOX_REJECT,
    };
    airs_pid pid;
    enum airs_status status = actor_spawn(options->system, &actor_options, &pid, error);
    if (status != AIRS_OK) {
        free_state(actor);
        goto out;
    }
    /* The actor owns its state now. It is parked: nobody wakes it before its pid is out. */
    status = component_registry_add(options->registry, path->text, pid, kind_of(actor),
                                    &actor->stats, error);
    *pid_out = pid;
out:
    refstr_unref(path);
    return status;
}
