/* What `airs explain` says: golden texts, one for each state and each thing waited for. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "cli/child_row.c"
#include "cli/explain.c"
#include "cli/ndjson.c"
#include "cli/text.c"

#define NOON_US UINT64_C(1767355445000000) /* 2026-01-02 12:04:05 */

#define REPORT                                                                        \
    "{\"time\":\"2026-01-02T12:04:03.678901Z\",\"generation\":3,\"reason\":\"trap\"," \
    "\"uptime_ms\":192000.5}"
#define EXIT "\"exit\":{\"reason\":\"trap\",\"detail\":\"unreachable\"}"
#define BUDGET \
    "\"restart\":\"permanent\",\"budget\":\"2/3\",\"within_ms\":60000.0,\"frees_ms\":42000.0"

static void
assert_explained_with(const char *fields, const char *report_text, const char *dependency_text,
                      const char *expected)
{
    static const struct style plain;
    char text[1024];
    snprintf(text, sizeof text,
             "{\"path\":\"/web/front\",\"kind\":\"command\",\"generation\":3,\"restarts\":2,%s}",
             fields);
    json_t *child = json_loads(text, 0, NULL);
    json_t *report = report_text ? json_loads(report_text, 0, NULL) : NULL;
    json_t *dependency = dependency_text ? json_loads(dependency_text, 0, NULL) : NULL;
    assert_non_null(child);
    struct buffer buffer;
    buffer_init(&buffer, 0);
    explain_put(&buffer, &plain, child, report, dependency, NOON_US);
    assert_string_equal(buffer.data, expected);
    buffer_deinit(&buffer);
    json_decref(dependency);
    json_decref(report);
    json_decref(child);
}

static void
assert_explained(const char *fields, const char *report_text, const char *expected)
{
    assert_explained_with(fields, report_text, NULL, expected);
}

static void
a_delay_names_the_exit_the_budget_and_the_start(void **state)
{
    (void)state;
    assert_explained(
        "\"state\":\"restarting\",\"due_ms\":1200.5," BUDGET "," EXIT, REPORT,
        "/web/front is restarting, generation 3\n"
        "  exit      generation 3 ended as trap: unreachable on 2026-01-02 at 12:04:03 after "
        "3m12s\n"
        "  rule      permanent; 2 of 3 restarts are used within 1m00s of being ready; one comes"
        " free after 42.0s more of it\n"
        "  next      its delay ends and it starts in 1.2s, at 12:04:06\n");
}

static void
without_a_history_it_says_what_the_child_knows(void **state)
{
    (void)state;
    assert_explained("\"state\":\"restarting\",\"due_ms\":1200.5," BUDGET "," EXIT, NULL,
                     "/web/front is restarting, generation 3\n"
                     "  exit      ended as trap: unreachable\n"
                     "  rule      permanent; 2 of 3 restarts are used within 1m00s of being ready;"
                     " one comes free after 42.0s more of it\n"
                     "  next      its delay ends and it starts in 1.2s, at 12:04:06\n");
}

static void
each_thing_that_is_waited_for_has_its_words(void **state)
{
    (void)state;
    static const struct {
        const char *waits_for;
        const char *next;
    } rows[] = {
        { ",\"waits_for\":\"pool\"",
          "it starts when a place is free: at most"
          " max-concurrent-starts start at a time, and max-instances run" },
        { ",\"waits_for\":\"turn\"", "it starts when the siblings before it are ready" },
        { ",\"waits_for\":\"compile\"", "it starts when its component is compiled" },
        { ",\"waits_for\":\"/store\"", "it starts when /store is ready, or has ended well\n"
                                       "  which     there is no /store; added, it is started" },
        { "", "it starts with its supervisor" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fields[256], expected[512];
        snprintf(fields, sizeof fields, "\"state\":\"registered\"%s," BUDGET, rows[i].waits_for);
        snprintf(expected, sizeof expected,
                 "/web/front is registered, generation 3\n"
                 "  rule      permanent; 2 of 3 restarts are used within 1m00s of being ready;"
                 " one comes free after 42.0s more of it\n"
                 "  next      %s\n",
                 rows[i].next);
        assert_explained(fields, NULL, expected);
    }
}

static void
what_a_dependency_lacks_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *store;
        const char *which;
    } rows[] = {
        { "\"state\":\"failed\"," EXIT,
          "/store is failed after trap: unreachable; next: nothing by itself; airs start /store "
          "begins anew" },
        { "\"state\":\"restarting\",\"due_ms\":1200.5," EXIT,
          "/store is restarting after trap: unreachable; next: its delay ends and it starts in "
          "1.2s, at 12:04:06" },
        { "\"state\":\"running\",\"ready\":false," EXIT,
          "/store is running and not ready; next: it becomes ready" },
        { "\"state\":\"registered\",\"waits_for\":\"/disk\"",
          "/store is registered; next: it starts when /disk is ready, or has ended well" },
        { "\"state\":\"stopped\",\"stopped\":\"temporary\"",
          "/store is stopped; next: nothing by itself; airs start /store begins anew" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char store[256], expected[512];
        snprintf(store, sizeof store, "{\"path\":\"/store\",%s}", rows[i].store);
        snprintf(expected, sizeof expected,
                 "/web/front is restarting, generation 3\n"
                 "  rule      permanent; 2 of 3 restarts are used within 1m00s of being ready;"
                 " one comes free after 42.0s more of it\n"
                 "  next      it starts when /store is ready, or has ended well\n"
                 "  which     %s\n",
                 rows[i].which);
        assert_explained_with("\"state\":\"restarting\",\"waits_for\":\"/store\"," BUDGET, NULL,
                              store, expected);
    }
}

