/* Hash map: open addressing, linear probing, at most seven eighths full.
 *
 * What is probed are 32 bits of each hash, sixteen to a cache line; a key is read when they agree.
 * The hash takes eight bytes at a time, multiplies and folds. Keys are names that a manifest
 * limits in number and length, so no defence against chosen collisions is needed.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define MAP_CAPACITY_MIN 16

#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

static uint64_t
fold(uint64_t hash, uint64_t bytes)
{
    hash = (hash ^ bytes) * HASH_FACTOR;
    return hash ^ hash >> 32;
}

static uint64_t
word_at(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

uint32_t
map_hash(const char *key)
{
    size_t size = strlen(key);
    uint64_t hash = size, last = 0;
    if (size >= sizeof last) {
        for (size_t i = 0; i + sizeof last < size; i += sizeof last)
            hash = fold(hash, word_at(key + i));
        last = word_at(key + size - sizeof last); /* What of it was read already does no harm. */
    } else {
        for (size_t i = 0; i < size; i++)
            last = last << 8 | (unsigned char)key[i];
    }
    /* The product's upper half: what a single multiplication does not bring down to the low bits. */
    return (uint32_t)(fold(hash, last) * HASH_FACTOR >> 32) | MAP_LIVE;
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

/* The place of `key`; false: it is not there. */
static bool
find_place(const struct map *map, const char *key, uint32_t hash, size_t *place_out)
{
    if (map->capacity == 0)
        return false;
    size_t mask = map->capacity - 1;
    for (size_t i = hash >> 2 & mask;; i = (i + 1) & mask) {
        if (map->hashes[i] == MAP_FREE)
            return false;
        if (map->hashes[i] == hash && strcmp(map->entries[i].key, key) == 0) {
            *place_out = i;
            return true;
        }
    }
}

static void
insert_new(struct map *map, uint32_t hash, struct map_entry new_entry)
{
    size_t mask = map->capacity - 1;
    size_t i = hash >> 2 & mask;
    while (map->hashes[i] >= MAP_LIVE)
        i = (i + 1) & mask;
    if (map->hashes[i] == MAP_FREE)
        map->used++;
    map->hashes[i] = hash;
    map->entries[i] = new_entry;
    map->size++;
}

static bool
grow(struct map *map)
{
    size_t capacity = MAP_CAPACITY_MIN;
    while (capacity / 8 * 7 <= map->size)
        capacity *= 2;
    struct map bigger = { .capacity = capacity };
    bigger.entries = calloc(capacity, sizeof *bigger.entries + sizeof *bigger.hashes);
    if (!bigger.entries)
        return false;
    bigger.hashes = (uint32_t *)(void *)(bigger.entries + capacity);
    for (size_t i = 0; i < map->capacity; i++)
        if (map->hashes[i] >= MAP_LIVE)
            insert_new(&bigger, map->hashes[i], map->entries[i]);
    free(map->entries);
    *map = bigger;
    return true;
}

bool
map_set(struct map *map, const char *key, void *value)
{
    uint32_t hash = map_hash(key);
    size_t place;
    if (find_place(map, key, hash, &place)) {
        map->entries[place] = (struct map_entry){ key, value };
        return true;
    }
    if (map->used + 1 > map->capacity / 8 * 7 && !grow(map))
        return false;
    insert_new(map, hash, (struct map_entry){ key, value });
    return true;
}

void *
map_find(const struct map *map, const char *key)
{
    size_t place;
    return find_place(map, key, map_hash(key), &place) ? map->entries[place].value : NULL;
}

void *
map_remove(struct map *map, const char *key)
{
    size_t place;
    if (!find_place(map, key, map_hash(key), &place))
        return NULL;
    map->hashes[place] = MAP_REMOVED;
    map->size--;
    return map->entries[place].value;
}

struct map_entry *
map_next_live(const struct map *map, struct map_entry *from)
{
    for (size_t i = map->entries ? (size_t)(from - map->entries) : 0; i < map->capacity; i++)
        if (map->hashes[i] >= MAP_LIVE)
            return &map->entries[i];
    return NULL;
}
