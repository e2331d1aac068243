#include "base/refstr.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct refstr *
refstr_new(const char *text, size_t size)
{
    struct refstr *string = malloc(sizeof *string + size + 1);
    if (!string)
        return NULL;
    atomic_init(&string->references, 1);
    string->size = size;
    if (size > 0)
        memcpy(string->text, text, size);
    string->text[size] = '\0';
    return string;
}

struct refstr *
refstr_ref(struct refstr *string)
{
    if (string)
        atomic_fetch_add_explicit(&string->references, 1, memory_order_relaxed);
    return string;
}

void
refstr_unref(struct refstr *string)
{
    if (!string)
        return;
    unsigned before = atomic_fetch_sub_explicit(&string->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        free(string);
}
