/* Native rig: what a benchmark of the runtime alone stands on. Whatever fails ends the program. */
#ifndef BENCH_NATIVE_RIG_H
#define BENCH_NATIVE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/actor_system.h"
#include "runtime/native_actor.h"

/* ---- Judging ---- */

static bool all_met = true; /* No target was missed so far. */

static inline void
judge(const char *what, double value, bool at_least, double target)
{
    bool met = at_least ? value >= target : value <= target;
    all_met = all_met && met;
    printf("%-52s %12.2f %s %.2f  %s\n", what, value, at_least ? ">=" : "<=", target,
           met ? "ok" : "MISS");
    fflush(stdout);
}

static inline int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints min, median and p99 of `us`; returns the median. */
static inline double
print_latency(const char *what, double *us, size_t size)
{
    qsort(us, size, sizeof *us, by_value);
    printf("%-52s min %.2f  median %.2f  p99 %.2f us\n", what, us[0], us[size / 2],
           us[size * 99 / 100]);
    return us[size / 2];
}

static inline void
check(enum airs_status status)
{
    if (status == AIRS_OK)
        return;
    fprintf(stderr, "bench_runtime: %s\n", airs_status_text(status));
    exit(2);
}

static inline struct actor_system *
begin(unsigned workers)
{
    struct actor_system *system;
    check(actor_system_new(&(struct actor_system_options){ .workers = workers }, &system, NULL));
    check(actor_system_start(system, NULL));
    return system;
}

static inline void
pause_ms(long ms)
{
    struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&pause, NULL);
}

static inline airs_pid
spawn_native(struct actor_system *system, const struct native_behaviour *behaviour, void *state)
{
    airs_pid pid;
    struct native_options options = { .behaviour = behaviour, .state = state };
    check(native_spawn(system, &options, &pid, NULL));
    return pid;
}

#endif
