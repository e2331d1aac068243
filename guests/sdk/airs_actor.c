/* The library behind airs_guest.h: it answers the exports of world runtime-host by calling
 * the on_… functions, and turns the bindings' strings into C strings.
 *
 * Texts that come in end with a zero byte (see airs_realloc.c), so they are used where they
 * lie. A string of length 0 has no such byte and becomes "". Nothing here writes to stdout
 * or reads a file: an actor that does not either needs no WASI and starts faster.
 */
#include "airs_guest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/runtime_host.h"

typedef runtime_host_string_t text_t;
typedef airssys_core_types_component_id_t id_t_;

enum {
    WHY_BYTES_MAX = 512, /* The text of a host function's error is cut there. */
};

/* What initialize brought; kept for the life of the instance. */
static airssys_core_types_component_config_t start;

static char why[WHY_BYTES_MAX];

/* ---- Defaults ---- */

__attribute__((weak)) struct airs_result
on_init(void)
{
    return airs_ok();
}

__attribute__((weak)) struct airs_result
on_message(const struct airs_message *message)
{
    (void)message;
    return airs_ok();
}

__attribute__((weak)) struct airs_result
on_callback(const struct airs_message *message)
{
    (void)message;
    return airs_ok();
}

__attribute__((weak)) struct airs_result
on_shutdown(void)
{
    return airs_ok();
}

__attribute__((weak)) enum airs_health
on_health(void)
{
    return AIRS_HEALTHY;
}

__attribute__((weak)) struct airs_metadata
on_metadata(void)
{
    return (struct airs_metadata){ .name = "actor" };
}

/* ---- Texts ---- */

static text_t
text_of(const char *string)
{
    return (text_t){ .ptr = (uint8_t *)string, .len = string ? strlen(string) : 0 };
}

static text_t
text_copy(const char *string)
{
    text_t text = { 0 };
    if (string)
        runtime_host_string_dup(&text, string);
    return text;
}

static const char *
string_of(text_t text)
{
    return text.len ? (const char *)text.ptr : "";
}

static struct airs_id
id_of(const id_t_ *id)
{
    return (struct airs_id){ .namespace = string_of(id->namespace_),
                             .name = string_of(id->name),
                             .instance = string_of(id->instance) };
}

static id_t_
id_lower(struct airs_id id)
{
    return (id_t_){ .namespace_ = text_of(id.namespace),
                    .name = text_of(id.name),
                    .instance = text_of(id.instance) };
}

/* ---- Results ---- */

struct airs_result
airs_ok(void)
{
    return (struct airs_result){ .kind = AIRS_DONE };
}

struct airs_result
airs_bytes(const void *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        abort();
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return (struct airs_result){ .kind = AIRS_BYTES, .data = copy, .size = size };
}

static char *
format_text(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    return text;
}

struct airs_result
airs_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    return (struct airs_result){ .kind = AIRS_BYTES, .data = text, .size = strlen(text) };
}

struct airs_result
airs_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    return (struct airs_result){ .kind = AIRS_ERROR, .data = text, .size = strlen(text) };
}

/* The text of a result that is an error; the bindings free it after the call. */
static text_t
error_text(const struct airs_result *result)
{
    return (text_t){ .ptr = (uint8_t *)result->data, .len = result->size };
}

/* ---- Exports ---- */

bool
exports_airssys_core_component_lifecycle_initialize(
    exports_airssys_core_component_lifecycle_component_config_t *config,
    exports_airssys_core_component_lifecycle_component_error_t *err)
{
    start = *config;
    struct airs_result result = on_init();
    if (result.kind == AIRS_ERROR) {
        err->tag = AIRSSYS_CORE_ERRORS_COMPONENT_ERROR_INITIALIZATION_FAILED;
        err->val.initialization_failed = error_text(&result);
        return false;
    }
    free(result.data);
    return true;
}

