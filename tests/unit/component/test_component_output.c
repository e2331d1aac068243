/* Component output: lines out of pieces, a bounded rate. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "component/component_output.h"

/* Writes down each line as `stream:text`, with a `+` when more of it follows. */
struct recorder {
    struct log_sink sink;
    char trace[4096];
    size_t lines;
    size_t bytes;
    size_t longest;
    size_t room;
};

static struct recorder recorder;
static struct component_output output;

static void
record(struct log_sink *sink, const struct log_line *line)
{
    struct recorder *to = container_of(sink, struct recorder, sink);
    size_t used = strlen(to->trace);

    to->lines++;
    to->bytes += line->size;
    if (line->size > to->longest)
        to->longest = line->size;
    if (line->size < 100)
        snprintf(to->trace + used, sizeof to->trace - used, "%s%u %s:%.*s%s\n", line->path,
                 line->generation, log_stream_name(line->stream), (int)line->size, line->text,
                 line->continues ? "+" : "");
}

static size_t
room(struct log_sink *sink, const char *path)
{
    (void)path;
    return container_of(sink, struct recorder, sink)->room;
}

static int
set_up(void **state)
{
    (void)state;
    recorder = (struct recorder){ .sink.write = record };
    component_output_init(&output, &recorder.sink, "/a");
    output.generation = 7;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    component_output_deinit(&output);
    return 0;
}

static void
write_text(enum log_stream stream, const char *text)
{
    component_output_write(&output, stream, text, strlen(text));
}

static void
pieces_are_joined_into_lines(void **state)
{
    (void)state;
    write_text(LOG_STDOUT, "he");
    write_text(LOG_STDOUT, "llo\nwor");
    write_text(LOG_STDOUT, "ld\n\n");
    assert_string_equal(recorder.trace, "/a7 stdout:hello\n/a7 stdout:world\n/a7 stdout:\n");
}

static void
streams_do_not_mix(void **state)
{
    (void)state;
    write_text(LOG_STDOUT, "out");
    write_text(LOG_STDERR, "err\n");
    write_text(LOG_STDOUT, "\n");
    assert_string_equal(recorder.trace, "/a7 stderr:err\n/a7 stdout:out\n");
}

static void
a_line_without_end_comes_when_the_instance_ends(void **state)
{
    (void)state;
    write_text(LOG_STDOUT, "last words");
    assert_int_equal(recorder.lines, 0);
    component_output_flush(&output);
    component_output_flush(&output);
    assert_string_equal(recorder.trace, "/a7 stdout:last words\n");
}

static void
a_long_line_comes_in_parts(void **state)
{
    (void)state;
    static char text[3 * LOG_LINE_BYTES_MAX];

    memset(text, 'x', sizeof text);
    component_output_write(&output, LOG_STDOUT, text, 100);
    component_output_write(&output, LOG_STDOUT, text, 2 * LOG_LINE_BYTES_MAX);
    assert_int_equal(recorder.lines, 2);
    assert_int_equal(recorder.longest, LOG_LINE_BYTES_MAX);
    write_text(LOG_STDOUT, "\n");
    assert_int_equal(recorder.lines, 3);
    assert_int_equal(recorder.bytes, 100 + 2 * LOG_LINE_BYTES_MAX);
}

static void
a_line_of_exactly_the_limit_is_one_line(void **state)
{
    (void)state;
    static char text[LOG_LINE_BYTES_MAX + 1];

    memset(text, 'x', LOG_LINE_BYTES_MAX);
    text[LOG_LINE_BYTES_MAX] = '\n';
    component_output_write(&output, LOG_STDOUT, text, sizeof text);
    assert_int_equal(recorder.lines, 1);
    assert_int_equal(recorder.longest, LOG_LINE_BYTES_MAX);
}

static void
output_beyond_the_rate_has_no_room_until_time_passes(void **state)
{
    (void)state;
    static char text[LOG_LINE_BYTES_MAX];
    uint64_t now_us = clock_now_us();

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\n';
    assert_int_equal(component_output_room(&output, now_us), OUTPUT_BURST_BYTES);
    while (component_output_room(&output, now_us) > 0)
        component_output_write(&output, LOG_STDOUT, text, sizeof text);
    assert_in_range(recorder.bytes, OUTPUT_BURST_BYTES / 2, OUTPUT_BURST_BYTES + sizeof text);
    assert_in_range(component_output_room(&output, now_us + 1000), 1,
                    OUTPUT_BYTES_PER_S / 1000 + OUTPUT_LINE_COST_BYTES);
}

static void
empty_lines_count_too(void **state)
{
    (void)state;
    uint64_t now_us = clock_now_us();

    while (component_output_room(&output, now_us) > 0 && recorder.lines < 1000000)
        write_text(LOG_STDOUT, "\n");
    assert_in_range(recorder.lines, 1, OUTPUT_BURST_BYTES / OUTPUT_LINE_COST_BYTES);
}

static void
the_sink_may_grant_less(void **state)
{
    (void)state;
    recorder.sink.room = room;
    recorder.room = 0;
    assert_int_equal(component_output_room(&output, clock_now_us()), 0);
    recorder.room = 10;
    assert_int_equal(component_output_room(&output, clock_now_us()), 10);
}

static void
log_calls_beyond_the_rate_are_dropped_and_counted(void **state)
{
    (void)state;
    recorder.sink.room = room;
    recorder.room = 0;
    component_output_log(&output, LOG_INFO, "one", 3, NULL, 0);
    component_output_log(&output, LOG_INFO, "two", 3, NULL, 0);
    assert_int_equal(recorder.lines, 0);
    recorder.room = 1000;
    component_output_log(&output, LOG_INFO, "three", 5, NULL, 0);
    assert_string_equal(recorder.trace,
                        "/a7 log:2 log lines dropped: too many at once\n/a7 log:three\n");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(pieces_are_joined_into_lines),
        EACH(streams_do_not_mix),
        EACH(a_line_without_end_comes_when_the_instance_ends),
        EACH(a_long_line_comes_in_parts),
        EACH(a_line_of_exactly_the_limit_is_one_line),
        EACH(output_beyond_the_rate_has_no_room_until_time_passes),
        EACH(empty_lines_count_too),
        EACH(the_sink_may_grant_less),
        EACH(log_calls_beyond_the_rate_are_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
