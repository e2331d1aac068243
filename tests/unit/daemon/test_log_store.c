/* Lines on their way from guests to files. */
#include "testing.h"

#include <stdatomic.h>
#include <unistd.h>

#include "daemon/log_store.h"
#include "unit/daemon/temp_dir.h"

struct world {
    struct temp_dir dir;
    struct log_store *store;
    atomic_uint woken;
};

static void
on_wake(void *context)
{
    struct world *world = context;
    atomic_fetch_add(&world->woken, 1);
}

static int
set_up(void **state)
{
    static struct world world;
    temp_dir_make(&world.dir);
    atomic_store(&world.woken, 0);
    assert_int_equal(log_store_new(world.dir.path, on_wake, &world, &world.store, NULL), AIRS_OK);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;
    log_store_free(world->store);
    temp_dir_remove(&world->dir);
    return 0;
}

static void
write_text(struct world *world, const char *path, const char *text, size_t size)
{
    struct airs_log_line line = {
        .path = path, .generation = 1, .stream = "stdout", .text = text, .size = size
    };
    log_store_write(world->store, &line);
}

static void
flush(struct world *world)
{
    struct airs_error error = { 0 };
    while (log_store_flush(world->store, &error))
        ;
    assert_int_equal(error.status, AIRS_OK);
}

/* The file of a child, NUL-terminated, to be freed. */
static char *
read_file(struct world *world, const char *name)
{
    char path[PATH_MAX];
    FILE *file = fopen(temp_dir_file(&world->dir, name, path), "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 24);
    size_t size = fread(text, 1, (1 << 24) - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

static void
puts_lines_into_the_files_of_their_children(void **state)
{
    struct world *world = *state;
    write_text(world, "/a", "hello", 5);
    write_text(world, "/b", "other", 5);
    assert_int_equal(atomic_load(&world->woken), 1);
    flush(world);
    char *text = read_file(world, "a/_log");
    assert_string_equal(text, "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"path\":\"/a\","
                              "\"generation\":1,\"stream\":\"stdout\",\"text\":\"hello\"}\n");
    free(text);
    write_text(world, "/a", "again", 5);
    assert_int_equal(atomic_load(&world->woken), 2);
}

static void
holds_up_the_child_that_writes_too_much_alone(void **state)
{
    struct world *world = *state;
    static char block[8192];
    memset(block, 'x', sizeof block);
    assert_int_equal(log_store_room(world->store, "/a"), LOG_PENDING_BYTES_MAX);
    for (size_t i = 0; i < LOG_PENDING_BYTES_MAX / sizeof block; i++)
        write_text(world, "/a", block, sizeof block);
    assert_int_equal(log_store_room(world->store, "/a"), 0);
    assert_int_equal(log_store_room(world->store, "/b"), LOG_PENDING_BYTES_MAX);
    flush(world);
    assert_int_equal(log_store_room(world->store, "/a"), LOG_PENDING_BYTES_MAX);
}

static void
drops_and_counts_what_memory_cannot_hold(void **state)
{
    struct world *world = *state;
    static char block[8192];
    memset(block, 'x', sizeof block);
    size_t lines = 2 * LOG_BYTES_MAX / sizeof block;
    for (size_t i = 0; i < lines; i++)
        write_text(world, "/a", block, sizeof block);
    flush(world);
    size_t kept = (size_t)log_store_flushed(world->store);
    assert_true(kept > 0 && kept < lines);

    /* Four files of 4 MiB hold all that memory held. */
    char expected[64];
    snprintf(expected, sizeof expected, "\"text\":\"%zu lines dropped here\"}\n", lines - kept);
    char *text = read_file(world, "a/_log");
    assert_non_null(strstr(text, expected));
    free(text);
}

static void
writes_what_is_left_when_it_is_freed(void **state)
{
    struct world *world = *state;
    write_text(world, "/a", "last words", 10);
    log_store_free(world->store);
    world->store = NULL;
    char *text = read_file(world, "a/_log");
    assert_non_null(strstr(text, "last words"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(puts_lines_into_the_files_of_their_children, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(holds_up_the_child_that_writes_too_much_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(drops_and_counts_what_memory_cannot_hold, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(writes_what_is_left_when_it_is_freed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
