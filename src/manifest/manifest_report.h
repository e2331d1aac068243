/* Manifest report: the errors of a manifest, each with its place and its line.
 *
 * An error is kept as values and rendered on demand:
 *
 *     airs.yaml:12:5: unknown key 'restrat'; did you mean 'restart'?
 *        12 |     restrat: permanent
 *           |     ^~~~~~~
 */
#ifndef MANIFEST_MANIFEST_REPORT_H
#define MANIFEST_MANIFEST_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

#define MANIFEST_ERRORS_MAX 20        /* Errors kept; further ones are counted. */
#define MANIFEST_MESSAGE_BYTES 512    /* A longer message is cut. */
#define MANIFEST_LINE_SHOWN_BYTES 160 /* Of a longer line, the part around the place is shown. */

struct manifest_error {
    unsigned line;   /* From 1; 0: of the file as a whole. */
    unsigned column; /* From 1, in characters. */
    unsigned width;  /* Characters to mark, at least 1. */
    char message[MANIFEST_MESSAGE_BYTES];
    char *shown;     /* The line as it is shown; NULL: none. */
    unsigned indent; /* Characters of `shown` before the mark. */
};

struct manifest_report {
    char *file; /* As named by the caller; NULL before the first load. */
    struct manifest_error errors[MANIFEST_ERRORS_MAX];
    size_t errors_size;  /* Kept. */
    size_t errors_total; /* Seen. */
};

/** An empty report. */
void manifest_report_init(struct manifest_report *report);
/** Frees what it holds; the report is empty and usable again. */
void manifest_report_deinit(struct manifest_report *report);

/** Appends all errors as text, a count of those left out last; false when out of memory. */
bool manifest_report_write_text(const struct manifest_report *report, struct buffer *out);
/** Appends one JSON object a line: file, line, column, message; false when out of memory. */
bool manifest_report_write_json(const struct manifest_report *report, struct buffer *out);

/**
 * Adds an error at bytes [offset, offset + size) of `text`, the whole file; `text` NULL: an
 * error of the file as a whole. Past MANIFEST_ERRORS_MAX it is counted alone.
 */
void manifest_report_add(struct manifest_report *report, const char *text, size_t text_size,
                         size_t offset, size_t size, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/** Names the file in what is written; false when out of memory. */
bool manifest_report_set_file(struct manifest_report *report, const char *file);
/** Puts the errors in the order of their places. */
void manifest_report_sort(struct manifest_report *report);

/** Whether a further error is counted alone, so that its words need not be worked out. */
bool manifest_report_is_full(const struct manifest_report *report);

/** The line and the column (both from 1, the column in characters) of a byte of `text`. */
void manifest_place(const char *text, size_t text_size, size_t offset, unsigned *line_out,
                    unsigned *column_out);

#endif
