/* Quantities as people write them: "5s", "64MiB".
 *
 * One whole number and a unit, nothing else: a bare number would leave open what it counts.
 * Thread: any.  Blocks: no.  Allocates: no.
 */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stdint.h>

#define QUANTITY_TEXT_BYTES 32

enum quantity_result {
    QUANTITY_OK,
    QUANTITY_NO_UNIT,   /* "5" */
    QUANTITY_BAD_UNIT,  /* "5 s", "5sec", "5MB" */
    QUANTITY_FRACTION,  /* "1.5s" */
    QUANTITY_NEGATIVE,  /* "-1s" */
    QUANTITY_TOO_LARGE, /* Past 64 bits of the smallest unit. */
    QUANTITY_MALFORMED, /* "soon", "" */
};

/** Microseconds of a number and us, ms, s, m or h. *us_out is untouched unless QUANTITY_OK. */
enum quantity_result quantity_parse_duration(const char *text, uint64_t *us_out);
/** Bytes of a number and B, KiB, MiB or GiB. *bytes_out is untouched unless QUANTITY_OK. */
enum quantity_result quantity_parse_size(const char *text, uint64_t *bytes_out);

/** Writes `us` with the largest unit that leaves a whole number; returns `text_out`. */
const char *quantity_format_duration(uint64_t us, char text_out[QUANTITY_TEXT_BYTES]);
/** Writes `bytes` likewise; returns `text_out`. */
const char *quantity_format_size(uint64_t bytes, char text_out[QUANTITY_TEXT_BYTES]);

/** What a result means, and what to write, for a duration: "needs a unit; write 5s". Constant. */
const char *quantity_duration_hint(enum quantity_result result);
/** The same for a size. */
const char *quantity_size_hint(enum quantity_result result);

#endif
