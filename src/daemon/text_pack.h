/* Text pack: a struct and the texts that it points to, as one run of bytes.
 *
 * Packed, a text member that is not NULL says that its text follows, NUL-terminated, in the
 * order of the layout. So values with borrowed texts can be kept without allocating each.
 */
#ifndef DAEMON_TEXT_PACK_H
#define DAEMON_TEXT_PACK_H

#include <stddef.h>

#include "daemon/record_ring.h"

#define TEXT_PACK_TEXTS_MAX 12

struct text_layout {
    size_t size;           /* Of the struct. */
    const size_t *texts;   /* Offsets of its members of type const char *. */
    size_t count;          /* At most TEXT_PACK_TEXTS_MAX. */
    size_t text_bytes_max; /* Of all texts; what is beyond is cut between characters. */
};

#define TEXT_PACK_PARTS_MAX (1 + 2 * TEXT_PACK_TEXTS_MAX)

/** The pieces of `value`, which they borrow; returns how many. Allocates: no. */
size_t text_pack(const struct text_layout *layout, const void *value,
                 struct record_part parts[TEXT_PACK_PARTS_MAX]);

/** Copies the struct at `bytes` into *value_out, its texts pointing into `bytes`; returns the
 * bytes that were used. `bytes` came from text_pack and need not be aligned. */
size_t text_unpack(const struct text_layout *layout, const char *bytes, size_t size,
                   void *value_out);

#endif
