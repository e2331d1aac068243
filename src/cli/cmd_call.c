/* airs call PATH MESSAGE: sends a message to an actor and prints its response. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/text.h"

#define CALL_TIMEOUT "30s"

/* The daemon keeps the time; this is how much later we stop to believe in it. */
#define ANSWER_GRACE_MS 2000u

static bool
append_base64(struct buffer *buffer, const struct buffer *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bool done = true;
    for (size_t at = 0; at < bytes->size && done; at += 3) {
        unsigned char part[3] = { 0 };
        size_t size = bytes->size - at < 3 ? bytes->size - at : 3;
        memcpy(part, bytes->data + at, size);
        char coded[4] = { digits[part[0] >> 2], digits[(part[0] & 3) << 4 | part[1] >> 4],
                          digits[(part[1] & 15) << 2 | part[2] >> 6], digits[part[2] & 63] };
        memset(coded + size + 1, '=', 3 - size);
        done = buffer_append(buffer, coded, sizeof coded);
    }
    return done;
}

/* {"path":…,"response":TEXT}, or "response_base64" where the bytes are no UTF-8. */
static int
print_json(const char *path, const struct buffer *body)
{
    json_t *object = json_object();
    json_t *text = json_stringn(body->data ? body->data : "", body->size);
    bool done = object && json_object_set_new(object, "path", json_string(path)) == 0;
    if (text) {
        done = done && json_object_set_new(object, "response", text) == 0;
    } else {
        struct buffer coded;
        buffer_init(&coded, 0);
        done = done && append_base64(&coded, body) &&
               json_object_set_new(object, "response_base64", json_string(coded.data)) == 0;
        buffer_deinit(&coded);
    }
    if (done && json_dumpf(object, stdout, JSON_COMPACT) == 0)
        putchar('\n');
    json_decref(object);
    return done ? CLI_DONE : cli_fail("call", CLI_FAILED, "out of memory");
}

/* As they are; on a terminal the prompt does not stand behind them. */
static void
print_bytes(struct buffer *body)
{
    bool ends_its_line = body->size == 0 || body->data[body->size - 1] == '\n';
    text_flush(body, stdout);
    if (!ends_its_line && isatty(STDOUT_FILENO))
        putchar('\n');
}

struct patience {
    const char *text; /* As the user gave it. */
    uint64_t us;
};

static int
check(struct session *session, void *context)
{
    (void)session;
    struct patience *timeout = context;
    return cli_duration("call", "timeout", timeout->text, &timeout->us);
}

static int
ask(struct session *session, void *context)
{
    const struct patience *timeout = context;
    const char *message = session->operands[1];
    char suffix[64];
    snprintf(suffix, sizeof suffix, "/call?timeout=%" PRIu64 "us", timeout->us);
    uint64_t wait_ms = timeout->us / US_PER_MS + ANSWER_GRACE_MS;
    int exit_code = session_post(session, "/v1/children", suffix, message, strlen(message),
                                 wait_ms > INT32_MAX ? INT32_MAX : (unsigned)wait_ms);
    if (exit_code != CLI_DONE)
        return exit_code;
    if (session->json)
        return print_json(session->path, &session->reply.body);
    print_bytes(&session->reply.body);
    return CLI_DONE;
}

int
cmd_call(int argc, char **argv)
{
    struct patience timeout = { .text = CALL_TIMEOUT };
    const struct cli_option options[] = {
        { .name = "timeout",
          .value = "DURATION",
          .text_out = &timeout.text,
          .help = "how long to wait for the response (" CALL_TIMEOUT ")" },
    };
    static const char help[] =
        "Puts MESSAGE into the mailbox of the actor PATH, waits for the response and prints its\n"
        "bytes as they are, or nothing where there is none; on a terminal they end their line.\n";
    const struct client_verb verb = {
        .command = { .verb = "call",
                     .operands = "PATH MESSAGE",
                     .help = help,
                     .example = "  airs call /store 'get apple' --timeout 2s\n",
                     .options = options,
                     .options_size = 1 },
        .check = check,
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &timeout);
}
