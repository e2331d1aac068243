/* Wasm file: the bytes of a .wasm file, and their key in the cache. */
#ifndef ENGINE_WASM_FILE_H
#define ENGINE_WASM_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#include "engine/cache.h"

struct wasm_file {
    uint8_t *bytes;
    size_t size;
};

/**
 * Reads the regular file at `path` whole.
 * Fails with AIRS_ENOENT, AIRS_ELIMIT beyond COMPONENT_FILE_BYTES_MAX, AIRS_EIO, AIRS_ENOMEM.
 * Ownership: wasm_file_deinit() frees. Blocks: reads the file.
 */
enum airs_status wasm_file_read(const char *path, struct wasm_file *file_out,
                                struct airs_error *error);
void wasm_file_deinit(struct wasm_file *file);

/** The key of these bytes compiled with settings of this fingerprint. */
void wasm_file_key(const struct wasm_file *file, uint64_t fingerprint, struct cache_key *key_out);

#endif