/* Calls one of the two functions that take a message. */
static struct airs_result
with_message(struct airs_result (*handle)(const struct airs_message *),
             const airssys_core_types_component_message_t *msg)
{
    const airssys_core_types_message_metadata_t *about = &msg->metadata;
    struct airs_id reply_to = { 0 };
    if (about->reply_to.is_some)
        reply_to = id_of(&about->reply_to.val);
    const struct airs_message message = {
        .sender = id_of(&msg->sender),
        .text = msg->payload.len ? (const char *)msg->payload.ptr : "",
        .size = msg->payload.len,
        .correlation_id =
            about->correlation_id.is_some ? string_of(about->correlation_id.val) : NULL,
        .content_type = about->content_type.is_some ? string_of(about->content_type.val) : NULL,
        .reply_to = about->reply_to.is_some ? &reply_to : NULL,
        .seconds = about->timestamp.seconds,
        .nanoseconds = about->timestamp.nanoseconds,
    };
    return handle(&message);
}

static bool
wasm_error(const struct airs_result *result, airssys_core_errors_wasm_error_t *err)
{
    if (result->kind != AIRS_ERROR)
        return false;
    err->tag = AIRSSYS_CORE_ERRORS_WASM_ERROR_RUNTIME_ERROR;
    err->val.runtime_error = error_text(result);
    return true;
}

bool
exports_airssys_core_component_lifecycle_handle_message(
    exports_airssys_core_component_lifecycle_component_message_t *msg,
    exports_airssys_core_component_lifecycle_option_message_payload_t *ret,
    exports_airssys_core_component_lifecycle_wasm_error_t *err)
{
    struct airs_result result = with_message(on_message, msg);
    airssys_core_types_component_message_free(msg);
    if (wasm_error(&result, err))
        return false;
    ret->is_some = result.kind == AIRS_BYTES;
    ret->val.ptr = (uint8_t *)result.data;
    ret->val.len = result.size;
    if (ret->is_some && result.size == 0) {
        free(result.data); /* The bindings free nothing of size 0. */
        ret->val.ptr = (uint8_t *)1;
    }
    return true;
}

bool
exports_airssys_core_component_lifecycle_handle_callback(
    exports_airssys_core_component_lifecycle_component_message_t *msg,
    exports_airssys_core_component_lifecycle_wasm_error_t *err)
{
    struct airs_result result = with_message(on_callback, msg);
    airssys_core_types_component_message_free(msg);
    if (wasm_error(&result, err))
        return false;
    free(result.data);
    return true;
}

static runtime_host_list_string_t
operations_copy(const char *const *operations)
{
    size_t count = 0;
    while (operations && operations[count])
        count++;
    runtime_host_list_string_t list = { 0 };
    if (count == 0)
        return list;
    list.ptr = malloc(count * sizeof *list.ptr);
    if (!list.ptr)
        abort();
    for (size_t i = 0; i < count; i++)
        list.ptr[i] = text_copy(operations[i]);
    list.len = count;
    return list;
}

void
exports_airssys_core_component_lifecycle_metadata(
    exports_airssys_core_component_lifecycle_component_metadata_t *ret)
{
    const struct airs_metadata about = on_metadata();
    ret->name = text_copy(about.name);
    ret->version = text_copy(about.version);
    ret->description = text_copy(about.description);
    ret->author = text_copy(about.author);
    ret->license = text_copy(about.license);
    ret->supported_operations = operations_copy(about.operations);
    ret->stateful = about.stateful;
}

exports_airssys_core_component_lifecycle_health_status_t
exports_airssys_core_component_lifecycle_health(void)
{
    return (uint8_t)on_health(); /* The same order as in the WIT. */
}

bool
exports_airssys_core_component_lifecycle_shutdown(
    exports_airssys_core_component_lifecycle_component_error_t *err)
{
    struct airs_result result = on_shutdown();
    if (result.kind == AIRS_ERROR) {
        err->tag = AIRSSYS_CORE_ERRORS_COMPONENT_ERROR_SHUTDOWN_FAILED;
        err->val.shutdown_failed = error_text(&result);
        return false;
    }
    free(result.data);
    return true;
}

/* ---- What the actor was started with ---- */

const char *
airs_config(void)
{
    return airs_config_size() > 0 ? (const char *)start.config_data.val.ptr : "";
}

size_t
airs_config_size(void)
{
    return start.config_data.is_some ? start.config_data.val.len : 0;
}

const char *
airs_env(const char *name)
{
    for (size_t i = 0; i < start.env_vars.len; i++)
        if (strcmp(string_of(start.env_vars.ptr[i].f0), name) == 0)
            return string_of(start.env_vars.ptr[i].f1);
    return NULL;
}

uint64_t
airs_memory_bytes_max(void)
{
    return start.resource_limits.max_memory_bytes;
}

