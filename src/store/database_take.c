/* Taking: an event, its report, and what is remembered of its child, in one transaction. */
#include <inttypes.h>
#include <stdio.h>

#include "store/database_internal.h"
#include "store/event_record.h"

/* The child's row as an event, copied into `bytes`, and whether it is of an earlier run; false:
 * it has none. */
static bool
read_child(struct database *database, const char *path, unsigned char *bytes,
           struct airs_event *event_out, bool *is_earlier_out)
{
    sqlite3_stmt *statement = database->statements[READ_CHILD];
    database_bind_text(statement, 1, path);
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

enum airs_status
database_write_child(struct database *database, const uint64_t *run, const struct airs_event *event,
                     struct airs_error *error)
{
    unsigned char bytes[EVENT_RECORD_BYTES_MAX];
    size_t size = event_record_encode(event, bytes);
    sqlite3_stmt *statement = database->statements[TAKE_CHILD];
    database_bind_text(statement, 1, event->path);
    if (run)
        database_bind_number(statement, 2, *run);
    database_bind_number(statement, 3, event->time_us);
    database_bind_text(statement, 4, event->state ? event->state : "");
    sqlite3_bind_blob(statement, 5, bytes, (int)size, SQLITE_STATIC);
    return database_run(database, statement, error);
}

/* "/web" of "/web/front", "/" of "/web". */
static size_t
supervisor_path_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? 1 : (size_t)(slash - path);
}

/* A grant counts for the intensity of the supervisor, too, if that has one. */
static enum airs_status
take_intensity(struct database *database, uint64_t run, const struct airs_event *event,
               struct airs_error *error)
{
    if (event->intensity_allowed == AIRS_UNLIMITED || event->intensity_allowed == 0)
        return AIRS_OK;
    int size = (int)supervisor_path_size(event->path);
    sqlite3_stmt *statement = database->statements[TAKE_INTENSITY];
    sqlite3_bind_text(statement, 1, event->path, size, SQLITE_STATIC);
    database_bind_number(statement, 2, event->seq);
    database_bind_number(statement, 3, run);
    database_bind_number(statement, 4, event->time_us);
    enum airs_status status = database_run(database, statement, error);
    statement = database->statements[TRIM_INTENSITY];
    sqlite3_bind_text(statement, 1, event->path, size, SQLITE_STATIC);
    database_bind_number(statement, 2, event->intensity_allowed);
    return status == AIRS_OK ? database_run(database, statement, error) : status;
}

/* A supervisor that ended begins with an empty one, or was told to; not so one that went down
 * with the host. */
static enum airs_status
drop_intensity(struct database *database, const struct airs_event *event, struct airs_error *error)
{
    bool ended =
        database_is_text(event->event, "exited") && !database_is_text(event->reason, "host-lost");
    if (!ended && !database_is_text(event->event, "reset") &&
        !database_is_text(event->event, "deleted"))
        return AIRS_OK;
    sqlite3_stmt *statement = database->statements[DROP_INTENSITY];
    database_bind_text(statement, 1, event->path);
    return database_run(database, statement, error);
}

/* A run's first event: what was an age becomes a moment of this run. */
static enum airs_status
begin_run(struct database *database, uint64_t run, uint64_t time_us, struct airs_error *error)
{
    char text[120];
    if (run == database->run)
        return AIRS_OK;
    snprintf(text, sizeof text,
             "UPDATE intensity SET run=%" PRId64 ", time_us=%" PRId64 "-time_us WHERE run IS NULL",
             (int64_t)run, (int64_t)time_us);
    enum airs_status status = database_execute(database, text, error);
    if (status == AIRS_OK)
        database->run = run;
    return status;
}

