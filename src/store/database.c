#include "store/database.h"

#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "store/event_record.h"

enum statement {
    TAKE_EVENT,
    TAKE_LOG,
    READ_CHILD,
    TAKE_CHILD,
    TAKE_GRANT,
    DROP_GRANTS,
    TRIM_GRANTS,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [TAKE_EVENT] = "INSERT OR REPLACE INTO events(seq,time_us,path,event,body) VALUES(?,?,?,?,?)",
    [TAKE_LOG] = "INSERT OR REPLACE INTO logs(seq,lines) VALUES(?,?)",
    [READ_CHILD] = "SELECT body, run IS NULL FROM children WHERE path=?",
    [TAKE_CHILD] = "INSERT OR REPLACE INTO children(path,run,time_us,state,body)"
                   " VALUES(?,?,?,?,?)",
    [TAKE_GRANT] = "INSERT OR REPLACE INTO grants(path,n,lived_us) VALUES(?,?,?)",
    [DROP_GRANTS] = "DELETE FROM grants WHERE path=? AND n>?",
    [TRIM_GRANTS] = "DELETE FROM grants WHERE path=? AND n<=?",
};

static const char schema[] =
    "CREATE TABLE events(seq INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, path TEXT,"
    " event TEXT NOT NULL, body BLOB NOT NULL);"
    "CREATE INDEX events_by_path ON events(path, seq);"
    "CREATE INDEX exits_by_path ON events(path, seq) WHERE event='exited';"
    "CREATE TABLE logs(seq INTEGER PRIMARY KEY, lines TEXT NOT NULL);"
    "CREATE TABLE children(path TEXT PRIMARY KEY, run INTEGER, time_us INTEGER NOT NULL,"
    " state TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE grants(path TEXT, n INTEGER, lived_us INTEGER NOT NULL,"
    " PRIMARY KEY(path, n)) WITHOUT ROWID;";

struct database {
    sqlite3 *sqlite;
    char *path;
    bool is_damaged;
    uint64_t last_seq;
    uint64_t taken_seq; /* As last_seq, of the batch under way. */
    sqlite3_stmt *statements[STATEMENTS];
};

/* ---- Errors ---- */

static enum airs_status
failed(struct database *database, const char *what, struct airs_error *error)
{
    int code = database->sqlite ? sqlite3_errcode(database->sqlite) & 0xFF : SQLITE_NOMEM;
    const char *why = database->sqlite ? sqlite3_errmsg(database->sqlite) : "out of memory";
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        database->is_damaged = true;
    enum airs_status status =
        code == SQLITE_BUSY || code == SQLITE_LOCKED ? AIRS_EBUSY : AIRS_EIO;
    return fail(error, status, "history %s: %s: %s", database->path, what, why);
}

static enum airs_status
execute(struct database *database, const char *text, struct airs_error *error)
{
    return sqlite3_exec(database->sqlite, text, NULL, NULL, NULL) == SQLITE_OK
               ? AIRS_OK
               : failed(database, "cannot be written", error);
}

/* ---- Opening ---- */

static enum airs_status
prepare_all(struct database *database, struct airs_error *error)
{
    for (unsigned i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(database->sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &database->statements[i], NULL)
            != SQLITE_OK)
            return failed(database, "cannot be read", error);
    return AIRS_OK;
}

/* The one number that `text` selects; false: none. */
static bool
select_number(struct database *database, const char *text, uint64_t *number_out)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database->sqlite, text, -1, &statement, NULL) != SQLITE_OK)
        return false;
    bool found = sqlite3_step(statement) == SQLITE_ROW
                 && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    if (found)
        *number_out = (uint64_t)sqlite3_column_int64(statement, 0);
    return sqlite3_finalize(statement) == SQLITE_OK && found;
}

