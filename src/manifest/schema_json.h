/* JSON Schema of manifests, for editors: made from the same table that reads them. */
#ifndef MANIFEST_SCHEMA_JSON_H
#define MANIFEST_SCHEMA_JSON_H

#include <stdbool.h>

#include "base/buffer.h"

/**
 * Appends the schema (draft 2020-12), indented; one line without `indented`. Exit reasons and
 * trap codes are listed in its $defs. False when out of memory. Thread: any.  Blocks: no.
 */
bool schema_json_write(bool indented, struct buffer *out);

#endif