/* Grants are counted up by `restarts`: one more is a grant, fewer a reset. */
static enum airs_status
follow_grants(struct database *database, uint64_t run, uint64_t before,
              const struct airs_event *event, struct airs_error *error)
{
    enum airs_status status = AIRS_OK;
    if (event->restarts == AIRS_NONE || event->restarts == before)
        return AIRS_OK;
    sqlite3_stmt *statement = database->statements[TAKE_GRANT];
    if (event->restarts > before) {
        database_bind_text(statement, 1, event->path);
        database_bind_number(statement, 2, event->restarts);
        database_bind_number(statement, 3, event->lived_us);
        status = database_run(database, statement, error);
        if (status == AIRS_OK)
            status = take_intensity(database, run, event, error);
    }
    statement = database->statements[DROP_GRANTS];
    database_bind_text(statement, 1, event->path);
    database_bind_number(statement, 2, event->restarts);
    if (status == AIRS_OK)
        status = database_run(database, statement, error);
    statement = database->statements[TRIM_GRANTS];
    bool is_bounded = event->has_budget && event->budget_allowed != AIRS_UNLIMITED;
    uint64_t kept = is_bounded ? event->budget_allowed : 0;
    database_bind_text(statement, 1, event->path);
    database_bind_number(statement, 2, event->restarts > kept ? event->restarts - kept : 0);
    if (status == AIRS_OK)
        status = database_run(database, statement, error);
    return status;
}

/* What was below a deleted supervisor went without events of its own. */
static enum airs_status
forget_below(struct database *database, const char *path, struct airs_error *error)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database->sqlite,
                           "DELETE FROM children WHERE path>=?1||'/' AND path<?1||'0'", -1,
                           &statement, NULL) != SQLITE_OK)
        return database_failed(database, "cannot be written", error);
    database_bind_text(statement, 1, path);
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return done ? AIRS_OK : database_failed(database, "cannot be written", error);
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
    if (is_known && is_earlier && database_is_text(event->state, "registered") &&
        (database_is_text(event->event, "registered") || database_is_text(event->event, "exited")))
        return AIRS_OK;

    struct airs_event after = *event;
    after.event = "remembered";
    after.message = NULL;
    if (!event->reason) {
        after.reason = before.reason;
        after.detail = before.detail;
        after.exit_code = before.exit_code;
    }
    bool goes_on_waiting = is_known && database_is_text(event->event, "reset") &&
                           database_is_text(event->state, "restarting") &&
                           before.delay_us != AIRS_NONE;
    if (goes_on_waiting) {
        uint64_t gone_us = event->time_us > before.time_us ? event->time_us - before.time_us : 0;
        after.delay_us = before.delay_us > gone_us ? before.delay_us - gone_us : 0;
    }
    bool is_deleted = database_is_text(event->event, "deleted");
    if (is_deleted)
        after.state = "deleted";
    enum airs_status status = database_write_child(database, &run, &after, error);
    if (status == AIRS_OK && is_deleted)
        status = forget_below(database, event->path, error);
    if (status == AIRS_OK)
        status = drop_intensity(database, event, error);
    if (status == AIRS_OK)
        status = follow_grants(database, run, is_known ? before.restarts : 0, event, error);
    return status;
}

static enum airs_status
take_log(struct database *database, uint64_t seq, const struct buffer *log,
         struct airs_error *error)
{
    sqlite3_stmt *statement = database->statements[TAKE_LOG];
    database_bind_number(statement, 1, seq);
    sqlite3_bind_text64(statement, 2, log->data, log->size, SQLITE_STATIC, SQLITE_UTF8);
    return database_run(database, statement, error);
}

enum airs_status
database_take(struct database *database, uint64_t run, const struct airs_event *event,
              const void *bytes, size_t size, const struct buffer *log, struct airs_error *error)
{
    if (event->seq <= database->taken_seq)
        return AIRS_OK;
    sqlite3_stmt *statement = database->statements[TAKE_EVENT];
    database_bind_number(statement, 1, event->seq);
    database_bind_number(statement, 2, event->time_us);
    database_bind_text(statement, 3, event->path);
    database_bind_text(statement, 4, event->event);
    sqlite3_bind_blob(statement, 5, bytes, (int)size, SQLITE_STATIC);
    enum airs_status status = database_run(database, statement, error);
    if (status == AIRS_OK)
        status = begin_run(database, run, event->time_us, error);
    if (status == AIRS_OK && log)
        status = take_log(database, event->seq, log, error);
    if (status == AIRS_OK)
        status = follow_child(database, run, event, error);
    if (status == AIRS_OK)
        database->taken_seq = event->seq;
    return status;
}
