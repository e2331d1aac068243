/* Event record: an event as bytes that later versions can still read.
 *
 * Numbers of 64 bits, least significant byte first, in a fixed order, then the texts with
 * their lengths. A later version appends fields; a reader takes those that it knows.
 */
#ifndef STORE_EVENT_RECORD_H
#define STORE_EVENT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include <airs/application.h>

#define EVENT_RECORD_TEXT_BYTES_MAX ((size_t)12288) /* Texts of one event; what is beyond is cut. */
#define EVENT_RECORD_BYTES_MAX (EVENT_RECORD_TEXT_BYTES_MAX + (size_t)256)

/**
 * Writes `event` into `to`; returns the bytes used. `message` is kept of `exited` alone (the
 * event that follows says the same). Thread: any.  Allocates: no.
 */
size_t event_record_encode(const struct airs_event *event,
                           unsigned char to[EVENT_RECORD_BYTES_MAX]);

/** False: no such record. The texts of *event_out lie in `bytes`. Thread: any. */
bool event_record_decode(const void *bytes, size_t size, struct airs_event *event_out);

#endif