static void
a_start_names_its_timeout(void **state)
{
    (void)state;
    assert_explained("\"state\":\"starting\",\"due_ms\":9000.0,\"restart\":\"permanent\","
                     "\"budget\":\"0/unlimited\"",
                     NULL,
                     "/web/front is starting, generation 3\n"
                     "  rule      permanent; its restarts are not limited (2 so far)\n"
                     "  next      it answers its start, or is ended as timeout in 9.0s, at"
                     " 12:04:14\n");
}

static void
what_runs_has_nothing_ahead(void **state)
{
    (void)state;
    assert_explained("\"state\":\"running\",\"ready\":true,\"uptime_ms\":65000.0," BUDGET, NULL,
                     "/web/front is running and ready, for 1m05s, generation 3\n"
                     "  rule      permanent; 2 of 3 restarts are used within 1m00s of being ready;"
                     " one comes free after 42.0s more of it\n"
                     "  next      nothing, as long as it runs\n");
    assert_explained("\"state\":\"running\",\"ready\":false,\"uptime_ms\":65000.0," BUDGET, NULL,
                     "/web/front is running and not ready, for 1m05s, generation 3\n"
                     "  rule      permanent; 2 of 3 restarts are used within 1m00s of being ready;"
                     " one comes free after 42.0s more of it\n"
                     "  next      it becomes ready\n");
}

static void
what_the_program_lost_says_that_it_is_uncounted(void **state)
{
    (void)state;
    assert_explained("\"state\":\"running\",\"ready\":true,\"uptime_ms\":65000.0,"
                     "\"decided_by\":\"host-lost\",\"exit\":{\"reason\":\"host-lost\"}," BUDGET,
                     NULL,
                     "/web/front is running and ready, for 1m05s, generation 3\n"
                     "  exit      ended as host-lost\n"
                     "  rule      the program died under it: started again, uncounted; 2 of 3"
                     " restarts are used within 1m00s of being ready; one comes free after 42.0s"
                     " more of it\n"
                     "  next      nothing, as long as it runs\n");
}

static void
a_stop_says_when_it_kills(void **state)
{
    (void)state;
    assert_explained("\"state\":\"stopping\",\"stopped\":\"request\",\"decided_by\":\"stop\","
                     "\"due_ms\":5000.0," BUDGET,
                     NULL,
                     "/web/front is stopping, generation 3\n"
                     "  rule      it was asked to stop, and stays so until it is started\n"
                     "  next      it ends by itself, or is killed in 5.0s, at 12:04:10\n");
}

