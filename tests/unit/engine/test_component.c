/* Components: what can be compiled and opened, and the error for everything else. */
#include "engine_testing.h"

#include <sys/resource.h>

/* Without names, since a file cut short before its last, custom section is whole. */
#define PLAIN_COMMAND                                                           \
    "(component (core module (func (export \"run\") (result i32) i32.const 0))" \
    " (core instance (instantiate 0))"                                          \
    " (func (result (result)) (canon lift (core func 0 \"run\")))"              \
    " (instance (export \"run\" (func 0))) (export \"wasi:cli/run@0.2.0\" (instance 0)))"

#define CORE_COMMAND                                                               \
    "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))" \
    " (memory (export \"memory\") 1) (func (export \"_start\")))"

static enum airs_status
compile_bytes(const void *bytes, size_t size, struct airs_error *error)
{
    char path[128];
    snprintf(path, sizeof path, "%s/bytes.wasm", tests.directory);
    write_bytes(path, bytes, size);
    *error = (struct airs_error){ 0 };
    return component_compile(&tests.config, path, tests.cache, error);
}

static enum airs_status
compile_text(const char *text, struct airs_error *error)
{
    wasm_byte_vec_t wasm = wasm_from_text(text);
    enum airs_status status = compile_bytes(wasm.data, wasm.size, error);
    wasm_byte_vec_delete(&wasm);
    return status;
}

static void
assert_message(const struct airs_error *error, const char *part)
{
    if (!strstr(error->message, part))
        print_error("'%s' is not in: %s\n", part, error->message);
    assert_non_null(strstr(error->message, part));
}

/* Compiles, then opens, which must fail. */
static void
assert_load_error(const char *text, const char *part)
{
    char path[128];
    write_wasm("bad", text, path);
    struct airs_error error = { 0 };
    struct component *component = NULL;
    enum airs_status status = component_compile(&tests.config, path, tests.cache, &error);
    if (status == AIRS_OK)
        status = component_open(tests.engine, path, tests.cache, &component, &error);
    assert_int_equal(status, AIRS_ELOAD);
    assert_null(component);
    assert_message(&error, part);
    assert_message(&error, path);
}

static void
is_in_the_cache_once_compiled(void **state)
{
    (void)state;
    char path[128];
    write_wasm("cached", COMMAND("(func (export \"run\") (result i32) (i32.const 0)) (func nop)"),
               path);
    struct airs_error error = { 0 };
    struct component_entry entry = { .found = true };
    assert_int_equal(component_find_cached(&tests.config, path, tests.cache, &entry, &error),
                     AIRS_OK);
    assert_false(entry.found);
    struct component *component = NULL;
    assert_int_equal(component_open(tests.engine, path, tests.cache, &component, &error),
                     AIRS_ENOENT);
    assert_message(&error, "not compiled");
    error = (struct airs_error){ 0 };
    assert_int_equal(component_compile(&tests.config, path, tests.cache, &error), AIRS_OK);
    assert_int_equal(component_find_cached(&tests.config, path, tests.cache, &entry, &error),
                     AIRS_OK);
    assert_true(entry.found);
    assert_int_equal(component_open(tests.engine, path, tests.cache, &component, &error), AIRS_OK);
    assert_int_equal(component_code_bytes(component), entry.code_bytes);
    assert_int_equal(component_kind(component), COMPONENT_COMMAND);
    assert_false(component_imports_stop(component));
    assert_ptr_equal(component_engine(component), tests.engine);
    component_unref(component_ref(component));
    component_unref(component);
}

static void
code_for_other_settings_is_another_entry(void **state)
{
    (void)state;
    char path[128];
    write_wasm("settings", COMMAND_RETURNS_OK, path);
    struct airs_error error = { 0 };
    assert_int_equal(component_compile(&tests.config, path, tests.cache, &error), AIRS_OK);
    struct engine_config config = tests.config;
    config.instances_max = 100000; /* Too many for 4 GiB each. */
    struct component_entry entry;
    assert_int_equal(component_find_cached(&config, path, tests.cache, &entry, &error), AIRS_OK);
    assert_false(entry.found);
}

