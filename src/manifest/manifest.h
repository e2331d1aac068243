/* Manifest: airs.yaml as a tree of children, checked and complete.
 *
 * Every value in the tree is the effective one: what the file leaves out has its default.
 * One table (schema.c) drives reading, defaults, `airs check --effective` and the JSON
 * Schema. A key whose feature this version lacks is refused by name, never ignored.
 */
#ifndef MANIFEST_MANIFEST_H
#define MANIFEST_MANIFEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <airs/status.h>

#include "component/component_spec.h"
#include "manifest/manifest_report.h"
#include "policy/supervisor_config.h"

#define MANIFEST_BYTES_MAX (4u << 20)      /* Size of the file. */
#define MANIFEST_CHILDREN_MAX 100000u      /* Of a manifest, each of a `count` counted. */
#define MANIFEST_NESTING_MAX 16u           /* Supervisors inside supervisors, the root counted. */
#define MANIFEST_NAME_MAX 63u              /* Characters of a name. */
#define MANIFEST_DEPENDENCIES_MAX 1000000u /* Of all children, each of a `count` counted. */
#define MANIFEST_INSTANCES_MAX 1000000u    /* `max-instances` and `max-concurrent-starts`. */

struct manifest;

/* The supervisor that a child is read for, which runs already. */
struct manifest_parent {
    const char *path;                 /* "/" is the root. */
    const struct node_policy *policy; /* Some defaults of its children depend on its strategy. */
    /* Calls `found` with each child that `path` means in the tree that runs: one, or all of those
     * with a `count`, of which there may be none; false: there is no such child. */
    bool (*find)(void *context, const char *path, void (*found)(void *to, const char *path),
                 void *to);
    void *context;
};

/* One child, or the root. Constant after load. */
struct manifest_node {
    struct manifest_node *parent;    /* NULL: the root, which is the application itself. */
    char *name;                      /* "back#2"; of the root: the application's name. */
    char *path;                      /* "/web/back#2"; of the root: "/". */
    uint32_t instance;               /* 1 … count, or 0 without a `count`. */
    uint32_t count;                  /* Of the entry that it came from; 1 without. */
    struct supervisor_config config; /* config.is_supervisor says which of the two it is. */
    struct component_spec *spec;     /* One reference; NULL of a supervisor. */
    /* In their one order (manifest_order.h); none of a component. */
    struct manifest_node **children;
    size_t children_size;
    size_t index;               /* Among the children of its parent. */
    uint64_t *backoff_list_us;  /* What config.policy.backoff.list_us borrows, or NULL. */
    struct exit_rule *rules;    /* What config.policy.rules borrows, or NULL. */
    struct code_range *success; /* What config.policy.success borrows, or NULL. */
    char **depends_on;          /* As written; of the first of a `count` alone. */
    size_t depends_on_size;
    const char **dependencies; /* What config.depends_on borrows, or NULL; of the first, too. */
    unsigned line;             /* Where its entry begins, from 1. */
};

struct manifest {
    atomic_uint references;         /* manifest_free's last decrement pairs with all others. */
    char *file;                     /* As given to manifest_load. */
    char *directory;                /* Of the file: what `component` is relative to. */
    struct manifest_node *root;     /* A supervisor; never NULL. */
    uint32_t max_concurrent_starts; /* 0: not set, 4 × workers. */
    uint32_t max_instances;         /* Set, or components + each max-children + 25 % + 64. */
    uint32_t max_instances_set;     /* As written; 0: not set. */
    char **outside;                 /* Paths outside of the text, on which a child of it depends. */
    size_t outside_size;
    size_t components;  /* Children that are components. */
    size_t supervisors; /* Children that are supervisors; the root is not counted. */
};

/**
 * Reads and checks the manifest in `file`.
 *
 * All errors of the file, up to MANIFEST_ERRORS_MAX, are written into `report` with their
 * places; `error` gets the first of them in one line. Fails with AIRS_EINVAL for an error in
 * the file, AIRS_ENOENT when there is none, AIRS_EIO when it cannot be read, AIRS_ELIMIT when
 * it is larger than MANIFEST_BYTES_MAX, AIRS_ENOMEM.
 * Ownership: the caller frees *manifest_out, and deinits `report`, which it had inited.
 * Thread: any.  Blocks: on files.
 */
enum airs_status manifest_load(const char *file, struct manifest **manifest_out,
                               struct manifest_report *report, struct airs_error *error);

/** As manifest_load, from memory; `directory` is what component files are relative to. */
enum airs_status manifest_parse(const char *text, size_t size, const char *file,
                                const char *directory, struct manifest **manifest_out,
                                struct manifest_report *report, struct airs_error *error);

/**
 * Reads one child, as it would stand under `children` of `parent`: a component (of which `count`
 * makes several) or a supervisor with all below it.
 *
 * The manifest that comes of it has `parent` as its root; the paths are those that the children
 * get. Otherwise as manifest_parse.
 */
enum airs_status manifest_parse_child(const char *text, size_t size, const char *file,
                                      const char *directory, const struct manifest_parent *parent,
                                      struct manifest **manifest_out,
                                      struct manifest_report *report, struct airs_error *error);

/** One more reference to `manifest`, which is returned. Thread: any. */
struct manifest *manifest_ref(struct manifest *manifest);

/** One less; the last one frees the tree. NULL is allowed. Thread: any. Specs that somebody else holds a reference of stay. */
void manifest_free(struct manifest *manifest);

/** The first of those that came of the entry of `node`: what it depends on is written there. */
const struct manifest_node *manifest_entry(const struct manifest_node *node);

/** The node after `node` in tree order (a supervisor before its children); NULL at the end. */
const struct manifest_node *manifest_next(const struct manifest_node *node);

#endif
