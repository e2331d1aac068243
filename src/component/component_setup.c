/* Component setup: what instances of one child are made of, prepared once, so that a restart
 * allocates nothing of it. Another spec, or another component, is another setup.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "component/component_actor_state.h"
#include "engine/component.h"

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
prepare_inputs(struct component_setup *setup)
{
    const struct component_spec *spec = setup->spec;
    const char *slash = strrchr(spec->component, '/');

    setup->argument_count = 1 + spec->args_size;
    setup->arguments = calloc(setup->argument_count, sizeof *setup->arguments);
    setup->environment = calloc(spec->environment_size + 1, sizeof *setup->environment);
    if (!setup->arguments || !setup->environment)
        return false;
    setup->arguments[0] = span_of_text(slash ? slash + 1 : spec->component);
    for (size_t i = 0; i < spec->args_size; i++)
        setup->arguments[1 + i] = span_of_text(spec->args[i]);
    for (size_t i = 0; i < spec->environment_size; i++)
        setup->environment[i] = (struct span_pair){ span_of_text(spec->environment[i].name),
                                                    span_of_text(spec->environment[i].value) };
    setup->config = (struct guest_config){
        .environment = setup->environment,
        .environment_count = spec->environment_size,
        .config_data = spec->config ? span_of_text(spec->config) : (struct span){ NULL, 0 },
        .memory_bytes_max = spec->limits.memory_bytes,
        .execution_time_max_ms = setup->call_timeout_us == DURATION_INFINITE
                                     ? UINT64_MAX
                                     : setup->call_timeout_us / US_PER_MS,
    };
    return true;
}

bool
component_setup_init(struct component_setup *setup, const struct component_actor_options *options)
{
    const struct component_limits *limits = &options->spec->limits;

    setup->spec = component_spec_ref((struct component_spec *)(uintptr_t)options->spec);
    setup->load_error = component_detail(options->load_error);
    if (options->component) {
        setup->component = component_ref(options->component);
        setup->is_command = component_kind(options->component) == COMPONENT_COMMAND;
    }
    setup->call_timeout_us =
        timeout_of(limits->call_timeout_us, setup->is_command, COMPONENT_CALL_TIMEOUT_DEFAULT_US);
    setup->cpu_timeout_us =
        timeout_of(limits->cpu_timeout_us, setup->is_command, COMPONENT_CPU_TIMEOUT_DEFAULT_US);
    return prepare_inputs(setup);
}

void
component_setup_deinit(struct component_setup *setup)
{
    component_unref(setup->component);
    component_spec_unref(setup->spec);
    refstr_unref(setup->load_error);
    free(setup->arguments);
    free(setup->environment);
}

void
component_setup_adopt(struct component_actor *actor, struct component_setup *setup)
{
    airs_pid id = actor->options.id;

    component_setup_deinit(&actor->setup);
    actor->setup = *setup;
    actor->has_metadata = false;
    actor->options = (struct instance_options){
        .id = id,
        .host = &actor->host,
        .functions = &component_host_functions,
        .environment = setup->environment,
        .environment_count = setup->spec->environment_size,
        .arguments = setup->arguments,
        .argument_count = setup->argument_count,
        .memory_bytes_max = setup->spec->limits.memory_bytes,
        .stdin_open = setup->spec->stdin_mode == STDIN_OPEN,
        .output = component_call_on_output,
        .output_room = component_call_on_output_room,
        .on_epoch = component_call_on_epoch,
    };
}

enum component_kind_known
component_setup_kind(const struct component_setup *setup)
{
    if (!setup->component)
        return COMPONENT_UNKNOWN;
    return setup->is_command ? COMPONENT_IS_COMMAND : COMPONENT_IS_ACTOR;
}
