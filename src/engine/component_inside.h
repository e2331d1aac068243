/* The component's inside, for this folder alone. */
#ifndef ENGINE_COMPONENT_INSIDE_H
#define ENGINE_COMPONENT_INSIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/cache.h"
#include "engine/component.h"

struct component {
    atomic_uint references; /* The last component_unref() (acq_rel) pairs with all others. */

    /* Constant after component_open(). */
    struct engine *engine;
    struct doors_component *doors;
    enum component_kind kind;
    bool imports_stop;
    uint64_t code_bytes;
    struct cache_key key; /* Made from the file's contents. */
};

#endif
