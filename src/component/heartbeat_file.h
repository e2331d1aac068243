/* Heartbeat file: whether a file of the host has changed since it was last looked at.
 *
 * Looking may take for ever, on a file system that hangs. So no worker looks: an actor asks, and
 * one of a few threads of these looks and wakes it. A look that hangs holds up its thread and no
 * other file, as long as one of HEARTBEAT_THREADS_MAX is left. What has changed is told from the
 * file's identity and time of modification as they were, not from any clock.
 */
#ifndef COMPONENT_HEARTBEAT_FILE_H
#define COMPONENT_HEARTBEAT_FILE_H

#include <stdbool.h>

#include <airs/types.h>

#define HEARTBEAT_THREADS_MAX 8u /* When all of them hang, no further file is looked at. */

struct actor_system;
struct heartbeat_files; /* Of one application: its threads, none before the first question. */
struct heartbeat_watch; /* Of one file, for one instance. */

/** NULL when out of memory. `system` is borrowed. */
struct heartbeat_files *heartbeat_files_new(struct actor_system *system);
/** After the last watch has been closed; does not wait for a look that hangs. NULL is allowed. */
void heartbeat_files_free(struct heartbeat_files *files);

/** `path` is copied; `pid` is woken when an answer is there. The file as it is at the first look
 * is no sign. NULL when out of memory. */
struct heartbeat_watch *heartbeat_watch_open(struct heartbeat_files *files, const char *path,
                                             airs_pid pid);
/** Wakes nobody any more. NULL is allowed. Thread: any.  Blocks: no. */
void heartbeat_watch_close(struct heartbeat_watch *watch);

/** Asks for a look. False: one is under way already. Thread: any.  Blocks: no. */
bool heartbeat_watch_ask(struct heartbeat_watch *watch);

enum heartbeat_look { HEARTBEAT_NOTHING, HEARTBEAT_UNCHANGED, HEARTBEAT_CHANGED };

/** Takes the answer of the last look, once; NOTHING: there is none yet. A file that is not there
 * has not changed; one that has come has. Thread: any.  Blocks: no. */
enum heartbeat_look heartbeat_watch_take(struct heartbeat_watch *watch);

#endif
