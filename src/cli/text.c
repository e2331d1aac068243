/* Text: see text.h. */
#include "cli/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

struct style
style_of(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    struct style style = { .terminal = isatty(fd) == 1 };
    style.colour = style.terminal && !(no_colour && *no_colour) &&
                   !(terminal && strcmp(terminal, "dumb") == 0);
    style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return style;
}

enum paint
paint_of_state(const char *state)
{
    static const struct {
        const char *state;
        enum paint paint;
    } rows[] = { { "running", PAINT_GOOD },    { "starting", PAINT_BUSY },
                 { "restarting", PAINT_BUSY }, { "stopping", PAINT_BUSY },
                 { "registered", PAINT_BUSY }, { "stopped", PAINT_DIM },
                 { "failed", PAINT_BAD } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(state, rows[i].state) == 0)
            return rows[i].paint;
    }
    return PAINT_NONE;
}

void
text_paint(struct buffer *buffer, const struct style *style, enum paint paint)
{
    if (!style->colour)
        return;
    switch (paint) {
    case PAINT_NONE:
        break;
    case PAINT_GOOD:
        buffer_append_text(buffer, "\033[32m");
        break;
    case PAINT_BUSY:
        buffer_append_text(buffer, "\033[33m");
        break;
    case PAINT_BAD:
        buffer_append_text(buffer, "\033[1;31m");
        break;
    case PAINT_DIM:
        buffer_append_text(buffer, "\033[2m");
        break;
    case PAINT_BOLD:
        buffer_append_text(buffer, "\033[1m");
        break;
    }
}

void
text_unpaint(struct buffer *buffer, const struct style *style, enum paint paint)
{
    if (style->colour && paint != PAINT_NONE)
        buffer_append_text(buffer, "\033[0m");
}

/* One character: its bytes and columns; what cannot be shown becomes one '?'. */
struct glyph {
    const char *bytes;
    size_t taken; /* Of the text. */
    size_t size;
    size_t columns;
};

static struct glyph
next_glyph(const struct style *style, const char *text)
{
    struct glyph unknown = { "?", 1, 1, 1 };
    unsigned char first = (unsigned char)*text;
    if (first < 0x80)
        return first < 0x20 || first == 0x7f ? unknown : (struct glyph){ text, 1, 1, 1 };
    if (!style->utf8)
        return unknown;
    mbstate_t state = { 0 };
    wchar_t wide;
    size_t taken = mbrtowc(&wide, text, strlen(text), &state);
    if (taken == (size_t)-1 || taken == (size_t)-2)
        return unknown;
    int columns = wcwidth(wide);
    unknown.taken = taken;
    return columns < 0 ? unknown : (struct glyph){ text, taken, taken, (size_t)columns };
}

/* Ends the shown text: its end, or its first line's. */
static bool
is_over(const char *text)
{
    return *text == '\0' || *text == '\n' || *text == '\r';
}

size_t
text_columns(const struct style *style, const char *text)
{
    size_t columns = 0;
    while (!is_over(text)) {
        struct glyph glyph = next_glyph(style, text);
        columns += glyph.columns;
        text += glyph.taken;
    }
    return columns;
}

size_t
text_put(struct buffer *buffer, const struct style *style, const char *text, size_t columns)
{
    bool cut = text_columns(style, text) > columns;
    size_t room = cut && columns > 0 ? columns - 1 : columns;
    size_t used = 0;
    while (!is_over(text)) {
        struct glyph glyph = next_glyph(style, text);
        if (used + glyph.columns > room)
            break;
        buffer_append(buffer, glyph.bytes, glyph.size);
        used += glyph.columns;
        text += glyph.taken;
    }
    if (cut && columns > 0) {
        buffer_append_text(buffer, style->utf8 ? "…" : "~");
        used++;
    }
    return used;
}

void
text_put_string(struct buffer *buffer, const struct style *style, const json_t *string)
{
    const char *part = json_string_value(string);
    const char *end = part ? part + json_string_length(string) : NULL;
    while (part && part <= end) {
        text_put(buffer, style, part, SIZE_MAX);
        part += strlen(part);
        if (part < end)
            text_put(buffer, style, "\001", SIZE_MAX);
        part++;
    }
}

void
text_pad(struct buffer *buffer, const struct style *style, const char *text, size_t columns)
{
    for (size_t used = text_put(buffer, style, text, columns); used < columns; used++)
        buffer_append_text(buffer, " ");
}

void
text_duration(char *text_out, size_t size, uint64_t ms)
{
    uint64_t s = ms / 1000;
    uint64_t m = s / 60;
    uint64_t h = m / 60;
    if (ms < 1000)
        snprintf(text_out, size, "%" PRIu64 "ms", ms);
    else if (s < 60)
        snprintf(text_out, size, "%" PRIu64 ".%" PRIu64 "s", s, ms % 1000 / 100);
    else if (m < 60)
        snprintf(text_out, size, "%" PRIu64 "m%02" PRIu64 "s", m, s % 60);
    else if (h < 48)
        snprintf(text_out, size, "%" PRIu64 "h%02" PRIu64 "m", h, m % 60);
    else
        snprintf(text_out, size, "%" PRIu64 "d%02" PRIu64 "h", h / 24, h % 24);
}

void
text_bytes(char *text_out, size_t size, uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    if (bytes < 1024) {
        snprintf(text_out, size, "%" PRIu64 "B", bytes);
        return;
    }
    size_t unit = 0;
    double value = (double)bytes / 1024;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    snprintf(text_out, size, "%.*f%s", value < 10 ? 1 : 0, value, units[unit]);
}

void
text_flush(struct buffer *buffer, FILE *file)
{
    if (buffer->size)
        fwrite(buffer->data, 1, buffer->size, file);
    buffer_consume(buffer, buffer->size);
}
