/* Settings: why each value is what it is stands at its line.
 *
 * What compiled code depends on is set in settings_for_code() alone, so that code which an
 * engine without a pool compiled loads into the one with the pool.
 */
#include "engine/settings.h"

#include <assert.h>
#include <inttypes.h>

#include "base/error.h"
#include "engine/doors.h"

/* Memory that stays with a slot between two instances: resetting it by hand is faster than
 * giving it back, and two workers giving back at a time wait for each other in the kernel. */
#define MEMORY_RESIDENT_BYTES (256u << 10)
#define MEMORY_RESIDENT_LARGE_BYTES (1024u << 10)
#define TABLE_RESIDENT_BYTES (64u << 10)
/* Of each fiber stack; beyond it, a deep recursion's pages are given back. */
#define STACK_RESIDENT_BYTES (32u << 10)

/* Tables reserve address space only; components of several modules have a handful each. */
#define TABLES_PER_INSTANCE 8u
#define MEMORIES_PER_COMPONENT 16u
#define TABLES_PER_COMPONENT 100u
/* Checks and counters without a cost: the store's own limits come first. */
#define UNLIMITED_COUNT UINT32_MAX
#define UNLIMITED_BYTES (SIZE_MAX / 2)

enum airs_status
settings_complete(const struct engine_config *config, struct engine_config *config_out,
                  struct airs_error *error)
{
    struct engine_config complete = *config;
    if (complete.instances_max == 0)
        complete.instances_max = ENGINE_INSTANCES_DEFAULT;
    if (complete.memory_bytes_max == 0)
        complete.memory_bytes_max = ENGINE_MEMORY_BYTES_DEFAULT;
    if (complete.instances_max > ENGINE_INSTANCES_MAX)
        return fail(error, AIRS_EINVAL, "max-instances: %" PRIu32 " is more than %u",
                    complete.instances_max, ENGINE_INSTANCES_MAX);
    if (complete.memory_bytes_max > ENGINE_MEMORY_BYTES_MAX)
        return fail(error, AIRS_EINVAL, "limits.memory: %" PRIu64 " bytes is more than 4 GiB",
                    complete.memory_bytes_max);
    *config_out = complete;
    return AIRS_OK;
}

/* With a reservation of 4 GiB a 32-bit guest needs no bounds checks, and runs 20 to 45 % faster;
 * a very large pool has no address space for that. */
static uint64_t
memory_reservation(const struct engine_config *config)
{
    if (config->instances_max <= SETTINGS_ADDRESS_SPACE_BYTES / SETTINGS_RESERVATION_BYTES)
        return SETTINGS_RESERVATION_BYTES;
    return config->memory_bytes_max;
}

wasm_config_t *
settings_for_code(const struct engine_config *config)
{
    assert(config->instances_max > 0 && config->memory_bytes_max > 0);
    wasm_config_t *settings = wasm_config_new();
    wasmtime_config_wasm_component_model_set(settings, true);
    /* One call in flight per store: the machinery for more would double the cost of each. */
    wasmtime_config_concurrency_support_set(settings, false);
    wasmtime_config_epoch_interruption_set(settings, true);
    wasmtime_config_max_wasm_stack_set(settings, ENGINE_GUEST_STACK_BYTES);
    doors_config_stack_zeroing(settings, ENGINE_GUEST_STACK_BYTES + ENGINE_HOST_STACK_BYTES);
    wasmtime_config_memory_reservation_set(settings, memory_reservation(config));
    wasmtime_config_memory_init_cow_set(settings, true);
    wasmtime_config_parallel_compilation_set(settings, true);
    return settings;
}

static void
set_pool_counts(wasmtime_pooling_allocation_config_t *pool, const struct engine_config *config)
{
    uint32_t count = config->instances_max;
    wasmtime_pooling_allocation_config_total_stacks_set(pool, count);
    wasmtime_pooling_allocation_config_total_memories_set(pool, count);
    wasmtime_pooling_allocation_config_total_tables_set(pool, count * TABLES_PER_INSTANCE);
    wasmtime_pooling_allocation_config_total_gc_heaps_set(pool, count);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, config->memory_bytes_max);
    wasmtime_pooling_allocation_config_table_elements_set(pool, ENGINE_TABLE_ELEMENTS_MAX);

    wasmtime_pooling_allocation_config_total_component_instances_set(pool, UNLIMITED_COUNT);
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, UNLIMITED_COUNT);
    wasmtime_pooling_allocation_config_max_core_instances_per_component_set(pool, UNLIMITED_COUNT);
    wasmtime_pooling_allocation_config_max_component_instance_size_set(pool, UNLIMITED_BYTES);
    wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, UNLIMITED_BYTES);
    wasmtime_pooling_allocation_config_max_memories_per_component_set(pool, MEMORIES_PER_COMPONENT);
    wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, MEMORIES_PER_COMPONENT);
    wasmtime_pooling_allocation_config_max_tables_per_component_set(pool, TABLES_PER_COMPONENT);
    wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, TABLES_PER_COMPONENT);
}

wasm_config_t *
settings_for_pool(const struct engine_config *config)
{
    wasm_config_t *settings = settings_for_code(config);
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    set_pool_counts(pool, config);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(
        pool, config->large_code ? MEMORY_RESIDENT_LARGE_BYTES : MEMORY_RESIDENT_BYTES);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, TABLE_RESIDENT_BYTES);
    wasmtime_pooling_allocation_config_async_stack_keep_resident_set(pool, STACK_RESIDENT_BYTES);
    doors_pool_pagemap_scan_auto(pool);
    wasmtime_pooling_allocation_strategy_set(settings, pool);
    wasmtime_pooling_allocation_config_delete(pool);
    return settings;
}

enum airs_status
settings_fingerprint(const struct engine_config *config, uint64_t *out, struct airs_error *error)
{
    wasm_config_t *settings = settings_for_code(config);
    wasmtime_error_t *failure = doors_config_fingerprint(settings, out);
    wasm_config_delete(settings);
    if (failure)
        return settings_fail(error, AIRS_ELIMIT, "engine", failure);
    return AIRS_OK;
}

enum airs_status
settings_fail(struct airs_error *report, enum airs_status status, const char *what,
              wasmtime_error_t *error)
{
    wasm_byte_vec_t text;
    wasmtime_error_message(error, &text);
    fail(report, status, "%s: %.*s", what, (int)text.size, text.data);
    wasm_byte_vec_delete(&text);
    wasmtime_error_delete(error);
    return status;
}
