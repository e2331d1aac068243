/* Child row: one object of `ps --json` as the commands that show children need it. */
#ifndef CLI_CHILD_ROW_H
#define CLI_CHILD_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/text.h"

/* A number that the application did not give. */
#define ROW_NONE (-1.0)

/* Texts are borrowed from the JSON object; those that may be missing are NULL. */
struct child_row {
    const char *path;
    const char *kind;
    const char *state;
    bool ready;
    double generation;
    double restarts;
    const char *budget;
    double uptime_ms;
    double due_ms;
    const char *waits_for;
    const json_t *depends_on; /* Paths; may be NULL. */
    const char *exit_reason;
    const char *exit_detail;
    const char *exit_message; /* Of several lines: what happened, and where in the guest. */
};

/** Fills `row` from `object`, which must outlive it; false when it is no child. */
bool child_row_read(struct child_row *row, const json_t *object);

/** Rows of all children in `objects`; *size_out of them. NULL when out of memory. */
struct child_row *child_rows_read(const json_t *objects, size_t *size_out);

/* All children of an application; its texts are those of `objects`. */
struct child_list {
    json_t *objects;
    struct child_row *rows; /* In tree order. */
    size_t size;
};

/** Takes the children out of `lines`, one object a line; false when out of memory, and `list` is
 * then empty.  Ownership: child_list_deinit(). */
bool child_list_read(struct child_list *list, const struct buffer *lines);
/** A zeroed list is allowed. */
void child_list_deinit(struct child_list *list);

/**
 * What stands before and as the name of row `at` in a tree of `rows`, which are in tree
 * order: "├─ front". Without a tree (`style` is no terminal): the whole path.
 */
void child_row_name(struct buffer *buffer, const struct style *style, const struct child_row *rows,
                    size_t size, size_t at);

/** Appends its last exit, "trap: unreachable"; nothing when there was none. */
void child_row_exit(struct buffer *buffer, const struct child_row *row);

/** Why it is not simply running, and what comes next: "in 1.2s, after trap: unreachable".
 * `elapsed_ms` is how old the row is. */
void child_row_note(struct buffer *buffer, const struct child_row *row, double elapsed_ms);

#endif