static void
what_is_stopped_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *fields;
        const char *rule;
        const char *next;
    } rows[] = {
        { "request", "\"decided_by\":\"stop\"",
          "it was asked to stop, and stays so until it is started",
          "nothing by itself; airs start /web/front begins anew" },
        { "supervisor", "\"decided_by\":\"supervisor\"",
          "its supervisor stopped, and takes it along", "it starts with its supervisor" },
        { "supervisor", "\"decided_by\":\"supervisor\",\"cause\":\"/web/back\"",
          "its supervisor stopped, and takes it along, because of /web/back",
          "it starts with its supervisor" },
        { "ended", "\"decided_by\":\"on-exit\",\"on_exit\":\"{ reason: trap, do: stop }\"",
          "on-exit { reason: trap, do: stop }",
          "nothing by itself; airs start /web/front begins anew" },
        { "temporary", "\"decided_by\":\"group\",\"cause\":\"/web/back\"",
          "the restart of /web/back takes it along, uncounted",
          "nothing by itself; airs start /web/front begins anew" },
        { "ended", "\"decided_by\":\"policy\",\"restart\":\"transient\"",
          "transient: it ended normally, so it is not restarted",
          "nothing by itself; airs start /web/front begins anew" },
        { "temporary", "\"decided_by\":\"policy\",\"restart\":\"temporary\"",
          "temporary: it is never restarted",
          "nothing by itself; airs start /web/front begins anew" },
        { "ignored", "\"decided_by\":\"ignored\"", "its start answered that there is nothing to do",
          "nothing by itself; airs start /web/front begins anew" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fields[256], expected[512];
        snprintf(fields, sizeof fields,
                 "\"state\":\"stopped\",\"stopped\":\"%s\",\"budget\":\"0/3\",%s", rows[i].why,
                 rows[i].fields);
        snprintf(expected, sizeof expected,
                 "/web/front is stopped, generation 3\n  rule      %s\n  next      %s\n",
                 rows[i].rule, rows[i].next);
        assert_explained(fields, NULL, expected);
    }
}

static void
what_failed_says_whether_the_budget_or_the_code_did_it(void **state)
{
    (void)state;
    assert_explained(
        "\"state\":\"failed\",\"restart\":\"transient\",\"budget\":\"3/3\",\"within_ms\":60000.0,"
        "\"frees_ms\":42000.0,\"decided_by\":\"budget\"," EXIT,
        REPORT,
        "/web/front is failed, generation 3\n"
        "  exit      generation 3 ended as trap: unreachable on 2026-01-02 at 12:04:03 after "
        "3m12s\n"
        "  rule      transient, but its budget is used up: 3 of 3 restarts are used within 1m00s"
        " of being ready; one comes free after 42.0s more of it\n"
        "  next      nothing by itself; airs start /web/front begins anew\n");
    assert_explained("\"state\":\"failed\",\"decided_by\":\"load-error\",\"exit\":{\"reason\":"
                     "\"load-error\",\"detail\":\"no export\"}," BUDGET,
                     REPORT,
                     "/web/front is failed, generation 3\n"
                     "  exit      ended as load-error: no export\n"
                     "  rule      what cannot be loaded is not restarted\n"
                     "  next      nothing by itself; airs start /web/front begins anew\n");
}

/* A failed child: the budget is spoken of where it decided, and nowhere else. */
static void
what_failed_names_the_rule_or_the_limit_that_did_it(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        const char *rule;
        const char *next;
    } rows[] = {
        { "\"decided_by\":\"on-exit\",\"on_exit\":\"{ reason: trap, code: unreachable, do: fail "
          "}\"",
          "on-exit { reason: trap, code: unreachable, do: fail }",
          "nothing by itself; airs start /web/front begins anew" },
        { "\"decided_by\":\"on-exit\",\"on_exit\":\"{ reason: trap, do: escalate "
          "}\",\"escalated\":true",
          "on-exit { reason: trap, do: escalate }; that ended its supervisor",
          "it starts with its supervisor" },
        { "\"decided_by\":\"intensity\",\"escalated\":true,\"intensity\":2,"
          "\"intensity_within_ms\":10000.0",
          "permanent, but the intensity of its supervisor is used up: 2 of 2 restarts within 10.0s;"
          " that ended its supervisor",
          "it starts with its supervisor" },
        { "\"decided_by\":\"budget\",\"escalated\":true",
          "permanent, but its budget is used up: 2 of 3 restarts are used within 1m00s of being"
          " ready; one comes free after 42.0s more of it; that ended its supervisor",
          "it starts with its supervisor" },
        { "\"decided_by\":\"former\"", "what decided has been changed by a reload since",
          "nothing by itself; airs start /web/front begins anew" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fields[512], expected[512];
        snprintf(fields, sizeof fields, "\"state\":\"failed\",%s," BUDGET "," EXIT, rows[i].fields);
        snprintf(expected, sizeof expected,
                 "/web/front is failed, generation 3\n  exit      ended as trap: unreachable\n"
                 "  rule      %s\n  next      %s\n",
                 rows[i].rule, rows[i].next);
        assert_explained(fields, NULL, expected);
    }
}

#define RULE_BUDGET                                                                      \
    "; 2 of 3 restarts are used within 1m00s of being ready; one comes free after 42.0s" \
    " more of it"

