/* Control route: what a request line asks for. Pure; the table of URLs stands in daemon.h. */
#ifndef DAEMON_CONTROL_ROUTE_H
#define DAEMON_CONTROL_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_PATH_BYTES_MAX 4096 /* A child's path, decoded; a longer one is wrong use. */
#define CONTROL_VERB_BYTES_MAX 16

enum control_target {
    TARGET_VERSION,
    TARGET_CHILDREN,
    TARGET_CHILD,
    TARGET_VERB,
    TARGET_EVENTS,
    TARGET_LOGS,    /* `path` "/" without one. */
    TARGET_HISTORY, /* `path` "/" without one. */
    TARGET_COUNTS,  /* `path` "/" without one. */
    TARGET_DOWN,
    TARGET_RELOAD,
    TARGET_METRICS, /* Not there in this version. */
    TARGET_HEALTHZ,
    TARGET_READYZ
};

struct control_route {
    enum control_target target;
    char path[CONTROL_PATH_BYTES_MAX];
    char verb[CONTROL_VERB_BYTES_MAX];
};

enum control_route_result {
    ROUTE_FOUND,
    ROUTE_UNKNOWN,      /* No such URL: 404. */
    ROUTE_WRONG_METHOD, /* 405. */
    ROUTE_MALFORMED     /* A percent sign without two digits, a NUL byte, too long: 400. */
};

/** Reads method and URL (without its query, still percent-encoded). Thread: any. */
enum control_route_result control_route_parse(const char *method, const char *url,
                                              struct control_route *route_out);

/**
 * Decodes %XX in `size` bytes of `text` into `to`. False, and `to` undefined: malformed, a NUL
 * byte, or longer than `to_size` − 1. '+' stays. Thread: any.
 */
bool percent_decode(const char *text, size_t size, char *to, size_t to_size);

/** "30s", "250ms" … as microseconds; false: malformed or more than a day. Thread: any. */
bool control_duration_parse(const char *text, uint64_t *us_out);
/** Decimal digits alone; false: anything else, or more than 64 bits. Thread: any. */
bool control_number_parse(const char *text, uint64_t *number_out);

#endif
