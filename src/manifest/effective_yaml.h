/* JSON as YAML that people like to read: block maps, and words without quotes. */
#ifndef MANIFEST_EFFECTIVE_YAML_H
#define MANIFEST_EFFECTIVE_YAML_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buffer.h"

/** Appends an object; its keys that begin with '#' become comments. False: out of memory. */
bool effective_yaml_write(const json_t *object, struct buffer *out);

#endif
