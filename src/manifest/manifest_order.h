/* Manifest order: `depends-on` resolved to children, and the one order of siblings that follows.
 *
 * A dependency is lifted to the common supervisor: if anything under A depends on anything under
 * B, B comes before A among those siblings. Siblings keep the order of the file, but what one
 * depends on comes before it. All members of an entry with `count` are one place of the order.
 */
#ifndef MANIFEST_MANIFEST_ORDER_H
#define MANIFEST_MANIFEST_ORDER_H

#include "manifest/reader.h"

/** Remembers `place`, a path that `node` depends on, for manifest_order(). */
void manifest_order_note(struct reader *reader, struct manifest_node *node,
                         const struct yaml_node *place);

/**
 * Resolves what was noted, in a tree that is complete otherwise: fills config.depends_on of every
 * node and puts all children in order. Reports unknown paths, dependencies that cannot be, and
 * cycles, as a path of paths. The YAML tree is still there.
 */
void manifest_order(struct reader *reader);

/** Frees what was noted. */
void manifest_order_deinit(struct reader *reader);

#endif
