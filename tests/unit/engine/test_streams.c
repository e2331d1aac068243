/* A guest's streams and waits: output with and without room, stdin, being asked to stop, and a
 * thousand sleepers that cost nothing.
 */
#include "engine_testing.h"

#include <sys/resource.h>

#define SLEEPERS 1000

#define WASI(name, type) \
    "(import \"wasi_snapshot_preview1\" \"" name "\" (func $" name " " type "))"
#define FD_IO "(param i32 i32 i32 i32) (result i32)"

/* Writes "hello\n" to stdout and "oops" to stderr; exits with the first error. */
#define PRINTS                                                                                    \
    "(module " WASI("fd_write", FD_IO) WASI(                                                      \
        "proc_exit",                                                                              \
        "(param i32)") " (memory (export \"memory\") 1) (data (i32.const 100) \"hello\\n\") "     \
                       "(data (i32.const 120) \"oops\")"                                          \
                       " (data (i32.const 0) "                                                    \
                       "\"\\64\\00\\00\\00\\06\\00\\00\\00\\78\\00\\00\\00\\04\\00\\00\\00\")"    \
                       " (func (export \"_start\")"                                               \
                       "  (call $proc_exit (i32.or"                                               \
                       "   (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const " \
                       "60))"                                                                     \
                       "   (call $fd_write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const " \
                       "60))))))"

/* Reads stdin once; exits with 10 + the bytes it got, or with the error. */
#define READS                                                                                     \
    "(module " WASI("fd_read", FD_IO) WASI(                                                       \
        "proc_exit",                                                                              \
        "(param i32)") " (memory (export \"memory\") 1) (data (i32.const 0) "                     \
                       "\"\\64\\00\\00\\00\\06\\00\\00\\00\")"                                    \
                       " (func (export \"_start\") (local i32)"                                   \
                       "  (local.set 0 (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) " \
                       "(i32.const 60)))"                                                         \
                       "  (if (local.get 0) (then (call $proc_exit (local.get 0))))"              \
                       "  (call $proc_exit (i32.add (i32.const 10) (i32.load (i32.const 60))))))"

/* Exits with 10 · arguments + variables. */
#define COUNTS_ARGUMENTS                                                                          \
    "(module " WASI("args_sizes_get", "(param i32 i32) (result i32)")                             \
        WASI("environ_sizes_get", "(param i32 i32) (result i32)")                                 \
            WASI("proc_exit",                                                                     \
                 "(param i32)") " (memory (export \"memory\") 1)"                                 \
                                " (func (export \"_start\")"                                      \
                                "  (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))"     \
                                "  (drop (call $environ_sizes_get (i32.const 8) (i32.const 12)))" \
                                "  (call $proc_exit (i32.add (i32.mul (i32.const 10) (i32.load "  \
                                "(i32.const 0)))"                                                 \
                                "   (i32.load (i32.const 8))))))"

/* Sleeps for a second through WASI. */
#define SLEEPS                                                                                    \
    "(module " WASI("poll_oneoff", FD_IO) " (memory (export \"memory\") 1) (data (i32.const 16) " \
                                          "\"\\01\") (data (i32.const 24) \"\\00\\ca\\9a\\3b\")"  \
                                          " (func (export \"_start\")"                            \
                                          "  (drop (call $poll_oneoff (i32.const 0) (i32.const "  \
                                          "64) (i32.const 1) (i32.const 128)))))"

/* Waits until it is asked to stop, and returns ok if it then knows. */
#define STOPS                                                                         \
    "(component"                                                                      \
    " (import \"wasi:io/poll@0.2.0\" (instance $poll"                                 \
    "  (export \"pollable\" (type $p (sub resource)))"                                \
    "  (export \"[method]pollable.block\" (func (param \"self\" (borrow $p))))))"     \
    " (alias export $poll \"pollable\" (type $pollable))"                             \
    " (import \"airs:command/stop@0.1.0\" (instance $stop"                            \
    "  (alias outer 1 $pollable (type $p')) (export \"pollable\" (type $p (eq $p')))" \
    "  (export \"requested\" (func (result bool)))"                                   \
    "  (export \"subscribe\" (func (result (own $p))))))"                             \
    " (core func $block (canon lower (func $poll \"[method]pollable.block\")))"       \
    " (core func $requested (canon lower (func $stop \"requested\")))"                \
    " (core func $subscribe (canon lower (func $stop \"subscribe\")))"                \
    " (core module $m (import \"h\" \"block\" (func $block (param i32)))"             \
    "  (import \"h\" \"requested\" (func $requested (result i32)))"                   \
    "  (import \"h\" \"subscribe\" (func $subscribe (result i32)))"                   \
    "  (func (export \"run\") (result i32)"                                           \
    "   (if (call $requested) (then (return (i32.const 1))))"                         \
    "   (call $block (call $subscribe)) (i32.eqz (call $requested))))"                \
    " (core instance $i (instantiate $m (with \"h\" (instance"                        \
    "  (export \"block\" (func $block)) (export \"requested\" (func $requested))"     \
    "  (export \"subscribe\" (func $subscribe))))))"                                  \
    " (func $run (result (result)) (canon lift (core func $i \"run\")))"              \
    " (instance $cli (export \"run\" (func $run)))"                                   \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

