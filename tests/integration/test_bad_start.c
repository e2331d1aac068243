/* Bad start: components that cannot be loaded, and ones whose start goes wrong in every way. */
#include "world.h"

#include <unistd.h>

/* A command that imports what nobody offers, from this text:
 *   (component
 *    (import "acme:teleport/beam@1.0.0" (instance $beam (export "engage" (func))))
 *    (core module $m (func (export "run") (result i32) i32.const 0))
 *    (core instance $i (instantiate $m))
 *    (func $run (result (result)) (canon lift (core func $i "run")))
 *    (instance $cli (export "run" (func $run)))
 *    (export "wasi:cli/run@0.2.0" (instance $cli))) */
static const unsigned char teleporter[] = {
    0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x07, 0x13, 0x01, 0x42, 0x02, 0x01, 0x40, 0x00,
    0x01, 0x00, 0x04, 0x00, 0x06, 0x65, 0x6e, 0x67, 0x61, 0x67, 0x65, 0x01, 0x00, 0x0a, 0x1d, 0x01,
    0x00, 0x18, 0x61, 0x63, 0x6d, 0x65, 0x3a, 0x74, 0x65, 0x6c, 0x65, 0x70, 0x6f, 0x72, 0x74, 0x2f,
    0x62, 0x65, 0x61, 0x6d, 0x40, 0x31, 0x2e, 0x30, 0x2e, 0x30, 0x05, 0x00, 0x01, 0x2f, 0x00, 0x61,
    0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f, 0x03, 0x02, 0x01,
    0x00, 0x07, 0x07, 0x01, 0x03, 0x72, 0x75, 0x6e, 0x00, 0x00, 0x0a, 0x06, 0x01, 0x04, 0x00, 0x41,
    0x00, 0x0b, 0x00, 0x09, 0x04, 0x6e, 0x61, 0x6d, 0x65, 0x00, 0x02, 0x01, 0x6d, 0x02, 0x04, 0x01,
    0x00, 0x00, 0x00, 0x07, 0x08, 0x02, 0x6a, 0x00, 0x00, 0x40, 0x00, 0x00, 0x01, 0x06, 0x09, 0x01,
    0x00, 0x00, 0x01, 0x00, 0x03, 0x72, 0x75, 0x6e, 0x08, 0x06, 0x01, 0x00, 0x00, 0x00, 0x00, 0x02,
    0x05, 0x0a, 0x01, 0x01, 0x01, 0x00, 0x03, 0x72, 0x75, 0x6e, 0x01, 0x00, 0x0b, 0x18, 0x01, 0x00,
    0x12, 0x77, 0x61, 0x73, 0x69, 0x3a, 0x63, 0x6c, 0x69, 0x2f, 0x72, 0x75, 0x6e, 0x40, 0x30, 0x2e,
    0x32, 0x2e, 0x30, 0x05, 0x01, 0x00, 0x00, 0x37, 0x0e, 0x63, 0x6f, 0x6d, 0x70, 0x6f, 0x6e, 0x65,
    0x6e, 0x74, 0x2d, 0x6e, 0x61, 0x6d, 0x65, 0x01, 0x06, 0x00, 0x11, 0x01, 0x00, 0x01, 0x6d, 0x01,
    0x06, 0x00, 0x12, 0x01, 0x00, 0x01, 0x69, 0x01, 0x07, 0x01, 0x01, 0x00, 0x03, 0x72, 0x75, 0x6e,
    0x01, 0x0d, 0x05, 0x02, 0x00, 0x04, 0x62, 0x65, 0x61, 0x6d, 0x01, 0x03, 0x63, 0x6c, 0x69,
};

/* A file in the cache's folder; the path stays valid until the next call. */
static const char *
file_with(const char *name, const void *bytes, size_t size)
{
    static char path[512];

    snprintf(path, sizeof path, BINARY_DIR "/%s-%d.wasm", name, (int)getpid());
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    return path;
}

