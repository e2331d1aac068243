#include "manifest/manifest_report.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void
manifest_report_init(struct manifest_report *report)
{
    *report = (struct manifest_report){ 0 };
}

void
manifest_report_deinit(struct manifest_report *report)
{
    for (size_t i = 0; i < report->errors_size; i++)
        free(report->errors[i].shown);
    free(report->file);
    manifest_report_init(report);
}

/* Bytes of the character at `text`; 0 when it is none, or one that a terminal obeys. */
static size_t
printable_size(const char *text, size_t size)
{
    unsigned char first = (unsigned char)text[0];

    if (first < 0x20 || first == 0x7f ||
        (first == 0xc2 && size > 1 && (unsigned char)text[1] < 0xa0))
        return 0;
    return utf8_character_size(text, size);
}

/* Replaces, in place, what could move a terminal's cursor or is no UTF-8. */
static void
make_printable(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t length = printable_size(text, left);
        if (length == 0)
            *text = *text == '\t' ? ' ' : '?';
        text += length ? length : 1;
        left -= length ? length : 1;
    }
}

bool
manifest_report_set_file(struct manifest_report *report, const char *file)
{
    char *copy = strdup(file);
    if (!copy)
        return false;
    make_printable(copy);
    free(report->file);
    report->file = copy;
    return true;
}

static int
compare_places(const void *a, const void *b)
{
    const struct manifest_error *first = a, *second = b;
    if (first->line != second->line)
        return first->line < second->line ? -1 : 1;
    return (first->column > second->column) - (first->column < second->column);
}

void
manifest_report_sort(struct manifest_report *report)
{
    qsort(report->errors, report->errors_size, sizeof report->errors[0], compare_places);
}

static bool
is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static bool
is_line_end(const char *text, size_t size, size_t at)
{
    return text[at] == '\n' || (text[at] == '\r' && (at + 1 == size || text[at + 1] != '\n'));
}

static unsigned
characters(const char *text, size_t from, size_t to)
{
    unsigned count = 0;
    for (size_t at = from; at < to; at++)
        count += !is_continuation(text[at]);
    return count;
}

static size_t
line_start(const char *text, size_t size, size_t offset)
{
    while (offset > 0 && !is_line_end(text, size, offset - 1))
        offset--;
    return offset;
}

static size_t
line_stop(const char *text, size_t size, size_t offset)
{
    while (offset < size && text[offset] != '\n' && text[offset] != '\r')
        offset++;
    return offset;
}

void
manifest_place(const char *text, size_t text_size, size_t offset, unsigned *line_out,
               unsigned *column_out)
{
    unsigned line = 1;

    if (offset > text_size)
        offset = text_size;
    size_t start = line_start(text, text_size, offset);
    for (size_t at = 0; at < start; at++)
        line += is_line_end(text, text_size, at);
    *line_out = line;
    *column_out = characters(text, start, offset) + 1;
}

/* Copies the line of `offset`, or of a long one the part around it. */
static void
show_line(struct manifest_error *error, const char *text, size_t size, size_t offset, size_t marked)
{
    size_t start = line_start(text, size, offset);
    size_t stop = line_stop(text, size, offset);

    if (offset - start > MANIFEST_LINE_SHOWN_BYTES / 2)
        start = offset - MANIFEST_LINE_SHOWN_BYTES / 2;
    if (stop - start > MANIFEST_LINE_SHOWN_BYTES)
        stop = start + MANIFEST_LINE_SHOWN_BYTES;
    while (start < offset && is_continuation(text[start]))
        start++;
    while (stop > offset && stop < size && is_continuation(text[stop]))
        stop--;
    if (marked > stop - offset)
        marked = stop - offset;
    error->indent = characters(text, start, offset);
    error->width = characters(text, offset, offset + marked);
    if (error->width == 0)
        error->width = 1;
    error->shown = strndup(text + start, stop - start);
    if (error->shown)
        make_printable(error->shown);
}

bool
manifest_report_is_full(const struct manifest_report *report)
{
    return report->errors_size == MANIFEST_ERRORS_MAX;
}

void
manifest_report_add(struct manifest_report *report, const char *text, size_t text_size,
                    size_t offset, size_t size, const char *format, ...)
{
    report->errors_total++;
    if (manifest_report_is_full(report))
        return;

    struct manifest_error *error = &report->errors[report->errors_size++];
    *error = (struct manifest_error){ .width = 1 };
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    error->message[utf8_valid_size(error->message, strlen(error->message))] = '\0';
    make_printable(error->message);
    if (!text)
        return;
    if (offset > text_size)
        offset = text_size;
    manifest_place(text, text_size, offset, &error->line, &error->column);
    show_line(error, text, text_size, offset, size);
}

static bool
write_shown(const struct manifest_error *error, struct buffer *out)
{
    char mark[MANIFEST_LINE_SHOWN_BYTES + 1];
    unsigned width = error->width < sizeof mark ? error->width : sizeof mark - 1;

    memset(mark, '~', width);
    mark[0] = '^';
    mark[width] = '\0';
    return buffer_printf(out, "%6u | %s\n       | %*s%s\n", error->line, error->shown,
                         (int)error->indent, "", mark);
}

bool
manifest_report_write_text(const struct manifest_report *report, struct buffer *out)
{
    const char *file = report->file ? report->file : "manifest";
    bool done = true;

    for (size_t i = 0; i < report->errors_size && done; i++) {
        const struct manifest_error *error = &report->errors[i];
        if (error->line == 0)
            done = buffer_printf(out, "%s: %s\n", file, error->message);
        else
            done = buffer_printf(out, "%s:%u:%u: %s\n", file, error->line, error->column,
                                 error->message);
        if (done && error->shown)
            done = write_shown(error, out);
    }
    size_t left_out = report->errors_total - report->errors_size;
    if (done && left_out > 0)
        done = buffer_printf(out, "%s: and %zu more errors\n", file, left_out);
    return done;
}

static bool
write_object(const char *file, const struct manifest_error *error, struct buffer *out)
{
    json_t *object =
        error->line == 0
            ? json_pack("{s:s, s:s}", "file", file, "message", error->message)
            : json_pack("{s:s, s:I, s:I, s:s}", "file", file, "line", (json_int_t)error->line,
                        "column", (json_int_t)error->column, "message", error->message);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    bool done = text && buffer_append_text(out, text) && buffer_append_text(out, "\n");
    free(text);
    json_decref(object);
    return done;
}

bool
manifest_report_write_json(const struct manifest_report *report, struct buffer *out)
{
    const char *file = report->file ? report->file : "manifest";
    for (size_t i = 0; i < report->errors_size; i++)
        if (!write_object(file, &report->errors[i], out))
            return false;
    return true;
}
