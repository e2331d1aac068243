/* Event ring: an event is its struct and its texts, one NUL-terminated after the other. */
#include "daemon/event_ring.h"

#include <assert.h>
#include <string.h>

#define TEXTS 8

/* The text members, the one that may be long last. */
static const size_t text_members[TEXTS] = {
    offsetof(struct airs_event, event),  offsetof(struct airs_event, from),
    offsetof(struct airs_event, state),  offsetof(struct airs_event, reason),
    offsetof(struct airs_event, waits_for), offsetof(struct airs_event, path),
    offsetof(struct airs_event, cause),  offsetof(struct airs_event, detail),
};

static const char **
text_of(struct airs_event *event, size_t i)
{
    return (const char **)(void *)((char *)event + text_members[i]);
}

/* The longest beginning of `text` of at most `size` bytes that does not end inside a character. */
static size_t
cut(const char *text, size_t size)
{
    size_t length = strnlen(text, size + 1);
    if (length <= size)
        return length;
    while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
        size--;
    return size;
}

void
event_ring_write(struct record_ring *ring, const struct airs_event *event)
{
    struct airs_event copy = *event;
    struct record_part parts[1 + 2 * TEXTS] = { { &copy, sizeof copy } };
    size_t count = 1;
    size_t left = EVENT_TEXT_BYTES_MAX;
    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = *text_of(&copy, i);
        if (!text)
            continue;
        size_t size = cut(text, left - 1);
        parts[count++] = (struct record_part){ text, size };
        parts[count++] = (struct record_part){ "", 1 };
        left -= size + 1;
        if (left == 0)
            left = 1;
    }
    uint64_t number = record_ring_write(ring, parts, count);
    assert(number == event->seq);
}

void
event_ring_decode(const struct buffer *record, struct airs_event *event_out)
{
    assert(record->size >= sizeof *event_out);

    /* In the copy a member that is not NULL only says that its text follows. */
    memcpy(event_out, record->data, sizeof *event_out);
    const char *text = record->data + sizeof *event_out;
    for (size_t i = 0; i < TEXTS; i++) {
        const char **member = text_of(event_out, i);
        if (!*member)
            continue;
        *member = text;
        text += strlen(text) + 1;
    }
    assert(text <= record->data + record->size);
}
