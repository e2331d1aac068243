/* Follow: print the lines of a streamed answer as they come. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/session.h"

/** Takes one line and prints it; false ends the following. */
typedef bool follow_line(void *context, const char *line, size_t size);

/**
 * Streams GET of `target` through `take_line`; stdout is flushed whenever nothing more is
 * there. Ends when the application ends the answer. Returns CLI_DONE or the exit code, said on
 * stderr. Blocks: as long as it streams.
 */
int follow_stream(struct session *session, const char *target, follow_line *take_line,
                  void *context);

/** Prints a line as it came: what --json wants. */
void follow_print(const char *line, size_t size);

#endif
