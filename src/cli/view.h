/* View: what `airs up` shows while it runs in front.
 *
 * A thread of its own that is a client of the control socket like any other: a live tree on a
 * terminal, event lines elsewhere. It holds nothing that the application needs, so that a
 * terminal that nobody reads holds up this thread and nothing else.
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <stdbool.h>

#include <airs/status.h>

struct view;

/**
 * Starts the thread; `json`: the events as JSON lines, also on a terminal.
 * Fails with AIRS_ENOMEM, AIRS_EIO.  Ownership: view_stop().  Thread: any.  Blocks: no.
 */
enum airs_status view_start(const char *name, const char *socket, bool json, struct view **view_out,
                            struct airs_error *error);

/** A line for the user, on the screen's note line or stderr. Thread: any.  Blocks: no. */
void view_note(struct view *view, const char *line);

/**
 * Ends the thread, which first shows what has come so far, gives the terminal back, and
 * says how it ended. NULL is allowed. False: the disk behind stdout is full and something is
 * missing there, said on stderr. Blocks: a few seconds at most, if nobody reads.
 */
bool view_stop(struct view *view);

#endif
