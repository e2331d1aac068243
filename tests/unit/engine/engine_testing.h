/* What the engine's tests share: an engine, components from text, calls driven to their end.
 *
 * A call that parks waits on a condition that the engine's wake callback signals; WAIT_S bounds
 * the wait, so a wake-up that never comes fails the test instead of hanging it.
 */
#ifndef ENGINE_TESTING_H
#define ENGINE_TESTING_H

#include "testing.h"

#include "guest_signals.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/component.h"
#include "engine/doors.h"
#include "engine/engine.h"
#include "engine/instance.h"

#define WAIT_S 60
#define TEST_IDS 2048

struct bench_of_tests {
    struct engine *engine;
    struct engine_config config;
    char directory[64]; /* Holds the .wasm files and the cache. */
    char cache[80];
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool is_woken[TEST_IDS]; /* By id; under `lock`. */
    uint64_t wakes;          /* Under `lock`. */
};

static struct bench_of_tests tests;
static uint32_t test_instances_max = 16; /* Of the next start_engine(). */

static inline void
on_wake(void *wake_context, uint64_t id)
{
    struct bench_of_tests *bench = wake_context;
    pthread_mutex_lock(&bench->lock);
    bench->is_woken[id % TEST_IDS] = true;
    bench->wakes++;
    pthread_cond_broadcast(&bench->woken);
    pthread_mutex_unlock(&bench->lock);
}

static inline struct timespec
wait_end(void)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += WAIT_S;
    return deadline;
}

/* Takes the wake-up of `id`, waiting for it. */
static inline void
wait_for_wake(uint64_t id)
{
    struct timespec deadline = wait_end();
    pthread_mutex_lock(&tests.lock);
    while (!tests.is_woken[id])
        assert_int_equal(pthread_cond_timedwait(&tests.woken, &tests.lock, &deadline), 0);
    tests.is_woken[id] = false;
    pthread_mutex_unlock(&tests.lock);
}

static inline void
remove_directory(const char *directory)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    assert_int_equal(system(command), 0);
}

static inline void
make_test_directory(void)
{
    strcpy(tests.directory, "/tmp/airs-engine-XXXXXX");
    assert_non_null(mkdtemp(tests.directory));
    snprintf(tests.cache, sizeof tests.cache, "%s/cache", tests.directory);
}

