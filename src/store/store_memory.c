/* Store, memory: what the last run left of each child, copied out of the database once, so that a
 * child that is registered asks no disk.
 */
#include <stdlib.h>
#include <string.h>

#include "store/store_inside.h"

struct kept_memory {
    char *path;
    struct airs_memory memory;
};

static void
kept_free(struct kept_memory *kept)
{
    if (!kept)
        return;
    free(kept->path);
    free((void *)(uintptr_t)kept->memory.state);
    free((void *)(uintptr_t)kept->memory.stopped);
    free((void *)(uintptr_t)kept->memory.exit_reason);
    free((void *)(uintptr_t)kept->memory.exit_detail);
    free((void *)(uintptr_t)kept->memory.grants_us);
    free((void *)(uintptr_t)kept->memory.intensity_us);
    free(kept);
}

static bool
copy_text(const char **text)
{
    if (!*text)
        return true;
    *text = strdup(*text);
    return *text != NULL;
}

static bool
copy_numbers(const uint64_t **numbers, size_t count)
{
    uint64_t *copy = malloc(count * sizeof *copy + 1);
    if (copy && count > 0)
        memcpy(copy, *numbers, count * sizeof *copy);
    *numbers = copy;
    return copy != NULL;
}

/* Out of memory: the child begins fresh. */
static void
keep(void *context, const char *path, const struct airs_memory *memory)
{
    struct store *store = context;
    struct kept_memory *kept = calloc(1, sizeof *kept);
    if (!kept)
        return;
    struct airs_memory *copy = &kept->memory;
    *copy = *memory;
    bool is_whole = copy_text(&copy->state);
    is_whole = copy_text(&copy->stopped) && is_whole;
    is_whole = copy_text(&copy->exit_reason) && is_whole;
    is_whole = copy_text(&copy->exit_detail) && is_whole;
    is_whole = copy_numbers(&copy->grants_us, copy->grants_count) && is_whole;
    is_whole = copy_numbers(&copy->intensity_us, copy->intensity_count) && is_whole;
    kept->path = strdup(path);
    if (!is_whole || !kept->path || !map_set(&store->memories, kept->path, kept))
        kept_free(kept);
}

bool
store_memory(const struct store *store, const char *path, struct airs_memory *memory_out)
{
    const struct kept_memory *kept = map_find(&store->memories, path);
    if (kept)
        *memory_out = kept->memory;
    return kept != NULL;
}

void
store_remember(struct store *store)
{
    uint64_t last_run;
    uint64_t time_us;
    struct airs_error error = { 0 };
    enum airs_status status = AIRS_OK;
    if (database_last_run(store->database, &last_run, &time_us))
        status = database_settle(store->database, last_run,
                                 store_read_clock(store, last_run, time_us), &error);
    if (status == AIRS_OK)
        status = database_children(store->database, keep, store, &error);
    if (status != AIRS_OK)
        store_trouble(store, status, &error);
}

void
store_memories_free(struct store *store)
{
    map_for_each(entry, &store->memories)
        kept_free(entry->value);
    map_deinit(&store->memories);
}
