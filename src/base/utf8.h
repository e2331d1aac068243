/* UTF-8 in bytes that nobody vouches for: guests' output, manifests, messages that were cut.
 *
 * Valid is what RFC 3629 says: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD. */

/**
 * Bytes of the character at the beginning of `text`, or of the broken part that stands there
 * (*valid_out false); at least 1. `size` ≥ 1. Thread: any.
 */
size_t utf8_scan(const char *text, size_t size, bool *valid_out);

/** Bytes of the character that `text` begins with, 1 to 4; 0 when it is none. `size` ≥ 1. */
size_t utf8_character_size(const char *text, size_t size);

/** Bytes of `text` before the first that is not UTF-8; `size` when all are. */
size_t utf8_valid_size(const char *text, size_t size);

/** `size`, or less when the last character of these bytes is cut short: what is before it. */
size_t utf8_whole_size(const char *text, size_t size);

/**
 * Appends `size` bytes of `text`, each maximal broken part replaced by U+FFFD. False: out of
 * memory; what was appended so far stays. Thread: any.
 */
bool utf8_repair(struct buffer *to, const char *text, size_t size);

#endif
