#include "component/component_spec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct component_spec *
component_spec_new(void)
{
    struct component_spec *spec = calloc(1, sizeof *spec);
    if (!spec)
        return NULL;
    atomic_init(&spec->references, 1);
    spec->stdin_mode = STDIN_EMPTY;
    spec->limits = (struct component_limits){
        .memory_bytes = COMPONENT_MEMORY_DEFAULT_BYTES,
        .mailbox = COMPONENT_MAILBOX_DEFAULT,
        .on_full = ON_FULL_REJECT,
    };
    return spec;
}

struct component_spec *
component_spec_ref(struct component_spec *spec)
{
    if (spec)
        atomic_fetch_add_explicit(&spec->references, 1, memory_order_relaxed);
    return spec;
}

void
component_spec_unref(struct component_spec *spec)
{
    if (!spec || atomic_fetch_sub_explicit(&spec->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < spec->args_size; i++)
        free(spec->args[i]);
    for (size_t i = 0; i < spec->environment_size; i++) {
        free(spec->environment[i].name);
        free(spec->environment[i].value);
    }
    free(spec->args);
    free(spec->environment);
    free(spec->component);
    free(spec->file);
    free(spec->config);
    free(spec->heartbeat_file);
    free(spec->heartbeat_path);
    free(spec);
}

/* A copy in place of *text; false when out of memory, and then *text is as it was. */
static bool
replace_text(char **text, const char *with)
{
    char *copy = strdup(with);
    if (!copy)
        return false;
    free(*text);
    *text = copy;
    return true;
}

enum airs_status
component_spec_set_file(struct component_spec *spec, const char *component, const char *file,
                        struct airs_error *error)
{
    char *copy = strdup(file);
    if (!copy || !replace_text(&spec->component, component)) {
        free(copy);
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", component);
    }
    free(spec->file);
    spec->file = copy;
    return AIRS_OK;
}

enum airs_status
component_spec_add_arg(struct component_spec *spec, const char *arg, struct airs_error *error)
{
    if (spec->args_size == COMPONENT_ARGS_MAX)
        return fail(error, AIRS_ELIMIT, "more than %u arguments", COMPONENT_ARGS_MAX);

    char **args = realloc(spec->args, (spec->args_size + 2) * sizeof *args);
    if (!args)
        return fail(error, AIRS_ENOMEM, "arguments: out of memory");
    spec->args = args;
    args[spec->args_size] = strdup(arg);
    if (!args[spec->args_size])
        return fail(error, AIRS_ENOMEM, "arguments: out of memory");
    args[++spec->args_size] = NULL;
    return AIRS_OK;
}

static bool
has_variable(const struct component_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->environment_size; i++)
        if (strcmp(spec->environment[i].name, name) == 0)
            return true;
    return false;
}

enum airs_status
component_spec_add_variable(struct component_spec *spec, const char *name, const char *value,
                            struct airs_error *error)
{
    if (has_variable(spec, name))
        return fail(error, AIRS_EEXIST, "variable '%s' is there already", name);
    if (spec->environment_size == COMPONENT_ENVIRONMENT_MAX)
        return fail(error, AIRS_ELIMIT, "more than %u variables", COMPONENT_ENVIRONMENT_MAX);

    struct component_variable variable = { .name = strdup(name), .value = strdup(value) };
    struct component_variable *environment =
        realloc(spec->environment, (spec->environment_size + 1) * sizeof *environment);
    if (environment)
        spec->environment = environment;
    if (!environment || !variable.name || !variable.value) {
        free(variable.name);
        free(variable.value);
        return fail(error, AIRS_ENOMEM, "variable '%s': out of memory", name);
    }
    environment[spec->environment_size++] = variable;
    return AIRS_OK;
}

enum airs_status
component_spec_set_config(struct component_spec *spec, const char *config, struct airs_error *error)
{
    if (!replace_text(&spec->config, config))
        return fail(error, AIRS_ENOMEM, "config: out of memory");
    return AIRS_OK;
}

enum airs_status
component_spec_set_heartbeat(struct component_spec *spec, const char *file, const char *path,
                             struct airs_error *error)
{
    char *copy = strdup(path);
    if (!copy || !replace_text(&spec->heartbeat_file, file)) {
        free(copy);
        return fail(error, AIRS_ENOMEM, "heartbeat-file '%s': out of memory", file);
    }
    free(spec->heartbeat_path);
    spec->heartbeat_path = copy;
    return AIRS_OK;
}
