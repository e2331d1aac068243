/* Host functions: what a guest may ask of its host, as a table of C functions.
 *
 * The doors call them with the `host` pointer of the instance, on the thread that polls it, on
 * the guest's fiber: they must not block, must use at most 64 KiB of stack and must not poll or
 * free an instance. Text that comes from a guest is valid UTF-8. A function that is NULL is
 * answered by the door: log is dropped, times are 0, lists are empty, everything else is the
 * interface's error ("not offered"). sleep-millis is not here: the engine waits by itself.
 *
 * Answers that carry text or bytes go through answer_…(), which copy at once. The text of an
 * error goes through answer_text() as well, before the function returns the error.
 */
#ifndef ENGINE_HOST_FUNCTIONS_H
#define ENGINE_HOST_FUNCTIONS_H

#include "engine/guest_types.h"

/** Takes the answer of one host function call; good until that function returns. */
struct answer;

/** Sets the answer's text or bytes: a correlation id, a stored value, the text of an error.
 *  Text that is not UTF-8 is made so with replacement characters. */
void answer_text(struct answer *answer, const char *text);
void answer_bytes(struct answer *answer, const void *bytes, size_t size);
/** Appends to a list answer: keys of list_keys. */
void answer_add_text(struct answer *answer, const char *text, size_t size);
/** Sets the answer's id (self_id, get_component_metadata), or appends to list_components. */
void answer_add_id(struct answer *answer, const struct guest_id *id);
/** Sets the rest of component-info; NUL-terminated UTF-8. */
void answer_info(struct answer *answer, const char *name, const char *version, const char *health);

struct host_functions {
    /* host-services */
    void (*log)(void *host, enum guest_log_level level, struct span message,
                const struct span_pair *context, size_t context_count);
    void (*current_time)(void *host, struct guest_time *time_out);
    uint64_t (*current_time_millis)(void *host);
    void (*list_components)(void *host, struct answer *ids);
    enum component_error (*get_component_metadata)(void *host, const struct guest_id *id,
                                                   struct answer *info);
    /* host-messaging */
    void (*self_id)(void *host, struct answer *id);
    enum messaging_error (*send)(void *host, const struct guest_id *target, struct span payload,
                                 struct answer *error_text);
    enum messaging_error (*request)(void *host, const struct guest_id *target, struct span payload,
                                    uint64_t timeout_ms, struct answer *correlation_id);
    enum messaging_error (*cancel_request)(void *host, struct span request_id,
                                           struct answer *error_text);
    enum messaging_error (*broadcast)(void *host, const struct guest_id *targets,
                                      size_t target_count, struct span payload,
                                      struct answer *error_text);
    /* storage: get answers "no such key" with STORAGE_OK and without answer_bytes() */
    enum storage_error (*storage_get)(void *host, struct span key, struct answer *value);
    enum storage_error (*storage_set)(void *host, struct span key, struct span value,
                                      struct answer *error_text);
    enum storage_error (*storage_delete)(void *host, struct span key, struct answer *error_text);
    enum storage_error (*storage_exists)(void *host, struct span key, bool *exists_out,
                                         struct answer *error_text);
    enum storage_error (*storage_list_keys)(void *host, struct span prefix, /* NULL: all */
                                            struct answer *keys);
    enum storage_error (*storage_usage)(void *host, struct storage_usage *usage_out,
                                        struct answer *error_text);
};

#endif
