/* Epochs, waits and cancelling: what happens to a call that does not end by itself. */
#include "engine_testing.h"

/* Counts down from `from`, with an epoch check each time. */
#define COUNTS(from)                                                                             \
    COMMAND("(func (export \"run\") (result i32) (local i64) (local.set 0 (i64.const " from "))" \
            " (loop (br_if 0 (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0)"          \
            " (i64.const 1)))))) i32.const 0)")

static void
a_computing_guest_is_interrupted(void **state)
{
    (void)state;
    struct ticking ticking = {
        .answers = { EPOCH_CONTINUE, EPOCH_YIELD, EPOCH_CONTINUE, EPOCH_INTERRUPT },
    };
    const struct instance_options options = { .host = &ticking, .on_epoch = on_epoch };
    struct component *component = open_text(LOOPS);
    struct instance *instance = start_instance(component, &options);
    component_unref(component);
    start_ticking(&ticking);
    instance_begin_run(instance);
    assert_int_equal(instance_poll(instance), CALL_PENDING); /* The yield. */
    assert_int_equal(ticking.asked, 2);
    wait_for_wake(0); /* It wakes itself. */
    assert_int_equal(instance_poll(instance), CALL_DONE);
    assert_int_equal(ticking.asked, 4);
    assert_outcome(instance_outcome(instance), OUTCOME_INTERRUPTED);
    stop_ticking(&ticking);
    instance_free(instance);
}

/* A store whose deadline wrapped, or that has none, would trap at once. */
static void
a_guest_born_late_in_an_engines_life_is_not_interrupted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        engine_tick(tests.engine);
    struct instance *instance;
    assert_outcome(run(COUNTS("1000"), &instance), OUTCOME_OK);
    instance_free(instance);
}

/* The ticker is a thread that may come late: guests run until enough was asked. */
static void
a_guest_that_yields_goes_on_where_it_was(void **state)
{
    (void)state;
    struct ticking ticking = {
        .answers = { EPOCH_YIELD, EPOCH_YIELD, EPOCH_CONTINUE, EPOCH_YIELD },
    };
    const struct instance_options options = { .host = &ticking, .on_epoch = on_epoch };
    struct component *component = open_text(COUNTS("50000000"));
    uint64_t deadline_us = clock_now_us() + WAIT_S * US_PER_S;
    start_ticking(&ticking);
    do {
        struct instance *instance = start_instance(component, &options);
        instance_begin_run(instance);
        assert_outcome(finish(instance, 0), OUTCOME_OK);
        instance_free(instance);
    } while (ticking.asked < 4 && clock_now_us() < deadline_us);
    stop_ticking(&ticking);
    component_unref(component);
    assert_true(ticking.asked >= 4);
}

