/* The floor: what the engine itself costs, with nothing of ours but its folder in between.
 *
 * Benchmarks of the layers above take these figures in the same process and run, and say how
 * far they are from them.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct component;
struct engine;
struct floor;

enum floor_operation {
    FLOOR_TINY,       /* store + instantiate + delete: a component of a few bytes */
    FLOOR_ACTOR,      /* the same: actor in C */
    FLOOR_COMMAND,    /* the same: WASI command in C */
    FLOOR_TRAP,       /* a call that traps, with its backtrace */
    FLOOR_EMPTY_CALL, /* a call into a component that does nothing */
    FLOOR_MESSAGE_16, /* handle-message of the actor, which answers with the payload */
    FLOOR_MESSAGE_64,
    FLOOR_MESSAGE_4096,
    FLOOR_MESSAGE_65536,
    FLOOR_CANCEL,  /* delete the future of a call that has yielded */
    FLOOR_RESTART, /* trap + delete + store + instantiate + initialize */
    FLOOR_OPERATIONS,
};

struct figure {
    double min_ns;
    double median_ns;
    double p99_ns;
    size_t samples;
};

/** Its name in lines for machines, as "restart". */
const char *floor_name(enum floor_operation operation);
/** What it is, for people. */
const char *floor_title(enum floor_operation operation);
/** What was measured once on a machine of the kind tests run on, in ns. */
double floor_expected_ns(enum floor_operation operation);

/**
 * Makes an engine of its own, with components from `guests` (echo.wasm, hello.wasm) compiled
 * into `cache`. NULL, with the reason on stderr, when that fails.
 */
struct floor *floor_open(const char *guests, const char *cache);
void floor_close(struct floor *floor);

/** Times one operation `samples` times, behind a few that are not counted. */
void floor_sample(struct floor *floor, enum floor_operation operation, double *ns, size_t samples);
/** The figure of as many samples as make sense. */
struct figure floor_measure(struct floor *floor, enum floor_operation operation);

/** Sorts `ns` and reads the figure from it. */
struct figure figure_of(double *ns, size_t samples);

#endif
