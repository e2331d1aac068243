/* Host functions: each runs on the worker that polls the guest, on the guest's fiber, so it
 * does little and waits for nobody. `host` is the caller's struct component_host.
 */
#include "component/host_functions.h"

#include <string.h>

#include "base/clock.h"

#define NOT_GRANTED "not permitted: no messaging granted"
#define NO_STORAGE "no storage granted"
/* The parts of an id that a look-up takes; a longer one is nobody's. */
#define ID_PART_BYTES_MAX 1024

_Static_assert((int)GUEST_LOG_TRACE == (int)LOG_TRACE && (int)GUEST_LOG_DEBUG == (int)LOG_DEBUG &&
                   (int)GUEST_LOG_INFO == (int)LOG_INFO && (int)GUEST_LOG_WARN == (int)LOG_WARN &&
                   (int)GUEST_LOG_ERROR == (int)LOG_ERROR,
               "a guest's level is passed on as it is");

static void
host_log(void *host, enum guest_log_level level, struct span message,
         const struct span_pair *context, size_t context_count)
{
    struct component_host *self = host;
    struct log_pair pairs[LOG_CONTEXT_MAX];
    size_t count = context_count < LOG_CONTEXT_MAX ? context_count : LOG_CONTEXT_MAX;

    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct log_pair){ context[i].name.data, context[i].name.size,
                                      context[i].value.data, context[i].value.size };
    component_output_log(&self->output, (enum log_level)level, message.data, message.size, pairs,
                         count);
}

static void
host_current_time(void *host, struct guest_time *time_out)
{
    (void)host;
    uint64_t now_us = clock_wall_us();
    time_out->seconds = now_us / US_PER_S;
    time_out->nanoseconds = (uint32_t)(now_us % US_PER_S) * 1000;
}

static uint64_t
host_current_time_millis(void *host)
{
    (void)host;
    return clock_wall_us() / US_PER_MS;
}

static struct guest_id
id_of_path(const struct component_host *self, const char *path)
{
    struct component_id_parts parts = component_id_of_path(path);
    const char *app = component_registry_app(self->registry);

    return (struct guest_id){
        .namespace = { app, strlen(app) },
        .name = { parts.name, parts.name_size },
        .instance = { parts.instance, parts.instance_size },
    };
}

struct listing {
    const struct component_host *self;
    struct answer *ids;
};

static void
list_one(void *context, const struct component_info *info)
{
    struct listing *listing = context;
    struct guest_id id = id_of_path(listing->self, info->path);

    answer_add_id(listing->ids, &id);
}

static void
host_list_components(void *host, struct answer *ids)
{
    struct component_host *self = host;

    component_registry_each(self->registry, list_one, &(struct listing){ self, ids });
}

/* `span` as text; false when it does not fit, and then it is nobody's id. */
static bool
text_of(struct span span, char text_out[ID_PART_BYTES_MAX])
{
    if (span.size >= ID_PART_BYTES_MAX || (span.size > 0 && memchr(span.data, 0, span.size)))
        return false;
    if (span.size > 0)
        memcpy(text_out, span.data, span.size);
    text_out[span.size] = '\0';
    return true;
}

static enum component_error
host_get_component_metadata(void *host, const struct guest_id *id, struct answer *answer)
{
    struct component_host *self = host;
    char namespace_name[ID_PART_BYTES_MAX];
    char name[ID_PART_BYTES_MAX];
    char instance[ID_PART_BYTES_MAX];
    struct component_info info;

    if (!text_of(id->namespace, namespace_name) || !text_of(id->name, name) ||
        !text_of(id->instance, instance) ||
        !component_registry_get_id(self->registry, namespace_name, name, instance, &info)) {
        answer_text(answer, "no such component");
        return COMPONENT_ERROR_INVALID_STATE;
    }
    struct guest_id found = id_of_path(self, info.path);
    answer_add_id(answer, &found);
    answer_info(answer, info.metadata_name, info.metadata_version, health_answer_name(info.health));
    component_info_deinit(&info);
    return COMPONENT_ERROR_NONE;
}

static void
host_self_id(void *host, struct answer *answer)
{
    struct component_host *self = host;
    struct guest_id id = id_of_path(self, self->path);

    answer_add_id(answer, &id);
}

static enum messaging_error
host_send(void *host, const struct guest_id *target, struct span payload, struct answer *error_text)
{
    (void)host, (void)target, (void)payload;
    answer_text(error_text, NOT_GRANTED);
    return MESSAGING_DELIVERY_FAILED;
}

static enum messaging_error
host_request(void *host, const struct guest_id *target, struct span payload, uint64_t timeout_ms,
             struct answer *correlation_id)
{
    (void)host, (void)target, (void)payload, (void)timeout_ms;
    answer_text(correlation_id, NOT_GRANTED);
    return MESSAGING_DELIVERY_FAILED;
}

static enum messaging_error
host_cancel_request(void *host, struct span request_id, struct answer *error_text)
{
    (void)host, (void)request_id;
    answer_text(error_text, "no such request");
    return MESSAGING_INVALID_MESSAGE;
}

static enum messaging_error
host_broadcast(void *host, const struct guest_id *targets, size_t target_count, struct span payload,
               struct answer *error_text)
{
    (void)host, (void)targets, (void)target_count, (void)payload;
    answer_text(error_text, NOT_GRANTED);
    return MESSAGING_DELIVERY_FAILED;
}

static enum storage_error
no_storage(struct answer *error_text)
{
    answer_text(error_text, NO_STORAGE);
    return STORAGE_IO_ERROR;
}

static enum storage_error
host_storage_get(void *host, struct span key, struct answer *value)
{
    (void)host, (void)key;
    return no_storage(value);
}

static enum storage_error
host_storage_set(void *host, struct span key, struct span value, struct answer *error_text)
{
    (void)host, (void)key, (void)value;
    return no_storage(error_text);
}

static enum storage_error
host_storage_delete(void *host, struct span key, struct answer *error_text)
{
    (void)host, (void)key;
    return no_storage(error_text);
}

static enum storage_error
host_storage_exists(void *host, struct span key, bool *exists_out, struct answer *error_text)
{
    (void)host, (void)key, (void)exists_out;
    return no_storage(error_text);
}

static enum storage_error
host_storage_list_keys(void *host, struct span prefix, struct answer *keys)
{
    (void)host, (void)prefix;
    return no_storage(keys);
}

static enum storage_error
host_storage_usage(void *host, struct storage_usage *usage_out, struct answer *error_text)
{
    (void)host, (void)usage_out;
    return no_storage(error_text);
}

const struct host_functions component_host_functions = {
    .log = host_log,
    .current_time = host_current_time,
    .current_time_millis = host_current_time_millis,
    .list_components = host_list_components,
    .get_component_metadata = host_get_component_metadata,
    .self_id = host_self_id,
    .send = host_send,
    .request = host_request,
    .cancel_request = host_cancel_request,
    .broadcast = host_broadcast,
    .storage_get = host_storage_get,
    .storage_set = host_storage_set,
    .storage_delete = host_storage_delete,
    .storage_exists = host_storage_exists,
    .storage_list_keys = host_storage_list_keys,
    .storage_usage = host_storage_usage,
};
