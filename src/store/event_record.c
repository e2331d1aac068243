#include "store/event_record.h"

#include <stdint.h>
#include <string.h>

#define NUMBERS 14u
#define NUMBERS_LEAST 13u /* Of an earlier version: without intensity_allowed. */
#define NUMBERS_MAX 64u   /* Of a later version: more is no record. */
#define TEXTS 10u
#define FLAG_BUDGET 1u
#define FLAG_READY 2u

static const size_t texts[TEXTS] = {
    offsetof(struct airs_event, path),      offsetof(struct airs_event, event),
    offsetof(struct airs_event, from),      offsetof(struct airs_event, state),
    offsetof(struct airs_event, reason),    offsetof(struct airs_event, stopped),
    offsetof(struct airs_event, waits_for), offsetof(struct airs_event, cause),
    offsetof(struct airs_event, detail),    offsetof(struct airs_event, message),
};

static unsigned char *
put(unsigned char *to, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (unsigned char)(number >> 8 * i);
    return to + bytes;
}

static uint64_t
get(const unsigned char *from, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)from[i] << 8 * i;
    return number;
}

/* The longest beginning of `text` in `size` bytes that does not end inside a character. */
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

size_t
event_record_encode(const struct airs_event *event, unsigned char to[EVENT_RECORD_BYTES_MAX])
{
    const uint64_t numbers[NUMBERS] = {
        event->seq,
        event->time_us,
        event->generation,
        event->delay_us,
        event->restarts,
        (uint64_t)event->budget_allowed << 32 | event->budget_used,
        event->attempt,
        event->lived_us,
        event->born_lived_us,
        event->uptime_us,
        event->memory_bytes,
        (uint32_t)event->exit_code,
        (event->has_budget ? FLAG_BUDGET : 0u) | (event->ready ? FLAG_READY : 0u),
        event->intensity_allowed,
    };
    unsigned char *at = to;
    *at++ = NUMBERS;
    *at++ = TEXTS;
    for (unsigned i = 0; i < NUMBERS; i++)
        at = put(at, numbers[i], 8);

    bool is_exit = event->event && strcmp(event->event, "exited") == 0;
    size_t left = EVENT_RECORD_TEXT_BYTES_MAX;
    for (unsigned i = 0; i < TEXTS; i++) {
        const char *text;
        memcpy(&text, (const char *)event + texts[i], sizeof text);
        if (!text || (texts[i] == offsetof(struct airs_event, message) && !is_exit)) {
            at = put(at, 0, 2);
            continue;
        }
        size_t size = cut(text, left);
        at = put(at, size + 1, 2); /* With its NUL; 0 is no text. */
        memcpy(at, text, size);
        at[size] = '\0';
        at += size + 1;
        left -= size;
    }
    return (size_t)(at - to);
}

/* The texts from `at` on; NULL: they do not lie inside `end`. */
static bool
decode_texts(const unsigned char *at, const unsigned char *end, unsigned count,
             struct airs_event *event)
{
    for (unsigned i = 0; i < count; i++) {
        if (end - at < 2)
            return false;
        size_t size = (size_t)get(at, 2);
        at += 2;
        if (size == 0)
            continue;
        if ((size_t)(end - at) < size || at[size - 1] != '\0')
            return false;
        const char *text = (const char *)at;
        if (i < TEXTS)
            memcpy((char *)event + texts[i], &text, sizeof text);
        at += size;
    }
    return true;
}

bool
event_record_decode(const void *bytes, size_t size, struct airs_event *event_out)
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + size;
    if (size < 2)
        return false;
    unsigned numbers_count = *at++;
    unsigned texts_count = *at++;
    if (numbers_count < NUMBERS_LEAST || numbers_count > NUMBERS_MAX || texts_count < TEXTS ||
        (size_t)(end - at) < numbers_count * 8u)
        return false;
    uint64_t numbers[NUMBERS] = { [NUMBERS - 1] = AIRS_UNLIMITED };
    for (unsigned i = 0; i < NUMBERS && i < numbers_count; i++)
        numbers[i] = get(at + 8 * (size_t)i, 8);
    at += 8 * (size_t)numbers_count;

    struct airs_event event = {
        .seq = numbers[0],
        .time_us = numbers[1],
        .generation = numbers[2],
        .delay_us = numbers[3],
        .restarts = numbers[4],
        .budget_used = (uint32_t)numbers[5],
        .budget_allowed = (uint32_t)(numbers[5] >> 32),
        .attempt = numbers[6],
        .lived_us = numbers[7],
        .born_lived_us = numbers[8],
        .uptime_us = numbers[9],
        .memory_bytes = numbers[10],
        .exit_code = (int32_t)(uint32_t)numbers[11],
        .has_budget = (numbers[12] & FLAG_BUDGET) != 0,
        .ready = (numbers[12] & FLAG_READY) != 0,
        .intensity_allowed = (uint32_t)numbers[13],
    };
    if (!decode_texts(at, end, texts_count, &event) || !event.event)
        return false;
    *event_out = event;
    return true;
}
