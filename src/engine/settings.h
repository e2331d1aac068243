/* Settings: the configuration of Wasmtime that an engine, or its compiler, runs with. */
#ifndef ENGINE_SETTINGS_H
#define ENGINE_SETTINGS_H

#include <wasmtime.h>

#include "engine/engine.h"

/** Address space for small pools: 4 GiB a memory while all of them fit in this. */
#define SETTINGS_ADDRESS_SPACE_BYTES (UINT64_C(64) << 40)
#define SETTINGS_RESERVATION_BYTES (UINT64_C(4) << 30)

/** `config` with its zero fields replaced by the defaults, or AIRS_EINVAL. */
enum airs_status settings_complete(const struct engine_config *config,
                                   struct engine_config *config_out, struct airs_error *error);

/** What code depends on: for the compiler, which makes no pool. The caller deletes it. */
wasm_config_t *settings_for_code(const struct engine_config *config);
/** The same with the pool. `config` must be complete in both. The caller deletes it. */
wasm_config_t *settings_for_pool(const struct engine_config *config);

/** A number that differs whenever code for these settings may not be loaded. */
enum airs_status settings_fingerprint(const struct engine_config *config, uint64_t *out,
                                      struct airs_error *error);

/** Turns `error` (owned by this function) into a report: "`what`: its text". */
enum airs_status settings_fail(struct airs_error *report, enum airs_status status, const char *what,
                               wasmtime_error_t *error);

#endif