static void
a_damaged_entry_is_compiled_again(void **state)
{
    (void)state;
    char path[128];
    write_wasm("damaged", COMMAND_RETURNS_OK, path);
    remove_directory(tests.cache);
    struct airs_error error = { 0 };
    assert_int_equal(component_compile(&tests.config, path, tests.cache, &error), AIRS_OK);
    char command[256];
    snprintf(command, sizeof command,
             "for f in %s/*; do printf x | dd of=$f bs=1 seek=700 "
             "conv=notrunc status=none; done",
             tests.cache);
    assert_int_equal(system(command), 0);
    struct component_entry entry;
    assert_int_equal(component_find_cached(&tests.config, path, tests.cache, &entry, &error),
                     AIRS_OK);
    assert_false(entry.found);
    component_unref(open_path(path));
}

static void
what_is_no_file_is_an_error(void **state)
{
    (void)state;
    struct airs_error error = { 0 };
    assert_int_equal(component_compile(&tests.config, "/nowhere/a.wasm", tests.cache, &error),
                     AIRS_ENOENT);
    assert_message(&error, "/nowhere/a.wasm");
    error = (struct airs_error){ 0 };
    assert_int_equal(component_compile(&tests.config, "/tmp", tests.cache, &error), AIRS_EIO);
}

static void
what_is_not_wasm_is_an_error(void **state)
{
    (void)state;
    struct airs_error error;
    assert_int_equal(compile_bytes("", 0, &error), AIRS_ELOAD);
    assert_message(&error, "not a WebAssembly file");
    assert_int_equal(compile_bytes("#!/bin/sh\n", 10, &error), AIRS_ELOAD);
    assert_message(&error, "not a WebAssembly file");
    assert_int_equal(compile_bytes("\0asm\7\0\0\0", 8, &error), AIRS_ELOAD);
    assert_message(&error, "not known");
}

static void
wasm_cut_short_at_any_byte_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = { PLAIN_COMMAND, CORE_COMMAND };
    for (size_t i = 0; i < 2; i++) {
        wasm_byte_vec_t wasm = wasm_from_text(texts[i]);
        assert_true(wasm.size < 2048);
        struct airs_error error;
        for (size_t size = 0; size < wasm.size; size++)
            assert_int_equal(compile_bytes(wasm.data, size, &error), AIRS_ELOAD);
        assert_int_equal(compile_bytes(wasm.data, wasm.size, &error), AIRS_OK);
        wasm_byte_vec_delete(&wasm);
    }
}

static void
an_import_that_nobody_offers_is_named(void **state)
{
    (void)state;
    assert_load_error("(component (import \"acme:toys/robot@1.0.0\" (instance"
                      " (export \"walk\" (func)))) " /* and a run, so that it is a command */
                      "(core module $m (func (export \"run\") (result i32) i32.const 0))"
                      "(core instance $i (instantiate $m))"
                      "(func $run (result (result)) (canon lift (core func $i \"run\")))"
                      "(instance $cli (export \"run\" (func $run)))"
                      "(export \"wasi:cli/run@0.2.0\" (instance $cli)))",
                      "acme:toys/robot@1.0.0");
}

static void
a_component_that_is_neither_kind_is_refused(void **state)
{
    (void)state;
    struct airs_error error;
    assert_int_equal(compile_text("(component)", &error), AIRS_ELOAD);
    assert_message(&error, "neither an actor");
}

static void
a_run_of_another_type_is_a_load_error(void **state)
{
    (void)state;
    struct component *component =
        open_text("(component (core module $m (func (export \"run\") (result i32) i32.const 0))"
                  " (core instance $i (instantiate $m))"
                  " (func $run (result u32) (canon lift (core func $i \"run\")))"
                  " (instance $cli (export \"run\" (func $run)))"
                  " (export \"wasi:cli/run@0.2.0\" (instance $cli)))");
    struct instance *instance = new_instance(component, &(struct instance_options){ 0 });
    instance_begin_instantiate(instance);
    const struct outcome *outcome = finish(instance, 0);
    assert_outcome(outcome, OUTCOME_LOAD_ERROR);
    assert_non_null(strstr(outcome->text, "another type"));
    instance_free(instance);
    component_unref(component);
}

