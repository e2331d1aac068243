/* airs add: one more child, or a whole supervisor, while the application runs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <airs/application.h>
#include <jansson.h>

#include "base/utf8.h"
#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/ndjson.h"

/* The daemon may compile first. */
#define ADD_TIMEOUT_MS 600000u
#define STANDARD_INPUT "-"

static const char help[] =
    "Adds a child to a supervisor that runs: PATH is the new child's, and --component its file; "
    "or,\n"
    "with -f, PATH is the supervisor's (/ is the application itself), and FILE has one child as "
    "it\n"
    "would stand under 'children' of a manifest: also a supervisor with all below it ('-': "
    "standard\n"
    "input). Prints what was added. It comes back after a crash, and is gone after 'airs down';\n"
    "a temporary child is deleted at its end.\n";
static const char example[] = "  airs add /web/extra --component extra.wasm --restart transient\n"
                              "  airs add /web -f extra.yaml\n";

/* What the options say of a child; the rest has its defaults. */
struct wanted {
    const char *file;
    const char *component;
    const char *restart;
    const char *max_restarts;
    const char *within;
    const char *shutdown;
    const char *memory;
    const char *count;
    const char *config;
};

struct body {
    struct buffer text;
    char directory[PATH_MAX]; /* What files in it are relative to. */
    const char *name;         /* Of the file, for errors; NULL: the text is ours. */
};

struct addition {
    struct wanted wanted;
    char parent[CLI_PATH_BYTES_MAX + 1];
    struct body body;
};

/* ---- What is sent ---- */

static void
set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

/* A number, or a word in its place. */
static void
set_number(json_t *object, const char *key, const char *text)
{
    uint64_t number;
    if (text && cli_number(text, INT32_MAX, &number))
        json_object_set_new(object, key, json_integer((json_int_t)number));
    else
        set_text(object, key, text);
}

static int
make_child(const char *name, const struct wanted *wanted, struct body *body)
{
    json_t *object = json_object();
    set_text(object, "name", name);
    set_text(object, "component", wanted->component);
    set_text(object, "restart", wanted->restart);
    set_number(object, "max-restarts", wanted->max_restarts);
    set_text(object, "within", wanted->within);
    set_text(object, "shutdown", wanted->shutdown);
    set_number(object, "count", wanted->count);
    set_text(object, "config", wanted->config);
    if (wanted->memory)
        json_object_set_new(object, "limits", json_pack("{s:s}", "memory", wanted->memory));
    char *text = json_dumps(object, JSON_COMPACT);
    bool done = text && buffer_append_text(&body->text, text);
    free(text);
    json_decref(object);
    if (!done)
        return cli_fail("add", CLI_FAILED, "cannot make the child's description");
    if (!getcwd(body->directory, sizeof body->directory))
        return cli_fail("add", CLI_FAILED, "no working directory: %s", strerror(errno));
    return CLI_DONE;
}

static int
read_all(int descriptor, const char *name, struct buffer *text)
{
    char bytes[8192];
    for (;;) {
        ssize_t got = read(descriptor, bytes, sizeof bytes);
        if (got == 0)
            return CLI_DONE;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cli_fail("add", CLI_WRONG_USE, "%s: %s", name, strerror(errno));
        if (text->size + (size_t)got > AIRS_CALL_BYTES_MAX)
            return cli_fail("add", CLI_WRONG_USE, "%s: larger than 1 MiB", name);
        if (!buffer_append(text, bytes, (size_t)got))
            return cli_fail("add", CLI_FAILED, "out of memory");
    }
}

/* Cuts the last step off `path`: "/web" of "/web/x", "/" of "/x" and "." of "x". */
static void
cut_last_step(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else if (slash == path)
        path[1] = '\0';
    else
        *slash = '\0';
}

static int
find_directory(const char *file, bool is_standard_input, char directory[PATH_MAX])
{
    if (is_standard_input ? getcwd(directory, PATH_MAX) != NULL
                          : realpath(file, directory) != NULL) {
        if (!is_standard_input)
            cut_last_step(directory);
        return CLI_DONE;
    }
    return cli_fail("add", CLI_WRONG_USE, "%s: %s", file, strerror(errno));
}

