/* Engine: a pool sized once, and the counts by which that size is judged before it is made. */
#include "engine/engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "engine/doors.h"
#include "engine/engine_inside.h"
#include "engine/settings.h"

#define MAPS_MAX_PATH "/proc/sys/vm/max_map_count"
#define MAPS_MAX_DEFAULT 65530u

uint64_t
engine_maps_max(void)
{
    FILE *file = fopen(MAPS_MAX_PATH, "re");
    if (!file)
        return MAPS_MAX_DEFAULT;
    uint64_t maps;
    int fields = fscanf(file, "%" SCNu64, &maps);
    fclose(file);
    return fields == 1 ? maps : MAPS_MAX_DEFAULT;
}

uint64_t
engine_instances_fit(uint64_t maps_max)
{
    if (maps_max <= ENGINE_MAPS_RESERVED)
        return 0;
    return (maps_max - ENGINE_MAPS_RESERVED) / ENGINE_MAPS_PER_INSTANCE;
}

static enum airs_status
check_maps(const struct engine_config *config, struct airs_error *error)
{
    uint64_t maps = engine_maps_max();
    uint64_t needed =
        (uint64_t)config->instances_max * ENGINE_MAPS_PER_INSTANCE + ENGINE_MAPS_RESERVED;
    if (needed <= maps)
        return AIRS_OK;
    return fail(error, AIRS_ELIMIT,
                "max-instances: %" PRIu32 " instances need %" PRIu64 " memory maps, and "
                "vm.max_map_count allows %" PRIu64 ": set max-instances to at most %" PRIu64
                ", or run 'sysctl -w vm.max_map_count=%" PRIu64 "'",
                config->instances_max, needed, maps, engine_instances_fit(maps), needed);
}

static enum airs_status
make_pool(struct engine *engine, struct airs_error *error)
{
    const struct engine_config *config = &engine->config;
    wasm_config_t *settings = settings_for_pool(config);
    wasmtime_error_t *failure = doors_engine_new(settings, config->wake, config->wake_context,
                                                 config->test_doors, &engine->doors);
    wasm_config_delete(settings);
    if (failure)
        return settings_fail(error, AIRS_ELIMIT, "engine", failure);
    return AIRS_OK;
}

enum airs_status
engine_new(const struct engine_config *config, struct engine **engine_out, struct airs_error *error)
{
    assert(config && engine_out);

    struct engine_config complete;
    enum airs_status status = settings_complete(config, &complete, error);
    if (status == AIRS_OK)
        status = check_maps(&complete, error);
    if (status != AIRS_OK)
        return status;

    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return fail(error, AIRS_ENOMEM, "engine: out of memory");
    engine->config = complete;
    status = settings_fingerprint(&complete, &engine->fingerprint, error);
    if (status == AIRS_OK)
        status = make_pool(engine, error);
    if (status != AIRS_OK) {
        free(engine);
        return status;
    }
    *engine_out = engine;
    return AIRS_OK;
}

void
engine_free(struct engine *engine)
{
    if (!engine)
        return;
    assert(atomic_load(&engine->components) == 0);
    doors_engine_delete(engine->doors);
    free(engine);
}

void
engine_tick(struct engine *engine)
{
    atomic_fetch_add_explicit(&engine->ticks, 1, memory_order_relaxed);
    doors_engine_increment_epoch(engine->doors);
}

uint64_t
engine_ticks(const struct engine *engine)
{
    return atomic_load_explicit(&engine->ticks, memory_order_relaxed);
}

uint32_t
engine_instances_max(const struct engine *engine)
{
    return engine->config.instances_max;
}

const char *
engine_version(void)
{
    return WASMTIME_VERSION;
}

void
engine_usage(const struct engine *engine, struct engine_usage *usage_out)
{
    doors_engine_usage(engine->doors, usage_out);
}
