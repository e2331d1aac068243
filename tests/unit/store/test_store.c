/* The store: what one run appended, the next one knows, whatever happened to the files. */
#include "testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#include "unit/daemon/temp_dir.h"

struct world {
    struct temp_dir dir;
    struct store *store;
    char said[1024]; /* The reports, one a line. */
    unsigned reports;
    uint64_t seq;
    uint64_t time_us;
};

static void
on_report(void *context, const char *text)
{
    struct world *world = context;
    size_t size = strlen(world->said);
    snprintf(world->said + size, sizeof world->said - size, "%s\n", text);
    world->reports++;
}

static void
last_lines(void *context, const char *path, uint64_t generation, struct buffer *to)
{
    (void)context;
    buffer_printf(to, "last words of %s %d", path, (int)generation);
}

static void
world_open(struct world *world)
{
    struct airs_error error = { 0 };
    struct store_options options = {
        .dir = world->dir.path, .context = world, .report = on_report, .last_lines = last_lines
    };
    world->said[0] = '\0';
    world->reports = 0;
    assert_int_equal(store_open(&options, &world->store, &error), AIRS_OK);
    world->seq = store_last_seq(world->store);
}

static void
world_make(struct world *world)
{
    *world = (struct world){ .time_us = 1000000000 };
    temp_dir_make(&world->dir);
    world_open(world);
}

static void
world_close(struct world *world)
{
    store_close(world->store);
    world->store = NULL;
}

static void
world_remove(struct world *world)
{
    if (world->store)
        world_close(world);
    temp_dir_remove(&world->dir);
}

/* What is in it may be changed before it is appended. */
static struct airs_event
event_of(const char *name, const char *path, const char *from, const char *state)
{
    return (struct airs_event){
        .path = path,
        .event = name,
        .from = from,
        .state = state,
        .delay_us = AIRS_NONE,
        .restarts = path ? 0 : AIRS_NONE,
        .has_budget = path != NULL,
        .budget_allowed = 3,
        .uptime_us = AIRS_NONE,
        .memory_bytes = AIRS_NONE,
    };
}

static void
append(struct world *world, struct airs_event event)
{
    event.seq = ++world->seq;
    event.time_us = world->time_us += 1000;
    store_append(world->store, &event);
}

static void
append_crash(struct world *world, const char *path, uint64_t generation, uint64_t restarts)
{
    struct airs_event event = event_of("exited", path, "running", "running");
    event.generation = generation;
    event.reason = "trap";
    event.detail = "unreachable";
    event.message = "wasm trap: unreachable\n0: main";
    event.exit_code = 9;
    event.restarts = restarts - 1;
    event.uptime_us = 5000;
    event.lived_us = 5000 * generation;
    append(world, event);
    event.event = "restart-scheduled";
    event.state = "restarting";
    event.delay_us = 400000;
    event.restarts = restarts;
    event.attempt = restarts;
    append(world, event);
}

/* ---- Questions ---- */

struct question {
    struct store_query query;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
    enum airs_status status;
    char text[240];
    char answer[4096];
};

static void
on_visit(struct store_query *query, const struct history_entry *entry)
{
    struct question *question = (struct question *)query;
    size_t size = strlen(question->answer);
    snprintf(question->answer + size, sizeof question->answer - size, "%d %s %s %s %s [%s]%s\n",
             (int)entry->event.seq, entry->event.event, entry->event.path ? entry->event.path : "-",
             entry->event.reason ? entry->event.reason : "-",
             entry->event.message ? entry->event.message : "-", entry->log ? entry->log : "",
             entry->has_then ? entry->then.event : "");
}

static void
on_done(struct store_query *query, enum airs_status status, const char *text)
{
    struct question *question = (struct question *)query;
    pthread_mutex_lock(&question->lock);
    question->status = status;
    snprintf(question->text, sizeof question->text, "%s", text ? text : "");
    question->is_done = true;
    pthread_cond_signal(&question->changed);
    pthread_mutex_unlock(&question->lock);
}

