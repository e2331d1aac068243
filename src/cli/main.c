/* airs: one program, one verb a job. The table below is the list of all of them. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/cli_options.h"
#include "cli/cli_verbs.h"

struct verb {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
    { "up", "run an application from its manifest", cmd_up },
    { "down", "stop a running application", cmd_down },
    { "check", "read a manifest and say what is wrong with it", cmd_check },
    { "schema", "print the manifest's JSON Schema", cmd_schema },
    { "ps", "show the tree of children", cmd_ps },
    { "status", "show one child", cmd_status },
    { "start", "start a child", cmd_start },
    { "stop", "stop a child until it is started again", cmd_stop },
    { "restart", "stop a child and start it again", cmd_restart },
    { "kill", "end a child's instance at once, as a crash", cmd_kill },
    { "reload", "read the manifest again, and change what has changed", cmd_reload },
    { "reset", "give a child its whole restart budget back", cmd_reset },
    { "delete", "stop a child and forget it", cmd_delete },
    { "add", "add a child while the application runs", cmd_add },
    { "scale", "say how many there are of a child with a count", cmd_scale },
    { "logs", "show what children print", cmd_logs },
    { "events", "show what happened to children", cmd_events },
    { "explain", "say why a child is in its state, and what comes next", cmd_explain },
    { "graph", "draw the tree for Graphviz or Mermaid", cmd_graph },
    { "history", "show how children ended, and what was decided", cmd_history },
    { "wait", "wait until a child is in a state", cmd_wait },
    { "send", "send a message to an actor", cmd_send },
    { "call", "send a message to an actor and print its response", cmd_call },
    { "version", "print the version", cmd_version },
};

#define VERBS (sizeof verbs / sizeof *verbs)

/* Not in the table: compile-component, which the daemon runs for itself. */

/* Verbs of the interface that this version does not have. */
static const char *const later[] = { "top", "completion" };

static const struct verb *
find_verb(const char *name)
{
    static const struct verb compile = { "compile-component", "", cmd_compile_component };
    if (strcmp(name, compile.name) == 0)
        return &compile;
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static void
print_verbs(void)
{
    puts("airs: a supervisor for WebAssembly components\n\nUsage: airs VERB [OPTION]...\n");
    for (size_t i = 0; i < VERBS; i++)
        printf("  %-9s %s\n", verbs[i].name, verbs[i].summary);
    puts("\nairs VERB --help says more about one.");
}

static int
unknown_verb(const char *name)
{
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        if (strcmp(name, later[i]) == 0) {
            fprintf(stderr, "airs: this version does not have '%s' yet; it has: airs --help\n",
                    name);
            return CLI_WRONG_USE;
        }
    }
    const char *names[VERBS];
    for (size_t i = 0; i < VERBS; i++)
        names[i] = verbs[i].name;
    const char *nearest = nearest_name(name, names, VERBS);
    if (nearest)
        fprintf(stderr, "airs: unknown verb '%s'; did you mean %s?\n", name, nearest);
    else
        fprintf(stderr, "airs: unknown verb '%s'; known ones: airs --help\n", name);
    return CLI_WRONG_USE;
}

static int
run_verb(int argc, char **argv)
{
    const struct verb *verb = find_verb(argv[0]);
    return verb ? verb->run(argc, argv) : unknown_verb(argv[0]);
}

/* airs help [VERB] */
static int
run_help(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0 || argv[1][0] == '-') {
        print_verbs();
        return CLI_DONE;
    }
    char help[] = "--help";
    char *help_argv[] = { argv[1], help, NULL };
    return run_verb(2, help_argv);
}

static int
run(int argc, char **argv)
{
    if (argc < 2) {
        print_verbs();
        return CLI_DONE;
    }
    const char *first = argv[1];
    if (strcmp(first, "help") == 0 || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        return run_help(argc - 1, argv + 1);
    if (strcmp(first, "--version") == 0)
        return cmd_version(1, (char *[]){ (char[]){ "version" }, NULL });
    if (first[0] == '-') {
        fprintf(stderr, "airs: a verb comes first, then its options; verbs: airs --help\n");
        return CLI_WRONG_USE;
    }
    return run_verb(argc - 1, argv + 1);
}

/* A descriptor below 3 that is not open would be given to the next file or socket, and what is
 * printed would go there. Opened the wrong way round, so that using it still fails. */
static void
keep_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}

int
main(int argc, char **argv)
{
    keep_standard_descriptors();
    setlocale(LC_CTYPE, "");
    int exit_code = run(argc, argv);
    /* A full disk behind stdout must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == CLI_DONE) {
        fprintf(stderr, "airs: cannot write to standard output: %s\n", strerror(errno));
        exit_code = CLI_FAILED;
    }
    return exit_code;
}
