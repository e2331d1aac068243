/* JSON forms of the daemon: events, children, log lines (docs: Events, ps --json). */
#ifndef DAEMON_EVENT_JSON_H
#define DAEMON_EVENT_JSON_H

#include <airs/application.h>

#include "base/buffer.h"

#define JSON_TIME_SIZE 28 /* "2026-01-02T03:04:05.678901Z" and its NUL. */

/** RFC 3339 in UTC with microseconds. Thread: any. */
void json_time(uint64_t time_us, char text_out[JSON_TIME_SIZE]);

/** Appends `event` of application `app` as one line. False: out of memory, nothing appended. */
bool event_json_append(struct buffer *line, const char *app, const struct airs_event *event);

/** Appends an entry of the history: the event with all that is known of an exit, and what
 * followed. As above. */
struct history_entry;
bool history_json_append(struct buffer *line, const char *app, const struct history_entry *entry);

/** Appends `child` as one line. False: out of memory, nothing appended. */
bool child_json_append(struct buffer *line, const struct airs_child *child);

/** Appends `log_line` as one line (log_json.c: guests write many of them); bytes that are no UTF-8 become U+FFFD. False: as above. */
bool log_json_append(struct buffer *line, const struct airs_log_line *log_line);

/** Appends {"error":…,"status":…,"kind":…} as one line; `kind` NULL: without. False: as above. */
bool error_json_append(struct buffer *line, const char *text, unsigned http_status,
                       const char *kind);

#endif
