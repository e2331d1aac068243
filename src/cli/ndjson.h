/* Lines of JSON, one object a line, as the control socket answers lists. */
#ifndef CLI_NDJSON_H
#define CLI_NDJSON_H

#include <jansson.h>

#include "base/buffer.h"

/** An array of the objects in `text`; lines that are none are left out. NULL: out of memory.
 * Ownership: json_decref(). */
json_t *ndjson_read(const struct buffer *text);

/** A text field of `object`, or NULL. */
const char *json_text(const json_t *object, const char *key);

/** A number field of `object`, or `otherwise`. */
double json_number_or(const json_t *object, const char *key, double otherwise);

#endif
