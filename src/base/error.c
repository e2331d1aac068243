/* Error reports: first one wins, nothing allocates. */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

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
        error->message[utf8_whole_size(error->message, sizeof error->message - 1)] = '\0';
    return status;
}
