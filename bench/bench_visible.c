/* bench_visible: how long after it happened an event is seen by `airs events -f`.
 *
 * Starts `airs up` with children that crash and are restarted without end, and a reader that
 * follows; the time in each event (the wall clock at the start plus monotonic time) is compared
 * with the wall clock when its line is read. Exits 1 when the 99th percentile misses its target.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native_rig.h"
#include "program.h"

#define EVENTS 2000u
#define WARM_UP 100u
#define CRASHERS 4u
#define VISIBLE_MS_MAX 50.0

static char folder[] = "/tmp/airs-bench-visible-XXXXXX";

static void
write_manifest(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        give_up(path);
    fprintf(file,
            "name: bench\n"
            "children:\n"
            "  - { name: c, component: \"%s/crasher.wasm\", args: [trap], count: %u,\n"
            "      max-restarts: unlimited, backoff: [20ms] }\n",
            guests_folder(), CRASHERS);
    if (fclose(file) != 0)
        give_up(path);
}

static double
wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The "time" of an event line, in ms since 1970. */
static double
event_ms(const char *line)
{
    struct tm utc = { 0 };
    unsigned us;
    const char *time = strstr(line, "\"time\":\"");
    if (!time || sscanf(time + 8, "%d-%d-%dT%d:%d:%d.%uZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                        &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &us) != 7) {
        fprintf(stderr, "bench_visible: no event: %s\n", line);
        exit(2);
    }
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    return (double)timegm(&utc) * 1e3 + us / 1e3;
}

static void
follow(FILE *events, double *ms)
{
    static char line[65536];
    for (unsigned i = 0; i < WARM_UP + EVENTS; i++) {
        if (!fgets(line, sizeof line, events)) {
            fprintf(stderr, "bench_visible: the program has ended early\n");
            exit(2);
        }
        if (i >= WARM_UP)
            ms[i - WARM_UP] = wall_ms() - event_ms(line);
    }
}

static int
compare(const void *a, const void *b)
{
    const double *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static void
read_to_its_end(FILE *file)
{
    while (fgetc(file) != EOF)
        continue;
    fclose(file);
}

int
main(void)
{
    static double ms[EVENTS];
    static char line[65536];
    char manifest[64], command[64];
    FILE *own, *seen;
    int status;

    if (!mkdtemp(folder))
        give_up(folder);
    snprintf(manifest, sizeof manifest, "%s/airs.yaml", folder);
    write_manifest(manifest);
    char *const up[] = { "airs", "up", "-f", manifest, "--json", NULL };
    char *const events[] = { "airs", "events", "-f", "--json", "--app", "bench", NULL };
    pid_t pid = run_program(folder, up, &own);
    if (!fgets(line, sizeof line, own)) /* The socket is there. */
        give_up("airs up");
    int up_ends = fileno(own);
    pid_t reader = run_program(folder, events, &seen);
    if (fork() == 0) { /* Nobody must hold up the view of `up`. */
        while (read(up_ends, line, sizeof line) > 0)
            continue;
        _exit(0);
    }
    follow(seen, ms);
    kill(pid, SIGTERM);
    read_to_its_end(seen);
    fclose(own);
    waitpid(reader, &status, 0);
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_visible: the program ended with %d\n", status);
        all_met = false;
    }
    while (waitpid(-1, &status, 0) > 0)
        continue;
    qsort(ms, EVENTS, sizeof ms[0], compare);
    printf("an event seen by `airs events -f`, of %u: median %.2f ms, greatest %.2f ms\n", EVENTS,
           ms[EVENTS / 2], ms[EVENTS - 1]);
    judge("ms at the 99th percentile", ms[EVENTS * 99 / 100], false, VISIBLE_MS_MAX);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 && all_met ? 0 : 1;
}
