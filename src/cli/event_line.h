/* Event line: one event of the stream as a line for people. */
#ifndef CLI_EVENT_LINE_H
#define CLI_EVENT_LINE_H

#include <jansson.h>

#include "cli/text.h"

/**
 * Appends "12:03:04.678 /web/front exited trap: unreachable (generation 2)", at most
 * `columns` wide (0: as long as it is), without an end of line. The time is UTC.
 */
void event_line_put(struct buffer *buffer, const struct style *style, const json_t *event,
                    size_t columns);

#endif
