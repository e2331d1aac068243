/* Error reports: how a function says why it failed. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <airs/status.h>

/**
 * Writes a report into `error` (NULL is allowed; a report already there stays) and
 * returns `status`, so that a failing function ends in `return fail(...)`.
 * A message too long is cut at a UTF-8 boundary. Thread: any.  Blocks: no.  Allocates: no.
 */
enum airs_status fail(struct airs_error *error, enum airs_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