static void
ask(struct world *world, struct question *question, const char *path, bool exits_alone,
    uint64_t count)
{
    *question = (struct question){
        .query = { .path = path,
                   .exits_alone = exits_alone,
                   .count = count,
                   .visit = on_visit,
                   .done = on_done },
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
    store_ask(world->store, &question->query);
    pthread_mutex_lock(&question->lock);
    while (!question->is_done)
        pthread_cond_wait(&question->changed, &question->lock);
    pthread_mutex_unlock(&question->lock);
}

/* ---- Tests ---- */

static void
answers_with_exits_their_last_lines_and_what_followed(void **state)
{
    (void)state;
    struct world world;
    struct question question;
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    append_crash(&world, "/ab", 1, 1);
    append_crash(&world, "/a/b", 1, 1);
    ask(&world, &question, "/a", true, 10);
    assert_int_equal(question.status, AIRS_OK);
    assert_string_equal(question.answer, "1 exited /a trap wasm trap: unreachable\n0: main"
                                         " [last words of /a 1]restart-scheduled\n"
                                         "5 exited /a/b trap wasm trap: unreachable\n0: main"
                                         " [last words of /a/b 1]restart-scheduled\n");
    ask(&world, &question, "/", false, 2);
    assert_string_equal(question.answer, "5 exited /a/b trap wasm trap: unreachable\n0: main []\n"
                                         "6 restart-scheduled /a/b trap - []\n");
    world_remove(&world);
}

static void
goes_on_counting_where_the_last_run_stopped(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    assert_int_equal(store_last_seq(world.store), 0);
    append_crash(&world, "/a", 1, 1);
    world_close(&world);
    world_open(&world);
    assert_int_equal(store_last_seq(world.store), 2);
    world_close(&world);
    world_open(&world);
    assert_int_equal(store_last_seq(world.store), 2);
    world_remove(&world);
}

static void
remembers_budget_delay_and_lived_time_of_a_run_that_was_cut_off(void **state)
{
    (void)state;
    struct world world;
    struct airs_memory memory;
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    struct airs_event event = event_of("starting", "/a", "restarting", "starting");
    event.generation = 2;
    event.restarts = event.attempt = 1;
    event.lived_us = event.born_lived_us = 5000;
    append(&world, event);
    append_crash(&world, "/a", 2, 2);
    event = event_of("ready", "/b", "running", "running");
    event.ready = true;
    event.generation = 4;
    event.lived_us = 100;
    append(&world, event);
    append(&world, event_of("registered", "/c", "registered", "registered"));
    world_close(&world);

    world_open(&world);
    assert_false(store_memory(world.store, "/d", &memory));
    assert_true(store_memory(world.store, "/a", &memory));
    assert_string_equal(memory.state, "restarting");
    assert_string_equal(memory.exit_reason, "trap");
    assert_int_equal(memory.exit_code, 9);
    assert_int_equal(memory.generation, 2);
    assert_int_equal(memory.restarts, 2);
    assert_int_equal(memory.attempt, 2);
    assert_int_equal(memory.grants_count, 2);
    assert_int_equal(memory.grants_us[0], 5000);
    assert_int_equal(memory.grants_us[1], 10000);
    /* Two events later; the clock may have gone on a little. */
    assert_in_range(memory.delay_us, 1, 400000 - 2000);
    assert_true(store_memory(world.store, "/b", &memory));
    assert_true(memory.lived_us >= 100 + 1000);
    uint64_t lived_us = memory.lived_us;
    world_close(&world);

    /* A run in which nothing happened changes nothing: time without a run counts for nothing. */
    world_open(&world);
    assert_true(store_memory(world.store, "/b", &memory));
    assert_int_equal(memory.lived_us, lived_us);
    world_remove(&world);
}

static void
remembers_only_what_was_stopped_by_request_after_a_clean_end(void **state)
{
    (void)state;
    struct world world;
    struct airs_memory memory;
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    struct airs_event event = event_of("stopped", "/b", "stopping", "stopped");
    event.stopped = "request";
    event.generation = 5;
    append(&world, event);
    event = event_of("stopped", "/c", "stopping", "stopped");
    event.stopped = "supervisor";
    append(&world, event);
    append(&world, event_of("application-stopped", NULL, NULL, NULL));
    world_close(&world);
    world_open(&world);
    assert_false(store_memory(world.store, "/a", &memory));
    assert_false(store_memory(world.store, "/c", &memory));
    assert_true(store_memory(world.store, "/b", &memory));
    assert_string_equal(memory.stopped, "request");
    assert_int_equal(memory.generation, 0);
    assert_int_equal(store_last_seq(world.store), 5);
    world_remove(&world);
}

static void
keeps_what_an_earlier_run_left_until_the_second_event_of_the_next(void **state)
{
    (void)state;
    struct world world;
    struct airs_memory memory;
    world_make(&world);
    struct airs_event event = event_of("failed", "/a", "running", "failed");
    event.reason = "trap";
    event.generation = 4;
    event.restarts = 3;
    append(&world, event);
    world_close(&world);
    for (int i = 0; i < 2; i++) {
        world_open(&world);
        event = event_of("registered", "/a", "registered", "registered");
        event.generation = 4;
        event.restarts = 3;
        append(&world, event);
        world_close(&world);
    }
    world_open(&world);
    assert_true(store_memory(world.store, "/a", &memory));
    assert_string_equal(memory.state, "failed");
    append(&world, event);
    event = event_of("starting", "/a", "registered", "starting");
    event.generation = 5;
    append(&world, event);
    world_close(&world);
    world_open(&world);
    assert_true(store_memory(world.store, "/a", &memory));
    assert_string_equal(memory.state, "starting");
    assert_int_equal(memory.generation, 5);
    world_remove(&world);
}

static void
forgets_grants_with_a_reset(void **state)
{
    (void)state;
    struct world world;
    struct airs_memory memory;
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    append(&world, event_of("reset", "/a", "restarting", "restarting"));
    world_close(&world);
    world_open(&world);
    assert_true(store_memory(world.store, "/a", &memory));
    assert_int_equal(memory.grants_count, 0);
    assert_int_equal(memory.restarts, 0);
    assert_in_range(memory.delay_us, 1, 400000);
    world_remove(&world);
}

/* As another program that has the database open would. */
static sqlite3 *
lock_database(struct world *world)
{
    char path[PATH_MAX];
    sqlite3 *other;
    sqlite3_open(temp_dir_file(&world->dir, "history.db", path), &other);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return other;
}

static void
goes_on_while_the_database_is_locked_and_catches_up_later(void **state)
{
    (void)state;
    struct world world;
    struct question question;
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    ask(&world, &question, "/", true, 10);
    sqlite3 *other = lock_database(&world);
    append_crash(&world, "/a", 2, 2);
    ask(&world, &question, "/", true, 10);
    assert_int_equal(question.status, AIRS_EIO);
    assert_int_equal(world.reports, 1);
    assert_non_null(strstr(world.said, "locked"));
    sqlite3_close(other);
    world_close(&world); /* Everything that it appended is in the journal. */
    world_open(&world);
    assert_int_equal(store_last_seq(world.store), 4);
    assert_int_equal(store_lost(world.store), 0);
    ask(&world, &question, "/", true, 10);
    assert_non_null(strstr(question.answer, "3 exited"));
    world_remove(&world);
}

static void
refuses_a_newer_database_and_goes_on_without(void **state)
{
    (void)state;
    struct world world;
    struct question question;
    char path[PATH_MAX];
    sqlite3 *other;
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    world_close(&world);
    sqlite3_open(temp_dir_file(&world.dir, "history.db", path), &other);
    sqlite3_exec(other, "PRAGMA user_version=99", NULL, NULL, NULL);
    sqlite3_close(other);
    world_open(&world);
    assert_int_equal(world.reports, 1);
    assert_non_null(strstr(world.said, "newer version"));
    assert_int_equal(store_last_seq(world.store), 2); /* The journal knows. */
    append_crash(&world, "/a", 1, 1);
    ask(&world, &question, "/", true, 10);
    assert_non_null(strstr(question.text, "newer version"));
    assert_int_equal(store_lost(world.store), 0);
    assert_int_equal(world.reports, 1);
    world_remove(&world);
}

static void
puts_a_damaged_database_aside_and_begins_a_new_one(void **state)
{
    (void)state;
    struct world world;
    struct question question;
    char path[PATH_MAX];
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    world_close(&world);
    int fd = open(temp_dir_file(&world.dir, "history.db", path), O_WRONLY | O_TRUNC);
    assert_true(write(fd,
                      "this is no database of anybody's, and long enough to say so, "
                      "because a short file could still become one ..................",
                      110) == 110);
    close(fd);
    world_open(&world);
    assert_non_null(strstr(world.said, "history.db.damaged"));
    append_crash(&world, "/a", 1, 1);
    ask(&world, &question, "/", true, 10);
    assert_int_equal(question.status, AIRS_OK);
    assert_int_equal(access(temp_dir_file(&world.dir, "history.db.damaged", path), F_OK), 0);
    world_remove(&world);
}

static void
survives_a_database_that_is_cut_short_anywhere(void **state)
{
    (void)state;
    struct world world;
    struct question question;
    char path[PATH_MAX];
    static char whole[1 << 20];
    world_make(&world);
    for (uint64_t i = 1; i < 40; i++)
        append_crash(&world, "/a", i, i);
    world_close(&world);
    int fd = open(temp_dir_file(&world.dir, "history.db", path), O_RDONLY);
    ssize_t size = read(fd, whole, sizeof whole);
    assert_in_range(size, 4096, sizeof whole - 1);
    close(fd);
    for (ssize_t left = 0; left < size; left += 997) {
        fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
        assert_int_equal(write(fd, whole, (size_t)left), left);
        close(fd);
        world_open(&world);
        assert_true(store_last_seq(world.store) >= 78);
        append_crash(&world, "/a", 1, 1);
        ask(&world, &question, "/", true, 100);
        ask(&world, &question, "/", true, 1); /* Damage may be found by the first one. */
        world_close(&world);
    }
    world_remove(&world);
}

static void
goes_on_where_nothing_can_be_written_and_says_so_once(void **state)
{
    (void)state;
    struct world world = { .time_us = 1000000000 };
    temp_dir_make(&world.dir);
    char path[PATH_MAX];
    /* Root may write anywhere, but not in a directory that is none. */
    temp_dir_file(&world.dir, "file", path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    struct airs_error error = { 0 };
    struct store_options options = { .dir = path, .context = &world, .report = on_report };
    assert_int_equal(store_open(&options, &world.store, &error), AIRS_OK);
    for (uint64_t i = 1; i < 10; i++)
        append_crash(&world, "/a", i, i);
    assert_int_equal(store_lost(world.store), 18);
    world_close(&world);
    assert_in_range(world.reports, 2, 3); /* Journal, database, the loss: once each. */
    world_remove(&world);
}

static void
reads_a_database_that_is_read_only_as_trouble_not_as_an_end(void **state)
{
    (void)state;
    struct world world;
    char path[PATH_MAX];
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    world_close(&world);
    if (geteuid() == 0) { /* To root nothing is read-only: a directory in its place is. */
        unlink(temp_dir_file(&world.dir, "history.db", path));
        assert_int_equal(mkdir(path, 0700), 0);
    } else {
        chmod(temp_dir_file(&world.dir, "history.db", path), 0400);
    }
    world_open(&world);
    assert_int_equal(world.reports, 1);
    append_crash(&world, "/a", 1, 1);
    assert_int_equal(store_lost(world.store), 0);
    assert_int_equal(store_last_seq(world.store), 2);
    world_remove(&world);
}

static void
counts_and_says_once_what_a_full_disk_lost(void **state)
{
    (void)state;
    struct world world;
    struct question question;
    struct rlimit before;
    world_make(&world);
    append_crash(&world, "/a", 1, 1);
    ask(&world, &question, "/", true, 10);
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 64, before.rlim_max });
    for (uint64_t i = 2; i < 12; i++)
        append_crash(&world, "/a", i, i);
    ask(&world, &question, "/", true, 10);
    ask(&world, &question, "/", true, 10);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(store_lost(world.store), 20);
    assert_int_equal(world.reports, 1);
    append_crash(&world, "/a", 12, 12);
    world_close(&world);
    world_open(&world);
    ask(&world, &question, "/", true, 10);
    assert_non_null(strstr(question.answer, "23 exited"));
    assert_int_equal(store_last_seq(world.store), 24);
    world_remove(&world);
}

