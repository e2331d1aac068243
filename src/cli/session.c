/* Session: discovery, requests, and one table from status to exit code. */
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/ndjson.h"
#include "cli/text.h"

static int
take_path(struct session *session, const char *path)
{
    session->path[0] = '\0';
    if (!path)
        return CLI_DONE;
    const char *bare = path + (path[0] == '/');
    if (!*bare || strstr(path, "//") || path[strlen(path) - 1] == '/')
        return cli_wrong_use(session->verb, "'%s' names no child; `airs ps` lists them", path);
    if (strlen(bare) >= CLI_PATH_BYTES_MAX)
        return cli_wrong_use(session->verb, "the path is longer than %d bytes", CLI_PATH_BYTES_MAX);
    session->path[0] = '/';
    strcpy(session->path + 1, bare);
    return CLI_DONE;
}

int
session_open(struct session *session)
{
    client_reply_init(&session->reply);
    buffer_init(&session->target, 0);
    int exit_code = take_path(session, session->operands[0]);
    if (exit_code != CLI_DONE)
        return exit_code;

    struct airs_error error = { 0 };
    struct discovery_request request = { .app = session->chosen.app,
                                         .socket = session->chosen.socket };
    enum airs_status status = discovery_find(&request, &session->where, &error);
    if (status == AIRS_OK)
        status = client_new(session->where.socket, &session->client, &error);
    if (status != AIRS_OK)
        return cli_fail(session->verb, status == AIRS_EINVAL ? CLI_WRONG_USE : CLI_FAILED, "%s",
                        error.message);
    return CLI_DONE;
}

void
session_close(struct session *session)
{
    client_free(session->client);
    client_reply_deinit(&session->reply);
    buffer_deinit(&session->target);
}

const char *
session_target(struct session *session, const char *prefix, const char *suffix)
{
    return session_target_of(session, prefix, session->path, suffix);
}

const char *
session_target_of(struct session *session, const char *prefix, const char *path, const char *suffix)
{
    struct buffer *target = &session->target;
    buffer_consume(target, target->size);
    bool done = buffer_append_text(target, prefix) && client_append_encoded(target, path) &&
                buffer_append_text(target, suffix);
    return done ? target->data : NULL;
}

static int
finish(struct session *session, enum airs_status status, const struct airs_error *error)
{
    return status == AIRS_OK ? CLI_DONE : session_fail(session, status, error);
}

int
session_get(struct session *session, const char *prefix, const char *suffix)
{
    struct airs_error error = { 0 };
    const char *target = session_target(session, prefix, suffix);
    if (!target)
        return cli_fail(session->verb, CLI_FAILED, "out of memory");
    return finish(session,
                  client_get(session->client, target, session->timeout_ms, &session->reply, &error),
                  &error);
}

int
session_post(struct session *session, const char *prefix, const char *suffix, const void *bytes,
             size_t size, unsigned timeout_ms)
{
    struct airs_error error = { 0 };
    const char *target = session_target(session, prefix, suffix);
    if (!target)
        return cli_fail(session->verb, CLI_FAILED, "out of memory");
    return finish(
        session,
        client_post(session->client, target, bytes, size, timeout_ms, &session->reply, &error),
        &error);
}

json_t *
session_answer(const struct session *session)
{
    const struct buffer *body = &session->reply.body;
    return json_loadb(body->data ? body->data : "", body->size,
                      JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);
}

void
session_print_json(struct session *session)
{
    if (session->json)
        text_flush(&session->reply.body, stdout);
}

void
session_print_changes(struct session *session)
{
    json_t *changes = session->json ? NULL : ndjson_read(&session->reply.body);
    size_t index;
    json_t *change;
    session_print_json(session);
    json_array_foreach(changes, index, change)
    {
        const char *status = json_text(change, "status");
        if (status && strcmp(status, "unchanged") != 0)
            printf("%s %s\n", status, json_text(change, "path"));
    }
    json_decref(changes);
}

/* A child with a `count` is none itself: its members are. */
static bool
say_several(const struct session *session, const char *const *names, size_t count)
{
    size_t size = strlen(session->path), members = 0;
    const char *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], session->path, size) != 0 || names[i][size] != '#' ||
            strchr(names[i] + size, '/'))
            continue;
        first = first ? first : names[i];
        members++;
    }
    if (members > 0)
        cli_fail(session->verb, CLI_NO_CHILD,
                 "'%s' has a count: there are %zu of it, the first is %s", session->path, members,
                 first);
    return members > 0;
}