static void
a_core_module_for_wasip1_becomes_a_command(void **state)
{
    (void)state;
    struct component *component = open_text(CORE_COMMAND);
    assert_int_equal(component_kind(component), COMPONENT_COMMAND);
    struct instance_options options = { 0 };
    struct instance *instance = start_instance(component, &options);
    instance_begin_run(instance);
    assert_outcome(finish(instance, 0), OUTCOME_OK);
    instance_free(instance);
    component_unref(component);
}

static void
a_core_module_for_another_system_is_refused(void **state)
{
    (void)state;
    struct airs_error error;
    assert_int_equal(compile_text("(module (import \"env\" \"puts\" (func (param i32)))"
                                  " (memory (export \"memory\") 1)"
                                  " (func (export \"_start\") i32.const 0 call 0))",
                                  &error),
                     AIRS_ELOAD);
    assert_message(&error, "env");
    assert_int_equal(compile_text("(module (func (export \"add\")))", &error), AIRS_ELOAD);
    assert_message(&error, "neither an actor");
}

static void
what_needs_more_than_the_pool_has_is_refused(void **state)
{
    (void)state;
    assert_load_error(COMMAND("(memory 300) (func (export \"run\") (result i32) i32.const 0)"),
                      "19660800");
    assert_load_error(COMMAND("(memory 1) (table 100001 funcref)"
                              " (func (export \"run\") (result i32) i32.const 0)"),
                      "100001");
}

static void
an_import_of_stop_is_seen(void **state)
{
    (void)state;
    struct component *component =
        open_text("(component (import \"airs:command/stop@0.1.0\" (instance $stop"
                  "  (export \"requested\" (func (result bool)))))"
                  " (core module $m (func (export \"run\") (result i32) i32.const 0))"
                  " (core instance $i (instantiate $m))"
                  " (func $run (result (result)) (canon lift (core func $i \"run\")))"
                  " (instance $cli (export \"run\" (func $run)))"
                  " (export \"wasi:cli/run@0.2.3\" (instance $cli)))");
    assert_true(component_imports_stop(component));
    component_unref(component);
}

/* A limit on file sizes stands for a disk that fills up while writing. */
static enum airs_status
compile_on_a_full_disk(const char *path, struct airs_error *error)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGXFSZ, &ignore, NULL);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = { 4096, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum airs_status status = component_compile(&tests.config, path, tests.cache, error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return status;
}

static void
a_full_disk_for_the_cache_is_an_error(void **state)
{
    (void)state;
    char path[128];
    write_wasm("full", COMMAND("(func (export \"run\") (result i32) i32.const 0) (memory 1)"),
               path);
    struct airs_error error = { 0 };
    assert_int_equal(compile_on_a_full_disk(path, &error), AIRS_EIO);
    assert_message(&error, "cannot write");
    error = (struct airs_error){ 0 };
    struct component_entry entry;
    assert_int_equal(component_find_cached(&tests.config, path, tests.cache, &entry, &error),
                     AIRS_OK);
    assert_false(entry.found);
    component_unref(open_path(path));
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(is_in_the_cache_once_compiled),
        cmocka_unit_test(code_for_other_settings_is_another_entry),
        cmocka_unit_test(a_damaged_entry_is_compiled_again),
        cmocka_unit_test(what_is_no_file_is_an_error),
        cmocka_unit_test(what_is_not_wasm_is_an_error),
        cmocka_unit_test(wasm_cut_short_at_any_byte_is_an_error),
        cmocka_unit_test(an_import_that_nobody_offers_is_named),
        cmocka_unit_test(a_component_that_is_neither_kind_is_refused),
        cmocka_unit_test(a_run_of_another_type_is_a_load_error),
        cmocka_unit_test(a_core_module_for_wasip1_becomes_a_command),
        cmocka_unit_test(a_core_module_for_another_system_is_refused),
        cmocka_unit_test(what_needs_more_than_the_pool_has_is_refused),
        cmocka_unit_test(an_import_of_stop_is_seen),
        cmocka_unit_test(a_full_disk_for_the_cache_is_an_error),
    };
    return cmocka_run_group_tests(all, start_engine, stop_engine);
}
