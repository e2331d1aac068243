/* Instances: how calls end, what each end leaves behind, and what is cancelled. */
#include "engine_testing.h"

#include "engine/doors.h"

/* Runs a command made from `text` to its end; the caller frees the instance. */
static const struct outcome *
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

static const struct outcome *
run(const char *text, struct instance **instance_out)
{
    return run_with(text, &(struct instance_options){ 0 }, instance_out);
}

static void
assert_exit(const char *text, int exit_code)
{
    struct instance *instance;
    const struct outcome *outcome = run(text, &instance);
    if (exit_code == 0) {
        assert_outcome(outcome, OUTCOME_OK);
    } else {
        assert_outcome(outcome, OUTCOME_EXIT);
        assert_int_equal(outcome->exit_code, exit_code);
    }
    instance_free(instance);
}

static void
assert_trap(const char *text, enum trap_code trap)
{
    struct instance *instance;
    const struct outcome *outcome = run(text, &instance);
    assert_outcome(outcome, OUTCOME_TRAP);
    assert_int_equal(outcome->trap, trap);
    instance_free(instance);
}

static void
a_command_ends_with_its_exit_code(void **state)
{
    (void)state;
    assert_exit(COMMAND_RETURNS_OK, 0);
    assert_exit(COMMAND("(func (export \"run\") (result i32) i32.const 1)"), 1);
#define EXITS(code)                                                                            \
    "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"       \
    " (memory (export \"memory\") 1) (func (export \"_start\") (call $exit (i32.const " code "))))"
    assert_exit(EXITS("0"), 0);
    assert_exit(EXITS("1"), 1);
    assert_exit(EXITS("64"), 64);
}

static void
a_trap_has_its_code_its_cause_and_a_backtrace(void **state)
{
    (void)state;
    struct instance *instance;
    const struct outcome *outcome =
        run(COMMAND("(func $boom unreachable) (func (export \"run\") (result i32)"
                    " call $boom i32.const 0)"),
            &instance);
    assert_outcome(outcome, OUTCOME_TRAP);
    assert_int_equal(outcome->trap, TRAP_UNREACHABLE);
    assert_true(strncmp(outcome->text, "wasm trap: wasm `unreachable`", 29) == 0);
    assert_non_null(strstr(outcome->text, "boom"));
    instance_free(instance);
}

static void
every_kind_of_trap_keeps_its_code(void **state)
{
    (void)state;
    assert_trap(COMMAND("(memory 1) (func (export \"run\") (result i32)"
                        " (i32.load (i32.const -8)))"),
                TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_trap(COMMAND("(func (export \"run\") (result i32)"
                        " (i32.div_s (i32.const 1) (i32.const 0)))"),
                TRAP_INTEGER_DIVISION_BY_ZERO);
    assert_trap(COMMAND("(func $f (export \"run\") (result i32) call $f)"), TRAP_STACK_OVERFLOW);
    assert_trap(COMMAND("(type $t (func (result i32))) (table 2 funcref)"
                        " (func (export \"run\") (result i32)"
                        " (call_indirect (type $t) (i32.const 1)))"),
                TRAP_INDIRECT_CALL_TO_NULL);
    /* 7 is no case of result: the engine says so without a code. */
    assert_trap(COMMAND("(func (export \"run\") (result i32) i32.const 7)"), TRAP_UNKNOWN);
}

/* ---- Memory ---- */

static void
assert_out_of_memory(const char *text, uint64_t memory_bytes_max)
{
    struct component *component = open_text(text);
    const struct instance_options options = { .memory_bytes_max = memory_bytes_max };
    struct instance *instance = new_instance(component, &options);
    component_unref(component);
    instance_begin_instantiate(instance);
    const struct outcome *outcome = finish(instance, 0);
    if (outcome->kind == OUTCOME_OK) {
        instance_begin_run(instance);
        outcome = finish(instance, 0);
    }
    assert_outcome(outcome, OUTCOME_OUT_OF_MEMORY);
    assert_string_not_equal(outcome->text, "");
    assert_true(instance_memory_bytes(instance) <= memory_bytes_max);
    instance_free(instance);
}

#define GROWS(pages)                                                                           \
    "(func (export \"run\") (result i32) (memory.grow (i32.const " pages ")) drop i32.const 0)"

static void
growing_beyond_the_limit_is_out_of_memory(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(memory 1) " GROWS("16")), 1u << 20);
    assert_out_of_memory(COMMAND("(memory 1) (func (export \"run\") (result i32) (loop (memory.grow"
                                 " (i32.const 1)) drop (br 0)) i32.const 0)"),
                         1u << 20);
}

static void
growing_up_to_the_limit_is_fine(void **state)
{
    (void)state;
    struct instance *instance;
    const struct instance_options options = { .memory_bytes_max = 1u << 20 };
    assert_outcome(run_with(COMMAND("(memory 1) " GROWS("15")), &options, &instance), OUTCOME_OK);
    assert_int_equal(instance_memory_bytes(instance), 1u << 20);
    instance_free(instance);
}

static void
a_module_that_declares_its_own_maximum_is_told_minus_one(void **state)
{
    (void)state;
    assert_exit(COMMAND("(memory 1 2) (func (export \"run\") (result i32)"
                        " (i32.ne (memory.grow (i32.const 2)) (i32.const -1)))"),
                0);
}

static void
a_memory_too_large_at_the_start_is_out_of_memory(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(memory 20) (func (export \"run\") (result i32) i32.const 0)"),
                         1u << 20);
}

static void
the_limit_is_over_all_memories(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(memory 10) (memory 7)"
                                 " (func (export \"run\") (result i32) i32.const 0)"),
                         1u << 20);
}

