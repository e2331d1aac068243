/* airs up: this process becomes the application's daemon; the view runs beside it. */
#include <stdio.h>
#include <string.h>

#include "client/discovery.h"
#include "cli/cli_options.h"
#include "cli/cli_verbs.h"
#include "cli/view.h"
#include "daemon/daemon.h"

/* What the daemon's hooks need. */
struct front {
    bool json;
    struct view *view; /* From `listening` on. */
};

static void
on_listening(void *context, const char *name, const char *socket_path)
{
    struct front *front = context;
    struct airs_error error = { 0 };
    if (view_start(name, socket_path, front->json, &front->view, &error) != AIRS_OK)
        fprintf(stderr, "airs up: nothing can be shown: %s\n", error.message);
}

static void
on_line(void *context, const char *line)
{
    struct front *front = context;
    if (front->view)
        view_note(front->view, line);
    else
        fprintf(stderr, "%s\n", line);
}

static void
on_giving_up(void *context)
{
    struct front *front = context;
    view_stop(front->view);
}

static int
run_in_front(struct daemon_options *options, bool json)
{
    struct front front = { .json = json };
    options->context = &front;
    options->listening = on_listening;
    options->giving_up = on_giving_up;
    options->progress = on_line;
    options->report = on_line;
    int exit_code = daemon_run(options);
    bool is_shown = view_stop(front.view);
    return !is_shown && exit_code == CLI_DONE ? CLI_FAILED : exit_code;
}

static int
run_detached(const struct daemon_options *options, bool json)
{
    char name[APP_NAME_BYTES_MAX + 1] = "";
    discovery_manifest_name(options->manifest_path, name);
    int exit_code = daemon_run(options);
    if (exit_code != CLI_DONE)
        return exit_code;
    bool has_name = name[0] != '\0'; /* It may stand where only a whole parser finds it. */
    if (json && has_name)
        printf("{\"app\":\"%s\",\"status\":\"started\"}\n", name);
    else if (json)
        printf("{\"status\":\"started\"}\n");
    else if (!has_name)
        printf("it is running; see: airs ps; stop it: airs down\n");
    else
        printf("%s is running; see: airs ps --app %s; stop it: airs down --app %s\n", name, name,
               name);
    return CLI_DONE;
}

int
cmd_up(int argc, char **argv)
{
    bool json = false;
    struct daemon_options daemon = { 0 };
    const char *file = NULL;
    const char *duration = NULL;
    const struct cli_option options[] = {
        { .name = "file",
          .letter = 'f',
          .value = "FILE",
          .text_out = &file,
          .help = "the manifest (./airs.yaml)" },
        { .name = "detach",
          .flag_out = &daemon.detach,
          .help = "run in the background; return once it has started" },
        { .name = "for",
          .value = "DURATION",
          .text_out = &duration,
          .help = "stop this long after everything was started" },
    };
    static const char help[] =
        "Runs the application that a manifest describes, until Ctrl-C: a live tree on a\n"
        "terminal, event lines otherwise. A second Ctrl-C kills at once.\n";
    struct cli_command command = {
        .verb = "up",
        .operands = "",
        .help = help,
        .example = "  airs up -f examples/shop/airs.yaml\n"
                   "  airs up --for 10s --json | jq -r .event\n",
        .options = options,
        .options_size = sizeof options / sizeof *options,
        .json = &json,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;
    if (duration) {
        exit_code = cli_duration("up", "for", duration, &daemon.for_us);
        if (exit_code != CLI_DONE)
            return exit_code;
        if (daemon.for_us == 0)
            return cli_wrong_use("up", "--for '%s' would end it before it began", duration);
    }
    daemon.manifest_path = cli_manifest("up", file, "airs up -f FILE");
    if (!daemon.manifest_path)
        return CLI_WRONG_USE;
    return daemon.detach ? run_detached(&daemon, json) : run_in_front(&daemon, json);
}

int
cmd_compile_component(int argc, char **argv)
{
    return compile_child_main(argc, argv);
}
