/* Component: what is compiled, found in the cache, opened and linked, and counted.
 *
 * The key of an entry is made from the bytes that were read, never from a name or a time, so a
 * file that changes is another component. What an entry needs is judged against the pool when it
 * is opened, not when the thousandth instance of it is made.
 */
#include "engine/component.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/component_inside.h"
#include "engine/doors.h"
#include "engine/engine_inside.h"
#include "engine/settings.h"
#include "engine/wasm_file.h"

#define WHAT_BYTES 160

_Static_assert(sizeof(struct component_print) == CACHE_HASH_BYTES, "a print is a key");

static enum airs_status
compile_into(const struct engine_config *config, const char *path, const struct wasm_file *file,
             const struct cache_key *key, const char *cache_dir, struct airs_error *error)
{
    wasm_config_t *settings = settings_for_code(config);
    wasm_byte_vec_t code = { 0 };
    wasmtime_error_t *failure =
        doors_compile(settings, (struct span){ file->bytes, file->size }, &code);
    wasm_config_delete(settings);
    if (failure) {
        char what[WHAT_BYTES];
        snprintf(what, sizeof what, "component '%s'", path);
        return settings_fail(error, AIRS_ELOAD, what, failure);
    }
    enum airs_status status = cache_write(cache_dir, key, code.data, code.size, error);
    wasm_byte_vec_delete(&code);
    return status;
}

/* Reads the file and looks for its entry; on success the caller owns both. */
static enum airs_status
look_up(uint64_t fingerprint, const char *path, const char *cache_dir, struct wasm_file *file,
        struct cache_key *key, struct cache_entry *entry, struct airs_error *error)
{
    enum airs_status status = wasm_file_read(path, file, error);
    if (status != AIRS_OK)
        return status;
    wasm_file_key(file, fingerprint, key);
    status = cache_open(cache_dir, key, entry, error);
    if (status != AIRS_OK)
        wasm_file_deinit(file);
    return status;
}

static enum airs_status
complete_config(const struct engine_config *config, struct engine_config *complete,
                uint64_t *fingerprint, struct airs_error *error)
{
    enum airs_status status = settings_complete(config, complete, error);
    if (status != AIRS_OK)
        return status;
    return settings_fingerprint(complete, fingerprint, error);
}

enum airs_status
component_compile(const struct engine_config *config, const char *path, const char *cache_dir,
                  struct airs_error *error)
{
    assert(config && path && cache_dir);

    struct engine_config complete;
    uint64_t fingerprint;
    enum airs_status status = complete_config(config, &complete, &fingerprint, error);
    if (status != AIRS_OK)
        return status;
    struct wasm_file file;
    struct cache_key key;
    struct cache_entry entry;
    status = look_up(fingerprint, path, cache_dir, &file, &key, &entry, error);
    if (status != AIRS_OK)
        return status;
    if (entry.fd >= 0)
        close(entry.fd);
    else
        status = compile_into(&complete, path, &file, &key, cache_dir, error);
    wasm_file_deinit(&file);
    return status;
}

enum airs_status
component_find_cached(const struct engine_config *config, const char *path, const char *cache_dir,
                      struct component_entry *entry_out, struct airs_error *error)
{
    assert(config && path && cache_dir && entry_out);

    struct engine_config complete;
    uint64_t fingerprint;
    enum airs_status status = complete_config(config, &complete, &fingerprint, error);
    if (status != AIRS_OK)
        return status;
    struct wasm_file file;
    struct cache_key key;
    struct cache_entry entry;
    status = look_up(fingerprint, path, cache_dir, &file, &key, &entry, error);
    if (status != AIRS_OK)
        return status;
    wasm_file_deinit(&file);
    *entry_out = (struct component_entry){ entry.fd >= 0, entry.code_bytes };
    if (entry.fd >= 0)
        close(entry.fd);
    return AIRS_OK;
}

/* Sizes are checked by the pool itself when the code is loaded. */
static enum airs_status
check_needs(const struct engine *engine, const char *path, const struct doors_needs *needs,
            struct airs_error *error)
{
    if (needs->memories > INSTANCE_MEMORIES_MAX || needs->memories > engine->config.instances_max)
        return fail(error, AIRS_ELOAD,
                    "component '%s': it has %" PRIu32 " memories; %u is the most", path,
                    needs->memories, INSTANCE_MEMORIES_MAX);
    if (needs->tables > INSTANCE_TABLES_MAX)
        return fail(error, AIRS_ELOAD, "component '%s': it has %" PRIu32 " tables; %u is the most",
                    path, needs->tables, INSTANCE_TABLES_MAX);
    return AIRS_OK;
}

