#include "testing.h"

#include <string.h>

#include "base/utf8.h"

struct sample {
    const char *text;
    size_t size; /* Of the character; 0: none. */
};

static void
a_character_is_what_rfc_3629_says(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { "a", 1 },
        { "\x7f", 1 },
        { "\xc2\x80", 2 },
        { "\xdf\xbf", 2 },
        { "\xe0\xa0\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xee\x80\x80", 3 },
        { "\xf0\x90\x80\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "\x80", 0 },             /* Begins nothing. */
        { "\xc0\x80", 0 },         /* Overlong. */
        { "\xc1\xbf", 0 },         /* Overlong. */
        { "\xe0\x9f\xbf", 0 },     /* Overlong. */
        { "\xf0\x8f\xbf\xbf", 0 }, /* Overlong. */
        { "\xed\xa0\x80", 0 },     /* A surrogate. */
        { "\xf4\x90\x80\x80", 0 }, /* Past the last. */
        { "\xf5\x80\x80\x80", 0 }, /* Past the last. */
        { "\xff", 0 },
        { "\xe2\x82", 0 }, /* Cut short. */
        { "\xe2\x82x", 0 },
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        assert_int_equal(utf8_character_size(samples[i].text, strlen(samples[i].text)),
                         samples[i].size);
}

static void
valid_text_ends_before_the_first_broken_byte(void **state)
{
    (void)state;
    assert_int_equal(utf8_valid_size("gr\xc3\xbcn", 5), 5);
    assert_int_equal(utf8_valid_size("gr\xc3\xbcn\xff!", 7), 5);
    assert_int_equal(utf8_valid_size("", 0), 0);
}

static void
text_that_was_cut_loses_no_whole_character(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t whole[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10 };
    for (size_t size = 0; size < sizeof text; size++)
        assert_int_equal(utf8_whole_size(text, size), whole[size]);
    /* What is no text keeps its size. */
    assert_int_equal(utf8_whole_size("\x80\x80\x80\x80\x80", 5), 5);
}

static void
each_maximal_broken_part_becomes_one_replacement(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_true(utf8_repair(&buffer, "a\xff\xe2\x82z\xc3\xbc\xf0\x9f", 9));
    assert_string_equal(buffer.data,
                        "a" UTF8_REPLACEMENT UTF8_REPLACEMENT "z\xc3\xbc" UTF8_REPLACEMENT);
    buffer_deinit(&buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_is_what_rfc_3629_says),
        cmocka_unit_test(valid_text_ends_before_the_first_broken_byte),
        cmocka_unit_test(text_that_was_cut_loses_no_whole_character),
        cmocka_unit_test(each_maximal_broken_part_becomes_one_replacement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
