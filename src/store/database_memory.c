/* Memory: what a later run goes on from. Moments become durations once, when it opens. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/database_internal.h"
#include "store/event_record.h"

bool
database_last_run(struct database *database, uint64_t *run_out, uint64_t *time_us_out)
{
    return database_select_number(database, "SELECT max(run) FROM children", run_out) &&
           database_select_number(database, "SELECT time_us FROM events ORDER BY seq DESC LIMIT 1",
                                  time_us_out);
}

/* Durations out of moments; after a clean end only the wish to stay stopped is left. */
static void
settle_child(struct airs_event *child, bool is_clean, uint64_t gone_us)
{
    if (is_clean && !database_is_text(child->stopped, "request")) {
        child->state = "deleted";
        return;
    }
    if (is_clean) {
        *child = (struct airs_event){
            .seq = child->seq,
            .time_us = child->time_us,
            .path = child->path,
            .event = child->event,
            .state = child->state,
            .stopped = child->stopped,
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
    return database_write_child(database, NULL, &child, error);
}

static enum airs_status
settle_intensity(struct database *database, bool is_clean, uint64_t end_us,
                 struct airs_error *error)
{
    char text[160];
    if (is_clean)
        return database_execute(database, "DELETE FROM intensity", error);
    snprintf(text, sizeof text,
             "UPDATE intensity SET run=NULL, time_us=max(0, %" PRId64 "-time_us)"
             " WHERE run IS NOT NULL",
             (int64_t)end_us);
    return database_execute(database, text, error);
}

enum airs_status
database_settle(struct database *database, uint64_t run, uint64_t end_us, struct airs_error *error)
{
    uint64_t clean = 0;
    sqlite3_stmt *rows = NULL;
    database_select_number(
        database, "SELECT event='application-stopped' FROM events ORDER BY seq DESC LIMIT 1",
        &clean);
    enum airs_status status = database_execute(database, "BEGIN IMMEDIATE", error);
    if (status != AIRS_OK)
        return status;
    if (clean)
        status = database_execute(
            database, "DELETE FROM grants; DELETE FROM children WHERE state<>'stopped'", error);
    /* Sorted, so that rows which are written do not come again. */
    if (status == AIRS_OK &&
        sqlite3_prepare_v2(database->sqlite,
                           "SELECT body, run FROM children WHERE run IS NOT NULL"
                           " AND state<>'deleted' ORDER BY time_us, path",
                           -1, &rows, NULL) != SQLITE_OK)
        status = database_failed(database, "cannot be read", error);
    while (status == AIRS_OK && sqlite3_step(rows) == SQLITE_ROW)
        status = settle_row(database, rows, clean != 0, run, end_us, error);
    sqlite3_finalize(rows);
    if (status == AIRS_OK)
        status = settle_intensity(database, clean != 0, end_us, error);
    if (status == AIRS_OK)
        status =
            database_execute(database, "DELETE FROM children WHERE state='deleted'; COMMIT", error);
    if (status != AIRS_OK)
        database_rollback(database);
    return status;
}

static const char grants_of[] = "SELECT lived_us FROM grants WHERE path=? ORDER BY n";
static const char intensity_of[] =
    "SELECT time_us FROM intensity WHERE path=? AND run IS NULL ORDER BY seq";

/* What `text` selects of `path`, oldest first; NULL when there is nothing. */
static uint64_t *
read_numbers(struct database *database, const char *text, const char *path, size_t *count_out)
{
    sqlite3_stmt *rows;
    uint64_t *grants = NULL;
    size_t count = 0;
    if (sqlite3_prepare_v2(database->sqlite, text, -1, &rows, NULL) != SQLITE_OK)
        return NULL;
    database_bind_text(rows, 1, path);
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

/* The root has no events of its own, and so no row. */
static void
visit_root(struct database *database,
           void (*visit)(void *context, const char *path, const struct airs_memory *memory),
           void *context)
{
    struct airs_memory memory = { 0 };
    uint64_t *ages = read_numbers(database, intensity_of, "/", &memory.intensity_count);
    memory.intensity_us = ages;
    if (ages)
        visit(context, "/", &memory);
    free(ages);
}

enum airs_status
database_children(struct database *database,
                  void (*visit)(void *context, const char *path, const struct airs_memory *memory),
                  void *context, struct airs_error *error)
{
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(database->sqlite, "SELECT body FROM children", -1, &rows, NULL) !=
        SQLITE_OK)
        return database_failed(database, "cannot be read", error);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct airs_event child;
        size_t count = 0, ages_count = 0;
        if (!event_record_decode(sqlite3_column_blob(rows, 0),
                                 (size_t)sqlite3_column_bytes(rows, 0), &child) ||
            !child.path)
            continue;
        uint64_t *grants = read_numbers(database, grants_of, child.path, &count);
        uint64_t *ages = read_numbers(database, intensity_of, child.path, &ages_count);
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
            .intensity_us = ages,
            .intensity_count = ages_count,
        };
        visit(context, child.path, &memory);
        free(grants);
        free(ages);
    }
    visit_root(database, visit, context);
    return sqlite3_finalize(rows) == SQLITE_OK ? AIRS_OK
                                               : database_failed(database, "cannot be read", error);
}