static enum airs_status
load(struct component *component, const char *path, int fd, struct airs_error *error)
{
    char code_path[sizeof "/proc/self/fd/" + 3 * sizeof fd];
    snprintf(code_path, sizeof code_path, "/proc/self/fd/%d", fd);
    struct doors_needs needs;
    wasmtime_error_t *failure =
        doors_component_open(component->engine->doors, code_path, &needs, &component->doors);
    if (failure) {
        char what[WHAT_BYTES];
        snprintf(what, sizeof what, "component '%s'", path);
        return settings_fail(error, AIRS_ELOAD, what, failure);
    }
    component->kind = needs.is_actor ? COMPONENT_ACTOR : COMPONENT_COMMAND;
    component->imports_stop = needs.imports_stop;
    return check_needs(component->engine, path, &needs, error);
}

static struct component *
component_new(struct engine *engine)
{
    struct component *component = calloc(1, sizeof *component);
    if (!component)
        return NULL;
    atomic_init(&component->references, 1);
    component->engine = engine;
    atomic_fetch_add(&engine->components, 1);
    return component;
}

enum airs_status
component_open(struct engine *engine, const char *path, const char *cache_dir,
               struct component **component_out, struct airs_error *error)
{
    assert(engine && path && cache_dir && component_out);

    struct wasm_file file;
    struct cache_key key;
    struct cache_entry entry;
    enum airs_status status =
        look_up(engine->fingerprint, path, cache_dir, &file, &key, &entry, error);
    if (status != AIRS_OK)
        return status;
    wasm_file_deinit(&file);
    if (entry.fd < 0)
        return fail(error, AIRS_ENOENT, "component '%s': not compiled: no entry in cache '%s'",
                    path, cache_dir);

    struct component *component = component_new(engine);
    if (!component) {
        status = fail(error, AIRS_ENOMEM, "component '%s': out of memory", path);
        goto out;
    }
    component->code_bytes = entry.code_bytes;
    component->key = key;
    status = load(component, path, entry.fd, error);
    if (status != AIRS_OK)
        goto out;
    *component_out = component;
    component = NULL; /* handed over */
out:
    component_unref(component);
    close(entry.fd);
    return status;
}

enum airs_status
component_print(const char *path, struct component_print *print_out, struct airs_error *error)
{
    struct wasm_file file;
    struct cache_key key;
    enum airs_status status = wasm_file_read(path, &file, error);
    if (status != AIRS_OK)
        return status;
    wasm_file_key(&file, 0, &key);
    wasm_file_deinit(&file);
    memcpy(print_out->bytes, key.bytes, sizeof print_out->bytes);
    return AIRS_OK;
}

enum airs_status
component_is_current(const struct component *component, const char *path, bool *current_out,
                     struct airs_error *error)
{
    assert(component && path && current_out);

    struct wasm_file file;
    struct cache_key key;
    enum airs_status status = wasm_file_read(path, &file, error);
    if (status != AIRS_OK)
        return status;
    wasm_file_key(&file, component->engine->fingerprint, &key);
    wasm_file_deinit(&file);
    *current_out = memcmp(&key, &component->key, sizeof key) == 0;
    return AIRS_OK;
}

struct component *
component_ref(struct component *component)
{
    atomic_fetch_add_explicit(&component->references, 1, memory_order_relaxed);
    return component;
}

void
component_unref(struct component *component)
{
    if (!component)
        return;
    unsigned before = atomic_fetch_sub_explicit(&component->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    if (component->doors)
        doors_component_delete(component->doors);
    atomic_fetch_sub(&component->engine->components, 1);
    free(component);
}

enum component_kind
component_kind(const struct component *component)
{
    return component->kind;
}

struct engine *
component_engine(const struct component *component)
{
    return component->engine;
}

uint64_t
component_code_bytes(const struct component *component)
{
    return component->code_bytes;
}

bool
component_imports_stop(const struct component *component)
{
    return component->imports_stop;
}
