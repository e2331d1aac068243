/* Explain: why a child is in its state, and what happens next, as text. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include <jansson.h>

#include "cli/text.h"

/**
 * Appends the explanation of `child` (an object of `ps --json`); `report` is the last entry of
 * its history, or NULL; `dependency` the child that it waits for, NULL: none, or there is no such
 * child. `now_us`: the time since 1970 at which the child was seen.
 */
void explain_put(struct buffer *buffer, const struct style *style, const json_t *child,
                 const json_t *report, const json_t *dependency, uint64_t now_us);

#endif
