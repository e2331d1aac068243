/* YAML tree: a document as maps, lists and scalars with their places, within limits.
 *
 * Built from libfyaml's events, so that a limit stops a hostile file before anything grows
 * out of it. Anchors, aliases, tags and further documents are refused: a manifest needs
 * none of them, and an alias can make little text into a lot.
 */
#ifndef MANIFEST_YAML_TREE_H
#define MANIFEST_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <airs/status.h>

#include "manifest/manifest_report.h"

#define YAML_DEPTH_MAX 64u     /* Maps and lists inside one another. */
#define YAML_NODES_MAX 500000u /* Scalars, maps and lists of a document. */
#define YAML_PAIRS_MAX 1024u   /* Keys of one map. */
#define YAML_KEY_BYTES_MAX 256u
#define YAML_TEXT_BYTES_MAX (1u << 20) /* One scalar. */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

/* Constant once the tree is built; belongs to the tree. */
struct yaml_node {
    enum yaml_kind kind;
    bool quoted;      /* A scalar that is text whatever it looks like. */
    bool duplicate;   /* A pair whose key came before; reported already. */
    size_t offset;    /* Bytes [offset, offset + size) of the source; of a map or a */
    size_t size;      /* list its first byte alone. */
    const char *text; /* Scalar: NUL-terminated, without NUL inside. */
    size_t text_size;
    struct yaml_node *key; /* The key of which this is the value; NULL outside a map. */
    struct yaml_node *parent;
    struct yaml_node *first; /* Children in order. */
    struct yaml_node *last;
    struct yaml_node *next;
    size_t children;
};

struct yaml_block; /* Memory of the nodes and their texts. */

struct yaml_tree {
    struct yaml_node *root; /* NULL: an empty document. */
    struct yaml_block *blocks;
    size_t nodes;
};

/**
 * Parses `text`. Every error that does not end the parse, such as a duplicate key, is
 * reported, and the tree is built all the same.
 * Fails with AIRS_EINVAL for an error of the text that ends the parse, which is reported,
 * AIRS_ENOMEM. Ownership: the caller deinits the tree, also after a failure; `text` is not
 * needed afterwards. Thread: any.  Blocks: no.
 */
enum airs_status yaml_tree_parse(struct yaml_tree *tree, const char *text, size_t size,
                                 struct manifest_report *report);
void yaml_tree_deinit(struct yaml_tree *tree);

/** The value of `key`; NULL when the map has none. */
const struct yaml_node *yaml_map_find(const struct yaml_node *map, const char *key);

/** Whether a scalar is text in YAML's core schema; else it is null, a boolean or a number. */
bool yaml_scalar_is_text(const struct yaml_node *scalar);
/** Whether it is nothing at all, `~` or null. */
bool yaml_scalar_is_null(const struct yaml_node *scalar);
/** Whether it is an integer in decimal digits, as in 12 or -3. */
bool yaml_scalar_is_integer(const struct yaml_node *scalar);

/** What a node is, for messages: "text", "a number", "a list", … Constant. */
const char *yaml_node_what(const struct yaml_node *node);

#endif