static inline int
start_engine(void **state)
{
    (void)state;
    tests = (struct bench_of_tests){ 0 };
    pthread_mutex_init(&tests.lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&tests.woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
    make_test_directory();
    tests.config.instances_max = test_instances_max;
    tests.config.memory_bytes_max = UINT64_C(16) << 20;
    tests.config.wake = on_wake;
    tests.config.wake_context = &tests;
    tests.config.test_doors = true;
    struct airs_error error = { 0 };
    if (engine_new(&tests.config, &tests.engine, &error) != AIRS_OK) {
        print_error("%s\n", error.message);
        return -1;
    }
    return 0;
}

static inline int
stop_engine(void **state)
{
    (void)state;
    struct engine_usage usage;
    engine_usage(tests.engine, &usage);
    assert_int_equal(usage.instances, 0);
    assert_int_equal(usage.stacks, 0);
    assert_int_equal(usage.memories, 0);
    engine_free(tests.engine);
    remove_directory(tests.directory);
    return 0;
}

static inline void
write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The bytes of wasm text; the caller deletes them. */
static inline wasm_byte_vec_t
wasm_from_text(const char *text)
{
    wasm_byte_vec_t wasm;
    wasmtime_error_t *error = wasmtime_wat2wasm(text, strlen(text), &wasm);
    if (error) {
        wasm_byte_vec_t message;
        wasmtime_error_message(error, &message);
        print_error("%.*s\n", (int)message.size, message.data);
        wasm_byte_vec_delete(&message);
        wasmtime_error_delete(error);
        assert_null("wasm text");
    }
    return wasm;
}

/* Writes wasm text as NAME.wasm into the test's directory. */
static inline void
write_wasm(const char *name, const char *text, char path[128])
{
    snprintf(path, 128, "%s/%s.wasm", tests.directory, name);
    wasm_byte_vec_t wasm = wasm_from_text(text);
    write_bytes(path, wasm.data, wasm.size);
    wasm_byte_vec_delete(&wasm);
}

static inline struct component *
open_path(const char *path)
{
    struct airs_error error = { 0 };
    struct component *component = NULL;
    if (component_compile(&tests.config, path, tests.cache, &error) != AIRS_OK ||
        component_open(tests.engine, path, tests.cache, &component, &error) != AIRS_OK)
        print_error("%s\n", error.message);
    assert_non_null(component);
    return component;
}

static inline struct component *
open_text(const char *text)
{
    char path[128];
    write_wasm("guest", text, path);
    return open_path(path);
}

/* Opens NAME of this folder. */
static inline struct component *
open_wat(const char *name)
{
    char path[256];
    static char text[65536];
    snprintf(path, sizeof path, "%s/tests/unit/engine/%s", SOURCE_DIR, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    return open_text(text);
}

static inline struct instance *
new_instance(struct component *component, const struct instance_options *options)
{
    struct airs_error error = { 0 };
    struct instance *instance = NULL;
    if (instance_new(component, options, &instance, &error) != AIRS_OK)
        print_error("%s\n", error.message);
    assert_non_null(instance);
    return instance;
}

/* Drives the call in flight to its end. */
static inline const struct outcome *
finish(struct instance *instance, uint64_t id)
{
    while (instance_poll(instance) == CALL_PENDING)
        wait_for_wake(id);
    return instance_outcome(instance);
}

static inline void
assert_outcome(const struct outcome *outcome, enum outcome_kind kind)
{
    if (outcome->kind != kind)
        print_error("outcome %d, trap %s, exit %d: %s\n", (int)outcome->kind,
                    trap_code_name((int)outcome->trap), outcome->exit_code, outcome->text);
    assert_int_equal(outcome->kind, kind);
}

static inline struct instance *
start_instance(struct component *component, const struct instance_options *options)
{
    struct instance *instance = new_instance(component, options);
    instance_begin_instantiate(instance);
    assert_outcome(finish(instance, options->id), OUTCOME_OK);
    return instance;
}

/* Runs a command made from `text` to its end; the caller frees the instance. */
static inline const struct outcome *
run_with(const char *text, const struct instance_options *options, struct instance **instance_out)
{
    struct component *component = open_text(text);
    *instance_out = start_instance(component, options);
    component_unref(component);
    instance_begin_run(*instance_out);
    const struct outcome *outcome = finish(*instance_out, options->id);
    assert_true(instance_has_ended(*instance_out));
    return outcome;
}

static inline const struct outcome *
run(const char *text, struct instance **instance_out)
{
    return run_with(text, &(struct instance_options){ 0 }, instance_out);
}

/* A thread that advances the epoch, and what a guest is answered when it asks. */
struct ticking {
    enum epoch_answer answers[4]; /* The last one repeats. */
    unsigned asked;
    atomic_bool stop; /* Ends the ticker; pairs with its own reads alone. */
    pthread_t ticker;
};

static inline enum epoch_answer
on_epoch(void *host)
{
    struct ticking *ticking = host;
    unsigned i = ticking->asked++;
    return ticking->answers[i < 4 ? i : 3];
}

static inline void *
tick(void *argument)
{
    struct ticking *ticking = argument;
    while (!atomic_load(&ticking->stop)) {
        engine_tick(tests.engine);
        usleep(100);
    }
    return NULL;
}

static inline void
start_ticking(struct ticking *ticking)
{
    assert_int_equal(pthread_create(&ticking->ticker, NULL, tick, ticking), 0);
}

static inline void
stop_ticking(struct ticking *ticking)
{
    atomic_store(&ticking->stop, true);
    pthread_join(ticking->ticker, NULL);
}

/* A command whose core module is `body`: it must export run: () -> i32. */
#define COMMAND(body)                                                    \
    "(component (core module $m " body ")"                               \
    " (core instance $i (instantiate $m))"                               \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))" \
    " (instance $cli (export \"run\" (func $run)))"                      \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

/* Computes without end. */
#define LOOPS COMMAND("(func (export \"run\") (result i32) (loop (br 0)) i32.const 0)")

#define COMMAND_RETURNS_OK COMMAND("(func (export \"run\") (result i32) i32.const 0)")

#endif
