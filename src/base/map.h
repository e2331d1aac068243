/* Hash map from text to pointer. Keys are borrowed: they must outlive their entry. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Beside a table's hashes, what is none: */
#define MAP_FREE 0u
#define MAP_REMOVED 1u
#define MAP_LIVE 2u

struct map_entry {
    const char *key;
    void *value;
};

struct map {
    struct map_entry *entries; /* Behind them lie the hashes: what is looked through first. */
    uint32_t *hashes;          /* MAP_FREE, MAP_REMOVED, or of the entry in the same place. */
    size_t capacity;           /* A power of two, or 0. */
    size_t size;               /* Live entries. */
    size_t used;               /* Live and removed entries. */
};

/** Each live entry, in no order; the map must not change meanwhile. */
#define map_for_each(entry, map)                                                                  \
    for (struct map_entry *entry = (map)->entries; (entry = map_next_live((map), entry)) != NULL; \
         entry++)

/** 32 bits of `key`, at least MAP_LIVE. */
uint32_t map_hash(const char *key);

void map_init(struct map *map);
/** Frees the table; keys and values belong to the caller. */
void map_deinit(struct map *map);
/** Adds or replaces; false when out of memory, and then nothing changed. */
bool map_set(struct map *map, const char *key, void *value);
/** NULL when `key` is not there. */
void *map_find(const struct map *map, const char *key);
/** The value that was removed; NULL when `key` is not there. */
void *map_remove(struct map *map, const char *key);
/** For map_for_each alone. */
struct map_entry *map_next_live(const struct map *map, struct map_entry *from);

#endif
