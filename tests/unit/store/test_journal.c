/* The journal: what was appended is read, whatever cut it short. */
#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/journal.h"

#include "unit/daemon/temp_dir.h"

static struct journal *
reopen(const struct temp_dir *dir, uint64_t next_seq)
{
    struct journal *journal = NULL;
    struct airs_error error = { 0 };
    assert_int_equal(journal_open(dir->path, &journal, &error), AIRS_OK);
    if (next_seq > 0)
        assert_int_equal(journal_begin(journal, next_seq, &error), AIRS_OK);
    return journal;
}

static void
append_text(struct journal *journal, uint64_t seq, const char *text)
{
    assert_true(journal_append(journal, seq, text, strlen(text) + 1));
}

static unsigned
read_all(struct journal *journal, char *last, size_t size)
{
    struct journal_record record;
    unsigned count = 0;
    while (journal_read(journal, &record)) {
        snprintf(last, size, "%s", (const char *)record.bytes);
        count++;
    }
    return count;
}

static unsigned
files_in(const struct temp_dir *dir, char *name_out)
{
    DIR *folder = opendir(dir->path);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strncmp(entry->d_name, "journal-", 8) == 0) {
            count++;
            if (name_out)
                snprintf(name_out, PATH_MAX, "%s/%s", dir->path, entry->d_name);
        }
    closedir(folder);
    return count;
}

static void
what_is_added_is_read_once_it_is_committed(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 1);
    struct journal_record record;
    assert_true(journal_add(journal, 1, "one", 4));
    assert_true(journal_add(journal, 2, "two", 4));
    assert_false(journal_read(journal, &record));
    assert_true(journal_commit(journal));
    assert_true(journal_read(journal, &record));
    assert_string_equal(record.bytes, "one");
    assert_true(journal_read(journal, &record));
    assert_string_equal(record.bytes, "two");
    assert_false(journal_read(journal, &record));
    assert_int_equal(journal_lost(journal), 0);
    journal_close(journal);
    temp_dir_remove(&dir);
}

/* More than is held back goes to the file by itself, whole records. */
static void
a_long_burst_loses_nothing(void **state)
{
    (void)state;
    enum { RECORDS = 40, BYTES = 32 << 10 };
    static char text[BYTES];
    struct temp_dir dir;
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 1);
    memset(text, 'x', sizeof text - 1);
    for (uint64_t seq = 1; seq <= RECORDS; seq++)
        assert_true(journal_add(journal, seq, text, sizeof text));
    assert_true(journal_commit(journal));
    static char last[BYTES];
    assert_int_equal(read_all(journal, last, sizeof last), RECORDS);
    assert_string_equal(last, text);
    journal_close(journal);
    temp_dir_remove(&dir);
}

static void
gives_back_what_was_appended_in_order_and_with_its_run(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 7);
    append_text(journal, 7, "seven");
    append_text(journal, 8, "eight");
    struct journal_record record;
    assert_true(journal_read(journal, &record));
    assert_string_equal(record.bytes, "seven");
    assert_int_equal(record.run, 7);
    assert_true(journal_read(journal, &record));
    assert_string_equal(record.bytes, "eight");
    assert_false(journal_read(journal, &record));
    append_text(journal, 9, "nine");
    assert_true(journal_read(journal, &record));
    assert_string_equal(record.bytes, "nine");
    journal_close(journal);
    temp_dir_remove(&dir);
}

static void
loses_only_the_record_that_was_cut_short_at_any_byte(void **state)
{
    (void)state;
    struct temp_dir dir;
    char name[PATH_MAX], last[64];
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 1);
    append_text(journal, 1, "first");
    append_text(journal, 2, "second");
    journal_close(journal);
    assert_int_equal(files_in(&dir, name), 1);
    struct stat about;
    assert_int_equal(stat(name, &about), 0);

    const off_t header = 32, first = header + 16 + 6;
    for (off_t size = about.st_size; size >= 0; size--) {
        assert_int_equal(truncate(name, size), 0);
        unsigned expected = size == about.st_size ? 2 : size >= first ? 1 : 0;
        journal = reopen(&dir, 0);
        assert_int_equal(read_all(journal, last, sizeof last), expected);
        journal_close(journal);
    }
    temp_dir_remove(&dir);
}

static void
stops_at_a_record_whose_bytes_changed_but_reads_the_next_file(void **state)
{
    (void)state;
    struct temp_dir dir;
    char name[PATH_MAX], last[64];
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 1);
    append_text(journal, 1, "first");
    append_text(journal, 2, "second");
    journal_close(journal);
    files_in(&dir, name);
    int fd = open(name, O_RDWR);
    assert_int_equal(pwrite(fd, "X", 1, 32 + 16 + 1), 1);
    close(fd);
    journal = reopen(&dir, 3);
    append_text(journal, 3, "third");
    assert_int_equal(read_all(journal, last, sizeof last), 1);
    assert_string_equal(last, "third");
    journal_close(journal);
    temp_dir_remove(&dir);
}

static void
removes_files_that_are_read_once_the_reader_says_so(void **state)
{
    (void)state;
    struct temp_dir dir;
    char last[64];
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 1);
    append_text(journal, 1, "first");
    journal_close(journal);
    journal = reopen(&dir, 2);
    append_text(journal, 2, "second");
    assert_int_equal(read_all(journal, last, sizeof last), 2);
    assert_int_equal(files_in(&dir, NULL), 2);
    journal_rewind(journal);
    assert_int_equal(read_all(journal, last, sizeof last), 2);
    journal_forget(journal);
    assert_int_equal(files_in(&dir, NULL), 1);
    journal_rewind(journal);
    assert_int_equal(read_all(journal, last, sizeof last), 0);
    journal_close(journal);
    temp_dir_remove(&dir);
}

