/* Instance: a store, at most one call in it, and the outcome of the last one.
 *
 * The order of deletion is the whole safety of this file: a call borrows the store and the
 * caller's arguments, so it goes first, then the store, then the reference to the component.
 */
#include "engine/instance.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/component_inside.h"
#include "engine/doors.h"
#include "engine/engine_inside.h"
#include "engine/settings.h"

enum call_kind {
    CALL_INSTANTIATE,
    CALL_EXPORT,
    CALL_RUN,
};

struct instance {
    struct component *component; /* Constant after instance_new(). */
    struct doors_store *store;   /* Constant after instance_new(); used with `call`. */
    struct doors_signal *signal; /* Constant; raised by any thread. NULL: cannot be asked. */

    /* The polling thread only. */
    struct doors_call *call; /* NULL: none in flight. */
    enum call_kind call_kind;
    bool instantiated;
    bool ended;
    struct outcome outcome;
    wasm_byte_vec_t bytes;           /* What outcome.reply points at. */
    struct guest_metadata *metadata; /* What outcome.metadata points at. */
    char *text;                      /* What outcome.text points at, or NULL. */

    _Atomic uint64_t memory_bytes; /* Relaxed: written by the store, a number for any reader. */
};

enum airs_status
instance_new(struct component *component, const struct instance_options *options,
             struct instance **instance_out, struct airs_error *error)
{
    assert(component && options && instance_out);

    uint64_t memory_bytes_max = component->engine->config.memory_bytes_max;
    if (options->memory_bytes_max > memory_bytes_max)
        return fail(error, AIRS_EINVAL,
                    "limits.memory: %" PRIu64 " bytes is more than the engine's %" PRIu64,
                    options->memory_bytes_max, memory_bytes_max);
    struct instance_options complete = *options;
    if (complete.memory_bytes_max == 0)
        complete.memory_bytes_max = memory_bytes_max < ENGINE_MEMORY_BYTES_DEFAULT
                                        ? memory_bytes_max
                                        : ENGINE_MEMORY_BYTES_DEFAULT;

    struct instance *instance = calloc(1, sizeof *instance);
    if (!instance)
        return fail(error, AIRS_ENOMEM, "instance: out of memory");
    wasmtime_error_t *failure =
        doors_store_new(component->doors, &complete, &instance->memory_bytes, &instance->store);
    if (failure) {
        free(instance);
        return settings_fail(error, AIRS_EINVAL, "instance", failure);
    }
    instance->component = component_ref(component);
    instance->outcome.text = "";
    if (options->stdin_open || component->imports_stop)
        instance->signal = doors_store_signal(instance->store);
    *instance_out = instance;
    return AIRS_OK;
}

void
instance_forget_outcome(struct instance *instance)
{
    wasm_byte_vec_delete(&instance->bytes);
    instance->bytes = (wasm_byte_vec_t){ 0 };
    if (instance->metadata)
        doors_metadata_delete(instance->metadata);
    instance->metadata = NULL;
    free(instance->text);
    instance->text = NULL;
    instance->outcome = (struct outcome){ .text = "" };
}

void
instance_free(struct instance *instance)
{
    if (!instance)
        return;
    instance_cancel(instance);
    instance_forget_outcome(instance);
    if (instance->signal)
        doors_signal_delete(instance->signal);
    doors_store_delete(instance->store);
    component_unref(instance->component);
    free(instance);
}

static void
begin(struct instance *instance, enum call_kind kind, struct doors_call *call)
{
    assert(!instance->call && !instance->ended);
    assert(instance->instantiated == (kind != CALL_INSTANTIATE));
    if (kind != CALL_INSTANTIATE)
        assert((instance->component->kind == COMPONENT_COMMAND) == (kind == CALL_RUN));
    instance_forget_outcome(instance);
    instance->call = call;
    instance->call_kind = kind;
}

void
instance_begin_instantiate(struct instance *instance)
{
    begin(instance, CALL_INSTANTIATE, doors_call_instantiate(instance->store));
}

void
instance_begin_initialize(struct instance *instance, const struct guest_config *config)
{
    begin(instance, CALL_EXPORT, doors_call_initialize(instance->store, config));
}

