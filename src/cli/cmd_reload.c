/* airs reload: the running tree becomes what its manifest says now. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/ndjson.h"
#include "cli/text.h"

/* It may compile, and waits for new code to get ready, which takes as long as the manifest allows. */
#define RELOAD_TIMEOUT_MS (24u * 3600 * 1000)

static const char help[] =
    "Reads the manifest of a running application again and changes what has changed, nothing "
    "else:\n"
    "a component's file, component, args, environment, config, stdin and limits start that child\n"
    "again, uncounted; policy, health, shutdown, order and strategy change live. If the new code "
    "of\n"
    "a file does not get ready, the old one is put back (exit code 1). Prints the difference: + "
    "added,\n"
    "- deleted, ~ changed, = another order, ! what could not be done. A manifest with an error\n"
    "changes nothing.\n";
static const char example[] = "  airs reload --dry-run\n"
                              "  airs reload\n";

static bool
is_failure(const char *change)
{
    return strcmp(change, "rolled-back") == 0 || strcmp(change, "failed") == 0;
}

/* Each on a line; the exit code. */
static int
print_differences(const json_t *differences, bool quiet)
{
    int exit_code = CLI_DONE;
    struct style style = style_of(STDOUT_FILENO);
    struct buffer out;
    size_t index;
    json_t *one;
    buffer_init(&out, 0);
    json_array_foreach(differences, index, one)
    {
        const char *change = json_text(one, "change");
        const char *text = json_text(one, "text");
        if (change && is_failure(change))
            exit_code = CLI_FAILED;
        text_put(&out, &style, text ? text : "", SIZE_MAX);
        buffer_append_text(&out, "\n");
    }
    if (json_array_size(differences) == 0)
        buffer_append_text(&out, "nothing has changed\n");
    if (!quiet)
        text_flush(&out, stdout);
    buffer_deinit(&out);
    return exit_code;
}

/* "airs.yaml:3:5: …" */
static bool
names_a_place(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon && colon[1] >= '0' && colon[1] <= '9';
}

/* What names its place itself stands as it is, on as many lines as it has. */
static int
say_what_is_wrong(struct session *session, enum airs_status status, const struct airs_error *error)
{
    json_t *answer = session_answer(session);
    const char *text = json_text(answer, "error");
    int exit_code = status == AIRS_EINVAL ? CLI_WRONG_USE : CLI_FAILED;
    if (text && names_a_place(text))
        fprintf(stderr, "%s\n", text);
    else
        exit_code = session_fail(session, status, error);
    json_decref(answer);
    return exit_code;
}

static int
print_answer(struct session *session)
{
    json_t *differences = ndjson_read(&session->reply.body);
    if (!differences)
        return cli_fail("reload", CLI_FAILED, "the answer cannot be read");
    int exit_code = print_differences(differences, session->json);
    json_decref(differences);
    session_print_json(session);
    return exit_code;
}

static int
ask(struct session *session, void *context)
{
    const bool *dry_run = context;
    struct airs_error error = { 0 };
    enum airs_status status =
        client_post(session->client, *dry_run ? "/v1/reload?dry_run=1" : "/v1/reload", NULL, 0,
                    RELOAD_TIMEOUT_MS, &session->reply, &error);
    return status == AIRS_OK ? print_answer(session) : say_what_is_wrong(session, status, &error);
}

int
cmd_reload(int argc, char **argv)
{
    bool dry_run = false;
    const struct cli_option options[] = {
        { .name = "dry-run",
          .help = "print the difference, and change nothing",
          .flag_out = &dry_run },
    };
    const struct client_verb verb = {
        .command = { .verb = "reload",
                     .operands = "",
                     .help = help,
                     .example = example,
                     .options = options,
                     .options_size = 1 },
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &dry_run);
}