/* Makes the tables of a new file; refuses what is newer. */
static enum airs_status
set_up(struct database *database, struct airs_error *error)
{
    uint64_t version;
    sqlite3_busy_timeout(database->sqlite, DATABASE_BUSY_MS);
    if (!select_number(database, "PRAGMA user_version", &version))
        return failed(database, "cannot be read", error);
    if (version > DATABASE_VERSION)
        return fail(error, AIRS_EDENIED,
                    "history %s is of a newer version of airs (%" PRIu64 ", this one writes %d)",
                    database->path, version, DATABASE_VERSION);
    enum airs_status status =
        execute(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", error);
    if (status == AIRS_OK && version == 0) {
        status = execute(database, "BEGIN IMMEDIATE", error);
        if (status == AIRS_OK)
            status = execute(database, schema, error);
        if (status == AIRS_OK)
            status = execute(database, "PRAGMA user_version=1; COMMIT", error);
    }
    if (status == AIRS_OK)
        status = execute(database, "BEGIN IMMEDIATE; COMMIT", error); /* Can it be written? */
    if (status == AIRS_OK)
        status = prepare_all(database, error);
    if (status == AIRS_OK
        && !select_number(database, "SELECT coalesce(max(seq),0) FROM events",
                          &database->last_seq))
        status = failed(database, "cannot be read", error);
    return status;
}

/* Closes; what is damaged is put aside under another name. */
void
database_close(struct database *database)
{
    if (!database)
        return;
    for (unsigned i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(database->statements[i]);
    sqlite3_close_v2(database->sqlite);
    if (database->is_damaged) {
        char aside[PATH_MAX];
        static const char *const suffixes[] = { "-wal", "-shm" };
        for (unsigned i = 0; i < 2; i++) {
            snprintf(aside, sizeof aside, "%s%s", database->path, suffixes[i]);
            unlink(aside);
        }
        snprintf(aside, sizeof aside, "%s.damaged", database->path);
        rename(database->path, aside);
    }
    free(database->path);
    free(database);
}

static enum airs_status
open_once(const char *path, struct database **database_out, bool *damaged_out,
          struct airs_error *error)
{
    struct database *database = calloc(1, sizeof *database);
    if (!database)
        return fail(error, AIRS_ENOMEM, "history: out of memory");
    database->path = strdup(path);
    enum airs_status status = AIRS_OK;
    if (!database->path)
        status = fail(error, AIRS_ENOMEM, "history: out of memory");
    else if (sqlite3_open_v2(path, &database->sqlite,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX
                                 | SQLITE_OPEN_NOFOLLOW,
                             NULL)
             != SQLITE_OK)
        status = failed(database, "cannot be opened", error);
    else
        status = set_up(database, error);
    if (status != AIRS_OK) {
        *damaged_out = database->is_damaged;
        database_close(database);
        return status;
    }
    *database_out = database;
    return AIRS_OK;
}

enum airs_status
database_open(const char *path, struct database **database_out, struct airs_error *note,
              struct airs_error *error)
{
    bool is_damaged = false;
    struct airs_error first = { 0 };
    enum airs_status status = open_once(path, database_out, &is_damaged, &first);
    if (status == AIRS_OK)
        return AIRS_OK;
    if (!is_damaged)
        return fail(error, status, "%s", first.message);
    fail(note, AIRS_EIO, "%s; it is kept as %s.damaged, a new one begins", first.message, path);
    return open_once(path, database_out, &is_damaged, error);
}

uint64_t
database_last_seq(const struct database *database)
{
    return database->last_seq;
}

/* ---- Writing ---- */

static void
bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static void
bind_number(sqlite3_stmt *statement, int place, uint64_t number)
{
    sqlite3_bind_int64(statement, place, (sqlite3_int64)number);
}

/* Runs a statement that gives no row. */
static enum airs_status
run_statement(struct database *database, sqlite3_stmt *statement, struct airs_error *error)
{
    int code = sqlite3_step(statement);
    enum airs_status status =
        code == SQLITE_DONE ? AIRS_OK : failed(database, "cannot be written", error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

enum airs_status
database_begin(struct database *database, struct airs_error *error)
{
    database->taken_seq = database->last_seq;
    return execute(database, "BEGIN IMMEDIATE", error);
}

enum airs_status
database_commit(struct database *database, struct airs_error *error)
{
    enum airs_status status = execute(database, "COMMIT", error);
    if (status == AIRS_OK)
        database->last_seq = database->taken_seq;
    return status;
}

void
database_rollback(struct database *database)
{
    sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
    database->taken_seq = database->last_seq;
}

static bool
is_text(const char *text, const char *other)
{
    return text && strcmp(text, other) == 0;
}

/* The child's row as an event, copied into `bytes`, and whether it is of an earlier run; false:
 * it has none. */
static bool
read_child(struct database *database, const char *path, unsigned char *bytes,
           struct airs_event *event_out, bool *is_earlier_out)
{
    sqlite3_stmt *statement = database->statements[READ_CHILD];
    bind_text(statement, 1, path);
    bool found = false;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        int size = sqlite3_column_bytes(statement, 0);
        const void *blob = sqlite3_column_blob(statement, 0);
        *is_earlier_out = sqlite3_column_int(statement, 1) != 0;
        if (size > 0 && (size_t)size <= EVENT_RECORD_BYTES_MAX) {
            memcpy(bytes, blob, (size_t)size);
            found = event_record_decode(bytes, (size_t)size, event_out);
        }
    }
    sqlite3_reset(statement);
    return found;
}

static enum airs_status
write_child(struct database *database, const uint64_t *run, const struct airs_event *event,
            struct airs_error *error)
{
    unsigned char bytes[EVENT_RECORD_BYTES_MAX];
    size_t size = event_record_encode(event, bytes);
    sqlite3_stmt *statement = database->statements[TAKE_CHILD];
    bind_text(statement, 1, event->path);
    if (run)
        bind_number(statement, 2, *run);
    bind_number(statement, 3, event->time_us);
    bind_text(statement, 4, event->state ? event->state : "");
    sqlite3_bind_blob(statement, 5, bytes, (int)size, SQLITE_STATIC);
    return run_statement(database, statement, error);
}

/* Grants are counted up by `restarts`: one more is a grant, fewer a reset. */
static enum airs_status
follow_grants(struct database *database, uint64_t before, const struct airs_event *event,
              struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    if (event->restarts == AIRS_NONE || event->restarts == before)
        return AIRS_OK;
    sqlite3_stmt *statement = database->statements[TAKE_GRANT];
    if (event->restarts > before) {
        bind_text(statement, 1, event->path);
        bind_number(statement, 2, event->restarts);
        bind_number(statement, 3, event->lived_us);
        status = run_statement(database, statement, error);
    }
    statement = database->statements[DROP_GRANTS];
    bind_text(statement, 1, event->path);
    bind_number(statement, 2, event->restarts);
    if (status == AIRS_OK)
        status = run_statement(database, statement, error);
    statement = database->statements[TRIM_GRANTS];
    bool is_bounded = event->has_budget && event->budget_allowed != AIRS_UNLIMITED;
    uint64_t kept = is_bounded ? event->budget_allowed : 0;
    bind_text(statement, 1, event->path);
    bind_number(statement, 2, event->restarts > kept ? event->restarts - kept : 0);
    if (status == AIRS_OK)
        status = run_statement(database, statement, error);
    return status;
}

/* What is remembered of a child follows its event; what the event does not say, stays. */
static enum airs_status
follow_child(struct database *database, uint64_t run, const struct airs_event *event,
             struct airs_error *error)
{
    unsigned char bytes[EVENT_RECORD_BYTES_MAX];
    struct airs_event before = { 0 };
    if (!event->path || !event->state)
        return AIRS_OK;
    bool is_earlier = false;
    bool is_known = read_child(database, event->path, bytes, &before, &is_earlier);
    /* A new run says again what the earlier one left, `registered` and `exited` host-lost; the
     * next event says how that goes on, and until then a death changes nothing. */
    if (is_known && is_earlier && is_text(event->state, "registered")
        && (is_text(event->event, "registered") || is_text(event->event, "exited")))
        return AIRS_OK;

    struct airs_event after = *event;
    after.event = "remembered";
    after.message = NULL;
    if (!event->reason) {
        after.reason = before.reason;
        after.detail = before.detail;
        after.exit_code = before.exit_code;
    }
    bool goes_on_waiting = is_known && is_text(event->event, "reset")
                           && is_text(event->state, "restarting") && before.delay_us != AIRS_NONE;
    if (goes_on_waiting) {
        uint64_t gone_us = event->time_us > before.time_us ? event->time_us - before.time_us : 0;
        after.delay_us = before.delay_us > gone_us ? before.delay_us - gone_us : 0;
    }
    enum airs_status status = write_child(database, &run, &after, error);
    if (status == AIRS_OK)
        status = follow_grants(database, is_known ? before.restarts : 0, event, error);
    return status;
}

static enum airs_status
take_log(struct database *database, uint64_t seq, const char *log, struct airs_error *error)
{
    sqlite3_stmt *statement = database->statements[TAKE_LOG];
    bind_number(statement, 1, seq);
    bind_text(statement, 2, log);
    return run_statement(database, statement, error);
}

enum airs_status
database_take(struct database *database, uint64_t run, const struct airs_event *event,
              const void *bytes, size_t size, const char *log, struct airs_error *error)
{
    if (event->seq <= database->taken_seq)
        return AIRS_OK;
    sqlite3_stmt *statement = database->statements[TAKE_EVENT];
    bind_number(statement, 1, event->seq);
    bind_number(statement, 2, event->time_us);
    bind_text(statement, 3, event->path);
    bind_text(statement, 4, event->event);
    sqlite3_bind_blob(statement, 5, bytes, (int)size, SQLITE_STATIC);
    enum airs_status status = run_statement(database, statement, error);
    if (status == AIRS_OK && log)
        status = take_log(database, event->seq, log, error);
    if (status == AIRS_OK)
        status = follow_child(database, run, event, error);
    if (status == AIRS_OK)
        database->taken_seq = event->seq;
    return status;
}

static void
prune_below(struct database *database, uint64_t seq)
{
    char text[160];
    snprintf(text, sizeof text,
             "BEGIN IMMEDIATE; DELETE FROM events WHERE seq<%" PRIu64
             "; DELETE FROM logs WHERE seq<%" PRIu64 "; COMMIT",
             seq, seq);
    if (sqlite3_exec(database->sqlite, text, NULL, NULL, NULL) != SQLITE_OK)
        sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

void
database_prune(struct database *database, uint64_t now_us)
{
    uint64_t oldest, pages, free_pages, page_bytes, seq;
    char text[160];
    if (!select_number(database, "SELECT min(seq) FROM events", &oldest)
        || !select_number(database, "PRAGMA page_count", &pages)
        || !select_number(database, "PRAGMA freelist_count", &free_pages)
        || !select_number(database, "PRAGMA page_size", &page_bytes))
        return;
    uint64_t newest = database->last_seq;
    uint64_t from = newest > HISTORY_EVENTS_MAX ? newest - HISTORY_EVENTS_MAX + 1 : 0;
    snprintf(text, sizeof text, "SELECT min(seq) FROM events WHERE time_us>=%" PRIu64,
             now_us > HISTORY_AGE_US_MAX ? now_us - HISTORY_AGE_US_MAX : 0);
    if (select_number(database, text, &seq) && seq > from)
        from = seq;
    if ((pages - free_pages) * page_bytes > HISTORY_BYTES_MAX
        && from < oldest + (newest - oldest) / 10)
        from = oldest + (newest - oldest) / 10;
    if (from > oldest)
        prune_below(database, from);
}

/* ---- What a later run goes on from ---- */

bool
database_last_run(struct database *database, uint64_t *run_out, uint64_t *time_us_out)
{
    return select_number(database, "SELECT max(run) FROM children", run_out)
           && select_number(database, "SELECT time_us FROM events ORDER BY seq DESC LIMIT 1",
                            time_us_out);
}

/* Durations out of moments; after a clean end only the wish to stay stopped is left. */
static void
settle_child(struct airs_event *child, bool is_clean, uint64_t gone_us)
{
    if (is_clean && !is_text(child->stopped, "request")) {
        child->state = "deleted";
        return;
    }
    if (is_clean) {
        *child = (struct airs_event){
            .seq = child->seq, .time_us = child->time_us, .path = child->path,
            .event = child->event, .state = child->state, .stopped = child->stopped,
            .delay_us = AIRS_NONE,
        };
        return;
    }
    if (child->ready)
        child->lived_us += gone_us;
    child->ready = false;
    if (child->delay_us != AIRS_NONE)
        child->delay_us = child->delay_us > gone_us ? child->delay_us - gone_us : 0;
}

static enum airs_status
settle_row(struct database *database, sqlite3_stmt *rows, bool is_clean, uint64_t run,
           uint64_t end_us, struct airs_error *error)
{
    struct airs_event child;
    if (!event_record_decode(sqlite3_column_blob(rows, 0), (size_t)sqlite3_column_bytes(rows, 0),
                             &child))
        return AIRS_OK;
    bool is_of_run = (uint64_t)sqlite3_column_int64(rows, 1) == run;
    uint64_t gone_us = is_of_run && end_us > child.time_us ? end_us - child.time_us : 0;
    settle_child(&child, is_clean, gone_us);
    return write_child(database, NULL, &child, error);
}

enum airs_status
database_settle(struct database *database, uint64_t run, uint64_t end_us,
                struct airs_error *error)
{
    uint64_t clean = 0;
    sqlite3_stmt *rows = NULL;
    select_number(database,
                  "SELECT event='application-stopped' FROM events ORDER BY seq DESC LIMIT 1",
                  &clean);
    enum airs_status status = execute(database, "BEGIN IMMEDIATE", error);
    if (status != AIRS_OK)
        return status;
    if (clean)
        status = execute(database, "DELETE FROM grants; DELETE FROM children WHERE state<>'stopped'",
                         error);
    /* Sorted, so that rows which are written do not come again. */
    if (status == AIRS_OK
        && sqlite3_prepare_v2(database->sqlite,
                              "SELECT body, run FROM children WHERE run IS NOT NULL"
                              " AND state<>'deleted' ORDER BY time_us, path",
                              -1, &rows, NULL)
               != SQLITE_OK)
        status = failed(database, "cannot be read", error);
    while (status == AIRS_OK && sqlite3_step(rows) == SQLITE_ROW)
        status = settle_row(database, rows, clean != 0, run, end_us, error);
    sqlite3_finalize(rows);
    if (status == AIRS_OK)
        status = execute(database, "DELETE FROM children WHERE state='deleted'; COMMIT", error);
    if (status != AIRS_OK)
        database_rollback(database);
    return status;
}

/* The grants of `path`, oldest first; NULL when it has none. */
static uint64_t *
read_grants(struct database *database, const char *path, size_t *count_out)
{
    sqlite3_stmt *rows;
    uint64_t *grants = NULL;
    size_t count = 0;
    if (sqlite3_prepare_v2(database->sqlite,
                           "SELECT lived_us FROM grants WHERE path=? ORDER BY n", -1, &rows, NULL)
        != SQLITE_OK)
        return NULL;
    bind_text(rows, 1, path);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        if ((count & (count - 1)) == 0) {
            uint64_t *larger = realloc(grants, (count ? count * 2 : 1) * sizeof *grants);
            if (!larger)
                break;
            grants = larger;
        }
        grants[count++] = (uint64_t)sqlite3_column_int64(rows, 0);
    }
    sqlite3_finalize(rows);
    *count_out = count;
    return grants;
}

enum airs_status
database_children(struct database *database,
                  void (*visit)(void *context, const char *path,
                                const struct airs_memory *memory),
                  void *context, struct airs_error *error)
{
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(database->sqlite, "SELECT body FROM children", -1, &rows, NULL)
        != SQLITE_OK)
        return failed(database, "cannot be read", error);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct airs_event child;
        size_t count = 0;
        if (!event_record_decode(sqlite3_column_blob(rows, 0),
                                 (size_t)sqlite3_column_bytes(rows, 0), &child)
            || !child.path)
            continue;
        uint64_t *grants = read_grants(database, child.path, &count);
        struct airs_memory memory = {
            .state = child.state,
            .stopped = child.stopped,
            .generation = child.generation,
            .restarts = child.restarts == AIRS_NONE ? 0 : child.restarts,
            .attempt = child.attempt,
            .lived_us = child.lived_us,
            .born_lived_us = child.born_lived_us,
            .delay_us = child.delay_us == AIRS_NONE ? 0 : child.delay_us,
            .exit_reason = child.reason,
            .exit_code = child.exit_code,
            .exit_detail = child.detail,
            .grants_us = grants,
            .grants_count = count,
        };
        visit(context, child.path, &memory);
        free(grants);
    }
    return sqlite3_finalize(rows) == SQLITE_OK ? AIRS_OK
                                               : failed(database, "cannot be read", error);
}

/* ---- History ---- */

/* Each with its own index: a scan of a million events takes half a second. */
static const char *
condition(const char *path, enum history_reach reach)
{
    if (reach == HISTORY_BELOW && strcmp(path, "/") == 0)
        return "?1='/'";
    return reach == HISTORY_EXACT ? "path=?1" : "(path=?1 OR (path>?1||'/' AND path<?1||'0'))";
}

static sqlite3_stmt *
prepare_history(struct database *database, const char *path, enum history_reach reach,
                bool exits_alone)
{
    char text[512];
    sqlite3_stmt *rows = NULL;
    const char *where = condition(path, reach);
    if (exits_alone)
        snprintf(text, sizeof text,
                 "SELECT * FROM (SELECT e.seq, e.body, l.lines, (SELECT n.body FROM events n WHERE"
                 " n.path=e.path AND n.seq>e.seq ORDER BY n.seq LIMIT 1) FROM events e LEFT JOIN"
                 " logs l ON l.seq=e.seq WHERE e.event='exited' AND %s"
                 " ORDER BY e.seq DESC LIMIT ?2) ORDER BY 1",
                 where);
    else
        snprintf(text, sizeof text,
                 "SELECT * FROM (SELECT seq, body, NULL, NULL FROM events WHERE %s"
                 " ORDER BY seq DESC LIMIT ?2) ORDER BY 1",
                 where);
    sqlite3_prepare_v2(database->sqlite, text, -1, &rows, NULL);
    return rows;
}

enum airs_status
database_history(struct database *database, const char *path, enum history_reach reach,
                 bool exits_alone, uint64_t count,
                 void (*visit)(void *context, const struct history_entry *entry), void *context,
                 struct airs_error *error)
{
    sqlite3_stmt *rows = prepare_history(database, path, reach, exits_alone);
    if (!rows)
        return failed(database, "cannot be read", error);
    bind_text(rows, 1, path);
    bind_number(rows, 2, count);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct history_entry entry = { .log = (const char *)sqlite3_column_text(rows, 2) };
        const void *then = sqlite3_column_blob(rows, 3);
        entry.has_then = then
                         && event_record_decode(then, (size_t)sqlite3_column_bytes(rows, 3),
                                                &entry.then);
        if (event_record_decode(sqlite3_column_blob(rows, 1),
                                (size_t)sqlite3_column_bytes(rows, 1), &entry.event))
            visit(context, &entry);
    }
    return sqlite3_finalize(rows) == SQLITE_OK ? AIRS_OK
                                               : failed(database, "cannot be read", error);
}