static int
read_file(const char *file, struct body *body)
{
    bool is_standard_input = strcmp(file, STANDARD_INPUT) == 0;
    body->name = is_standard_input ? "(standard input)" : file;
    int exit_code = find_directory(file, is_standard_input, body->directory);
    if (exit_code != CLI_DONE)
        return exit_code;
    int descriptor = is_standard_input ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return cli_fail("add", CLI_WRONG_USE, "%s: %s", file, strerror(errno));
    exit_code = read_all(descriptor, body->name, &body->text);
    if (!is_standard_input)
        close(descriptor);
    return exit_code;
}

/* ---- The request ---- */

/* The report of a manifest names its places itself; anything else gets our name in front. */
static int
say_what_is_wrong(struct session *session, const struct body *body, enum airs_status status,
                  const struct airs_error *error)
{
    json_t *answer = session_answer(session);
    const char *text = json_text(answer, "error");
    size_t size = body->name ? strlen(body->name) : 0;
    bool has_places = text && size > 0 && strncmp(text, body->name, size) == 0 && text[size] == ':';
    int exit_code = status == AIRS_EINVAL ? CLI_WRONG_USE : CLI_FAILED;
    if (has_places)
        fprintf(stderr, "%s\n", text);
    else if (text && status != AIRS_ENOENT)
        cli_fail("add", exit_code, "%s", text);
    else
        exit_code = session_fail(session, status, error);
    json_decref(answer);
    return exit_code;
}

static int
ask(struct session *session, void *context)
{
    const struct body *body = &((struct addition *)context)->body;
    struct airs_error error = { 0 };
    struct buffer suffix;
    buffer_init(&suffix, 0);
    bool done = buffer_append_text(&suffix, "/add?directory=") &&
                client_append_encoded(&suffix, body->directory);
    if (done && body->name)
        done = buffer_append_text(&suffix, "&file=") && client_append_encoded(&suffix, body->name);
    const char *target = done ? session_target(session, "/v1/children", suffix.data) : NULL;
    enum airs_status status =
        target ? client_post(session->client, target, body->text.data, body->text.size,
                             ADD_TIMEOUT_MS, &session->reply, &error)
               : AIRS_ENOMEM;
    buffer_deinit(&suffix);
    if (status != AIRS_OK)
        return say_what_is_wrong(session, body, status, &error);
    session_print_changes(session);
    return CLI_DONE;
}

/* ---- What the command line says ---- */

/* Where the new child goes, and its name; with a file the name stands there. */
static int
split_path(const char *path, bool has_file, char parent[CLI_PATH_BYTES_MAX + 1],
           const char **name_out)
{
    if (strlen(path) >= CLI_PATH_BYTES_MAX)
        return cli_wrong_use("add", "the path is longer than %d bytes", CLI_PATH_BYTES_MAX);
    snprintf(parent, CLI_PATH_BYTES_MAX + 1, "%s%s", path[0] == '/' ? "" : "/", path);
    if (has_file)
        return CLI_DONE;
    const char *slash = strrchr(path, '/');
    *name_out = slash ? slash + 1 : path;
    if (**name_out == '\0')
        return cli_wrong_use("add", "'%s' names no child; its name stands last, as in /web/extra",
                             path);
    cut_last_step(parent);
    return CLI_DONE;
}

/* Whether a number stands there, or `word` (NULL: none) in its place. */
static int
check_number(const char *option, const char *text, const char *word)
{
    uint64_t number;
    if (!text || cli_number(text, INT32_MAX, &number) || (word && strcmp(text, word) == 0))
        return CLI_DONE;
    return cli_wrong_use("add", "--%s '%s' is no number%s%s", option, text, word ? " and not " : "",
                         word ? word : "");
}

