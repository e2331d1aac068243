#include "manifest/utf8.h"

#include <stdint.h>

/* Length by the first byte; 0 of one that begins no character. */
static size_t
length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2)
        return 0;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0)
        return 3;
    return first < 0xf5 ? 4 : 0;
}

size_t
utf8_character_size(const char *text, size_t size)
{
    unsigned char first = (unsigned char)text[0];
    size_t length = length_of(first);

    if (length <= 1)
        return length;
    if (length > size)
        return 0;
    uint32_t point = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (byte & 0x3fu);
    }
    /* Overlong forms, surrogates, and what lies past the last code point. */
    if ((length == 3 && point < 0x800) || (length == 4 && (point < 0x10000 || point > 0x10ffff)) ||
        (point >= 0xd800 && point <= 0xdfff))
        return 0;
    return length;
}

size_t
utf8_valid_size(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t length = utf8_character_size(text + at, size - at);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}
