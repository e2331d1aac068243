/* Compile child. The parent waits on the child's output, which ends with the child, and on the
 * cancel eventfd; no signal handler and no timer takes part.
 */
#include "daemon/compile_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <airs/application.h>

#include "base/clock.h"
#include "base/error.h"
#include "daemon/daemon.h"

/* The child's answer begins with its status as a letter. */
#define STATUS_BASE 'A'

/* ---- The child ---- */

static bool
bound_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true; /* A sanitizer's own maps are larger than any limit. */
#else
    struct rlimit limit = { COMPILE_MEMORY_BYTES_MAX, COMPILE_MEMORY_BYTES_MAX };
    return setrlimit(RLIMIT_DATA, &limit) == 0;
#endif
}

int
compile_child_main(int argc, char **argv)
{
    struct airs_error error = { 0 };
    if (argc != 5) {
        fprintf(stderr, "usage: %s FILE CACHE_DIR SETTINGS PARENT\n", COMPILE_VERB);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != atoi(argv[4]))
        return 1; /* The parent died before we were tied to it. */
    errno = 0;
    if (nice(COMPILE_NICE) == -1 && errno != 0)
        return 1;
    struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    if (!bound_memory())
        return 1;

    enum airs_status status = airs_compile(argv[1], argv[2], argv[3], &error);
    if (status == AIRS_OK)
        return 0;
    printf("%c%s", STATUS_BASE + (int)status, error.message);
    return 1;
}

/* ---- The parent ---- */

enum airs_status
compile_child_init(struct compile_child *child, struct airs_error *error)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return fail(error, AIRS_EIO, "eventfd: %s", strerror(errno));
    *child = (struct compile_child){
        .cancel_fd = fd,
        .program = "/proc/self/exe",
        .seconds_max = COMPILE_SECONDS_MAX,
    };
    return AIRS_OK;
}

void
compile_child_deinit(struct compile_child *child)
{
    close(child->cancel_fd);
    child->cancel_fd = -1;
}

void
compile_child_cancel(struct compile_child *child)
{
    uint64_t one = 1;
    ssize_t written = write(child->cancel_fd, &one, sizeof one);
    (void)written; /* A full counter is readable too. */
}

/* Starts it with output into `pipe_fd`, no signal blocked or ignored, in a group of its own:
 * Ctrl-C in the terminal is for the daemon, which then cancels. */
static enum airs_status
spawn(const struct compile_child *child, const char *file, const char *cache_dir,
      const char *settings, int pipe_fd, pid_t *pid_out, struct airs_error *error)
{
    char parent[16];
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    const char *argv[] = { "airs", COMPILE_VERB, file, cache_dir, settings, parent, NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, pipe_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, pipe_fd, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    int cause = posix_spawn(pid_out, child->program, &files, &attributes,
                            (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (cause == 0)
        return AIRS_OK;
    return fail(error, AIRS_EIO, "cannot start the compiler: %s", strerror(cause));
}

enum ending { ENDED, CANCELLED, OUT_OF_TIME };

/* Reads what the child says until it closes its output. */
static enum ending
listen_to(const struct compile_child *child, int fd, char text[COMPILE_TEXT_BYTES_MAX])
{
    uint64_t deadline_us = clock_now_us() + child->seconds_max * US_PER_S;
    size_t size = 0;
    text[0] = '\0';
    for (;;) {
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
                                { .fd = child->cancel_fd, .events = POLLIN } };
        uint64_t now_us = clock_now_us();
        if (now_us >= deadline_us)
            return OUT_OF_TIME;
        poll(fds, 2, (int)((deadline_us - now_us) / US_PER_MS) + 1);
        if (fds[1].revents)
            return CANCELLED;
        if (!fds[0].revents)
            continue;
        char block[512];
        ssize_t got = read(fd, block, sizeof block);
        if (got == 0 || (got < 0 && errno != EINTR))
            return ENDED;
        for (ssize_t i = 0; i < got && size + 1 < COMPILE_TEXT_BYTES_MAX; i++)
            text[size++] = block[i];
        text[size] = '\0';
    }
}

/* The last line of a text, where a dying compiler says most. */
static const char *
last_line(char *text)
{
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '\n')
        text[--size] = '\0';
    const char *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

static enum airs_status
judge(const char *file, int wait_status, char *text, struct airs_error *error)
{
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return AIRS_OK;
    if (WIFEXITED(wait_status) && text[0] > STATUS_BASE && text[0] <= STATUS_BASE + AIRS_EFAILED)
        return fail(error, (enum airs_status)(text[0] - STATUS_BASE), "%s", text + 1);
    const char *line = last_line(text);
    if (WIFSIGNALED(wait_status))
        return fail(error, AIRS_ELOAD, "%s: the compiler crashed (%s)%s%s", file,
                    strsignal(WTERMSIG(wait_status)), *line ? ": " : "", line);
    return fail(error, AIRS_ELOAD, "%s: the compiler failed (exit code %d)%s%s", file,
                WEXITSTATUS(wait_status), *line ? ": " : "", line);
}

static void
wait_for(pid_t pid, int *wait_status_out)
{
    while (waitpid(pid, wait_status_out, 0) < 0 && errno == EINTR)
        ;
}

enum airs_status
compile_child_run(struct compile_child *child, const char *file, const char *cache_dir,
                  const char *settings, struct airs_error *error)
{
    int fds[2];
    pid_t pid;
    char text[COMPILE_TEXT_BYTES_MAX];
    int wait_status = 0;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return fail(error, AIRS_EIO, "pipe: %s", strerror(errno));
    enum airs_status status = spawn(child, file, cache_dir, settings, fds[1], &pid, error);
    close(fds[1]);
    if (status != AIRS_OK) {
        close(fds[0]);
        return status;
    }
    enum ending ending = listen_to(child, fds[0], text);
    close(fds[0]);
    if (ending != ENDED)
        kill(pid, SIGKILL);
    wait_for(pid, &wait_status);
    switch (ending) {
    case ENDED:
        break;
    case CANCELLED:
        return fail(error, AIRS_EBUSY, "%s: compiling was cancelled", file);
    case OUT_OF_TIME:
        return fail(error, AIRS_ETIMEDOUT, "%s: the compiler took more than %u s", file,
                    child->seconds_max);
    }
    return judge(file, wait_status, text, error);
}
