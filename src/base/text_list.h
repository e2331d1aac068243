/* Text list: texts in an order that counts, as args and paths are. */
#ifndef BASE_TEXT_LIST_H
#define BASE_TEXT_LIST_H

#include <stdbool.h>
#include <stddef.h>

/** Whether both have the same texts in the same order. NULL is allowed of size 0. Thread: any. */
bool text_lists_are_equal(const char *const *left, size_t left_size, const char *const *right,
                          size_t right_size);

#endif
