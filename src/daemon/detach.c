/* Detach. The child's words are lines, each behind a byte that says what it is; the last one is
 * its exit code. A child that dies without that counts as failed.
 */
#include "daemon/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "daemon/event_json.h"

#define LINE_BYTES_MAX 2048 /* Below PIPE_BUF, so that lines of two threads do not mix. */

enum word { WORD_REPORT = 'r', WORD_PROGRESS = 'p', WORD_EXIT = 'x' };

static int
open_log(const char *state_dir)
{
    char name[PATH_MAX];
    struct stat info;
    if (snprintf(name, sizeof name, "%s/%s", state_dir, DETACH_LOG_NAME) >= (int)sizeof name)
        return -1;
    int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size > DETACH_LOG_BYTES_MAX &&
        ftruncate(fd, 0) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool
leave_terminal(void)
{
    int null_fd = open("/dev/null", O_RDWR);
    if (setsid() < 0 || null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
        dup2(null_fd, STDOUT_FILENO) < 0 || dup2(null_fd, STDERR_FILENO) < 0)
        return false;
    if (null_fd > STDERR_FILENO)
        close(null_fd);
    return true;
}

static void
take_word(const char *line, const struct detach_hooks *hooks, int *exit_code)
{
    switch ((enum word)line[0]) {
    case WORD_REPORT:
        hooks->report(hooks->context, line + 1);
        return;
    case WORD_PROGRESS:
        hooks->progress(hooks->context, line + 1);
        return;
    case WORD_EXIT:
        *exit_code = atoi(line + 1);
        return;
    }
}

/* Listens until the child closes; its exit code, or -1 when it said none. */
static int
hear(int fd, const struct detach_hooks *hooks)
{
    int exit_code = -1;
    FILE *words = fdopen(fd, "r");
    char line[LINE_BYTES_MAX];
    while (words && fgets(line, sizeof line, words)) {
        line[strcspn(line, "\n")] = '\0';
        take_word(line, hooks, &exit_code);
    }
    if (words)
        fclose(words);
    else
        close(fd);
    return exit_code;
}

enum airs_status
detach_fork(struct detach *detach, const char *state_dir, const struct detach_hooks *hooks,
            bool *is_child_out, int *exit_code_out, struct airs_error *error)
{
    int fds[2];
    *detach = (struct detach){ .pipe_fd = -1, .log_fd = -1 };
    if (pipe2(fds, O_CLOEXEC) != 0)
        return fail(error, AIRS_EIO, "pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return fail(error, AIRS_EIO, "fork: %s", strerror(errno));
    }
    *is_child_out = pid == 0;
    if (pid == 0) {
        close(fds[0]);
        detach->pipe_fd = fds[1];
        detach->log_fd = open_log(state_dir);
        return leave_terminal() ? AIRS_OK
                                : fail(error, AIRS_EIO, "cannot detach: %s", strerror(errno));
    }
    close(fds[1]);
    *exit_code_out = hear(fds[0], hooks);
    if (*exit_code_out < 0) {
        hooks->report(hooks->context, "the daemon died before it was up");
        *exit_code_out = 1;
    }
    if (*exit_code_out != 0)
        waitpid(pid, NULL, 0);
    return AIRS_OK;
}

/* One write a line. False: the parent is gone. */
static bool
say(const struct detach *detach, enum word word, const char *text)
{
    char line[LINE_BYTES_MAX];
    int size = snprintf(line, sizeof line - 1, "%c%s", word, text);
    if (detach->pipe_fd < 0 || size < 0)
        return true;
    if ((size_t)size >= sizeof line - 1)
        size = (int)sizeof line - 2;
    line[size++] = '\n';
    ssize_t written;
    do
        written = write(detach->pipe_fd, line, (size_t)size);
    while (written < 0 && errno == EINTR);
    return written == size;
}

static void
note(const struct detach *detach, const char *line)
{
    char time[JSON_TIME_SIZE];
    json_time(clock_wall_us(), time);
    if (detach->log_fd >= 0)
        dprintf(detach->log_fd, "%s %s\n", time, line);
}

void
detach_report(struct detach *detach, const char *line)
{
    say(detach, WORD_REPORT, line);
    note(detach, line);
}

void
detach_progress(struct detach *detach, const char *line)
{
    say(detach, WORD_PROGRESS, line);
    note(detach, line);
}

static bool
close_pipe(struct detach *detach, int exit_code)
{
    char text[16];
    if (detach->pipe_fd < 0)
        return true;
    snprintf(text, sizeof text, "%d", exit_code);
    bool heard = say(detach, WORD_EXIT, text);
    close(detach->pipe_fd);
    detach->pipe_fd = -1;
    return heard;
}

bool
detach_started(struct detach *detach)
{
    return close_pipe(detach, 0);
}

void
detach_end(struct detach *detach, int exit_code)
{
    close_pipe(detach, exit_code);
    if (detach->log_fd >= 0)
        close(detach->log_fd);
    detach->log_fd = -1;
}
