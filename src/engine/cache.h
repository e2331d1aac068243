/* Cache: compiled code on disk, one file an entry, for its owner alone.
 *
 * Compiled code is native code: loading a foreign or damaged entry would run it. So the
 * directory is 0700 and a file 0600, both of this user; a file is written under a temporary
 * name, synced and renamed; and its trailer has the key it was made for and a SHA-256 over the
 * code, both checked before the engine sees the file.
 */
#ifndef ENGINE_CACHE_H
#define ENGINE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#define CACHE_HASH_BYTES 32u
/** Bytes of one entry's code; a larger file is taken for damaged. */
#define CACHE_CODE_BYTES_MAX (UINT64_C(4) << 30)

/** What an entry was made from and for: SHA-256 over content, engine version and settings. */
struct cache_key {
    uint8_t bytes[CACHE_HASH_BYTES];
};

/** An open, checked entry. */
struct cache_entry {
    int fd;              /* -1: no valid entry. */
    uint64_t code_bytes; /* The code stands at offset 0; the trailer after it. */
};

/**
 * Opens and checks the entry of `key`. No entry, or one that is damaged, cut short, foreign or
 * of another key: AIRS_OK with fd -1.
 * Fails with AIRS_EDENIED when the directory is not this user's alone, AIRS_EIO when it cannot
 * be read; a missing directory is a missing entry.
 * Ownership: caller closes the fd.  Thread: any.  Blocks: reads the file.
 */
enum airs_status cache_open(const char *directory, const struct cache_key *key,
                            struct cache_entry *entry_out, struct airs_error *error);

/**
 * Writes the entry of `key`, replacing what is there, and makes the directory if missing.
 * Fails with AIRS_EDENIED as above, AIRS_EIO when writing fails, as on a full disk: then no
 * file, temporary or final, is left by this call.
 * Thread: any; processes may write at the same time.  Blocks: writes the file.
 */
enum airs_status cache_write(const char *directory, const struct cache_key *key, const void *code,
                             size_t code_bytes, struct airs_error *error);

#endif