void
instance_begin_handle_message(struct instance *instance, const struct guest_message *message)
{
    begin(instance, CALL_EXPORT, doors_call_handle_message(instance->store, message));
}

void
instance_begin_handle_callback(struct instance *instance, const struct guest_message *message)
{
    begin(instance, CALL_EXPORT, doors_call_handle_callback(instance->store, message));
}

void
instance_begin_metadata(struct instance *instance)
{
    begin(instance, CALL_EXPORT, doors_call_metadata(instance->store));
}

void
instance_begin_health(struct instance *instance)
{
    begin(instance, CALL_EXPORT, doors_call_health(instance->store));
}

void
instance_begin_shutdown(struct instance *instance)
{
    begin(instance, CALL_EXPORT, doors_call_shutdown(instance->store));
}

void
instance_begin_run(struct instance *instance)
{
    begin(instance, CALL_RUN, doors_call_run(instance->store));
}

/* The outcome's text: the result's bytes, cut at a character, NUL-terminated. */
static void
take_text(struct instance *instance, const wasm_byte_vec_t *bytes)
{
    size_t size = bytes->size;
    if (size > INSTANCE_TEXT_BYTES_MAX)
        size = utf8_whole_size(bytes->data, INSTANCE_TEXT_BYTES_MAX);
    instance->text = malloc(size + 1);
    if (!instance->text)
        return;
    for (size_t i = 0; i < size; i++)
        instance->text[i] = bytes->data[i] ? bytes->data[i] : '?';
    instance->text[size] = '\0';
    instance->outcome.text = instance->text;
}

/* A command's run: exit(0) is a return, and its err has no text and means exit code 1. */
static void
judge_run(struct outcome *outcome)
{
    if (outcome->kind == OUTCOME_EXIT && outcome->exit_code == 0)
        outcome->kind = OUTCOME_OK;
    if (outcome->kind == OUTCOME_ERR) {
        outcome->kind = OUTCOME_EXIT;
        outcome->exit_code = 1;
    }
}

static void
take_result(struct instance *instance, struct doors_result *result)
{
    struct outcome *outcome = &instance->outcome;
    outcome->kind = (enum outcome_kind)result->kind;
    if (outcome->kind == OUTCOME_TRAP)
        outcome->trap = (enum trap_code)result->code;
    if (outcome->kind == OUTCOME_EXIT)
        outcome->exit_code = result->code;
    if (outcome->kind == OUTCOME_OK) {
        instance->bytes = result->bytes;
        instance->metadata = result->metadata;
        outcome->has_reply = result->has_reply;
        outcome->reply = (struct span){ result->bytes.data, result->bytes.size };
        outcome->health = (enum guest_health)result->health;
        outcome->metadata = result->metadata;
    } else {
        take_text(instance, &result->bytes);
        wasm_byte_vec_delete(&result->bytes);
    }
    if (instance->call_kind == CALL_RUN)
        judge_run(outcome);
    instance->instantiated = true;
    instance->ended = outcome->kind >= OUTCOME_TRAP || instance->call_kind == CALL_RUN;
}

enum call_state
instance_poll(struct instance *instance)
{
    assert(instance->call);
    struct doors_result result = { 0 };
    if (!doors_call_poll(instance->call, &result))
        return CALL_PENDING;
    doors_call_delete(instance->call);
    instance->call = NULL;
    take_result(instance, &result);
    return CALL_DONE;
}

const struct outcome *
instance_outcome(const struct instance *instance)
{
    assert(!instance->call);
    return &instance->outcome;
}

bool
instance_is_calling(const struct instance *instance)
{
    return instance->call != NULL;
}

bool
instance_has_ended(const struct instance *instance)
{
    return instance->ended;
}

void
instance_cancel(struct instance *instance)
{
    if (!instance->call)
        return;
    doors_call_delete(instance->call);
    instance->call = NULL;
    instance->ended = true;
}

bool
instance_ask_stop(struct instance *instance)
{
    if (!instance->signal)
        return false;
    doors_signal_raise(instance->signal);
    return true;
}

uint64_t
instance_memory_bytes(const struct instance *instance)
{
    return atomic_load_explicit(&instance->memory_bytes, memory_order_relaxed);
}
