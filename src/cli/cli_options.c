/* Options: one pass over argv, against the verb's own table and the options that all verbs have. */
#include "cli/cli_options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/quantity.h"

#define OPTIONS_MAX 16
#define MANIFEST_DEFAULT "airs.yaml"

/* The verb's options and the common ones, as one table. */
struct table {
    struct cli_option rows[OPTIONS_MAX];
    size_t size;
    bool help;
};

static void
add_row(struct table *table, const struct cli_option *row)
{
    assert(table->size < OPTIONS_MAX);
    table->rows[table->size++] = *row;
}

static void
fill_table(struct table *table, const struct cli_command *command)
{
    table->size = 0;
    table->help = false;
    for (size_t i = 0; i < command->options_size; i++)
        add_row(table, &command->options[i]);
    if (command->json)
        add_row(table, &(struct cli_option){ .name = "json",
                                             .flag_out = command->json,
                                             .help = "print JSON, one object a line" });
    if (command->target) {
        add_row(table, &(struct cli_option){ .name = "app",
                                             .value = "NAME",
                                             .text_out = &command->target->app,
                                             .help = "the application, by its name" });
        add_row(table, &(struct cli_option){ .name = "socket",
                                             .value = "PATH",
                                             .text_out = &command->target->socket,
                                             .help = "the application, by its control socket" });
    }
    add_row(table,
            &(struct cli_option){
                .name = "help", .letter = 'h', .flag_out = &table->help, .help = "print this" });
}

static void
print_help(const struct cli_command *command, const struct table *table)
{
    printf("Usage: airs %s%s%s [OPTION]...\n\n%s\n", command->verb, *command->operands ? " " : "",
           command->operands, command->help);
    for (size_t i = 0; i < table->size; i++) {
        const struct cli_option *row = &table->rows[i];
        char left[64];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", row->letter ? '-' : ' ',
                 row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
                 row->value ? " " : "", row->value ? row->value : "");
        printf("  %-24s %s\n", left, row->help);
    }
    printf("\nExample:\n%s", command->example);
}

static int
complain(const char *verb, const char *format, va_list arguments)
{
    fprintf(stderr, "airs %s: ", verb);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    return CLI_WRONG_USE;
}

int
cli_wrong_use(const char *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(verb, format, arguments);
    va_end(arguments);
    fprintf(stderr, "See: airs %s --help\n", verb);
    return CLI_WRONG_USE;
}

int
cli_fail(const char *verb, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(verb, format, arguments);
    va_end(arguments);
    return code;
}

static int
unknown_option(const struct cli_command *command, const struct table *table, const char *word,
               size_t size)
{
    const char *names[OPTIONS_MAX];
    for (size_t i = 0; i < table->size; i++)
        names[i] = table->rows[i].name;
    char name[NEAREST_LENGTH_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)(size > NEAREST_LENGTH_MAX ? 0 : size), word);
    const char *nearest = nearest_name(name, names, table->size);
    if (nearest)
        return cli_wrong_use(command->verb, "unknown option '--%.*s'; did you mean --%s?",
                             (int)size, word, nearest);
    return cli_wrong_use(command->verb, "unknown option '--%.*s'", (int)size, word);
}

/* Gives `row` its value, from behind '=' or the letter (`rest`), or from the next word. */
static int
take_value(const struct cli_command *command, const struct cli_option *row, const char *rest,
           int argc, char **argv, int *at)
{
    if (!row->value) {
        if (rest)
            return cli_wrong_use(command->verb, "--%s takes no value", row->name);
        *row->flag_out = true;
        return CLI_DONE;
    }
    if (!rest && *at + 1 < argc)
        rest = argv[++*at];
    if (!rest)
        return cli_wrong_use(command->verb, "--%s needs a value: --%s %s", row->name, row->name,
                             row->value);
    *row->text_out = rest;
    return CLI_DONE;
}

