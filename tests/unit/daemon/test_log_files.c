/* Children's log files: where they are, when they turn, and what a reader gets. */
#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "daemon/log_files.h"
#include "unit/daemon/temp_dir.h"

struct world {
    struct temp_dir dir;
    struct log_files *files;
};

static int
set_up(void **state)
{
    static struct world world;
    temp_dir_make(&world.dir);
    world.files = log_files_new(world.dir.path);
    assert_non_null(world.files);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *world = *state;
    log_files_free(world->files);
    temp_dir_remove(&world->dir);
    return 0;
}

static void
add(struct world *world, const char *path, const char *text)
{
    assert_true(log_files_append(world->files, path, text, strlen(text)));
}

static void
flush(struct world *world)
{
    assert_int_equal(log_files_flush(world->files, NULL), AIRS_OK);
}

static uint64_t
size_of(struct world *world, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    return stat(temp_dir_file(&world->dir, name, path), &info) == 0 ? (uint64_t)info.st_size
                                                                    : UINT64_MAX;
}

/* What a reader of `path` gets, of its last `lines` lines. */
static void
read_all(struct world *world, const char *path, uint64_t lines, struct buffer *text)
{
    struct log_snapshot snapshot;
    uint64_t begins[LOG_FILES_A_CHILD] = { 0 };
    assert_int_equal(log_files_snapshot(world->files, path, &snapshot, NULL), AIRS_OK);
    if (lines != UINT64_MAX)
        log_snapshot_tail(&snapshot, lines, begins);
    for (size_t i = 0; i < snapshot.count; i++) {
        for (uint64_t at = begins[i]; at < snapshot.sizes[i]; at++) {
            char byte;
            assert_int_equal(pread(snapshot.fds[i], &byte, 1, (off_t)at), 1);
            assert_true(buffer_append(text, &byte, 1));
        }
    }
    log_snapshot_close(&snapshot);
}

static void
assert_reads(struct world *world, const char *path, uint64_t lines, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    read_all(world, path, lines, &text);
    assert_string_equal(text.data ? text.data : "", expected);
    buffer_deinit(&text);
}

static void
keeps_children_apart(void **state)
{
    struct world *world = *state;
    add(world, "/a", "one\n");
    add(world, "/web/front", "two\n");
    add(world, "/a", "three\n");
    add(world, "/back#1", "four\n");
    flush(world);
    assert_int_equal(size_of(world, "a/_log"), 10);
    assert_int_equal(size_of(world, "web/front/_log"), 4);
    assert_reads(world, "/a", UINT64_MAX, "one\nthree\n");
    assert_reads(world, "/back#1", UINT64_MAX, "four\n");
    assert_reads(world, "/nobody", UINT64_MAX, "");
}

static void
gives_the_last_lines(void **state)
{
    struct world *world = *state;
    add(world, "/a", "one\ntwo\nthree\n");
    flush(world);
    assert_reads(world, "/a", 0, "");
    assert_reads(world, "/a", 1, "three\n");
    assert_reads(world, "/a", 2, "two\nthree\n");
    assert_reads(world, "/a", 3, "one\ntwo\nthree\n");
    assert_reads(world, "/a", 4, "one\ntwo\nthree\n");
}

/* Writes lines of 1024 bytes that begin with their number. */
static void
write_lines(struct world *world, unsigned from, unsigned to)
{
    char line[1025];
    for (unsigned i = from; i < to; i++) {
        memset(line, 'x', 1023);
        line[snprintf(line, 16, "%08u", i)] = ' ';
        strcpy(line + 1023, "\n");
        add(world, "/a", line);
        if (i % 100 == 0)
            flush(world);
    }
    flush(world);
}

static void
turns_files_and_deletes_the_oldest(void **state)
{
    struct world *world = *state;
    unsigned per_file = LOG_FILE_BYTES_MAX / 1024;
    write_lines(world, 0, 5 * per_file + 10);
    assert_int_equal(size_of(world, "a/_log"), 10 * 1024);
    assert_int_equal(size_of(world, "a/_log.1"), LOG_FILE_BYTES_MAX);
    assert_int_equal(size_of(world, "a/_log.3"), LOG_FILE_BYTES_MAX);
    assert_true(size_of(world, "a/_log.4") == UINT64_MAX);

    struct buffer text;
    char first[9];
    buffer_init(&text, 0);
    read_all(world, "/a", 11, &text); /* Over the border of two files. */
    assert_int_equal(text.size, 11 * 1024);
    snprintf(first, sizeof first, "%08u", 5 * per_file - 1);
    assert_memory_equal(text.data, first, 8);
    buffer_deinit(&text);
}

static void
continues_what_another_daemon_left(void **state)
{
    struct world *world = *state;
    add(world, "/a", "before\n");
    log_files_free(world->files);
    world->files = log_files_new(world->dir.path);
    add(world, "/a", "after\n");
    flush(world);
    assert_reads(world, "/a", UINT64_MAX, "before\nafter\n");
}

static unsigned
open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            count++;
    return count;
}

static void
keeps_few_files_open_for_many_children(void **state)
{
    struct world *world = *state;
    unsigned before = open_descriptors();
    char path[32];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 300; i++) {
            snprintf(path, sizeof path, "/child-%u", i);
            add(world, path, "line\n");
        }
        flush(world);
    }
    assert_true(open_descriptors() - before <= LOG_FILES_OPEN_MAX);
    assert_reads(world, "/child-0", UINT64_MAX, "line\nline\n");
    assert_reads(world, "/child-299", UINT64_MAX, "line\nline\n");
}

static void
loses_only_what_cannot_be_written(void **state)
{
    struct world *world = *state;
    char path[PATH_MAX];
    struct airs_error error = { 0 };
    /* A file where the directory of the child should be. */
    FILE *file = fopen(temp_dir_file(&world->dir, "bad", path), "w");
    assert_non_null(file);
    fclose(file);
    add(world, "/bad", "lost\n");
    add(world, "/good", "kept\n");
    assert_int_equal(log_files_flush(world->files, &error), AIRS_EIO);
    assert_non_null(strstr(error.message, "/bad"));
    assert_reads(world, "/good", UINT64_MAX, "kept\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_children_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_the_last_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(turns_files_and_deletes_the_oldest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(continues_what_another_daemon_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_few_files_open_for_many_children, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loses_only_what_cannot_be_written, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
