/* Quantities: read and written, and what is wrong with those that are none. */
#include "testing.h"

#include "base/quantity.h"

static void
durations_are_read_in_each_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t us;
    } durations[] = {
        { "0s", 0 },         { "7us", 7 },
        { "250ms", 250000 }, { "5s", 5000000 },
        { "2m", 120000000 }, { "1h", UINT64_C(3600000000) },
        { "007s", 7000000 }, { "18446744073709551615us", UINT64_MAX },
    };
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        uint64_t us = 1;
        assert_int_equal(quantity_parse_duration(durations[i].text, &us), QUANTITY_OK);
        assert_true(us == durations[i].us);
    }
}

static void
sizes_are_read_in_each_unit(void **state)
{
    (void)state;
    uint64_t bytes;
    assert_int_equal(quantity_parse_size("5B", &bytes), QUANTITY_OK);
    assert_int_equal(bytes, 5);
    assert_int_equal(quantity_parse_size("64KiB", &bytes), QUANTITY_OK);
    assert_int_equal(bytes, 65536);
    assert_int_equal(quantity_parse_size("3MiB", &bytes), QUANTITY_OK);
    assert_int_equal(bytes, 3 << 20);
    assert_int_equal(quantity_parse_size("4GiB", &bytes), QUANTITY_OK);
    assert_true(bytes == UINT64_C(4) << 30);
}

static void
anything_else_says_what_is_wrong_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum quantity_result result;
    } durations[] = {
        { "5", QUANTITY_NO_UNIT },
        { "5 s", QUANTITY_BAD_UNIT },
        { "5S", QUANTITY_BAD_UNIT },
        { "5sec", QUANTITY_BAD_UNIT },
        { "5d", QUANTITY_BAD_UNIT },
        { "5.s", QUANTITY_BAD_UNIT },
        { "1.5s", QUANTITY_FRACTION },
        { "-1s", QUANTITY_NEGATIVE },
        { "", QUANTITY_MALFORMED },
        { "s", QUANTITY_MALFORMED },
        { "+1s", QUANTITY_MALFORMED },
        { " 1s", QUANTITY_MALFORMED },
        { "1s ", QUANTITY_BAD_UNIT },
        { "18446744073709551616us", QUANTITY_TOO_LARGE },
        { "5124095577h", QUANTITY_TOO_LARGE },
        { "99999999999999999999999999999999999999s", QUANTITY_TOO_LARGE },
    };
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        uint64_t us = 77;
        assert_int_equal(quantity_parse_duration(durations[i].text, &us), durations[i].result);
        assert_int_equal(us, 77);
        assert_true(quantity_duration_hint(durations[i].result)[0] != '\0');
        assert_true(quantity_size_hint(durations[i].result)[0] != '\0');
    }
    uint64_t bytes = 77;
    assert_int_equal(quantity_parse_size("64MB", &bytes), QUANTITY_BAD_UNIT);
    assert_int_equal(quantity_parse_size("17179869184GiB", &bytes), QUANTITY_TOO_LARGE);
    assert_int_equal(bytes, 77);
}

static void
the_largest_whole_unit_is_written(void **state)
{
    (void)state;
    char text[QUANTITY_TEXT_BYTES];
    assert_string_equal(quantity_format_duration(0, text), "0s");
    assert_string_equal(quantity_format_duration(1, text), "1us");
    assert_string_equal(quantity_format_duration(1500, text), "1500us");
    assert_string_equal(quantity_format_duration(1500000, text), "1500ms");
    assert_string_equal(quantity_format_duration(60000000, text), "1m");
    assert_string_equal(quantity_format_duration(90000000, text), "90s");
    assert_string_equal(quantity_format_duration(UINT64_C(36000000000), text), "10h");
    assert_string_equal(quantity_format_duration(UINT64_MAX, text), "18446744073709551615us");
    assert_string_equal(quantity_format_size(0, text), "0B");
    assert_string_equal(quantity_format_size(65537, text), "65537B");
    assert_string_equal(quantity_format_size(65536, text), "64KiB");
    assert_string_equal(quantity_format_size(UINT64_C(4) << 30, text), "4GiB");
}

static void
what_is_written_is_read_as_the_same(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_MAX / 7; value = value * 7 / 2 + 1) {
        char text[QUANTITY_TEXT_BYTES];
        uint64_t again;
        assert_int_equal(quantity_parse_duration(quantity_format_duration(value, text), &again),
                         QUANTITY_OK);
        assert_true(again == value);
        assert_int_equal(quantity_parse_size(quantity_format_size(value, text), &again),
                         QUANTITY_OK);
        assert_true(again == value);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_in_each_unit),
        cmocka_unit_test(sizes_are_read_in_each_unit),
        cmocka_unit_test(anything_else_says_what_is_wrong_and_changes_nothing),
        cmocka_unit_test(the_largest_whole_unit_is_written),
        cmocka_unit_test(what_is_written_is_read_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