static void
a_table_beyond_its_limit_is_out_of_memory(void **state)
{
    (void)state;
    assert_out_of_memory(COMMAND("(table 1 funcref) (func (export \"run\") (result i32)"
                                 " (table.grow (ref.null func) (i32.const 100000)) drop"
                                 " i32.const 0)"),
                         1u << 20);
}

static void
too_many_core_instances_are_out_of_memory(void **state)
{
    (void)state;
    char text[16384] = "(component (core module $m (func (export \"run\") (result i32)"
                       " i32.const 0)) (core instance $i (instantiate $m))"
                       " (func $run (result (result)) (canon lift (core func $i \"run\")))"
                       " (instance $cli (export \"run\" (func $run)))"
                       " (export \"wasi:cli/run@0.2.0\" (instance $cli))";
    for (unsigned i = 0; i < INSTANCE_CORE_INSTANCES_MAX; i++)
        strcat(text, " (core instance (instantiate $m))");
    strcat(text, ")");
    assert_out_of_memory(text, 1u << 20);
}

static void
a_limit_above_the_engines_is_refused(void **state)
{
    (void)state;
    struct component *component = open_text(COMMAND_RETURNS_OK);
    struct airs_error error = { 0 };
    struct instance *instance = NULL;
    const struct instance_options options = { .memory_bytes_max = UINT64_C(17) << 20 };
    assert_int_equal(instance_new(component, &options, &instance, &error), AIRS_EINVAL);
    assert_null(instance);
    component_unref(component);
}

/* ---- Epochs ---- */

#define LOOPS COMMAND("(func (export \"run\") (result i32) (loop (br 0)) i32.const 0)")
/* Counts down from `from`, with an epoch check each time. */
#define COUNTS(from)                                                                           \
    COMMAND("(func (export \"run\") (result i32) (local i64) (local.set 0 (i64.const " from "))" \
            " (loop (br_if 0 (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0)"        \
            " (i64.const 1)))))) i32.const 0)")

struct ticking {
    enum epoch_answer answers[4]; /* The last one repeats. */
    unsigned asked;
    atomic_bool stop; /* Ends the ticker; pairs with its own reads alone. */
    pthread_t ticker;
};

static enum epoch_answer
on_epoch(void *host)
{
    struct ticking *ticking = host;
    unsigned i = ticking->asked++;
    return ticking->answers[i < 4 ? i : 3];
}

static void *
tick(void *argument)
{
    struct ticking *ticking = argument;
    while (!atomic_load(&ticking->stop)) {
        engine_tick(tests.engine);
        usleep(100);
    }
    return NULL;
}

static void
start_ticking(struct ticking *ticking)
{
    assert_int_equal(pthread_create(&ticking->ticker, NULL, tick, ticking), 0);
}

static void
stop_ticking(struct ticking *ticking)
{
    atomic_store(&ticking->stop, true);
    pthread_join(ticking->ticker, NULL);
}

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
    wait_for_wake(0);                                        /* It wakes itself. */
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

static void
a_guest_that_yields_goes_on_where_it_was(void **state)
{
    (void)state;
    struct ticking ticking = {
        .answers = { EPOCH_YIELD, EPOCH_YIELD, EPOCH_CONTINUE, EPOCH_YIELD },
    };
    const struct instance_options options = { .host = &ticking, .on_epoch = on_epoch };
    struct component *component = open_text(COUNTS("50000000"));
    struct instance *instance = start_instance(component, &options);
    component_unref(component);
    start_ticking(&ticking);
    instance_begin_run(instance);
    assert_outcome(finish(instance, 0), OUTCOME_OK);
    stop_ticking(&ticking);
    assert_true(ticking.asked >= 4);
    instance_free(instance);
}

