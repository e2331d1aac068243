#include "engine/wasm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/component.h"
#include "engine/doors.h"

/* Part of every key: change it when entries change for a reason that is not in the key, such as
 * how a core module is made a component. */
#define KEY_FORM "airs code 2"

static enum airs_status
read_all(int fd, const char *path, struct wasm_file *file, struct airs_error *error)
{
    size_t done = 0;
    while (done < file->size) {
        ssize_t count = read(fd, file->bytes + done, file->size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(error, AIRS_EIO, "component '%s': %s", path, strerror(errno));
        if (count == 0)
            break;
        done += (size_t)count;
    }
    file->size = done;
    return AIRS_OK;
}

static enum airs_status
allocate(int fd, const char *path, struct wasm_file *file, struct airs_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return fail(error, AIRS_EIO, "component '%s': %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return fail(error, AIRS_EIO, "component '%s': not a regular file", path);
    if ((uint64_t)about.st_size > COMPONENT_FILE_BYTES_MAX)
        return fail(error, AIRS_ELIMIT, "component '%s': larger than %" PRIu64 " bytes", path,
                    COMPONENT_FILE_BYTES_MAX);
    file->size = (size_t)about.st_size;
    file->bytes = malloc(file->size + 1);
    if (!file->bytes)
        return fail(error, AIRS_ENOMEM, "component '%s': out of memory", path);
    return AIRS_OK;
}

enum airs_status
wasm_file_read(const char *path, struct wasm_file *file_out, struct airs_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(error, errno == ENOENT ? AIRS_ENOENT : AIRS_EIO, "component '%s': %s", path,
                    strerror(errno));
    struct wasm_file file = { 0 };
    enum airs_status status = allocate(fd, path, &file, error);
    if (status == AIRS_OK)
        status = read_all(fd, path, &file, error);
    close(fd);
    if (status != AIRS_OK) {
        wasm_file_deinit(&file);
        return status;
    }
    *file_out = file;
    return AIRS_OK;
}

void
wasm_file_deinit(struct wasm_file *file)
{
    free(file->bytes);
    *file = (struct wasm_file){ 0 };
}

void
wasm_file_key(const struct wasm_file *file, uint64_t fingerprint, struct cache_key *key_out)
{
    const char *version = engine_version();
    const struct span parts[] = {
        { KEY_FORM, sizeof KEY_FORM },
        { version, strlen(version) + 1 },
        { &fingerprint, sizeof fingerprint },
        { file->bytes, file->size },
    };
    doors_hash(parts, sizeof parts / sizeof parts[0], key_out->bytes);
}
