/* Nearest name: what somebody probably meant. */
#include "testing.h"

#include <string.h>

#include "base/nearest.h"

static const char *const names[] = { "restart", "reset", "start", "status", "stop", "up" };

static const char *
nearest(const char *word)
{
    return nearest_name(word, names, sizeof names / sizeof names[0]);
}

static void
finds_the_name_with_the_least_edits(void **state)
{
    (void)state;
    assert_string_equal(nearest("restrat"), "restart"); /* A swap of neighbours is one edit. */
    assert_string_equal(nearest("restar"), "restart");
    assert_string_equal(nearest("restartt"), "restart");
    assert_string_equal(nearest("stat"), "start"); /* The first of equally near ones. */
    assert_string_equal(nearest("statuz"), "status");
    assert_string_equal(nearest("stp"), "stop");
}

static void
case_is_free(void **state)
{
    (void)state;
    assert_string_equal(nearest("RESTART"), "restart");
    assert_string_equal(nearest("Stop"), "stop");
}

static void
gives_up_past_a_third_of_the_letters(void **state)
{
    (void)state;
    assert_null(nearest("launch"));
    assert_null(nearest("xx"));
    assert_null(nearest(""));
    assert_null(nearest("x")); /* All of its letters would change. */
    assert_null(nearest_name("stop", names, 0));
}

static void
longer_words_than_the_limit_have_none(void **state)
{
    (void)state;
    char word[NEAREST_LENGTH_MAX + 2], name[NEAREST_LENGTH_MAX + 2];
    memset(word, 'a', sizeof word);
    memset(name, 'a', sizeof name);
    name[0] = 'b';
    name[NEAREST_LENGTH_MAX] = word[NEAREST_LENGTH_MAX] = '\0';
    const char *const longest[] = { name };
    assert_ptr_equal(nearest_name(word, longest, 1), name);

    word[NEAREST_LENGTH_MAX] = 'a';
    word[NEAREST_LENGTH_MAX + 1] = '\0';
    assert_null(nearest_name(word, longest, 1));
    assert_null(nearest_name(name, (const char *const[]){ word }, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_name_with_the_least_edits),
        cmocka_unit_test(case_is_free),
        cmocka_unit_test(gives_up_past_a_third_of_the_letters),
        cmocka_unit_test(longer_words_than_the_limit_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