static void
takes_thousands_of_events_in_batches(void **state)
{
    (void)state;
    struct world world;
    struct question question;
    world_make(&world);
    for (uint64_t i = 1; i <= 5000; i++)
        append_crash(&world, "/a", i, i);
    ask(&world, &question, "/", true, 1);
    assert_int_equal(strncmp(question.answer, "9999 exited", 11), 0);
    struct airs_memory memory;
    world_close(&world);
    world_open(&world);
    assert_true(store_memory(world.store, "/a", &memory));
    assert_int_equal(memory.grants_count, 3); /* No more than may still count. */
    world_remove(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_with_exits_their_last_lines_and_what_followed),
        cmocka_unit_test(goes_on_counting_where_the_last_run_stopped),
        cmocka_unit_test(remembers_budget_delay_and_lived_time_of_a_run_that_was_cut_off),
        cmocka_unit_test(remembers_only_what_was_stopped_by_request_after_a_clean_end),
        cmocka_unit_test(keeps_what_an_earlier_run_left_until_the_second_event_of_the_next),
        cmocka_unit_test(forgets_grants_with_a_reset),
        cmocka_unit_test(goes_on_while_the_database_is_locked_and_catches_up_later),
        cmocka_unit_test(refuses_a_newer_database_and_goes_on_without),
        cmocka_unit_test(puts_a_damaged_database_aside_and_begins_a_new_one),
        cmocka_unit_test(survives_a_database_that_is_cut_short_anywhere),
        cmocka_unit_test(goes_on_where_nothing_can_be_written_and_says_so_once),
        cmocka_unit_test(reads_a_database_that_is_read_only_as_trouble_not_as_an_end),
        cmocka_unit_test(counts_and_says_once_what_a_full_disk_lost),
        cmocka_unit_test(takes_thousands_of_events_in_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
