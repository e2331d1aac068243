/* Manifest report: how an error is shown. */
#include "manifest_testing.h"

#include <jansson.h>

static struct buffer shown;

static const char *
show(void)
{
    buffer_deinit(&shown);
    buffer_init(&shown, 0);
    assert_true(manifest_report_write_text(&report, &shown));
    return shown.data;
}

static void
add(const char *text, size_t offset, size_t size)
{
    manifest_report_deinit(&report);
    assert_true(manifest_report_set_file(&report, "airs.yaml"));
    manifest_report_add(&report, text, strlen(text), offset, size, "wrong");
}

static void
an_error_shows_its_line_with_a_mark_under_the_place(void **state)
{
    (void)state;
    add("a: 1\n  b: two # x\nc: 3\n", 10, 3);
    assert_string_equal(show(), "airs.yaml:2:6: wrong\n"
                                "     2 |   b: two # x\n"
                                "       |      ^~~\n");
}

static void
columns_and_marks_count_characters(void **state)
{
    (void)state;
    add("\xc3\xa9\xc3\xa9: \xe2\x82\xac\xe2\x82\xac!\n", 6, 6);
    assert_string_equal(show(), "airs.yaml:1:5: wrong\n"
                                "     1 | \xc3\xa9\xc3\xa9: \xe2\x82\xac\xe2\x82\xac!\n"
                                "       |     ^~\n");
}

static void
a_mark_ends_with_its_line(void **state)
{
    (void)state;
    add("a: |\n  x\n  y\n", 3, 9);
    assert_string_equal(show(), "airs.yaml:1:4: wrong\n"
                                "     1 | a: |\n"
                                "       |    ^\n");
}

static void
the_end_of_a_file_is_a_place(void **state)
{
    (void)state;
    add("a: 1\n", 5, 1);
    assert_string_equal(show(), "airs.yaml:2:1: wrong\n"
                                "     2 | \n"
                                "       | ^\n");
    add("a: 1", 400, 1);
    assert_non_null(strstr(show(), "airs.yaml:1:5: wrong\n"));
    add("", 0, 1);
    assert_non_null(strstr(show(), "airs.yaml:1:1: wrong\n"));
}

static void
lines_end_as_any_system_ends_them(void **state)
{
    (void)state;
    add("a\r\nb\rc\n", 5, 1);
    assert_string_equal(show(), "airs.yaml:3:1: wrong\n"
                                "     3 | c\n"
                                "       | ^\n");
    add("a\r\nb\r\n", 3, 1);
    assert_string_equal(show(), "airs.yaml:2:1: wrong\n"
                                "     2 | b\n"
                                "       | ^\n");
}

static void
a_long_line_shows_the_part_around_the_place(void **state)
{
    (void)state;
    char line[1001];
    for (size_t i = 0; i < 1000; i++)
        line[i] = (char)('a' + i % 26);
    line[1000] = '\0';
    add(line, 500, 3);
    assert_int_equal(report.errors[0].column, 501);
    assert_int_equal(strlen(report.errors[0].shown), MANIFEST_LINE_SHOWN_BYTES);
    assert_int_equal(report.errors[0].shown[report.errors[0].indent], line[500]);
    assert_int_equal(report.errors[0].width, 3);
}

static void
a_long_line_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    char line[1201];
    for (size_t i = 0; i < 1200; i += 3)
        memcpy(line + i, "\xe2\x82\xac", 3);
    line[1200] = '\0';
    for (size_t at = 300; at < 309; at += 3) {
        add(line, at, 3);
        assert_null(strchr(report.errors[0].shown, '?'));
    }
}

static void
what_a_terminal_would_obey_is_not_shown(void **state)
{
    (void)state;
    add("a: \x1b[31m\xc2\x9bx\ty\n", 3, 1);
    assert_non_null(strstr(show(), "a: ?[31m??x y\n"));

    manifest_report_deinit(&report);
    manifest_report_add(&report, NULL, 0, 0, 0, "bad %s", "\x1b[2J\xff");
    assert_string_equal(report.errors[0].message, "bad ?[2J");
}

static void
a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[3 * MANIFEST_MESSAGE_BYTES + 1];
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    text[sizeof text - 1] = '\0';
    manifest_report_deinit(&report);
    manifest_report_add(&report, NULL, 0, 0, 0, "%s", text);
    assert_int_equal(strlen(report.errors[0].message), (MANIFEST_MESSAGE_BYTES - 1) / 3 * 3);
}

static void
errors_stand_in_the_order_of_their_places(void **state)
{
    (void)state;
    static const char text[] = "a\nb c\n";
    manifest_report_deinit(&report);
    manifest_report_add(&report, text, 6, 4, 1, "third");
    manifest_report_add(&report, text, 6, 2, 1, "second");
    manifest_report_add(&report, text, 6, 0, 1, "first");
    manifest_report_sort(&report);
    assert_string_equal(report.errors[0].message, "first");
    assert_string_equal(report.errors[1].message, "second");
    assert_string_equal(report.errors[2].message, "third");
}

static void
an_error_of_the_file_has_no_place(void **state)
{
    (void)state;
    manifest_report_deinit(&report);
    assert_true(manifest_report_set_file(&report, "x.yaml"));
    manifest_report_add(&report, NULL, 0, 0, 0, "no such file");
    assert_string_equal(show(), "x.yaml: no such file\n");
}

static void
as_json_each_error_is_one_object_on_a_line(void **state)
{
    (void)state;
    add("a: \"b\"\n", 3, 3);
    manifest_report_add(&report, NULL, 0, 0, 0, "a \"second\"");
    buffer_deinit(&shown);
    buffer_init(&shown, 0);
    assert_true(manifest_report_write_json(&report, &shown));

    char *end = strchr(shown.data, '\n');
    assert_non_null(end);
    json_t *first = json_loadb(shown.data, (size_t)(end - shown.data), 0, NULL);
    json_t *second = json_loads(end + 1, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(first, "file")), "airs.yaml");
    assert_int_equal(json_integer_value(json_object_get(first, "line")), 1);
    assert_int_equal(json_integer_value(json_object_get(first, "column")), 4);
    assert_string_equal(json_string_value(json_object_get(first, "message")), "wrong");
    assert_string_equal(json_string_value(json_object_get(second, "message")), "a \"second\"");
    assert_null(json_object_get(second, "line"));
    json_decref(first);
    json_decref(second);
}

static int
release(void **state)
{
    buffer_deinit(&shown);
    return remove_folder(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_shows_its_line_with_a_mark_under_the_place),
        cmocka_unit_test(columns_and_marks_count_characters),
        cmocka_unit_test(a_mark_ends_with_its_line),
        cmocka_unit_test(the_end_of_a_file_is_a_place),
        cmocka_unit_test(lines_end_as_any_system_ends_them),
        cmocka_unit_test(a_long_line_shows_the_part_around_the_place),
        cmocka_unit_test(a_long_line_is_not_cut_inside_a_character),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_shown),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(errors_stand_in_the_order_of_their_places),
        cmocka_unit_test(an_error_of_the_file_has_no_place),
        cmocka_unit_test(as_json_each_error_is_one_object_on_a_line),
    };
    return cmocka_run_group_tests(tests, make_folder, release);
}
