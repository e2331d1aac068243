/* Component change: a child that lives is given other code, another spec, other probes.
 *
 * The change is made ready on the caller's thread and handed over in the actor's own turn, so
 * that nothing of it needs a lock. Code and spec are those of the next instance; probes change
 * at once. The carrier is a supervisor's request: whoever ends the actor answers it.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "component/component_actor_state.h"
#include "runtime/mailbox.h"
#include "runtime/supervisor_actor.h"

struct change {
    struct supervisor_request request;
    struct component_setup *setup;              /* NULL: stays. The actor takes it out. */
    const struct health_restart_config *health; /* NULL: stays. */
};

static void
setup_free(struct component_setup *setup)
{
    if (setup)
        component_setup_deinit(setup);
    free(setup);
}

enum airs_status
component_actor_change(airs_pid pid, const struct component_actor_options *options,
                       struct airs_error *error)
{
    assert(options && options->system && options->path);

    struct change change = { .health = options->health };
    if (options->spec) {
        change.setup = calloc(1, sizeof *change.setup);
        if (!change.setup || !component_setup_init(change.setup, options)) {
            setup_free(change.setup);
            return fail(error, AIRS_ENOMEM, "component '%s': out of memory", options->path);
        }
    }
    enum airs_status status = supervisor_request_wait(options->system, pid, &change.request);
    setup_free(change.setup);
    return status == AIRS_OK ? AIRS_OK
                             : fail(error, AIRS_EENDED, "component '%s' is gone", options->path);
}

void
component_change_take(struct component_actor *actor, struct control *control)
{
    struct change *change = container_of(container_of(control, struct supervisor_request, control),
                                         struct change, request);
    if (change->setup) {
        setup_free(actor->next);
        actor->next = change->setup;
        change->setup = NULL;
    }
    if (change->health)
        component_health_change(actor, change->health);
    change->request.status = AIRS_OK;
    change->request.done(&change->request); /* From here on it is the caller's. */
}

void
component_change_apply(struct component_actor *actor)
{
    assert(actor->phase == PHASE_ABSENT);
    if (!actor->next)
        return;
    component_setup_adopt(actor, actor->next);
    free(actor->next);
    actor->next = NULL;
    const struct component_limits *limits = &actor->setup.spec->limits;
    actor_set_mailbox(actor->system, actor_context_self(actor->context), limits->mailbox,
                      component_mailbox_full(limits->on_full));
    component_registry_set_kind(actor->host.registry, actor->path->text,
                                component_setup_kind(&actor->setup));
}
