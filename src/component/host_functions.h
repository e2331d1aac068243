/* Host functions: what a component may ask of the runtime, behind the doors.
 *
 * log, the times, list-components, get-component-metadata and self-id do what they say.
 * Messages and storage need a grant, and nothing can be granted yet: they answer so.
 */
#ifndef COMPONENT_HOST_FUNCTIONS_H
#define COMPONENT_HOST_FUNCTIONS_H

#include "component/component_output.h"
#include "component/component_registry.h"
#include "engine/host_functions.h"

/* What the functions know of the component that calls: their `host` pointer. */
struct component_host {
    struct component_registry *registry;
    struct component_output output;
    const char *path;
};

/** The one table, for every instance. */
extern const struct host_functions component_host_functions;

#endif
