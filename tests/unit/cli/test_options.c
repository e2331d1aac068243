/* The option parser and the exit codes of what it refuses. */
#include "testing.h"

#include "cli/cli_options.c"

struct parsed {
    bool go;
    int exit_code;
    const char *operands[CLI_OPERANDS_MAX];
    bool follow;
    const char *since;
    bool json;
    struct cli_target target;
};

/* stderr and stdout are not what is tested here: they would drown the test's own. */
static void
parse(struct parsed *parsed, int argc, char **argv)
{
    memset(parsed, 0, sizeof *parsed);
    const struct cli_option options[] = {
        { .name = "follow", .letter = 'f', .help = "-", .flag_out = &parsed->follow },
        { .name = "since", .letter = 's', .value = "SEQ", .help = "-", .text_out = &parsed->since },
    };
    struct cli_command command = {
        .verb = "test",
        .operands = "PATH [MORE]",
        .help = "Help.\n",
        .example = "  airs test\n",
        .options = options,
        .options_size = 2,
        .target = &parsed->target,
        .json = &parsed->json,
    };
    parsed->go = cli_parse(&command, argc, argv, parsed->operands, &parsed->exit_code);
}

#define PARSE(parsed, ...)                                                    \
    do {                                                                      \
        const char *words[] = { "test", __VA_ARGS__ };                        \
        parse((parsed), (int)(sizeof words / sizeof *words), (char **)words); \
    } while (0)

static void
options_stand_before_or_after_the_operands(void **state)
{
    (void)state;
    struct parsed parsed;
    PARSE(&parsed, "--json", "/a", "-f", "--since", "12", "--app=shop");
    assert_true(parsed.go);
    assert_string_equal(parsed.operands[0], "/a");
    assert_null(parsed.operands[1]);
    assert_true(parsed.json && parsed.follow);
    assert_string_equal(parsed.since, "12");
    assert_string_equal(parsed.target.app, "shop");
}

static void
letters_join_and_take_values(void **state)
{
    (void)state;
    struct parsed parsed;
    PARSE(&parsed, "-fs7", "/a", "-");
    assert_true(parsed.go);
    assert_true(parsed.follow);
    assert_string_equal(parsed.since, "7");
    assert_string_equal(parsed.operands[1], "-");
}

static void
two_dashes_end_the_options(void **state)
{
    (void)state;
    struct parsed parsed;
    PARSE(&parsed, "--", "--json", "-f");
    assert_true(parsed.go);
    assert_string_equal(parsed.operands[0], "--json");
    assert_string_equal(parsed.operands[1], "-f");
    assert_false(parsed.json || parsed.follow);
}

static void
wrong_words_are_wrong_use(void **state)
{
    (void)state;
    struct parsed parsed;
    PARSE(&parsed, "/a", "--jsn");
    assert_false(parsed.go);
    assert_int_equal(parsed.exit_code, CLI_WRONG_USE);
    PARSE(&parsed, "/a", "--since");
    assert_int_equal(parsed.exit_code, CLI_WRONG_USE);
    PARSE(&parsed, "/a", "--json=1");
    assert_int_equal(parsed.exit_code, CLI_WRONG_USE);
    PARSE(&parsed, "/a", "-x");
    assert_int_equal(parsed.exit_code, CLI_WRONG_USE);
    PARSE(&parsed, "--json");
    assert_int_equal(parsed.exit_code, CLI_WRONG_USE);
    PARSE(&parsed, "/a", "/b", "/c");
    assert_int_equal(parsed.exit_code, CLI_WRONG_USE);
    /* The first dashes of a very long word must not be taken for a short one. */
    char longest[400];
    memset(longest, '-', 2);
    memset(longest + 2, 'a', sizeof longest - 3);
    longest[sizeof longest - 1] = '\0';
    PARSE(&parsed, "/a", longest);
    assert_int_equal(parsed.exit_code, CLI_WRONG_USE);
}

static void
help_ends_with_zero_whatever_else_is_missing(void **state)
{
    (void)state;
    struct parsed parsed;
    PARSE(&parsed, "--help");
    assert_false(parsed.go);
    assert_int_equal(parsed.exit_code, CLI_DONE);
}

static void
numbers_have_a_greatest(void **state)
{
    (void)state;
    uint64_t number = 5;
    assert_true(cli_number("0", 9, &number));
    assert_int_equal(number, 0);
    assert_true(cli_number("18446744073709551615", UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_false(cli_number("18446744073709551616", UINT64_MAX, &number));
    assert_false(cli_number("10", 9, &number));
    assert_false(cli_number("-1", 9, &number));
    assert_false(cli_number("", 9, &number));
    assert_false(cli_number("1x", 99, &number));
    assert_true(cli_number("9", 9, &number));
}

static void
durations_need_a_unit(void **state)
{
    (void)state;
    uint64_t us = 0;
    assert_int_equal(cli_duration("test", "timeout", "250ms", &us), CLI_DONE);
    assert_int_equal(us, 250000);
    assert_int_equal(cli_duration("test", "timeout", "5", &us), CLI_WRONG_USE);
    assert_int_equal(cli_duration("test", "timeout", "soon", &us), CLI_WRONG_USE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_or_after_the_operands),
        cmocka_unit_test(letters_join_and_take_values),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(wrong_words_are_wrong_use),
        cmocka_unit_test(help_ends_with_zero_whatever_else_is_missing),
        cmocka_unit_test(numbers_have_a_greatest),
        cmocka_unit_test(durations_need_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
