/* Discovery: from --app, --socket, ./airs.yaml or what runs, to one socket.
 *
 * The manifest is not parsed here, unless it is JSON: a line `name: …` that stands at its left
 * edge is enough, and a file that needs more than that can be named by --app.
 */
#include "client/discovery.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "base/app_dirs.h"
#include "base/error.h"

/* Lines longer than this are no `name:` line. */
#define LINE_BYTES_MAX 512

static bool
is_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > APP_NAME_BYTES_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
            return false;
    }
    return true;
}

/* The scalar after `name:`: without quotes, comment and white space around it. */
static bool
read_name(char *text, char name_out[APP_NAME_BYTES_MAX + 1])
{
    text += strspn(text, " \t");
    char quote = *text == '"' || *text == '\'' ? *text++ : '\0';
    text[quote ? strcspn(text, quote == '"' ? "\"" : "'") : strcspn(text, " \t\r\n#")] = '\0';
    if (!is_name(text))
        return false;
    strcpy(name_out, text);
    return true;
}

static bool
find_name_line(FILE *file, char name_out[APP_NAME_BYTES_MAX + 1])
{
    bool found = false;
    bool at_line_start = true;
    char line[LINE_BYTES_MAX];
    while (!found && fgets(line, sizeof line, file)) {
        if (at_line_start && strncmp(line, "name:", 5) == 0)
            found = read_name(line + 5, name_out);
        at_line_start = strchr(line, '\n') != NULL;
    }
    return found;
}

static bool
find_json_name(FILE *file, char name_out[APP_NAME_BYTES_MAX + 1])
{
    rewind(file);
    json_t *root = json_loadf(file, 0, NULL);
    const char *name = json_string_value(json_object_get(root, "name"));
    bool found = name && is_name(name);
    if (found)
        strcpy(name_out, name);
    json_decref(root);
    return found;
}

bool
discovery_manifest_name(const char *path, char name_out[APP_NAME_BYTES_MAX + 1])
{
    assert(path && name_out);

    /* A pipe or a device of that name would block us. */
    struct stat information;
    if (stat(path, &information) != 0 || !S_ISREG(information.st_mode))
        return false;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool found = find_name_line(file, name_out) || find_json_name(file, name_out);
    fclose(file);
    return found;
}

bool
discovery_is_live(const char *socket_path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(socket_path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool live = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return live;
}

static enum airs_status
use_name(const char *name, struct discovery_result *result, struct airs_error *error)
{
    struct app_dirs dirs;
    enum airs_status status = app_dirs_of(name, &dirs, error);
    if (status != AIRS_OK)
        return status;
    status = app_dirs_check(dirs.runtime, NULL);
    if (status == AIRS_EDENIED)
        return fail(error, status,
                    "%s: not a directory of this user's own; set XDG_RUNTIME_DIR to one",
                    dirs.runtime);
    memmove(result->name, name, strlen(name) + 1);
    strcpy(result->socket, dirs.socket);
    return AIRS_OK;
}

struct running {
    size_t count;
    char names[160]; /* For the message: as many as there is room for. */
    struct discovery_result *result;
};

static void
visit_running(void *context, const char *name, const char *socket_path)
{
    struct running *running = context;
    if (!is_name(name) || !discovery_is_live(socket_path))
        return;
    if (running->count++ == 0) {
        strcpy(running->result->name, name);
        snprintf(running->result->socket, sizeof running->result->socket, "%s", socket_path);
    }
    size_t used = strlen(running->names);
    snprintf(running->names + used, sizeof running->names - used, "%s%s", used ? ", " : "", name);
}

static enum airs_status
use_only_running(struct discovery_result *result, struct airs_error *error)
{
    struct running running = { .result = result };
    enum airs_status status = app_dirs_each(visit_running, &running, error);
    if (status != AIRS_OK && status != AIRS_ENOENT)
        return status;
    if (running.count == 0)
        return fail(error, AIRS_EINVAL,
                    "no application is running, and there is no name in ./airs.yaml; "
                    "start one with: airs up -f FILE");
    if (running.count > 1)
        return fail(error, AIRS_EINVAL, "%zu applications are running (%s); choose by --app NAME",
                    running.count, running.names);
    return AIRS_OK;
}

enum airs_status
discovery_find(const struct discovery_request *request, struct discovery_result *result_out,
               struct airs_error *error)
{
    assert(request && result_out);

    memset(result_out, 0, sizeof *result_out);
    if (request->socket) {
        if (!*request->socket)
            return fail(error, AIRS_EINVAL, "--socket: the path is empty");
        if (strlen(request->socket) > APP_SOCKET_PATH_MAX)
            return fail(error, AIRS_EINVAL, "--socket: the path is longer than %d bytes",
                        APP_SOCKET_PATH_MAX);
        strcpy(result_out->socket, request->socket);
        return AIRS_OK;
    }
    if (request->app) {
        if (!is_name(request->app))
            return fail(error, AIRS_EINVAL,
                        "'%s' is no application name: letters, digits, '.', '_' and '-', as the "
                        "manifest has it",
                        request->app);
        return use_name(request->app, result_out, error);
    }
    char name[APP_NAME_BYTES_MAX + 1];
    if (discovery_manifest_name(request->manifest ? request->manifest : "airs.yaml", name))
        return use_name(name, result_out, error);
    return use_only_running(result_out, error);
}
