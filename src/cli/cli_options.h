/* Options: what a verb takes, said once in a table. The parser, `--help` and the nearest known
 * option all come from that table.
 *
 * Options stand before or after the operands, as `--name VALUE`, `--name=VALUE`, `-n VALUE`;
 * `--` ends them; of an option given twice the last one holds.
 */
#ifndef CLI_CLI_OPTIONS_H
#define CLI_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of every verb. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1, /* The application or a child failed; busy, not running; out of time. */
    CLI_WRONG_USE = 2,
    CLI_NOT_RUNNING = 3, /* The application. */
    CLI_NO_CHILD = 4
};

/* Most operands that a verb takes. */
#define CLI_OPERANDS_MAX 2

struct cli_option {
    const char *name;  /* Without its dashes. */
    char letter;       /* 0: none. */
    const char *value; /* What stands for its value in the help; NULL: it takes none. */
    const char *help;
    bool *flag_out;        /* Set to true, of an option without a value. */
    const char **text_out; /* Set to the value. */
};

/* Which application a verb means: --app NAME, --socket PATH. */
struct cli_target {
    const char *app;
    const char *socket;
};

struct cli_command {
    const char *verb;
    /* As the usage line shows them, which is also how many there may be: "PATH MESSAGE",
     * "[PATH]", "". */
    const char *operands;
    const char *help;    /* What it does, in full sentences, each line with its end. */
    const char *example; /* One or more whole lines. */
    const struct cli_option *options;
    size_t options_size;
    struct cli_target *target; /* NULL: takes no --app and --socket. */
    bool *json;                /* NULL: takes no --json. */
};

/**
 * Takes `argv` apart; argv[0] is the verb. `operands` gets what is no option, NULL where none
 * was given.
 * True: go on. False: end with *exit_out; the help (0) or what was wrong (2) is printed.
 */
bool cli_parse(const struct cli_command *command, int argc, char **argv,
               const char *operands[CLI_OPERANDS_MAX], int *exit_out);

/** Prints "airs VERB: …" to stderr, and where to find the usage. Returns CLI_WRONG_USE. */
int cli_wrong_use(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Prints "airs VERB: …" to stderr. Returns `code`. */
int cli_fail(const char *verb, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Reads the value of --OPTION, "250ms" or "5s", in microseconds. Returns CLI_DONE, or
 * CLI_WRONG_USE, said on stderr. */
int cli_duration(const char *verb, const char *option, const char *text, uint64_t *us_out);

/** The manifest a verb reads: `file`, or ./airs.yaml where the user named none (NULL). NULL when
 * that is not there or `file` is empty, said on stderr with `usage`, which names one. */
const char *cli_manifest(const char *verb, const char *file, const char *usage);

/** A plain decimal number up to `max`. */
bool cli_number(const char *text, uint64_t max, uint64_t *number_out);

#endif
