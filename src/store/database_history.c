/* History: the newest entries that fit a question. */
#include <stdio.h>

#include "store/database_internal.h"
#include "store/event_record.h"

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
        return database_failed(database, "cannot be read", error);
    database_bind_text(rows, 1, path);
    database_bind_number(rows, 2, count);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct history_entry entry = { .log = (const char *)sqlite3_column_text(rows, 2) };
        entry.log_size = (size_t)sqlite3_column_bytes(rows, 2);
        const void *then = sqlite3_column_blob(rows, 3);
        entry.has_then =
            then && event_record_decode(then, (size_t)sqlite3_column_bytes(rows, 3), &entry.then);
        if (event_record_decode(sqlite3_column_blob(rows, 1), (size_t)sqlite3_column_bytes(rows, 1),
                                &entry.event))
            visit(context, &entry);
    }
    return sqlite3_finalize(rows) == SQLITE_OK ? AIRS_OK
                                               : database_failed(database, "cannot be read", error);
}
