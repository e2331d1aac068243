/* airs_guest.h: what an actor in C is written with.
 *
 *     #include "airs_guest.h"
 *
 *     static int messages;
 *
 *     struct airs_result
 *     on_message(const struct airs_message *message)
 *     {
 *         return airs_text("%d: %s", ++messages, message->text);
 *     }
 *
 * and `airs-cc actor -o counter.wasm counter.c` makes the component. Define those of the
 * on_… functions that you need; each has a default. All state is the instance's: after a
 * crash a new instance starts from the program's initial values.
 *
 * A command is an ordinary program with main(); it needs this header for nothing.
 * airs_stop.h tells a command when it is asked to stop.
 */
#ifndef AIRS_GUEST_H
#define AIRS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AIRS_PRINTF(at, first) __attribute__((format(printf, at, first)))

/* ---- What an on_… function answers ---- */

/* Made by the functions below and handed over by returning it. */
struct airs_result {
    enum { AIRS_DONE, AIRS_BYTES, AIRS_ERROR } kind;
    char *data; /* malloc()ed; NULL where there is none. */
    size_t size;
};

/* Done, and nothing to say. */
struct airs_result airs_ok(void);

/* Done, with an answer. Both copy. */
struct airs_result airs_text(const char *format, ...) AIRS_PRINTF(1, 2);
struct airs_result airs_bytes(const void *bytes, size_t size);

/* Not done. From on_message and on_callback it is an answer like any other; from on_init a
 * failed start. */
struct airs_result airs_error(const char *format, ...) AIRS_PRINTF(1, 2);

/* ---- What you define ---- */

/* A component's name among the others: namespace is the application. */
struct airs_id {
    const char *namespace;
    const char *name;     /* The path without its first "/" and without "#N". */
    const char *instance; /* The N of "name#N", else "0". */
};

/* Valid until the function that got it returns. */
struct airs_message {
    struct airs_id sender;
    const char *text; /* The payload; a zero byte follows it. */
    size_t size;
    const char *correlation_id;     /* NULL: none. */
    const char *content_type;       /* NULL: none. */
    const struct airs_id *reply_to; /* NULL: none. */
    uint64_t seconds;               /* When it was sent. */
    uint32_t nanoseconds;
};

enum airs_health { AIRS_HEALTHY, AIRS_DEGRADED, AIRS_UNHEALTHY, AIRS_UNKNOWN };

/* Texts are copied. NULL means empty; `operations` ends with NULL. */
struct airs_metadata {
    const char *name;
    const char *version;
    const char *description;
    const char *author;
    const char *license;
    const char *const *operations;
    bool stateful;
};

struct airs_result on_init(void);                                   /* Default: ok. */
struct airs_result on_message(const struct airs_message *message);  /* Default: no answer. */
struct airs_result on_callback(const struct airs_message *message); /* Default: ok. */
struct airs_result on_shutdown(void);                               /* Default: ok. */
enum airs_health on_health(void);                                   /* Default: healthy. */
struct airs_metadata on_metadata(void);                             /* Default: name "actor". */

/* ---- What you were started with: from on_init on ---- */

/* The manifest's `config`; a zero byte follows it. "" and 0 where there is none. */
const char *airs_config(void);
size_t airs_config_size(void);

/* The value of a variable of the manifest's `environment`; NULL: not set. */
const char *airs_env(const char *name);

/* limits.memory and limits.call-timeout. */
uint64_t airs_memory_bytes_max(void);
uint64_t airs_call_timeout_ms(void);

/* ---- What the host does for you ---- */

enum airs_level { AIRS_TRACE, AIRS_DEBUG, AIRS_INFO, AIRS_WARN, AIRS_LOG_ERROR };

void airs_log(enum airs_level level, const char *format, ...) AIRS_PRINTF(2, 3);

/* Waits and holds no worker. */
void airs_sleep_ms(uint64_t ms);

/* Wall clock, since 1970. */
uint64_t airs_now_ms(void);
void airs_now(uint64_t *seconds_out, uint32_t *nanoseconds_out);

/* Who this is. The texts stay valid. */
const struct airs_id *airs_self(void);

/* All components of the application, in start order. Free with airs_list_free(). */
struct airs_list {
    struct airs_id *ids;
    size_t count;
};
struct airs_list airs_list_components(void);
void airs_list_free(struct airs_list *list);

/* The functions from here on answer NULL when it was done, else why not; that text is valid
 * until the next of them is called. */

/* Texts in `info_out` are valid until the next call. */
struct airs_component_info {
    struct airs_id id;
    const char *name;
    const char *version;
    const char *health;
};
const char *airs_component_info(struct airs_id id, struct airs_component_info *info_out);

const char *airs_send(struct airs_id target, const void *bytes, size_t size);
const char *airs_broadcast(const struct airs_id *targets, size_t count, const void *bytes,
                           size_t size);

/* The answer arrives at on_callback with the correlation id that stands in
 * `correlation_id_out` (valid until the next call). */
const char *airs_request(struct airs_id target, const void *bytes, size_t size, uint64_t timeout_ms,
                         const char **correlation_id_out);
const char *airs_cancel_request(const char *correlation_id);

/* `*value_out` is NULL where the key is not set; else free() it. A zero byte follows it. */
const char *airs_storage_get(const char *key, char **value_out, size_t *size_out);
const char *airs_storage_set(const char *key, const void *value, size_t size);
const char *airs_storage_delete(const char *key);

#endif
