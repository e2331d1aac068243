/* Loading: every file that the manifest names is compiled once, before anything starts.
 *
 * What the engine is configured with is part of a cache entry's key, so it goes with the file
 * to whoever compiles, as one text of settings.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/map.h"
#include "component/component_spawner.h"
#include "daemon/application_internal.h"
#include "engine/component.h"
#include "manifest/manifest.h"

#define SETTINGS_FORMAT "instances=%" PRIu32 " memory=%" PRIu64 " large=%d"
#define SETTINGS_SIZE 96
/* A file as large as this takes seconds: it is announced before. */
#define ANNOUNCED_BYTES (UINT64_C(1) << 20)

enum airs_status
airs_compile(const char *file, const char *cache_dir, const char *settings,
             struct airs_error *error)
{
    assert(file && cache_dir && settings);

    struct engine_config config = { 0 };
    int large;
    int end = 0;
    if (sscanf(settings, SETTINGS_FORMAT "%n", &config.instances_max, &config.memory_bytes_max,
               &large, &end) != 3 ||
        settings[end] != '\0')
        return fail(error, AIRS_EINVAL, "cannot read the settings '%s'", settings);
    config.large_code = large != 0;
    return component_compile(&config, file, cache_dir, error);
}

static void
print_size(char *text, size_t size, uint64_t bytes)
{
    if (bytes < 1024)
        snprintf(text, size, "%" PRIu64 " B", bytes);
    else if (bytes < 1024 * 1024)
        snprintf(text, size, "%" PRIu64 " KiB", bytes / 1024);
    else
        snprintf(text, size, "%.1f MiB", (double)bytes / (1024 * 1024));
}

void
application_report(struct airs_application *application, const char *line)
{
    if (application->options.progress)
        application->options.progress(application->options.context, line);
}

/* Has `spec`'s file compiled, saying so. */
static enum airs_status
compile(struct airs_application *application, const struct engine_config *config,
        const struct component_spec *spec, struct airs_error *error)
{
    struct stat info = { 0 };
    char settings[SETTINGS_SIZE], size[32], line[512];
    uint64_t start_us = clock_now_us();

    stat(spec->file, &info);
    print_size(size, sizeof size, (uint64_t)info.st_size);
    if ((uint64_t)info.st_size >= ANNOUNCED_BYTES) {
        snprintf(line, sizeof line, "compiling %s (%s) …", spec->component, size);
        application_report(application, line);
    }
    snprintf(settings, sizeof settings, SETTINGS_FORMAT, config->instances_max,
             config->memory_bytes_max, config->large_code);
    const struct airs_application_options *options = &application->options;
    enum airs_status status =
        options->compile
            ? options->compile(options->context, spec->file, options->cache_dir, settings, error)
            : component_compile(config, spec->file, options->cache_dir, error);
    if (status == AIRS_OK)
        snprintf(line, sizeof line, "compiling %s (%s) … %" PRIu64 " ms", spec->component, size,
                 (clock_now_us() - start_us) / US_PER_MS);
    else
        snprintf(line, sizeof line, "compiling %s (%s) … failed: %s", spec->component, size,
                 error->message);
    application_report(application, line);
    return status;
}

/* Why a file could not be compiled. */
struct unloadable {
    char *file; /* The key. */
    char message[AIRS_ERROR_MESSAGE_BYTES];
};

static void
unloadable_free(struct unloadable *unloadable)
{
    if (unloadable)
        free(unloadable->file);
    free(unloadable);
}

static void
forget_unloadable(struct airs_application *application, const char *file)
{
    unloadable_free(map_remove(&application->unloadable, file));
}

/* Out of memory: the children's load error is then the cache's, a less telling one. */
static void
note_unloadable(struct airs_application *application, const char *file, const char *message)
{
    struct unloadable *unloadable = calloc(1, sizeof *unloadable);
    forget_unloadable(application, file);
    if (unloadable)
        unloadable->file = strdup(file);
    if (!unloadable || !unloadable->file ||
        !map_set(&application->unloadable, unloadable->file, unloadable)) {
        unloadable_free(unloadable);
        return;
    }
    snprintf(unloadable->message, sizeof unloadable->message, "%s", message);
}

const char *
application_load_error(void *context, const char *file)
{
    struct airs_application *application = context;
    const struct unloadable *unloadable = map_find(&application->unloadable, file);
    return unloadable ? unloadable->message : NULL;
}

void
application_load_errors_free(struct airs_application *application)
{
    map_for_each(entry, &application->unloadable)
        unloadable_free(entry->value);
    map_deinit(&application->unloadable);
}

/* Looks into the cache, compiles if need be, and counts the code. A failure is the children's. */
static enum airs_status
prepare(struct airs_application *application, struct engine_config *config,
        const struct component_spec *spec, struct airs_error *error_out)
{
    struct airs_error error = { 0 };
    struct component_entry entry = { 0 };
    enum airs_status status =
        component_find_cached(config, spec->file, application->options.cache_dir, &entry, &error);
    if (status == AIRS_OK && !entry.found) {
        status = compile(application, config, spec, &error);
        if (status == AIRS_OK)
            status = component_find_cached(config, spec->file, application->options.cache_dir,
                                           &entry, &error);
    }
    if (status == AIRS_OK)
        forget_unloadable(application, spec->file);
    else if (!atomic_load(&application->cancelled))
        note_unloadable(application, spec->file, error.message);
    if (entry.found && entry.code_bytes > ENGINE_LARGE_CODE_BYTES)
        config->large_code = true;
    return status == AIRS_OK ? AIRS_OK : fail(error_out, status, "%s", error.message);
}

/* One pass over all files; true when `config` changed, so that entries found before it are of
 * another key. */
static bool
prepare_all(struct airs_application *application, struct engine_config *config, bool *enough)
{
    bool large_before = config->large_code;
    struct map seen;
    map_init(&seen);
    struct tree_child *child = application->tree.root;
    for (; child && !atomic_load(&application->cancelled); child = tree_next(child)) {
        const struct component_spec *spec = child->node->spec;
        if (!spec || map_find(&seen, spec->file))
            continue;
        *enough = *enough && map_set(&seen, spec->file, child);
        prepare(application, config, spec, NULL);
    }
    map_deinit(&seen);
    return config->large_code != large_before;
}

enum airs_status
application_compile(struct airs_application *application, const struct component_spec *spec,
                    struct airs_error *error)
{
    struct engine_config config = {
        .instances_max = application->instances_max,
        .memory_bytes_max = application->memory_bytes_max,
        .large_code = application->large_code,
    };
    return prepare(application, &config, spec, error);
}

enum airs_status
application_compile_all(struct airs_application *application, struct engine_config *config,
                        struct airs_error *error)
{
    bool enough = true;
    if (prepare_all(application, config, &enough))
        prepare_all(application, config, &enough);
    if (atomic_load(&application->cancelled))
        return fail(error, AIRS_EBUSY, "cancelled while it was compiling");
    return enough ? AIRS_OK : fail(error, AIRS_ENOMEM, "out of memory");
}
