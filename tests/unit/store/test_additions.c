/* Additions: what was kept is there for a run that goes on, whatever cut the file short. */
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/additions.h"

#include "unit/daemon/temp_dir.h"

static char told[512];

static void
on_report(void *context, const char *text)
{
    (void)context;
    snprintf(told, sizeof told, "%s", text);
}

static struct additions *
open_in(const struct temp_dir *dir, bool goes_on)
{
    told[0] = '\0';
    struct additions *additions = additions_open(dir->path, goes_on, on_report, NULL);
    assert_non_null(additions);
    return additions;
}

static void
keep(struct additions *additions, const char *path, const char *text)
{
    additions_keep(additions, &(struct airs_kept){ .path = path,
                                                   .addition = { .parent = "/web",
                                                                 .text = text,
                                                                 .size = strlen(text),
                                                                 .directory = "/dir" } });
}

/* The paths that the last run left, one after the other. */
static const char *
left_in(struct additions *additions)
{
    static char text[512];
    struct airs_kept kept;
    text[0] = '\0';
    for (size_t i = 0; additions_last(additions, i, &kept); i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s ", kept.path);
    }
    return text;
}

static size_t
bytes_in(const struct temp_dir *dir)
{
    char path[PATH_MAX];
    struct stat about;
    temp_dir_file(dir, "additions", path);
    return stat(path, &about) == 0 ? (size_t)about.st_size : 0;
}

static void
what_was_kept_is_there_for_a_run_that_goes_on(void **state)
{
    const struct temp_dir *dir = *state;
    struct airs_kept kept;
    struct additions *additions = open_in(dir, false);
    additions_begin(additions);
    keep(additions, "/web/x", "{ name: x, \"config\": \"a\\nb\" }\n");
    additions_keep(additions, &(struct airs_kept){ .path = "/web/y#", .numbers = 7 });
    additions_close(additions);

    additions = open_in(dir, true);
    assert_true(additions_last(additions, 0, &kept));
    assert_string_equal(kept.path, "/web/x");
    assert_string_equal(kept.addition.parent, "/web");
    assert_string_equal(kept.addition.text, "{ name: x, \"config\": \"a\\nb\" }\n");
    assert_int_equal(kept.addition.size, strlen(kept.addition.text));
    assert_string_equal(kept.addition.directory, "/dir");
    assert_null(kept.addition.file);
    assert_true(additions_last(additions, 1, &kept));
    assert_null(kept.addition.text);
    assert_int_equal(kept.numbers, 7);
    assert_false(additions_last(additions, 2, &kept));
    additions_close(additions);
    assert_string_equal(told, "");
}

static void
a_run_that_begins_fresh_has_nothing(void **state)
{
    const struct temp_dir *dir = *state;
    struct additions *additions = open_in(dir, false);
    additions_begin(additions);
    keep(additions, "/a", "a");
    additions_close(additions);
    additions = open_in(dir, false);
    assert_string_equal(left_in(additions), "");
    additions_begin(additions);
    additions_close(additions);
    assert_int_equal(bytes_in(dir), 0);
}

/* Cut off while it takes over what was kept: nothing of that is lost. */
static void
the_last_file_stays_until_the_run_has_begun(void **state)
{
    const struct temp_dir *dir = *state;
    struct additions *additions = open_in(dir, false);
    additions_begin(additions);
    keep(additions, "/a", "a");
    keep(additions, "/b", "b");
    additions_close(additions);
    additions = open_in(dir, true);
    keep(additions, "/a", "a");
    additions_close(additions);
    additions = open_in(dir, true);
    assert_string_equal(left_in(additions), "/a /b ");
    keep(additions, "/b", "b");
    additions_begin(additions);
    keep(additions, "/c", "c");
    additions_close(additions);
    additions = open_in(dir, true);
    assert_string_equal(left_in(additions), "/b /c ");
    additions_close(additions);
}

static void
a_line_that_was_cut_short_ends_the_file(void **state)
{
    const struct temp_dir *dir = *state;
    char path[PATH_MAX];
    struct additions *additions = open_in(dir, false);
    additions_begin(additions);
    keep(additions, "/a", "a");
    keep(additions, "/b", "b");
    additions_close(additions);
    temp_dir_file(dir, "additions", path);
    assert_int_equal(truncate(path, (off_t)bytes_in(dir) - 3), 0);
    additions = open_in(dir, true);
    assert_string_equal(left_in(additions), "/a ");
    additions_close(additions);
}

static void
what_is_deleted_or_replaced_leaves_the_file_in_the_end(void **state)
{
    const struct temp_dir *dir = *state;
    char text[4097];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct additions *additions = open_in(dir, false);
    additions_begin(additions);
    keep(additions, "/stays", "s");
    for (unsigned i = 0; i < 2000; i++) {
        keep(additions, "/job", text);
        if (i % 2 == 0)
            additions_forget(additions, "/job");
    }
    additions_forget(additions, "/never-was");
    assert_true(bytes_in(dir) < 2 * ADDITIONS_REWRITE_BYTES); /* Of 8 MB that were written. */
    keep(additions, "/last", "l");
    additions_close(additions);
    additions = open_in(dir, true);
    struct airs_kept kept;
    assert_true(additions_last(additions, 0, &kept));
    assert_string_equal(kept.path, "/stays");
    size_t lines = 1;
    while (additions_last(additions, lines, &kept))
        lines++;
    assert_true(additions_last(additions, lines - 1, &kept));
    assert_string_equal(kept.path, "/last");
    additions_close(additions);
    assert_string_equal(told, "");
}

static void
a_full_file_is_said_once_and_nothing_more_is_kept(void **state)
{
    const struct temp_dir *dir = *state;
    static char text[1 << 20];
    memset(text, 'x', sizeof text - 1);
    struct additions *additions = open_in(dir, false);
    additions_begin(additions);
    for (unsigned i = 0; i < 20; i++) {
        char path[16];
        snprintf(path, sizeof path, "/n%u", i);
        keep(additions, path, text);
    }
    assert_non_null(strstr(told, "the file is full"));
    assert_true(bytes_in(dir) <= ADDITIONS_BYTES_MAX);
    told[0] = '\0';
    keep(additions, "/more", "m");
    assert_string_equal(told, "");
    additions_close(additions);
}

static void
a_folder_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct temp_dir nowhere = { .path = "/nowhere/at/all" };
    struct additions *additions = open_in(&nowhere, true);
    assert_non_null(strstr(told, "does not come back after a crash"));
    keep(additions, "/a", "a");
    additions_begin(additions);
    assert_string_equal(left_in(additions), "");
    additions_close(additions);
}

static int
set_up(void **state)
{
    static struct temp_dir dir;
    temp_dir_make(&dir);
    *state = &dir;
    return 0;
}

static int
tear_down(void **state)
{
    temp_dir_remove(*state);
    return 0;
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(what_was_kept_is_there_for_a_run_that_goes_on),
        ONE(a_run_that_begins_fresh_has_nothing),
        ONE(the_last_file_stays_until_the_run_has_begun),
        ONE(a_line_that_was_cut_short_ends_the_file),
        ONE(what_is_deleted_or_replaced_leaves_the_file_in_the_end),
        ONE(a_full_file_is_said_once_and_nothing_more_is_kept),
        ONE(a_folder_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
