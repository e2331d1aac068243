/* View tree: the picture of a running application in so many lines and columns. */
#ifndef CLI_VIEW_TREE_H
#define CLI_VIEW_TREE_H

#include <stdint.h>

#include <jansson.h>

#include "cli/child_row.h"

/* What is to be seen. */
struct view_model {
    const char *name; /* The application's. */
    uint64_t up_ms;
    const struct child_row *rows; /* In tree order. */
    size_t size;
    double age_ms;         /* Of the rows. */
    json_t *const *recent; /* The latest events, oldest first. */
    size_t recent_size;
    const char *note; /* The latest word of the daemon, or NULL. */
};

/**
 * Appends at most `lines` lines, none wider than `columns`, each ended by '\n': header,
 * children, recent events. What does not fit is counted; failed children come first in
 * what fits.
 */
void view_tree_put(struct buffer *buffer, const struct style *style, const struct view_model *model,
                   unsigned lines, unsigned columns);

#endif
