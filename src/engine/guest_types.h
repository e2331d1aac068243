/* Values that cross between host and guest, as airssys:core@1.0.0 has them.
 *
 * Everything here is borrowed: a pointer handed to a host function is good until that function
 * returns, one handed to instance_begin_…() must stay good until that call has ended.
 */
#ifndef ENGINE_GUEST_TYPES_H
#define ENGINE_GUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes, or UTF-8 text, of a given size, not NUL-terminated. `data` NULL: an absent option. */
struct span {
    const void *data;
    size_t size;
};

struct span_pair {
    struct span name;
    struct span value;
};

/** component-id */
struct guest_id {
    struct span namespace;
    struct span name;
    struct span instance;
};

struct guest_time {
    uint64_t seconds;
    uint32_t nanoseconds;
};

/** component-message; absent options have `data` NULL. */
struct guest_message {
    struct guest_id sender;
    struct span payload;
    struct span correlation_id;
    bool has_reply_to;
    struct guest_id reply_to;
    struct guest_time timestamp;
    struct span content_type;
};

/** component-config */
struct guest_config {
    const struct span_pair *environment;
    size_t environment_count;
    struct span config_data; /* `data` NULL: none. */
    uint64_t memory_bytes_max;
    uint64_t execution_time_max_ms;
};

/** component-metadata; the text is NUL-terminated UTF-8. */
struct guest_metadata {
    const char *name;
    const char *version;
    const char *description;
    const char *author;
    const char *license;
    const char *const *operations;
    size_t operation_count;
    bool stateful;
};

/** Numbered as in the WIT. */
enum guest_health {
    GUEST_HEALTHY,
    GUEST_DEGRADED,
    GUEST_UNHEALTHY,
    GUEST_HEALTH_UNKNOWN,
};

enum guest_log_level {
    GUEST_LOG_TRACE,
    GUEST_LOG_DEBUG,
    GUEST_LOG_INFO,
    GUEST_LOG_WARN,
    GUEST_LOG_ERROR,
};

enum guest_stream {
    GUEST_STDOUT,
    GUEST_STDERR,
};

/** The cases of messaging-error, 0 being no error. */
enum messaging_error {
    MESSAGING_OK,
    MESSAGING_DELIVERY_FAILED,     /* with text */
    MESSAGING_CORRELATION_TIMEOUT, /* with the correlation id as text */
    MESSAGING_INVALID_MESSAGE,     /* with text */
    MESSAGING_QUEUE_FULL,
    MESSAGING_TARGET_NOT_FOUND, /* carries the target's id (broadcast: the first target) */
};

/** The cases of component-error, 0 being no error. */
enum component_error {
    COMPONENT_ERROR_NONE,
    COMPONENT_ERROR_INITIALIZATION_FAILED, /* with text */
    COMPONENT_ERROR_ALREADY_INITIALIZED,
    COMPONENT_ERROR_NOT_INITIALIZED,
    COMPONENT_ERROR_SHUTDOWN_FAILED, /* with text */
    COMPONENT_ERROR_INVALID_STATE,   /* with text */
};

/** The cases of storage-error, 0 being no error. */
enum storage_error {
    STORAGE_OK,
    STORAGE_NOT_FOUND,      /* with text */
    STORAGE_ALREADY_EXISTS, /* with text */
    STORAGE_QUOTA_EXCEEDED,
    STORAGE_INVALID_KEY, /* with text */
    STORAGE_IO_ERROR,    /* with text */
};

struct storage_usage {
    uint64_t used_bytes;
    uint64_t quota_bytes;
    uint64_t key_count;
};

#endif