struct paper {
    char text[2][64]; /* By stream. */
    size_t sizes[2];
    size_t piece_max;  /* The longest piece that came. */
    unsigned refusals; /* How often there is no room yet. */
    unsigned asked;
    size_t room; /* After that. */
};

static void
on_output(void *host, enum guest_stream stream, const void *bytes, size_t size)
{
    struct paper *paper = host;
    assert_true(paper->sizes[stream] + size < sizeof paper->text[stream]);
    memcpy(paper->text[stream] + paper->sizes[stream], bytes, size);
    paper->sizes[stream] += size;
    if (size > paper->piece_max)
        paper->piece_max = size;
}

static size_t
output_room(void *host, enum guest_stream stream)
{
    (void)stream;
    struct paper *paper = host;
    paper->asked++;
    if (paper->refusals == 0)
        return paper->room;
    paper->refusals--;
    return 0;
}

static struct instance *
begin(const char *text, const struct instance_options *options)
{
    struct component *component = open_text(text);
    struct instance *instance = start_instance(component, options);
    component_unref(component);
    instance_begin_run(instance);
    return instance;
}

static void
assert_exit(struct instance *instance, uint64_t id, int code)
{
    const struct outcome *outcome = finish(instance, id);
    assert_outcome(outcome, code == 0 ? OUTCOME_OK : OUTCOME_EXIT);
    assert_int_equal(outcome->exit_code, code);
    instance_free(instance);
}

static void
output_arrives_on_its_stream(void **state)
{
    (void)state;
    struct paper paper = { 0 };
    assert_exit(begin(PRINTS, &(struct instance_options){ .host = &paper, .output = on_output }), 0,
                0);
    assert_string_equal(paper.text[GUEST_STDOUT], "hello\n");
    assert_string_equal(paper.text[GUEST_STDERR], "oops");
}

static void
output_that_nobody_takes_is_thrown_away(void **state)
{
    (void)state;
    assert_exit(begin(PRINTS, &(struct instance_options){ 0 }), 0, 0);
}

static void
a_guest_whose_output_has_no_room_waits_and_loses_nothing(void **state)
{
    (void)state;
    struct paper paper = { .refusals = 25, .room = 1000 };
    const struct instance_options options = {
        .id = 3,
        .host = &paper,
        .output = on_output,
        .output_room = output_room,
    };
    struct instance *instance = begin(PRINTS, &options);
    uint64_t began = clock_now_us();
    assert_int_equal(instance_poll(instance), CALL_PENDING);
    assert_exit(instance, 3, 0);
    assert_true(clock_now_us() - began >= 20 * INSTANCE_OUTPUT_RETRY_MS * US_PER_MS);
    assert_string_equal(paper.text[GUEST_STDOUT], "hello\n");
    assert_string_equal(paper.text[GUEST_STDERR], "oops");
}

static void
output_comes_in_pieces_as_large_as_there_is_room(void **state)
{
    (void)state;
    struct paper paper = { .room = 2 };
    const struct instance_options options = {
        .host = &paper,
        .output = on_output,
        .output_room = output_room,
    };
    assert_exit(begin(PRINTS, &options), 0, 0);
    assert_int_equal(paper.piece_max, 2);
    assert_string_equal(paper.text[GUEST_STDOUT], "hello\n");
    assert_string_equal(paper.text[GUEST_STDERR], "oops");
}

static void
a_guest_without_room_can_be_cancelled(void **state)
{
    (void)state;
    struct paper paper = { .refusals = 1000000, .room = 1 };
    const struct instance_options options = {
        .host = &paper,
        .output = on_output,
        .output_room = output_room,
    };
    struct instance *instance = begin(PRINTS, &options);
    assert_int_equal(instance_poll(instance), CALL_PENDING);
    instance_free(instance);
    assert_int_equal(paper.sizes[0], 0);
}

static void
empty_stdin_is_at_its_end(void **state)
{
    (void)state;
    struct instance *instance = begin(READS, &(struct instance_options){ 0 });
    assert_false(instance_ask_stop(instance));
    assert_exit(instance, 0, 10);
}

static void *
ask_stop(void *argument)
{
    assert_true(instance_ask_stop(argument));
    return NULL;
}

