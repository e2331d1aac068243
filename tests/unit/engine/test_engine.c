/* Engines: configurations that cannot be, the pool's size, and the threads an engine has. */
#include "engine_testing.h"

#include <dirent.h>
#include <inttypes.h>

#include "engine/doors.h"

static unsigned
count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        if (entry->d_name[0] != '.')
            count++;
    closedir(tasks);
    return count;
}

/* One that was joined may be listed for a moment still: the kernel takes it off the list later. */
static void
assert_threads(unsigned expected)
{
    uint64_t deadline_us = clock_now_us() + WAIT_S * US_PER_S;
    while (count_threads() > expected && clock_now_us() < deadline_us)
        usleep(1000);
    assert_int_equal(count_threads(), expected);
}

static struct engine *
small_engine(void)
{
    struct engine *engine = NULL;
    struct airs_error error = { 0 };
    const struct engine_config config = { .instances_max = 2 };
    assert_int_equal(engine_new(&config, &engine, &error), AIRS_OK);
    return engine;
}

static void
a_pool_too_big_for_the_machine_is_an_error_with_both_numbers(void **state)
{
    (void)state;
    uint64_t maps = engine_maps_max();
    uint64_t too_many = engine_instances_fit(maps) + 1;
    if (too_many > ENGINE_INSTANCES_MAX)
        skip();
    struct engine *engine = NULL;
    struct airs_error error = { 0 };
    const struct engine_config config = { .instances_max = (uint32_t)too_many };
    assert_int_equal(engine_new(&config, &engine, &error), AIRS_ELIMIT);
    assert_null(engine);
    char number[32];
    snprintf(number, sizeof number, "%" PRIu64, maps);
    assert_non_null(strstr(error.message, number));
    snprintf(number, sizeof number, "%" PRIu64, too_many);
    assert_non_null(strstr(error.message, number));
    assert_non_null(strstr(error.message, "vm.max_map_count"));
}

static void
as_many_instances_fit_as_the_maps_allow(void **state)
{
    (void)state;
    assert_int_equal(engine_instances_fit(0), 0);
    assert_int_equal(engine_instances_fit(ENGINE_MAPS_RESERVED), 0);
    assert_int_equal(engine_instances_fit(ENGINE_MAPS_RESERVED + 5 * 7), 7);
    assert_true(engine_instances_fit(65530) > 12000);
}

static void
numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    struct engine *engine = NULL;
    struct airs_error error = { 0 };
    struct engine_config config = { .instances_max = ENGINE_INSTANCES_MAX + 1 };
    assert_int_equal(engine_new(&config, &engine, &error), AIRS_EINVAL);
    error = (struct airs_error){ 0 };
    config = (struct engine_config){ .memory_bytes_max = ENGINE_MEMORY_BYTES_MAX + 1 };
    assert_int_equal(engine_new(&config, &engine, &error), AIRS_EINVAL);
    assert_null(engine);
}

/* The plain C API ends the process here. */
static void
a_configuration_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_max_wasm_stack_set(config, 8u << 20);
    doors_config_stack_zeroing(config, 1u << 20);
    struct doors_engine *engine = NULL;
    wasmtime_error_t *error = doors_engine_new(config, NULL, NULL, false, &engine);
    wasm_config_delete(config);
    assert_non_null(error);
    assert_null(engine);
    wasmtime_error_delete(error);
}

static void
an_engine_beyond_the_last_is_refused_and_places_come_back(void **state)
{
    (void)state;
    struct engine *engines[ENGINES_MAX];
    for (unsigned i = 0; i < ENGINES_MAX; i++)
        engines[i] = small_engine();
    struct engine *one_more = NULL;
    struct airs_error error = { 0 };
    const struct engine_config config = { .instances_max = 2 };
    assert_int_equal(engine_new(&config, &one_more, &error), AIRS_ELIMIT);
    assert_non_null(strstr(error.message, "too many engines"));
    for (unsigned i = 0; i < ENGINES_MAX; i++)
        engine_free(engines[i]);
    engine_free(small_engine());
}

static void
its_threads_come_with_it_and_go_with_it(void **state)
{
    (void)state;
    assert_threads(1); /* This one: those of the tests before went with their engines. */
    struct engine *engine = small_engine();
    assert_threads(2);
    engine_free(engine);
    assert_threads(1);
}

static void
ticks_are_counted(void **state)
{
    (void)state;
    struct engine *engine = small_engine();
    assert_int_equal(engine_ticks(engine), 0);
    engine_tick(engine);
    engine_tick(engine);
    assert_int_equal(engine_ticks(engine), 2);
    assert_int_equal(engine_instances_max(engine), 2);
    engine_free(engine);
    engine_free(NULL);
    assert_string_equal(engine_version(), "48.0.8");
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_pool_too_big_for_the_machine_is_an_error_with_both_numbers),
        cmocka_unit_test(as_many_instances_fit_as_the_maps_allow),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(a_configuration_that_cannot_be_is_an_error),
        cmocka_unit_test(an_engine_beyond_the_last_is_refused_and_places_come_back),
        cmocka_unit_test(its_threads_come_with_it_and_go_with_it),
        cmocka_unit_test(ticks_are_counted),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
