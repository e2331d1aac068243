/* Cache: code at offset 0 of a file, so that it can be mapped as it is; a trailer behind it.
 *
 * The trailer names the key and the hash of the code. It is written last and checked first, so
 * a file cut short, damaged or put there under another name is not an entry. Writers of one key
 * write the same bytes; whoever renames last wins.
 */
#include "engine/cache.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/doors.h"

#define CACHE_MAGIC "airs code entry1"
#define CACHE_TEMPORARY_PREFIX ".new-"
#define CACHE_NAME_BYTES (2 * CACHE_HASH_BYTES + sizeof ".code")
#define CACHE_TEMPORARY_BYTES 64

struct cache_trailer {
    char magic[16];
    struct cache_key key;
    uint8_t code_hash[CACHE_HASH_BYTES];
    uint64_t code_bytes;
};

static void
entry_name(const struct cache_key *key, char name[CACHE_NAME_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < CACHE_HASH_BYTES; i++) {
        name[2 * i] = digits[key->bytes[i] >> 4];
        name[2 * i + 1] = digits[key->bytes[i] & 15];
    }
    strcpy(name + 2 * (size_t)CACHE_HASH_BYTES, ".code");
}

/* The directory's descriptor; -1 with AIRS_OK when it is missing. */
static enum airs_status
open_directory(const char *directory, int *fd_out, struct airs_error *error)
{
    *fd_out = -1;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return AIRS_OK;
    if (fd < 0)
        return fail(error, AIRS_EIO, "cache '%s': %s", directory, strerror(errno));

    struct stat about;
    if (fstat(fd, &about) != 0 || about.st_uid != geteuid() || (about.st_mode & 022) != 0) {
        close(fd);
        return fail(error, AIRS_EDENIED,
                    "cache '%s': must belong to this user and be writable by nobody else",
                    directory);
    }
    *fd_out = fd;
    return AIRS_OK;
}

static bool
make_directory(const char *directory)
{
    char *path = strdup(directory);
    if (!path)
        return false;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    int reason = errno;
    free(path);
    errno = reason;
    return made;
}

static bool
is_own_file(int fd, uint64_t *size_out)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_uid != geteuid() ||
        (about.st_mode & 022) != 0)
        return false;
    *size_out = (uint64_t)about.st_size;
    return *size_out > sizeof(struct cache_trailer) &&
           *size_out <= CACHE_CODE_BYTES_MAX + sizeof(struct cache_trailer);
}

static bool
is_code_whole(int fd, const struct cache_trailer *trailer)
{
    size_t size = (size_t)trailer->code_bytes;
    void *code = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (code == MAP_FAILED)
        return false;
    uint8_t hash[CACHE_HASH_BYTES];
    const struct span part = { code, size };
    doors_hash(&part, 1, hash);
    munmap(code, size);
    return memcmp(hash, trailer->code_hash, sizeof hash) == 0;
}

static bool
is_entry(int fd, const struct cache_key *key, uint64_t *code_bytes_out)
{
    uint64_t size;
    struct cache_trailer trailer;
    if (!is_own_file(fd, &size))
        return false;
    *code_bytes_out = size - sizeof trailer;
    ssize_t count = pread(fd, &trailer, sizeof trailer, (off_t)*code_bytes_out);
    return count == (ssize_t)sizeof trailer &&
           memcmp(trailer.magic, CACHE_MAGIC, sizeof trailer.magic) == 0 &&
           memcmp(&trailer.key, key, sizeof trailer.key) == 0 &&
           trailer.code_bytes == *code_bytes_out && is_code_whole(fd, &trailer);
}

enum airs_status
cache_open(const char *directory, const struct cache_key *key, struct cache_entry *entry_out,
           struct airs_error *error)
{
    assert(directory && key && entry_out);

    int directory_fd;
    enum airs_status status = open_directory(directory, &directory_fd, error);
    if (status != AIRS_OK)
        return status;
    *entry_out = (struct cache_entry){ .fd = -1 };
    if (directory_fd < 0)
        return AIRS_OK;

    char name[CACHE_NAME_BYTES];
    entry_name(key, name);
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    close(directory_fd);
    if (fd >= 0 && is_entry(fd, key, &entry_out->code_bytes))
        entry_out->fd = fd;
    else if (fd >= 0)
        close(fd);
    if (entry_out->fd < 0)
        entry_out->code_bytes = 0;
    return AIRS_OK;
}

/* A writer that was killed leaves its temporary file: its process is gone. */
static void
remove_leftovers(int directory_fd)
{
    DIR *directory = fdopendir(dup(directory_fd));
    if (!directory)
        return;
    rewinddir(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strncmp(entry->d_name, CACHE_TEMPORARY_PREFIX, strlen(CACHE_TEMPORARY_PREFIX)) != 0)
            continue;
        long pid = strtol(entry->d_name + strlen(CACHE_TEMPORARY_PREFIX), NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            unlinkat(directory_fd, entry->d_name, 0);
    }
    closedir(directory);
}

static bool
write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = write(fd, (const char *)bytes + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

static bool
write_file(int fd, const struct cache_key *key, const void *code, size_t code_bytes)
{
    struct cache_trailer trailer = { .key = *key, .code_bytes = code_bytes };
    memcpy(trailer.magic, CACHE_MAGIC, sizeof trailer.magic);
    const struct span part = { code, code_bytes };
    doors_hash(&part, 1, trailer.code_hash);
    return write_all(fd, code, code_bytes) && write_all(fd, &trailer, sizeof trailer) &&
           fsync(fd) == 0;
}

/* False with errno set; no file is left then. */
static bool
write_entry(int directory_fd, const struct cache_key *key, const void *code, size_t code_bytes)
{
    static atomic_uint counter; /* Relaxed: makes names differ, no more. */
    char temporary[CACHE_TEMPORARY_BYTES];
    unsigned number = atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
    snprintf(temporary, sizeof temporary, CACHE_TEMPORARY_PREFIX "%ld-%u", (long)getpid(), number);
    int fd = openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;

    char name[CACHE_NAME_BYTES];
    entry_name(key, name);
    bool written = write_file(fd, key, code, code_bytes);
    int reason = errno;
    if (close(fd) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && renameat(directory_fd, temporary, directory_fd, name) != 0) {
        written = false;
        reason = errno;
    }
    if (!written)
        unlinkat(directory_fd, temporary, 0);
    errno = reason;
    return written;
}

enum airs_status
cache_write(const char *directory, const struct cache_key *key, const void *code, size_t code_bytes,
            struct airs_error *error)
{
    assert(directory && key && code && code_bytes > 0);

    if (!make_directory(directory))
        return fail(error, AIRS_EIO, "cache '%s': %s", directory, strerror(errno));
    int directory_fd;
    enum airs_status status = open_directory(directory, &directory_fd, error);
    if (status != AIRS_OK)
        return status;
    if (directory_fd < 0)
        return fail(error, AIRS_EIO, "cache '%s': it has been removed", directory);
    remove_leftovers(directory_fd);
    if (!write_entry(directory_fd, key, code, code_bytes))
        status = fail(error, AIRS_EIO, "cache '%s': cannot write %zu bytes: %s", directory,
                      code_bytes, strerror(errno));
    close(directory_fd);
    return status;
}
