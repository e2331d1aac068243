#include "daemon/event_ring.h"

#include <assert.h>

#include "daemon/text_pack.h"

/* The one that may be long last. */
static const size_t texts[] = {
    offsetof(struct airs_event, event),     offsetof(struct airs_event, from),
    offsetof(struct airs_event, state),     offsetof(struct airs_event, reason),
    offsetof(struct airs_event, waits_for), offsetof(struct airs_event, path),
    offsetof(struct airs_event, cause),     offsetof(struct airs_event, detail),
};

/* `message` is not kept: the children's list has it. */
static const struct text_layout layout = {
    sizeof(struct airs_event),
    texts,
    sizeof texts / sizeof texts[0],
    EVENT_TEXT_BYTES_MAX,
};

void
event_ring_stage(struct record_ring *ring, const struct airs_event *event)
{
    struct record_part parts[TEXT_PACK_PARTS_MAX];
    size_t count = text_pack(&layout, event, parts);
    uint64_t number = record_ring_stage(ring, parts, count);
    assert(number == event->seq);
}

void
event_ring_write(struct record_ring *ring, const struct airs_event *event)
{
    event_ring_stage(ring, event);
    record_ring_publish(ring);
}

void
event_ring_decode(const struct buffer *record, struct airs_event *event_out)
{
    text_unpack(&layout, record->data, record->size, event_out);
    event_out->message = NULL;
    event_out->stopped = NULL;
}
