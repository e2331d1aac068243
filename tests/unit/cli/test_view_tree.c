/* The picture of `up` and `ps`: widths, cuts, what is counted, and what is never left out. */
#include "testing.h"

#include <locale.h>

#include "cli/child_row.c"
#include "cli/event_line.c"
#include "cli/ndjson.c"
#include "cli/text.c"
#include "cli/view_tree.c"

static const struct style plain_tree = { .terminal = true };
static const struct style utf8_tree = { .terminal = true, .utf8 = true };
static const struct style plain_file;

static struct child_row
row(const char *path, const char *state)
{
    return (struct child_row){ .path = path,
                               .kind = "command",
                               .state = state,
                               .ready = true,
                               .uptime_ms = ROW_NONE,
                               .due_ms = ROW_NONE };
}

static char *
names_of(const struct style *style, const struct child_row *rows, size_t size)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    for (size_t i = 0; i < size; i++) {
        child_row_name(&buffer, style, rows, size, i);
        buffer_append_text(&buffer, "\n");
    }
    return buffer_take(&buffer, NULL);
}

static void
draws_branches_to_the_last_child(void **state)
{
    (void)state;
    const struct child_row rows[] = { row("/a", "running"),    row("/b", "running"),
                                      row("/b/c", "running"),  row("/b/c/d", "running"),
                                      row("/b/cc", "running"), row("/bb", "running") };
    char *text = names_of(&plain_tree, rows, 6);
    assert_string_equal(text, "|- a\n|- b\n|  |- c\n|  |  `- d\n|  `- cc\n`- bb\n");
    free(text);
    text = names_of(&utf8_tree, rows, 6);
    assert_string_equal(text, "├─ a\n├─ b\n│  ├─ c\n│  │  └─ d\n│  └─ cc\n└─ bb\n");
    free(text);
    text = names_of(&plain_file, rows, 3);
    assert_string_equal(text, "/a\n/b\n/b/c\n");
    free(text);
}

static void
lets_no_control_character_through(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    text_put(&buffer, &utf8_tree, "a\033[2Jb\tc\x7f\xff", 80);
    assert_string_equal(buffer.data, "a?[2Jb?c??");
    buffer_deinit(&buffer);
}

static void
cuts_at_columns_not_at_bytes(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(text_put(&buffer, &utf8_tree, "grün und blau", 5), 5);
    assert_string_equal(buffer.data, "grün…");
    buffer_consume(&buffer, buffer.size);
    assert_int_equal(text_put(&buffer, &plain_tree, "two\nlines", 5), 3);
    assert_string_equal(buffer.data, "two");
    buffer_consume(&buffer, buffer.size);
    text_pad(&buffer, &plain_tree, "ab", 4);
    assert_string_equal(buffer.data, "ab  ");
    buffer_consume(&buffer, buffer.size);
    assert_int_equal(text_put(&buffer, &plain_tree, "abc", 0), 0);
    buffer_deinit(&buffer);
}

static void
durations_are_short(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = { { 0, "0ms" },        { 999, "999ms" },     { 4250, "4.2s" },
                 { 192000, "3m12s" }, { 7500000, "2h05m" }, { 187200000, "2d04h" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        text_duration(text, sizeof text, rows[i].ms);
        assert_string_equal(text, rows[i].text);
    }
    char text[32];
    text_bytes(text, sizeof text, 1536);
    assert_string_equal(text, "1.5KiB");
    text_bytes(text, sizeof text, 67108864);
    assert_string_equal(text, "64MiB");
}

/* The picture, with every line checked against the terminal's size. */
static char *
picture(const struct child_row *rows, size_t size, unsigned lines, unsigned columns)
{
    json_t *event = json_loads("{\"time\":\"2026-01-02T03:04:05.678901Z\",\"seq\":1,"
                               "\"path\":\"/a\",\"generation\":2,\"event\":\"restart-scheduled\","
                               "\"reason\":\"trap\",\"detail\":\"unreachable\",\"delay_ms\":1.5,"
                               "\"restarts\":1}",
                               0, NULL);
    json_t *recent[] = { event, event, event, event, event };
    struct view_model model = { .name = "shop",
                                .up_ms = 4250,
                                .rows = rows,
                                .size = size,
                                .recent = recent,
                                .recent_size = 5 };
    struct buffer buffer;
    buffer_init(&buffer, 0);
    view_tree_put(&buffer, &utf8_tree, &model, lines, columns);
    char *text = buffer_take(&buffer, NULL);
    unsigned count = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1, count++)
        assert_true(text_columns(&utf8_tree, line) <= columns);
    assert_true(count <= lines);
    json_decref(event);
    return text;
}

