/* What the database keeps of an intensity: grants by their supervisor, as ages once a run is over. */
#include "testing.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/database.h"
#include "store/event_record.h"

#include "unit/daemon/temp_dir.h"

#define ALLOWED 3u

struct world {
    struct temp_dir dir;
    char path[PATH_MAX];
    struct database *database;
    uint64_t seq;
    char said[512]; /* "PATH: AGE AGE …; " of each that is remembered with an intensity. */
};

static void
world_open(struct world *world)
{
    struct airs_error note = { 0 }, error = { 0 };
    assert_int_equal(database_open(world->path, &world->database, &note, &error), AIRS_OK);
    assert_int_equal(note.status, AIRS_OK);
}

static void
world_make(struct world *world)
{
    *world = (struct world){ 0 };
    temp_dir_make(&world->dir);
    temp_dir_file(&world->dir, "history.db", world->path);
    world_open(world);
}

static void
world_remove(struct world *world)
{
    database_close(world->database);
    temp_dir_remove(&world->dir);
}

static void
take(struct world *world, uint64_t run, struct airs_event event)
{
    static unsigned char bytes[EVENT_RECORD_BYTES_MAX];
    struct airs_error error = { 0 };
    event.seq = ++world->seq;
    event.delay_us = event.uptime_us = event.memory_bytes = AIRS_NONE;
    if (!event.path)
        event.restarts = AIRS_NONE;
    size_t size = event_record_encode(&event, bytes);
    assert_int_equal(database_begin(world->database, &error), AIRS_OK);
    assert_int_equal(database_take(world->database, run, &event, bytes, size, NULL, &error),
                     AIRS_OK);
    assert_int_equal(database_commit(world->database, &error), AIRS_OK);
}

static void
take_event(struct world *world, uint64_t run, uint64_t time_us, const char *path, const char *name,
           uint64_t restarts)
{
    take(world, run,
         (struct airs_event){ .path = path,
                              .event = name,
                              .state = path ? "running" : NULL,
                              .time_us = time_us,
                              .restarts = restarts,
                              .has_budget = true,
                              .budget_allowed = 10,
                              .intensity_allowed = ALLOWED });
}

static void
take_grant(struct world *world, uint64_t run, uint64_t time_us, const char *path, uint64_t restarts)
{
    take_event(world, run, time_us, path, "restart-scheduled", restarts);
}

static void
on_child(void *context, const char *path, const struct airs_memory *memory)
{
    struct world *world = context;
    char *end = strchr(world->said, '\0');
    if (memory->intensity_count == 0)
        return;
    end += sprintf(end, "%s:", path);
    for (size_t i = 0; i < memory->intensity_count; i++)
        end += sprintf(end, " %d", (int)memory->intensity_us[i]);
    sprintf(end, "; ");
}

/* What a run that ended at `end_us` leaves. */
static const char *
left(struct world *world, uint64_t run, uint64_t end_us)
{
    struct airs_error error = { 0 };
    world->said[0] = '\0';
    assert_int_equal(database_settle(world->database, run, end_us, &error), AIRS_OK);
    assert_int_equal(database_children(world->database, on_child, world, &error), AIRS_OK);
    return world->said;
}

static void
keeps_grants_by_their_supervisor_as_ages(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    take_event(&world, 1, 1000, "/web", "started", 0);
    take_grant(&world, 1, 2000, "/a", 1);
    take_grant(&world, 1, 3000, "/web/b", 1);
    take_grant(&world, 1, 3000, "/web/b", 1); /* Taken along by a sibling: no grant. */
    take_grant(&world, 1, 3500, "/c", 1);
    assert_string_equal(left(&world, 1, 5000), "/web: 2000; /: 3000 1500; ");
    /* Twice is as good as once. */
    assert_string_equal(left(&world, 1, 9000), "/web: 2000; /: 3000 1500; ");
    world_remove(&world);
}

static void
ages_go_on_in_the_next_run_and_not_in_between(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    take_grant(&world, 1, 2000, "/a", 1);
    assert_string_equal(left(&world, 1, 5000), "/: 3000; ");
    database_close(world.database);
    world_open(&world);
    take_event(&world, 7, 900000, "/a", "registered", 1);
    take_grant(&world, 7, 900400, "/a", 2);
    assert_string_equal(left(&world, 7, 900500), "/: 3500 100; ");
    world_remove(&world);
}

static void
keeps_no_more_than_can_count(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    for (uint64_t i = 1; i <= 6; i++)
        take_grant(&world, 1, 1000 * i, "/a", i);
    assert_string_equal(left(&world, 1, 6000), "/: 2000 1000 0; ");
    world_remove(&world);
}

static void
keeps_nothing_of_a_supervisor_that_ended_or_was_reset(void **state)
{
    (void)state;
    static const char *const ends[] = { "exited", "reset", "deleted" };
    for (size_t i = 0; i < 3; i++) {
        struct world world;
        world_make(&world);
        take_event(&world, 1, 1000, "/web", "started", 0);
        take_grant(&world, 1, 2000, "/web/b", 1);
        take_event(&world, 1, 2500, "/web", ends[i], 0);
        assert_string_equal(left(&world, 1, 3000), "");
        world_remove(&world);
    }
}

static void
keeps_it_of_a_supervisor_that_went_down_with_the_host(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    take_event(&world, 1, 1000, "/web", "started", 0);
    take_grant(&world, 1, 2000, "/web/b", 1);
    left(&world, 1, 3000);
    take(&world, 2,
         (struct airs_event){ .path = "/web",
                              .event = "exited",
                              .state = "registered",
                              .reason = "host-lost",
                              .time_us = 10000 });
    take_event(&world, 2, 10000, "/web", "starting", 0);
    assert_string_equal(left(&world, 2, 10500), "/web: 1500; ");
    world_remove(&world);
}

static void
keeps_nothing_without_an_intensity_or_after_a_clean_end(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    take(&world, 1,
         (struct airs_event){ .path = "/a",
                              .event = "restart-scheduled",
                              .state = "restarting",
                              .restarts = 1,
                              .time_us = 1000,
                              .intensity_allowed = AIRS_UNLIMITED });
    take_grant(&world, 1, 2000, "/b", 1);
    assert_string_equal(left(&world, 1, 3000), "/: 1000; ");
    take_grant(&world, 2, 4000, "/b", 2);
    take_event(&world, 2, 5000, NULL, "application-stopped", 0);
    assert_string_equal(left(&world, 2, 5000), "");
    world_remove(&world);
}

static void
goes_on_with_a_database_of_the_version_before(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    take_grant(&world, 1, 2000, "/a", 1);
    database_close(world.database);
    sqlite3 *other;
    sqlite3_open(world.path, &other);
    assert_int_equal(
        sqlite3_exec(other, "DROP TABLE intensity; PRAGMA user_version=1", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(other);
    world_open(&world);
    assert_int_equal(database_last_seq(world.database), 1);
    take_grant(&world, 2, 3000, "/a", 2);
    assert_string_equal(left(&world, 2, 4000), "/: 1000; ");
    world_remove(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_grants_by_their_supervisor_as_ages),
        cmocka_unit_test(ages_go_on_in_the_next_run_and_not_in_between),
        cmocka_unit_test(keeps_no_more_than_can_count),
        cmocka_unit_test(keeps_nothing_of_a_supervisor_that_ended_or_was_reset),
        cmocka_unit_test(keeps_it_of_a_supervisor_that_went_down_with_the_host),
        cmocka_unit_test(keeps_nothing_without_an_intensity_or_after_a_clean_end),
        cmocka_unit_test(goes_on_with_a_database_of_the_version_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
