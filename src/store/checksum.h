/* Checksum: CRC-32 as in IEEE 802.3, for records that a death may have cut short. */
#ifndef STORE_CHECKSUM_H
#define STORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/** Goes on from `checksum` (0 at first) over `size` more bytes. Thread: any. */
uint32_t checksum_add(uint32_t checksum, const void *bytes, size_t size);

#endif
