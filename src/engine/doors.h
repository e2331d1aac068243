/* Doors: what Wasmtime's C API lacks, from the Rust crate beside this file.
 *
 * Rules of all of them: no panic leaves one; an error is owned by the caller and holds one line
 * of text; a store, its component and its engine are deleted in that order, a call before its
 * store. One thread at a time per store; stores of one engine do not know each other.
 * Structs here and in guest_types.h, host_functions.h and instance.h (instance_options) have
 * their twins in the crate: change both.
 */
#ifndef ENGINE_DOORS_H
#define ENGINE_DOORS_H

#include <stdbool.h>
#include <stdint.h>

#include <wasmtime.h>

#include "engine/cache.h"
#include "engine/engine.h"
#include "engine/instance.h"

struct doors_engine;
struct doors_component;
struct doors_store;
struct doors_call;
struct doors_signal;

/* Settings the C API has no function for. `stack_bytes`: of a fiber, zeroed before reuse. */
void doors_pool_pagemap_scan_auto(wasmtime_pooling_allocation_config_t *config);
void doors_config_stack_zeroing(wasm_config_t *config, size_t stack_bytes);
/** A number that differs whenever code compiled for `config` may not be loaded. */
wasmtime_error_t *doors_config_fingerprint(const wasm_config_t *config, uint64_t *out);

/** As wasm_engine_new_with_config(), but fails instead of ending the process, links everything
 *  a guest may import, and has an I/O thread. `config` stays the caller's. */
wasmtime_error_t *doors_engine_new(const wasm_config_t *config,
                                   void (*wake)(void *wake_context, uint64_t id),
                                   void *wake_context, bool test_doors, struct doors_engine **out);
/** Blocks until the I/O thread has ended. */
void doors_engine_delete(struct doors_engine *engine);
void doors_engine_increment_epoch(struct doors_engine *engine);
void doors_engine_usage(const struct doors_engine *engine, struct engine_usage *out);

/** Wasm, a component or a core module for wasip1, to code that doors_component_open() loads. */
wasmtime_error_t *doors_compile(const wasm_config_t *config, struct span wasm,
                                wasm_byte_vec_t *code_out);
/** SHA-256 over all parts. */
void doors_hash(const struct span *parts, size_t count, uint8_t out[CACHE_HASH_BYTES]);

/** What an instance of a component needs of the pool, and what the component is. */
struct doors_needs {
    bool is_actor; /* Else it is a command. */
    bool imports_stop;
    uint32_t memories;
    uint32_t tables;
};

/** Loads and links code; `path` must be a file that doors_compile()'s output is at the start of:
 *  it is run. */
wasmtime_error_t *doors_component_open(struct doors_engine *engine, const char *path,
                                       struct doors_needs *needs_out, struct doors_component **out);
void doors_component_delete(struct doors_component *component);

/** A store without an instance yet. `memory_bytes`, zeroed, is kept up to date by the store. */
wasmtime_error_t *doors_store_new(struct doors_component *component,
                                  const struct instance_options *options,
                                  _Atomic uint64_t *memory_bytes, struct doors_store **out);
void doors_store_delete(struct doors_store *store);

/** The store's wish to stop: raised from any thread, also while the store is polled. */
struct doors_signal *doors_store_signal(const struct doors_store *store);
void doors_signal_raise(struct doors_signal *signal);
void doors_signal_delete(struct doors_signal *signal);

/** How a call ended. The caller zeroes it, and owns what it holds. */
struct doors_result {
    uint32_t kind;         /* enum outcome_kind */
    int32_t code;          /* A trap code or an exit code. */
    wasm_byte_vec_t bytes; /* The reply, or the text of what went wrong. */
    bool has_reply;
    uint32_t health;
    struct guest_metadata *metadata; /* NULL unless metadata was called. */
};

/* A call holds on to its store and arguments until it is deleted. Nothing runs before the first
 * poll; deleting cancels. */
struct doors_call *doors_call_instantiate(struct doors_store *store);
struct doors_call *doors_call_initialize(struct doors_store *store,
                                         const struct guest_config *config);
struct doors_call *doors_call_handle_message(struct doors_store *store,
                                             const struct guest_message *message);
struct doors_call *doors_call_handle_callback(struct doors_store *store,
                                              const struct guest_message *message);
struct doors_call *doors_call_metadata(struct doors_store *store);
struct doors_call *doors_call_health(struct doors_store *store);
struct doors_call *doors_call_shutdown(struct doors_store *store);
struct doors_call *doors_call_run(struct doors_store *store);
/** True when done; `out` is written then, and the call may only be deleted. */
bool doors_call_poll(struct doors_call *call, struct doors_result *out);
void doors_call_delete(struct doors_call *call);
void doors_metadata_delete(struct guest_metadata *metadata);

#endif
