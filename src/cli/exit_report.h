/* Exit report: what history keeps of an exit: the event, backtrace, last lines. */
#ifndef CLI_EXIT_REPORT_H
#define CLI_EXIT_REPORT_H

#include <jansson.h>

#include "cli/session.h"
#include "cli/text.h"

/** Appends its time: "2026-01-02T03:04:05.678901Z" as "2026-01-02 03:04:05  ". */
void exit_report_put_time(struct buffer *buffer, const json_t *report);

/** Appends "trap: unreachable, up 4.2s, 64KiB"; what a guest said in it is not made safe yet. */
void exit_report_put_summary(struct buffer *text, const json_t *report);

/** Appends the backtrace and the last lines of `report`, indented. */
void exit_report_put(struct buffer *buffer, const struct style *style, const json_t *report);

/**
 * The last exit of the session's child itself, of earlier runs too; of a supervisor those below
 * it are left out. NULL: there is none, or no history. Overwrites session->reply.
 * Ownership: json_decref().
 */
json_t *exit_report_last(struct session *session);

#endif
