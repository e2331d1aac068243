/* bench_sleep: what a thousand commands that sleep cost, in the real program.
 *
 * Starts `airs up` with them, lets everything come to rest, and then for ten seconds counts the
 * CPU time of the process (all of its user and system time) and how often any of its threads
 * woke up. Exits 1 when one misses its target.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native_rig.h"
#include "program.h"

#define SLEEPERS 1000u
#define SETTLE_MS 1000 /* The ticker parks after 100 ms. */
#define SLEEP_S 10

#define CPU_MS_MAX 10.0
#define WAKEUPS_PER_S_MAX 1.0

static char folder[] = "/tmp/airs-bench-sleep-XXXXXX";

static void
write_manifest(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        give_up(path);
    fprintf(file,
            "name: bench\n"
            "children:\n"
            "  - { name: z, component: \"%s/sleeper.wasm\", count: %u }\n",
            guests_folder(), SLEEPERS);
    if (fclose(file) != 0)
        give_up(path);
}

static void
wait_until_all_have_started(FILE *events)
{
    static char line[65536];
    for (unsigned started = 0; started < SLEEPERS;) {
        if (!fgets(line, sizeof line, events)) {
            fprintf(stderr, "bench_sleep: the program has ended early\n");
            exit(2);
        }
        started += strstr(line, "\"event\":\"started\"") != NULL;
    }
}

static double
cpu_ms(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        give_up("cpu clock");
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

/* Of one thread: every time that it left a processor, it was woken before. */
static unsigned long
switches_of(pid_t pid, const char *thread)
{
    char path[512], line[256];
    unsigned long sum = 0, count;
    snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, thread);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "voluntary_ctxt_switches: %lu", &count) == 1)
            sum += count;
    if (status)
        fclose(status);
    return sum;
}

static unsigned long
wakeups(pid_t pid)
{
    char path[64];
    unsigned long sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (!threads)
        give_up(path);
    struct dirent *thread;
    while ((thread = readdir(threads)) != NULL)
        if (thread->d_name[0] != '.')
            sum += switches_of(pid, thread->d_name);
    closedir(threads);
    return sum;
}

static void
measure(pid_t pid)
{
    pause_ms(SETTLE_MS);
    double cpu_before_ms = cpu_ms(pid);
    unsigned long wakeups_before = wakeups(pid);
    pause_ms(SLEEP_S * 1000);
    double used_ms = cpu_ms(pid) - cpu_before_ms;
    double per_second = (double)(wakeups(pid) - wakeups_before) / SLEEP_S;
    printf("`airs up` with %u commands asleep, for %d s\n", SLEEPERS, SLEEP_S);
    judge("ms of user and system time", used_ms, false, CPU_MS_MAX);
    judge("wake-ups a second, of all its threads", per_second, false, WAKEUPS_PER_S_MAX);
}

int
main(void)
{
    char manifest[64], command[64];
    FILE *events;
    int status;

    if (!mkdtemp(folder))
        give_up(folder);
    snprintf(manifest, sizeof manifest, "%s/airs.yaml", folder);
    write_manifest(manifest);
    char *const arguments[] = { "airs", "up", "-f", manifest, "--json", NULL };
    pid_t pid = run_program(folder, arguments, &events);
    wait_until_all_have_started(events);
    measure(pid);
    kill(pid, SIGTERM);
    while (fgetc(events) != EOF)
        continue;
    fclose(events);
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_sleep: the program ended with %d\n", status);
        all_met = false;
    }
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 && all_met ? 0 : 1;
}