static void
fits_small_and_large_terminals(void **state)
{
    (void)state;
    static char paths[300][16];
    static struct child_row rows[300];
    for (size_t i = 0; i < 300; i++) {
        snprintf(paths[i], sizeof paths[i], "/child-%zu", i);
        rows[i] = row(paths[i], i == 250 ? "failed" : "running");
        rows[i].restarts = (double)i;
    }
    static const unsigned sizes[][2] = { { 24, 80 }, { 12, 40 }, { 50, 200 },
                                         { 6, 36 },  { 3, 40 },  { 1, 80 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *text = picture(rows, 300, sizes[i][0], sizes[i][1]);
        if (sizes[i][0] >= 6) {
            assert_non_null(strstr(text, "/child-250"));
            assert_non_null(strstr(text, "more:"));
        }
        free(text);
    }
}

static void
shows_restarts_states_and_the_failed_one(void **state)
{
    (void)state;
    struct child_row rows[] = { row("/a", "restarting"), row("/b", "failed"),
                                row("/web", "running"), row("/web/front", "running") };
    rows[0].restarts = 12;
    rows[0].due_ms = 1500;
    rows[0].exit_reason = "trap";
    rows[0].exit_detail = "unreachable";
    rows[2].kind = "supervisor";
    char *text = picture(rows, 4, 24, 80);
    assert_non_null(strstr(text, "shop  up 4.2s  1 running  1 restarting  1 failed  12 restarts"));
    assert_non_null(strstr(text, "in 1.5s, after trap: unreachable"));
    assert_non_null(strstr(text, "├─ b"));
    assert_non_null(strstr(text, "03:04:05.678 /a restart-scheduled trap: unreachable in 1.5ms "));
    free(text);
    text = picture(rows, 4, 12, 40);
    assert_non_null(strstr(text, "shop 4.2s  1 run  1 busy  1 FAIL  12 re"));
    assert_non_null(strstr(text, "failed"));
    assert_non_null(strstr(text, "      12"));
    free(text);
}

static void
failed_ones_come_first_when_there_is_little_room(void **state)
{
    (void)state;
    struct child_row rows[10];
    static char paths[10][8];
    for (size_t i = 0; i < 10; i++) {
        snprintf(paths[i], sizeof paths[i], "/c%zu", i);
        rows[i] = row(paths[i], i >= 7 ? "failed" : "running");
    }
    struct view_model model = { .rows = rows, .size = 10 };
    bool hidden[10] = { false };
    assert_int_equal(choose_hidden(&model, hidden, 6), 5);
    const bool expected[10] = { false, false, true, true, true, true, true, false, false, false };
    assert_memory_equal(hidden, expected, sizeof hidden);
    memset(hidden, 0, sizeof hidden);
    assert_int_equal(choose_hidden(&model, hidden, 10), 0);
    assert_int_equal(choose_hidden(&model, hidden, 3), 8);
    assert_false(hidden[7] || hidden[8]);
    assert_true(hidden[9]);
}

static void
reads_lines_of_json_and_leaves_out_the_rest(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "{\"path\":\"/a\",\"state\":\"running\"}\nnonsense\n\n"
                              "{\"path\":1}\n{\"path\":\"/b\",\"state\":\"failed\"}");
    json_t *objects = ndjson_read(&text);
    assert_int_equal(json_array_size(objects), 3);
    size_t size = 0;
    struct child_row *rows = child_rows_read(objects, &size);
    assert_int_equal(size, 2);
    assert_string_equal(rows[1].path, "/b");
    free(rows);
    json_decref(objects);
    buffer_deinit(&text);
}

int
main(void)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_branches_to_the_last_child),
        cmocka_unit_test(lets_no_control_character_through),
        cmocka_unit_test(cuts_at_columns_not_at_bytes),
        cmocka_unit_test(durations_are_short),
        cmocka_unit_test(fits_small_and_large_terminals),
        cmocka_unit_test(shows_restarts_states_and_the_failed_one),
        cmocka_unit_test(failed_ones_come_first_when_there_is_little_room),
        cmocka_unit_test(reads_lines_of_json_and_leaves_out_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
