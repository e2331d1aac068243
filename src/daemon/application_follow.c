/* Following: who depends on the name of a `count` depends on the members that there are.
 *
 * A change that makes or takes members away brings their dependants up to date itself. Members also go
 * without one, deleted one by one or at their end: a thread waits for that. It is there from the
 * first time on that somebody depends on such a name.
 */
#include <string.h>

#include "base/error.h"
#include "component/component_spec.h"
#include "daemon/application_internal.h"
#include "manifest/manifest.h"

/* Whether it was told or not, its supervisor may hold the new list from here on. */
static void
put(struct airs_application *application, struct tree_stale *stale, bool is_told)
{
    struct tree_given *before = stale->child->given;
    stale->child->given = stale->given;
    if (is_told && before)
        application_retire(application, before, tree_given_free);
    else
        stale->given->earlier = before;
    stale->given = NULL;
}

static void
give(struct airs_application *application, struct tree_stale *stale)
{
    const struct manifest_node *node = stale->child->node;
    struct bridge_change change = {
        .config = &stale->given->config,
        .spec = node->spec ? component_spec_to_child(node->spec) : NULL,
        .detail = "live: depends-on",
    };
    /* One that fails was deleted meanwhile, or there is no memory. */
    enum airs_status status = component_supervisor_change(application->supervisor,
                                                          stale->child->path, &change, NULL, NULL);
    put(application, stale, status == AIRS_OK);
}

/* Members also go with the application: nobody starts any more who could depend on them. */
static bool
is_over(struct airs_application *application)
{
    enum application_phase phase = application_phase(application);
    return phase == APPLICATION_STOPPING || phase == APPLICATION_ENDED;
}

static void *
follow(void *context)
{
    struct airs_application *application = context;
    while (tree_wait_member_gone(&application->tree)) {
        pthread_mutex_lock(&application->change_lock);
        if (!is_over(application))
            application_follow(application);
        pthread_mutex_unlock(&application->change_lock);
    }
    return NULL;
}

void
application_follow(struct airs_application *application)
{
    struct tree_stales stales;
    tree_find_stale(&application->tree, &stales); /* Out of memory: the rest is late. */
    for (size_t i = 0; i < stales.size; i++) {
        if (application->supervisor)
            give(application, &stales.items[i]);
        else
            put(application, &stales.items[i], true);
    }
    if (application->supervisor && stales.names_template && !application->has_follower)
        application->has_follower =
            pthread_create(&application->follower, NULL, follow, application) == 0;
    tree_stales_deinit(&stales);
}

void
application_follow_end(struct airs_application *application)
{
    if (!application->has_follower)
        return;
    tree_close(&application->tree);
    pthread_join(application->follower, NULL);
    application->has_follower = false;
}

enum airs_status
application_check_dependencies_max(struct airs_application *application, const char *template,
                                   uint32_t members, uint64_t more, struct airs_error *error)
{
    uint64_t count = tree_count_dependencies(&application->tree, template, members) + more;
    if (count <= MANIFEST_DEPENDENCIES_MAX)
        return AIRS_OK;
    return fail(error, AIRS_ELIMIT,
                "more than %u dependencies in one application, each of a 'count' counted",
                MANIFEST_DEPENDENCIES_MAX);
}
