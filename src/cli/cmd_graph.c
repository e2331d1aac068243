/* airs graph: the tree with its states, for a drawing program. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_verbs.h"
#include "cli/client_verb.h"
#include "cli/graph.h"
#include "cli/text.h"

struct drawing {
    const char *name; /* As the user gave it. */
    enum graph_format format;
};

static int
check(struct session *session, void *context)
{
    (void)session;
    struct drawing *drawing = context;
    bool is_mermaid = strcmp(drawing->name, "mermaid") == 0;
    if (!is_mermaid && strcmp(drawing->name, "dot") != 0)
        return cli_wrong_use("graph", "--format '%s' is neither dot nor mermaid", drawing->name);
    drawing->format = is_mermaid ? GRAPH_MERMAID : GRAPH_DOT;
    return CLI_DONE;
}

static int
ask(struct session *session, void *context)
{
    const struct drawing *drawing = context;
    struct child_list children;
    int exit_code = session_get(session, "/v1/children", "");
    if (exit_code != CLI_DONE)
        return exit_code;
    if (!child_list_read(&children, &session->reply.body))
        return cli_fail("graph", CLI_FAILED, "out of memory");
    struct buffer buffer;
    buffer_init(&buffer, 0);
    const char *app = session->where.name[0] ? session->where.name : "application";
    graph_put(&buffer, drawing->format, app, children.rows, children.size);
    text_flush(&buffer, stdout);
    buffer_deinit(&buffer);
    child_list_deinit(&children);
    return CLI_DONE;
}

int
cmd_graph(int argc, char **argv)
{
    struct drawing drawing = { .name = "dot" };
    const struct cli_option options[] = {
        { .name = "format",
          .value = "FORMAT",
          .text_out = &drawing.name,
          .help = "dot (default) or mermaid" },
    };
    static const char help[] =
        "Prints the tree of children with their states as a drawing: for Graphviz (dot), or as\n"
        "Mermaid for a page of Markdown.\n";
    const struct client_verb verb = {
        .command = { .verb = "graph",
                     .operands = "",
                     .help = help,
                     .example = "  airs graph | dot -Tsvg >tree.svg\n"
                                "  airs graph --format mermaid\n",
                     .options = options,
                     .options_size = 1 },
        .has_no_json = true,
        .check = check,
        .ask = ask,
    };
    return client_verb_run(&verb, argc, argv, &drawing);
}
