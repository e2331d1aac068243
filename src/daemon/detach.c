/* Detach. The child's words are lines; the last byte before the end is its exit code behind a
 * NUL, which no line has. A child that dies without a word counts as failed.
 */
#include "daemon/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "daemon/event_json.h"

#define WORDS_BYTES_MAX 65536 /* Of the child's, in the parent; more is dropped. */

static int
open_log(const char *state_dir)
{
    char name[PATH_MAX];
    struct stat info;
    if (snprintf(name, sizeof name, "%s/%s", state_dir, DETACH_LOG_NAME) >= (int)sizeof name)
        return -1;
    int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size > DETACH_LOG_BYTES_MAX
        && ftruncate(fd, 0) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool
leave_terminal(void)
{
    int null_fd = open("/dev/null", O_RDWR);
    if (setsid() < 0 || null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0
        || dup2(null_fd, STDOUT_FILENO) < 0 || dup2(null_fd, STDERR_FILENO) < 0)
        return false;
    if (null_fd > STDERR_FILENO)
        close(null_fd);
    return true;
}

static void
hear(int fd, struct buffer *words)
{
    char block[1024];
    for (;;) {
        ssize_t got = read(fd, block, sizeof block);
        if (got == 0 || (got < 0 && errno != EINTR))
            return;
        if (got > 0)
            buffer_append(words, block, (size_t)got);
    }
}

/* Gives the child's lines on; returns its exit code. */
static int
tell(struct buffer *words, void (*report)(void *context, const char *line), void *context)
{
    int exit_code = 1;
    if (words->size >= 2 && words->data[words->size - 2] == '\0')
        exit_code = (unsigned char)words->data[words->size - 1];
    char *rest = NULL;
    for (char *line = words->size ? strtok_r(words->data, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        report(context, line);
    if (words->size == 0)
        report(context, "the daemon died before it was up");
    return exit_code;
}

enum airs_status
detach_fork(struct detach *detach, const char *state_dir,
            void (*report)(void *context, const char *line), void *context, bool *is_child_out,
            int *exit_code_out, struct airs_error *error)
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
    struct buffer words;
    buffer_init(&words, WORDS_BYTES_MAX);
    close(fds[1]);
    hear(fds[0], &words);
    close(fds[0]);
    *exit_code_out = tell(&words, report, context);
    if (*exit_code_out != 0)
        waitpid(pid, NULL, 0);
    buffer_deinit(&words);
    return AIRS_OK;
}

static void
say(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        bytes += written;
        size -= (size_t)written;
    }
}

void
detach_report(struct detach *detach, const char *line)
{
    char time[JSON_TIME_SIZE];
    json_time(clock_wall_us(), time);
    if (detach->pipe_fd >= 0) {
        say(detach->pipe_fd, line, strlen(line));
        say(detach->pipe_fd, "\n", 1);
    }
    if (detach->log_fd >= 0)
        dprintf(detach->log_fd, "%s %s\n", time, line);
}

static void
close_pipe(struct detach *detach, int exit_code)
{
    char end[2] = { '\0', (char)exit_code };
    if (detach->pipe_fd < 0)
        return;
    say(detach->pipe_fd, end, sizeof end);
    close(detach->pipe_fd);
    detach->pipe_fd = -1;
}

void
detach_started(struct detach *detach)
{
    close_pipe(detach, 0);
}

void
detach_end(struct detach *detach, int exit_code)
{
    close_pipe(detach, exit_code);
    if (detach->log_fd >= 0)
        close(detach->log_fd);
    detach->log_fd = -1;
}
