/* UTF-8 that is certain to be valid, for text that came from a guest. */
#ifndef DAEMON_UTF8_H
#define DAEMON_UTF8_H

#include "base/buffer.h"

/**
 * Appends `size` bytes of `text`, each maximal broken part replaced by U+FFFD. False: out of
 * memory; what was appended so far stays. Thread: any.
 */
bool utf8_repair(struct buffer *to, const char *text, size_t size);

/**
 * Bytes of the character at the beginning of `text`, or of the broken part that stands there
 * (*valid_out false); at least 1. `size` ≥ 1. Thread: any.
 */
size_t utf8_scan(const char *text, size_t size, bool *valid_out);

#endif
