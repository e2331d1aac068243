/* Nodes are numbered in tree order, 0 is the application: no name has to be quoted as an id. */
#include "cli/graph.h"

#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "cli/text.h"

/* A label in double quotes: what would end it, or is none of its characters, is replaced. */
static void
put_label(struct buffer *buffer, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            buffer_append_text(buffer, "_");
        else
            buffer_append(buffer, text, 1);
    }
}

static const char *
name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The number of the node above row `at`. */
static size_t
parent_of(const struct child_row *rows, size_t at)
{
    const char *slash = strrchr(rows[at].path, '/');
    size_t length = slash ? (size_t)(slash - rows[at].path) : 0;
    for (size_t i = at; length > 0 && i-- > 0;)
        if (strlen(rows[i].path) == length && strncmp(rows[i].path, rows[at].path, length) == 0)
            return i + 1;
    return 0;
}

static const char *
colour_of(const char *state)
{
    switch (paint_of_state(state)) {
    case PAINT_GOOD:
        return "#c8e6c9";
    case PAINT_BUSY:
        return "#fff9c4";
    case PAINT_BAD:
        return "#ffcdd2";
    case PAINT_NONE:
    case PAINT_DIM:
    case PAINT_BOLD:
        break;
    }
    return "#eeeeee";
}

static void
put_dot_row(struct buffer *buffer, const struct child_row *rows, size_t at)
{
    const struct child_row *row = &rows[at];
    bool is_supervisor = row->kind && strcmp(row->kind, "supervisor") == 0;
    buffer_printf(buffer, "  n%zu [label=\"", at + 1);
    put_label(buffer, name_of(row->path));
    buffer_append_text(buffer, "\\n");
    put_label(buffer, row->state);
    buffer_printf(buffer, "\", shape=%s, style=filled, fillcolor=\"%s\"];\n  n%zu -> n%zu;\n",
                  is_supervisor ? "folder" : "box", colour_of(row->state), parent_of(rows, at),
                  at + 1);
}

static void
put_mermaid_row(struct buffer *buffer, const struct child_row *rows, size_t at)
{
    const struct child_row *row = &rows[at];
    buffer_printf(buffer, "  n%zu --> n%zu[\"", parent_of(rows, at), at + 1);
    put_label(buffer, name_of(row->path));
    buffer_append_text(buffer, "<br>");
    put_label(buffer, row->state);
    buffer_printf(buffer, "\"]\n  style n%zu fill:%s\n", at + 1, colour_of(row->state));
}

/* A dashed arrow from each child to what it depends on. */
static void
put_dependencies(struct buffer *buffer, bool is_dot, const struct map *numbers,
                 const struct child_row *rows, size_t at)
{
    size_t index;
    const json_t *path;
    json_array_foreach(rows[at].depends_on, index, path)
    {
        const struct child_row *row = map_find(numbers, json_string_value(path));
        if (!row) /* Deleted. */
            continue;
        buffer_printf(buffer,
                      is_dot ? "  n%zu -> n%zu [style=dashed, constraint=false];\n"
                             : "  n%zu -.-> n%zu\n",
                      at + 1, (size_t)(row - rows) + 1);
    }
}

static void
put_all_dependencies(struct buffer *buffer, bool is_dot, const struct child_row *rows, size_t size)
{
    struct map numbers;
    map_init(&numbers);
    for (size_t i = 0; i < size; i++)
        if (!map_set(&numbers, rows[i].path, (void *)(uintptr_t)&rows[i]))
            break; /* Out of memory: fewer arrows. */
    for (size_t i = 0; i < size; i++)
        put_dependencies(buffer, is_dot, &numbers, rows, i);
    map_deinit(&numbers);
}

void
graph_put(struct buffer *buffer, enum graph_format format, const char *app,
          const struct child_row *rows, size_t size)
{
    bool is_dot = format == GRAPH_DOT;
    buffer_append_text(buffer, is_dot ? "digraph airs {\n  n0 [label=\"" : "graph TD\n  n0[\"");
    put_label(buffer, app);
    buffer_append_text(buffer, is_dot ? "\", shape=folder];\n" : "\"]\n");
    for (size_t i = 0; i < size; i++) {
        if (is_dot)
            put_dot_row(buffer, rows, i);
        else
            put_mermaid_row(buffer, rows, i);
    }
    put_all_dependencies(buffer, is_dot, rows, size);
    if (is_dot)
        buffer_append_text(buffer, "}\n");
}
