/* Directories of an application: worked out from the environment, trusted only when private. */
#include "base/app_dirs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define SOCKET_SUFFIX ".sock"
#define STATE_FALLBACK ".local/state"

static const char *
absolute(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0] == '/' ? value : NULL;
}

__attribute__((format(printf, 4, 5))) static enum airs_status
print_path(char *path_out, size_t size, struct airs_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path_out, size, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= size)
        return fail(error, AIRS_EINVAL, "path too long: '%.100s…'", path_out);
    return AIRS_OK;
}

enum airs_status
app_dirs_runtime(char *path_out, size_t size, struct airs_error *error)
{
    const char *base = absolute("XDG_RUNTIME_DIR");
    if (base)
        return print_path(path_out, size, error, "%s/airs", base);
    return print_path(path_out, size, error, "/tmp/airs-%u", (unsigned)geteuid());
}

/* $VARIABLE/airs, or `fallback`/airs under the home directory. */
static enum airs_status
home_path(const char *variable, const char *fallback, char *path_out, size_t size,
          struct airs_error *error)
{
    const char *base = absolute(variable);
    if (base)
        return print_path(path_out, size, error, "%s/airs", base);
    const char *home = absolute("HOME");
    if (!home)
        return fail(error, AIRS_EINVAL, "neither %s nor HOME is set to an absolute path", variable);
    return print_path(path_out, size, error, "%s/%s/airs", home, fallback);
}

enum airs_status
app_dirs_cache(char *path_out, size_t size, struct airs_error *error)
{
    return home_path("XDG_CACHE_HOME", ".cache", path_out, size, error);
}

enum airs_status
app_dirs_of(const char *name, struct app_dirs *dirs_out, struct airs_error *error)
{
    assert(name && dirs_out);

    struct app_dirs dirs;
    char state[PATH_MAX];
    enum airs_status status = app_dirs_runtime(dirs.runtime, sizeof dirs.runtime, error);
    if (status == AIRS_OK)
        status = print_path(dirs.socket, sizeof dirs.socket, error, "%s/%s" SOCKET_SUFFIX,
                            dirs.runtime, name);
    if (status == AIRS_OK)
        status = print_path(dirs.lock, sizeof dirs.lock, error, "%s/%s.lock", dirs.runtime, name);
    if (status == AIRS_OK)
        status = home_path("XDG_STATE_HOME", STATE_FALLBACK, state, sizeof state, error);
    if (status == AIRS_OK)
        status = print_path(dirs.state, sizeof dirs.state, error, "%s/%s", state, name);
    if (status == AIRS_OK)
        status = app_dirs_cache(dirs.cache, sizeof dirs.cache, error);
    if (status == AIRS_OK && strlen(dirs.socket) > APP_SOCKET_PATH_MAX)
        status = fail(error, AIRS_EINVAL, "socket path '%s' is longer than %d bytes", dirs.socket,
                      APP_SOCKET_PATH_MAX);
    if (status == AIRS_OK)
        *dirs_out = dirs;
    return status;
}

enum airs_status
app_dirs_check(const char *path, struct airs_error *error)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return fail(error, errno == ENOENT ? AIRS_ENOENT : AIRS_EIO, "%s: %s", path,
                    strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return fail(error, AIRS_EDENIED, "%s: not a directory", path);
    if (info.st_uid != geteuid())
        return fail(error, AIRS_EDENIED, "%s: belongs to another user", path);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return fail(error, AIRS_EDENIED, "%s: others may enter it (mode %o, should be %o)", path,
                    (unsigned)(info.st_mode & 07777), (unsigned)APP_DIRS_MODE);
    return AIRS_OK;
}

static enum airs_status
make_one(const char *path, struct airs_error *error)
{
    if (mkdir(path, APP_DIRS_MODE) == 0 || errno == EEXIST)
        return AIRS_OK;
    return fail(error, errno == EACCES ? AIRS_EDENIED : AIRS_EIO, "cannot make %s: %s", path,
                strerror(errno));
}

static bool
is_in(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/* The variable that says where `path` lies; NULL: none of them. */
static const char *
variable_of(const char *path)
{
    char place[PATH_MAX];
    if (app_dirs_runtime(place, sizeof place, NULL) == AIRS_OK && is_in(path, place))
        return "XDG_RUNTIME_DIR";
    if (home_path("XDG_STATE_HOME", STATE_FALLBACK, place, sizeof place, NULL) == AIRS_OK &&
        is_in(path, place))
        return "XDG_STATE_HOME";
    if (app_dirs_cache(place, sizeof place, NULL) == AIRS_OK && is_in(path, place))
        return "XDG_CACHE_HOME";
    return NULL;
}

/* What is wrong with `path`, and how the user chooses another one. */
static enum airs_status
fail_place(const char *path, enum airs_status status, const char *reason, struct airs_error *error)
{
    const char *variable = variable_of(path);
    if (!variable)
        return fail(error, status, "%s", reason);
    return fail(error, status, "%s; set %s to a directory of your own", reason, variable);
}

static enum airs_status
make_all(const char *path, struct airs_error *error)
{
    assert(path && path[0] == '/');

    char part[PATH_MAX];
    enum airs_status status = print_path(part, sizeof part, error, "%s", path);
    for (char *slash = part + 1; status == AIRS_OK && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        status = make_one(part, error);
        *slash = '/';
    }
    if (status == AIRS_OK)
        status = make_one(path, error);
    return status;
}

enum airs_status
app_dirs_provide(const char *path, struct airs_error *error)
{
    struct airs_error reason = { 0 };
    enum airs_status status = make_all(path, &reason);
    return status == AIRS_OK ? status : fail_place(path, status, reason.message, error);
}

enum airs_status
app_dirs_make(const char *path, struct airs_error *error)
{
    struct airs_error reason = { 0 };
    enum airs_status status = make_all(path, &reason);
    if (status == AIRS_OK)
        status = app_dirs_check(path, &reason);
    return status == AIRS_OK ? status : fail_place(path, status, reason.message, error);
}

enum airs_status
app_dirs_each(void (*visit)(void *context, const char *name, const char *socket), void *context,
              struct airs_error *error)
{
    char runtime[PATH_MAX];
    enum airs_status status = app_dirs_runtime(runtime, sizeof runtime, error);
    if (status != AIRS_OK)
        return status;
    struct stat info;
    if (lstat(runtime, &info) != 0 && errno == ENOENT)
        return AIRS_OK;
    status = app_dirs_check(runtime, error);
    if (status != AIRS_OK)
        return status;

    DIR *directory = opendir(runtime);
    if (!directory)
        return fail(error, AIRS_EIO, "%s: %s", runtime, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);
        size_t suffix = strlen(SOCKET_SUFFIX);
        if (length <= suffix || strcmp(entry->d_name + length - suffix, SOCKET_SUFFIX) != 0)
            continue;
        char socket[PATH_MAX];
        if (print_path(socket, sizeof socket, NULL, "%s/%s", runtime, entry->d_name) != AIRS_OK)
            continue;
        entry->d_name[length - suffix] = '\0';
        visit(context, entry->d_name, socket);
    }
    closedir(directory);
    return AIRS_OK;
}
