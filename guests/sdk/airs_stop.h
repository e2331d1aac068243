/* airs_stop.h: how a command learns that it should end. Build with `airs-cc command --stop`.
 * The command then has the time of its `shutdown:` to return from main().
 */
#ifndef AIRS_STOP_H
#define AIRS_STOP_H

#include <stdbool.h>

/* Whether the command has been asked to stop. */
bool airs_stop_requested(void);

/* Waits until it is. Holds no worker. */
void airs_stop_wait(void);

#endif
