/* Database: the file, its tables, and what every statement needs. What stands in which table:
 * events, each as its journal record; logs, the last lines behind an exit; children, the last
 * event of each with what it left standing; grants, by their lived time; intensity, the same
 * grants by their supervisor: the time of the event in the run that is under way, once that is
 * over (run NULL) their age.
 */
#include "store/database_internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const texts[STATEMENTS] = {
    [TAKE_EVENT] = "INSERT OR REPLACE INTO events(seq,time_us,path,event,body) VALUES(?,?,?,?,?)",
    [TAKE_LOG] = "INSERT OR REPLACE INTO logs(seq,lines) VALUES(?,?)",
    [READ_CHILD] = "SELECT body, run IS NULL FROM children WHERE path=?",
    [TAKE_CHILD] = "INSERT OR REPLACE INTO children(path,run,time_us,state,body)"
                   " VALUES(?,?,?,?,?)",
    [TAKE_GRANT] = "INSERT OR REPLACE INTO grants(path,n,lived_us) VALUES(?,?,?)",
    [DROP_GRANTS] = "DELETE FROM grants WHERE path=? AND n>?",
    [TRIM_GRANTS] = "DELETE FROM grants WHERE path=? AND n<=?",
    [TAKE_INTENSITY] = "INSERT OR REPLACE INTO intensity(path,seq,run,time_us) VALUES(?,?,?,?)",
    [TRIM_INTENSITY] = "DELETE FROM intensity WHERE path=?1 AND seq<=(SELECT seq FROM intensity"
                       " WHERE path=?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
    [DROP_INTENSITY] = "DELETE FROM intensity WHERE path=?",
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

static const char schema_2[] =
    "CREATE TABLE intensity(path TEXT, seq INTEGER, run INTEGER, time_us INTEGER NOT NULL,"
    " PRIMARY KEY(path, seq)) WITHOUT ROWID;"
    "PRAGMA user_version=2;";

/* ---- Errors ---- */

enum airs_status
database_failed(struct database *database, const char *what, struct airs_error *error)
{
    int code = database->sqlite ? sqlite3_errcode(database->sqlite) & 0xFF : SQLITE_NOMEM;
    const char *why = database->sqlite ? sqlite3_errmsg(database->sqlite) : "out of memory";
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        database->is_damaged = true;
    enum airs_status status = code == SQLITE_BUSY || code == SQLITE_LOCKED ? AIRS_EBUSY : AIRS_EIO;
    return fail(error, status, "history %s: %s: %s", database->path, what, why);
}

enum airs_status
database_execute(struct database *database, const char *text, struct airs_error *error)
{
    return sqlite3_exec(database->sqlite, text, NULL, NULL, NULL) == SQLITE_OK
               ? AIRS_OK
               : database_failed(database, "cannot be written", error);
}

/* ---- Opening ---- */

static enum airs_status
prepare_all(struct database *database, struct airs_error *error)
{
    for (unsigned i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(database->sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &database->statements[i], NULL) != SQLITE_OK)
            return database_failed(database, "cannot be read", error);
    return AIRS_OK;
}

/* The one number that `text` selects; false: none. */
bool
database_select_number(struct database *database, const char *text, uint64_t *number_out)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database->sqlite, text, -1, &statement, NULL) != SQLITE_OK)
        return false;
    bool found =
        sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    if (found)
        *number_out = (uint64_t)sqlite3_column_int64(statement, 0);
    return sqlite3_finalize(statement) == SQLITE_OK && found;
}

static enum airs_status
make_tables(struct database *database, uint64_t version, struct airs_error *error)
{
    enum airs_status status = database_execute(database, "BEGIN IMMEDIATE", error);
    if (status == AIRS_OK && version == 0)
        status = database_execute(database, schema, error);
    if (status == AIRS_OK)
        status = database_execute(database, schema_2, error);
    if (status == AIRS_OK)
        status = database_execute(database, "COMMIT", error);
    return status;
}

/* Makes the tables of a new or older file; refuses what is newer. */
static enum airs_status
set_up(struct database *database, struct airs_error *error)
{
    uint64_t version;
    sqlite3_busy_timeout(database->sqlite, DATABASE_BUSY_MS);
    if (!database_select_number(database, "PRAGMA user_version", &version))
        return database_failed(database, "cannot be read", error);
    if (version > DATABASE_VERSION)
        return fail(error, AIRS_EDENIED,
                    "history %s is of a newer version of airs (%" PRIu64 ", this one writes %d)",
                    database->path, version, DATABASE_VERSION);
    enum airs_status status =
        database_execute(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", error);
    if (status == AIRS_OK && version < DATABASE_VERSION)
        status = make_tables(database, version, error);
    if (status == AIRS_OK)
        status =
            database_execute(database, "BEGIN IMMEDIATE; COMMIT", error); /* Can it be written? */
    if (status == AIRS_OK)
        status = prepare_all(database, error);
    if (status == AIRS_OK &&
        !database_select_number(database, "SELECT coalesce(max(seq),0) FROM events",
                                &database->last_seq))
        status = database_failed(database, "cannot be read", error);
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
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX |
                                 SQLITE_OPEN_NOFOLLOW,
                             NULL) != SQLITE_OK)
        status = database_failed(database, "cannot be opened", error);
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

/* Runs a statement that gives no row. */
enum airs_status
database_run(struct database *database, sqlite3_stmt *statement, struct airs_error *error)
{
    int code = sqlite3_step(statement);
    enum airs_status status =
        code == SQLITE_DONE ? AIRS_OK : database_failed(database, "cannot be written", error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

enum airs_status
database_begin(struct database *database, struct airs_error *error)
{
    database->taken_seq = database->last_seq;
    return database_execute(database, "BEGIN IMMEDIATE", error);
}

enum airs_status
database_commit(struct database *database, struct airs_error *error)
{
    enum airs_status status = database_execute(database, "COMMIT", error);
    if (status == AIRS_OK)
        database->last_seq = database->taken_seq;
    return status;
}

void
database_rollback(struct database *database)
{
    sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
    database->taken_seq = database->last_seq;
    database->run = 0;
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
    if (!database_select_number(database, "SELECT min(seq) FROM events", &oldest) ||
        !database_select_number(database, "PRAGMA page_count", &pages) ||
        !database_select_number(database, "PRAGMA freelist_count", &free_pages) ||
        !database_select_number(database, "PRAGMA page_size", &page_bytes))
        return;
    uint64_t newest = database->last_seq;
    uint64_t from = newest > HISTORY_EVENTS_MAX ? newest - HISTORY_EVENTS_MAX + 1 : 0;
    snprintf(text, sizeof text, "SELECT min(seq) FROM events WHERE time_us>=%" PRIu64,
             now_us > HISTORY_AGE_US_MAX ? now_us - HISTORY_AGE_US_MAX : 0);
    if (database_select_number(database, text, &seq) && seq > from)
        from = seq;
    if ((pages - free_pages) * page_bytes > HISTORY_BYTES_MAX &&
        from < oldest + (newest - oldest) / 10)
        from = oldest + (newest - oldest) / 10;
    if (from > oldest)
        prune_below(database, from);
}
