/* Reader: one value of a manifest by its row in the schema. Used inside this folder alone.
 *
 * Errors are reported at their place and reading goes on, so that one run shows all of
 * them; only memory that runs out is remembered (`out_of_memory`) and ends the load.
 */
#ifndef MANIFEST_READER_H
#define MANIFEST_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "manifest/manifest.h"
#include "manifest/schema.h"
#include "manifest/yaml_tree.h"

struct order_note;

struct reader {
    const char *text; /* The source, for reports. */
    size_t text_size;
    size_t line_offset; /* A byte of the source, and the line in which it is. */
    unsigned line;
    struct manifest_report *report;
    struct manifest *manifest;            /* Being filled. */
    const struct manifest_parent *parent; /* Of one child, that is read alone; else NULL. */
    size_t children;                      /* Seen so far, each of a `count` counted. */
    size_t unknown_keys;                  /* Seen so far. */
    struct order_note *notes;             /* What stands in `depends-on`: manifest_order.c. */
    size_t notes_size;
    bool out_of_memory;
};

/** Reports at a node; an empty value is marked at its key. */
void reader_complain(struct reader *reader, const struct yaml_node *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Reads `value` into its place in `node` or the manifest; what is wrong with it is reported
 * and leaves the place as it was. Not for SCHEMA_OBJECT, SCHEMA_CHILDREN and SCHEMA_LATER.
 */
void reader_read_value(struct reader *reader, const struct schema_field *field,
                       const struct yaml_node *value, struct manifest_node *node);

/** Reads a list of durations as a backoff. */
void reader_read_delays(struct reader *reader, const struct schema_field *field,
                        const struct yaml_node *list, struct manifest_node *node);

/** The name of a child as messages show it: its own, or "this child" without one. */
const char *reader_name_of(const struct manifest_node *node);

/** Gives every value of an entry its default. */
void reader_set_defaults(struct reader *reader, struct manifest_node *node);

/** Reads all keys of an entry but `children`; unknown and misplaced ones are reported. */
void reader_read_entry(struct reader *reader, const struct yaml_node *map,
                       struct manifest_node *node);

/** Checks what no single value can tell: values that must fit one another. */
void reader_check_entry(struct reader *reader, const struct yaml_node *map,
                        const struct manifest_node *node);

/** Reads one entry of `children` into `parent`, `nesting` supervisors deep, with all below it. */
void reader_read_child(struct reader *reader, const struct yaml_node *map,
                       struct manifest_node *parent, unsigned nesting);
/** Reads a list of them. */
void reader_read_children(struct reader *reader, const struct yaml_node *list,
                          struct manifest_node *parent, unsigned nesting);
/** Reports more children of `node`, which is read, than its own `map` says it may have. */
void reader_check_max_children(struct reader *reader, const struct yaml_node *map,
                               const struct manifest_node *node);

/* manifest_node.c */

/** A node with the defaults of its kind, under `parent`; NULL: out of memory. */
struct manifest_node *manifest_node_new(struct manifest_node *parent, bool is_supervisor);
/** Frees it with all below it; NULL is allowed. */
void manifest_node_free(struct manifest_node *node);
/** Makes `child` the last of `parent`; false: out of memory. */
bool manifest_node_add(struct manifest_node *parent, struct manifest_node *child);

#endif
