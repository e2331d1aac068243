/* Graph: the tree with its states as a drawing program reads it. */
#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H

#include "base/buffer.h"
#include "cli/child_row.h"

enum graph_format { GRAPH_DOT, GRAPH_MERMAID };

/** Appends the drawing of `rows` under the application `app`. */
void graph_put(struct buffer *buffer, enum graph_format format, const char *app,
               const struct child_row *rows, size_t size);

#endif