static void
what_was_started_again_names_who_or_what_did_it(void **state)
{
    (void)state;
    static const char *const caused =
        "{\"time\":\"2026-01-02T12:04:03.678901Z\",\"generation\":2,\"reason\":\"trap\","
        "\"cause\":\"/web/other\"}";
    static const char *const caused_later =
        "{\"time\":\"2026-01-02T12:04:03.678901Z\",\"generation\":2,\"reason\":\"trap\","
        "\"then\":{\"cause\":\"/web/last\"}}";
    static const struct {
        const char *fields;
        const char *report;
        const char *rule;
    } rows[] = {
        { "\"decided_by\":\"policy\"", NULL, "permanent" RULE_BUDGET },
        { "\"decided_by\":\"on-exit\",\"on_exit\":\"{ reason: trap, do: restart }\"", NULL,
          "on-exit { reason: trap, do: restart }" RULE_BUDGET },
        { "\"decided_by\":\"group\",\"cause\":\"/web/back\"", caused,
          "the restart of /web/back takes it along, uncounted" RULE_BUDGET },
        { "\"decided_by\":\"group\"", caused,
          "the restart of /web/other takes it along, uncounted" RULE_BUDGET },
        { "\"decided_by\":\"group\"", caused_later,
          "the restart of /web/last takes it along, uncounted" RULE_BUDGET },
        { "\"decided_by\":\"group\"", NULL,
          "the restart of a sibling takes it along, uncounted" RULE_BUDGET },
        { "\"decided_by\":\"dependency\",\"cause\":\"/store\"", NULL,
          "when-dependency-restarts: it follows /store, uncounted" RULE_BUDGET },
        { "\"decided_by\":\"dependency\"", NULL,
          "when-dependency-restarts: it follows what it depends on, uncounted" RULE_BUDGET },
        { "\"decided_by\":\"restart\"", NULL,
          "started again by hand or by a reload, uncounted" RULE_BUDGET },
        { "\"decided_by\":\"start\"", NULL,
          "permanent; after that exit it was started anew, or reset" RULE_BUDGET },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fields[512], expected[512];
        snprintf(fields, sizeof fields,
                 "\"state\":\"restarting\",\"waits_for\":\"turn\",%s," BUDGET "," EXIT,
                 rows[i].fields);
        snprintf(expected, sizeof expected,
                 "/web/front is restarting, generation 3\n  exit      %s\n"
                 "  rule      %s\n  next      it starts when the siblings before it are ready\n",
                 rows[i].report
                     ? "generation 2 ended as trap: unreachable on 2026-01-02 at 12:04:03"
                     : "ended as trap: unreachable",
                 rows[i].rule);
        assert_explained(fields, rows[i].report, expected);
    }
}

static void
what_is_being_stopped_says_for_whom(void **state)
{
    (void)state;
    assert_explained("\"state\":\"stopping\",\"stopped\":\"restart\",\"decided_by\":\"group\","
                     "\"cause\":\"/web/back\",\"due_ms\":5000.0," BUDGET,
                     NULL,
                     "/web/front is stopping, generation 3\n"
                     "  rule      the restart of /web/back takes it along, uncounted\n"
                     "  next      it ends by itself, or is killed in 5.0s, at 12:04:10\n");
    assert_explained(
        "\"state\":\"stopping\",\"stopped\":\"request\",\"decided_by\":\"delete\"," BUDGET, NULL,
        "/web/front is stopping, generation 3\n"
        "  rule      it is deleted when it has ended\n"
        "  next      it ends by itself\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delay_names_the_exit_the_budget_and_the_start),
        cmocka_unit_test(without_a_history_it_says_what_the_child_knows),
        cmocka_unit_test(each_thing_that_is_waited_for_has_its_words),
        cmocka_unit_test(what_a_dependency_lacks_is_told),
        cmocka_unit_test(a_start_names_its_timeout),
        cmocka_unit_test(what_runs_has_nothing_ahead),
        cmocka_unit_test(what_the_program_lost_says_that_it_is_uncounted),
        cmocka_unit_test(a_stop_says_when_it_kills),
        cmocka_unit_test(what_is_stopped_says_why),
        cmocka_unit_test(what_failed_says_whether_the_budget_or_the_code_did_it),
        cmocka_unit_test(what_failed_names_the_rule_or_the_limit_that_did_it),
        cmocka_unit_test(what_was_started_again_names_who_or_what_did_it),
        cmocka_unit_test(what_is_being_stopped_says_for_whom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
