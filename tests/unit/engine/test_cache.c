/* The cache: only what was written whole, by this user, under this key, is an entry. */
#include "engine_testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "engine/cache.h"

#define CODE "pretend that this is code"
#define CODE_BYTES (sizeof CODE)

static const struct cache_key key = { { 1, 2, 3 } };
static const struct cache_key other_key = { { 9, 9, 9 } };

static int
make_directory(void **state)
{
    (void)state;
    tests = (struct bench_of_tests){ 0 };
    make_test_directory();
    return 0;
}

static int
drop_directory(void **state)
{
    (void)state;
    remove_directory(tests.directory);
    return 0;
}

/* The one file in the cache; false when there is none, a failure when there are more. */
static bool
find_file(char path[400])
{
    DIR *directory = opendir(tests.cache);
    assert_non_null(directory);
    unsigned files = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, 400, "%s/%s", tests.cache, entry->d_name);
        files++;
    }
    closedir(directory);
    assert_true(files <= 1);
    return files == 1;
}

static bool
has_entry(const struct cache_key *wanted)
{
    struct airs_error error = { 0 };
    struct cache_entry entry = { 0 };
    assert_int_equal(cache_open(tests.cache, wanted, &entry, &error), AIRS_OK);
    if (entry.fd < 0) {
        assert_int_equal(entry.code_bytes, 0);
        return false;
    }
    char code[CODE_BYTES];
    assert_int_equal(entry.code_bytes, CODE_BYTES);
    assert_int_equal(pread(entry.fd, code, sizeof code, 0), sizeof code);
    assert_memory_equal(code, CODE, sizeof code);
    close(entry.fd);
    return true;
}

static void
write_entry(void)
{
    struct airs_error error = { 0 };
    assert_int_equal(cache_write(tests.cache, &key, CODE, CODE_BYTES, &error), AIRS_OK);
}

static void
what_was_written_is_found_under_its_key_alone(void **state)
{
    (void)state;
    assert_false(has_entry(&key));
    write_entry();
    assert_true(has_entry(&key));
    assert_false(has_entry(&other_key));
    write_entry();
    assert_true(has_entry(&key));
}

static void
directory_and_file_belong_to_their_owner_alone(void **state)
{
    (void)state;
    write_entry();
    struct stat about;
    assert_int_equal(stat(tests.cache, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    char path[400];
    assert_true(find_file(path));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void
an_entry_damaged_in_any_byte_is_none(void **state)
{
    (void)state;
    write_entry();
    char path[400];
    assert_true(find_file(path));
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    for (off_t at = 0; at < about.st_size; at++) {
        char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        char wrong = (char)(byte ^ 0x10);
        assert_int_equal(pwrite(fd, &wrong, 1, at), 1);
        assert_false(has_entry(&key));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    assert_true(has_entry(&key));
}

static void
an_entry_cut_short_anywhere_or_grown_is_none(void **state)
{
    (void)state;
    write_entry();
    char path[400];
    assert_true(find_file(path));
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(truncate(path, about.st_size + 1), 0);
    assert_false(has_entry(&key));
    for (off_t size = about.st_size; size-- > 0;) {
        assert_int_equal(truncate(path, size), 0);
        assert_false(has_entry(&key));
    }
    write_entry();
    assert_true(has_entry(&key));
}

static void
an_entry_under_a_foreign_name_is_none(void **state)
{
    (void)state;
    write_entry();
    char path[400];
    assert_true(find_file(path));
    char foreign[400];
    memcpy(foreign, path, sizeof foreign);
    char *name = strrchr(foreign, '/') + 1;
    memcpy(name, "090909", 6);
    assert_int_equal(rename(path, foreign), 0);
    assert_false(has_entry(&other_key));
    assert_int_equal(symlink(foreign, path), 0);
    assert_false(has_entry(&key));
}

static void
a_file_or_directory_that_others_may_write_is_not_trusted(void **state)
{
    (void)state;
    write_entry();
    char path[400];
    assert_true(find_file(path));
    assert_int_equal(chmod(path, 0666), 0);
    assert_false(has_entry(&key));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(tests.cache, 0777), 0);
    struct airs_error error = { 0 };
    struct cache_entry entry;
    assert_int_equal(cache_open(tests.cache, &key, &entry, &error), AIRS_EDENIED);
    error = (struct airs_error){ 0 };
    assert_int_equal(cache_write(tests.cache, &key, CODE, CODE_BYTES, &error), AIRS_EDENIED);
}

/* In a child: a limit on file sizes stands for a disk that fills up while writing. */
static void
write_with_limit(rlim_t size)
{
    signal(SIGXFSZ, SIG_IGN);
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGXFSZ, &ignore, NULL);
    struct rlimit limit = { size, size };
    setrlimit(RLIMIT_FSIZE, &limit);
    struct airs_error error = { 0 };
    enum airs_status status = cache_write(tests.cache, &key, CODE, CODE_BYTES, &error);
    _exit(status == AIRS_EIO && strstr(error.message, "cannot write") ? 0 : 1);
}

static void
a_full_disk_is_an_error_and_leaves_no_file(void **state)
{
    (void)state;
    for (rlim_t size = 0; size < CODE_BYTES + 80; size += 13) {
        pid_t child = fork();
        if (child == 0)
            write_with_limit(size);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        char path[400];
        assert_false(find_file(path));
    }
}

static void
what_a_killed_writer_left_is_removed(void **state)
{
    (void)state;
    write_entry();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    char leftover[400];
    snprintf(leftover, sizeof leftover, "%s/.new-%ld-0", tests.cache, (long)child);
    write_bytes(leftover, "half", 4);
    write_entry();
    assert_int_not_equal(access(leftover, F_OK), 0);
    assert_true(has_entry(&key));
}

static void
a_directory_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    struct airs_error error = { 0 };
    char path[128];
    snprintf(path, sizeof path, "%s/file", tests.directory);
    write_bytes(path, "x", 1);
    struct cache_entry entry;
    assert_int_equal(cache_open(path, &key, &entry, &error), AIRS_EIO);
    error = (struct airs_error){ 0 };
    assert_int_equal(cache_write(path, &key, CODE, CODE_BYTES, &error), AIRS_EIO);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_directory, drop_directory)

int
main(void)
{
    const struct CMUnitTest all[] = {
        TEST(what_was_written_is_found_under_its_key_alone),
        TEST(directory_and_file_belong_to_their_owner_alone),
        TEST(an_entry_damaged_in_any_byte_is_none),
        TEST(an_entry_cut_short_anywhere_or_grown_is_none),
        TEST(an_entry_under_a_foreign_name_is_none),
        TEST(a_file_or_directory_that_others_may_write_is_not_trusted),
        TEST(a_full_disk_is_an_error_and_leaves_no_file),
        TEST(what_a_killed_writer_left_is_removed),
        TEST(a_directory_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