/* Sleeps for an hour, through the host functions of airssys:core. */
#define SLEEPS(ms)                                                                         \
    "(component (import \"airssys:core/host-services@1.0.0\" (instance $h"                 \
    "  (export \"sleep-millis\" (func (param \"duration-ms\" u64)))))"                     \
    " (core func $sleep (canon lower (func $h \"sleep-millis\")))"                         \
    " (core module $m (import \"h\" \"sleep\" (func $sleep (param i64)))"                  \
    "  (func (export \"run\") (result i32) (call $sleep (i64.const " ms ")) i32.const 0))" \
    " (core instance $i (instantiate $m (with \"h\" (instance (export \"sleep\" (func "    \
    "$sleep))))))"                                                                         \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"                   \
    " (instance $cli (export \"run\" (func $run)))"                                        \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

static void
a_call_is_cancelled_in_any_phase(void **state)
{
    (void)state;
    struct component *sleeper = open_text(SLEEPS("3600000"));
    struct component *looper = open_text(LOOPS);
    for (unsigned round = 0; round < 200; round++) {
        struct component *component = round % 2 ? sleeper : looper;
        struct instance *instance = new_instance(component, &(struct instance_options){ 0 });
        if (round % 8 >= 2) {
            instance_begin_instantiate(instance);
            if (round % 8 >= 4)
                assert_outcome(finish(instance, 0), OUTCOME_OK);
        }
        if (round % 8 >= 6) {
            engine_tick(tests.engine);
            engine_tick(tests.engine);
            instance_begin_run(instance);
            assert_int_equal(instance_poll(instance), CALL_PENDING);
        }
        if (round % 3 == 0) {
            bool calling = instance_is_calling(instance);
            instance_cancel(instance);
            assert_int_equal(instance_has_ended(instance), calling);
        }
        instance_free(instance);
    }
    component_unref(sleeper);
    component_unref(looper);
    instance_free(NULL);
}

static void
a_sleeping_guest_is_woken_when_its_time_comes(void **state)
{
    (void)state;
    struct component *component = open_text(SLEEPS("20"));
    const struct instance_options options = { .id = 7 };
    uint64_t deadline_us = clock_now_us() + WAIT_S * US_PER_S;
    bool slept;
    do { /* On a busy machine a poll may last until the time is up. */
        struct instance *instance = start_instance(component, &options);
        uint64_t began = clock_now_us();
        instance_begin_run(instance);
        slept = instance_poll(instance) == CALL_PENDING;
        if (slept) {
            wait_for_wake(7);
            assert_int_equal(instance_poll(instance), CALL_DONE);
        }
        assert_outcome(instance_outcome(instance), OUTCOME_OK);
        assert_true(clock_now_us() - began >= 20 * US_PER_MS);
        instance_free(instance);
    } while (!slept && clock_now_us() < deadline_us);
    component_unref(component);
    assert_true(slept);
}

/* Cancels when the time is about up: some wake-ups come after the instance is gone. */
static void
a_wake_for_an_instance_that_is_gone_does_no_harm(void **state)
{
    (void)state;
    struct component *component = open_text(SLEEPS("2"));
    for (unsigned round = 0; round < 40; round++) {
        struct instance *instances[16];
        bool sleeps[16]; /* On a busy machine a poll may last until the time is up. */
        for (unsigned i = 0; i < 16; i++) {
            instances[i] = start_instance(component, &(struct instance_options){ .id = i });
            instance_begin_run(instances[i]);
            sleeps[i] = instance_poll(instances[i]) == CALL_PENDING;
        }
        if (sleeps[round % 16])
            wait_for_wake(round % 16);
        for (unsigned i = 0; i < 16; i++)
            instance_free(instances[i]);
    }
    component_unref(component);
}

/* ---- Threads ---- */

static void *
poll_once(void *instance)
{
    return (void *)(uintptr_t)instance_poll(instance);
}

static void
a_call_may_be_polled_by_another_thread_each_time(void **state)
{
    (void)state;
    struct ticking ticking = {
        .answers = { EPOCH_YIELD, EPOCH_YIELD, EPOCH_YIELD, EPOCH_INTERRUPT },
    };
    const struct instance_options options = { .host = &ticking, .on_epoch = on_epoch };
    struct component *component = open_text(LOOPS);
    struct instance *instance = start_instance(component, &options);
    component_unref(component);
    start_ticking(&ticking);
    instance_begin_run(instance);
    for (unsigned poll = 0; poll < 4; poll++) {
        pthread_t thread;
        void *call_state;
        assert_int_equal(pthread_create(&thread, NULL, poll_once, instance), 0);
        pthread_join(thread, &call_state);
        assert_int_equal((uintptr_t)call_state, poll < 3 ? CALL_PENDING : CALL_DONE);
    }
    stop_ticking(&ticking);
    assert_outcome(instance_outcome(instance), OUTCOME_INTERRUPTED);
    instance_free(instance);
}

/* Each thread lets its own instances trap, one after the other. */
static void *
live_and_trap(void *component)
{
    for (unsigned i = 0; i < 300; i++) {
        struct instance *instance = NULL;
        if (instance_new(component, &(struct instance_options){ .id = 1 }, &instance, NULL) !=
            AIRS_OK)
            return "no instance";
        instance_begin_instantiate(instance);
        if (instance_poll(instance) != CALL_DONE)
            return "instantiate waits";
        instance_begin_run(instance);
        if (instance_poll(instance) != CALL_DONE ||
            instance_outcome(instance)->trap != TRAP_MEMORY_OUT_OF_BOUNDS)
            return "no trap";
        instance_free(instance);
    }
    return NULL;
}

static void
instances_of_one_component_live_and_trap_on_several_threads(void **state)
{
    (void)state;
    struct component *component = open_text(COMMAND("(memory 1) (func (export \"run\") (result i32)"
                                                    " (i32.load (i32.const -8)))"));
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live_and_trap, component), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
    component_unref(component);
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_computing_guest_is_interrupted),
        cmocka_unit_test(a_guest_born_late_in_an_engines_life_is_not_interrupted),
        cmocka_unit_test(a_guest_that_yields_goes_on_where_it_was),
        cmocka_unit_test(a_call_is_cancelled_in_any_phase),
        cmocka_unit_test(a_sleeping_guest_is_woken_when_its_time_comes),
        cmocka_unit_test(a_wake_for_an_instance_that_is_gone_does_no_harm),
        cmocka_unit_test(a_call_may_be_polled_by_another_thread_each_time),
        cmocka_unit_test(instances_of_one_component_live_and_trap_on_several_threads),
    };
    return cmocka_run_group_tests(all, start_engine, stop_engine);
}
