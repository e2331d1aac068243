/* Event ring: the latest events of the application, copied where they happen, read later. */
#ifndef DAEMON_EVENT_RING_H
#define DAEMON_EVENT_RING_H

#include <airs/application.h>

#include "daemon/record_ring.h"

#define EVENTS_KEPT_MAX 65536u              /* Events kept for readers; older ones give way. */
#define EVENT_BYTES_MAX ((size_t)16 << 20)  /* Memory for them; the fewer of the two counts. */
#define EVENT_TEXT_BYTES_MAX ((size_t)8192) /* Texts of one event in all; the detail is cut. */

/**
 * Copies `event` into `ring`, whose record numbers are the events' seq. What does not fit
 * into EVENT_TEXT_BYTES_MAX is cut. Thread: that of the event callback.  Allocates: no.
 */
void event_ring_write(struct record_ring *ring, const struct airs_event *event);
/** The same; readers see it from record_ring_publish() on. */
void event_ring_stage(struct record_ring *ring, const struct airs_event *event);

/** The event in a record; its texts lie in `record`. Thread: any. */
void event_ring_decode(const struct buffer *record, struct airs_event *event_out);

#endif
