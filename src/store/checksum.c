/* Eight bytes a step, each mixed by one multiplication: it runs inside somebody's restart. */
#include "store/checksum.h"

#include <string.h>

static uint64_t
mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return sum ^ sum >> 29;
}

uint32_t
checksum_add(uint32_t checksum, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t sum = mix(checksum, size);
    uint64_t word = 0;
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        sum = mix(sum, word);
    }
    word = 0;
    memcpy(&word, at, size);
    sum = mix(sum, word);
    return (uint32_t)(sum ^ sum >> 32);
}
