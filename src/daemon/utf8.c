/* UTF-8 after RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
#include "daemon/utf8.h"

#include <stdint.h>

#define REPLACEMENT "\xEF\xBF\xBD"

/* Length that a first byte announces, and the range of the second byte; 0: no first byte. */
static size_t
announced(unsigned char first, unsigned char *low_out, unsigned char *high_out)
{
    *low_out = 0x80;
    *high_out = 0xBF;
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF) {
        if (first == 0xE0)
            *low_out = 0xA0;
        if (first == 0xED)
            *high_out = 0x9F;
        return 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (first == 0xF0)
            *low_out = 0x90;
        if (first == 0xF4)
            *high_out = 0x8F;
        return 4;
    }
    return 0;
}

size_t
utf8_scan(const char *text, size_t size, bool *valid_out)
{
    unsigned char low, high;
    size_t length = announced((unsigned char)text[0], &low, &high);
    size_t i = 1;
    while (i < length && i < size) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < low || byte > high)
            break;
        low = 0x80;
        high = 0xBF;
        i++;
    }
    *valid_out = length > 0 && i == length;
    return i;
}

bool
utf8_repair(struct buffer *to, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        bool valid;
        size_t length = utf8_scan(text + at, size - at, &valid);
        bool done = valid ? buffer_append(to, text + at, length)
                          : buffer_append(to, REPLACEMENT, sizeof REPLACEMENT - 1);
        if (!done)
            return false;
        at += length;
    }
    return true;
}
