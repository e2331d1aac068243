/* Exit info: why an instance of a child ended. A value; texts travel beside it. */
#ifndef SUPERVISION_EXIT_INFO_H
#define SUPERVISION_EXIT_INFO_H

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, "name"): the names stand in events, rules and `ps --json`. */
#define EXIT_REASON_LIST(X)           \
    X(NORMAL, "normal")               \
    X(SHUTDOWN, "shutdown")           \
    X(ERROR, "error")                 \
    X(TRAP, "trap")                   \
    X(TIMEOUT, "timeout")             \
    X(OUT_OF_MEMORY, "out-of-memory") \
    X(UNHEALTHY, "unhealthy")         \
    X(KILLED, "killed")               \
    X(LOAD_ERROR, "load-error")       \
    X(ESCALATED, "escalated")         \
    X(HOST_LOST, "host-lost")

enum exit_reason {
#define EXIT_REASON_ENUM(name, text) EXIT_##name,
    EXIT_REASON_LIST(EXIT_REASON_ENUM)
#undef EXIT_REASON_ENUM
};

struct exit_info {
    enum exit_reason reason;
    /* EXIT_TRAP: enum trap_code; EXIT_ERROR: the exit code, -1 for a failed start; else 0. */
    int32_t code;
};

/** The constant name of `reason`. */
const char *exit_reason_name(enum exit_reason reason);
/** Finds a reason by name; false when there is none, and then *reason_out is untouched. */
bool exit_reason_find(const char *name, enum exit_reason *reason_out);

/** `normal` and `shutdown` are normal, every other reason is abnormal (semantics: Exits). */
static inline bool
exit_is_normal(struct exit_info exit)
{
    return exit.reason == EXIT_NORMAL || exit.reason == EXIT_SHUTDOWN;
}

#endif
