/* The engine's inside, for this folder alone. */
#ifndef ENGINE_ENGINE_INSIDE_H
#define ENGINE_ENGINE_INSIDE_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/engine.h"

struct engine {
    struct doors_engine *doors;  /* Constant after engine_new(). */
    struct engine_config config; /* Constant after engine_new(); complete. */
    uint64_t fingerprint;        /* Constant after engine_new(): of the settings, for cache keys. */

    _Atomic uint64_t ticks; /* Relaxed: a count for whoever reads it. */
    atomic_uint components; /* Open ones: engine_free() asserts that there are none. */
};

#endif