/* /bad runs `file` and /good an echo: /bad fails with that text, /good answers. */
static void
is_a_load_error(const char *file, bool compiled, const char *text)
{
    struct world *world = world_begin();
    struct airs_error error = { 0 };

    enum airs_status status = world_compile(world, file, &error);
    assert_int_equal(status == AIRS_OK, compiled);
    world_add(world, "/bad", (struct world_child){ .file = file });
    world_add(world, "/good", (struct world_child){ .guest = "echo" });
    world_start(world);
    struct event exited = world_wait_event(world, "/bad", EVENT_EXITED, 0);
    assert_int_equal(exited.exit.reason, EXIT_LOAD_ERROR);
    assert_non_null(exited.detail);
    if (!strstr(exited.detail->text, text))
        fprintf(stderr, "%s\n", exited.detail->text);
    assert_non_null(strstr(exited.detail->text, text));
    world_wait_event(world, "/bad", EVENT_FAILED, 0);
    assert_int_equal(world_count(world, "/bad", EVENT_RESTART_SCHEDULED), 0);
    assert_answer(world, "/good", "hello", "hello");
    world_end(world);
}

static void
a_missing_file_is_a_load_error(void **state)
{
    (void)state;
    is_a_load_error("/nowhere/at/all.wasm", false, "/nowhere/at/all.wasm");
}

static void
a_file_that_is_no_wasm_is_a_load_error(void **state)
{
    (void)state;
    static const char text[] = "name: shop\n";
    const char *path = file_with("text", text, sizeof text - 1);

    is_a_load_error(path, false, path);
    unlink(path);
}

static void
a_file_cut_short_is_a_load_error(void **state)
{
    (void)state;
    const char *path = file_with("cut", teleporter, sizeof teleporter / 2);

    is_a_load_error(path, false, path);
    unlink(path);
}

static void
an_import_that_nobody_offers_is_a_load_error_that_names_it(void **state)
{
    (void)state;
    const char *path = file_with("teleporter", teleporter, sizeof teleporter);

    is_a_load_error(path, true, "acme:teleport/beam@1.0.0");
    unlink(path);
}

static void
what_is_for_commands_is_a_load_error_on_an_actor(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/args", (struct world_child){ .guest = "echo", .args = { "--port" } });
    world_add(world, "/stdin", (struct world_child){ .guest = "echo", .stdin_open = true });
    world_start(world);
    struct event exited = world_wait_event(world, "/args", EVENT_EXITED, 0);
    assert_int_equal(exited.exit.reason, EXIT_LOAD_ERROR);
    assert_non_null(strstr(exited.detail->text, "args"));
    exited = world_wait_event(world, "/stdin", EVENT_EXITED, 0);
    assert_int_equal(exited.exit.reason, EXIT_LOAD_ERROR);
    assert_non_null(strstr(exited.detail->text, "stdin"));
    world_end(world);
}

static void
a_child_with_a_load_error_can_be_started_and_fails_again(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(world, "/bad", (struct world_child){ .file = "/nowhere/at/all.wasm" });
    world_start(world);
    world_wait_event(world, "/bad", EVENT_FAILED, 1);
    assert_int_equal(world_do(world, component_supervisor_start, "/bad"), AIRS_OK);
    world_wait_event(world, "/bad", EVENT_FAILED, 2);
    world_end(world);
}

/* ---- A start that goes wrong: same budget, same delays. ---- */

/* Two attempts of `child`, both ending as said, none ever started; /good does not notice. Only what
 * is to be ended by its start timeout has a short one. */
static void
fails_to_start(struct world_child child, enum exit_reason reason, int32_t code, const char *text)
{
    struct world *world = world_begin();

    child.config = supervisor_config_with_max_restarts(world_immortal(), 1);
    if (reason == EXIT_TIMEOUT)
        child.config = supervisor_config_with_start_timeout(child.config, 200 * US_PER_MS);
    world_add(world, "/bad", child);
    world_add(world, "/good", (struct world_child){ .guest = "echo" });
    world_start(world);
    world_wait_event(world, "/bad", EVENT_FAILED, 2);
    for (uint32_t generation = 1; generation <= 2; generation++) {
        struct event exited = world_wait_event(world, "/bad", EVENT_EXITED, generation);
        assert_int_equal(exited.exit.reason, reason);
        assert_int_equal(exited.exit.code, code);
        if (text) {
            assert_non_null(exited.detail);
            assert_non_null(strstr(exited.detail->text, text));
        }
    }
    assert_int_equal(world_count(world, "/bad", EVENT_STARTED), 0);
    assert_answer(world, "/good", "count", "1");
    world_end(world);
}

