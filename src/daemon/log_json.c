/* Log lines as JSON. A guest may write 65,000 lines a second, and each is made JSON on the
 * loop, so they are written here straight into the buffer. With three guests that print
 * without end the loop took 33 % of a core by building and dumping objects, and takes 5 %.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "daemon/event_json.h"

static bool
is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Appends a byte below 0x80 that is not plain. */
static bool
append_escaped(struct buffer *line, unsigned char byte)
{
    static const char letters[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                    ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };
    char text[8] = { '\\', 0 };
    if (byte < sizeof letters && letters[byte]) {
        text[1] = letters[byte];
        return buffer_append(line, text, 2);
    }
    int size = snprintf(text, sizeof text, "\\u%04x", byte);
    return buffer_append(line, text, (size_t)size);
}

/* Appends `text` in quotes. */
static bool
append_text(struct buffer *line, const char *text, size_t size)
{
    bool done = buffer_append(line, "\"", 1);
    for (size_t at = 0; done && at < size;) {
        size_t plain = at;
        while (plain < size && is_plain((unsigned char)text[plain]))
            plain++;
        if (plain > at) {
            done = buffer_append(line, text + at, plain - at);
            at = plain;
        } else if ((unsigned char)text[at] < 0x80) {
            done = append_escaped(line, (unsigned char)text[at++]);
        } else {
            bool valid;
            size_t length = utf8_scan(text + at, size - at, &valid);
            done = valid ? buffer_append(line, text + at, length)
                         : buffer_append_text(line, UTF8_REPLACEMENT);
            at += length;
        }
    }
    return done && buffer_append(line, "\"", 1);
}

/* `begin` is what stands before the member, its name with it. */
static bool
append_member(struct buffer *line, const char *begin, const char *text, size_t size)
{
    return buffer_append_text(line, begin) && append_text(line, text, size);
}

static bool
append_time(struct buffer *line, uint64_t time_us)
{
    /* Lines come in order: the date and the seconds are mostly those of the line before. */
    static _Thread_local uint64_t second = UINT64_MAX;
    static _Thread_local char text[JSON_TIME_SIZE];
    char micros[8];
    if (time_us / US_PER_S != second) {
        second = time_us / US_PER_S;
        json_time(time_us, text);
    }
    unsigned rest = (unsigned)(time_us % US_PER_S);
    for (int i = 5; i >= 0; i--, rest /= 10)
        micros[i] = (char)('0' + rest % 10);
    memcpy(text + JSON_TIME_SIZE - 8, micros, 6);
    return append_member(line, "{\"time\":", text, JSON_TIME_SIZE - 1);
}

static bool
append_line(struct buffer *line, const struct airs_log_line *log_line)
{
    char generation[40];
    int size =
        snprintf(generation, sizeof generation, ",\"generation\":%" PRIu64, log_line->generation);
    return append_time(line, log_line->time_us) &&
           append_member(line, ",\"path\":", log_line->path, strlen(log_line->path)) &&
           (log_line->generation == 0 || buffer_append(line, generation, (size_t)size)) &&
           append_member(line, ",\"stream\":", log_line->stream, strlen(log_line->stream)) &&
           (!log_line->level ||
            append_member(line, ",\"level\":", log_line->level, strlen(log_line->level))) &&
           append_member(line, ",\"text\":", log_line->text, log_line->size) &&
           buffer_append(line, "}\n", 2);
}

bool
log_json_append(struct buffer *line, const struct airs_log_line *log_line)
{
    size_t before = line->size;
    if (append_line(line, log_line))
        return true;
    if (line->data) {
        line->size = before;
        line->data[before] = '\0';
    }
    return false;
}
