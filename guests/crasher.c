/* crasher: a command that ends in the way it is told.
 *
 *     crasher MODE [N] [DELAY_MS]
 *
 * MODE: return · exit N · trap · abort · oob · divzero · stackoverflow · oom · loop
 * nul: prints a line with a NUL in it and one more, then exits with 3
 * It first prints "crasher: start C MODE"; C counts in the guest's own memory, so it is 1 in
 * every new instance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int starts;
static volatile int zero;
static volatile unsigned depth;
static void *volatile eaten; /* Volatile: an allocation that nobody sees is left out. */

static void
out_of_bounds(void)
{
    *(volatile char *)0xfffffff0u = 1;
}

static void
divide_by_zero(void)
{
    depth = depth / (unsigned)zero;
}

/* The volatile read behind the call keeps it from becoming a loop. */
__attribute__((noinline)) static unsigned
descend(unsigned level)
{
    if (level == (unsigned)zero - 1)
        return 0;
    depth = level;
    return descend(level + 1) ^ depth;
}

static void
eat_memory(void)
{
    enum { CHUNK = 1 << 20 };
    for (;;) {
        eaten = malloc(CHUNK);
        if (!eaten)
            abort();
        memset(eaten, 1, CHUNK);
    }
}

static void
compute(void)
{
    for (;;)
        depth++;
}

static int
usage(void)
{
    fprintf(stderr, "usage: crasher return|exit N|trap|abort|oob|divzero|stackoverflow|oom|loop"
                    "|nul [DELAY_MS]\n");
    return 64;
}

int
main(int argc, char **argv)
{
    if (argc < 2)
        return usage();
    const char *mode = argv[1];
    int next = 2;
    int code = strcmp(mode, "exit") == 0 && argc > next ? atoi(argv[next++]) : 0;
    int delay_ms = argc > next ? atoi(argv[next]) : 0;

    printf("crasher: start %d %s\n", ++starts, mode);
    if (delay_ms > 0)
        usleep((useconds_t)delay_ms * 1000);

    if (strcmp(mode, "return") == 0)
        return 0;
    if (strcmp(mode, "exit") == 0)
        exit(code);
    if (strcmp(mode, "trap") == 0)
        __builtin_trap();
    if (strcmp(mode, "abort") == 0)
        abort();
    if (strcmp(mode, "oob") == 0)
        out_of_bounds();
    if (strcmp(mode, "divzero") == 0)
        divide_by_zero();
    if (strcmp(mode, "stackoverflow") == 0)
        descend(1);
    if (strcmp(mode, "oom") == 0)
        eat_memory();
    if (strcmp(mode, "loop") == 0)
        compute();
    if (strcmp(mode, "nul") == 0) {
        fwrite("a\0b\nlast\n", 1, 9, stdout);
        return 3;
    }
    return usage();
}
