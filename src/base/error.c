/* Error reports: first one wins, nothing allocates. */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
airs_status_text(enum airs_status status)
{
    switch (status) {
#define STATUS_TEXT(name, text) \
    case AIRS_##name:           \
        return text;
        AIRS_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

static void
cut_at_character(char *text, size_t capacity)
{
    size_t end = capacity - 1;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)text[end - 1] >= 0xC0)
        end--;
    text[end] = '\0';
}

enum airs_status
fail(struct airs_error *error, enum airs_status status, const char *format, ...)
{
    assert(status != AIRS_OK);
    if (!error || error->status != AIRS_OK)
        return status;

    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (length < 0)
        error->message[0] = '\0';
    else if ((size_t)length >= sizeof error->message)
        cut_at_character(error->message, sizeof error->message);
    return status;
}
