/* Component: a compiled .wasm file, linked against everything the host offers, shared by every
 * instance made from it.
 *
 * Compiling is slow and its memory large, so it is apart from opening: component_compile()
 * writes into a cache directory (in a child process of the daemon), component_open() maps what
 * is there. An actor exports airssys:core/component-lifecycle@1.0.0, a command wasi:cli/run.
 */
#ifndef ENGINE_COMPONENT_H
#define ENGINE_COMPONENT_H

#include <stdbool.h>
#include <stdint.h>

#include <airs/status.h>

#include "engine/engine.h"

/** A .wasm file larger than this is refused. */
#define COMPONENT_FILE_BYTES_MAX (UINT64_C(256) << 20)

struct component;

enum component_kind {
    COMPONENT_ACTOR,
    COMPONENT_COMMAND,
};

/** What the cache knows about a .wasm file. */
struct component_entry {
    bool found;          /* A valid entry is there; the rest is 0 otherwise. */
    uint64_t code_bytes; /* Size of the compiled form. */
};

/**
 * Compiles the .wasm file at `path` into `cache_dir`, which is made (0700) if missing; does
 * nothing when a valid entry is there, replaces a damaged one. A component is compiled as it
 * is, a core module for wasi_snapshot_preview1 is turned into one. Needs no engine.
 *
 * Fails with AIRS_ENOENT: no such file · AIRS_ELOAD: not wasm, cut short, a core module for
 * another system, or neither an actor nor a command · AIRS_ELIMIT: too large · AIRS_EIO: file
 * or cache cannot be read or written, for one a full disk; no partial file is left · AIRS_EDENIED:
 * `cache_dir` belongs to somebody else or others may write it.
 * Thread: any; not on a worker.  Blocks: 50 ms to many seconds, on all cores.
 */
enum airs_status component_compile(const struct engine_config *config, const char *path,
                                   const char *cache_dir, struct airs_error *error);

/**
 * Looks for a valid cache entry of the .wasm file at `path`; not finding one is AIRS_OK with
 * `found` false. Fails with AIRS_ENOENT, AIRS_ELIMIT, AIRS_EIO or AIRS_EDENIED as
 * component_compile() does.
 * Thread: any; not on a worker.  Blocks: reads and hashes both files.
 */
enum airs_status component_find_cached(const struct engine_config *config, const char *path,
                                       const char *cache_dir, struct component_entry *entry_out,
                                       struct airs_error *error);

/**
 * Opens the .wasm file at `path` from its entry in `cache_dir` and links it.
 *
 * Fails with AIRS_ENOENT when the file is missing or the cache has no valid entry for it (then
 * component_compile() makes one) · AIRS_ELOAD when it imports what nobody offers (the message
 * names the import), needs more than the pool has, or is neither an actor nor a command · and
 * as component_find_cached() does.
 * Ownership: caller gets one reference in *component_out.  Thread: any; not on a worker.
 * Blocks: reads and hashes both files.
 */
enum airs_status component_open(struct engine *engine, const char *path, const char *cache_dir,
                                struct component **component_out, struct airs_error *error);

/** What stands for the contents of a file. */
struct component_print {
    uint8_t bytes[32];
};

/** As component_is_current(), for a file that could not be opened as a component. */
enum airs_status component_print(const char *path, struct component_print *print_out,
                                 struct airs_error *error);

/**
 * Whether the .wasm file at `path` still has the contents that `component` was opened from.
 * Fails with AIRS_ENOENT, AIRS_ELIMIT or AIRS_EIO as component_compile() does.
 * Thread: any; not on a worker.  Blocks: reads and hashes the file.
 */
enum airs_status component_is_current(const struct component *component, const char *path,
                                      bool *current_out, struct airs_error *error);

/** One more reference to `component`, which is returned. Thread: any. */
struct component *component_ref(struct component *component);
/** One less; the last one frees it. NULL is allowed. Thread: any. */
void component_unref(struct component *component);

/** All of these: constant after open. Thread: any.  Blocks: no. */
enum component_kind component_kind(const struct component *component);
struct engine *component_engine(const struct component *component);
/** Size of the compiled form. */
uint64_t component_code_bytes(const struct component *component);
/** It imports airs:command/stop, so that a command can be asked to stop. */
bool component_imports_stop(const struct component *component);

#endif