uint64_t
airs_call_timeout_ms(void)
{
    return start.resource_limits.max_execution_time_ms;
}

/* ---- host-services ---- */

void
airs_log(enum airs_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *line = format_text(format, arguments);
    va_end(arguments);
    text_t text = text_of(line);
    airssys_core_host_services_log((uint8_t)level, &text, NULL);
    free(line);
}

void
airs_sleep_ms(uint64_t ms)
{
    airssys_core_host_services_sleep_millis(ms);
}

uint64_t
airs_now_ms(void)
{
    return airssys_core_host_services_current_time_millis();
}

void
airs_now(uint64_t *seconds_out, uint32_t *nanoseconds_out)
{
    airssys_core_host_services_timestamp_t now;
    airssys_core_host_services_current_time(&now);
    *seconds_out = now.seconds;
    *nanoseconds_out = now.nanoseconds;
}

const struct airs_id *
airs_self(void)
{
    static struct airs_id self;
    static bool known;
    if (!known) {
        id_t_ id;
        airssys_core_host_messaging_self_id(&id);
        self = id_of(&id); /* Keeps the texts of `id` for good. */
        known = true;
    }
    return &self;
}

struct airs_list
airs_list_components(void)
{
    airssys_core_host_services_list_component_id_t found;
    airssys_core_host_services_list_components(&found);
    struct airs_list list = { .ids = calloc(found.len + 1, sizeof *list.ids), .count = found.len };
    if (!list.ids)
        abort();
    for (size_t i = 0; i < found.len; i++)
        list.ids[i] = id_of(&found.ptr[i]);
    if (found.len > 0)
        free(found.ptr); /* The texts go on in list.ids. */
    return list;
}

static void
string_free(const char *string)
{
    if (*string)
        free((void *)string);
}

void
airs_list_free(struct airs_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        string_free(list->ids[i].namespace);
        string_free(list->ids[i].name);
        string_free(list->ids[i].instance);
    }
    free(list->ids);
    *list = (struct airs_list){ 0 };
}

/* ---- Errors of host functions as text ---- */

static const char *
why_text(const char *kind, text_t detail)
{
    if (detail.len > 0)
        snprintf(why, sizeof why, "%s: %s", kind, string_of(detail));
    else
        snprintf(why, sizeof why, "%s", kind);
    return why;
}

static const char *
component_why(airssys_core_errors_component_error_t *err)
{
    static const char *const kinds[] = { "initialization-failed", "already-initialized",
                                         "not-initialized", "shutdown-failed", "invalid-state" };
    bool bare = err->tag == AIRSSYS_CORE_ERRORS_COMPONENT_ERROR_ALREADY_INITIALIZED ||
                err->tag == AIRSSYS_CORE_ERRORS_COMPONENT_ERROR_NOT_INITIALIZED;
    why_text(kinds[err->tag], bare ? (text_t){ 0 } : err->val.invalid_state);
    airssys_core_errors_component_error_free(err);
    return why;
}

static const char *
messaging_why(airssys_core_errors_messaging_error_t *err)
{
    switch (err->tag) {
    case AIRSSYS_CORE_ERRORS_MESSAGING_ERROR_DELIVERY_FAILED:
        why_text("delivery-failed", err->val.delivery_failed);
        break;
    case AIRSSYS_CORE_ERRORS_MESSAGING_ERROR_CORRELATION_TIMEOUT:
        why_text("correlation-timeout", err->val.correlation_timeout);
        break;
    case AIRSSYS_CORE_ERRORS_MESSAGING_ERROR_INVALID_MESSAGE:
        why_text("invalid-message", err->val.invalid_message);
        break;
    case AIRSSYS_CORE_ERRORS_MESSAGING_ERROR_QUEUE_FULL:
        why_text("queue-full", (text_t){ 0 });
        break;
    case AIRSSYS_CORE_ERRORS_MESSAGING_ERROR_TARGET_NOT_FOUND:
        why_text("target-not-found", err->val.target_not_found.name);
        break;
    default:
        abort(); /* The host keeps to the WIT. */
    }
    airssys_core_errors_messaging_error_free(err);
    return why;
}

