#include "base/utf8.h"

#define CHARACTER_BYTES_MAX 4

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

size_t
utf8_character_size(const char *text, size_t size)
{
    bool valid;
    size_t length = utf8_scan(text, size, &valid);
    return valid ? length : 0;
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

size_t
utf8_whole_size(const char *text, size_t size)
{
    for (size_t back = 1; back < CHARACTER_BYTES_MAX && back <= size; back++) {
        unsigned char byte = (unsigned char)text[size - back], low, high;
        if ((byte & 0xC0) != 0x80)
            return announced(byte, &low, &high) > back ? size - back : size;
    }
    return size;
}

bool
utf8_repair(struct buffer *to, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        bool valid;
        size_t length = utf8_scan(text + at, size - at, &valid);
        bool done =
            valid ? buffer_append(to, text + at, length) : buffer_append_text(to, UTF8_REPLACEMENT);
        if (!done)
            return false;
        at += length;
    }
    return true;
}
