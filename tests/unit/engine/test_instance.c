/* Instances: how calls end, what each end leaves behind, and what an instance may not have. */
#include "engine_testing.h"

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
#define EXITS(code)                                                                          \
    "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"     \
    " (memory (export \"memory\") 1) (func (export \"_start\") (call $exit (i32.const " code \
    "))))"
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

/* ---- A panic inside a door ---- */

#define PANICS                                                                          \
    "(component (import \"airs:test/doors\" (instance $h (export \"panic\" (func))))"   \
    " (core func $panic (canon lower (func $h \"panic\")))"                             \
    " (core module $m (import \"h\" \"panic\" (func $panic)) (memory 1)"                \
    "  (func (export \"run\") (result i32) call $panic i32.const 0))"                   \
    " (core instance $i (instantiate $m (with \"h\" (instance (export \"panic\" (func " \
    "$panic))))))"                                                                      \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"                \
    " (instance $cli (export \"run\" (func $run)))"                                     \
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

/* Writes, overwrites the memory that the adapter took for itself, and writes again. */
#define OVERWRITES_ADAPTER                                                            \
    "(module (import \"wasi_snapshot_preview1\" \"fd_write\""                         \
    "  (func $write (param i32 i32 i32 i32) (result i32)))"                           \
    " (memory (export \"memory\") 1)"                                                 \
    " (func (export \"_start\")"                                                      \
    "  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 60)))" \
    "  (memory.fill (i32.const 65536) (i32.const 255)"                                \
    "   (i32.mul (i32.sub (memory.size) (i32.const 1)) (i32.const 65536)))"           \
    "  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 60)))))"

static void
a_guest_that_breaks_the_adapter_is_told_so(void **state)
{
    (void)state;
    struct instance *instance;
    const struct outcome *outcome = run(OVERWRITES_ADAPTER, &instance);
    assert_outcome(outcome, OUTCOME_TRAP);
    assert_non_null(strstr(outcome->text, "cabi_realloc"));
    instance_free(instance);
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
#define LEAKS_HANDLES                                                                             \
    "(component (import \"wasi:io/poll@0.2.0\" (instance $poll"                                   \
    "  (export \"pollable\" (type (sub resource)))))"                                             \
    " (alias export $poll \"pollable\" (type $pollable))"                                         \
    " (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance $clock"                             \
    "  (alias outer 1 $pollable (type $p)) (export \"pollable\" (type $pp (eq $p)))"              \
    "  (export \"subscribe-duration\" (func (param \"when\" u64) (result (own $pp))))))"          \
    " (core func $wait (canon lower (func $clock \"subscribe-duration\")))"                       \
    " (core module $m (import \"h\" \"wait\" (func $wait (param i64) (result i32)))"              \
    "  (func (export \"run\") (result i32) (local i32) (local.set 0 (i32.const 100000))"          \
    "   (loop (drop (call $wait (i64.const 1)))"                                                  \
    "    (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0)) i32.const 0))"            \
    " (core instance $i (instantiate $m (with \"h\" (instance (export \"wait\" (func $wait))))))" \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"                          \
    " (instance $cli (export \"run\" (func $run)))"                                               \
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
        cmocka_unit_test(a_panic_in_a_door_ends_one_instance_and_nothing_else),
        cmocka_unit_test(a_guest_that_breaks_the_adapter_is_told_so),
        cmocka_unit_test(an_instance_beyond_the_pool_is_a_load_error_and_slots_come_back),
        cmocka_unit_test(a_guest_that_hoards_handles_is_ended),
        cmocka_unit_test(arguments_and_environment_must_be_text),
    };
    return cmocka_run_group_tests(all, start_engine, stop_engine);
}
