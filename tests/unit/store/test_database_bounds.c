/* What the database forgets: what is too old, and what is too much. The oldest goes first. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "store/database.h"
#include "store/event_record.h"

#include "unit/daemon/temp_dir.h"

struct world {
    struct temp_dir dir;
    struct database *database;
    char seqs[256]; /* Of what is still there. */
};

static void
world_make(struct world *world)
{
    struct airs_error note = { 0 }, error = { 0 };
    char path[PATH_MAX];
    *world = (struct world){ 0 };
    temp_dir_make(&world->dir);
    temp_dir_file(&world->dir, "history.db", path);
    assert_int_equal(database_open(path, &world->database, &note, &error), AIRS_OK);
}

static void
world_remove(struct world *world)
{
    database_close(world->database);
    temp_dir_remove(&world->dir);
}

static void
take(struct world *world, uint64_t seq, uint64_t time_us)
{
    static unsigned char bytes[EVENT_RECORD_BYTES_MAX];
    struct airs_error error = { 0 };
    struct airs_event event = { .seq = seq,
                                .time_us = time_us,
                                .path = "/a",
                                .event = "exited",
                                .state = "running",
                                .reason = "trap",
                                .delay_us = AIRS_NONE,
                                .restarts = AIRS_NONE,
                                .uptime_us = AIRS_NONE,
                                .memory_bytes = AIRS_NONE };
    size_t size = event_record_encode(&event, bytes);
    struct buffer log;
    buffer_init(&log, 0);
    assert_true(buffer_append_text(&log, "line"));
    assert_int_equal(database_begin(world->database, &error), AIRS_OK);
    assert_int_equal(database_take(world->database, 1, &event, bytes, size, &log, &error), AIRS_OK);
    assert_int_equal(database_commit(world->database, &error), AIRS_OK);
    buffer_deinit(&log);
}

static void
on_entry(void *context, const struct history_entry *entry)
{
    struct world *world = context;
    sprintf(strchr(world->seqs, '\0'), "%llu ", (unsigned long long)entry->event.seq);
}

static const char *
left(struct world *world)
{
    struct airs_error error = { 0 };
    world->seqs[0] = '\0';
    assert_int_equal(
        database_history(world->database, "/", HISTORY_BELOW, false, 100, on_entry, world, &error),
        AIRS_OK);
    return world->seqs;
}

static void
forgets_what_is_older_than_its_age(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    uint64_t now_us = 3 * HISTORY_AGE_US_MAX;
    take(&world, 1, now_us - HISTORY_AGE_US_MAX - 2);
    take(&world, 2, now_us - HISTORY_AGE_US_MAX - 1);
    take(&world, 3, now_us - HISTORY_AGE_US_MAX);
    take(&world, 4, now_us);
    database_prune(world.database, now_us);
    assert_string_equal(left(&world), "3 4 ");
    world_remove(&world);
}

static void
forgets_the_oldest_of_too_many(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    for (uint64_t seq = 1; seq <= 5; seq++)
        take(&world, seq, 1000);
    database_prune(world.database, 2000);
    assert_string_equal(left(&world), "1 2 3 4 5 ");
    take(&world, HISTORY_EVENTS_MAX + 3, 1000); /* As if all in between had been there. */
    database_prune(world.database, 2000);
    assert_string_equal(left(&world), "4 5 1000003 ");
    world_remove(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgets_what_is_older_than_its_age),
        cmocka_unit_test(forgets_the_oldest_of_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
