/* airs explain PATH: why a child is in its state, and what happens next. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/exit_report.h"
#include "cli/explain.h"
#include "cli/ndjson.h"

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
    return session_answer(session);
}

static void
print_text(const json_t *child, const json_t *report, const json_t *dependency, uint64_t now_us)
{
    struct style style = style_of(STDOUT_FILENO);
    struct buffer buffer;
    buffer_init(&buffer, 0);
    explain_put(&buffer, &style, child, report, dependency, now_us);
    text_flush(&buffer, stdout);
    buffer_deinit(&buffer);
}

static int
explain(struct session *session, void *context)
{
    (void)context;
    int exit_code = session_get(session, "/v1/children", "");
    if (exit_code != CLI_DONE)
        return exit_code;
    uint64_t now_us = clock_wall_us();
    json_t *child = session_answer(session);
    if (!child)
        return cli_fail("explain", CLI_FAILED, "the application's answer is not understood");
    json_t *report = exit_report_last(session);
    json_t *dependency = read_dependency(session, child);
    if (session->json) {
        json_t *both = json_pack("{s:O, s:O?, s:O?}", "child", child, "report", report,
                                 "dependency", dependency);
        json_dumpf(both, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
        json_decref(both);
    } else {
        print_text(child, report, dependency, now_us);
    }
    json_decref(dependency);
    json_decref(report);
    json_decref(child);
    return CLI_DONE;
}

int
cmd_explain(int argc, char **argv)
{
    static const char help[] =
        "Says why a child is in its state: the exit that led there, the rule or budget that\n"
        "decided, and what happens next and when. Times are UTC.\n";
    const struct client_verb verb = {
        .command = { .verb = "explain",
                     .operands = "PATH",
                     .help = help,
                     .example = "  airs explain /web/front\n" },
        .ask = explain,
    };
    return client_verb_run(&verb, argc, argv, NULL);
}
