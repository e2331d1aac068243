/* airs call PATH MESSAGE: sends a message to an actor and prints its response. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "cli/cli_verbs.h"
#include "cli/session.h"
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

static int
call(struct session *session, const char *message, uint64_t timeout_us, bool json)
{
    char suffix[64];
    snprintf(suffix, sizeof suffix, "/call?timeout=%lluus", (unsigned long long)timeout_us);
    uint64_t wait_ms = timeout_us / US_PER_MS + ANSWER_GRACE_MS;
    int exit_code = session_post(session, "/v1/children", suffix, message, strlen(message),
                                 wait_ms > INT32_MAX ? INT32_MAX : (unsigned)wait_ms);
    if (exit_code != CLI_DONE)
        return exit_code;
    if (json)
        return print_json(session->path, &session->reply.body);
    text_flush(&session->reply.body, stdout);
    return CLI_DONE;
}

int
cmd_call(int argc, char **argv)
{
    struct cli_target target = { 0 };
    bool json = false;
    const char *timeout = CALL_TIMEOUT;
    const struct cli_option options[] = {
        { .name = "timeout",
          .value = "DURATION",
          .text_out = &timeout,
          .help = "how long to wait for the response (" CALL_TIMEOUT ")" },
    };
    static const char help[] =
        "Puts MESSAGE into the mailbox of the actor PATH, waits for the response and prints its\n"
        "bytes as they are, or nothing where there is none.\n";
    struct cli_command command = {
        .verb = "call",
        .operands = "PATH MESSAGE",
        .operands_min = 2,
        .operands_max = 2,
        .help = help,
        .example = "  airs call /store 'get apple' --timeout 2s\n",
        .options = options,
        .options_size = 1,
        .target = &target,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;
    uint64_t timeout_us;
    exit_code = cli_duration("call", "timeout", timeout, &timeout_us);
    if (exit_code != CLI_DONE)
        return exit_code;

    struct session session;
    exit_code = session_open(&session, "call", &target, operands[0]);
    if (exit_code == CLI_DONE)
        exit_code = call(&session, operands[1], timeout_us, json);
    session_close(&session);
    return exit_code;
}