static void
lets_the_oldest_file_go_when_nobody_reads_and_counts_what_it_had(void **state)
{
    (void)state;
    struct temp_dir dir;
    static char big[32768];
    memset(big, 'x', sizeof big - 1);
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 1);
    uint64_t seq = 0;
    uint64_t enough = JOURNAL_BYTES_MAX / sizeof big + 200;
    while (seq < enough)
        append_text(journal, ++seq, big);
    uint64_t lost = journal_lost(journal);
    assert_true(lost > 0);
    struct journal_record record;
    uint64_t read = 0;
    while (journal_read(journal, &record))
        read++;
    assert_int_equal(read + lost, seq);
    assert_true(files_in(&dir, NULL) <= JOURNAL_BYTES_MAX / JOURNAL_FILE_BYTES_MAX + 1);
    journal_close(journal);
    temp_dir_remove(&dir);
}

/* Each run begins a file, and where there is no database nobody takes them away. */
static void
lets_the_oldest_file_go_when_there_are_too_many(void **state)
{
    (void)state;
    struct temp_dir dir;
    char last[64] = "", text[64];
    temp_dir_make(&dir);
    for (uint64_t run = 1; run <= JOURNAL_FILES_MAX + 20; run++) {
        struct journal *journal = reopen(&dir, run);
        snprintf(text, sizeof text, "record %u", (unsigned)run);
        append_text(journal, run, text);
        assert_int_equal(journal_lost(journal), run > JOURNAL_FILES_MAX);
        journal_close(journal);
    }
    assert_int_equal(files_in(&dir, NULL), JOURNAL_FILES_MAX);
    struct journal *journal = reopen(&dir, 0);
    assert_int_equal(read_all(journal, last, sizeof last), JOURNAL_FILES_MAX);
    assert_string_equal(last, text);
    journal_close(journal);
    temp_dir_remove(&dir);
}

/* A pipe of that name: whoever opens it waits for a writer. */
static void
what_is_no_file_is_left_alone(void **state)
{
    (void)state;
    struct temp_dir dir;
    char path[PATH_MAX];
    temp_dir_make(&dir);
    temp_dir_file(&dir, "journal-00000000000000000001", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    temp_dir_file(&dir, "journal-00000000000000000002", path);
    assert_int_equal(mkdir(path, 0700), 0);
    struct journal *journal = reopen(&dir, 3);
    append_text(journal, 3, "x");
    assert_int_equal(files_in(&dir, NULL), 3);
    journal_close(journal);
    temp_dir_remove(&dir);
}

static void
keeps_no_half_record_when_the_disk_is_full(void **state)
{
    (void)state;
    struct temp_dir dir;
    char last[64];
    temp_dir_make(&dir);
    struct journal *journal = reopen(&dir, 1);
    append_text(journal, 1, "first");
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    /* Room for half of the next record. */
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 32 + 16 + 6 + 20, before.rlim_max });
    assert_false(journal_append(journal, 2, "second record, too long", 24));
    assert_false(journal_append(journal, 3, "third record, too long", 23));
    setrlimit(RLIMIT_FSIZE, &before);
    append_text(journal, 4, "fourth");
    assert_int_equal(journal_lost(journal), 2);
    journal_close(journal);
    journal = reopen(&dir, 0);
    assert_int_equal(read_all(journal, last, sizeof last), 2);
    assert_string_equal(last, "fourth");
    journal_close(journal);
    temp_dir_remove(&dir);
}

static void
refuses_a_file_of_a_newer_version(void **state)
{
    (void)state;
    struct temp_dir dir;
    char name[PATH_MAX];
    temp_dir_make(&dir);
    journal_close(reopen(&dir, 1));
    files_in(&dir, name);
    int fd = open(name, O_RDWR);
    assert_int_equal(pwrite(fd, &(uint32_t){ JOURNAL_VERSION + 1 }, 4, 8), 4);
    close(fd);
    struct journal *journal = NULL;
    struct airs_error error = { 0 };
    assert_int_equal(journal_open(dir.path, &journal, &error), AIRS_EDENIED);
    assert_non_null(strstr(error.message, "newer version"));
    temp_dir_remove(&dir);
}

static void
gives_no_seq_twice_even_when_nothing_was_appended(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    journal_close(reopen(&dir, 42));
    struct journal *journal = reopen(&dir, 0);
    assert_int_equal(journal_seq_floor(journal), 41);
    struct airs_error error = { 0 };
    assert_int_equal(journal_begin(journal, 42, &error), AIRS_OK);
    append_text(journal, 42, "forty-two");
    char last[64];
    assert_int_equal(read_all(journal, last, sizeof last), 1);
    journal_close(journal);
    temp_dir_remove(&dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_read_once_it_is_committed),
        cmocka_unit_test(a_long_burst_loses_nothing),
        cmocka_unit_test(gives_back_what_was_appended_in_order_and_with_its_run),
        cmocka_unit_test(loses_only_the_record_that_was_cut_short_at_any_byte),
        cmocka_unit_test(stops_at_a_record_whose_bytes_changed_but_reads_the_next_file),
        cmocka_unit_test(removes_files_that_are_read_once_the_reader_says_so),
        cmocka_unit_test(lets_the_oldest_file_go_when_nobody_reads_and_counts_what_it_had),
        cmocka_unit_test(lets_the_oldest_file_go_when_there_are_too_many),
        cmocka_unit_test(what_is_no_file_is_left_alone),
        cmocka_unit_test(keeps_no_half_record_when_the_disk_is_full),
        cmocka_unit_test(refuses_a_file_of_a_newer_version),
        cmocka_unit_test(gives_no_seq_twice_even_when_nothing_was_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
