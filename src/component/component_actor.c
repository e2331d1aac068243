/* Component actor: makes and frees the actor, and what each of its instances is given.
 *
 * What does not change from one generation to the next (arguments, environment, limits,
 * callbacks) is prepared once, so that a restart allocates nothing of it. What happens in the
 * actor's turns stands in component_life.c.
 */
#include "component/component_actor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "component/component_actor_state.h"
#include "engine/component.h"

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

    component_registry_remove(actor->host.registry, actor->path->text, &actor->stats);
    component_life_abandon(actor);
    free_state(actor);
}

static const struct actor_behaviour component_behaviour = {
    .name = "component",
    .run = component_life_run,
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
        .output = component_life_on_output,
        .output_room = component_life_on_output_room,
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
    actor->heartbeats = options->heartbeats;
    if (options->health)
        actor->health = *options->health;
    atomic_init(&actor->stats.health, HEALTH_UNKNOWN);
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
