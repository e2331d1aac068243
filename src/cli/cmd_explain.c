/* airs explain PATH: why a child is in its state, and what happens next. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli_verbs.h"
#include "cli/exit_report.h"
#include "cli/explain.h"
#include "cli/ndjson.h"
#include "cli/session.h"

static json_t *
read_one(const struct buffer *body)
{
    return json_loadb(body->data ? body->data : "", body->size, JSON_DISABLE_EOF_CHECK, NULL);
}

/* The child that `child` waits for; NULL: it waits for none, or there is no such child. */
static json_t *
read_dependency(struct session *session, const json_t *child)
{
    struct airs_error error = { 0 };
    const char *path = json_text(child, "waits_for");
    if (!path || path[0] != '/')
        return NULL;
    const char *target = session_target_of(session, "/v1/children", path, "");
    if (!target || client_get(session->client, target, session->timeout_ms, &session->reply,
                              &error) != AIRS_OK)
        return NULL;
    return read_one(&session->reply.body);
}

static int
explain(struct session *session, bool json)
{
    uint64_t now_us = clock_wall_us();
    json_t *child = read_one(&session->reply.body);
    if (!child)
        return cli_fail("explain", CLI_FAILED, "the application's answer is not understood");
    json_t *report = exit_report_last(session);
    json_t *dependency = read_dependency(session, child);
    if (json) {
        json_t *both = json_pack("{s:O, s:O?, s:O?}", "child", child, "report", report,
                                 "dependency", dependency);
        json_dumpf(both, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
        json_decref(both);
    } else {
        struct style style = style_of(STDOUT_FILENO);
        struct buffer buffer;
        buffer_init(&buffer, 0);
        explain_put(&buffer, &style, child, report, dependency, now_us);
        text_flush(&buffer, stdout);
        buffer_deinit(&buffer);
    }
    json_decref(dependency);
    json_decref(report);
    json_decref(child);
    return CLI_DONE;
}

int
cmd_explain(int argc, char **argv)
{
    struct cli_target target = { 0 };
    bool json = false;
    static const char help[] =
        "Says why a child is in its state: the exit that led there, the rule or budget that\n"
        "decided, and what happens next and when. Times are UTC.\n";
    struct cli_command command = {
        .verb = "explain",
        .operands = "PATH",
        .operands_min = 1,
        .operands_max = 1,
        .help = help,
        .example = "  airs explain /web/front\n",
        .target = &target,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;

    struct session session;
    exit_code = session_open(&session, "explain", &target, operands[0]);
    if (exit_code == CLI_DONE)
        exit_code = session_get(&session, "/v1/children", "");
    if (exit_code == CLI_DONE)
        exit_code = explain(&session, json);
    session_close(&session);
    return exit_code;
}
