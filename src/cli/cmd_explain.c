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

static int
explain(struct session *session, bool json)
{
    uint64_t now_us = clock_wall_us();
    json_t *child = read_one(&session->reply.body);
    if (!child)
        return cli_fail("explain", CLI_FAILED, "the application's answer is not understood");
    json_t *report = exit_report_last(session);
    if (json) {
        json_t *both = json_pack("{s:O, s:O?}", "child", child, "report", report);
        json_dumpf(both, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
        json_decref(both);
    } else {
        struct style style = style_of(STDOUT_FILENO);
        struct buffer buffer;
        buffer_init(&buffer, 0);
        explain_put(&buffer, &style, child, report, now_us);
        text_flush(&buffer, stdout);
        buffer_deinit(&buffer);
    }
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
