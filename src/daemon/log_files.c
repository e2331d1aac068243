/* Log files. A file is opened when it is first written in a while, its size then asked from
 * the system; so what another daemon of the same name left is continued.
 */
#include "daemon/log_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/list.h"
#include "base/map.h"

#define FILE_MODE 0600
#define DIRECTORY_MODE 0700
#define TAIL_BLOCK_BYTES 65536

struct log_file {
    char *path;
    int fd;                /* -1: closed. */
    uint64_t size;         /* Meaningful while open. */
    struct buffer pending; /* Added, not yet written. */
    struct list used;      /* In log_files.open, the most recently used first, while open. */
    struct list dirty;     /* In log_files.dirty, while `pending` has something. */
};

struct log_files {
    char *directory;
    struct map by_path; /* struct log_file */
    struct list open;
    size_t open_count;
    struct list dirty;
};

struct log_files *
log_files_new(const char *directory)
{
    struct log_files *files = calloc(1, sizeof *files);
    if (!files)
        return NULL;
    files->directory = strdup(directory);
    map_init(&files->by_path);
    list_init(&files->open);
    list_init(&files->dirty);
    if (files->directory)
        return files;
    log_files_free(files);
    return NULL;
}

static void
file_close(struct log_files *files, struct log_file *file)
{
    if (file->fd < 0)
        return;
    close(file->fd);
    file->fd = -1;
    list_remove(&file->used);
    files->open_count--;
}

void
log_files_free(struct log_files *files)
{
    if (!files)
        return;
    if (files->directory)
        log_files_flush(files, NULL);
    map_for_each(entry, &files->by_path) {
        struct log_file *file = entry->value;
        file_close(files, file);
        buffer_deinit(&file->pending);
        free(file->path);
        free(file);
    }
    map_deinit(&files->by_path);
    free(files->directory);
    free(files);
}

static struct log_file *
find_or_add(struct log_files *files, const char *path)
{
    struct log_file *file = map_find(&files->by_path, path);
    if (file)
        return file;
    file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->fd = -1;
    file->path = strdup(path);
    list_init(&file->used);
    list_init(&file->dirty);
    buffer_init(&file->pending, 0);
    if (file->path && map_set(&files->by_path, file->path, file))
        return file;
    free(file->path);
    free(file);
    return NULL;
}

bool
log_files_append(struct log_files *files, const char *path, const char *lines, size_t size)
{
    assert(path[0] == '/');

    struct log_file *file = find_or_add(files, path);
    if (!file || !buffer_append(&file->pending, lines, size))
        return false;
    if (!list_is_linked(&file->dirty))
        list_push_back(&files->dirty, &file->dirty);
    return true;
}

/* The name of file `age` of a child, 0 the latest; false: too long. */
static bool
name_of(const struct log_files *files, const char *path, unsigned age, char name[PATH_MAX])
{
    int length = age == 0 ? snprintf(name, PATH_MAX, "%s%s/_log", files->directory, path)
                          : snprintf(name, PATH_MAX, "%s%s/_log.%u", files->directory, path, age);
    return length > 0 && length < PATH_MAX;
}

static void
make_directories(const struct log_files *files, char *name)
{
    for (char *slash = name + strlen(files->directory) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(name, DIRECTORY_MODE);
        *slash = '/';
    }
}

static enum airs_status
file_open(struct log_files *files, struct log_file *file, struct airs_error *error)
{
    char name[PATH_MAX];
    struct stat info;
    if (file->fd >= 0)
        return AIRS_OK;
    if (!name_of(files, file->path, 0, name))
        return fail(error, AIRS_EIO, "log of '%s': path too long", file->path);
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(name, flags, FILE_MODE);
    if (fd < 0 && errno == ENOENT) {
        make_directories(files, name);
        fd = open(name, flags, FILE_MODE);
    }
    if (fd < 0 || fstat(fd, &info) != 0) {
        int cause = errno;
        if (fd >= 0)
            close(fd);
        return fail(error, AIRS_EIO, "log of '%s': %s", file->path, strerror(cause));
    }
    file->fd = fd;
    file->size = (uint64_t)info.st_size;
    list_push_front(&files->open, &file->used);
    if (++files->open_count > LOG_FILES_OPEN_MAX)
        file_close(files, container_of(files->open.previous, struct log_file, used));
    return AIRS_OK;
}

static void
rotate(struct log_files *files, struct log_file *file)
{
    char from[PATH_MAX], to[PATH_MAX];
    file_close(files, file);
    for (unsigned age = LOG_FILES_A_CHILD - 1; age > 0; age--)
        if (name_of(files, file->path, age - 1, from) && name_of(files, file->path, age, to))
            rename(from, to);
}

