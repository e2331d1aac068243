/* Effective values: a loaded manifest written out again, with every default in its place.
 *
 * The YAML is a manifest itself: reading it gives the same tree. A value that depends on
 * what is known at run time alone stands in a comment.
 */
#ifndef MANIFEST_EFFECTIVE_H
#define MANIFEST_EFFECTIVE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "manifest/manifest.h"

/** Appends the manifest as YAML; false when out of memory. Thread: any.  Blocks: no. */
bool effective_write_yaml(const struct manifest *manifest, struct buffer *out);

/** Appends the same as one JSON object on one line. */
bool effective_write_json(const struct manifest *manifest, struct buffer *out);

#endif