/* What is sent is JSON, which has no other text. */
static int
check_texts(const char *path, const struct wanted *wanted)
{
    const struct {
        const char *name, *text;
    } texts[] = {
        { "PATH", path },
        { "--component", wanted->component },
        { "--restart", wanted->restart },
        { "--within", wanted->within },
        { "--shutdown", wanted->shutdown },
        { "--memory", wanted->memory },
        { "--config", wanted->config },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t size = texts[i].text ? strlen(texts[i].text) : 0;
        if (size > 0 && utf8_valid_size(texts[i].text, size) < size)
            return cli_wrong_use("add", "%s is not UTF-8 text", texts[i].name);
    }
    return CLI_DONE;
}

/* One of the two ways, and not both. */
static int
check_wanted(const struct wanted *wanted)
{
    bool has_policy = wanted->restart || wanted->max_restarts || wanted->within ||
                      wanted->shutdown || wanted->memory || wanted->count || wanted->config;
    if (!wanted->file && !wanted->component)
        return cli_wrong_use("add", "needs --component FILE, or -f FILE");
    if (wanted->file && (wanted->component || has_policy))
        return cli_wrong_use("add", "with -f everything stands in the file");
    int exit_code = check_number("max-restarts", wanted->max_restarts, "unlimited");
    return exit_code == CLI_DONE ? check_number("count", wanted->count, NULL) : exit_code;
}

/* The session is then that of the parent. */
static int
check(struct session *session, void *context)
{
    struct addition *addition = context;
    const struct wanted *wanted = &addition->wanted;
    const char *name = NULL;
    int exit_code = check_wanted(wanted);
    if (exit_code == CLI_DONE)
        exit_code = check_texts(session->operands[0], wanted);
    if (exit_code == CLI_DONE)
        exit_code = split_path(session->operands[0], wanted->file != NULL, addition->parent, &name);
    if (exit_code != CLI_DONE)
        return exit_code;
    bool is_root = strcmp(addition->parent, "/") == 0;
    session->operands[0] = is_root ? NULL : addition->parent;
    return wanted->file ? read_file(wanted->file, &addition->body)
                        : make_child(name, wanted, &addition->body);
}

int
cmd_add(int argc, char **argv)
{
    struct addition addition = { 0 };
    struct wanted *wanted = &addition.wanted;
    const struct cli_option options[] = {
        { .name = "component",
          .value = "FILE",
          .text_out = &wanted->component,
          .help = "the .wasm file" },
        { .name = "file",
          .letter = 'f',
          .value = "FILE",
          .text_out = &wanted->file,
          .help = "a child as in a manifest" },
        { .name = "restart",
          .value = "POLICY",
          .text_out = &wanted->restart,
          .help = "permanent (default), transient or temporary" },
        { .name = "max-restarts",
          .value = "N",
          .text_out = &wanted->max_restarts,
          .help = "restarts within --within (3), or unlimited" },
        { .name = "within",
          .value = "DURATION",
          .text_out = &wanted->within,
          .help = "the window of --max-restarts (60s)" },
        { .name = "shutdown",
          .value = "DURATION",
          .text_out = &wanted->shutdown,
          .help = "time to stop when asked to (5s)" },
        { .name = "memory",
          .value = "SIZE",
          .text_out = &wanted->memory,
          .help = "of one instance (64MiB)" },
        { .name = "count",
          .value = "N",
          .text_out = &wanted->count,
          .help = "so many of it: PATH#1, PATH#2, ..." },
        { .name = "config",
          .value = "TEXT",
          .text_out = &wanted->config,
          .help = "text handed to an actor's initialize" },
    };
    const struct client_verb verb = {
        .command = { .verb = "add",
                     .operands = "PATH",
                     .help = help,
                     .example = example,
                     .options = options,
                     .options_size = sizeof options / sizeof *options },
        .check = check,
        .ask = ask,
    };
    buffer_init(&addition.body.text, 0);
    int exit_code = client_verb_run(&verb, argc, argv, &addition);
    buffer_deinit(&addition.body.text);
    return exit_code;
}
