/* The ring that keeps the latest records. */
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "daemon/event_ring.h"
#include "daemon/record_ring.h"

static atomic_uint woken;

static void
on_wake(void *context)
{
    (void)context;
    atomic_fetch_add(&woken, 1);
}

static uint64_t
write_text(struct record_ring *ring, const char *text)
{
    struct record_part parts[] = { { text, strlen(text) }, { "", 1 } };
    return record_ring_write(ring, parts, 2);
}

static void
assert_record(struct record_ring *ring, uint64_t number, const char *expected)
{
    struct buffer record;
    buffer_init(&record, 0);
    assert_int_equal(record_ring_read(ring, number, &record), RECORD_FOUND);
    assert_string_equal(record.data, expected);
    buffer_deinit(&record);
}

static void
numbers_records_from_one_without_gaps(void **state)
{
    (void)state;
    struct record_ring *ring = record_ring_new(8, 256, on_wake, NULL);
    struct buffer record;
    buffer_init(&record, 0);
    assert_int_equal(record_ring_newest(ring), 0);
    assert_int_equal(record_ring_oldest(ring), 1);
    assert_int_equal(record_ring_read(ring, 1, &record), RECORD_NOT_YET);
    assert_int_equal(write_text(ring, "one"), 1);
    assert_int_equal(write_text(ring, "two"), 2);
    assert_record(ring, 1, "one");
    assert_record(ring, 2, "two");
    assert_int_equal(record_ring_read(ring, 3, &record), RECORD_NOT_YET);
    buffer_deinit(&record);
    record_ring_free(ring);
}

static void
loses_the_oldest_by_count_and_by_bytes(void **state)
{
    (void)state;
    struct buffer record;
    buffer_init(&record, 0);
    struct record_ring *by_count = record_ring_new(4, 4096, on_wake, NULL);
    for (int i = 1; i <= 10; i++)
        write_text(by_count, "x");
    assert_int_equal(record_ring_oldest(by_count), 7);
    assert_int_equal(record_ring_read(by_count, 6, &record), RECORD_LOST);
    record_ring_free(by_count);

    /* 16 bytes a record in 64: 4 fit; and every size around the end of the ring. */
    struct record_ring *by_bytes = record_ring_new(1000, 64, on_wake, NULL);
    char text[16];
    for (int i = 1; i <= 1000; i++) {
        snprintf(text, sizeof text, "%.*s%03d", i % 12, "------------", i % 1000);
        assert_int_equal(write_text(by_bytes, text), i);
        assert_record(by_bytes, (uint64_t)i, text);
        assert_true(record_ring_oldest(by_bytes) + 20 > (uint64_t)i);
    }
    record_ring_free(by_bytes);
    buffer_deinit(&record);
}

static void
never_overwrites_what_is_held(void **state)
{
    (void)state;
    struct record_ring *ring = record_ring_new(100, 64, on_wake, NULL);
    record_ring_hold(ring, 1);
    assert_int_equal(write_text(ring, "123456789012345"), 1);
    assert_int_equal(write_text(ring, "123456789012345"), 2);
    assert_int_equal(write_text(ring, "123456789012345"), 3);
    assert_int_equal(write_text(ring, "123456789012345"), 4);
    assert_int_equal(write_text(ring, "x"), 0);
    assert_record(ring, 1, "123456789012345");
    record_ring_hold(ring, 3);
    assert_int_equal(write_text(ring, "x"), 5);
    assert_int_equal(record_ring_oldest(ring), 2);
    record_ring_free(ring);
}

static void
refuses_a_record_larger_than_a_quarter(void **state)
{
    (void)state;
    struct record_ring *ring = record_ring_new(100, 64, on_wake, NULL);
    assert_int_equal(write_text(ring, "1234567890123456"), 0);
    assert_int_equal(record_ring_newest(ring), 0);
    record_ring_free(ring);
}

static void
wakes_once_for_many_writes(void **state)
{
    (void)state;
    struct record_ring *ring = record_ring_new(100, 4096, on_wake, NULL);
    atomic_store(&woken, 0);
    write_text(ring, "nobody asked");
    assert_int_equal(atomic_load(&woken), 0);
    record_ring_want(ring, 1);
    assert_int_equal(atomic_load(&woken), 0);
    for (int i = 0; i < 50; i++)
        write_text(ring, "x");
    assert_int_equal(atomic_load(&woken), 1);
    record_ring_want(ring, 20); /* Behind already. */
    assert_int_equal(atomic_load(&woken), 2);
    record_ring_free(ring);
}