/* ---- Cancelling ---- */

/* Sleeps for an hour, through the host functions of airssys:core. */
#define SLEEPS(ms)                                                                             \
    "(component (import \"airssys:core/host-services@1.0.0\" (instance $h"                     \
    "  (export \"sleep-millis\" (func (param \"duration-ms\" u64)))))"                         \
    " (core func $sleep (canon lower (func $h \"sleep-millis\")))"                             \
    " (core module $m (import \"h\" \"sleep\" (func $sleep (param i64)))"                      \
    "  (func (export \"run\") (result i32) (call $sleep (i64.const " ms ")) i32.const 0))"     \
    " (core instance $i (instantiate $m (with \"h\" (instance (export \"sleep\" (func $sleep))))))" \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"                       \
    " (instance $cli (export \"run\" (func $run)))"                                            \
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
    struct instance *instance = start_instance(component, &options);
    component_unref(component);
    uint64_t began = clock_now_us();
    instance_begin_run(instance);
    assert_int_equal(instance_poll(instance), CALL_PENDING);
    wait_for_wake(7);
    assert_int_equal(instance_poll(instance), CALL_DONE);
    assert_outcome(instance_outcome(instance), OUTCOME_OK);
    assert_true(clock_now_us() - began >= 20 * US_PER_MS);
    instance_free(instance);
}

/* ---- A panic inside a door ---- */

#define PANICS                                                                                 \
    "(component (import \"airs:test/doors\" (instance $h (export \"panic\" (func))))"          \
    " (core func $panic (canon lower (func $h \"panic\")))"                                    \
    " (core module $m (import \"h\" \"panic\" (func $panic)) (memory 1)"                       \
    "  (func (export \"run\") (result i32) call $panic i32.const 0))"                          \
    " (core instance $i (instantiate $m (with \"h\" (instance (export \"panic\" (func $panic))))))" \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"                       \
    " (instance $cli (export \"run\" (func $run)))"                                            \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

/* What is written to stderr meanwhile; the caller restores it. */
static int
capture_stderr(FILE **file_out)
{
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    *file_out = tmpfile();
    dup2(fileno(*file_out), STDERR_FILENO);
    return kept;
}

/* Whether a panic was reported there; a sanitizer may write, too. */
static bool
release_stderr(int kept, FILE *file)
{
    fflush(stderr);
    char text[4096] = "";
    rewind(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    dup2(kept, STDERR_FILENO);
    close(kept);
    fclose(file);
    return strstr(text, "panic") != NULL;
}

static void
a_panic_in_a_door_ends_one_instance_and_nothing_else(void **state)
{
    (void)state;
    struct component *bystander_code = open_text(LOOPS);
    struct instance *bystander =
        start_instance(bystander_code, &(struct instance_options){ .id = 9 });
    component_unref(bystander_code);
    engine_tick(tests.engine);
    engine_tick(tests.engine);
    instance_begin_run(bystander);
    assert_int_equal(instance_poll(bystander), CALL_PENDING);

    FILE *captured;
    int kept = capture_stderr(&captured);
    struct component *component = open_text(PANICS);
    for (unsigned i = 0; i < 2 * tests.config.instances_max; i++) {
        struct instance *instance = start_instance(component, &(struct instance_options){ 0 });
        instance_begin_run(instance);
        const struct outcome *outcome = finish(instance, 0);
        assert_outcome(outcome, OUTCOME_TRAP);
        assert_int_equal(outcome->trap, TRAP_ENGINE_PANIC);
        assert_non_null(strstr(outcome->text, "a door was asked to panic"));
        instance_free(instance);
    }
    component_unref(component);
    assert_false(release_stderr(kept, captured));

    struct ticking ticking = { 0 }; /* It goes on until the next tick, and yields again. */
    start_ticking(&ticking);
    assert_int_equal(instance_poll(bystander), CALL_PENDING);
    stop_ticking(&ticking);
    struct engine_usage usage;
    engine_usage(tests.engine, &usage);
    assert_int_equal(usage.instances, 1);
    assert_int_equal(usage.stacks, 1);
    instance_free(bystander);
}

/* ---- Limits of the pool and of handles ---- */

static void
an_instance_beyond_the_pool_is_a_load_error_and_slots_come_back(void **state)
{
    (void)state;
    struct component *component =
        open_text(COMMAND("(memory 1) (func (export \"run\") (result i32) i32.const 0)"));
    struct instance *instances[16];
    assert_int_equal(tests.config.instances_max, 16);
    for (unsigned i = 0; i < 16; i++)
        instances[i] = start_instance(component, &(struct instance_options){ 0 });
    struct instance *one_more = new_instance(component, &(struct instance_options){ 0 });
    instance_begin_instantiate(one_more);
    assert_outcome(finish(one_more, 0), OUTCOME_LOAD_ERROR);
    instance_free(one_more);
    instance_free(instances[0]);
    instances[0] = start_instance(component, &(struct instance_options){ 0 });
    for (unsigned i = 0; i < 16; i++)
        instance_free(instances[i]);
    component_unref(component);
}

/* Asks for a pollable again and again and never drops one. */
#define LEAKS_HANDLES                                                                          \
    "(component (import \"wasi:io/poll@0.2.0\" (instance $poll"                                \
    "  (export \"pollable\" (type (sub resource)))))"                                          \
    " (alias export $poll \"pollable\" (type $pollable))"                                      \
    " (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance $clock"                          \
    "  (alias outer 1 $pollable (type $p)) (export \"pollable\" (type $pp (eq $p)))"           \
    "  (export \"subscribe-duration\" (func (param \"when\" u64) (result (own $pp))))))"       \
    " (core func $wait (canon lower (func $clock \"subscribe-duration\")))"                    \
    " (core module $m (import \"h\" \"wait\" (func $wait (param i64) (result i32)))"           \
    "  (func (export \"run\") (result i32) (local i32) (local.set 0 (i32.const 100000))"       \
    "   (loop (drop (call $wait (i64.const 1)))"                                               \
    "    (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0)) i32.const 0))"         \
    " (core instance $i (instantiate $m (with \"h\" (instance (export \"wait\" (func $wait))))))" \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"                       \
    " (instance $cli (export \"run\" (func $run)))"                                            \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

static void
a_guest_that_hoards_handles_is_ended(void **state)
{
    (void)state;
    struct instance *instance;
    const struct outcome *outcome = run(LEAKS_HANDLES, &instance);
    assert_outcome(outcome, OUTCOME_TRAP);
    instance_free(instance);
}

static void
arguments_and_environment_must_be_text(void **state)
{
    (void)state;
    struct component *component = open_text(COMMAND_RETURNS_OK);
    const struct span bad[] = { { "\xff\xfe", 2 }, { "a\0b", 3 } };
    for (size_t i = 0; i < 2; i++) {
        const struct span_pair names = { bad[i], { "x", 1 } };
        const struct span_pair values = { { "x", 1 }, bad[i] };
        const struct instance_options options[] = {
            { .arguments = &bad[i], .argument_count = 1 },
            { .environment = &names, .environment_count = 1 },
            { .environment = &values, .environment_count = 1 },
        };
        for (size_t k = 0; k < 3; k++) {
            struct instance *instance = NULL;
            struct airs_error error = { 0 };
            assert_int_equal(instance_new(component, &options[k], &instance, &error), AIRS_EINVAL);
            assert_null(instance);
            assert_non_null(strstr(error.message, "UTF-8"));
        }
    }
    component_unref(component);
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_command_ends_with_its_exit_code),
        cmocka_unit_test(a_trap_has_its_code_its_cause_and_a_backtrace),
        cmocka_unit_test(every_kind_of_trap_keeps_its_code),
        cmocka_unit_test(growing_beyond_the_limit_is_out_of_memory),
        cmocka_unit_test(growing_up_to_the_limit_is_fine),
        cmocka_unit_test(a_module_that_declares_its_own_maximum_is_told_minus_one),
        cmocka_unit_test(a_memory_too_large_at_the_start_is_out_of_memory),
        cmocka_unit_test(the_limit_is_over_all_memories),
        cmocka_unit_test(a_table_beyond_its_limit_is_out_of_memory),
        cmocka_unit_test(too_many_core_instances_are_out_of_memory),
        cmocka_unit_test(a_limit_above_the_engines_is_refused),
        cmocka_unit_test(a_computing_guest_is_interrupted),
        cmocka_unit_test(a_guest_born_late_in_an_engines_life_is_not_interrupted),
        cmocka_unit_test(a_guest_that_yields_goes_on_where_it_was),
        cmocka_unit_test(a_call_is_cancelled_in_any_phase),
        cmocka_unit_test(a_sleeping_guest_is_woken_when_its_time_comes),
        cmocka_unit_test(a_panic_in_a_door_ends_one_instance_and_nothing_else),
        cmocka_unit_test(an_instance_beyond_the_pool_is_a_load_error_and_slots_come_back),
        cmocka_unit_test(a_guest_that_hoards_handles_is_ended),
        cmocka_unit_test(arguments_and_environment_must_be_text),
    };
    return cmocka_run_group_tests(all, start_engine, stop_engine);
}
