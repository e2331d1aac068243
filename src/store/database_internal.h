/* Database, inside: what its files share. */
#ifndef STORE_DATABASE_INTERNAL_H
#define STORE_DATABASE_INTERNAL_H

#include <sqlite3.h>
#include <string.h>

#include "base/error.h"
#include "store/database.h"

enum statement {
    TAKE_EVENT,
    TAKE_LOG,
    READ_CHILD,
    TAKE_CHILD,
    TAKE_GRANT,
    DROP_GRANTS,
    TRIM_GRANTS,
    TAKE_INTENSITY,
    TRIM_INTENSITY,
    DROP_INTENSITY,
    STATEMENTS
};

struct database {
    sqlite3 *sqlite;
    char *path;
    bool is_damaged;
    uint64_t last_seq;
    uint64_t taken_seq; /* As last_seq, of the batch under way. */
    uint64_t run;       /* Of the event taken last; 0: none was since it was opened. */
    sqlite3_stmt *statements[STATEMENTS];
};

/* database.c */

/** The last failure of SQLite as a status; notes damage. */
enum airs_status database_failed(struct database *database, const char *what,
                                 struct airs_error *error);
enum airs_status database_execute(struct database *database, const char *text,
                                  struct airs_error *error);
/** The one number that `text` selects; false: none. */
bool database_select_number(struct database *database, const char *text, uint64_t *number_out);
/** Runs a statement that gives no row. */
enum airs_status database_run(struct database *database, sqlite3_stmt *statement,
                              struct airs_error *error);

/* database_take.c */

/** The child's row; `run` NULL: settled, durations alone. */
enum airs_status database_write_child(struct database *database, const uint64_t *run,
                                      const struct airs_event *event, struct airs_error *error);

static inline void
database_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static inline void
database_bind_number(sqlite3_stmt *statement, int place, uint64_t number)
{
    sqlite3_bind_int64(statement, place, (sqlite3_int64)number);
}

static inline bool
database_is_text(const char *text, const char *other)
{
    return text && strcmp(text, other) == 0;
}

#endif
