/* Program: the real one in a child process, with folders of its own, for a benchmark of it. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static inline void
give_up(const char *what)
{
    perror(what);
    exit(2);
}

/** Runs `airs` with `arguments` (the first is "airs") and its state in `folder`; what it prints
 * comes out of *out. */
static inline pid_t
run_program(const char *folder, char *const arguments[], FILE **out)
{
    int ends[2];
    if (pipe(ends) != 0)
        give_up("pipe");
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("XDG_RUNTIME_DIR", folder, 1);
        setenv("XDG_STATE_HOME", folder, 1);
        setenv("XDG_CACHE_HOME", folder, 1);
        execv(BINARY_DIR "/airs", arguments);
        give_up(BINARY_DIR "/airs");
    }
    close(ends[1]);
    *out = fdopen(ends[0], "r");
    return pid;
}

static inline const char *
guests_folder(void)
{
    const char *guests = getenv("AIRS_GUESTS");
    return guests ? guests : BINARY_DIR "/guests";
}

#endif
