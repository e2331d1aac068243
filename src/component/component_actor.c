/* Component actor: makes and frees the actor.
 *
 * What does not change from one generation to the next is prepared once (component_setup.c).
 * What happens in the actor's turns stands in component_turn.c.
 */
#include "component/component_actor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "component/component_actor_state.h"

static void
free_state(struct component_actor *actor)
{
    component_setup_deinit(&actor->setup);
    if (actor->next)
        component_setup_deinit(actor->next);
    free(actor->next);
    refstr_unref(actor->path);
    component_output_deinit(&actor->host.output);
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
    .run = component_turn_run,
    .destroy = destroy,
};

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
    actor->heartbeats = options->heartbeats;
    if (options->health)
        actor->health = *options->health;
    atomic_init(&actor->stats.health, HEALTH_UNKNOWN);
    struct component_setup setup = { 0 };
    if (!component_setup_init(&setup, options)) {
        component_setup_deinit(&setup);
        free_state(actor);
        return NULL;
    }
    component_setup_adopt(actor, &setup);
    return actor;
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
    const struct component_limits *limits = &actor->setup.spec->limits;
    struct actor_options actor_options = {
        .behaviour = &component_behaviour,
        .state = actor,
        .path = path,
        .mailbox_max = limits->mailbox,
        .on_full = component_mailbox_full(limits->on_full),
    };
    airs_pid pid;
    enum airs_status status = actor_spawn(options->system, &actor_options, &pid, error);
    if (status != AIRS_OK) {
        free_state(actor);
        goto out;
    }
    /* The actor owns its state now. It is parked: nobody wakes it before its pid is out. */
    status = component_registry_add(options->registry, path->text, pid,
                                    component_setup_kind(&actor->setup), &actor->stats, error);
    *pid_out = pid;
out:
    refstr_unref(path);
    return status;
}
