/* UTF-8: where text stops being it. */
#ifndef MANIFEST_UTF8_H
#define MANIFEST_UTF8_H

#include <stddef.h>

/** Bytes of the character that `text` begins with, 1 to 4; 0 when it is none. `size` ≥ 1. */
size_t utf8_character_size(const char *text, size_t size);

/** Bytes of `text` before the first that is not UTF-8; `size` when all are. */
size_t utf8_valid_size(const char *text, size_t size);

#endif