static int
take_long(const struct cli_command *command, const struct table *table, int argc, char **argv,
          int *at)
{
    const char *word = argv[*at] + 2;
    size_t size = strcspn(word, "=");
    for (size_t i = 0; i < table->size; i++) {
        const struct cli_option *row = &table->rows[i];
        if (strlen(row->name) == size && strncmp(row->name, word, size) == 0)
            return take_value(command, row, word[size] ? word + size + 1 : NULL, argc, argv, at);
    }
    return unknown_option(command, table, word, size);
}

/* One word of letters: flags, the last of which may take a value. */
static int
take_letters(const struct cli_command *command, const struct table *table, int argc, char **argv,
             int *at)
{
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        const struct cli_option *row = NULL;
        for (size_t i = 0; i < table->size && !row; i++) {
            if (table->rows[i].letter == *letter)
                row = &table->rows[i];
        }
        if (!row)
            return cli_wrong_use(command->verb, "unknown option '%s'%s", argv[*at],
                                 *command->operands ? "; if it is no option, put '--' before it"
                                                    : "");
        if (row->value)
            return take_value(command, row, letter[1] ? letter + 1 : NULL, argc, argv, at);
        *row->flag_out = true;
    }
    return CLI_DONE;
}

/* How many operands there may be; *needed_out of them must. */
static size_t
count_operands(const char *operands, size_t *needed_out)
{
    size_t count = 0;
    *needed_out = 0;
    for (const char *word = operands; *word; word += strspn(word, " ")) {
        *needed_out += *word != '[';
        count++;
        word += strcspn(word, " ");
    }
    return count;
}

bool
cli_parse(const struct cli_command *command, int argc, char **argv,
          const char *operands[CLI_OPERANDS_MAX], int *exit_out)
{
    size_t needed;
    size_t most = count_operands(command->operands, &needed);
    assert(argc >= 1 && most <= CLI_OPERANDS_MAX);

    struct table table;
    fill_table(&table, command);
    for (size_t i = 0; i < CLI_OPERANDS_MAX; i++)
        operands[i] = NULL;
    size_t count = 0;
    bool only_operands = false;
    *exit_out = CLI_DONE;
    for (int i = 1; i < argc && *exit_out == CLI_DONE && !table.help; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (!only_operands && strncmp(argv[i], "--", 2) == 0)
            *exit_out = take_long(command, &table, argc, argv, &i);
        else if (!only_operands && argv[i][0] == '-' && argv[i][1])
            *exit_out = take_letters(command, &table, argc, argv, &i);
        else if (count == most)
            *exit_out = cli_wrong_use(command->verb, "unexpected '%s'", argv[i]);
        else
            operands[count++] = argv[i];
    }
    if (*exit_out != CLI_DONE)
        return false;
    if (table.help) {
        print_help(command, &table);
        return false;
    }
    if (count < needed) {
        *exit_out = cli_wrong_use(command->verb, "needs %s", command->operands);
        return false;
    }
    return true;
}

const char *
cli_manifest(const char *verb, const char *file, const char *usage)
{
    if (file && *file)
        return file;
    if (!file && access(MANIFEST_DEFAULT, F_OK) == 0)
        return MANIFEST_DEFAULT;
    if (file)
        cli_wrong_use(verb, "FILE is empty; name a manifest: %s", usage);
    else
        cli_wrong_use(verb, "there is no ./%s here; name a manifest: %s", MANIFEST_DEFAULT, usage);
    return NULL;
}

bool
cli_number(const char *text, uint64_t max, uint64_t *number_out)
{
    uint64_t number = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *number_out = number;
    return true;
}

int
cli_duration(const char *verb, const char *option, const char *text, uint64_t *us_out)
{
    enum quantity_result result = quantity_parse_duration(text, us_out);
    if (result != QUANTITY_OK)
        return cli_wrong_use(verb, "--%s '%s': %s", option, text, quantity_duration_hint(result));
    return CLI_DONE;
}
