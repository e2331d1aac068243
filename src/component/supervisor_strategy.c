/* Supervisor strategy: the owner's predicate, asked by paths. */
#include <string.h>

#include "component/supervisor_wrapper_state.h"

/* A path longer than this has a predicate that takes nobody along. */
#define PREDICATE_PATH_BYTES_MAX 4096

/* A node knows children; whoever gave the predicate knows paths. */
static bool
affects(void *context, const struct supervisor_child *failed,
        const struct supervisor_child *candidate)
{
    struct supervisor_wrapper *wrapper = context;
    const char *path = supervisor_child_path(failed)->text;
    size_t size = (size_t)(strrchr(path, '/') - path);
    char supervisor[PREDICATE_PATH_BYTES_MAX] = "/";

    if (size >= sizeof supervisor)
        return false;
    if (size > 0)
        memcpy(supervisor, path, size);
    return wrapper->options.affects(wrapper->options.context, supervisor, path,
                                    supervisor_child_path(candidate)->text);
}

struct node_policy
wrapper_node_policy(struct supervisor_wrapper *wrapper, const struct node_policy *wanted)
{
    struct node_policy policy = *wanted;

    if (policy.strategy == STRATEGY_PREDICATE && wrapper->options.affects) {
        policy.affects = affects;
        policy.ctx = wrapper;
    }
    return policy;
}
