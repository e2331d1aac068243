/* The JSON forms, by their text. */
#include "testing.h"

#include <string.h>

#include "daemon/event_json.h"

/* 2026-01-02T03:04:05.678901Z */
#define TIME_US UINT64_C(1767323045678901)

static void
assert_event(const struct airs_event *event, const char *expected)
{
    struct buffer line;
    buffer_init(&line, 0);
    assert_true(event_json_append(&line, "shop", event));
    assert_string_equal(line.data, expected);
    buffer_deinit(&line);
}

static void
writes_the_event_of_the_documents(void **state)
{
    (void)state;
    struct airs_event event = {
        .seq = 7,
        .time_us = TIME_US,
        .path = "/web/front",
        .generation = 2,
        .event = "restart-scheduled",
        .from = "running",
        .state = "restarting",
        .reason = "trap",
        .detail = "unreachable",
        .delay_us = 150250,
        .restarts = 1,
    };
    assert_event(&event, "{\"time\":\"2026-01-02T03:04:05.678901Z\",\"seq\":7,\"app\":\"shop\","
                         "\"path\":\"/web/front\",\"generation\":2,\"event\":\"restart-scheduled\","
                         "\"from\":\"running\",\"state\":\"restarting\",\"reason\":\"trap\","
                         "\"detail\":\"unreachable\",\"delay_ms\":150.25,\"restarts\":1}\n");
}

static void
leaves_out_what_does_not_apply(void **state)
{
    (void)state;
    struct airs_event event = {
        .seq = 1,
        .time_us = TIME_US,
        .event = "application-started",
        .delay_us = AIRS_NONE,
        .restarts = AIRS_NONE,
    };
    assert_event(&event, "{\"time\":\"2026-01-02T03:04:05.678901Z\",\"seq\":1,\"app\":\"shop\","
                         "\"event\":\"application-started\"}\n");
}

static void
writes_budget_cause_and_what_is_waited_for(void **state)
{
    (void)state;
    struct airs_event event = {
        .seq = 3,
        .time_us = TIME_US,
        .path = "/a",
        .event = "waiting",
        .from = "registered",
        .state = "registered",
        .delay_us = AIRS_NONE,
        .restarts = 0,
        .has_budget = true,
        .budget_used = 2,
        .budget_allowed = 3,
        .cause = "/b",
        .waits_for = "pool",
    };
    assert_event(&event, "{\"time\":\"2026-01-02T03:04:05.678901Z\",\"seq\":3,\"app\":\"shop\","
                         "\"path\":\"/a\",\"event\":\"waiting\",\"from\":\"registered\","
                         "\"state\":\"registered\",\"restarts\":0,\"budget\":\"2/3\","
                         "\"cause\":\"/b\",\"waits_for\":\"pool\"}\n");
    event.budget_allowed = AIRS_UNLIMITED;
    event.cause = event.waits_for = NULL;
    assert_event(&event, "{\"time\":\"2026-01-02T03:04:05.678901Z\",\"seq\":3,\"app\":\"shop\","
                         "\"path\":\"/a\",\"event\":\"waiting\",\"from\":\"registered\","
                         "\"state\":\"registered\",\"restarts\":0,\"budget\":\"2/unlimited\"}\n");
}

static void
writes_delays_to_the_microsecond(void **state)
{
    (void)state;
    static const struct {
        uint64_t delay_us;
        const char *text;
    } cases[] = { { 0, "\"delay_ms\":0.0}" },
                  { 1, "\"delay_ms\":0.001}" },
                  { 100123, "\"delay_ms\":100.123}" },
                  { 30000000, "\"delay_ms\":30000.0}" },
                  { 86400000001, "\"delay_ms\":86400000.001}" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct airs_event event = {
            .seq = 1, .event = "x", .delay_us = cases[i].delay_us, .restarts = AIRS_NONE
        };
        struct buffer line;
        buffer_init(&line, 0);
        assert_true(event_json_append(&line, "shop", &event));
        assert_non_null(strstr(line.data, cases[i].text));
        buffer_deinit(&line);
    }
}

static void
repairs_text_that_is_no_utf8(void **state)
{
    (void)state;
    struct airs_log_line log_line = {
        .time_us = TIME_US,
        .path = "/a",
        .generation = 4,
        .stream = "stdout",
        .text = "a\xff\xe2\x82\"\n\0\xc3\xa9",
        .size = 9,
    };
    struct buffer line;
    buffer_init(&line, 0);
    assert_true(log_json_append(&line, &log_line));
    assert_string_equal(line.data,
                        "{\"time\":\"2026-01-02T03:04:05.678901Z\",\"path\":\"/a\","
                        "\"generation\":4,\"stream\":\"stdout\","
                        "\"text\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\\\"\\n\\u0000\xc3\xa9\"}\n");
    buffer_deinit(&line);
}

static void
writes_a_child_with_all_its_fields(void **state)
{
    (void)state;
    struct airs_child child = {
        .path = "/web/front",
        .kind = "actor",
        .state = "restarting",
        .ready = false,
        .generation = 2,
        .restarts = 1,
        .budget_used = 1,
        .budget_allowed = 3,
        .uptime_us = AIRS_NONE,
        .due_us = 150250,
        .within_us = 60000000,
        .frees_us = 42000000,
        .restart = "permanent",
        .decided_by = "on-exit",
        .on_exit = "{ reason: trap, do: restart }",
        .cause = "/web/back",
        .escalated = true,
        .intensity_allowed = 5,
        .intensity_within_us = 1000000,
        .exit_reason = "trap",
        .exit_detail = "unreachable",
        .exit_message = "wasm trap\nframe 0",
        .memory_bytes = 0,
        .cpu_us = 1500,
        .mailbox = 2,
        .messages = 9,
        .component = "front.wasm",
    };
    struct buffer line;
    buffer_init(&line, 0);
    assert_true(child_json_append(&line, &child));
    assert_string_equal(
        line.data,
        "{\"path\":\"/web/front\",\"kind\":\"actor\",\"state\":\"restarting\",\"ready\":false,"
        "\"generation\":2,\"restarts\":1,\"budget\":\"1/3\","
        "\"within_ms\":60000.0,\"frees_ms\":42000.0,\"due_ms\":150.25,\"restart\":\"permanent\","
        "\"decided_by\":\"on-exit\",\"on_exit\":\"{ reason: trap, do: restart }\","
        "\"cause\":\"/web/back\",\"escalated\":true,\"intensity\":5,"
        "\"intensity_within_ms\":1000.0,\"exit\":{\"reason\":\"trap\",\"detail\":\"unreachable\","
        "\"message\":\"wasm trap\\nframe 0\"},\"memory_bytes\":0,\"cpu_ms\":1.5,\"mailbox\":2,"
        "\"messages\":9,\"component\":\"front.wasm\"}\n");
    buffer_deinit(&line);
}

static void
appends_nothing_when_there_is_no_room(void **state)
{
    (void)state;
    struct buffer line;
    buffer_init(&line, 40);
    assert_true(buffer_append_text(&line, "before\n"));
    assert_false(error_json_append(&line, "a text that is far too long for it", 404, NULL));
    assert_string_equal(line.data, "before\n");
    buffer_deinit(&line);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_event_of_the_documents),
        cmocka_unit_test(leaves_out_what_does_not_apply),
        cmocka_unit_test(writes_budget_cause_and_what_is_waited_for),
        cmocka_unit_test(writes_delays_to_the_microsecond),
        cmocka_unit_test(repairs_text_that_is_no_utf8),
        cmocka_unit_test(writes_a_child_with_all_its_fields),
        cmocka_unit_test(appends_nothing_when_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
