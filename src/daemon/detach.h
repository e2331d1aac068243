/* Detach: the daemon as a process of its own, and its words to the one that started it.
 *
 * The parent waits until the child says that it is up, or why not. What the child reports
 * later goes to its own log, a file in the state directory.
 */
#ifndef DAEMON_DETACH_H
#define DAEMON_DETACH_H

#include <stdbool.h>

#include <airs/status.h>

#define DETACH_LOG_NAME "daemon.log"
#define DETACH_LOG_BYTES_MAX (1 << 20) /* A log larger than this is begun anew at the next start. */

struct detach {
    int pipe_fd; /* Child: to the parent, until detach_started; -1 otherwise. */
    int log_fd;  /* Child: its own log; -1 otherwise. */
};

/* What the parent does with the child's words. */
struct detach_hooks {
    void (*report)(void *context, const char *line);
    void (*progress)(void *context, const char *line);
    void *context;
};

/**
 * Forks. In the child: a new session, stdio on /dev/null, the log open; *is_child true. In the
 * parent: blocks until the child has said how it went; its lines go to `hooks` as they come,
 * and its exit code to *exit_code_out: 0 when it is up. AIRS_EIO. Thread: the only one.
 */
enum airs_status detach_fork(struct detach *detach, const char *state_dir,
                             const struct detach_hooks *hooks, bool *is_child_out,
                             int *exit_code_out, struct airs_error *error);

/** Child: a line for the parent until it is gone, and for the log. Thread: any. */
void detach_report(struct detach *detach, const char *line);
void detach_progress(struct detach *detach, const char *line);
/** Child: the parent may return 0. False: it did not wait (Ctrl-C), nobody wants this daemon. */
bool detach_started(struct detach *detach);
/** Child: the parent, if it still waits, returns `exit_code`. Closes. */
void detach_end(struct detach *detach, int exit_code);

#endif
