#include "base/text_list.h"

#include <string.h>

bool
text_lists_are_equal(const char *const *left, size_t left_size, const char *const *right,
                     size_t right_size)
{
    if (left_size != right_size)
        return false;
    for (size_t i = 0; i < left_size; i++)
        if (strcmp(left[i], right[i]) != 0)
            return false;
    return true;
}
