/* airs graph: the tree with its states, for a drawing program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_verbs.h"
#include "cli/graph.h"
#include "cli/ndjson.h"
#include "cli/session.h"

static int
print_graph(const struct session *session, enum graph_format format)
{
    json_t *children = ndjson_read(&session->reply.body);
    size_t size = 0;
    struct child_row *rows = children ? child_rows_read(children, &size) : NULL;
    int exit_code = CLI_DONE;
    if (rows) {
        struct buffer buffer;
        buffer_init(&buffer, 0);
        const char *app = session->where.name[0] ? session->where.name : "application";
        graph_put(&buffer, format, app, rows, size);
        text_flush(&buffer, stdout);
        buffer_deinit(&buffer);
    } else {
        exit_code = cli_fail("graph", CLI_FAILED, "out of memory");
    }
    free(rows);
    json_decref(children);
    return exit_code;
}

int
cmd_graph(int argc, char **argv)
{
    struct cli_target target = { 0 };
    const char *name = "dot";
    const struct cli_option options[] = {
        { .name = "format",
          .value = "FORMAT",
          .text_out = &name,
          .help = "dot (default) or mermaid" },
    };
    static const char help[] =
        "Prints the tree of children with their states as a drawing: for Graphviz (dot), or as\n"
        "Mermaid for a page of Markdown.\n";
    struct cli_command command = {
        .verb = "graph",
        .operands = "",
        .help = help,
        .example = "  airs graph | dot -Tsvg >tree.svg\n  airs graph --format mermaid\n",
        .options = options,
        .options_size = 1,
        .target = &target,
    };
    const char *operands[CLI_OPERANDS_MAX];
    int exit_code;
    if (!cli_parse(&command, argc, argv, operands, &exit_code))
        return exit_code;
    bool is_mermaid = strcmp(name, "mermaid") == 0;
    if (!is_mermaid && strcmp(name, "dot") != 0)
        return cli_wrong_use("graph", "--format '%s' is neither dot nor mermaid", name);

    struct session session;
    exit_code = session_open(&session, "graph", &target, NULL);
    if (exit_code == CLI_DONE)
        exit_code = session_get(&session, "/v1/children", "");
    if (exit_code == CLI_DONE)
        exit_code = print_graph(&session, is_mermaid ? GRAPH_MERMAID : GRAPH_DOT);
    session_close(&session);
    return exit_code;
}
