/* Writing to what nobody reads: nothing waits, nothing is lost that can still be taken. */
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/writer.c"

static void
fill(struct writer *writer, size_t bytes)
{
    char block[1000];
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < bytes; i += sizeof block)
        assert_true(buffer_append(&writer->pending, block, sizeof block));
}

static void
a_full_pipe_keeps_the_rest_pending(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct writer writer;
    writer_init(&writer, ends[1]);
    fill(&writer, 1000000);
    assert_false(writer_flush(&writer));
    assert_true(writer.pending.size < 1000000);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);

    for (size_t taken = 0; taken < 1000000;) {
        char block[65536];
        ssize_t got = read(ends[0], block, sizeof block);
        assert_true(got > 0);
        taken += (size_t)got;
        writer_flush(&writer);
    }
    assert_int_equal(writer.pending.size, 0);
    writer_deinit(&writer);
    close(ends[0]);
    close(ends[1]);
}

static void
a_drain_ends_when_nobody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct writer writer;
    writer_init(&writer, ends[1]);
    fill(&writer, 1000000);
    uint64_t began_us = clock_now_us();
    writer_drain(&writer, 50);
    assert_true(clock_now_us() - began_us < 60 * US_PER_S);
    assert_true(writer.pending.size > 0);
    writer_deinit(&writer);
    close(ends[0]);
    close(ends[1]);
}

static void
a_reader_that_is_gone_takes_everything(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct writer writer;
    writer_init(&writer, ends[1]);
    close(ends[0]);
    fill(&writer, 10000);
    assert_true(writer_flush(&writer));
    assert_true(writer.broken);
    writer_deinit(&writer);
    close(ends[1]);
}

static void
a_file_is_written_where_it_stands(void **state)
{
    (void)state;
    char path[] = "/tmp/airs-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "one ", 4), 4);
    struct writer writer;
    writer_init(&writer, fd);
    buffer_append_text(&writer.pending, "two");
    assert_true(writer_flush(&writer));
    writer_deinit(&writer);
    char text[16] = "";
    assert_int_equal(pread(fd, text, sizeof text - 1, 0), 7);
    assert_string_equal(text, "one two");
    close(fd);
    unlink(path);
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_pipe_keeps_the_rest_pending),
        cmocka_unit_test(a_drain_ends_when_nobody_reads),
        cmocka_unit_test(a_reader_that_is_gone_takes_everything),
        cmocka_unit_test(a_file_is_written_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
