/* Log sink: names of streams and levels. */
#include "component/log_sink.h"

#include <assert.h>

const char *
log_stream_name(enum log_stream stream)
{
    switch (stream) {
    case LOG_STDOUT:
        return "stdout";
    case LOG_STDERR:
        return "stderr";
    case LOG_HOST:
        return "log";
    }
    assert(false && "a stream that is none");
    return "";
}

const char *
log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_TRACE:
        return "trace";
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARN:
        return "warn";
    case LOG_ERROR:
        return "error";
    }
    assert(false && "a level that is none");
    return "";
}
