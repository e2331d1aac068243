/* UTF-8 that is certain to be valid, for text that came from a guest. */
#ifndef DAEMON_UTF8_H
#define DAEMON_UTF8_H

#include "base/buffer.h"

/**
 * Appends `size` bytes of `text`, each maximal broken part replaced by U+FFFD. False: out of
 * memory; what was appended so far stays. Thread: any.
 */
bool utf8_repair(struct buffer *to, const char *text, size_t size);

/** Bytes of the valid character that `text` starts with; 0: there is none. `size` ≥ 1. */
size_t utf8_character(const char *text, size_t size);

#endif
