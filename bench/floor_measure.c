/* The floor's measurements. Each sample is one operation, timed alone.
 *
 * What is timed is the engine's public way (instance.h); only the empty call goes through the
 * doors, because a command's run is called once in a life.
 */
#include "floor.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/component.h"
#include "engine/component_inside.h"
#include "engine/doors.h"
#include "engine/instance.h"

#define FLOOR_INSTANCES 64
#define FLOOR_MEMORY_BYTES (UINT64_C(64) << 20)
#define WARM_UP 20

#define TINY                                                                       \
    "(component (core module $m (func (export \"run\") (result i32) i32.const 0))" \
    " (core instance $i (instantiate $m))"                                         \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"           \
    " (instance $cli (export \"run\" (func $run)))"                                \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

#define TRAPPING                                                         \
    "(component (core module $m (func $deep unreachable)"                \
    "  (func (export \"run\") (result i32) call $deep i32.const 0))"     \
    " (core instance $i (instantiate $m))"                               \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))" \
    " (instance $cli (export \"run\" (func $run)))"                      \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

#define LOOPING                                                                                  \
    "(component (core module $m (func (export \"run\") (result i32) (loop (br 0)) i32.const 0))" \
    " (core instance $i (instantiate $m))"                                                       \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"                         \
    " (instance $cli (export \"run\" (func $run)))"                                              \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

struct floor {
    struct engine *engine;
    struct component *tiny;
    struct component *trapping;
    struct component *looping;
    struct component *actor;
    struct component *command;
};

static const struct {
    const char *name;
    const char *title;
    double expected_ns;
    size_t samples;
} operations[FLOOR_OPERATIONS] = {
    [FLOOR_TINY] = { "tiny", "store + instantiate + delete, tiny component", 5300, 5000 },
    [FLOOR_ACTOR] = { "actor", "the same, actor in C", 12500, 5000 },
    [FLOOR_COMMAND] = { "command", "the same, WASI command", 45000, 3000 },
    [FLOOR_TRAP] = { "trap", "trap with backtrace", 22000, 3000 },
    [FLOOR_EMPTY_CALL] = { "empty-call", "empty call into a component", 450, 50000 },
    [FLOOR_MESSAGE_16] = { "message-16", "handle-message of an actor in C, 16 B", 1250, 20000 },
    [FLOOR_MESSAGE_64] = { "message-64", "the same, 64 B", 1250, 20000 },
    [FLOOR_MESSAGE_4096] = { "message-4096", "the same, 4 KiB", 1400, 20000 },
    [FLOOR_MESSAGE_65536] = { "message-65536", "the same, 64 KiB", 4000, 10000 },
    [FLOOR_CANCEL] = { "cancel", "cancel of a call that has yielded", 1000, 2000 },
    [FLOOR_RESTART] = { "restart", "trap + store + instantiate + initialize + delete", 36000,
                        3000 },
};

const char *
floor_name(enum floor_operation operation)
{
    return operations[operation].name;
}

const char *
floor_title(enum floor_operation operation)
{
    return operations[operation].title;
}

double
floor_expected_ns(enum floor_operation operation)
{
    return operations[operation].expected_ns;
}

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figure
figure_of(double *ns, size_t samples)
{
    assert(samples > 0);
    qsort(ns, samples, sizeof *ns, compare_doubles);
    return (struct figure){ ns[0], ns[samples / 2], ns[samples * 99 / 100], samples };
}

/* ---- Components ---- */

static const struct engine_config engine_config = {
    .instances_max = FLOOR_INSTANCES,
    .memory_bytes_max = FLOOR_MEMORY_BYTES,
};

static struct component *
open_file(struct floor *floor, const char *path, const char *cache)
{
    struct airs_error error = { 0 };
    struct component *component = NULL;
    if (component_compile(&engine_config, path, cache, &error) != AIRS_OK ||
        component_open(floor->engine, path, cache, &component, &error) != AIRS_OK)
        fprintf(stderr, "floor: %s\n", error.message);
    return component;
}

static struct component *
open_guest(struct floor *floor, const char *guests, const char *name, const char *cache)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", guests, name);
    return open_file(floor, path, cache);
}

static struct component *
open_text(struct floor *floor, const char *text, const char *cache)
{
    char path[] = "/tmp/airs-floor-XXXXXX";
    int fd = mkstemp(path);
    wasm_byte_vec_t wasm;
    if (fd < 0 || wasmtime_wat2wasm(text, strlen(text), &wasm) != NULL)
        return NULL;
    struct component *component = NULL;
    if (write(fd, wasm.data, wasm.size) == (ssize_t)wasm.size)
        component = open_file(floor, path, cache);
    wasm_byte_vec_delete(&wasm);
    close(fd);
    unlink(path);
    return component;
}

struct floor *
floor_open(const char *guests, const char *cache)
{
    struct floor *floor = calloc(1, sizeof *floor);
    if (!floor)
        return NULL;
    struct airs_error error = { 0 };
    if (engine_new(&engine_config, &floor->engine, &error) != AIRS_OK) {
        fprintf(stderr, "floor: %s\n", error.message);
        floor_close(floor);
        return NULL;
    }
    floor->tiny = open_text(floor, TINY, cache);
    floor->trapping = open_text(floor, TRAPPING, cache);
    floor->looping = open_text(floor, LOOPING, cache);
    floor->actor = open_guest(floor, guests, "echo.wasm", cache);
    floor->command = open_guest(floor, guests, "hello.wasm", cache);
    if (!floor->tiny || !floor->trapping || !floor->looping || !floor->actor || !floor->command) {
        floor_close(floor);
        return NULL;
    }
    return floor;
}

void
floor_close(struct floor *floor)
{
    if (!floor)
        return;
    component_unref(floor->tiny);
    component_unref(floor->trapping);
    component_unref(floor->looping);
    component_unref(floor->actor);
    component_unref(floor->command);
    engine_free(floor->engine);
    free(floor);
}

/* ---- Measurements: each answers the ns of one sample ---- */

static const struct outcome *
finish(struct instance *instance)
{
    while (instance_poll(instance) == CALL_PENDING)
        ;
    return instance_outcome(instance);
}

static struct instance *
start(struct component *component)
{
    struct instance *instance;
    enum airs_status status =
        instance_new(component, &(struct instance_options){ 0 }, &instance, NULL);
    assert(status == AIRS_OK);
    instance_begin_instantiate(instance);
    const struct outcome *outcome = finish(instance);
    assert(outcome->kind == OUTCOME_OK);
    return instance;
}

static void
initialize(struct instance *instance)
{
    static const struct guest_config config = { .memory_bytes_max = FLOOR_MEMORY_BYTES };
    instance_begin_initialize(instance, &config);
    const struct outcome *outcome = finish(instance);
    assert(outcome->kind == OUTCOME_OK);
}

static double
time_life(struct component *component)
{
    uint64_t began = clock_now_ns();
    instance_free(start(component));
    return (double)(clock_now_ns() - began);
}

static double
time_trap(struct floor *floor)
{
    struct instance *instance = start(floor->trapping);
    instance_begin_run(instance);
    uint64_t began = clock_now_ns();
    const struct outcome *outcome = finish(instance);
    uint64_t ended = clock_now_ns();
    assert(outcome->kind == OUTCOME_TRAP);
    instance_free(instance);
    return (double)(ended - began);
}

static double
time_cancel(struct floor *floor)
{
    struct instance *instance = start(floor->looping);
    engine_tick(floor->engine);
    engine_tick(floor->engine);
    instance_begin_run(instance);
    enum call_state state = instance_poll(instance);
    assert(state == CALL_PENDING);
    uint64_t began = clock_now_ns();
    instance_cancel(instance);
    uint64_t ended = clock_now_ns();
    instance_free(instance);
    return (double)(ended - began);
}

static struct guest_message
message_of(const char *payload, size_t size)
{
    return (struct guest_message){
        .sender = { { "bench", 5 }, { "sender", 6 }, { "0", 1 } },
        .payload = { payload, size },
    };
}

/* Takes over the instance and answers the next one. */
static double
time_restart(struct floor *floor, struct instance **instance)
{
    static const char text[] = "crash trap";
    struct guest_message crash = message_of(text, sizeof text - 1);
    instance_begin_handle_message(*instance, &crash);
    uint64_t began = clock_now_ns();
    const struct outcome *outcome = finish(*instance);
    assert(outcome->kind == OUTCOME_TRAP);
    instance_free(*instance);
    *instance = start(floor->actor);
    initialize(*instance);
    return (double)(clock_now_ns() - began);
}

static double
time_empty_call(struct doors_store *store)
{
    uint64_t began = clock_now_ns();
    struct doors_call *call = doors_call_run(store);
    struct doors_result result = { 0 };
    bool done = doors_call_poll(call, &result);
    doors_call_delete(call);
    uint64_t ended = clock_now_ns();
    assert(done && result.kind == OUTCOME_OK);
    return (double)(ended - began);
}

static double
time_message(struct instance *instance, const struct guest_message *message)
{
    uint64_t began = clock_now_ns();
    instance_begin_handle_message(instance, message);
    const struct outcome *outcome = finish(instance);
    uint64_t ended = clock_now_ns();
    assert(outcome->kind == OUTCOME_OK && outcome->reply.size == message->payload.size);
    return (double)(ended - began);
}

/* ---- Series ---- */

static void
fill_empty_calls(struct floor *floor, double *ns, size_t samples)
{
    _Atomic uint64_t memory_bytes = 0;
    struct doors_store *store;
    struct instance_options options = { .memory_bytes_max = FLOOR_MEMORY_BYTES };
    wasmtime_error_t *failure =
        doors_store_new(floor->tiny->doors, &options, &memory_bytes, &store);
    assert(!failure);
    struct doors_call *call = doors_call_instantiate(store);
    struct doors_result result = { 0 };
    while (!doors_call_poll(call, &result))
        ;
    doors_call_delete(call);
    for (size_t i = 0; i < samples; i++)
        ns[i] = time_empty_call(store);
    doors_store_delete(store);
}

static void
fill_messages(struct floor *floor, size_t size, double *ns, size_t samples)
{
    struct instance *instance = start(floor->actor);
    initialize(instance);
    char *payload = malloc(size);
    assert(payload);
    memset(payload, 'x', size);
    struct guest_message message = message_of(payload, size);
    for (size_t i = 0; i < samples; i++)
        ns[i] = time_message(instance, &message);
    free(payload);
    instance_free(instance);
}

static void
fill_restarts(struct floor *floor, double *ns, size_t samples)
{
    struct instance *instance = start(floor->actor);
    initialize(instance);
    for (size_t i = 0; i < samples; i++)
        ns[i] = time_restart(floor, &instance);
    instance_free(instance);
}

static void
fill_lives(struct component *component, double *ns, size_t samples)
{
    for (size_t i = 0; i < samples; i++)
        ns[i] = time_life(component);
}

static void
fill(struct floor *floor, enum floor_operation operation, double *ns, size_t samples)
{
    switch (operation) {
    case FLOOR_TINY:
        fill_lives(floor->tiny, ns, samples);
        break;
    case FLOOR_ACTOR:
        fill_lives(floor->actor, ns, samples);
        break;
    case FLOOR_COMMAND:
        fill_lives(floor->command, ns, samples);
        break;
    case FLOOR_TRAP:
        for (size_t i = 0; i < samples; i++)
            ns[i] = time_trap(floor);
        break;
    case FLOOR_EMPTY_CALL:
        fill_empty_calls(floor, ns, samples);
        break;
    case FLOOR_MESSAGE_16:
        fill_messages(floor, 16, ns, samples);
        break;
    case FLOOR_MESSAGE_64:
        fill_messages(floor, 64, ns, samples);
        break;
    case FLOOR_MESSAGE_4096:
        fill_messages(floor, 4096, ns, samples);
        break;
    case FLOOR_MESSAGE_65536:
        fill_messages(floor, 65536, ns, samples);
        break;
    case FLOOR_CANCEL:
        for (size_t i = 0; i < samples; i++)
            ns[i] = time_cancel(floor);
        break;
    case FLOOR_RESTART:
        fill_restarts(floor, ns, samples);
        break;
    case FLOOR_OPERATIONS:
        abort();
    }
}

void
floor_sample(struct floor *floor, enum floor_operation operation, double *ns, size_t samples)
{
    double warm_up[WARM_UP];
    fill(floor, operation, warm_up, WARM_UP);
    fill(floor, operation, ns, samples);
}

struct figure
floor_measure(struct floor *floor, enum floor_operation operation)
{
    size_t samples = operations[operation].samples;
    double *ns = malloc(samples * sizeof *ns);
    assert(ns);
    floor_sample(floor, operation, ns, samples);
    struct figure figure = figure_of(ns, samples);
    free(ns);
    return figure;
}