static void
an_err_from_initialize_is_a_failed_start_with_its_text(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "initfail", .text = "err" }, EXIT_ERROR, -1,
                   "initfail was told to fail");
}

static void
a_trap_in_initialize_is_a_failed_start(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "initfail", .text = "trap" }, EXIT_TRAP,
                   TRAP_UNREACHABLE, "on_init");
}

static void
an_exit_in_initialize_is_a_failed_start(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "initfail", .text = "exit" }, EXIT_ERROR, 7,
                   NULL);
}

static void
an_initialize_that_eats_memory_is_out_of_memory(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "initfail",
                                         .text = "oom",
                                         .limits = { .memory_bytes = 4u << 20 } },
                   EXIT_OUT_OF_MEMORY, 0, NULL);
}

static void
an_initialize_that_loops_is_ended_by_the_start_timeout(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "initfail", .text = "loop" }, EXIT_TIMEOUT, 0,
                   NULL);
}

static void
an_initialize_that_sleeps_is_ended_by_the_start_timeout(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "initfail", .text = "sleep" }, EXIT_TIMEOUT, 0,
                   NULL);
}

static void
a_trap_in_metadata_is_a_failed_start(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "badmeta", .text = "trap" }, EXIT_TRAP,
                   TRAP_UNREACHABLE, NULL);
}

static void
metadata_that_loops_is_ended_by_the_start_timeout(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "badmeta", .text = "loop" }, EXIT_TIMEOUT, 0,
                   NULL);
}

static void
metadata_that_sleeps_is_ended_by_the_start_timeout(void **state)
{
    (void)state;
    fails_to_start((struct world_child){ .guest = "badmeta", .text = "sleep" }, EXIT_TIMEOUT, 0,
                   NULL);
}

static void
memory_smaller_than_the_component_needs_is_a_defined_end(void **state)
{
    (void)state;
    struct world *world = world_begin();

    world_add(
        world, "/bad",
        (struct world_child){ .guest = "echo",
                              .limits = { .memory_bytes = 65536 },
                              .config = supervisor_config_with_max_restarts(world_immortal(), 1) });
    world_start(world);
    struct event exited = world_wait_event(world, "/bad", EVENT_EXITED, 0);
    assert_true(exited.exit.reason == EXIT_OUT_OF_MEMORY || exited.exit.reason == EXIT_LOAD_ERROR);
    world_wait_event(world, "/bad", EVENT_FAILED, 0);
    world_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_a_load_error),
        cmocka_unit_test(a_file_that_is_no_wasm_is_a_load_error),
        cmocka_unit_test(a_file_cut_short_is_a_load_error),
        cmocka_unit_test(an_import_that_nobody_offers_is_a_load_error_that_names_it),
        cmocka_unit_test(what_is_for_commands_is_a_load_error_on_an_actor),
        cmocka_unit_test(a_child_with_a_load_error_can_be_started_and_fails_again),
        cmocka_unit_test(an_err_from_initialize_is_a_failed_start_with_its_text),
        cmocka_unit_test(a_trap_in_initialize_is_a_failed_start),
        cmocka_unit_test(an_exit_in_initialize_is_a_failed_start),
        cmocka_unit_test(an_initialize_that_eats_memory_is_out_of_memory),
        cmocka_unit_test(an_initialize_that_loops_is_ended_by_the_start_timeout),
        cmocka_unit_test(an_initialize_that_sleeps_is_ended_by_the_start_timeout),
        cmocka_unit_test(a_trap_in_metadata_is_a_failed_start),
        cmocka_unit_test(metadata_that_loops_is_ended_by_the_start_timeout),
        cmocka_unit_test(metadata_that_sleeps_is_ended_by_the_start_timeout),
        cmocka_unit_test(memory_smaller_than_the_component_needs_is_a_defined_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