/* `airs status front` for /web/front: the last part alone is a good guess too, and so is one that
 * nearly matches. */
static const char *
nearest_by_last_part(const char *path, const char *const *names, size_t count)
{
    const char **parts = calloc(count + 1, sizeof *parts);
    const char *found = NULL;
    for (size_t i = 0; parts && i < count; i++)
        parts[i] = strrchr(names[i], '/');
    const char *nearest = parts ? nearest_name(path, parts, count) : NULL;
    for (size_t i = 0; nearest && i < count && !found; i++) {
        if (parts[i] == nearest)
            found = names[i];
    }
    free(parts);
    return found;
}

/* The nearest of the names that stand in the reply, one object a line. */
static int
say_nearest(struct session *session, json_t *children)
{
    size_t size = json_array_size(children);
    const char **names = calloc(size + 1, sizeof *names);
    size_t count = 0;
    size_t index;
    json_t *child;
    json_array_foreach(children, index, child)
    {
        const char *path = json_string_value(json_object_get(child, "path"));
        if (names && path)
            names[count++] = path;
    }
    if (say_several(session, names, count)) {
        free(names);
        return CLI_NO_CHILD;
    }
    const char *nearest = names ? nearest_name(session->path, names, count) : NULL;
    if (names && !nearest)
        nearest = nearest_by_last_part(session->path, names, count);
    if (nearest)
        cli_fail(session->verb, CLI_NO_CHILD, "no child '%s'; did you mean %s?", session->path,
                 nearest);
    else
        cli_fail(session->verb, CLI_NO_CHILD, "no child '%s'; `airs ps` lists them", session->path);
    free(names);
    return CLI_NO_CHILD;
}

static int
fail_no_child(struct session *session)
{
    json_t *children = NULL;
    if (client_get(session->client, "/v1/children", 0, &session->reply, NULL) == AIRS_OK)
        children = ndjson_read(&session->reply.body);
    int exit_code = say_nearest(session, children);
    json_decref(children);
    return exit_code;
}

/* Where the application answered, the child can say more. */
static int
fail_of_child(const struct session *session, const char *text)
{
    cli_fail(session->verb, CLI_FAILED, "%s", text);
    if (session->path[0] && session->reply.code)
        fprintf(stderr, "See: airs explain %s\n", session->path);
    return CLI_FAILED;
}

int
session_fail(struct session *session, enum airs_status status, const struct airs_error *error)
{
    const char *text = error && error->message[0] ? error->message : airs_status_text(status);
    switch (status) {
    case AIRS_ENOTRUNNING:
        if (session->where.name[0])
            return cli_fail(session->verb, CLI_NOT_RUNNING,
                            "%s is not running; start it with: airs up -f FILE",
                            session->where.name);
        return cli_fail(session->verb, CLI_NOT_RUNNING,
                        "%s; start an application with: airs up -f FILE", text);
    case AIRS_EENDED:
        if (!session->reply.code) /* The application itself. */
            return cli_fail(session->verb, CLI_FAILED, "%s; see: airs ps", text);
        return fail_of_child(session, text);
    case AIRS_EBUSY:
    case AIRS_ETIMEDOUT:
        return fail_of_child(session, text);
    case AIRS_ENOENT:
        if (session->path[0])
            return fail_no_child(session);
        return cli_fail(session->verb, CLI_FAILED, "%s", text);
    case AIRS_EINVAL:
        return cli_fail(session->verb, CLI_WRONG_USE, "%s", text);
    case AIRS_OK:
    case AIRS_ENOMEM:
    case AIRS_EEXIST:
    case AIRS_ELIMIT:
    case AIRS_EIO:
    case AIRS_EALREADY:
    case AIRS_ELOAD:
    case AIRS_EDENIED:
    case AIRS_EREJECTED: /* An actor's own words, most of the time. */
    case AIRS_EFAILED:
        break;
    }
    return cli_fail(session->verb, CLI_FAILED, "%s", text);
}