static void
a_staged_record_is_seen_once_it_is_published(void **state)
{
    (void)state;
    struct record_ring *ring = record_ring_new(4, 4096, on_wake, NULL);
    const struct record_part part = { "x", 1 };
    struct buffer record;
    buffer_init(&record, 0);
    atomic_store(&woken, 0);
    record_ring_want(ring, 0);
    for (int i = 0; i < 6; i++) /* More than it keeps. */
        assert_int_equal(record_ring_stage(ring, &part, 1), i + 1);
    assert_int_equal(atomic_load(&woken), 0);
    assert_int_equal(record_ring_newest(ring), 0);
    assert_int_equal(record_ring_read(ring, 1, &record), RECORD_NOT_YET);
    record_ring_publish(ring);
    assert_int_equal(atomic_load(&woken), 1);
    assert_int_equal(record_ring_newest(ring), 6);
    assert_int_equal(record_ring_read(ring, 1, &record), RECORD_LOST);
    assert_int_equal(record_ring_read(ring, 6, &record), RECORD_FOUND);
    record_ring_publish(ring);
    assert_int_equal(atomic_load(&woken), 1);
    buffer_deinit(&record);
    record_ring_free(ring);
}

#define WRITES 20000

static void *
write_many(void *context)
{
    for (int i = 0; i < WRITES; i++)
        write_text(context, "a record of some length");
    return NULL;
}

static void
gives_a_reader_that_keeps_up_every_record(void **state)
{
    (void)state;
    struct record_ring *ring = record_ring_new(4 * WRITES, 4 * WRITES * 32, on_wake, NULL);
    pthread_t threads[2];
    struct buffer record;
    buffer_init(&record, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, ring), 0);
    for (uint64_t next = 1; next <= 2 * WRITES;) {
        enum record_found found = record_ring_read(ring, next, &record);
        assert_int_not_equal(found, RECORD_LOST);
        if (found == RECORD_FOUND) {
            assert_string_equal(record.data, "a record of some length");
            next++;
        }
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    buffer_deinit(&record);
    record_ring_free(ring);
}

static void
gives_back_an_event_as_it_was(void **state)
{
    (void)state;
    struct record_ring *ring = record_ring_new(16, 65536, on_wake, NULL);
    char detail[EVENT_TEXT_BYTES_MAX + 100];
    memset(detail, 'd', sizeof detail);
    detail[sizeof detail - 1] = '\0';
    struct airs_event event = {
        .seq = 1,
        .time_us = 5,
        .path = "/a",
        .event = "exited",
        .from = "running",
        .state = "running",
        .reason = "trap",
        .detail = detail,
        .generation = 3,
        .delay_us = AIRS_NONE,
        .restarts = 2,
    };
    event_ring_write(ring, &event);
    struct buffer record;
    struct airs_event read;
    buffer_init(&record, 0);
    assert_int_equal(record_ring_read(ring, 1, &record), RECORD_FOUND);
    event_ring_decode(&record, &read);
    assert_string_equal(read.path, "/a");
    assert_string_equal(read.event, "exited");
    assert_string_equal(read.from, "running");
    assert_string_equal(read.reason, "trap");
    assert_null(read.cause);
    assert_null(read.waits_for);
    assert_int_equal(read.generation, 3);
    assert_true(strlen(read.detail) > EVENT_TEXT_BYTES_MAX - 100);
    assert_true(strlen(read.detail) < EVENT_TEXT_BYTES_MAX);
    buffer_deinit(&record);
    record_ring_free(ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_records_from_one_without_gaps),
        cmocka_unit_test(loses_the_oldest_by_count_and_by_bytes),
        cmocka_unit_test(never_overwrites_what_is_held),
        cmocka_unit_test(refuses_a_record_larger_than_a_quarter),
        cmocka_unit_test(wakes_once_for_many_writes),
        cmocka_unit_test(a_staged_record_is_seen_once_it_is_published),
        cmocka_unit_test(gives_a_reader_that_keeps_up_every_record),
        cmocka_unit_test(gives_back_an_event_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
