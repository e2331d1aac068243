/* Opening anew: a child that failed because of its file, started with what stands there now. */
#ifndef DAEMON_APPLICATION_REOPEN_H
#define DAEMON_APPLICATION_REOPEN_H

#include <stdbool.h>

#include <airs/application.h>

/** Whether the child has `failed`, and with `load-error` last. Thread: any.  Blocks: no. */
bool application_failed_to_load(struct airs_application *application, const char *path);

/**
 * Starts such a child with what stands in its file by now. A file that still cannot be loaded is no
 * error here: the child fails again, with what is wrong. AIRS_EALREADY: it has left `failed` by
 * itself. AIRS_ENOENT; AIRS_ENOTRUNNING, AIRS_EBUSY: the application is not running, or stops.
 * Thread: that of changes.  Blocks: while it compiles.
 */
enum airs_status application_start_anew(struct airs_application *application, const char *path,
                                        struct airs_error *error);

#endif
