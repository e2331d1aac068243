/* Compile child: a component is compiled by this program again, in a process of its own.
 *
 * A compiler's crash, its memory and its time then touch nothing that runs. The child is
 * nice, bounded in memory and time, and dies with its parent. It is run as
 *     airs compile-component FILE CACHE_DIR SETTINGS PARENT
 * and says on its standard output why it failed.
 */
#ifndef DAEMON_COMPILE_CHILD_H
#define DAEMON_COMPILE_CHILD_H

#include <airs/status.h>

#define COMPILE_VERB "compile-component"
#define COMPILE_NICE 10
#define COMPILE_MEMORY_BYTES_MAX (2ull << 30)
#define COMPILE_SECONDS_MAX 120
#define COMPILE_TEXT_BYTES_MAX 4096 /* Of what the child says; the rest is dropped. */

/* One compiler: at most one child at a time. */
struct compile_child {
    int cancel_fd;       /* An eventfd; readable: give up. */
    const char *program; /* What is run; /proc/self/exe outside of tests. Borrowed. */
    unsigned seconds_max;
};

enum airs_status compile_child_init(struct compile_child *child, struct airs_error *error);
void compile_child_deinit(struct compile_child *child);

/** Makes the run under way, and every later one, fail with AIRS_EBUSY. Thread: any, and in
 * signal handlers.  Blocks: no. */
void compile_child_cancel(struct compile_child *child);

/**
 * Compiles `file` into `cache_dir`. Fails as the child says, or AIRS_ELOAD when it crashed,
 * AIRS_ETIMEDOUT after COMPILE_SECONDS_MAX, AIRS_EBUSY when cancelled, AIRS_EIO.
 * The child dies when the calling thread ends.
 * Thread: one at a time.  Blocks: until the child is gone.
 */
enum airs_status compile_child_run(struct compile_child *child, const char *file,
                                   const char *cache_dir, const char *settings,
                                   struct airs_error *error);

#endif
