/* Manifest diff: what has to happen for one manifest's tree to become that of another.
 *
 * Children are matched by path. Which keys differ is found by the schema's table, so a key
 * that the table has is compared: one of a component's spec makes it start again, one of a
 * config holds at once. A path that was a component and is a supervisor, or the other way
 * round, is deleted and added.
 */
#ifndef MANIFEST_MANIFEST_DIFF_H
#define MANIFEST_MANIFEST_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include <airs/status.h>

#include "base/map.h"
#include "manifest/manifest.h"

enum manifest_change_kind {
    MANIFEST_DELETED,  /* With all below it; the last one of the tree first. */
    MANIFEST_CHANGED,  /* `restarts`, `live` or both; in tree order, "/" among them. */
    MANIFEST_ADDED,    /* In tree order. */
    MANIFEST_REORDERED /* A supervisor whose children, as far as both have them, changed places. */
};

struct manifest_change {
    enum manifest_change_kind kind;
    const char *path;                /* The child's. */
    const struct manifest_node *was; /* NULL of ADDED. */
    const struct manifest_node *is;  /* NULL of DELETED. */
    char *restarts; /* CHANGED: the keys that make it start again, "args, limits"; NULL: none. */
    char *live;     /* CHANGED: the keys that hold at once; NULL: none. */
};

/* In the order of the kinds above. The nodes are those of the two manifests. */
struct manifest_diff {
    struct manifest_change *changes;
    size_t size;
    size_t capacity;
    bool max_instances;         /* Differs, and a running application cannot follow it. */
    bool max_concurrent_starts; /* Likewise. */
};

/* A child that is not in the files, and is like one that is. */
struct manifest_other {
    const char *path; /* Borrowed, as long as the diff is there. */
    const struct manifest_node *was;
    const struct manifest_node *is; /* NULL: it goes. */
};

/* What is not in the files; each may be NULL. */
struct manifest_diff_hooks {
    /** Whether the child still is there; without the hook all are. */
    bool (*runs)(void *context, const struct manifest_node *was);
    /** Why the component has to start again whatever its keys say; NULL: it has not. */
    const char *(*restarts)(void *context, const struct manifest_node *was,
                            const struct manifest_node *is);
    /** The child with that index, from 0, which is not in the files; false: no more. */
    bool (*other)(void *context, size_t index, struct manifest_other *other_out);
    void *context;
};

/**
 * Compares `was` with `is`; `hooks` may be NULL.
 *
 * AIRS_EINVAL when the application's name differs, AIRS_ENOMEM; on failure nothing is in *diff_out.
 * Ownership: both manifests outlive the diff; manifest_diff_deinit() frees it.
 * Thread: any.  Blocks: no.
 */
enum airs_status manifest_diff(const struct manifest *was, const struct manifest *is,
                               const struct manifest_diff_hooks *hooks,
                               struct manifest_diff *diff_out, struct airs_error *error);
void manifest_diff_deinit(struct manifest_diff *diff);

/** Appends what changes of a CHANGED one: "restarts: args; live: backoff". False: out of memory. */
bool manifest_change_write_keys(const struct manifest_change *change, struct buffer *out);

/**
 * Appends the change as one line without its end: "+ /x", "- /y, with 2 below it",
 * "~ /z restarts: environment; live: backoff", "= order of /web". False: out of memory.
 */
bool manifest_change_write(const struct manifest_change *change, struct buffer *out);

/* ---- manifest_compare.c ---- */

/**
 * Appends the keys in which two children of one kind differ, separated by ", ": those for which
 * a component starts again, and those that hold at once. False: out of memory.
 */
bool manifest_compare(const struct manifest_node *was, const struct manifest_node *is,
                      struct buffer *restarts, struct buffer *live);

#endif