/* All of it or nothing, so that a full disk leaves whole lines. */
static enum airs_status
write_all(struct log_file *file, const char *bytes, size_t size, struct airs_error *error)
{
    for (size_t done = 0; done < size;) {
        ssize_t written = write(file->fd, bytes + done, size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            fail(error, AIRS_EIO, "log of '%s': %s", file->path, strerror(errno));
            if (ftruncate(file->fd, (off_t)file->size) != 0)
                file->size += done;
            return AIRS_EIO;
        }
        done += (size_t)written;
    }
    file->size += size;
    return AIRS_OK;
}

/* As many whole lines of `bytes` as the file still takes; at least one. */
static size_t
fitting(const struct log_file *file, const char *bytes, size_t size)
{
    uint64_t room = file->size < LOG_FILE_BYTES_MAX ? LOG_FILE_BYTES_MAX - file->size : 0;
    if (size <= room)
        return size;
    const char *end = memrchr(bytes, '\n', (size_t)room);
    if (!end)
        end = memchr(bytes, '\n', size);
    return end ? (size_t)(end - bytes) + 1 : size;
}

static enum airs_status
file_flush(struct log_files *files, struct log_file *file, struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    bool rotated = false; /* Where a file cannot be renamed it grows, rather than stop the log. */
    for (size_t at = 0; status == AIRS_OK && at < file->pending.size;) {
        status = file_open(files, file, error);
        if (status != AIRS_OK)
            break;
        const char *bytes = file->pending.data + at;
        size_t size = fitting(file, bytes, file->pending.size - at);
        if (!rotated && file->size > 0 && file->size + size > LOG_FILE_BYTES_MAX) {
            rotate(files, file);
            rotated = true;
            continue;
        }
        status = write_all(file, bytes, size, error);
        rotated = false;
        at += size;
    }
    if (file->fd >= 0) {
        list_remove(&file->used);
        list_push_front(&files->open, &file->used);
    }
    buffer_deinit(&file->pending);
    return status;
}

enum airs_status
log_files_flush(struct log_files *files, struct airs_error *error)
{
    enum airs_status worst = AIRS_OK;
    struct list *node;
    while ((node = list_pop_front(&files->dirty)) != NULL) {
        enum airs_status status =
            file_flush(files, container_of(node, struct log_file, dirty), error);
        if (status != AIRS_OK)
            worst = status;
    }
    return worst;
}

enum airs_status
log_files_snapshot(struct log_files *files, const char *path, struct log_snapshot *snapshot_out,
                   struct airs_error *error)
{
    struct log_snapshot snapshot = { .count = 0 };
    for (unsigned age = LOG_FILES_A_CHILD; age-- > 0;) {
        char name[PATH_MAX];
        struct stat info;
        int fd =
            name_of(files, path, age, name) ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
            continue;
        if (fd < 0 || fstat(fd, &info) != 0) {
            fail(error, AIRS_EIO, "log of '%s': %s", path, strerror(errno));
            if (fd >= 0)
                close(fd);
            log_snapshot_close(&snapshot);
            return AIRS_EIO;
        }
        snapshot.sizes[snapshot.count] = (uint64_t)info.st_size;
        snapshot.fds[snapshot.count++] = fd;
    }
    *snapshot_out = snapshot;
    return AIRS_OK;
}

void
log_snapshot_close_file(struct log_snapshot *snapshot, size_t file)
{
    if (snapshot->fds[file] >= 0)
        close(snapshot->fds[file]);
    snapshot->fds[file] = -1;
}

void
log_snapshot_close(struct log_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        log_snapshot_close_file(snapshot, i);
    snapshot->count = 0;
}

/* Where the last `*lines` lines of a file begin; counts off those that it has. */
static uint64_t
tail_of(int fd, uint64_t size, uint64_t *lines)
{
    char block[TAIL_BLOCK_BYTES];
    uint64_t begin = size;
    while (begin > 0) {
        size_t length = begin < sizeof block ? (size_t)begin : sizeof block;
        if (pread(fd, block, length, (off_t)(begin - length)) != (ssize_t)length)
            return begin;
        for (const char *end = block + length;
             (end = memrchr(block, '\n', (size_t)(end - block)));) {
            uint64_t at = begin - length + (uint64_t)(end - block);
            /* The newline at the very end ends the last line; every other one begins a line. */
            if (at + 1 < size && --*lines == 0)
                return at + 1;
        }
        begin -= length;
    }
    if (size > 0)
        --*lines;
    return 0;
}

void
log_snapshot_tail(const struct log_snapshot *snapshot, uint64_t lines,
                  uint64_t begins[LOG_FILES_A_CHILD])
{
    for (size_t i = snapshot->count; i-- > 0;)
        begins[i] =
            lines == 0 ? snapshot->sizes[i] : tail_of(snapshot->fds[i], snapshot->sizes[i], &lines);
}
