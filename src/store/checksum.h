/* Checksum: tells a record from what a death or a bad disk made of it; no defence against people. */
#ifndef STORE_CHECKSUM_H
#define STORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/** Goes on from `checksum` (0 at first) over `size` more bytes; pieces of other sizes give
 * another sum. Thread: any. */
uint32_t checksum_add(uint32_t checksum, const void *bytes, size_t size);

#endif