static const char *
storage_why(airssys_core_errors_storage_error_t *err)
{
    static const char *const kinds[] = { "not-found", "already-exists", "quota-exceeded",
                                         "invalid-key", "io-error" };
    bool bare = err->tag == AIRSSYS_CORE_ERRORS_STORAGE_ERROR_QUOTA_EXCEEDED;
    why_text(kinds[err->tag], bare ? (text_t){ 0 } : err->val.io_error);
    airssys_core_errors_storage_error_free(err);
    return why;
}

const char *
airs_component_info(struct airs_id id, struct airs_component_info *info_out)
{
    static airssys_core_host_services_component_info_t kept;
    airssys_core_errors_component_error_t err;
    id_t_ target = id_lower(id);

    airssys_core_host_services_component_info_free(&kept);
    kept = (airssys_core_host_services_component_info_t){ 0 };
    if (!airssys_core_host_services_get_component_metadata(&target, &kept, &err))
        return component_why(&err);
    *info_out = (struct airs_component_info){ .id = id_of(&kept.id),
                                              .name = string_of(kept.name),
                                              .version = string_of(kept.version),
                                              .health = string_of(kept.health) };
    return NULL;
}

/* ---- host-messaging ---- */

static airssys_core_types_message_payload_t
payload_of(const void *bytes, size_t size)
{
    return (airssys_core_types_message_payload_t){ .ptr = (uint8_t *)bytes, .len = size };
}

const char *
airs_send(struct airs_id target, const void *bytes, size_t size)
{
    airssys_core_errors_messaging_error_t err;
    id_t_ to = id_lower(target);
    airssys_core_types_message_payload_t payload = payload_of(bytes, size);
    return airssys_core_host_messaging_send(&to, &payload, &err) ? NULL : messaging_why(&err);
}

const char *
airs_broadcast(const struct airs_id *targets, size_t count, const void *bytes, size_t size)
{
    airssys_core_errors_messaging_error_t err;
    airssys_core_types_message_payload_t payload = payload_of(bytes, size);
    id_t_ *to = calloc(count + 1, sizeof *to);
    if (!to)
        abort();
    for (size_t i = 0; i < count; i++)
        to[i] = id_lower(targets[i]);
    airssys_core_host_messaging_list_component_id_t list = { .ptr = to, .len = count };
    bool sent = airssys_core_host_messaging_broadcast(&list, &payload, &err);
    free(to);
    return sent ? NULL : messaging_why(&err);
}

const char *
airs_request(struct airs_id target, const void *bytes, size_t size, uint64_t timeout_ms,
             const char **correlation_id_out)
{
    static text_t kept;
    airssys_core_errors_messaging_error_t err;
    id_t_ to = id_lower(target);
    airssys_core_types_message_payload_t payload = payload_of(bytes, size);

    runtime_host_string_free(&kept);
    if (!airssys_core_host_messaging_request(&to, &payload, timeout_ms, &kept, &err))
        return messaging_why(&err);
    *correlation_id_out = string_of(kept);
    return NULL;
}

const char *
airs_cancel_request(const char *correlation_id)
{
    airssys_core_errors_messaging_error_t err;
    text_t id = text_of(correlation_id);
    return airssys_core_host_messaging_cancel_request(&id, &err) ? NULL : messaging_why(&err);
}

/* ---- storage ---- */

const char *
airs_storage_get(const char *key, char **value_out, size_t *size_out)
{
    airssys_core_storage_option_storage_value_t value;
    airssys_core_errors_storage_error_t err;
    text_t name = text_of(key);
    if (!airssys_core_storage_get(&name, &value, &err))
        return storage_why(&err);
    *value_out = NULL;
    *size_out = value.is_some ? value.val.len : 0;
    if (value.is_some)
        *value_out = value.val.len > 0 ? (char *)value.val.ptr : calloc(1, 1);
    return NULL;
}

const char *
airs_storage_set(const char *key, const void *value, size_t size)
{
    airssys_core_errors_storage_error_t err;
    text_t name = text_of(key);
    airssys_core_storage_storage_value_t bytes = { .ptr = (uint8_t *)value, .len = size };
    return airssys_core_storage_set(&name, &bytes, &err) ? NULL : storage_why(&err);
}

const char *
airs_storage_delete(const char *key)
{
    airssys_core_errors_storage_error_t err;
    text_t name = text_of(key);
    return airssys_core_storage_delete(&name, &err) ? NULL : storage_why(&err);
}
