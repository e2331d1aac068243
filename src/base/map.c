/* Hash map: open addressing, linear probing, at most three quarters full.
 *
 * The hash is FNV-1a (Fowler, Noll, Vo; 64-bit constants from draft-eastlake-fnv). Keys are
 * names that a manifest limits in number and length, so no defence against chosen
 * collisions is needed.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define MAP_CAPACITY_MIN 16

static const char removed_key[] = "";
#define MAP_REMOVED removed_key

static uint64_t
hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static bool
is_live(const struct map_entry *entry)
{
    return entry->key && entry->key != MAP_REMOVED;
}

void
map_init(struct map *map)
{
    *map = (struct map){ 0 };
}

void
map_deinit(struct map *map)
{
    free(map->entries);
    map_init(map);
}

static struct map_entry *
find_entry(const struct map *map, const char *key, uint64_t hash)
{
    if (map->capacity == 0)
        return NULL;
    for (size_t i = hash & (map->capacity - 1);; i = (i + 1) & (map->capacity - 1)) {
        struct map_entry *entry = &map->entries[i];
        if (!entry->key)
            return NULL;
        if (is_live(entry) && entry->hash == hash && strcmp(entry->key, key) == 0)
            return entry;
    }
}

static void
insert_new(struct map *map, struct map_entry new_entry)
{
    size_t i = new_entry.hash & (map->capacity - 1);
    while (is_live(&map->entries[i]))
        i = (i + 1) & (map->capacity - 1);
    if (!map->entries[i].key)
        map->used++;
    map->entries[i] = new_entry;
    map->size++;
}

static bool
grow(struct map *map)
{
    size_t capacity = MAP_CAPACITY_MIN;
    while (capacity * 3 / 4 <= map->size + 1)
        capacity *= 2;
    struct map bigger = { .entries = calloc(capacity, sizeof *bigger.entries), .capacity = capacity };
    if (!bigger.entries)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (is_live(&map->entries[i]))
            insert_new(&bigger, map->entries[i]);
    free(map->entries);
    *map = bigger;
    return true;
}

bool
map_set(struct map *map, const char *key, void *value)
{
    uint64_t hash = hash_text(key);
    struct map_entry *entry = find_entry(map, key, hash);
    if (entry) {
        entry->key = key;
        entry->value = value;
        return true;
    }
    if (map->used + 1 > map->capacity * 3 / 4 && !grow(map))
        return false;
    insert_new(map, (struct map_entry){ key, hash, value });
    return true;
}

void *
map_find(const struct map *map, const char *key)
{
    struct map_entry *entry = find_entry(map, key, hash_text(key));
    return entry ? entry->value : NULL;
}

void *
map_remove(struct map *map, const char *key)
{
    struct map_entry *entry = find_entry(map, key, hash_text(key));
    if (!entry)
        return NULL;
    void *value = entry->value;
    *entry = (struct map_entry){ .key = MAP_REMOVED };
    map->size--;
    return value;
}

struct map_entry *
map_next_live(const struct map *map, struct map_entry *from)
{
    struct map_entry *end = map->entries ? map->entries + map->capacity : NULL;
    for (; from != end; from++)
        if (is_live(from))
            return from;
    return NULL;
}