static void
assert_stops_when_asked_by_another_thread(const char *text, const struct instance_options *options,
                                          int code)
{
    struct instance *instance = begin(text, options);
    assert_int_equal(instance_poll(instance), CALL_PENDING);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_stop, instance), 0);
    wait_for_wake(options->id);
    pthread_join(thread, NULL);
    assert_exit(instance, options->id, code);
}

static void
open_stdin_ends_when_it_is_asked_to_stop(void **state)
{
    (void)state;
    const struct instance_options options = { .id = 5, .stdin_open = true };
    assert_stops_when_asked_by_another_thread(READS, &options, 10);
    struct instance *instance = begin(READS, &options); /* Asked before it reads. */
    assert_true(instance_ask_stop(instance));
    assert_true(instance_ask_stop(instance));
    assert_exit(instance, 5, 10);
}

static void
a_command_that_imports_stop_is_told(void **state)
{
    (void)state;
    const struct instance_options options = { .id = 6 };
    assert_stops_when_asked_by_another_thread(STOPS, &options, 0);
    struct instance *instance = begin(STOPS, &options); /* Asked before it runs. */
    assert_true(instance_ask_stop(instance));
    assert_exit(instance, 6, 1);
}

static void
a_command_gets_its_arguments_and_environment(void **state)
{
    (void)state;
    const struct span arguments[] = { { "me", 2 }, { "--port", 6 }, { "80", 2 } };
    const struct span_pair environment[] = { { { "A", 1 }, { "1", 1 } },
                                             { { "B", 1 }, { "", 0 } } };
    const struct instance_options options = {
        .arguments = arguments,
        .argument_count = 3,
        .environment = environment,
        .environment_count = 2,
    };
    assert_exit(begin(COUNTS_ARGUMENTS, &options), 0, 32);
}

static void
an_outgoing_request_is_refused_with_an_error(void **state)
{
    (void)state;
    struct component *component = open_wat("http.wat");
    struct instance *instance = start_instance(component, &(struct instance_options){ 0 });
    component_unref(component);
    instance_begin_run(instance);
    assert_exit(instance, 0, 0);
}

static uint64_t
cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * US_PER_S +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void
wait_for_wakes(uint64_t count)
{
    struct timespec deadline = wait_end();
    pthread_mutex_lock(&tests.lock);
    while (tests.wakes < count)
        assert_int_equal(pthread_cond_timedwait(&tests.woken, &tests.lock, &deadline), 0);
    pthread_mutex_unlock(&tests.lock);
}

/* All on this one thread: nothing runs between the last park and the first time that is up. */
static void
a_thousand_sleepers_are_woken_once_each(void **state)
{
    (void)state;
    struct component *component = open_text(SLEEPS);
    static struct instance *sleepers[SLEEPERS];
    for (uint64_t i = 0; i < SLEEPERS; i++)
        sleepers[i] = start_instance(component, &(struct instance_options){ .id = i });
    component_unref(component);
    tests.wakes = 0;
    for (uint64_t i = 0; i < SLEEPERS; i++) {
        instance_begin_run(sleepers[i]);
        assert_int_equal(instance_poll(sleepers[i]), CALL_PENDING);
    }
    uint64_t parked_us = cpu_us();
    wait_for_wakes(1);
    uint64_t slept_us = cpu_us() - parked_us;
    print_message("%d sleepers: %.1f ms of CPU until the first one wakes\n", SLEEPERS,
                  (double)slept_us / 1e3);
    assert_true(slept_us < 100 * US_PER_MS);
    wait_for_wakes(SLEEPERS);
    for (uint64_t i = 0; i < SLEEPERS; i++) {
        assert_outcome(finish(sleepers[i], i), OUTCOME_OK);
        instance_free(sleepers[i]);
    }
    assert_in_range(tests.wakes, SLEEPERS, SLEEPERS + SLEEPERS / 10);
}

static int
start_large_engine(void **state)
{
    test_instances_max = SLEEPERS;
    return start_engine(state);
}

int
main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(output_arrives_on_its_stream),
        cmocka_unit_test(output_that_nobody_takes_is_thrown_away),
        cmocka_unit_test(a_guest_whose_output_has_no_room_waits_and_loses_nothing),
        cmocka_unit_test(output_comes_in_pieces_as_large_as_there_is_room),
        cmocka_unit_test(a_guest_without_room_can_be_cancelled),
        cmocka_unit_test(empty_stdin_is_at_its_end),
        cmocka_unit_test(open_stdin_ends_when_it_is_asked_to_stop),
        cmocka_unit_test(a_command_that_imports_stop_is_told),
        cmocka_unit_test(a_command_gets_its_arguments_and_environment),
        cmocka_unit_test(an_outgoing_request_is_refused_with_an_error),
        cmocka_unit_test(a_thousand_sleepers_are_woken_once_each),
    };
    return cmocka_run_group_tests(all, start_large_engine, stop_engine);
}
