/* Manifest, from a file: the bytes, within their limit, and the directory. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "manifest/manifest.h"

#define READ_BYTES (64u << 10)

static enum airs_status
refuse(struct manifest_report *report, const char *file, enum airs_status status,
       const char *reason, struct airs_error *error)
{
    if (!manifest_report_set_file(report, file))
        return fail(error, AIRS_ENOMEM, "%s: out of memory", file);
    manifest_report_add(report, NULL, 0, 0, 0, "%s", reason);
    return fail(error, status, "%s: %s", file, reason);
}

static enum airs_status
read_all(int descriptor, const char *file, struct buffer *bytes, struct manifest_report *report,
         struct airs_error *error)
{
    char chunk[READ_BYTES];

    for (;;) {
        ssize_t size = read(descriptor, chunk, sizeof chunk);
        if (size == 0)
            return AIRS_OK;
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return refuse(report, file, AIRS_EIO, strerror(errno), error);
        if (bytes->size + (size_t)size > MANIFEST_BYTES_MAX)
            return refuse(report, file, AIRS_ELIMIT, "larger than 4 MiB, which no manifest is",
                          error);
        if (!buffer_append(bytes, chunk, (size_t)size))
            return fail(error, AIRS_ENOMEM, "%s: out of memory", file);
    }
}

static enum airs_status
open_file(const char *file, int *descriptor_out, struct manifest_report *report,
          struct airs_error *error)
{
    struct stat about;

    /* Without waiting for the writer of a pipe. */
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return refuse(report, file, errno == ENOENT ? AIRS_ENOENT : AIRS_EIO,
                      errno == ENOENT ? "no such file" : strerror(errno), error);
    if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(descriptor);
        return refuse(report, file, AIRS_EINVAL, "not a file", error);
    }
    *descriptor_out = descriptor;
    return AIRS_OK;
}

/* What stands before the last slash; "." without one. NULL when out of memory. */
static char *
directory_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return strdup(".");
    return strndup(file, slash == file ? 1 : (size_t)(slash - file));
}

enum airs_status
manifest_load(const char *file, struct manifest **manifest_out, struct manifest_report *report,
              struct airs_error *error)
{
    assert(file && manifest_out && report);

    struct buffer bytes;
    int descriptor = -1;
    char *directory = NULL;

    buffer_init(&bytes, 0);
    enum airs_status status = open_file(file, &descriptor, report, error);
    if (status == AIRS_OK)
        status = read_all(descriptor, file, &bytes, report, error);
    if (status != AIRS_OK)
        goto out;
    directory = directory_of(file);
    if (!directory) {
        status = fail(error, AIRS_ENOMEM, "%s: out of memory", file);
        goto out;
    }
    status = manifest_parse(bytes.data, bytes.size, file, directory, manifest_out, report, error);
out:
    if (descriptor >= 0)
        close(descriptor);
    free(directory);
    buffer_deinit(&bytes);
    return status;
}
