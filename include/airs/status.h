/* Status codes and error reports of libairs. */
#ifndef AIRS_STATUS_H
#define AIRS_STATUS_H

#if defined(__GNUC__)
#define AIRS_API __attribute__((visibility("default")))
#else
#define AIRS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, text): every way in which an operation of this library can fail. */
#define AIRS_STATUS_LIST(X)                                            \
    X(OK, "done")                                                      \
    X(ENOMEM, "out of memory")                                         \
    X(EINVAL, "invalid argument or input")                             \
    X(ENOENT, "not found")                                             \
    X(EEXIST, "exists already")                                        \
    X(EBUSY, "busy: try again when the operation under way has ended") \
    X(ELIMIT, "a limit is reached")                                    \
    X(EIO, "input or output failed")                                   \
    X(ETIMEDOUT, "out of time")                                        \
    X(EALREADY, "already so")                                          \
    X(ENOTRUNNING, "not running")                                      \
    X(ELOAD, "the component cannot be loaded")                         \
    X(EDENIED, "not permitted")                                        \
    X(EREJECTED, "the target answered with an error")                  \
    X(EENDED, "the target ended before it answered")                   \
    X(EFAILED, "the application or a child failed")

enum airs_status {
#define AIRS_STATUS_ENUM(name, text) AIRS_##name,
    AIRS_STATUS_LIST(AIRS_STATUS_ENUM)
#undef AIRS_STATUS_ENUM
};

#define AIRS_ERROR_MESSAGE_BYTES 240

/**
 * The report of a failed operation, in memory of the caller's.
 *
 * A function that takes a `struct airs_error *` accepts NULL. The first report into a
 * zeroed struct stays; later ones are dropped. Nothing is allocated.
 */
struct airs_error {
    enum airs_status status;
    char message[AIRS_ERROR_MESSAGE_BYTES]; /* UTF-8, NUL-terminated, may be cut short. */
};

/** The constant English text of `status`. Thread: any.  Blocks: no. */
AIRS_API const char *airs_status_text(enum airs_status status);

#ifdef __cplusplus
}
#endif
#endif
